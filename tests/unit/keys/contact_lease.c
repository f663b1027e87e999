/* Leases: renewed, ended, denied, of no length at all; with key servers that are up. */
#include "tests/lib/usual_meeting.h"

/* -- leases ---------------------------------------------------------------------------------------- */

static void lease__of_all_warm_groups_is_renewed_in_one_request(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done)
	struct company_group board = company_group_new(&meeting.company, "board", 1, 1);
	AUTO(company_group_done)
	struct company_group staff = company_group_new(&meeting.company, "staff", 1, 1);
	AUTO(made_done) struct made one = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made two = meeting_folder(&meeting, &board, ROLE_READER);
	AUTO(made_done) struct made three = meeting_folder(&meeting, &staff, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	key_server_add_group(&meeting.servers[0], &board);
	key_server_add_group(&meeting.servers[0], &staff);
	assert_works(meeting_open(&meeting, one.file, &opened, &why));
	assert_works(meeting_try(&meeting, &two, &why));
	assert_works(meeting_try(&meeting, &three, &why));
	meeting_pass(&meeting, 39 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 0);
	meeting_pass(&meeting, 1 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 1);
	assert_int_equal(meeting.servers[0].last_lease_groups, 3);
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms + 119 * SECOND));
}

static void lease__is_kept_for_hours_by_renewals_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	for (int i = 0; i < 180; i++) {
		meeting_pass(&meeting, 40 * SECOND);
		assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	}
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 180);
	assert_int_equal(atomic_load(&meeting.ended), 0);
}

static void lease__denied_at_renewal_ends_at_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_DENIED}});
	meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_false(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	assert_fault(FAULT_DENIED, contacts_confirm(meeting.contacts, opened.lease, &why));
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
	assert_non_null(strstr(meeting_log(), "finance"));
}

static void lease__of_a_disabled_account_ends_at_renewal(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_script(&meeting, 0,
		       &(struct key_server_script){.has_problem[ROUTE_LEASE] = true,
						   .problem[ROUTE_LEASE] = PROBLEM_DISABLED});
	meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "disabled"));
}

static void lease__runs_on_while_the_directory_does_not_answer(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_UNKNOWN}});
	meeting_pass(&meeting, 40 * SECOND);
	meeting_pass(&meeting, 12 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 2);
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	meeting_pass(&meeting, 12 * SECOND);
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms + 119 * SECOND));
	assert_int_equal(atomic_load(&meeting.ended), 0);
}

static void lease__is_no_longer_than_the_policy_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy policy = policy_default(&id, 1700000000);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	char host[CONTACT_HOST_SIZE];

	policy.lease = 5;
	policy.version = 2;
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 86400, .policy = &policy});
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms + 5 * SECOND - 1));
	assert_false(lease_is_valid(&opened.lease->lease, meeting.now_ms + 5 * SECOND));
}

/* As of the servers, and heard of by a command of another process. */
static void policy_asks_for(struct policy *policy, uint64_t version, const char *minimum)
{
	const struct organisation_id id = company_id(&meeting.company);

	*policy = policy_default(&id, 1700000000);
	policy->version = version;
	(void)snprintf(policy->minimum_client, sizeof policy->minimum_client, "%s", minimum);
	meeting_script(&meeting, 0, &(struct key_server_script){.policy = policy});
	keep_policy(meeting.keyring, &meeting.company, policy);
	contacts_wake(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
}

static void lease__ends_when_the_policy_asks_for_a_later_client(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct policy policy;
	char words[WHY_TEXT_SIZE];
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	policy_asks_for(&policy, 2, "0.0.1");
	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	policy_asks_for(&policy, 3, "9000");
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_false(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	assert_fault(FAULT_DENIED, contacts_confirm(meeting.contacts, opened.lease, &why));
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "asks for fsenc 9000 or later"));
	contacts_words(meeting.contacts, folder.file, words);
	assert_string_equal(words, why.text);
	meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1); /* nobody is asked */
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 0);
	policy_asks_for(&policy, 4, "");
	assert_works(meeting_try(&meeting, &folder, &why));
}

static void lease__that_has_run_out_is_refused_at_once_with_its_words(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened old = {.keys = NULL};
	AUTO(contact_opened_done) struct contact_opened new = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &old, &why));
	meeting_pass(&meeting, 8 * 3600 * SECOND); /* the machine slept */
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_fault(FAULT_UNREACHABLE, contacts_confirm(meeting.contacts, old.lease, &why));
	assert_non_null(strstr(why.text, "run out"));
	assert_works(meeting_open(&meeting, folder.file, &new, &why));
	assert_ptr_not_equal(old.lease, new.lease);
	assert_fault(FAULT_UNREACHABLE, contacts_confirm(meeting.contacts, old.lease, &why));
	assert_works(contacts_confirm(meeting.contacts, new.lease, &why));
}

