#include "ldap/cache.h"

#include <string.h>

#include "base/clock.h"
#include "tests/lib/unit.h"

static const struct member_id alice = {.bytes = {1}};
static const struct member_id bob = {.bytes = {2}};
static const struct member_id finance = {.bytes = {3}};
static const struct directory_proof proof = {.level = 2, .path = "alice < sub < finance"};
static const struct directory_proof denial = {.reason = DIRECTORY_REASON_NOT_MEMBER};

static void cache__gives_back_what_was_put_in_while_it_is_young(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct directory_proof found;
	AUTO(cache_free) struct cache *cache = NULL;
	assert_works(cache_new(60000, 10000, &cache, &why));
	clock_set_fake(1000, 0);
	cache_put(cache, &alice, &finance, DIRECTORY_YES, &proof, 1000);
	cache_put(cache, &bob, &finance, DIRECTORY_NO, &denial, 1000);
	clock_set_fake(10999, 0);
	assert_int_equal(cache_find(cache, &alice, &finance, &found), DIRECTORY_YES);
	assert_string_equal(found.path, proof.path);
	assert_int_equal(found.level, 2);
	assert_int_equal(found.age_ms, 9999);
	assert_int_equal(found.source, DIRECTORY_CACHE);
	assert_int_equal(cache_find(cache, &bob, &finance, &found), DIRECTORY_NO);
	assert_int_equal(found.reason, DIRECTORY_REASON_NOT_MEMBER);
	assert_int_equal(cache_find(cache, &finance, &alice, &found), DIRECTORY_UNKNOWN);
	clock_set_fake(11000, 0);
	assert_int_equal(cache_find(cache, &bob, &finance, &found), DIRECTORY_UNKNOWN);
	clock_set_fake(61000, 0);
	assert_int_equal(cache_find(cache, &alice, &finance, &found), DIRECTORY_UNKNOWN);
	clock_set_real();
}

static void L41__no_time_is_longer_than_the_greatest(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct directory_state known;
	AUTO(cache_free) struct cache *cache = NULL;
	assert_works(cache_new(INT64_MAX, INT64_MAX, &cache, &why));
	cache_state(cache, &known);
	assert_int_equal(known.cache_yes_ms, 60000);
	assert_int_equal(known.cache_no_ms, 10000);
}

static void cache__takes_the_later_answer_in_place_of_the_earlier(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct directory_proof found;
	struct directory_state known;
	AUTO(cache_free) struct cache *cache = NULL;
	assert_works(cache_new(60000, 0, &cache, &why));
	clock_set_fake(1000, 0);
	cache_put(cache, &alice, &finance, DIRECTORY_YES, &proof, 1000);
	cache_put(cache, &alice, &finance, DIRECTORY_NO, &denial, 1000);
	assert_int_equal(cache_find(cache, &alice, &finance, &found), DIRECTORY_UNKNOWN);
	cache_put(cache, &alice, &finance, DIRECTORY_YES, &proof, 1000);
	cache_state(cache, &known);
	assert_int_equal(known.cache_entries, 1);
	cache_drop_all(cache);
	assert_int_equal(cache_find(cache, &alice, &finance, &found), DIRECTORY_UNKNOWN);
	clock_set_real();
}

static void cache__stays_bounded_and_right_when_more_is_put_in_than_it_holds(void **state)
{
	(void)state;
	enum { MANY = 3 * CACHE_SETS * CACHE_WAYS };
	struct why why = WHY_NONE;
	struct directory_state known;
	AUTO(cache_free) struct cache *cache = NULL;
	assert_works(cache_new(60000, 0, &cache, &why));
	clock_set_fake(1000, 0);
	for (uint32_t i = 0; i < MANY; i++) {
		struct member_id user = {.bytes = {0}};
		struct directory_proof mine = {.level = i % 7};
		memcpy(user.bytes, &i, sizeof i);
		(void)snprintf(mine.path, sizeof mine.path, "%u", i);
		cache_put(cache, &user, &finance, DIRECTORY_YES, &mine, 1000);
	}
	cache_state(cache, &known);
	assert_true(known.cache_entries <= (size_t)CACHE_SETS * CACHE_WAYS);
	assert_true(known.cache_entries > (size_t)CACHE_SETS * CACHE_WAYS / 2);
	for (uint32_t i = 0; i < MANY; i += 1001) {
		struct member_id user = {.bytes = {0}};
		struct directory_proof found;
		char expected[32];
		memcpy(user.bytes, &i, sizeof i);
		(void)snprintf(expected, sizeof expected, "%u", i);
		if (cache_find(cache, &user, &finance, &found) == DIRECTORY_YES)
			assert_string_equal(found.path, expected);
	}
	clock_set_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache__gives_back_what_was_put_in_while_it_is_young),
		cmocka_unit_test(L41__no_time_is_longer_than_the_greatest),
		cmocka_unit_test(cache__takes_the_later_answer_in_place_of_the_earlier),
		cmocka_unit_test(cache__stays_bounded_and_right_when_more_is_put_in_than_it_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
