/* Opening folders by groups, and what servers answer: with key servers that are up. */
#include "tests/lib/usual_meeting.h"

/* -- opening ------------------------------------------------------------------------------ */

static void open__is_pending_first_and_then_gives_keys_role_and_lease(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_WRITER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_fault(FAULT_PENDING, contacts_open(meeting.contacts, folder.file, &opened, &why));
	assert_null(opened.keys);
	contacts_wait(meeting.contacts, clock_boot_ms() + MEETING_PATIENCE_MS);
	meeting_let_it_look(meeting.contacts);
	assert_true(atomic_load(&meeting.settled) > 0);
	assert_works(contacts_open(meeting.contacts, folder.file, &opened, &why));
	assert_opens(&folder, &opened);
	assert_int_equal(opened.role, ROLE_WRITER);
	assert_string_equal(opened.lease->name, "finance");
	assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms + 120 * SECOND - 1));
	assert_false(lease_is_valid(&opened.lease->lease, meeting.now_ms + 120 * SECOND));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
	assert_int_equal(meeting.servers[0].refused, 0);
}

static void open__of_an_open_folder_asks_nobody(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	for (int i = 0; i < 100; i++) {
		AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
		assert_works(contacts_open(meeting.contacts, folder.file, &opened, &why));
		assert_opens(&folder, &opened);
	}
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
}

/* A server that is away must not lock a folder because somebody was let in. */
static void open__of_a_later_version_with_the_same_key_asks_nobody(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_next_version(&meeting, &folder);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
}

static void open__of_a_new_generation_asks_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct folder_file *next = NULL;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why));
	assert_works(folder_file_trust_groups(folder.file, &meeting.company.organisation, &why));
	assert_works(folder_change_rekey(folder.file, folder.keys, meeting.admin.identity, REASON_REKEY,
					 &next, &why));
	made_advance(&folder, &meeting.admin, next);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 2);
}

static void open__without_a_group_of_ours_or_an_organisation_is_locked(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made lonely = meeting_lonely_folder(&meeting);
	AUTO(company_done) struct company others = company_new(1);
	AUTO(company_group_done) struct company_group theirs = company_group_new(&others, "finance", 1, 1);
	struct contact_opened opened;

	assert_fault(FAULT_LOCKED, contacts_open(meeting.contacts, lonely.file, &opened, &why));
	(void)theirs;
	AUTO(keyring_close) struct keyring *stranger = keyring_of("stranger");
	AUTO(contacts_free) struct contacts *contacts = meeting_contacts(&meeting, stranger, true);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	char host[CONTACT_HOST_SIZE];
	assert_fault(FAULT_LOCKED, contacts_open(contacts, folder.file, &opened, &why));
	assert_non_null(strstr(why.text, "not enrolled"));
	assert_fault(FAULT_LOCKED, contacts_sync(contacts, host, &why));
	assert_null(contacts_service(contacts));
	assert_int_equal(key_server_count_all(&meeting.servers[0]), 0);
}

static void open__after_enrolling_works_once_woken(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *newcomer = keyring_of("newcomer");
	AUTO(contacts_free) struct contacts *contacts = meeting_contacts(&meeting, newcomer, true);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	struct keyring_server url = {.certificate_authority = NULL};
	const struct identity *identity = NULL;

	(void)snprintf(url.url, sizeof url.url, "%s", meeting.servers[0].url);
	enrol(newcomer, &meeting.company, &url, 1);
	assert_works(keyring_identity(newcomer, &identity, &why));
	key_server_hold(&meeting.servers[0])->user = identity_public(identity);
	key_server_let_go(&meeting.servers[0]);
	contacts_wake(contacts);
	meeting_let_it_look(contacts);
	assert_works(meeting_open_by(contacts, folder.file, &opened, &why));
	assert_opens(&folder, &opened);
}