struct leases {
	unsigned count;
	int64_t left_ms;
	char name[32];
};

static void look_at_lease(void *context, const char *name, int64_t left_ms)
{
	struct leases *leases = context;

	leases->count++;
	leases->left_ms = left_ms;
	(void)snprintf(leases->name, sizeof leases->name, "%s", name);
}

static void lease__shows_in_the_state(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	struct leases leases = {.count = 0};
	struct contacts_state shown;

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_pass(&meeting, 20 * SECOND);
	contacts_each_lease(meeting.contacts, look_at_lease, &leases);
	assert_int_equal(leases.count, 1);
	assert_int_equal(leases.left_ms, 100 * SECOND);
	assert_string_equal(leases.name, "finance");
	contacts_state(meeting.contacts, &shown);
	assert_true(shown.enrolled);
	assert_string_equal(shown.organisation, "keys.test");
	assert_int_equal(shown.countdown_left_ms, 0);
}

/* -- a lease of zero --------------------------------------------------------------------------------- */

static struct policy zero;

static void under_zero_lease(struct contact_opened *opened, const struct made *folder)
{
	struct why why = WHY_NONE;

	const struct organisation_id id = company_id(&meeting.company);
	zero = policy_default(&id, 1700000000);
	zero.version = 2;
	zero.lease = 0;
	meeting_script(&meeting, 0, &(struct key_server_script){.policy = &zero});
	keep_policy(meeting.keyring, &meeting.company, &zero);
	contacts_wake(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
	assert_works(meeting_open(&meeting, folder->file, opened, &why));
	assert_opens(folder, opened);
	meeting_pass(&meeting, 2 * SECOND); /* what the unlock itself confirmed is over */
}

static enum fault confirm(struct group_lease *lease, struct why *why)
{
	enum fault fault;

	while ((fault = contacts_confirm(meeting.contacts, lease, why)) == FAULT_PENDING)
		contacts_wait(meeting.contacts, clock_boot_ms() + MEETING_PATIENCE_MS),
			meeting_let_it_look(meeting.contacts);
	return fault;
}

static void zero_lease__asks_for_each_access(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	under_zero_lease(&opened, &folder);
	for (unsigned i = 1; i <= 5; i++) {
		assert_works(confirm(opened.lease, &why));
		assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), i);
	}
	meeting_pass(&meeting, 3600 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 5); /* nobody renews it */
	assert_int_equal(atomic_load(&meeting.ended), 0);
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
}

static void zero_lease__denied_is_over(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	under_zero_lease(&opened, &folder);
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_DENIED}});
	assert_fault(FAULT_DENIED, confirm(opened.lease, &why));
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
}

static void zero_lease__without_an_answer_is_of_no_use_and_with_one_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	under_zero_lease(&opened, &folder);
	key_server_stop(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, confirm(opened.lease, &why));
	assert_fault(FAULT_UNREACHABLE, confirm(opened.lease, &why));
	key_server_start(&meeting.servers[0]);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(confirm(opened.lease, &why));
}

static void zero_lease__of_an_unknown_membership_refuses_for_half_a_minute(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	under_zero_lease(&opened, &folder);
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_UNKNOWN}});
	assert_fault(FAULT_UNREACHABLE, confirm(opened.lease, &why));
	unsigned before = meeting_count(&meeting, ROUTE_LEASE);
	meeting_pass(&meeting, 29 * SECOND);
	assert_fault(FAULT_UNREACHABLE, confirm(opened.lease, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), before);
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	meeting_pass(&meeting, 1 * SECOND);
	assert_works(confirm(opened.lease, &why));
}

static void zero_lease__is_over_when_the_policy_asks_for_a_later_client(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct policy policy;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	under_zero_lease(&opened, &folder);
	assert_works(confirm(opened.lease, &why));
	policy_asks_for(&policy, 3, "9000");
	assert_fault(FAULT_DENIED, confirm(opened.lease, &why));
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lease__of_all_warm_groups_is_renewed_in_one_request),
		TEST(lease__is_kept_for_hours_by_renewals_alone),
		TEST(lease__denied_at_renewal_ends_at_once),
		TEST(lease__of_a_disabled_account_ends_at_renewal),
		TEST(lease__runs_on_while_the_directory_does_not_answer),
		TEST(lease__is_no_longer_than_the_policy_says),
		TEST(lease__ends_when_the_policy_asks_for_a_later_client),
		TEST(lease__that_has_run_out_is_refused_at_once_with_its_words),
		TEST(lease__shows_in_the_state),
		TEST(zero_lease__asks_for_each_access),
		TEST(zero_lease__denied_is_over),
		TEST(zero_lease__without_an_answer_is_of_no_use_and_with_one_again),
		TEST(zero_lease__of_an_unknown_membership_refuses_for_half_a_minute),
		TEST(zero_lease__is_over_when_the_policy_asks_for_a_later_client),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
