/* Opening folders by groups, leases and what servers answer: with key servers that are up. */
#include "tests/lib/meeting.h"

static struct meeting meeting;

static int begin(void **state)
{
	(void)state;
	meeting_begin(&meeting, &(struct meeting_options){.servers = 1, .background = true});
	return 0;
}

static int end(void **state)
{
	(void)state;
	meeting_end(&meeting);
	return 0;
}

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
		TEST(stale__is_said_for_a_minute_without_asking_again_and_then_is_tampering),
		TEST(stale__ends_when_the_newer_list_has_come),
		TEST(lease__of_all_warm_groups_is_renewed_in_one_request),
		TEST(lease__is_kept_for_hours_by_renewals_alone),
		TEST(lease__denied_at_renewal_ends_at_once),
		TEST(lease__of_a_disabled_account_ends_at_renewal),
		TEST(lease__runs_on_while_the_directory_does_not_answer),
		TEST(lease__is_no_longer_than_the_policy_says),
		TEST(lease__that_has_run_out_is_refused_at_once_with_its_words),
		TEST(lease__shows_in_the_state),
		TEST(zero_lease__asks_for_each_access),
		TEST(zero_lease__denied_is_over),
		TEST(zero_lease__without_an_answer_is_of_no_use_and_with_one_again),
		TEST(zero_lease__of_an_unknown_membership_refuses_for_half_a_minute),
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
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
