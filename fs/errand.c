#include "fs/errand.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/completion.h"
#include "fs/forgetting.h"
#include "fs/rotation.h"
#include "fs/strangers.h"

#define SETTLE_PAUSE_MS 10000

enum errand_kind { ERRAND_CLOSED, ERRAND_OPENED, ERRAND_READ, ERRAND_SETTLED, ERRAND_ROTATE, ERRAND_STRANGERS };

struct errand {
	struct errand *next;
	enum errand_kind kind;
	struct folder *folder; /* reference, for CLOSED, OPENED, READ and STRANGERS */
	struct member_id group; /* for ROTATE */
};

struct errands {
	struct tree *tree;
	pthread_t thread;
	int event; /* an errand, or the end */
	int timer; /* the next lease that runs out */
	pthread_mutex_t mutex; /* what follows */
	struct errand *first, **last;
	atomic_bool ending;
};

/* -- the queue ---------------------------------------------------------------------------------- */

static void wake(const struct errands *errands)
{
	const uint64_t one = 1;

	(void)!write(errands->event, &one, sizeof(one));
}

static void add(struct errands *errands, const struct errand *wanted)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return;
	*errand = *wanted;
	(void)folder_ref(errand->folder);
	(void)pthread_mutex_lock(&errands->mutex);
	*errands->last = errand;
	errands->last = &errand->next;
	(void)pthread_mutex_unlock(&errands->mutex);
	wake(errands);
}

static struct errand *take_all(struct errands *errands)
{
	(void)pthread_mutex_lock(&errands->mutex);
	struct errand *list = errands->first;
	errands->first = NULL;
	errands->last = &errands->first;
	(void)pthread_mutex_unlock(&errands->mutex);
	return list;
}

static void errand_free(struct errand *errand)
{
	folder_unref(errand->folder);
	free(errand);
}

/* -- what is done --------------------------------------------------------------------------------- */

/* All at once, in one walk: a lease may end for many folders. */
static void close_folders(struct errands *errands, const struct errand *list)
{
	size_t count = 0, room = 0;

	for (const struct errand *errand = list; errand; errand = errand->next)
		room += errand->kind == ERRAND_CLOSED;
	AUTO(free) struct folder **folders = room ? calloc(room, sizeof(struct folder *)) : NULL;
	for (const struct errand *errand = list; folders && errand; errand = errand->next)
		if (errand->kind == ERRAND_CLOSED)
			folders[count++] = errand->folder;
	if (count > 0)
		forget_folders(errands->tree, folders, count);
}

static void settle(struct folder *folder)
{
	struct why why = WHY_NONE;
	size_t count;
	enum fault fault = strangers_settle_folder(folder, false, &count, &why);

	if (fault == FAULT_PARTIAL)
		log_warning("%s", why_text(&why, fault));
	folder_set_settled(folder, clock_boot_ms() + (fault || count == 0 ? SETTLE_PAUSE_MS : 0));
}

static void do_errand(struct errands *errands, const struct errand *errand)
{
	struct share *share = errands->tree->share;

	switch (errand->kind) {
	case ERRAND_CLOSED:
		break;
	case ERRAND_OPENED:
		errand_replay(share);
		break;
	case ERRAND_READ:
		complete_folder(errand->folder);
		break;
	case ERRAND_SETTLED:
		folder_ask_again(share);
		complete_folders(share);
		break;
	case ERRAND_ROTATE:
		rotate_folders(share, &errand->group);
		break;
	case ERRAND_STRANGERS:
		settle(errand->folder);
		break;
	}
}

static void do_all(struct errands *errands)
{
	struct errand *list = take_all(errands);

	close_folders(errands, list);
	while (list) {
		struct errand *errand = list;
		list = errand->next;
		if (!atomic_load(&errands->ending))
			do_errand(errands, errand);
		errand_free(errand);
	}
}

/* -- the thread --------------------------------------------------------------------------------- */

/* By boot time, which goes on while the machine sleeps. A time that has passed rings at once. */
static void set_timer(const struct errands *errands)
{
	int64_t end = folder_next_end(errands->tree->share);
	struct itimerspec at = {.it_value = {0, 0}};

	if (end != INT64_MAX) {
		at.it_value.tv_sec = end / MS_PER_SECOND;
		at.it_value.tv_nsec = end % MS_PER_SECOND * 1000000L + 1;
	}
	(void)timerfd_settime(errands->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void *run(void *context)
{
	struct errands *errands = context;
	struct pollfd both[2] = {{.fd = errands->event, .events = POLLIN},
				 {.fd = errands->timer, .events = POLLIN}};
	uint64_t count;

	while (!atomic_load(&errands->ending)) {
		set_timer(errands);
		(void)poll(both, 2, -1);
		(void)!read(errands->event, &count, sizeof(count));
		folder_end_leases(errands->tree->share);
		do_all(errands);
	}
	do_all(errands);
	return NULL;
}

static void folder_has_changed(void *context, struct folder *folder, bool open)
{
	add(context, &(struct errand){.kind = open ? ERRAND_OPENED : ERRAND_CLOSED, .folder = folder});
}

static void folder_was_read(void *context, struct folder *folder)
{
	add(context, &(struct errand){.kind = ERRAND_READ, .folder = folder});
}

void errands_settled(struct errands *errands)
{
	add(errands, &(struct errand){.kind = ERRAND_SETTLED});
}

void errands_rotate(struct errands *errands, const struct member_id *group)
{
	add(errands, &(struct errand){.kind = ERRAND_ROTATE, .group = *group});
}

void errands_settle_strangers(struct errands *errands, struct folder *folder)
{
	if (errands && folder_may_settle(folder, clock_boot_ms()))
		add(errands, &(struct errand){.kind = ERRAND_STRANGERS, .folder = folder});
}

static void errands_free(struct errands *errands)
{
	(void)pthread_mutex_destroy(&errands->mutex);
	file_close(errands->event);
	file_close(errands->timer);
	free(errands);
}

enum fault errands_start(struct tree *tree, struct errands **ret_errands, struct why *why)
{
	struct errands *errands = calloc(1, sizeof(*errands));

	if (!errands)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	errands->tree = tree;
	errands->last = &errands->first;
	(void)pthread_mutex_init(&errands->mutex, NULL);
	errands->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errands->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (errands->event < 0 || errands->timer < 0 ||
	    pthread_create(&errands->thread, NULL, run, errands) != 0) {
		errands_free(errands);
		return why_set(why, FAULT_MEMORY, "no thread for a mount");
	}
	folder_on_change(tree->share, folder_has_changed, folder_was_read, errands);
	errands_settled(errands); /* folders that were met before anybody listened */
	*ret_errands = errands;
	return FAULT_NONE;
}

void errands_stop(struct errands *errands)
{
	if (!errands)
		return;
	folder_on_change(errands->tree->share, NULL, NULL, NULL);
	atomic_store(&errands->ending, true);
	wake(errands);
	(void)pthread_join(errands->thread, NULL);
	do_all(errands);
	errands_free(errands);
}
