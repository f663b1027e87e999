#include <errno.h>
#include <string.h>

#include "tests/lib/unit.h"

static void why__puts_each_layer_in_front(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	enum fault fault = why_set(&why, FAULT_REFUSED, "the tag of block %d is wrong", 7);
	assert_int_equal(why_in(&why, fault, "file %s", "x"), FAULT_REFUSED);
	assert_string_equal(why.text, "file x: the tag of block 7 is wrong");
}

static void why__keeps_the_errno_of_the_system(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	errno = ENOSPC;
	enum fault fault = why_system(&why, "cannot write");
	assert_int_equal(why_errno(&why, why_in(&why, fault, "folder")), ENOSPC);
	assert_string_equal(why.text, "folder: cannot write: No space left on device");
}

static void why__survives_words_that_are_too_long(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char words[2 * WHY_TEXT_SIZE];
	memset(words, 'a', sizeof words - 1);
	words[sizeof words - 1] = 0;
	for (int i = 0; i < 3; i++)
		(void)why_in(&why, why_set(&why, FAULT_FAILED, "%s", words), "%s", words);
	assert_int_equal(strlen(why.text), WHY_TEXT_SIZE - 1);
}

static void fault__has_words_for_every_row(void **state)
{
	(void)state;
	for (int fault = 0; fault < FAULT_COUNT; fault++) {
		assert_non_null(fault_name((enum fault)fault));
		assert_true(strlen(fault_words((enum fault)fault)) > 0);
		assert_true(fault == 0 || fault_errno((enum fault)fault) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why__puts_each_layer_in_front),
		cmocka_unit_test(why__keeps_the_errno_of_the_system),
		cmocka_unit_test(why__survives_words_that_are_too_long),
		cmocka_unit_test(fault__has_words_for_every_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