/* A fresh keyring knows no group; a keyring may know one of before its key was exchanged. */
static void open__fetches_the_groups_descriptor_when_it_is_not_known(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	struct group_descriptor found;

	assert_fault(FAULT_MISSING,
		     keyring_group(meeting.keyring, &meeting.finance.descriptor.id, &found, NULL, &why));
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_works(keyring_group(meeting.keyring, &meeting.finance.descriptor.id, &found, NULL, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_GROUP), 1);
}

static void open__fetches_the_groups_descriptor_anew_when_it_is_of_an_old_epoch(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct company_group *group = &meeting.finance;

	keep_group(meeting.keyring, group);
	key_server_hold(&meeting.servers[0]);
	group_deal_wipe(&group->deal);
	assert_works(group_deal(NULL, 1, 1, &group->deal, &why));
	group->descriptor.epoch = 2;
	group->descriptor.version = 2;
	company_group_sign(&meeting.company, group);
	key_server_let_go(&meeting.servers[0]);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, group, ROLE_READER);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 2);
	assert_int_equal(meeting_count(&meeting, ROUTE_GROUP), 1);
}

/* -- several at once ------------------------------------------------------------------------ */

/* One is under way before the others come, if the thread is quick. */
static void several__that_come_within_one_contact_share_the_next_request(void **state)
{
	(void)state;
	AUTO(made_done) struct made first = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made last = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	struct contact_opened opened = {.keys = NULL};
	struct why why = WHY_NONE;
	struct made others[20];

	for (size_t i = 0; i < 20; i++)
		others[i] = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	assert_works(meeting_try(&meeting, &first, &why));
	key_server_hold(&meeting.servers[0]);
	assert_fault(FAULT_PENDING, contacts_open(meeting.contacts, last.file, &opened, &why));
	while (true) { /* until it is under way */
		AUTO(contacts_let_go) struct contacts *held = contacts_hold(meeting.contacts);
		if (held->is_busy)
			break;
	}
	for (size_t i = 0; i < 20; i++)
		assert_fault(FAULT_PENDING, contacts_open(meeting.contacts, others[i].file, &opened, &why));
	key_server_let_go(&meeting.servers[0]);
	for (size_t i = 0; i < 20; i++) {
		assert_works(meeting_try(&meeting, &others[i], &why));
		made_done(&others[i]);
	}
	assert_works(meeting_try(&meeting, &last, &why));
	assert_in_range(meeting_count(&meeting, ROUTE_UNLOCK), 2, 3);
	assert_in_range(meeting.servers[0].largest_batch, 20, 21);
}

static void several__are_asked_for_in_batches_of_256(void **state)
{
	(void)state;
	size_t count = 1 + 256 + 44;
	AUTO(free) struct made *folders = calloc(count, sizeof *folders);
	struct contact_opened opened = {.keys = NULL};
	struct why why = WHY_NONE;

	for (size_t i = 0; i < count; i++)
		folders[i] = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	assert_works(meeting_try(&meeting, &folders[0], &why));
	key_server_hold(&meeting.servers[0]);
	for (size_t i = 1; i < count; i++)
		assert_fault(FAULT_PENDING, contacts_open(meeting.contacts, folders[i].file, &opened, &why));
	key_server_let_go(&meeting.servers[0]);
	for (size_t i = 1; i < count; i++)
		assert_works(meeting_try(&meeting, &folders[i], &why));
	assert_true(meeting.servers[0].largest_batch <= UNLOCK_ITEMS_MAX);
	assert_in_range(meeting_count(&meeting, ROUTE_UNLOCK), 3, 4);
	assert_int_equal(meeting.servers[0].points, count);
	for (size_t i = 0; i < count; i++)
		made_done(&folders[i]);
}

#define THREADS 8
#define OPENS 40

struct opener {
	pthread_t thread;
	struct made *folders;
	size_t count;
	unsigned failed;
};

static void *open_often(void *context)
{
	struct opener *opener = context;
	struct why why = WHY_NONE;

	for (size_t i = 0; i < OPENS; i++) {
		AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
		const struct made *folder = &opener->folders[randombytes_uniform((uint32_t)opener->count)];
		opener->failed += meeting_open(&meeting, folder->file, &opened, &why) != FAULT_NONE;
	}
	return NULL;
}

