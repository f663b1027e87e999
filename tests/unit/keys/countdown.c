/* The countdown after a failed contact, by a clock that the test moves. */
#include "keys/countdown.h"

#include <string.h>

#include "tests/lib/unit.h"

#define NOW 1000000 /* ms since boot */
#define WALL 1700000000000
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define LENGTH (15 * MINUTE)

static const uint8_t this_boot[COUNTDOWN_BOOT_ID_SIZE] = {1, 2, 3};
static const uint8_t next_boot[COUNTDOWN_BOOT_ID_SIZE] = {4, 5, 6};

/* One that began at NOW. */
static struct countdown begun(void)
{
	struct countdown countdown = {0};

	assert_true(countdown_failed(&countdown, NOW, LENGTH));
	return countdown;
}

/* -- after a failed contact ----------------------------------------------------------- */

static void countdown__allows_a_contact_when_none_runs(void **state)
{
	(void)state;
	const struct countdown countdown = {0};

	assert_true(countdown_allows(&countdown, 0));
	assert_true(countdown_allows(&countdown, NOW));
	assert_int_equal(countdown_minutes(&countdown, NOW), 0);
}

static void countdown__forbids_contacts_for_its_whole_length(void **state)
{
	(void)state;
	const struct countdown countdown = begun();

	assert_false(countdown_allows(&countdown, NOW));
	assert_false(countdown_allows(&countdown, NOW + LENGTH - 1));
	assert_true(countdown_allows(&countdown, NOW + LENGTH));
}

static void countdown__says_the_remaining_minutes_rounded_up(void **state)
{
	(void)state;
	const struct countdown countdown = begun();

	assert_int_equal(countdown_minutes(&countdown, NOW), 15);
	assert_int_equal(countdown_minutes(&countdown, NOW + 1), 15);
	assert_int_equal(countdown_minutes(&countdown, NOW + MINUTE), 14);
	assert_int_equal(countdown_minutes(&countdown, NOW + 14 * MINUTE), 1);
	assert_int_equal(countdown_minutes(&countdown, NOW + LENGTH - 1), 1);
	assert_int_equal(countdown_minutes(&countdown, NOW + LENGTH), 0);
	assert_int_equal(countdown_left_ms(&countdown, NOW + LENGTH - 1), 1);
	assert_int_equal(countdown_left_ms(&countdown, NOW + 2 * LENGTH), 0);
}

/* On a dead port, however often somebody tries. */
static void countdown__lets_two_contacts_through_in_half_an_hour(void **state)
{
	(void)state;
	struct countdown countdown = {0};
	unsigned contacts = 0, starts = 0;

	for (int64_t now = NOW; now < NOW + 30 * MINUTE; now += 7)
		if (countdown_allows(&countdown, now)) {
			contacts++;
			starts += countdown_failed(&countdown, now, LENGTH);
		}
	assert_int_equal(contacts, 2);
	assert_int_equal(starts, 2);
}

static void countdown__ends_with_success(void **state)
{
	(void)state;
	struct countdown countdown = begun();

	countdown_succeeded(&countdown);
	assert_true(countdown_allows(&countdown, NOW + 1));
	assert_int_equal(countdown_minutes(&countdown, NOW + 1), 0);
}

/* A command makes its contact whatever the countdown says; if it fails, that was the last failure. */
static void countdown__begins_anew_when_a_command_fails_within_it(void **state)
{
	(void)state;
	struct countdown countdown = begun();

	assert_true(countdown_failed(&countdown, NOW + 10 * MINUTE, LENGTH));
	assert_false(countdown_allows(&countdown, NOW + LENGTH));
	assert_int_equal(countdown_minutes(&countdown, NOW + 10 * MINUTE), 15);
	assert_true(countdown_allows(&countdown, NOW + 25 * MINUTE));
}

/* -- a change of the network, a resume ------------------------------------------------- */

static void countdown__ends_when_the_network_changes(void **state)
{
	(void)state;
	struct countdown countdown = begun();

	countdown_network_changed(&countdown, NOW + MINUTE);
	assert_true(countdown_allows(&countdown, NOW + MINUTE));
	assert_int_equal(countdown_minutes(&countdown, NOW + MINUTE), 0);
}

