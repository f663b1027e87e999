#include "fs/complaint.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define WINDOW_MS 60000
#define WINDOW_LINES 20

struct complaints {
	pthread_mutex_t mutex;
	int64_t window; /* when it began */
	unsigned lines; /* in it */
	char last[WHY_TEXT_SIZE];
};

enum fault complaints_new(struct complaints **ret_complaints, struct why *why)
{
	struct complaints *complaints = calloc(1, sizeof(*complaints));

	if (!complaints)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	(void)pthread_mutex_init(&complaints->mutex, NULL);
	*ret_complaints = complaints;
	return FAULT_NONE;
}

void complaints_free(struct complaints *complaints)
{
	if (!complaints)
		return;
	(void)pthread_mutex_destroy(&complaints->mutex);
	free(complaints);
}

static bool is_damage(enum fault fault)
{
	return fault == FAULT_DAMAGED || fault == FAULT_REFUSED || fault == FAULT_MALFORMED ||
	       fault == FAULT_TAMPERED || fault == FAULT_FAILED;
}

static bool may_say(struct complaints *complaints, const char *words)
{
	int64_t now = clock_boot_ms();
	bool say;

	(void)pthread_mutex_lock(&complaints->mutex);
	if (complaints->window == 0 || now - complaints->window > WINDOW_MS) {
		complaints->window = now;
		complaints->lines = 0;
		complaints->last[0] = '\0';
	}
	say = complaints->lines < WINDOW_LINES && strcmp(complaints->last, words) != 0;
	if (say) {
		complaints->lines++;
		(void)strncpy(complaints->last, words, sizeof(complaints->last) - 1);
	}
	(void)pthread_mutex_unlock(&complaints->mutex);
	return say;
}

void complain(struct complaints *complaints, enum fault fault, const struct why *why)
{
	if (is_damage(fault) && may_say(complaints, why_text(why, fault)))
		log_error("%s", why_text(why, fault));
}
