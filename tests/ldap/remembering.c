/* Against the mock: what is remembered, for how long, and what is not. */
#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"

#define REMOVED WORLD_GROUP("finance", "11") WORLD_MEMBER("bob") "\n"
#define BACK WORLD_GROUP("finance", "11") WORLD_MEMBER("alice") "\n"

static const char world[] = WORLD_PERSON("alice", "01") "\n" WORLD_PERSON("bob", "02") "\n" BACK;

static const struct member_id alice = {.bytes = {[15] = 1}};
static const struct member_id bob = {.bytes = {[15] = 2}};
static const struct member_id finance = {.bytes = {[15] = 0x11}};

static struct mock *mock;
static int64_t now;

static int start(void **state)
{
	(void)state;
	mock = mock_start(world);
	now = clock_boot_ms();
	clock_set_fake(now, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	clock_set_real();
	mock_stop(mock);
	return 0;
}

static void assert_asked(struct directory *directory, const struct member_id *user, int64_t at_ms,
			 enum directory_answer expected, enum directory_source source, int64_t age_ms)
{
	struct directory_proof proof;
	struct why why = WHY_NONE;

	clock_set_fake(now + at_ms, 0);
	assert_answer(expected,
		      directory_is_member(directory, user, &finance, look_patiently(), &proof, &why));
	assert_int_equal(proof.source, source);
	assert_int_equal(proof.age_ms, age_ms);
}

static void L41__a_yes_is_remembered_for_a_minute_at_most(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	assert_asked(directory, &alice, 0, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	unsigned searches = mock_count(mock, "search");
	mock_say(mock, REMOVED);
	assert_asked(directory, &alice, 30000, DIRECTORY_YES, DIRECTORY_CACHE, 30000);
	assert_asked(directory, &alice, 59999, DIRECTORY_YES, DIRECTORY_CACHE, 59999);
	assert_int_equal(mock_count(mock, "search"), searches);
	assert_asked(directory, &alice, 60000, DIRECTORY_NO, DIRECTORY_LIVE, 0);
}

static void L41__a_denial_is_asked_live_the_next_time(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	mock_say(mock, REMOVED);
	assert_asked(directory, &alice, 0, DIRECTORY_NO, DIRECTORY_LIVE, 0);
	assert_asked(directory, &alice, 0, DIRECTORY_NO, DIRECTORY_LIVE, 0);
	mock_say(mock, BACK);
	assert_asked(directory, &alice, 0, DIRECTORY_YES, DIRECTORY_LIVE, 0);
}

static void L41__where_policy_says_so_a_denial_is_remembered_for_seconds(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS "denial_cache = 10\n");
	mock_say(mock, REMOVED);
	assert_asked(directory, &alice, 0, DIRECTORY_NO, DIRECTORY_LIVE, 0);
	mock_say(mock, BACK);
	assert_asked(directory, &alice, 9999, DIRECTORY_NO, DIRECTORY_CACHE, 9999);
	assert_asked(directory, &alice, 10000, DIRECTORY_YES, DIRECTORY_LIVE, 0);
}

static void L41__times_over_the_greatest_are_refused(void **state)
{
	(void)state;
	struct directory *directory = NULL;
	struct why why = WHY_NONE;
	assert_fault(FAULT_KEYRING_READ,
		     look_try(mock_uri(mock), WORLD_SETTINGS "membership_cache = 61\n", &directory, &why));
	assert_fault(FAULT_KEYRING_READ,
		     look_try(mock_uri(mock), WORLD_SETTINGS "denial_cache = 11\n", &directory, &why));
	assert_null(directory);
}

static void L41__the_cache_shows_in_the_state_and_can_be_dropped(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS "membership_cache = 20\n");
	struct directory_state known;
	assert_asked(directory, &alice, 0, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	assert_asked(directory, &alice, 1000, DIRECTORY_YES, DIRECTORY_CACHE, 1000);
	assert_asked(directory, &bob, 1000, DIRECTORY_NO, DIRECTORY_LIVE, 0);
	directory_state(directory, &known);
	assert_int_equal(known.cache_yes_ms, 20000);
	assert_int_equal(known.cache_no_ms, 0);
	assert_int_equal(known.cache_entries, 1);
	assert_int_equal(known.asked, 2);
	assert_int_equal(known.remembered, 1);
	assert_int_equal(known.answered_age_ms, 0);
	directory_forget(directory);
	directory_state(directory, &known);
	assert_int_equal(known.cache_entries, 0);
	assert_asked(directory, &alice, 1000, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	assert_asked(directory, &alice, 21000, DIRECTORY_YES, DIRECTORY_LIVE, 0);
}

/* A directory that is down neither takes away what is fresh nor gives what is stale, and leaves nothing
 * behind. */
static void L40_L41__unknown_is_not_remembered_and_removes_nothing(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	assert_asked(directory, &alice, 0, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	mock_say(mock, "on search do result 52\n");
	assert_asked(directory, &alice, 40000, DIRECTORY_YES, DIRECTORY_CACHE, 40000);
	assert_asked(directory, &bob, 40000, DIRECTORY_UNKNOWN, DIRECTORY_LIVE, 0);
	assert_asked(directory, &alice, 40000, DIRECTORY_YES, DIRECTORY_CACHE, 40000);
	assert_asked(directory, &alice, 60000, DIRECTORY_UNKNOWN, DIRECTORY_LIVE, 0);
	mock_say(mock, "forget rules\n");
	assert_asked(directory, &alice, 60000, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	assert_asked(directory, &bob, 60000, DIRECTORY_NO, DIRECTORY_LIVE, 0);
}

static void L42__who_was_removed_is_out_when_the_cache_time_is_over(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS "membership_cache = 5\n");
	assert_asked(directory, &alice, 0, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	mock_say(mock, WORLD_PERSON("alice", "01") "nsAccountLock: TRUE\n\n");
	assert_asked(directory, &alice, 4999, DIRECTORY_YES, DIRECTORY_CACHE, 4999);
	assert_asked(directory, &alice, 5000, DIRECTORY_NO, DIRECTORY_LIVE, 0);
	mock_say(mock, WORLD_PERSON("alice", "01") "nsAccountLock: false\n\n");
	assert_asked(directory, &alice, 5000, DIRECTORY_YES, DIRECTORY_LIVE, 0);
	mock_say(mock, WORLD_PERSON("alice", "07") "\n");
	assert_asked(directory, &alice, 10000, DIRECTORY_NO, DIRECTORY_LIVE, 0);
}

static void L43__locks_of_other_directories_are_known(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum directory_answer answer;
	} rows[] = {{"nsAccountLock: TRUE\n", DIRECTORY_NO},
		    {"nsAccountLock: true\n", DIRECTORY_NO},
		    {"nsAccountLock: FALSE\n", DIRECTORY_YES},
		    {"nsAccountLock: perhaps\n", DIRECTORY_NO},
		    {"loginDisabled: TRUE\n", DIRECTORY_NO},
		    {"loginDisabled: FALSE\n", DIRECTORY_YES},
		    {"pwdAccountLockedTime: 000001010000Z\n", DIRECTORY_NO},
		    {"pwdAccountLockedTime: 20240101000000Z\n", DIRECTORY_YES},
		    {"shadowExpire: tomorrow\n", DIRECTORY_UNKNOWN}};
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS LOOK_UNCACHED);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char script[500];
		(void)snprintf(script, sizeof script, WORLD_PERSON("alice", "01") "%s\n", rows[i].line);
		mock_say(mock, script);
		assert_asked(directory, &alice, 0, rows[i].answer, DIRECTORY_LIVE, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(L41__a_yes_is_remembered_for_a_minute_at_most, start, stop),
		cmocka_unit_test_setup_teardown(L41__a_denial_is_asked_live_the_next_time, start, stop),
		cmocka_unit_test_setup_teardown(L41__where_policy_says_so_a_denial_is_remembered_for_seconds,
						start, stop),
		cmocka_unit_test_setup_teardown(L41__times_over_the_greatest_are_refused, start, stop),
		cmocka_unit_test_setup_teardown(L41__the_cache_shows_in_the_state_and_can_be_dropped, start,
						stop),
		cmocka_unit_test_setup_teardown(L40_L41__unknown_is_not_remembered_and_removes_nothing, start,
						stop),
		cmocka_unit_test_setup_teardown(L42__who_was_removed_is_out_when_the_cache_time_is_over,
						start, stop),
		cmocka_unit_test_setup_teardown(L43__locks_of_other_directories_are_known, start, stop),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