static void countdown__after_a_change_repeats_failed_contacts_after_2_5_15_30_s(void **state)
{
	(void)state;
	static const int64_t delays[] = {2 * SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND};
	struct countdown countdown = begun();
	int64_t now = NOW + MINUTE;

	countdown_network_changed(&countdown, now);
	for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
		assert_true(countdown_allows(&countdown, now));
		assert_false(countdown_failed(&countdown, now, LENGTH));
		assert_false(countdown_allows(&countdown, now + delays[i] - 1));
		assert_int_equal(countdown_minutes(&countdown, now), 0);
		now += delays[i];
	}
	assert_true(countdown_allows(&countdown, now));
	assert_true(countdown_failed(&countdown, now, LENGTH));
	assert_false(countdown_allows(&countdown, now + LENGTH - 1));
	assert_true(countdown_allows(&countdown, now + LENGTH));
}

/* Contacts that time out take 5 s each: the last retry then stands at the end of the minute. */
static void countdown__after_a_change_begins_within_the_minute_and_one_contact(void **state)
{
	(void)state;
	struct countdown countdown = begun();
	int64_t changed = NOW + MINUTE, now = changed, last = 0;
	unsigned contacts = 0;

	countdown_network_changed(&countdown, changed);
	for (bool started = false; !started; now += SECOND)
		if (countdown_allows(&countdown, now)) {
			contacts++;
			last = now;
			now += 5 * SECOND;
			started = countdown_failed(&countdown, now, LENGTH);
		}
	assert_int_equal(contacts, 5);
	assert_true(last <= changed + COUNTDOWN_GRACE_MS);
}

static void countdown__after_a_change_long_ago_begins_with_the_first_failure(void **state)
{
	(void)state;
	struct countdown countdown = {0};

	countdown_network_changed(&countdown, NOW);
	assert_true(countdown_failed(&countdown, NOW + COUNTDOWN_GRACE_MS + 1, LENGTH));
}

static void countdown__after_success_in_the_grace_begins_with_the_first_failure(void **state)
{
	(void)state;
	struct countdown countdown = {0};

	countdown_network_changed(&countdown, NOW);
	countdown_succeeded(&countdown);
	assert_true(countdown_failed(&countdown, NOW + SECOND, LENGTH));
}

/* -- in the keyring -------------------------------------------------------------------- */

static struct countdown loaded(const struct countdown_stored *stored, const uint8_t *boot, int64_t boot_ms,
			       int64_t wall_ms)
{
	struct countdown countdown = {0};

	countdown_load(&countdown, stored, boot, boot_ms, wall_ms);
	return countdown;
}

static struct countdown_stored stored_of(const struct countdown *countdown)
{
	struct countdown_stored stored;

	countdown_store(countdown, this_boot, NOW, WALL, &stored);
	return stored;
}

static void countdown__none_is_stored_as_zeros(void **state)
{
	(void)state;
	static const struct countdown_stored zeros;
	const struct countdown none = {0};
	const struct countdown_stored stored = stored_of(&none);

	assert_memory_equal(&stored, &zeros, sizeof zeros);
	const struct countdown again = loaded(&zeros, this_boot, NOW, WALL);
	assert_true(countdown_allows(&again, NOW));
}

static void countdown__in_the_same_boot_goes_by_boot_time_whatever_the_wall_clock_says(void **state)
{
	(void)state;
	static const int64_t walls[] = {WALL, 0, WALL - LENGTH, WALL + 1000 * (int64_t)LENGTH};
	const struct countdown countdown = begun();
	const struct countdown_stored stored = stored_of(&countdown);

	for (size_t i = 0; i < sizeof walls / sizeof *walls; i++) {
		const struct countdown again = loaded(&stored, this_boot, NOW + MINUTE, walls[i]);
		assert_int_equal(countdown_left_ms(&again, NOW + MINUTE), LENGTH - MINUTE);
	}
	const struct countdown over = loaded(&stored, this_boot, NOW + LENGTH, WALL);
	assert_true(countdown_allows(&over, NOW + LENGTH));
}

