/* A group whose key lies with three servers, of which any two open its folders. */
#include "tests/lib/meeting.h"

static struct meeting meeting;
static struct company_group board;

static int begin(void **state)
{
	(void)state;
	meeting_begin(&meeting, &(struct meeting_options){.servers = 3, .background = true});
	board = company_group_new(&meeting.company, "board", 2, 3);
	for (size_t i = 0; i < 3; i++)
		key_server_add_group(&meeting.servers[i], &board);
	keep_group(meeting.keyring, &board);
	return 0;
}

static int end(void **state)
{
	(void)state;
	meeting_end(&meeting);
	company_group_done(&board);
	return 0;
}

static struct made board_folder(void)
{
	return meeting_folder(&meeting, &board, ROLE_READER);
}

/* finance is the group at index 0 of the first server; board is index 1 there and 0 elsewhere. */
static void say(size_t server, enum lease_state state)
{
	struct key_server_script script = {.lease = 120};

	script.state[server == 0 ? 1 : 0] = state;
	meeting_script(&meeting, server, &script);
}

static unsigned unlocks_of(size_t server)
{
	return key_server_count(&meeting.servers[server], ROUTE_UNLOCK);
}

static int64_t countdown_left(void)
{
	struct contacts_state state;

	contacts_state(meeting.contacts, &state);
	return state.countdown_left_ms;
}

/* -- opening ------------------------------------------------------------------------------ */

static void open__asks_two_of_three_servers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(unlocks_of(0) + unlocks_of(1) + unlocks_of(2), 2);
}

static void open__with_one_server_gone_is_noticed_by_nobody(void **state)
{
	(void)state;
	for (size_t gone = 0; gone < 3; gone++) {
		struct why why = WHY_NONE;
		AUTO(made_done) struct made folder = board_folder();
		key_server_stop(&meeting.servers[gone]);
		assert_works(meeting_try(&meeting, &folder, &why));
		assert_int_equal(countdown_left(), 0);
		key_server_start(&meeting.servers[gone]);
	}
	assert_null(strstr(meeting_log(), "Unable to establish"));
}

static void open__with_two_servers_gone_is_refused_and_counts_down(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = board_folder();

	key_server_stop(&meeting.servers[1]);
	key_server_stop(&meeting.servers[2]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_true(countdown_left() > 0);
	const char *log = meeting_log();
	assert_non_null(strstr(log, meeting.servers[1].host));
	assert_non_null(strstr(log, meeting.servers[2].host));
	assert_null(strstr(log, meeting.servers[0].host)); /* this one is there */
	key_server_start(&meeting.servers[1]);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(meeting_try(&meeting, &folder, &why));
}

/* -- what they say ----------------------------------------------------------------------------- */

static void denied__by_two_of_three_is_a_denial(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	say(0, LEASE_DENIED);
	say(1, LEASE_DENIED);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_int_equal(countdown_left(), 0);
}

static void denied__by_two_is_a_denial_also_when_the_third_is_gone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	say(0, LEASE_DENIED);
	say(2, LEASE_DENIED);
	key_server_stop(&meeting.servers[1]);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
}

static void denied__by_one_is_overruled_by_two(void **state)
{
	(void)state;
	for (size_t denies = 0; denies < 3; denies++) {
		struct why why = WHY_NONE;
		AUTO(made_done) struct made folder = board_folder();
		say(denies, LEASE_DENIED);
		assert_works(meeting_try(&meeting, &folder, &why));
		say(denies, LEASE_MEMBER);
	}
}

/* One server's word that somebody is no member is no denial, and that he is one opens nothing. */
static void denied__by_one_with_another_gone_is_not_known(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	say(0, LEASE_DENIED);
	key_server_stop(&meeting.servers[1]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
}

static void unknown__to_two_is_not_known(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	say(0, LEASE_UNKNOWN);
	say(1, LEASE_UNKNOWN);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(countdown_left(), 0);
	say(0, LEASE_MEMBER);
	meeting_pass(&meeting, 30 * SECOND);
	assert_works(meeting_try(&meeting, &folder, &why));
}

/* -- lies --------------------------------------------------------------------------------------- */

static void assert_named_and_left_out(size_t liar)
{
	struct why why = WHY_NONE;
	char line[64];
	unsigned asked = unlocks_of(liar);
	AUTO(made_done) struct made folder = board_folder();
	AUTO(made_done) struct made other = board_folder();

	(void)snprintf(line, sizeof line, "Error: key server 'server %zu' gives a wrong answer", liar + 1);
	assert_works(meeting_try(&meeting, &folder, &why));
	const char *log = meeting_log();
	unsigned now = unlocks_of(liar);
	assert_int_equal(meeting_lines(log, "gives a wrong answer"), now > asked);
	assert_int_equal(meeting_lines(log, line), now > asked);
	assert_works(meeting_try(&meeting, &other, &why));
	assert_true(now == asked || unlocks_of(liar) == now);
}

static void lie__of_one_is_named_and_the_others_open_the_folder(void **state)
{
	(void)state;
	for (size_t liar = 0; liar < 3; liar++) {
		meeting_script(&meeting, liar, &(struct key_server_script){.lies = true});
		assert_named_and_left_out(liar);
		meeting_script(&meeting, liar, &(struct key_server_script){.lease = 120});
		AUTO(contacts_let_go) struct contacts *held = contacts_hold(meeting.contacts);
		contacts_forget_refusals(held);
	}
	assert_true(unlocks_of(0) > 0 && unlocks_of(1) > 0);
}

static void lie__of_one_with_another_gone_is_an_identity_that_failed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	meeting_script(&meeting, 1, &(struct key_server_script){.lies = true});
	key_server_stop(&meeting.servers[2]);
	assert_fault(FAULT_IDENTITY, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "server 2"));
}

