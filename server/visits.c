#include "server/visits.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"

struct visit {
	struct visit *next, **link; /* `link` points here */
	int socket;
	int64_t until_ms;
};

struct visits {
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t end;
	bool has_ended;
	struct visit *first;
	pthread_t thread;
};

/* -- the thread --------------------------------------------------------------------------------- */

static void shut_late(struct visits *held, int64_t now_ms)
{
	for (struct visit *visit = held->first; visit; visit = visit->next) {
		if (visit->until_ms >= now_ms)
			continue;
		log_debug("a connection has taken too long for its request");
		(void)shutdown(visit->socket, SHUT_RDWR);
		visit->until_ms = VISIT_FOR_EVER;
	}
}

static void *run(void *context)
{
	struct visits *visits = context;

	(void)pthread_mutex_lock(&visits->lock);
	while (!visits->has_ended) {
		shut_late(visits, clock_boot_ms());
		const struct timespec next = condition_in_ms(MS_PER_SECOND);
		(void)pthread_cond_timedwait(&visits->end, &visits->lock, &next);
	}
	(void)pthread_mutex_unlock(&visits->lock);
	return NULL;
}

enum fault visits_new(struct visits **ret_visits, struct why *why)
{
	struct visits *visits = calloc(1, sizeof *visits);

	if (!visits)
		return why_set(why, FAULT_MEMORY, "no memory for connections");
	(void)pthread_mutex_init(&visits->lock, NULL);
	condition_init(&visits->end);
	if (pthread_create(&visits->thread, NULL, run, visits) != 0) {
		free(visits);
		return why_set(why, FAULT_MEMORY, "no thread that looks after connections");
	}
	*ret_visits = visits;
	return FAULT_NONE;
}

void visits_free(struct visits *visits)
{
	if (!visits)
		return;
	(void)pthread_mutex_lock(&visits->lock);
	visits->has_ended = true;
	(void)pthread_cond_signal(&visits->end);
	(void)pthread_mutex_unlock(&visits->lock);
	(void)pthread_join(visits->thread, NULL);
	(void)pthread_cond_destroy(&visits->end);
	(void)pthread_mutex_destroy(&visits->lock);
	free(visits);
}

/* -- visits --------------------------------------------------------------------------------------- */

struct visit *visit_begin(struct visits *visits, int socket, int64_t until_ms)
{
	struct visit *visit = calloc(1, sizeof *visit);

	if (!visit)
		return NULL;
	visit->socket = socket;
	visit->until_ms = until_ms;
	(void)pthread_mutex_lock(&visits->lock);
	visit->next = visits->first;
	visit->link = &visits->first;
	if (visit->next)
		visit->next->link = &visit->next;
	visits->first = visit;
	(void)pthread_mutex_unlock(&visits->lock);
	return visit;
}

void visit_may_last(struct visits *visits, struct visit *visit, int64_t until_ms)
{
	if (!visit)
		return;
	(void)pthread_mutex_lock(&visits->lock);
	visit->until_ms = until_ms;
	(void)pthread_mutex_unlock(&visits->lock);
}

void visit_end(struct visits *visits, struct visit *visit)
{
	if (!visit)
		return;
	(void)pthread_mutex_lock(&visits->lock);
	*visit->link = visit->next;
	if (visit->next)
		visit->next->link = visit->link;
	(void)pthread_mutex_unlock(&visits->lock);
	free(visit);
}
