#include "fs/parked.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/secret.h"

#define PAUSE_FIRST_MS 2

struct parked_list {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct parked *first, **last;
	size_t count, bytes;
	_Atomic uint64_t round; /* changes under the mutex */
	int64_t patience_ms;
	bool ended;
};

enum fault parked_list_new(int64_t patience_ms, struct parked_list **ret_list, struct why *why)
{
	struct parked_list *list = calloc(1, sizeof(*list));

	if (!list)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	(void)pthread_mutex_init(&list->mutex, NULL);
	condition_init(&list->changed);
	list->last = &list->first;
	list->patience_ms = patience_ms;
	atomic_init(&list->round, 1);
	*ret_list = list;
	return FAULT_NONE;
}

void parked_list_free(struct parked_list *list)
{
	if (!list)
		return;
	(void)pthread_cond_destroy(&list->changed);
	(void)pthread_mutex_destroy(&list->mutex);
	free(list);
}

uint64_t parked_round(struct parked_list *list)
{
	return atomic_load(&list->round);
}

void parked_next_round(struct parked_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	atomic_fetch_add(&list->round, 1);
	(void)pthread_cond_broadcast(&list->changed);
	(void)pthread_mutex_unlock(&list->mutex);
}

size_t parked_count(struct parked_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	size_t count = list->count;
	(void)pthread_mutex_unlock(&list->mutex);
	return count;
}

/* -- the list; with the mutex ------------------------------------------------------------------- */

static void put(struct parked_list *list, struct parked *entry)
{
	entry->next = NULL;
	*list->last = entry;
	list->last = &entry->next;
	list->count++;
	list->bytes += entry->size;
}

static void take_out(struct parked_list *list, struct parked *entry)
{
	struct parked **place = &list->first;

	while (*place != entry)
		place = &(*place)->next;
	*place = entry->next;
	if (!entry->next)
		list->last = place;
	list->count--;
	list->bytes -= entry->size;
}

static struct parked *find(const struct parked_list *list, uint64_t unique)
{
	struct parked *entry = list->first;

	while (entry && entry->unique != unique)
		entry = entry->next;
	return entry;
}

static void entry_free(struct parked *entry)
{
	secret_wipe(entry->bytes, entry->size);
	free(entry);
}

/* -- parking ---------------------------------------------------------------------------------------- */

bool parked_add(struct parked_list *list, uint64_t unique, const void *bytes, size_t size,
		struct parked **ret_entry)
{
	struct parked *entry = calloc(1, sizeof(*entry) + size);

	if (!entry)
		return false;
	entry->unique = unique;
	entry->size = size;
	entry->until_ms = clock_boot_ms() + list->patience_ms;
	entry->pause_ms = PAUSE_FIRST_MS;
	entry->taken = true;
	memcpy(entry->bytes, bytes, size);
	(void)pthread_mutex_lock(&list->mutex);
	bool room = !list->ended && list->count < PARKED_MAX && list->bytes + size <= PARKED_BYTES_MAX;
	if (room)
		put(list, entry);
	(void)pthread_mutex_unlock(&list->mutex);
	if (!room)
		entry_free(entry);
	else
		*ret_entry = entry;
	return room;
}

static bool waits_through_interrupts(const struct parked *entry)
{
	return entry->turn && clock_boot_ms() < entry->until_ms;
}

static void set_next_try(struct parked *entry)
{
	entry->again_ms = clock_boot_ms() + entry->pause_ms;
	entry->pause_ms = entry->pause_ms * 2 < PARKED_PAUSE_MS ? entry->pause_ms * 2 : PARKED_PAUSE_MS;
}

bool parked_offer(struct parked_list *list, struct parked *entry, uint64_t round, bool interrupted)
{
	(void)pthread_mutex_lock(&list->mutex);
	entry->interrupted |= interrupted;
	bool waits = !entry->interrupted || waits_through_interrupts(entry);
	if (waits) {
		entry->round = round;
		set_next_try(entry);
		entry->taken = false;
		(void)pthread_cond_signal(&list->changed);
	}
	(void)pthread_mutex_unlock(&list->mutex);
	return waits;
}

void parked_drop(struct parked_list *list, struct parked *entry)
{
	(void)pthread_mutex_lock(&list->mutex);
	take_out(list, entry);
	(void)pthread_mutex_unlock(&list->mutex);
	entry_free(entry);
}

enum parked_interrupt parked_interrupt(struct parked_list *list, uint64_t unique)
{
	enum parked_interrupt what = PARKED_UNKNOWN;

	(void)pthread_mutex_lock(&list->mutex);
	struct parked *entry = find(list, unique);
	if (entry)
		entry->interrupted = true;
	if (entry && !entry->taken)
		what = waits_through_interrupts(entry) ? PARKED_LATER : PARKED_GONE;
	if (what == PARKED_GONE)
		take_out(list, entry);
	(void)pthread_mutex_unlock(&list->mutex);
	if (what == PARKED_GONE)
		entry_free(entry);
	return what;
}

/* -- taking them up again -------------------------------------------------------------------------- */

static int64_t due_at(const struct parked *entry)
{
	return entry->turn ? entry->again_ms : entry->until_ms;
}

static bool is_due(const struct parked_list *list, const struct parked *entry, int64_t now)
{
	return due_at(entry) <= now || (!entry->turn && entry->round != atomic_load(&list->round));
}

static struct parked *find_due(const struct parked_list *list, int64_t now)
{
	for (struct parked *entry = list->first; entry; entry = entry->next)
		if (!entry->taken && is_due(list, entry, now))
			return entry;
	return NULL;
}

static int64_t next_end(const struct parked_list *list)
{
	int64_t end = INT64_MAX;

	for (const struct parked *entry = list->first; entry; entry = entry->next)
		if (!entry->taken && due_at(entry) < end)
			end = due_at(entry);
	return end;
}

static void wait_until(struct parked_list *list, int64_t end, int64_t now)
{
	if (end == INT64_MAX) {
		(void)pthread_cond_wait(&list->changed, &list->mutex);
		return;
	}
	const struct timespec at = condition_in_ms(end - now);
	(void)pthread_cond_timedwait(&list->changed, &list->mutex, &at);
}

struct parked *parked_take(struct parked_list *list)
{
	struct parked *entry = NULL;

	(void)pthread_mutex_lock(&list->mutex);
	while (!list->ended) {
		int64_t now = clock_boot_ms();
		entry = find_due(list, now);
		if (entry) {
			entry->taken = true;
			entry->final = entry->until_ms <= now;
			break;
		}
		wait_until(list, next_end(list), now);
	}
	(void)pthread_mutex_unlock(&list->mutex);
	return entry;
}

void parked_end(struct parked_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	list->ended = true;
	(void)pthread_cond_broadcast(&list->changed);
	(void)pthread_mutex_unlock(&list->mutex);
}

uint64_t parked_drop_any(struct parked_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	struct parked *entry = list->first;
	uint64_t unique = entry ? entry->unique : 0;
	if (entry)
		take_out(list, entry);
	(void)pthread_mutex_unlock(&list->mutex);
	if (entry)
		entry_free(entry);
	return unique;
}
