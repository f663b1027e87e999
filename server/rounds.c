#include "server/rounds.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "server/leavers.h"

struct pair {
	struct member_id account, group;
};

struct rounds {
	struct server *server;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;
	struct pair *pairs; /* of this pass; [next] is looked at next */
	size_t count, room, next;
};

static enum fault add_pair(void *context, const struct member_id *account, const struct member_id *group,
			   struct why *why)
{
	struct rounds *rounds = context;

	if (rounds->count == rounds->room) {
		size_t room = rounds->room ? 2 * rounds->room : 64;
		struct pair *pairs = reallocarray(rounds->pairs, room, sizeof *pairs);
		if (!pairs)
			return why_set(why, FAULT_MEMORY, "no memory for those who unlocked something");
		rounds->pairs = pairs;
		rounds->room = room;
	}
	rounds->pairs[rounds->count++] = (struct pair){*account, *group};
	return FAULT_NONE;
}

/* The list is copied: a look-up may take seconds, in which the store must not be kept in a walk. */
static enum fault begin_pass(struct rounds *rounds, struct why *why)
{
	free(rounds->pairs);
	rounds->pairs = NULL;
	rounds->count = rounds->room = rounds->next = 0;
	return store_unlocked(rounds->server->home->store, add_pair, rounds, why);
}

static bool is_stopping(struct rounds *rounds)
{
	(void)pthread_mutex_lock(&rounds->lock);
	bool stopping = rounds->stopping;
	(void)pthread_mutex_unlock(&rounds->lock);
	return stopping;
}

/* false: the directory does not say. */
static bool look(struct rounds *rounds, const struct pair *pair, struct why *why)
{
	struct server *server = rounds->server;
	AUTO(question_end) struct question question = question_begin(server->membership);
	struct directory_proof proof;

	switch (directory_is_member(question.directory, &pair->account, &pair->group, question.deadline,
				    &proof, why)) {
	case DIRECTORY_YES:
		return true;
	case DIRECTORY_UNKNOWN:
		return false;
	case DIRECTORY_NO:
		break;
	}
	if (leavers_note(server, &pair->account, "", &pair->group, &proof, why))
		log_error("somebody who left a group could not be counted: %s", why_text(why, FAULT_FAILED));
	return true;
}

static void go_round(struct rounds *rounds)
{
	struct why why = WHY_NONE;

	if (rounds->next == rounds->count && begin_pass(rounds, &why)) {
		log_error("who unlocked something cannot be read: %s", why_text(&why, FAULT_KEYRING_READ));
		return;
	}
	for (size_t done = 0; done < ROUND_LOOKUPS && rounds->next < rounds->count; done++) {
		if (is_stopping(rounds) || !look(rounds, &rounds->pairs[rounds->next], &why))
			return;
		rounds->next++;
	}
}

static void check_directory(struct rounds *rounds)
{
	AUTO(question_end) struct question question = question_begin(rounds->server->membership);

	if (directory_check(question.directory, clock_boot_ms() + QUESTION_MS, NULL) == DIRECTORY_YES)
		(void)health_is_ready(rounds->server, NULL);
}

static bool wait_for_next(struct rounds *rounds)
{
	const struct timespec until = condition_in_ms(ROUND_MS);

	(void)pthread_mutex_lock(&rounds->lock);
	while (!rounds->stopping && pthread_cond_timedwait(&rounds->stop, &rounds->lock, &until) == 0)
		continue;
	bool go_on = !rounds->stopping;
	(void)pthread_mutex_unlock(&rounds->lock);
	return go_on;
}

static void *run(void *context)
{
	struct rounds *rounds = context;

	do {
		check_directory(rounds);
		go_round(rounds);
	} while (wait_for_next(rounds));
	return NULL;
}

enum fault rounds_start(struct server *server, struct rounds **ret_rounds, struct why *why)
{
	struct rounds *rounds = calloc(1, sizeof *rounds);

	if (!rounds)
		return why_set(why, FAULT_MEMORY, "no memory for the server's rounds");
	rounds->server = server;
	(void)pthread_mutex_init(&rounds->lock, NULL);
	condition_init(&rounds->stop);
	if (pthread_create(&rounds->thread, NULL, run, rounds) != 0) {
		free(rounds);
		return why_set(why, FAULT_MEMORY, "no thread for the server's rounds");
	}
	*ret_rounds = rounds;
	return FAULT_NONE;
}

void rounds_stop(struct rounds *rounds)
{
	if (!rounds)
		return;
	(void)pthread_mutex_lock(&rounds->lock);
	rounds->stopping = true;
	(void)pthread_cond_broadcast(&rounds->stop);
	(void)pthread_mutex_unlock(&rounds->lock);
	(void)pthread_join(rounds->thread, NULL);
	(void)pthread_cond_destroy(&rounds->stop);
	(void)pthread_mutex_destroy(&rounds->lock);
	free(rounds->pairs);
	free(rounds);
}
