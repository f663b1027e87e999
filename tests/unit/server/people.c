/* Users, groups, members and recovery tokens, as an enrolled user asks for them; and the server's own rounds.
 */
#include "server/rounds.h"
#include "tests/lib/servers.h"

static struct test_server *test;
static struct person alice, bob;

static int set_up(void **state)
{
	(void)state;
	test = test_server_new(1);
	alice = test_server_user(test, "alice");
	bob = test_server_user(test, "bob");
	(void)fake_user(test->fake, "carol", false);
	fake_member(test->fake, "alice", &test->group.descriptor.id);
	fake_member(test->fake, "carol", &test->group.descriptor.id);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	test_server_done(test);
	return 0;
}

static struct test_answer got(const struct person *person, const char *format, ...) PRINTF_LIKE(2, 3);
static struct test_answer got(const struct person *person, const char *format, ...)
{
	char target[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(target, sizeof target, format, arguments);
	va_end(arguments);
	return test_ask(test, person, "GET", target, NULL);
}

static const char *id_text(const struct member_id *id)
{
	static char text[ID_TEXT_SIZE];

	member_id_text(id, text);
	return text;
}

static void assert_problem(enum problem_type expected, const char *format, ...) PRINTF_LIKE(2, 3);
static void assert_problem(enum problem_type expected, const char *format, ...)
{
	char target[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(target, sizeof target, format, arguments);
	va_end(arguments);
	AUTO(test_answer_done) struct test_answer answer = got(&alice, "%s", target);

	if (!answer.is_problem || answer.problem.type != expected)
		fail_msg("status %u, not %s: %s", answer.status, problem_text(expected),
			 (const char *)answer.body.data);
}

/* -- users ------------------------------------------------------------------------------------ */

static void assert_user(const struct test_answer *answer, const char *name, bool enabled,
			const struct person *person)
{
	AUTO(user_answer_done) struct user_answer read = {0};
	struct why why = WHY_NONE;

	if (answer->status != 200)
		fail_msg("status %u: %s", answer->status, (const char *)answer->body.data);
	assert_works(user_answer_read(answer->body.data, answer->body.size, &read, &why));
	assert_string_equal(read.name, name);
	assert_int_equal(read.enabled, enabled);
	assert_true(member_id_equal(&read.account, &fake_find_name(test->fake, name)->id));
	assert_int_equal(read.certificate != NULL, person != NULL);
	if (!person)
		return;
	const struct fingerprint found = certificate_fingerprint(read.certificate),
				 expected = person_fingerprint(person);
	assert_true(fingerprint_equal(&found, &expected));
}

static void user__is_found_by_name_by_account_and_by_own_id(void **state)
{
	(void)state;
	AUTO(test_answer_done) struct test_answer name = got(&alice, "/v1/users?name=%s", "bob");
	assert_user(&name, "bob", true, &bob);
	AUTO(test_answer_done)
	struct test_answer account = got(&alice, "/v1/users/%s",
					 id_text(&fake_find_name(test->fake, "bob")->id));
	assert_user(&account, "bob", true, &bob);
	AUTO(test_answer_done) struct test_answer own = got(&alice, "/v1/users/%s", id_text(person_id(&bob)));
	assert_user(&own, "bob", true, &bob);
}

static void user__who_is_not_enrolled_has_no_certificate(void **state)
{
	(void)state;
	AUTO(test_answer_done) struct test_answer answer = got(&alice, "/v1/users?name=%s", "carol");
	assert_user(&answer, "carol", false, NULL);
}

static void user__name_is_percent_encoded(void **state)
{
	(void)state;
	(void)fake_user(test->fake, "J\xc3\xbcrgen M. & S\xc3\xb6hne+1", true);
	AUTO(test_answer_done)
	struct test_answer answer = got(&alice, "/v1/users?name=%s", "J%C3%BCrgen%20M.%20%26%20S%c3%b6hne+1");
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr((const char *)answer.body.data, "J\xc3\xbcrgen M. & S\xc3\xb6hne+1"));
}

static void user__query_of_another_form_is_refused(void **state)
{
	static const char *const wrong[] = {
		"/v1/users",
		"/v1/users?",
		"/v1/users?name=",
		"/v1/users?name=a&name=b",
		"/v1/users?name=a;b",
		"/v1/users?user=a",
		"/v1/users?name=%",
		"/v1/users?name=%4",
		"/v1/users?name=%zz",
		"/v1/users?name=%00a",
		"/v1/groups?x=1",
		"/v1/users?name=a#b",
		"/v1/organisation?a=b",
	};
	char name[400] = "";

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		AUTO(test_answer_done)
		struct test_answer answer = test_ask(test, &alice, "GET", wrong[i], NULL);
		if (!answer.is_problem || answer.problem.type != PROBLEM_MALFORMED)
			fail_msg("'%s': status %u", wrong[i], answer.status);
	}
	memset(name, 'x', 256);
	assert_problem(PROBLEM_MALFORMED, "/v1/users?name=%s", name);
	name[255] = '\0';
	assert_problem(PROBLEM_MISSING, "/v1/users?name=%s", name);
}