static void countdown__in_another_boot_goes_by_wall_time(void **state)
{
	(void)state;
	const struct countdown countdown = begun();
	const struct countdown_stored stored = stored_of(&countdown);
	const struct countdown again = loaded(&stored, next_boot, 500, WALL + 4 * MINUTE);

	assert_int_equal(countdown_left_ms(&again, 500), 11 * MINUTE);
	assert_false(countdown_allows(&again, 500));
	const struct countdown over = loaded(&stored, next_boot, 500, WALL + LENGTH);
	assert_true(countdown_allows(&over, 500));
}

static void countdown__in_another_boot_is_never_longer_than_it_was(void **state)
{
	(void)state;
	const struct countdown countdown = begun();
	const struct countdown_stored stored = stored_of(&countdown);
	const struct countdown set_back = loaded(&stored, next_boot, 500, 0);

	assert_int_equal(countdown_left_ms(&set_back, 500), LENGTH);
}

static void countdown__damaged_in_the_keyring_is_no_longer_than_its_length(void **state)
{
	(void)state;
	struct countdown_stored stored = {.boot_end_ms = INT64_MAX, .wall_end_ms = INT64_MAX};

	memcpy(stored.boot_id, this_boot, sizeof this_boot);
	stored.length_ms = LENGTH;
	const struct countdown countdown = loaded(&stored, this_boot, NOW, WALL);
	assert_int_equal(countdown_left_ms(&countdown, NOW), LENGTH);
}

static void countdown__that_another_process_ended_is_over_here(void **state)
{
	(void)state;
	static const struct countdown_stored zeros;
	struct countdown countdown = begun();

	countdown_load(&countdown, &zeros, this_boot, NOW + MINUTE, WALL);
	assert_true(countdown_allows(&countdown, NOW + MINUTE));
}

/* A command of another process failed; the network that came is as new to this one. */
static void countdown__that_another_process_began_does_not_end_the_grace_here(void **state)
{
	(void)state;
	const struct countdown others = begun();
	const struct countdown_stored stored = stored_of(&others);
	struct countdown countdown = {0};

	countdown_network_changed(&countdown, NOW);
	countdown_load(&countdown, &stored, this_boot, NOW + SECOND, WALL);
	assert_true(countdown_allows(&countdown, NOW + SECOND));
	assert_false(countdown_allows(&countdown, NOW + COUNTDOWN_GRACE_MS + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countdown__allows_a_contact_when_none_runs),
		cmocka_unit_test(countdown__forbids_contacts_for_its_whole_length),
		cmocka_unit_test(countdown__says_the_remaining_minutes_rounded_up),
		cmocka_unit_test(countdown__lets_two_contacts_through_in_half_an_hour),
		cmocka_unit_test(countdown__ends_with_success),
		cmocka_unit_test(countdown__begins_anew_when_a_command_fails_within_it),
		cmocka_unit_test(countdown__ends_when_the_network_changes),
		cmocka_unit_test(countdown__after_a_change_repeats_failed_contacts_after_2_5_15_30_s),
		cmocka_unit_test(countdown__after_a_change_begins_within_the_minute_and_one_contact),
		cmocka_unit_test(countdown__after_a_change_long_ago_begins_with_the_first_failure),
		cmocka_unit_test(countdown__after_success_in_the_grace_begins_with_the_first_failure),
		cmocka_unit_test(countdown__none_is_stored_as_zeros),
		cmocka_unit_test(countdown__in_the_same_boot_goes_by_boot_time_whatever_the_wall_clock_says),
		cmocka_unit_test(countdown__in_another_boot_goes_by_wall_time),
		cmocka_unit_test(countdown__in_another_boot_is_never_longer_than_it_was),
		cmocka_unit_test(countdown__damaged_in_the_keyring_is_no_longer_than_its_length),
		cmocka_unit_test(countdown__that_another_process_ended_is_over_here),
		cmocka_unit_test(countdown__that_another_process_began_does_not_end_the_grace_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
