/* Synchronising, records reported to witnesses, stale lists, rotations that are due: with key servers that
 * are up. */
#include "tests/lib/usual_meeting.h"

/* -- synchronising ------------------------------------------------------------------------------------ */

static void sync__keeps_organisation_policy_and_groups(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy policy = policy_default(&id, 1700000000);
	struct keyring_policy kept;
	struct group_descriptor group;
	struct contacts_state shown;
	char host[CONTACT_HOST_SIZE];

	policy.version = 7;
	policy.retry_after = 20;
	meeting_script(&meeting, 0, &(struct key_server_script){.policy = &policy});
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_string_equal(host, meeting.servers[0].host);
	assert_works(keyring_policy(meeting.keyring, &kept, &why));
	assert_int_equal(kept.policy.version, 7);
	assert_int_equal(kept.received, clock_wall_ms() / 1000);
	assert_string_equal(kept.from, meeting.servers[0].host);
	assert_works(keyring_find_group(meeting.keyring, "finance", &group, NULL, &why));
	contacts_state(meeting.contacts, &shown);
	assert_int_equal(shown.policy_version, 7);
	assert_int_equal(shown.policy_received, kept.received);
	char line[320];
	(void)snprintf(line, sizeof line, "Info: Successfully synchronized policy with %s\n", host);
	assert_non_null(strstr(meeting_log(), line));
}

static void sync__refuses_an_older_policy_and_keeps_the_last(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy policy = policy_default(&id, 1700000000);
	struct keyring_policy kept;
	char host[CONTACT_HOST_SIZE];

	policy.version = 7;
	keep_policy(meeting.keyring, &meeting.company, &policy);
	assert_fault(FAULT_TAMPERED, contacts_sync(meeting.contacts, host, &why));
	assert_non_null(strstr(why.text, meeting.servers[0].host));
	assert_works(keyring_policy(meeting.keyring, &kept, &why));
	assert_int_equal(kept.policy.version, 7);
}

static void set_organisation_version(uint64_t version)
{
	struct why why = WHY_NONE;
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&meeting.servers[0]);

	(void)held;
	meeting.company.organisation.version = version;
	signed_free(TAKE(meeting.company.object));
	assert_works(organisation_sign(&meeting.company.organisation, meeting.company.root.identity,
				       &meeting.company.object, &why));
}

static void sync__learns_of_a_new_version_of_the_organisation(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_organisation_done) struct keyring_organisation known = {.object = NULL};
	char host[CONTACT_HOST_SIZE];

	set_organisation_version(2);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(keyring_organisation(meeting.keyring, &known, &why));
	assert_int_equal(known.organisation.version, 2);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	assert_works(meeting_try(&meeting, &folder, &why));
}

static void sync__refuses_an_older_organisation_and_keeps_the_last(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_organisation_done) struct keyring_organisation known = {.object = NULL};
	char host[CONTACT_HOST_SIZE];

	set_organisation_version(3);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	set_organisation_version(2);
	assert_fault(FAULT_TAMPERED, contacts_sync(meeting.contacts, host, &why));
	assert_non_null(strstr(why.text, meeting.servers[0].host));
	assert_works(keyring_organisation(meeting.keyring, &known, &why));
	assert_int_equal(known.organisation.version, 3);
}

static void sync__by_itself_follows_the_first_success_and_then_once_an_hour(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_int_equal(key_server_count_all(&meeting.servers[0]), 0); /* nothing was asked yet */
	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(meeting_count(&meeting, ROUTE_GROUPS), 1);
	for (int i = 0; i < 88; i++)
		meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_GROUPS), 1);
	for (int i = 0; i < 4; i++)
		meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(meeting_count(&meeting, ROUTE_GROUPS), 2);
}

/* -- heads and rotation --------------------------------------------------------------------------------- */

static uint64_t head_of_server(void)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&meeting.servers[0]);

	return held->last_head_version;
}

static void report__tells_the_server_of_a_record(void **state)
{
	(void)state;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	contacts_report(meeting.contacts, folder.file);
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(meeting_count(&meeting, ROUTE_HEADS), 1);
	assert_int_equal(head_of_server(), 2);
}

static void report__waits_for_a_server_that_is_away(void **state)
{
	(void)state;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	key_server_stop(&meeting.servers[0]);
	contacts_report(meeting.contacts, folder.file);
	meeting_let_it_look(meeting.contacts);
	key_server_start(&meeting.servers[0]);
	meeting_pass(&meeting, 61 * SECOND);
	assert_int_equal(head_of_server(), 2);
	assert_int_equal(meeting_lines(meeting_log(), "not responding"), 0); /* nobody waited for it */
}