static void several__threads_open_at_the_same_time(void **state)
{
	(void)state;
	struct made folders[5];
	struct opener openers[THREADS];

	for (size_t i = 0; i < 5; i++)
		folders[i] = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	for (size_t i = 0; i < THREADS; i++) {
		openers[i] = (struct opener){.folders = folders, .count = 5};
		assert_int_equal(pthread_create(&openers[i].thread, NULL, open_often, &openers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
		assert_int_equal(openers[i].failed, 0);
	}
	assert_true(meeting.servers[0].points <= 5);
	for (size_t i = 0; i < 5; i++)
		made_done(&folders[i]);
}

/* -- several groups -------------------------------------------------------------------------- */

static struct made folder_of_two(const struct company_group *other, enum role finance, enum role others)
{
	struct made folder = meeting_folder(&meeting, &meeting.finance, finance);

	made_add_group(&folder, &meeting.admin, &meeting.company, other, others);
	return folder;
}

static void groups__the_higher_role_holds(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done)
	struct company_group board = company_group_new(&meeting.company, "board", 1, 1);
	AUTO(made_done) struct made folder = folder_of_two(&board, ROLE_READER, ROLE_WRITER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	key_server_add_group(&meeting.servers[0], &board);
	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	assert_int_equal(opened.role, ROLE_WRITER);
	assert_string_equal(opened.lease->name, "board");
	assert_opens(&folder, &opened);
}

static void groups__one_that_denies_leaves_the_other(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done)
	struct company_group board = company_group_new(&meeting.company, "board", 1, 1);
	AUTO(made_done) struct made folder = folder_of_two(&board, ROLE_READER, ROLE_WRITER);
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	key_server_add_group(&meeting.servers[0], &board);
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {0, LEASE_DENIED}});
	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	assert_int_equal(opened.role, ROLE_READER);
	assert_string_equal(opened.lease->name, "finance");
}

/* "Cannot know" must not pass for "not a member". */
static void groups__one_that_denies_and_one_unknown_are_unreachable(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done)
	struct company_group board = company_group_new(&meeting.company, "board", 1, 1);
	AUTO(made_done) struct made folder = folder_of_two(&board, ROLE_READER, ROLE_WRITER);

	key_server_add_group(&meeting.servers[0], &board);
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_UNKNOWN, LEASE_DENIED}});
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_DENIED, LEASE_DENIED}});
	meeting_pass(&meeting, 61 * SECOND);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
}

/* -- what servers answer ----------------------------------------------------------------------- */

static void denied__is_kept_for_a_minute_without_a_contact(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_DENIED}});
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "finance"));
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	meeting_pass(&meeting, 59 * SECOND);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
	meeting_pass(&meeting, 1 * SECOND);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 2);
}

static void denied__is_forgotten_by_a_sync(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_DENIED}});
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(meeting_try(&meeting, &folder, &why));
}

static void problem__that_is_about_the_user_denies_with_its_reason(void **state)
{
	(void)state;
	static const enum problem_type types[] = {PROBLEM_DENIED,   PROBLEM_DISABLED,	 PROBLEM_LIMIT,
						  PROBLEM_CLOCK,    PROBLEM_UNKNOWN_KEY, PROBLEM_REPLAY,
						  PROBLEM_SIGNATURE};
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct why why = WHY_NONE;
		const struct key_server_script script = {.has_problem[ROUTE_UNLOCK] = true,
							 .problem[ROUTE_UNLOCK] = types[i]};
		meeting_script(&meeting, 0, &script);
		assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
		assert_non_null(strstr(why.text, problem_text(types[i])));
		meeting_pass(&meeting, 60 * SECOND);
	}
	assert_int_equal(meeting_lines(meeting_log(), "not responding"), 0);
}

