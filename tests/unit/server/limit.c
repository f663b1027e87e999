#include "server/limit.h"

#include "tests/lib/stores.h"

#define MOST 100
#define MINUTE 60000

static struct limits *made(int64_t window_ms)
{
	struct why why = WHY_NONE;
	struct limits *limits = NULL;

	assert_works(limits_new(window_ms, &limits, &why));
	return limits;
}

static enum limit_answer take(struct limits *limits, uint8_t who, uint32_t amount, int64_t now_ms)
{
	const struct member_id id = id_of(who);

	return limits_take(limits, &id, amount, MOST, now_ms);
}

/* Slowly, so that no rise is sudden. */
static void limit__holds_for_a_window(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);

	(void)state;
	for (int i = 0; i < MOST; i++)
		assert_int_equal(take(limits, 1, 1, i * MINUTE), LIMIT_WITHIN);
	assert_int_equal(take(limits, 1, 1, MOST * MINUTE), LIMIT_OVER);
	assert_int_equal(take(limits, 1, 1, LIMIT_DAY_MS - 1), LIMIT_OVER);
	assert_int_equal(take(limits, 1, 1, LIMIT_DAY_MS), LIMIT_WITHIN);
}

static void limit__of_one_is_not_that_of_another(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);

	(void)state;
	(void)take(limits, 1, MOST, 0);
	assert_int_equal(take(limits, 1, 1, 0), LIMIT_OVER);
	assert_int_equal(take(limits, 2, 1, 0), LIMIT_WITHIN);
}

static void limit__counts_nothing_of_what_it_refuses(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);

	(void)state;
	assert_int_equal(take(limits, 1, MOST + 1, 0), LIMIT_OVER);
	assert_int_equal(take(limits, 1, UINT32_MAX, 0), LIMIT_OVER);
	assert_int_equal(take(limits, 1, MOST, 0), LIMIT_BURST);
	assert_int_equal(take(limits, 1, 1, 0), LIMIT_OVER);
}

static void limit__tells_a_sudden_rise_once_an_hour(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);

	(void)state;
	assert_int_equal(take(limits, 1, MOST / 4, 0), LIMIT_WITHIN);
	assert_int_equal(take(limits, 1, 1, 59999), LIMIT_BURST);
	assert_int_equal(take(limits, 1, 1, 59999), LIMIT_WITHIN);
	assert_int_equal(take(limits, 1, 30, LIMIT_HOUR_MS), LIMIT_WITHIN);
	assert_int_equal(take(limits, 1, 30, 2 * LIMIT_HOUR_MS), LIMIT_BURST);
}

static void limit__tells_no_rise_that_is_slow(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(take(limits, 1, MOST / 4, i * LIMIT_BURST_MS), LIMIT_WITHIN);
}

static void limit__is_known_without_counting(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_HOUR_MS);
	const struct member_id who = id_of(1);

	(void)state;
	assert_false(limits_is_over(limits, &who, 2, 0));
	(void)take(limits, 1, 1, 0);
	assert_false(limits_is_over(limits, &who, 2, 0));
	(void)take(limits, 1, 1, 0);
	assert_true(limits_is_over(limits, &who, 2, 0));
	assert_false(limits_is_over(limits, &who, 2, LIMIT_HOUR_MS));
}

/* A hundred thousand people, and a day later as many others: the first are forgotten. */
static void limit__holds_for_everybody_in_bounded_memory(void **state)
{
	AUTO(limits_free) struct limits *limits = made(LIMIT_DAY_MS);
	struct member_id who = {{0}};

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		le32_put(who.bytes, i);
		assert_int_not_equal(limits_take(limits, &who, 1, 1, 0), LIMIT_OVER);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		le32_put(who.bytes, i);
		assert_int_equal(limits_take(limits, &who, 1, 1, 1), LIMIT_OVER);
	}
	for (uint32_t day = 1; day < 20; day++)
		for (uint32_t i = 0; i < 100000; i++) {
			le32_put(who.bytes, day << 20 | i);
			assert_int_not_equal(limits_take(limits, &who, 1, 1, day * LIMIT_DAY_MS), LIMIT_OVER);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit__holds_for_a_window),
		cmocka_unit_test(limit__of_one_is_not_that_of_another),
		cmocka_unit_test(limit__counts_nothing_of_what_it_refuses),
		cmocka_unit_test(limit__tells_a_sudden_rise_once_an_hour),
		cmocka_unit_test(limit__tells_no_rise_that_is_slow),
		cmocka_unit_test(limit__is_known_without_counting),
		cmocka_unit_test(limit__holds_for_everybody_in_bounded_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