static void report__sends_the_links_that_a_server_lacks(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	struct signed_object *earlier[4] = {NULL};
	size_t count = 0;

	while (folder.file->record->version < 6) {
		AUTO(free) char *text = NULL;
		assert_works(signed_text(folder.file->object, &text, &why));
		assert_works(signed_parse_text(text, strlen(text), RECORD_TYPE, &earlier[count++], &why));
		meeting_next_version(&meeting, &folder);
	}
	key_server_hold(&meeting.servers[0])->knows_head = 3;
	key_server_let_go(&meeting.servers[0]);
	contacts_report_chain(meeting.contacts, folder.file, (const struct signed_object *const *)earlier,
			      count);
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(head_of_server(), 6);
	assert_int_equal(meeting.servers[0].last_head_count, 3); /* 4, 5, 6 */
	for (size_t i = 0; i < count; i++)
		signed_free(earlier[i]);
}

static void report__of_a_command_goes_out_before_it_ends(void **state)
{
	(void)state;
	AUTO(keyring_close) struct keyring *keyring = meeting_keyring_again(&meeting);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	struct contacts *contacts = meeting_contacts(&meeting, keyring, false);

	contacts_report(contacts, folder.file);
	contacts_free(contacts);
	assert_int_equal(head_of_server(), 2);
}

static void rotation__that_is_due_is_told_at_a_renewal(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.rotate = true});
	assert_int_equal(atomic_load(&meeting.due), 0);
	meeting_pass(&meeting, 40 * SECOND);
	assert_int_equal(atomic_load(&meeting.due), 1);
}

static void rotation__of_a_watched_group_is_told_without_opening_anything(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];

	meeting_script(&meeting, 0, &(struct key_server_script){.rotate = true});
	contacts_watch(meeting.contacts, &meeting.finance.descriptor.id);
	contacts_watch(meeting.contacts, &meeting.finance.descriptor.id);
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(meeting_count(&meeting, ROUTE_LEASE), 0);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(atomic_load(&meeting.due), 1);
	meeting_pass(&meeting, 61 * SECOND);
	assert_int_equal(atomic_load(&meeting.due), 2);
	contacts_wake(meeting.contacts); /* a command has synchronised */
	meeting_let_it_look(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
	assert_int_equal(atomic_load(&meeting.due), 3);
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 0);
}

/* -- stale lists --------------------------------------------------------------------------------- */

static void stale__is_said_for_a_minute_without_asking_again_and_then_is_tampering(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	meeting_script(&meeting, 0, &(struct key_server_script){.head_version = 9});
	assert_fault(FAULT_MISSING, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "version 9"));
	meeting_pass(&meeting, 59 * SECOND);
	assert_fault(FAULT_MISSING, meeting_try(&meeting, &folder, &why));
	meeting_pass(&meeting, 1 * SECOND);
	assert_fault(FAULT_TAMPERED, meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
}

static void stale__ends_when_the_newer_list_has_come(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	meeting_script(&meeting, 0, &(struct key_server_script){.head_version = 3});
	assert_fault(FAULT_MISSING, meeting_try(&meeting, &folder, &why));
	meeting_pass(&meeting, 2 * SECOND);
	meeting_next_version(&meeting, &folder);
	assert_int_equal(folder.file->record->version, 3);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sync__keeps_organisation_policy_and_groups),
		TEST(sync__refuses_an_older_policy_and_keeps_the_last),
		TEST(sync__learns_of_a_new_version_of_the_organisation),
		TEST(sync__refuses_an_older_organisation_and_keeps_the_last),
		TEST(sync__by_itself_follows_the_first_success_and_then_once_an_hour),
		TEST(report__tells_the_server_of_a_record),
		TEST(report__waits_for_a_server_that_is_away),
		TEST(report__sends_the_links_that_a_server_lacks),
		TEST(report__of_a_command_goes_out_before_it_ends),
		TEST(rotation__that_is_due_is_told_at_a_renewal),
		TEST(rotation__of_a_watched_group_is_told_without_opening_anything),
		TEST(stale__is_said_for_a_minute_without_asking_again_and_then_is_tampering),
		TEST(stale__ends_when_the_newer_list_has_come),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