static void problem__directory_unavailable_refuses_that_group_alone_for_half_a_minute(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done)
	struct company_group board = company_group_new(&meeting.company, "board", 1, 1);
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made second = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made other = meeting_folder(&meeting, &board, ROLE_READER);

	key_server_add_group(&meeting.servers[0], &board);
	meeting_script(&meeting, 0, &(struct key_server_script){.state = {LEASE_UNKNOWN}});
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "directory"));
	assert_works(meeting_try(&meeting, &other, &why));
	unsigned before = meeting_count(&meeting, ROUTE_UNLOCK);
	meeting_pass(&meeting, 29 * SECOND);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &second, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), before);
	meeting_script(&meeting, 0, &(struct key_server_script){.lease = 120});
	meeting_pass(&meeting, 1 * SECOND);
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_lines(meeting_log(), "not responding"), 0);
}

static void answer__that_is_nonsense_names_the_server(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	assert_works(meeting_try(&meeting, &folder, &why)); /* the descriptor is known now */
	AUTO(made_done) struct made other = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	meeting_script(&meeting, 0, &(struct key_server_script){.is_not_json = true});
	assert_fault(FAULT_IDENTITY, meeting_try(&meeting, &other, &why));
	assert_non_null(strstr(why.text, "server 1"));
	assert_non_null(strstr(meeting_log(), "'server 1' gives a wrong answer"));
}

static void answer__that_lies_is_found_out_and_named(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	meeting_script(&meeting, 0, &(struct key_server_script){.lies = true});
	assert_fault(FAULT_IDENTITY, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "server 1"));
	assert_non_null(strstr(meeting_log(), "'server 1' gives a wrong answer"));
	/* It is not "down": no countdown, and no new attempt for every access. */
	unsigned before = meeting_count(&meeting, ROUTE_UNLOCK);
	assert_fault(FAULT_IDENTITY, meeting_try(&meeting, &folder, &why));
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), before);
}

static void envelope__that_was_tampered_with_is_nobodys_lie(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = meeting_folder(&meeting, &meeting.finance, ROLE_READER);
	AUTO(made_done) struct made sound = meeting_folder(&meeting, &meeting.finance, ROLE_READER);

	for (size_t i = 0; i < folder.file->keybox_count; i++)
		if (folder.file->keybox[i].kind == MEMBER_GROUP)
			folder.file->keybox[i].wrap.bytes[WRAP_SIZE - 1] ^= 1;
	assert_fault(FAULT_TAMPERED, meeting_try(&meeting, &folder, &why));
	assert_works(meeting_try(&meeting, &sound, &why));
	assert_int_equal(meeting_lines(meeting_log(), "wrong answer"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open__is_pending_first_and_then_gives_keys_role_and_lease),
		TEST(open__of_an_open_folder_asks_nobody),
		TEST(open__of_a_later_version_with_the_same_key_asks_nobody),
		TEST(open__of_a_new_generation_asks_again),
		TEST(open__without_a_group_of_ours_or_an_organisation_is_locked),
		TEST(open__after_enrolling_works_once_woken),
		TEST(open__fetches_the_groups_descriptor_when_it_is_not_known),
		TEST(open__fetches_the_groups_descriptor_anew_when_it_is_of_an_old_epoch),
		TEST(several__that_come_within_one_contact_share_the_next_request),
		TEST(several__are_asked_for_in_batches_of_256),
		TEST(several__threads_open_at_the_same_time),
		TEST(groups__the_higher_role_holds),
		TEST(groups__one_that_denies_leaves_the_other),
		TEST(groups__one_that_denies_and_one_unknown_are_unreachable),
		TEST(denied__is_kept_for_a_minute_without_a_contact),
		TEST(denied__is_forgotten_by_a_sync),
		TEST(problem__that_is_about_the_user_denies_with_its_reason),
		TEST(problem__directory_unavailable_refuses_that_group_alone_for_half_a_minute),
		TEST(answer__that_is_nonsense_names_the_server),
		TEST(answer__that_lies_is_found_out_and_named),
		TEST(envelope__that_was_tampered_with_is_nobodys_lie),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