static void user__path_of_another_form_is_missing(void **state)
{
	(void)state;
	assert_problem(PROBLEM_MISSING, "/v1/users/%s", "bob");
	assert_problem(PROBLEM_MISSING, "/v1/users/%s", "00112233445566778899aabbccddeef");
	assert_problem(PROBLEM_MISSING, "/v1/users/%s", "00112233445566778899aabbccddeeff0");
	assert_problem(PROBLEM_MISSING, "/v1/users/%s", "00112233445566778899aabbccddeeff/");
	assert_problem(PROBLEM_MISSING, "/v1/users/%s", "00112233445566778899aabbccddeeff");
	assert_problem(PROBLEM_MISSING, "/v1/users/");
	assert_problem(PROBLEM_MISSING, "/V1/users?name=%s", "bob");
	assert_problem(PROBLEM_MISSING, "/v1/groups/%s/members", "finance");
}

static void user__unknown_is_not_missing(void **state)
{
	(void)state;
	atomic_store(&test->fake->is_down, true);
	assert_problem(PROBLEM_DIRECTORY, "/v1/users?name=%s", "bob");
	atomic_store(&test->fake->is_down, false);
	assert_problem(PROBLEM_MISSING, "/v1/users?name=%s", "nobody");
}

static void user__whose_account_is_off_asks_in_vain(void **state)
{
	(void)state;
	fake_find_name(test->fake, "alice")->enabled = false;
	assert_problem(PROBLEM_DISABLED, "/v1/users?name=%s", "bob");
	assert_problem(PROBLEM_DISABLED, "/v1/groups");
	assert_problem(PROBLEM_DISABLED, "/v1/groups/%s/members", id_text(&test->group.descriptor.id));
}

static void user__whom_the_directory_has_lost_asks_in_vain(void **state)
{
	(void)state;
	member_id_random(&fake_find_name(test->fake, "alice")->id);
	assert_problem(PROBLEM_DENIED, "/v1/users?name=%s", "bob");
}

/* -- groups -------------------------------------------------------------------------------------- */

static size_t groups_in(const struct test_answer *answer, bool one)
{
	AUTO(groups_answer_done) struct groups_answer read = {0};
	struct group_descriptor group;
	struct why why = WHY_NONE;

	if (answer->status != 200)
		fail_msg("status %u: %s", answer->status, (const char *)answer->body.data);
	assert_works(groups_answer_read(answer->body.data, answer->body.size, one, &read, &why));
	for (size_t i = 0; i < read.count; i++)
		assert_works(group_descriptor_read(read.list[i], &test->company.organisation, &group, &why));
	return read.count;
}

static void group__is_found_by_name_and_id(void **state)
{
	(void)state;
	AUTO(test_answer_done) struct test_answer name = got(&bob, "/v1/groups?name=%s", "finance");
	assert_int_equal(groups_in(&name, true), 1);
	AUTO(test_answer_done)
	struct test_answer id = got(&bob, "/v1/groups/%s", id_text(&test->group.descriptor.id));
	assert_int_equal(groups_in(&id, true), 1);
	assert_problem(PROBLEM_MISSING, "/v1/groups?name=%s", "board");
	assert_problem(PROBLEM_MISSING, "/v1/groups/%s", "00112233445566778899aabbccddeeff");
}

/* Renamed in the directory after its descriptor was signed. */
static void group__is_found_by_what_the_directory_calls_it_now(void **state)
{
	(void)state;
	(void)snprintf(test->fake->groups[0].name, sizeof test->fake->groups[0].name, "money");
	AUTO(test_answer_done) struct test_answer now = got(&bob, "/v1/groups?name=%s", "money");
	assert_int_equal(groups_in(&now, true), 1);
	AUTO(test_answer_done) struct test_answer before = got(&bob, "/v1/groups?name=%s", "finance");
	assert_int_equal(groups_in(&before, true), 1);
}

static void group__of_the_caller_are_those_he_is_in(void **state)
{
	AUTO(company_group_done)
	struct company_group board = company_group_new(&test->company, "board", 1, 1);

	(void)state;
	test_server_write_group(test, &board);
	AUTO(test_answer_done) struct test_answer of_alice = got(&alice, "/v1/groups");
	assert_int_equal(groups_in(&of_alice, false), 1);
	AUTO(test_answer_done) struct test_answer of_bob = got(&bob, "/v1/groups");
	assert_int_equal(groups_in(&of_bob, false), 0);
	atomic_store(&test->fake->is_down, true);
	assert_problem(PROBLEM_DIRECTORY, "/v1/groups");
}

/* -- members --------------------------------------------------------------------------------------- */

