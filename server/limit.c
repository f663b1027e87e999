#include "server/limit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/bytes.h"

#define ROOM_LEAST ((size_t)256)

struct tally {
	struct member_id who;
	bool used;
	int64_t since_ms, burst_since_ms, told_ms;
	uint64_t amount, burst;
};

/* Open addressing, at most half full. Tallies whose window is over go when it grows. */
struct limits {
	pthread_mutex_t lock;
	int64_t window_ms;
	struct tally *places;
	size_t room, count;
	uint8_t key[crypto_shorthash_KEYBYTES];
};

enum fault limits_new(int64_t window_ms, struct limits **ret_limits, struct why *why)
{
	struct limits *limits = calloc(1, sizeof *limits);

	if (!limits)
		return why_set(why, FAULT_MEMORY, "no memory for limits");
	limits->window_ms = window_ms;
	randombytes_buf(limits->key, sizeof limits->key);
	(void)pthread_mutex_init(&limits->lock, NULL);
	*ret_limits = limits;
	return FAULT_NONE;
}

void limits_free(struct limits *limits)
{
	if (!limits)
		return;
	(void)pthread_mutex_destroy(&limits->lock);
	free(limits->places);
	free(limits);
}

static struct tally *place_of(const struct limits *limits, const struct member_id *who)
{
	uint8_t hash[crypto_shorthash_BYTES];

	(void)crypto_shorthash(hash, who->bytes, sizeof who->bytes, limits->key);
	for (size_t at = le32_get(hash);; at++) {
		struct tally *tally = &limits->places[at & (limits->room - 1)];
		if (!tally->used || member_id_equal(&tally->who, who))
			return tally;
	}
}

static bool is_over(const struct limits *limits, const struct tally *tally, int64_t now_ms)
{
	return now_ms - tally->since_ms >= limits->window_ms;
}

/* A new table with those that still count, at most a quarter full. */
static bool make_room(struct limits *limits, int64_t now_ms)
{
	struct limits larger = *limits;
	size_t kept = 0;

	for (size_t i = 0; i < limits->room; i++)
		kept += limits->places[i].used && !is_over(limits, &limits->places[i], now_ms);
	for (larger.room = ROOM_LEAST; larger.room < 4 * (kept + 1);)
		larger.room *= 2;
	larger.places = calloc(larger.room, sizeof *larger.places);
	if (!larger.places)
		return false;
	for (size_t i = 0; i < limits->room; i++)
		if (limits->places[i].used && !is_over(limits, &limits->places[i], now_ms))
			*place_of(&larger, &limits->places[i].who) = limits->places[i];
	free(limits->places);
	limits->places = larger.places;
	limits->room = larger.room;
	limits->count = kept;
	return true;
}

/* NULL: no memory. */
static struct tally *tally_of(struct limits *limits, const struct member_id *who, int64_t now_ms)
{
	if (2 * (limits->count + 1) > limits->room && !make_room(limits, now_ms))
		return NULL;
	struct tally *tally = place_of(limits, who);
	if (!tally->used) {
		limits->count++;
		*tally = (struct tally){
			.who = *who, .used = true, .since_ms = now_ms, .told_ms = now_ms - LIMIT_HOUR_MS};
	} else if (is_over(limits, tally, now_ms)) {
		tally->since_ms = now_ms;
		tally->amount = 0;
	}
	return tally;
}

static bool is_sudden(struct tally *tally, uint32_t amount, uint32_t most, int64_t now_ms)
{
	if (now_ms - tally->burst_since_ms >= LIMIT_BURST_MS) {
		tally->burst_since_ms = now_ms;
		tally->burst = 0;
	}
	tally->burst += amount;
	if (tally->burst <= most / LIMIT_BURST_PART || now_ms - tally->told_ms < LIMIT_HOUR_MS)
		return false;
	tally->told_ms = now_ms;
	return true;
}

static enum limit_answer take(struct limits *limits, const struct member_id *who, uint32_t amount,
			      uint32_t most, int64_t now_ms)
{
	struct tally *tally = tally_of(limits, who, now_ms);

	if (!tally || tally->amount + amount > most)
		return LIMIT_OVER;
	tally->amount += amount;
	return is_sudden(tally, amount, most, now_ms) ? LIMIT_BURST : LIMIT_WITHIN;
}

enum limit_answer limits_take(struct limits *limits, const struct member_id *who, uint32_t amount,
			      uint32_t most, int64_t now_ms)
{
	(void)pthread_mutex_lock(&limits->lock);
	enum limit_answer answer = take(limits, who, amount, most, now_ms);
	(void)pthread_mutex_unlock(&limits->lock);
	return answer;
}

bool limits_is_over(struct limits *limits, const struct member_id *who, uint32_t most, int64_t now_ms)
{
	bool over = false;

	(void)pthread_mutex_lock(&limits->lock);
	if (limits->room) {
		const struct tally *tally = place_of(limits, who);
		over = tally->used && !is_over(limits, tally, now_ms) && tally->amount >= most;
	}
	(void)pthread_mutex_unlock(&limits->lock);
	return over;
}
