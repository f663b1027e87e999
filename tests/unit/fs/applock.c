#include <fcntl.h>
#include <unistd.h>

#include "fs/applock.h"
#include "tests/lib/unit.h"

static struct flock range(int64_t start, int64_t length)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length, .l_pid = 9};
}

static void applock__a_range_lies_beyond_any_data(void **state)
{
	const struct flock wanted = range(5, 10);
	struct why why = WHY_NONE;
	struct flock stored;
	(void)state;

	assert_works(applock_place(&wanted, &stored, &why));
	assert_int_equal(stored.l_start, LOCK_APPLICATION + 5);
	assert_int_equal(stored.l_len, 10);
	assert_int_equal(stored.l_pid, 0); /* an OFD lock wants it so */
}

static void applock__to_the_end_stops_before_the_block_locks(void **state)
{
	const struct flock ends[] = {range(0, 0), range(7, 0), range(7, INT64_MAX - 7)};
	struct why why = WHY_NONE;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct flock stored;
		assert_works(applock_place(&ends[i], &stored, &why));
		assert_int_equal(stored.l_start + stored.l_len, LOCK_BLOCKS);
	}
}

static void applock__a_range_from_two_to_the_61_on_overflows(void **state)
{
	const struct flock wanted = range(LOCK_APPLICATION, 1);
	struct why why = WHY_NONE;
	struct flock stored;
	(void)state;

	assert_fault(FAULT_SYSTEM, applock_place(&wanted, &stored, &why));
	assert_int_equal(why.error, EOVERFLOW);
}

static void applock__what_is_shown_is_what_was_asked(void **state)
{
	const struct flock asked[] = {range(0, 1), range(12345, 678), range(3, 0), range(LOCK_APPLICATION - 1, 0)};
	struct why why = WHY_NONE;
	(void)state;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct flock stored, shown;
		assert_works(applock_place(&asked[i], &stored, &why));
		applock_shown(&stored, &shown);
		assert_int_equal(shown.l_start, asked[i].l_start);
		assert_int_equal(shown.l_len, asked[i].l_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applock__a_range_lies_beyond_any_data),
		cmocka_unit_test(applock__to_the_end_stops_before_the_block_locks),
		cmocka_unit_test(applock__a_range_from_two_to_the_61_on_overflows),
		cmocka_unit_test(applock__what_is_shown_is_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