static void lie__of_two_is_named_twice_and_opens_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	meeting_script(&meeting, 0, &(struct key_server_script){.lies = true});
	meeting_script(&meeting, 1, &(struct key_server_script){.lies = true});
	assert_fault(FAULT_IDENTITY, meeting_try(&meeting, &folder, &why));
	const char *log = meeting_log();
	assert_non_null(strstr(log, "'server 1' gives a wrong answer"));
	assert_non_null(strstr(log, "'server 2' gives a wrong answer"));
	assert_null(strstr(log, "'server 3'"));
}

static void lie__is_forgotten_by_a_sync(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = board_folder();
	AUTO(made_done) struct made other = board_folder();

	meeting_script(&meeting, 0, &(struct key_server_script){.lies = true});
	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	assert_works(contacts_sync(meeting.contacts, host, &why));
	unsigned before = unlocks_of(0);
	assert_works(meeting_try(&meeting, &other, &why));
	assert_true(unlocks_of(0) > before);
}

/* -- leases -------------------------------------------------------------------------------------- */

static void lease__is_renewed_by_two_with_the_third_gone_or_against_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	key_server_stop(&meeting.servers[0]);
	for (int i = 0; i < 10; i++)
		meeting_pass(&meeting, 40 * SECOND);
	key_server_start(&meeting.servers[0]);
	say(1, LEASE_DENIED);
	for (int i = 0; i < 10; i++)
		meeting_pass(&meeting, 40 * SECOND);
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	assert_int_equal(atomic_load(&meeting.ended), 0);
}

static void lease__ends_when_two_deny_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();

	assert_works(meeting_try(&meeting, &folder, &why));
	say(0, LEASE_DENIED);
	say(2, LEASE_DENIED);
	meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
}

static void lease__runs_out_when_only_one_says_that_he_is_a_member(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	say(0, LEASE_UNKNOWN);
	say(1, LEASE_UNKNOWN);
	for (int i = 0; i < 11; i++)
		meeting_pass(&meeting, 10 * SECOND);
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	meeting_pass(&meeting, 10 * SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
}

static void lease__of_groups_of_different_servers_takes_one_request_a_set_of_servers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = board_folder();
	AUTO(made_done) struct made finance = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	assert_works(meeting_try(&meeting, &finance, &why));
	meeting_let_it_look(meeting.contacts);
	meeting_pass(&meeting, 40 * SECOND);
	unsigned all = 0;
	for (size_t i = 0; i < 3; i++)
		all += key_server_count(&meeting.servers[i], ROUTE_LEASE);
	assert_int_equal(all, 3); /* two for the board, one for finance */
	meeting_pass(&meeting, 79 * SECOND);
	assert_works(meeting_try(&meeting, &finance, &why));
	assert_int_equal(atomic_load(&meeting.ended), 0);
}

/* A group whose servers are away must not close that of others. */
static void group__of_servers_that_are_gone_does_not_lock_anothers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made both = board_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	made_add_group(&both, &meeting.admin, &meeting.company, &meeting.finance, ROLE_READER);
	key_server_stop(&meeting.servers[1]);
	key_server_stop(&meeting.servers[2]);
	assert_works(meeting_open(&meeting, both.file, &opened, &why));
	assert_string_equal(opened.lease->name, "finance");
	assert_int_equal(countdown_left(), 0);
	assert_works(meeting_try(&meeting, &folder, &why));
}

/* -- policy and heads -------------------------------------------------------------------------------- */

static void sync__takes_the_newest_policy_of_all_servers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy newest = policy_default(&id, 1700000000);
	struct keyring_policy kept;
	char host[CONTACT_HOST_SIZE];

	newest.version = 5;
	meeting_script(&meeting, 1, &(struct key_server_script){.policy = &newest});
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(keyring_policy(meeting.keyring, &kept, &why));
	assert_int_equal(kept.policy.version, 5);
	assert_string_equal(kept.from, meeting.servers[1].host);
	/* That two of them still have the old one is no going back. */
	assert_works(contacts_sync(meeting.contacts, host, &why));
}

static void report__goes_to_every_server(void **state)
{
	(void)state;
	AUTO(made_done) struct made folder = board_folder();

	contacts_report(meeting.contacts, folder.file);
	meeting_let_it_look(meeting.contacts);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(key_server_count(&meeting.servers[i], ROUTE_HEADS), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open__asks_two_of_three_servers),
		TEST(open__with_one_server_gone_is_noticed_by_nobody),
		TEST(open__with_two_servers_gone_is_refused_and_counts_down),
		TEST(denied__by_two_of_three_is_a_denial),
		TEST(denied__by_two_is_a_denial_also_when_the_third_is_gone),
		TEST(denied__by_one_is_overruled_by_two),
		TEST(denied__by_one_with_another_gone_is_not_known),
		TEST(unknown__to_two_is_not_known),
		TEST(lie__of_one_is_named_and_the_others_open_the_folder),
		TEST(lie__of_one_with_another_gone_is_an_identity_that_failed),
		TEST(lie__of_two_is_named_twice_and_opens_nothing),
		TEST(lie__is_forgotten_by_a_sync),
		TEST(lease__is_renewed_by_two_with_the_third_gone_or_against_it),
		TEST(lease__ends_when_two_deny_it),
		TEST(lease__runs_out_when_only_one_says_that_he_is_a_member),
		TEST(lease__of_groups_of_different_servers_takes_one_request_a_set_of_servers),
		TEST(group__of_servers_that_are_gone_does_not_lock_anothers),
		TEST(sync__takes_the_newest_policy_of_all_servers),
		TEST(report__goes_to_every_server),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
