#include "fs/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/loop.h"

#define IDLE_PAUSE_SECONDS 5
#define MS_PER_MINUTE (60 * MS_PER_SECOND)

struct watch {
	struct tree *tree;
	const char *directory;
	pthread_t thread;
	sigset_t before;
	atomic_bool ending;
};

static sigset_t watched_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	return set;
}

static void write_back(const struct watch *watch)
{
	if (!watch->tree->options->writeback)
		return;
	AUTO(file_close) int fd = open(watch->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) != 0)
		log_error("what programs wrote last may be lost: %s", strerror(errno));
}

/* -- idle --------------------------------------------------------------------------------------- */

static bool is_idle(const struct watch *watch)
{
	int64_t limit = (int64_t)watch->tree->options->idle_minutes * MS_PER_MINUTE;

	return limit > 0 && clock_boot_ms() - watch->tree->used_ms >= limit;
}

/* Only root may unmount by himself; others ask fusermount3. Neither does while the mount is in use. */
static void try_unmount(const struct watch *watch)
{
	const char *const arguments[] = {"fusermount3", "-u", "-q", "--", watch->directory, NULL};
	const char *const environment[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL};
	pid_t child;
	int status;

	if (umount2(watch->directory, UMOUNT_NOFOLLOW) == 0 || errno != EPERM)
		return;
	if (posix_spawnp(&child, arguments[0], NULL, NULL, (char *const *)(uintptr_t)arguments,
			 (char *const *)(uintptr_t)environment) == 0)
		(void)waitpid(child, &status, 0);
}

static void *run(void *context)
{
	struct watch *watch = context;
	const sigset_t set = watched_signals();
	const struct timespec pause = {.tv_sec = IDLE_PAUSE_SECONDS};

	for (;;) {
		int signal = watch->tree->options->idle_minutes > 0 ? sigtimedwait(&set, NULL, &pause)
								    : sigwaitinfo(&set, NULL);
		if (atomic_load(&watch->ending))
			return NULL;
		if (signal > 0) {
			write_back(watch);
			loop_end(watch->tree->loop);
			return NULL;
		}
		if (is_idle(watch))
			try_unmount(watch);
	}
}

enum fault watch_start(struct tree *tree, const char *directory, struct watch **ret_watch, struct why *why)
{
	const sigset_t set = watched_signals();
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	watch->tree = tree;
	watch->directory = directory;
	(void)pthread_sigmask(SIG_BLOCK, &set, &watch->before);
	if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
		(void)pthread_sigmask(SIG_SETMASK, &watch->before, NULL);
		free(watch);
		return why_set(why, FAULT_MEMORY, "no thread for a mount");
	}
	*ret_watch = watch;
	return FAULT_NONE;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	atomic_store(&watch->ending, true);
	(void)pthread_kill(watch->thread, SIGTERM);
	(void)pthread_join(watch->thread, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &watch->before, NULL);
	free(watch);
}
