/* Versions are compared by their numbers, and a policy that wants a later one is obeyed. */
#include "keys/client_version.h"
#include "tests/lib/unit.h"

static void version__is_numbers_with_dots_between(void **state)
{
	(void)state;
	static const char *const good[] = {"0", "1", "0.1.0", "10.20.30", "1.2.3.4.5.6.7.8", "007.0"};
	static const char *const bad[] = {"",	  "1.",	  ".1", "1..2", "1.2-rc1",
					  "v1.0", "1,0",  " 1", "1 ",	"1.2.3.4.5.6.7.8.9",
					  "one",  "-1.0", "+1", "1\n",	"12345678901234567890123456789012"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!client_version_is_valid(good[i]))
			fail_msg("'%s' is a version", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (client_version_is_valid(bad[i]))
			fail_msg("'%s' is no version", bad[i]);
}

static void version__is_older_by_its_numbers(void **state)
{
	(void)state;
	static const char *const ascending[] = {"0",
						"0.0.1",
						"0.1",
						"0.1.1",
						"0.2",
						"0.9",
						"0.10",
						"0.10.3",
						"1",
						"1.0.0.1",
						"2.10",
						"10",
						"99999999999999999999999999.9"};
	const size_t count = sizeof ascending / sizeof *ascending;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			if (client_version_is_older(ascending[i], ascending[j]) != (i < j))
				fail_msg("'%s' and '%s'", ascending[i], ascending[j]);
}

static void version__without_a_number_has_a_zero_there(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{"1", "1.0"}, {"1.0.0", "1"}, {"0.01", "0.1"}, {"0.1.0", "0.1"}, {"0", "0.0.0"}};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_false(client_version_is_older(same[i][0], same[i][1]));
		assert_false(client_version_is_older(same[i][1], same[i][0]));
	}
}

static void policy__that_wants_a_later_program_is_obeyed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct policy policy = {.minimum_client = ""};
	assert_true(client_version_is_valid(client_version()));
	assert_works(client_version_check(&policy, &why));
	(void)snprintf(policy.minimum_client, sizeof policy.minimum_client, "%s", client_version());
	assert_works(client_version_check(&policy, &why));
	(void)snprintf(policy.minimum_client, sizeof policy.minimum_client, "%s.1", client_version());
	assert_fault(FAULT_DENIED, client_version_check(&policy, &why));
	assert_non_null(strstr(why.text, policy.minimum_client));
	assert_non_null(strstr(why.text, "this is fsenc "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version__is_numbers_with_dots_between),
		cmocka_unit_test(version__is_older_by_its_numbers),
		cmocka_unit_test(version__without_a_number_has_a_zero_there),
		cmocka_unit_test(policy__that_wants_a_later_program_is_obeyed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
