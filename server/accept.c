#include "server/accept.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define PAUSE_NS 50000000

struct accepting {
	int listening;
	int stop; /* an eventfd */
	accept_give *give;
	void *context;
	pthread_t thread;
};

static void pause_for_want(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	log_warning("no connection can be accepted: %s", strerror(errno));
	(void)nanosleep(&pause, NULL);
}

/* A connection that has gone again meanwhile is no failure of ours. */
static void accept_one(struct accepting *accepting)
{
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof peer;
	int fd = accept4(accepting->listening, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		accepting->give(accepting->context, fd, (const struct sockaddr *)&peer, size);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		pause_for_want();
}

static void *run(void *context)
{
	struct accepting *accepting = context;
	struct pollfd fds[] = {{.fd = accepting->listening, .events = POLLIN},
			       {.fd = accepting->stop, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents)
			accept_one(accepting);
	}
}

static void accepting_free(struct accepting *accepting)
{
	if (!accepting)
		return;
	file_close(accepting->listening);
	file_close(accepting->stop);
	free(accepting);
}
AUTO_POINTER(struct accepting *, accepting_free);

enum fault accept_start(int listening, accept_give *give, void *context, struct accepting **ret_accepting,
			struct why *why)
{
	AUTO(accepting_free) struct accepting *accepting = calloc(1, sizeof *accepting);

	if (!accepting) {
		file_close(listening);
		return why_set(why, FAULT_MEMORY, "no memory for a listener");
	}
	*accepting = (struct accepting){
		.listening = listening, .stop = eventfd(0, EFD_CLOEXEC), .give = give, .context = context};
	if (accepting->stop < 0)
		return why_system(why, "cannot make an eventfd");
	if (pthread_create(&accepting->thread, NULL, run, accepting) != 0)
		return why_set(why, FAULT_MEMORY, "no thread that accepts connections");
	*ret_accepting = TAKE(accepting);
	return FAULT_NONE;
}

void accept_stop(struct accepting *accepting)
{
	const uint64_t one = 1;

	if (!accepting)
		return;
	(void)!write(accepting->stop, &one, sizeof one);
	(void)pthread_join(accepting->thread, NULL);
	accepting_free(accepting);
}
