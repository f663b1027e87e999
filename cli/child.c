#include "cli/child.h"

#include "base/file.h"
#include "base/secret.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads to the end, so that the program never waits for us; keeps what there is room for. */
static enum fault drain(int fd, uint8_t *output, size_t room, size_t *ret_size, struct why *why)
{
	uint8_t rest[512];
	size_t size = 0;
	ssize_t got;

	do {
		bool full = size == room;

		got = full ? read(fd, rest, sizeof(rest)) : read(fd, output + size, room - size);
		if (got > 0 && !full)
			size += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	secret_wipe(rest, sizeof(rest));
	*ret_size = size;
	return got < 0 ? why_system(why, "cannot read from a program") : FAULT_NONE;
}

static enum fault ended(const char *program, pid_t pid, struct why *why)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return why_system(why, "cannot wait for '%s'", program);
	}
	if (WIFSIGNALED(status))
		return why_set(why, FAULT_FAILED, "'%s' was ended by signal %d", program, WTERMSIG(status));
	if (WEXITSTATUS(status))
		return why_set(why, FAULT_FAILED, "'%s' ended with status %d", program, WEXITSTATUS(status));
	return FAULT_NONE;
}

static enum fault start(const char *const *argv, int fd, enum child_stream stream, pid_t *ret_pid,
			struct why *why)
{
	posix_spawn_file_actions_t actions;
	int error;

	if (posix_spawn_file_actions_init(&actions))
		return why_set(why, FAULT_MEMORY, "no memory to start '%s'", argv[0]);
	error = posix_spawn_file_actions_adddup2(&actions, fd, (int)stream);
	if (!error)
		error = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (error == ENOENT)
		return why_set(why, FAULT_MISSING, "there is no program '%s'", argv[0]);
	errno = error;
	return error ? why_system(why, "cannot start '%s'", argv[0]) : FAULT_NONE;
}

enum fault child_run(const char *const *argv, enum child_stream stream, void *output, size_t room,
		     size_t *ret_size, struct why *why)
{
	AUTO(file_close) int from = -1;
	AUTO(file_close) int to = -1;
	enum fault fault, end;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return why_system(why, "cannot make a pipe");
	from = ends[0];
	to = ends[1];
	fault = start(argv, to, stream, &pid, why);
	if (fault)
		return fault;
	file_close(to);
	to = -1;
	fault = drain(from, output, room, ret_size, why);
	end = ended(argv[0], pid, fault ? NULL : why);
	return fault ? fault : end;
}

bool child_exists(const char *program)
{
	const char *path = getenv("PATH");
	char place[PATH_MAX];

	while (path && *path) {
		size_t length = strcspn(path, ":");
		int size = snprintf(place, sizeof(place), "%.*s/%s", (int)length, path, program);

		if (length && size > 0 && (size_t)size < sizeof(place) && access(place, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}
