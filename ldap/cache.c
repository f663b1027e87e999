#include "ldap/cache.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"

struct place {
	struct member_id user;
	struct member_id group;
	enum directory_answer answer; /* UNKNOWN: free */
	enum directory_reason reason;
	unsigned level;
	int64_t asked;
	char *path;
};

struct cache {
	pthread_mutex_t lock;
	int64_t yes_ms, no_ms; /* in force */
	int64_t yes_most_ms, no_most_ms;
	uint64_t remembered;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct place places[CACHE_SETS][CACHE_WAYS];
};

enum fault cache_new(int64_t yes_ms, int64_t no_ms, struct cache **ret_cache, struct why *why)
{
	struct cache *cache = calloc(1, sizeof *cache);

	if (!cache)
		return why_set(why, FAULT_MEMORY, "no memory for the cache of memberships");
	(void)pthread_mutex_init(&cache->lock, NULL);
	cache->yes_most_ms = cache->yes_ms = yes_ms < CACHE_YES_MAX_MS ? yes_ms : CACHE_YES_MAX_MS;
	cache->no_most_ms = cache->no_ms = no_ms < CACHE_NO_MAX_MS ? no_ms : CACHE_NO_MAX_MS;
	crypto_shorthash_keygen(cache->key);
	*ret_cache = cache;
	return FAULT_NONE;
}

static void empty(struct place *place)
{
	free(place->path);
	*place = (struct place){.answer = DIRECTORY_UNKNOWN};
}

static void empty_all(struct cache *cache)
{
	for (size_t set = 0; set < CACHE_SETS; set++)
		for (size_t way = 0; way < CACHE_WAYS; way++)
			empty(&cache->places[set][way]);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	empty_all(cache);
	(void)pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* -- places ------------------------------------------------------------------------ */

static struct place *set_of(struct cache *cache, const struct member_id *user, const struct member_id *group)
{
	uint8_t both[2 * ID_SIZE];
	uint64_t hash;
	_Static_assert(sizeof hash == crypto_shorthash_BYTES, "the hash is one number");

	memcpy(both, user->bytes, ID_SIZE);
	memcpy(both + ID_SIZE, group->bytes, ID_SIZE);
	(void)crypto_shorthash((uint8_t *)&hash, both, sizeof both, cache->key);
	return cache->places[hash % CACHE_SETS];
}

static bool is_of(const struct place *place, const struct member_id *user, const struct member_id *group)
{
	return place->answer && member_id_equal(&place->user, user) && member_id_equal(&place->group, group);
}

static bool is_young(const struct cache *cache, const struct place *place, int64_t now)
{
	int64_t limit = place->answer == DIRECTORY_YES ? cache->yes_ms : cache->no_ms;

	return place->answer && now - place->asked < limit;
}

/* Its own place, else a free one, else the oldest. */
static struct place *place_for(struct place *set, const struct member_id *user, const struct member_id *group)
{
	struct place *oldest = &set[0];

	for (size_t way = 0; way < CACHE_WAYS; way++)
		if (is_of(&set[way], user, group))
			return &set[way];
	for (size_t way = 0; way < CACHE_WAYS; way++) {
		if (!set[way].answer)
			return &set[way];
		if (set[way].asked < oldest->asked)
			oldest = &set[way];
	}
	return oldest;
}

/* -- use --------------------------------------------------------------------------- */

static enum directory_answer tell(struct cache *cache, const struct place *place, int64_t now,
				  struct directory_proof *ret_proof)
{
	cache->remembered++;
	*ret_proof = (struct directory_proof){.reason = place->reason,
					      .source = DIRECTORY_CACHE,
					      .age_ms = now - place->asked,
					      .level = place->level};
	strcpy(ret_proof->path, place->path);
	return place->answer;
}

enum directory_answer cache_find(struct cache *cache, const struct member_id *user,
				 const struct member_id *group, struct directory_proof *ret_proof)
{
	enum directory_answer answer = DIRECTORY_UNKNOWN;
	int64_t now = clock_boot_ms();

	(void)pthread_mutex_lock(&cache->lock);
	struct place *set = set_of(cache, user, group);
	for (size_t way = 0; way < CACHE_WAYS && !answer; way++)
		if (is_of(&set[way], user, group) && is_young(cache, &set[way], now))
			answer = tell(cache, &set[way], now, ret_proof);
	(void)pthread_mutex_unlock(&cache->lock);
	return answer;
}

void cache_put(struct cache *cache, const struct member_id *user, const struct member_id *group,
	       enum directory_answer answer, const struct directory_proof *proof, int64_t asked)
{
	char *path = strdup(proof->path);

	assert(answer != DIRECTORY_UNKNOWN);
	(void)pthread_mutex_lock(&cache->lock);
	struct place *place = place_for(set_of(cache, user, group), user, group);
	empty(place);
	if (path)
		*place = (struct place){.user = *user,
					.group = *group,
					.answer = answer,
					.reason = proof->reason,
					.level = proof->level,
					.asked = asked,
					.path = path};
	(void)pthread_mutex_unlock(&cache->lock);
}

void cache_drop_all(struct cache *cache)
{
	(void)pthread_mutex_lock(&cache->lock);
	empty_all(cache);
	(void)pthread_mutex_unlock(&cache->lock);
}

void cache_limit(struct cache *cache, int64_t yes_ms, int64_t no_ms)
{
	(void)pthread_mutex_lock(&cache->lock);
	cache->yes_ms = yes_ms < cache->yes_most_ms ? yes_ms : cache->yes_most_ms;
	cache->no_ms = no_ms < cache->no_most_ms ? no_ms : cache->no_most_ms;
	(void)pthread_mutex_unlock(&cache->lock);
}

void cache_state(struct cache *cache, struct directory_state *ret_state)
{
	int64_t now = clock_boot_ms();

	(void)pthread_mutex_lock(&cache->lock);
	ret_state->remembered = cache->remembered;
	ret_state->cache_yes_ms = cache->yes_ms;
	ret_state->cache_no_ms = cache->no_ms;
	ret_state->cache_entries = 0;
	for (size_t set = 0; set < CACHE_SETS; set++)
		for (size_t way = 0; way < CACHE_WAYS; way++)
			ret_state->cache_entries += is_young(cache, &cache->places[set][way], now);
	(void)pthread_mutex_unlock(&cache->lock);
}