static void members__come_with_certificate_and_path(void **state)
{
	AUTO(members_answer_done) struct members_answer read = {0};
	struct why why = WHY_NONE;

	(void)state;
	AUTO(test_answer_done)
	struct test_answer answer = got(&bob, "/v1/groups/%s/members", id_text(&test->group.descriptor.id));
	assert_works(members_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_int_equal(read.count, 2);
	assert_string_equal(read.list[0].name, "alice");
	assert_int_equal(read.list[0].path_count, 1);
	assert_string_equal(read.list[0].path[0], "finance");
	assert_non_null(read.list[0].certificate);
	assert_string_equal(read.list[1].name, "carol");
	assert_null(read.list[1].certificate);
}

static void members__are_all_or_unknown(void **state)
{
	(void)state;
	assert_problem(PROBLEM_MISSING, "/v1/groups/%s/members", "00112233445566778899aabbccddeeff");
	atomic_store(&test->fake->is_down, true);
	assert_problem(PROBLEM_DIRECTORY, "/v1/groups/%s/members", id_text(&test->group.descriptor.id));
}

/* -- recovery tokens --------------------------------------------------------------------------------- */

static void token__is_kept_as_it_came(void **state)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY, kept = BYTES_EMPTY;
	const struct member_id account = fake_find_name(test->fake, "alice")->id;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(token_request_write("sealed bytes", 12, &body, &why));
	AUTO(test_answer_done)
	struct test_answer answer = test_ask(test, &alice, "POST", "/v1/recovery-token", &body);
	assert_int_equal(answer.status, 200);
	assert_string_equal((const char *)answer.body.data, "{}");
	assert_works(store_token_read(test->home.store, &account, &kept, &why));
	assert_int_equal(kept.size, 12);
	assert_memory_equal(kept.data, "sealed bytes", 12);
	assert_int_equal(test_audit_count(test, "\"action\":\"recovery-token\""), 1);
}

/* -- rounds ----------------------------------------------------------------------------------------- */

static uint64_t counter(void)
{
	AUTO(stored_group_done) struct stored_group group = {0};
	struct why why = WHY_NONE;

	assert_works(store_group_find(test->home.store, &test->group.descriptor.id, &group, &why));
	return group.member_counter;
}

/* Somebody who unlocked something leaves, and never asks again. */
static void rounds__notice_who_left_and_never_asks(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);
	struct rounds *rounds = NULL;
	struct why why = WHY_NONE;
	const int64_t patience = clock_boot_ms() + 10000;
	const struct timespec pause = {.tv_nsec = 1000000};

	(void)state;
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, &alice, &request);
	assert_int_equal(answer.status, 200);
	fake_leave(test->fake, "alice", &test->group.descriptor.id);
	assert_int_equal(counter(), 0);
	assert_works(rounds_start(test->server, &rounds, &why));
	while (counter() == 0 && clock_boot_ms() < patience)
		(void)nanosleep(&pause, NULL);
	rounds_stop(rounds);
	assert_int_equal(counter(), 1);
	assert_int_equal(test_audit_count(test, "\"action\":\"left\""), 1);
}

static void rounds__call_nobody_a_leaver_while_the_directory_is_down(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);
	struct rounds *rounds = NULL;
	struct why why = WHY_NONE;
	const int64_t patience = clock_boot_ms() + 10000;
	const struct timespec pause = {.tv_nsec = 1000000};

	(void)state;
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, &alice, &request);
	assert_int_equal(answer.status, 200);
	fake_leave(test->fake, "alice", &test->group.descriptor.id);
	atomic_store(&test->fake->is_down, true);
	const unsigned asked = atomic_load(&test->fake->asked);
	assert_works(rounds_start(test->server, &rounds, &why));
	while (atomic_load(&test->fake->asked) < asked + 2 && clock_boot_ms() < patience)
		(void)nanosleep(&pause, NULL);
	rounds_stop(rounds);
	assert_true(atomic_load(&test->fake->asked) >= asked + 2);
	assert_int_equal(counter(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(user__is_found_by_name_by_account_and_by_own_id),
		TEST(user__who_is_not_enrolled_has_no_certificate),
		TEST(user__name_is_percent_encoded),
		TEST(user__query_of_another_form_is_refused),
		TEST(user__path_of_another_form_is_missing),
		TEST(user__unknown_is_not_missing),
		TEST(user__whose_account_is_off_asks_in_vain),
		TEST(user__whom_the_directory_has_lost_asks_in_vain),
		TEST(group__is_found_by_name_and_id),
		TEST(group__is_found_by_what_the_directory_calls_it_now),
		TEST(group__of_the_caller_are_those_he_is_in),
		TEST(members__come_with_certificate_and_path),
		TEST(members__are_all_or_unknown),
		TEST(token__is_kept_as_it_came),
		TEST(rounds__notice_who_left_and_never_asks),
		TEST(rounds__call_nobody_a_leaver_while_the_directory_is_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
