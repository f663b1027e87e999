#include <string.h>

#include "ldap/reason.h"
#include "tests/lib/unit.h"

static void directory__has_a_word_and_words_for_every_reason(void **state)
{
	(void)state;
	for (int one = 0; one < DIRECTORY_REASON_COUNT; one++) {
		assert_true(strlen(directory_reason_word((enum directory_reason)one)) > 0);
		assert_true(strlen(directory_reason_words((enum directory_reason)one)) > 0);
		for (int other = 0; other < one; other++)
			assert_string_not_equal(directory_reason_word((enum directory_reason)one),
						directory_reason_word((enum directory_reason)other));
	}
}

/* No failure may ever read as "not a member". */
static void L40__only_what_the_directory_said_is_a_no(void **state)
{
	(void)state;
	static const enum directory_reason noes[] = {DIRECTORY_REASON_NO_USER,	 DIRECTORY_REASON_NO_GROUP,
						     DIRECTORY_REASON_AMBIGUOUS, DIRECTORY_REASON_DISABLED,
						     DIRECTORY_REASON_EXPIRED,	 DIRECTORY_REASON_NOT_MEMBER,
						     DIRECTORY_REASON_PASSWORD};
	unsigned count = 0;
	assert_int_equal(reason_answer(DIRECTORY_REASON_NONE), DIRECTORY_YES);
	for (size_t i = 0; i < sizeof noes / sizeof *noes; i++)
		assert_int_equal(reason_answer(noes[i]), DIRECTORY_NO);
	for (int reason = 0; reason < DIRECTORY_REASON_COUNT; reason++)
		count += reason_answer((enum directory_reason)reason) == DIRECTORY_UNKNOWN;
	assert_int_equal(count, DIRECTORY_REASON_COUNT - 1 - sizeof noes / sizeof *noes);
	assert_int_equal(DIRECTORY_UNKNOWN, 0);
}

static void reason__carries_words_of_each_layer(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	enum directory_reason reason = reason_set(&why, DIRECTORY_REASON_LIMITED, "after %d entries", 500);
	assert_int_equal(reason_in(&why, reason, "group '%s'", "x"), DIRECTORY_REASON_LIMITED);
	assert_string_equal(why.text, "group 'x': after 500 entries");
	assert_int_equal(reason_in(&why, DIRECTORY_REASON_NONE, "not this"), DIRECTORY_REASON_NONE);
	assert_string_equal(why.text, "group 'x': after 500 entries");
	assert_int_equal(reason_set(NULL, DIRECTORY_REASON_FAILED, "no words wanted"),
			 DIRECTORY_REASON_FAILED);
}

/* -- a kind of directory that must not be asked ------------------------------------------ */

static enum directory_answer never_user(struct directory *directory, const char *name, int64_t deadline,
					struct directory_user *ret_user, struct why *why)
{
	(void)directory, (void)name, (void)deadline, (void)ret_user, (void)why;
	fail_msg("it was asked for '%s'", name);
	return DIRECTORY_YES;
}

static enum directory_answer never_password(struct directory *directory, const char *name,
					    const struct secret *password, int64_t deadline,
					    struct directory_user *ret_user, struct why *why)
{
	(void)password;
	return never_user(directory, name, deadline, ret_user, why);
}

static void L26__names_that_are_none_and_empty_passwords_reach_no_directory(void **state)
{
	(void)state;
	static const struct directory_calls calls = {.find_user = never_user, .authenticate = never_password};
	struct directory directory = {.calls = &calls};
	struct directory_user user;
	struct why why = WHY_NONE;
	char name[DIRECTORY_NAME_MAX + 2];
	AUTO(secret_free) struct secret *password = NULL;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_works(secret_copy("x", 1, &password, &why));
	assert_int_equal(directory_find_user(&directory, "", 0, &user, &why), DIRECTORY_NO);
	assert_int_equal(directory_find_user(&directory, name, 0, &user, &why), DIRECTORY_NO);
	assert_int_equal(directory_authenticate(&directory, "", password, 0, &user, &why), DIRECTORY_NO);
	assert_int_equal(directory_authenticate(&directory, "alice", NULL, 0, &user, &why), DIRECTORY_NO);
	assert_string_equal(why.text, "the password is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory__has_a_word_and_words_for_every_reason),
		cmocka_unit_test(L40__only_what_the_directory_said_is_a_no),
		cmocka_unit_test(reason__carries_words_of_each_layer),
		cmocka_unit_test(L26__names_that_are_none_and_empty_passwords_reach_no_directory),
	};
	struct why why = WHY_NONE;
	if (secret_start(&why))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
