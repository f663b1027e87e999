/* The lease of a group key, by a clock that the test moves. */
#include "keys/lease.h"

#include "tests/lib/unit.h"

#define SENT 1000000 /* ms since boot */
#define SECOND 1000

static struct lease granted(uint32_t seconds)
{
	struct lease lease = {0};

	lease_grant(&lease, SENT, seconds);
	return lease;
}

static void lease__holds_from_the_moment_the_request_was_sent_to_its_end(void **state)
{
	(void)state;
	const struct lease lease = granted(120);

	assert_true(lease_is_valid(&lease, SENT));
	assert_true(lease_is_valid(&lease, SENT + 120 * SECOND - 1));
	assert_false(lease_is_valid(&lease, SENT + 120 * SECOND));
	assert_false(lease_is_valid(&lease, INT64_MAX));
}

/* Boot time runs on in a suspend: a machine that wakes later than the lease's end finds it over. */
static void lease__ends_while_the_machine_sleeps(void **state)
{
	(void)state;
	const struct lease lease = granted(120);
	const int64_t woken = SENT + 8 * 3600 * SECOND;

	assert_false(lease_is_valid(&lease, woken));
	assert_false(lease_renewal_is_due(&lease, woken));
	assert_true(lease_next_ms(&lease) <= woken);
}

static void lease__is_renewed_from_a_third_of_it_on(void **state)
{
	(void)state;
	const struct lease lease = granted(120);

	assert_false(lease_renewal_is_due(&lease, SENT + 40 * SECOND - 1));
	assert_int_equal(lease_next_ms(&lease), SENT + 40 * SECOND);
	assert_true(lease_renewal_is_due(&lease, SENT + 40 * SECOND));
}

static void lease__renewed_counts_from_the_new_request(void **state)
{
	(void)state;
	struct lease lease = granted(120);

	lease_grant(&lease, SENT + 41 * SECOND, 120);
	assert_true(lease_is_valid(&lease, SENT + 161 * SECOND - 1));
	assert_false(lease_is_valid(&lease, SENT + 161 * SECOND));
	assert_int_equal(lease_next_ms(&lease), SENT + 81 * SECOND);
}

static void lease__follows_a_policy_that_became_shorter(void **state)
{
	(void)state;
	struct lease lease = granted(3600);

	lease_grant(&lease, SENT + SECOND, 5);
	assert_false(lease_is_valid(&lease, SENT + 6 * SECOND));
}

/* How often a renewal is tried when none is answered. */
static unsigned tries_of(uint32_t seconds, int64_t jitter_ms, int64_t *ret_longest_gap)
{
	struct lease lease = granted(seconds);
	unsigned tries = 0;
	int64_t before = 0;

	for (int64_t now = lease_next_ms(&lease); lease_is_valid(&lease, now); now = lease_next_ms(&lease)) {
		assert_true(lease_renewal_is_due(&lease, now));
		if (before && now - before > *ret_longest_gap)
			*ret_longest_gap = now - before;
		before = now;
		lease_renewal_failed(&lease, now, jitter_ms);
		tries++;
	}
	assert_int_equal(lease_next_ms(&lease), SENT + seconds * SECOND);
	return tries;
}

static void lease__is_tried_again_every_ten_seconds_until_it_ends(void **state)
{
	(void)state;
	int64_t gap = 0;

	assert_int_equal(tries_of(120, 0, &gap), 8);
	assert_int_equal(gap, LEASE_RETRY_MS);
	assert_int_equal(tries_of(3600, 0, &gap), 240);
	assert_int_equal(gap, LEASE_RETRY_MS);
}

static void lease__jitter_moves_each_try_by_two_seconds_at_most(void **state)
{
	(void)state;
	int64_t gap = 0;

	assert_int_equal(tries_of(120, LEASE_JITTER_MS, &gap), 7);
	assert_int_equal(gap, LEASE_RETRY_MS + LEASE_JITTER_MS);
	gap = 0;
	assert_int_equal(tries_of(120, -LEASE_JITTER_MS, &gap), 10);
	assert_int_equal(gap, LEASE_RETRY_MS - LEASE_JITTER_MS);
}

/* A server that is away for a second must not end the lease of five. */
static void lease__that_is_short_is_tried_as_often_as_one_of_two_minutes(void **state)
{
	(void)state;
	int64_t gap = 0;

	assert_true(tries_of(5, 0, &gap) >= 8);
	assert_true(gap < SECOND);
	gap = 0;
	assert_true(tries_of(1, LEASE_JITTER_MS, &gap) >= 6);
}

static void lease__denied_ends_at_once(void **state)
{
	(void)state;
	struct lease lease = granted(120);

	lease_end(&lease);
	assert_false(lease_is_valid(&lease, SENT));
	assert_false(lease_renewal_is_due(&lease, SENT + 40 * SECOND));
	assert_int_equal(lease_next_ms(&lease), INT64_MAX);
}

static void lease__of_zero_seconds_is_never_valid(void **state)
{
	(void)state;
	const struct lease lease = granted(0);

	assert_false(lease_is_valid(&lease, SENT));
	assert_false(lease_renewal_is_due(&lease, SENT));
	assert_int_equal(lease_next_ms(&lease), INT64_MAX);
}

static void lease__never_granted_has_ended(void **state)
{
	(void)state;
	const struct lease lease = {0};

	assert_false(lease_is_valid(&lease, 0));
	assert_int_equal(lease_next_ms(&lease), INT64_MAX);
}

static void lease__is_a_day_at_most_whatever_a_server_says(void **state)
{
	(void)state;
	const struct lease lease = granted(UINT32_MAX);

	assert_true(lease_is_valid(&lease, SENT + 86400 * (int64_t)SECOND - 1));
	assert_false(lease_is_valid(&lease, SENT + 86400 * (int64_t)SECOND));
}

static void lease__with_a_grace_lasts_longer_but_is_renewed_as_before(void **state)
{
	(void)state;
	struct lease lease = granted(120);
	struct lease zero = granted(0);

	lease_extend(&lease, 600);
	lease_extend(&zero, 600);
	assert_true(lease_renewal_is_due(&lease, SENT + 40 * SECOND));
	assert_true(lease_is_valid(&lease, SENT + 720 * SECOND - 1));
	assert_false(lease_is_valid(&lease, SENT + 720 * SECOND));
	assert_false(lease_is_valid(&zero, SENT));
	lease_end(&lease);
	lease_extend(&lease, 600);
	assert_false(lease_is_valid(&lease, SENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease__holds_from_the_moment_the_request_was_sent_to_its_end),
		cmocka_unit_test(lease__ends_while_the_machine_sleeps),
		cmocka_unit_test(lease__is_renewed_from_a_third_of_it_on),
		cmocka_unit_test(lease__renewed_counts_from_the_new_request),
		cmocka_unit_test(lease__follows_a_policy_that_became_shorter),
		cmocka_unit_test(lease__is_tried_again_every_ten_seconds_until_it_ends),
		cmocka_unit_test(lease__jitter_moves_each_try_by_two_seconds_at_most),
		cmocka_unit_test(lease__that_is_short_is_tried_as_often_as_one_of_two_minutes),
		cmocka_unit_test(lease__denied_ends_at_once),
		cmocka_unit_test(lease__of_zero_seconds_is_never_valid),
		cmocka_unit_test(lease__never_granted_has_ended),
		cmocka_unit_test(lease__with_a_grace_lasts_longer_but_is_renewed_as_before),
		cmocka_unit_test(lease__is_a_day_at_most_whatever_a_server_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
