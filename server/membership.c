#include "server/membership.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

/* A directory in use: by the membership, and by each question. */
struct placed {
	struct directory *directory;
	unsigned holders; /* under the membership's lock */
};

struct membership {
	pthread_mutex_t lock;
	struct placed *placed;
	unsigned waiting; /* questions with time */
	int64_t yes_ms, no_ms; /* how long answers are remembered */
};

static struct placed *placed_new(struct directory *directory)
{
	struct placed *placed = calloc(1, sizeof *placed);

	if (!placed) {
		directory_close(directory);
		return NULL;
	}
	*placed = (struct placed){.directory = directory, .holders = 1};
	return placed;
}

static void let_go(struct membership *membership, struct placed *placed)
{
	(void)pthread_mutex_lock(&membership->lock);
	bool last = --placed->holders == 0;
	(void)pthread_mutex_unlock(&membership->lock);
	if (!last)
		return;
	directory_close(placed->directory);
	free(placed);
}

enum fault membership_new(struct directory *directory, struct membership **ret_membership, struct why *why)
{
	struct membership *membership = calloc(1, sizeof *membership);
	struct placed *placed = placed_new(directory);

	if (!membership || !placed) {
		if (placed)
			directory_close(directory);
		free(placed);
		free(membership);
		return why_set(why, FAULT_MEMORY, "no memory for the directory");
	}
	(void)pthread_mutex_init(&membership->lock, NULL);
	membership->placed = placed;
	membership->yes_ms = membership->no_ms = INT64_MAX;
	*ret_membership = membership;
	return FAULT_NONE;
}

enum fault membership_replace(struct membership *membership, struct directory *directory, struct why *why)
{
	struct placed *placed = placed_new(directory);

	if (!placed)
		return why_set(why, FAULT_MEMORY, "no memory for the directory");
	(void)pthread_mutex_lock(&membership->lock);
	struct placed *before = membership->placed;
	membership->placed = placed;
	directory_remember(directory, membership->yes_ms, membership->no_ms);
	(void)pthread_mutex_unlock(&membership->lock);
	let_go(membership, before);
	return FAULT_NONE;
}

void membership_free(struct membership *membership)
{
	if (!membership)
		return;
	let_go(membership, membership->placed);
	(void)pthread_mutex_destroy(&membership->lock);
	free(membership);
}

static struct placed *take_hold(struct membership *membership)
{
	(void)pthread_mutex_lock(&membership->lock);
	struct placed *placed = membership->placed;
	placed->holders++;
	(void)pthread_mutex_unlock(&membership->lock);
	return placed;
}

void membership_remember(struct membership *membership, int64_t yes_ms, int64_t no_ms)
{
	(void)pthread_mutex_lock(&membership->lock);
	if (membership->yes_ms != yes_ms || membership->no_ms != no_ms) {
		membership->yes_ms = yes_ms;
		membership->no_ms = no_ms;
		directory_remember(membership->placed->directory, yes_ms, no_ms);
	}
	(void)pthread_mutex_unlock(&membership->lock);
}

void membership_state(struct membership *membership, struct directory_state *ret_state)
{
	struct placed *placed = take_hold(membership);

	directory_state(placed->directory, ret_state);
	let_go(membership, placed);
}

struct question question_begin(struct membership *membership)
{
	struct placed *placed = take_hold(membership);
	struct question question = {
		.membership = membership, .placed = placed, .directory = placed->directory};
	struct directory_state state;

	directory_state(placed->directory, &state);
	(void)pthread_mutex_lock(&membership->lock);
	if (state.answered || state.answered_age_ms < 0 || membership->waiting < QUESTIONS_WAITING) {
		membership->waiting++;
		question.deadline = clock_boot_ms() + QUESTION_MS;
	}
	(void)pthread_mutex_unlock(&membership->lock);
	return question;
}

void question_end(struct question *question)
{
	if (!question->membership)
		return;
	if (question->deadline) {
		(void)pthread_mutex_lock(&question->membership->lock);
		question->membership->waiting--;
		(void)pthread_mutex_unlock(&question->membership->lock);
	}
	let_go(question->membership, question->placed);
	*question = (struct question){0};
}
