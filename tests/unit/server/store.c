#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/lib/stores.h"

static char directory[PATH_MAX];
static struct store *store;

static int set_up(void **state)
{
	(void)state;
	store = test_store_new(directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	test_directory_remove(directory);
	return 0;
}

static uint64_t version_of(struct store *which)
{
	struct why why = WHY_NONE;
	uint64_t version = 0;

	assert_works(store_version(which, &version, &why));
	return version;
}

/* -- the file ------------------------------------------------------------------------- */

static void store__is_for_nobody_else_to_read(void **state)
{
	struct stat status;
	struct store *again = NULL;
	struct why why = WHY_NONE;
	char log[PATH_MAX + 32];

	(void)state;
	assert_int_equal(stat(test_store_path(directory), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_works(store_check(store, &why));
	(void)snprintf(log, sizeof log, "%s-wal", test_store_path(directory));
	assert_int_equal(stat(log, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(chmod(test_store_path(directory), 0640), 0);
	assert_fault(FAULT_KEYRING_READ, store_open(test_store_path(directory), &again, &why));
}

static void store__is_made_once_and_not_found_where_it_is_not(void **state)
{
	struct store *again = NULL;
	struct why why = WHY_NONE;
	char path[PATH_MAX + 16];

	(void)state;
	assert_fault(FAULT_EXISTS, store_create(test_store_path(directory), &again, &why));
	(void)snprintf(path, sizeof path, "%s/other.db", directory);
	assert_fault(FAULT_MISSING, store_open(path, &again, &why));
}

static void execute(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void store__of_a_newer_layout_or_of_another_program_is_refused(void **state)
{
	struct store *again = NULL;
	struct why why = WHY_NONE;

	(void)state;
	execute(test_store_path(directory), "PRAGMA user_version = 1000");
	assert_fault(FAULT_KEYRING_READ, store_open(test_store_path(directory), &again, &why));
	assert_non_null(strstr(why.text, "newer"));
	execute(test_store_path(directory), "PRAGMA user_version = 1; PRAGMA application_id = 7");
	assert_fault(FAULT_KEYRING_READ, store_open(test_store_path(directory), &again, &why));
}

static void store__says_so_when_a_row_is_damaged(void **state)
{
	struct bytes text = BYTES_EMPTY;
	struct stored_identity identity = {.public = {.id = id_of(1), .name = "keys.test"}}, found;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(store_key_write(store, STORE_KEY_SERVER, &identity, &why));
	execute(test_store_path(directory), "UPDATE own_keys SET sign_public = x'0011'");
	assert_fault(FAULT_KEYRING_READ, store_key_read(store, STORE_KEY_SERVER, &found, &why));
	assert_non_null(strstr(why.text, "sign_public"));
	assert_fault(FAULT_MISSING, store_document_read(store, STORE_POLICY, &text, &why));
}

/* -- versions and transactions ---------------------------------------------------------- */

static void store__changes_its_version_for_others_when_it_changes(void **state)
{
	AUTO(store_close) struct store *other = NULL;
	struct why why = WHY_NONE;
	uint64_t before;

	(void)state;
	assert_works(store_open(test_store_path(directory), &other, &why));
	before = version_of(other);
	assert_works(store_document_write(store, STORE_POLICY, 1, "{}", &why));
	assert_true(version_of(other) > before);
	before = version_of(other);
	assert_works(store_check(store, &why));
	assert_works(store_token_write(store, &(struct member_id){{1}}, "x", 1, 1, &why));
	assert_int_equal(version_of(other), before);
}

static void store__forgets_what_a_failed_transaction_wrote(void **state)
{
	struct bytes text = BYTES_EMPTY;
	struct why why = WHY_NONE;
	uint64_t before = version_of(store);

	(void)state;
	assert_works(store_transaction_begin(store, &why));
	assert_works(store_document_write(store, STORE_POLICY, 1, "{}", &why));
	assert_works(store_document_read(store, STORE_POLICY, &text, &why));
	bytes_done(&text);
	assert_fault(FAULT_DENIED, store_transaction_end(store, FAULT_DENIED, &why));
	assert_fault(FAULT_MISSING, store_document_read(store, STORE_POLICY, &text, &why));
	assert_int_equal(version_of(store), before);
}

static void *read_from_another_thread(void *context)
{
	struct bytes text = BYTES_EMPTY;

	*(enum fault *)context = store_document_read(store, STORE_POLICY, &text, NULL);
	bytes_done(&text);
	return NULL;
}

static void store__shows_other_threads_a_transaction_only_when_it_is_over(void **state)
{
	enum fault fault = FAULT_NONE;
	struct why why = WHY_NONE;
	pthread_t thread;

	(void)state;
	assert_works(store_transaction_begin(store, &why));
	assert_works(store_document_write(store, STORE_POLICY, 1, "{}", &why));
	assert_int_equal(pthread_create(&thread, NULL, read_from_another_thread, &fault), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(fault, FAULT_MISSING);
	assert_works(store_transaction_end(store, FAULT_NONE, &why));
	assert_int_equal(pthread_create(&thread, NULL, read_from_another_thread, &fault), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(fault, FAULT_NONE);
}

#define WRITERS 4
#define ROUNDS 50

/* Each adds one to a number that it read in the same transaction. */
static enum fault add_one(struct store *which, struct why *why)
{
	struct stored_audit last;
	enum fault fault = store_audit_last(which, &last, why);
	char text[] = "x";

	if (fault)
		return fault;
	last.number++;
	last.text = (struct bytes){(uint8_t *)text, 1, 0};
	return store_audit_write(which, &last, why);
}

static void *add_many(void *context)
{
	enum fault fault = FAULT_NONE;

	(void)context;
	for (int i = 0; !fault && i < ROUNDS; i++) {
		fault = store_transaction_begin(store, NULL);
		if (!fault)
			fault = store_transaction_end(store, add_one(store, NULL), NULL);
	}
	return fault ? directory : NULL; /* anything but NULL */
}

static int add_many_in_another_process(void)
{
	struct store *mine = NULL;
	enum fault fault = store_open(test_store_path(directory), &mine, NULL);

	for (int i = 0; !fault && i < ROUNDS; i++) {
		fault = store_transaction_begin(mine, NULL);
		if (!fault)
			fault = store_transaction_end(mine, add_one(mine, NULL), NULL);
	}
	store_close(mine);
	return fault ? 1 : 0;
}

static void store__loses_no_change_of_several_threads_and_processes(void **state)
{
	pthread_t threads[WRITERS];
	struct stored_audit last;
	struct why why = WHY_NONE;
	pid_t child;
	int status;

	(void)state;
	store_close(store); /* sqlite3 does not cross a fork */
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(add_many_in_another_process());
	assert_works(store_open(test_store_path(directory), &store, &why));
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < WRITERS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_works(store_audit_last(store, &last, &why));
	assert_int_equal(last.number, (WRITERS + 1) * ROUNDS);
}

static void store__copies_itself_while_others_write(void **state)
{
	AUTO(store_close) struct store *copy = NULL;
	struct stored_audit last;
	struct why why = WHY_NONE;
	char path[PATH_MAX + 16];
	pthread_t thread;
	void *failed;

	(void)state;
	assert_works(store_document_write(store, STORE_POLICY, 3, "{\"a\":1}", &why));
	(void)snprintf(path, sizeof path, "%s/copy.db", directory);
	assert_int_equal(pthread_create(&thread, NULL, add_many, NULL), 0);
	assert_works(store_backup(store, path, &why));
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_fault(FAULT_EXISTS, store_backup(store, path, &why));
	assert_works(store_open(path, &copy, &why));
	assert_fault(FAULT_EXISTS, store_document_write(copy, STORE_POLICY, 3, "{\"a\":2}", &why));
	assert_works(store_audit_last(copy, &last, &why));
	assert_true(last.number <= ROUNDS);
}

/* -- documents, groups -------------------------------------------------------------------- */

static void documents__never_go_back(void **state)
{
	struct bytes text = BYTES_EMPTY;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(store_document_write(store, STORE_ORGANISATION, 2, "two", &why));
	assert_fault(FAULT_EXISTS, store_document_write(store, STORE_ORGANISATION, 1, "one", &why));
	assert_fault(FAULT_EXISTS, store_document_write(store, STORE_ORGANISATION, 2, "other", &why));
	assert_works(store_document_write(store, STORE_ORGANISATION, 2, "two", &why));
	assert_works(store_document_read(store, STORE_ORGANISATION, &text, &why));
	assert_string_equal((char *)text.data, "two");
	bytes_done(&text);
}

static enum fault write_group(uint8_t number, const char *name, uint64_t version, struct why *why)
{
	struct stored_group group = {.id = id_of(number),
				     .version = version,
				     .epoch = (uint32_t)version,
				     .index = 1,
				     .descriptor = bytes_of("jws")};
	enum fault fault;

	(void)snprintf(group.name, sizeof group.name, "%s", name);
	memset(group.share, number, sizeof group.share);
	fault = store_group_write(store, &group, why);
	stored_group_done(&group);
	return fault;
}

static enum fault count_group(void *context, const struct stored_group *group, struct why *why)
{
	(void)why;
	assert_string_equal((char *)group->descriptor.data, "jws");
	++*(int *)context;
	return FAULT_NONE;
}

static void groups__are_found_by_id_and_name_and_never_go_back(void **state)
{
	struct stored_group group;
	struct why why = WHY_NONE;
	int count = 0;

	(void)state;
	assert_works(write_group(1, "finance", 1, &why));
	assert_works(write_group(2, "board", 1, &why));
	assert_fault(FAULT_EXISTS, write_group(1, "finance", 1, &why));
	assert_fault(FAULT_EXISTS, write_group(3, "board", 1, &why));
	assert_works(write_group(1, "money", 2, &why));
	assert_works(store_group_find_name(store, "money", &group, &why));
	assert_int_equal(group.epoch, 2);
	assert_int_equal(group.share[0], 1);
	stored_group_done(&group);
	assert_fault(FAULT_MISSING, store_group_find_name(store, "finance", &group, &why));
	assert_works(store_groups(store, count_group, &count, &why));
	assert_int_equal(count, 2);
}

/* -- certificates, codes, approvals ------------------------------------------------------- */

static enum fault write_certificate(uint8_t account, uint8_t user, uint8_t key, uint64_t serial,
				    struct why *why)
{
	struct stored_certificate certificate = {.account = id_of(account),
						 .user = id_of(user),
						 .fingerprint = {{key}},
						 .name = "Alice",
						 .serial = serial,
						 .created = 1,
						 .text = bytes_of("jws")};
	enum fault fault = store_certificate_write(store, &certificate, why);

	stored_certificate_done(&certificate);
	return fault;
}

static enum certificate_state state_of(uint8_t key)
{
	struct stored_certificate certificate;
	struct why why = WHY_NONE;

	assert_works(store_certificate_of_key(store, &(struct fingerprint){{key}}, &certificate, &why));
	stored_certificate_done(&certificate);
	return certificate.state;
}

static void certificates__have_one_active_key_an_account_and_remember_the_others(void **state)
{
	struct stored_certificate certificate;
	struct member_id alice = id_of(1), user = id_of(11);
	struct why why = WHY_NONE;

	(void)state;
	assert_works(write_certificate(1, 11, 1, 1, &why));
	assert_works(write_certificate(1, 11, 2, 2, &why));
	assert_int_equal(state_of(1), CERTIFICATE_REPLACED);
	assert_int_equal(state_of(2), CERTIFICATE_ACTIVE);
	assert_works(store_certificate_of_user(store, &user, &certificate, &why));
	assert_int_equal(certificate.serial, 2);
	stored_certificate_done(&certificate);
	assert_works(store_certificate_revoke(store, &alice, &why));
	assert_int_equal(state_of(2), CERTIFICATE_REVOKED);
	assert_fault(FAULT_MISSING, store_certificate_of_account(store, &alice, &certificate, &why));
	assert_fault(FAULT_MISSING, store_certificate_revoke(store, &alice, &why));
	assert_works(store_certificate_last(store, &alice, &certificate, &why));
	assert_int_equal(certificate.serial, 2);
	stored_certificate_done(&certificate);
}

static void certificates__take_no_serial_key_or_user_id_twice(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_works(write_certificate(1, 11, 1, 5, &why));
	assert_fault(FAULT_EXISTS, write_certificate(1, 11, 2, 5, &why));
	assert_fault(FAULT_EXISTS, write_certificate(1, 11, 2, 4, &why));
	assert_fault(FAULT_EXISTS, write_certificate(2, 12, 1, 1, &why));
	assert_fault(FAULT_EXISTS, write_certificate(2, 11, 3, 1, &why));
	assert_int_equal(state_of(1), CERTIFICATE_ACTIVE);
	assert_works(write_certificate(1, 13, 2, 6, &why));
}

static void codes__work_once_for_one_account_until_they_expire(void **state)
{
	struct member_id alice = id_of(1), bob = id_of(2);
	struct digest one = digest_of(1), two = digest_of(2);
	struct why why = WHY_NONE;

	(void)state;
	assert_works(store_code_write(store, &alice, &one, 100, &why));
	assert_fault(FAULT_MISSING, store_code_use(store, &bob, &one, 50, &why));
	assert_fault(FAULT_MISSING, store_code_use(store, &alice, &two, 50, &why));
	assert_fault(FAULT_MISSING, store_code_use(store, &alice, &one, 100, &why));
	assert_works(store_code_use(store, &alice, &one, 99, &why));
	assert_fault(FAULT_MISSING, store_code_use(store, &alice, &one, 99, &why));
	assert_works(store_code_write(store, &alice, &one, 100, &why));
	assert_works(store_code_write(store, &alice, &two, 100, &why));
	assert_fault(FAULT_MISSING, store_code_use(store, &alice, &one, 50, &why));
}

static void approvals__are_for_one_key(void **state)
{
	struct stored_approval wanted = {.account = id_of(1),
					 .fingerprint = {{1}},
					 .name = "alice",
					 .requested = 5},
			       found;
	struct fingerprint other = {{2}};
	struct why why = WHY_NONE;

	(void)state;
	assert_works(store_approval_request(store, &wanted, &why));
	assert_fault(FAULT_MISSING, store_approval_grant(store, &wanted.account, &other, 6, 7, &why));
	assert_works(store_approval_grant(store, &wanted.account, &wanted.fingerprint, 6, 7, &why));
	assert_works(store_approval_request(store, &wanted, &why));
	assert_works(store_approval_find(store, &wanted.account, &found, &why));
	assert_int_equal(found.approved, 6);
	assert_int_equal(found.from, 7);
	wanted.fingerprint = other;
	assert_works(store_approval_request(store, &wanted, &why));
	assert_works(store_approval_find(store, &wanted.account, &found, &why));
	assert_int_equal(found.approved, 0);
	assert_works(store_approval_drop(store, &wanted.account, &why));
	assert_fault(FAULT_MISSING, store_approval_find(store, &wanted.account, &found, &why));
}

/* -- heads, leavers --------------------------------------------------------------------- */

static struct stored_head head_of(uint64_t version, uint8_t digest)
{
	return (struct stored_head){.folder = folder_of(1),
				    .version = version,
				    .generation = (uint32_t)version,
				    .digest = digest_of(digest),
				    .record = bytes_of("record")};
}

static enum fault write_head(uint64_t version, uint8_t digest, struct why *why)
{
	AUTO(stored_head_done) struct stored_head head = head_of(version, digest);
	struct member_id group = id_of(9);

	return store_head_write(store, &head, &group, 1, why);
}

static void heads__only_go_forward_and_are_remembered(void **state)
{
	AUTO(stored_head_done) struct stored_head head = {.record = BYTES_EMPTY};
	struct folder_id folder = folder_of(1);
	struct digest one = digest_of(1), other = digest_of(7);
	struct why why = WHY_NONE;
	bool was = false, fork = true;

	(void)state;
	assert_works(write_head(1, 1, &why));
	assert_works(write_head(3, 3, &why));
	assert_fault(FAULT_EXISTS, write_head(3, 4, &why));
	assert_fault(FAULT_EXISTS, write_head(2, 2, &why));
	assert_works(store_head_find(store, &folder, &head, &fork, &why));
	assert_int_equal(head.version, 3);
	assert_false(fork);
	assert_works(store_head_was(store, &folder, 1, &one, &was, &why));
	assert_true(was);
	assert_works(store_head_was(store, &folder, 1, &other, &was, &why));
	assert_false(was);
}

struct sides {
	int heads, all;
};

static enum fault count_side(void *context, const struct stored_head *head, bool is_head, struct why *why)
{
	struct sides *sides = context;

	(void)why;
	assert_string_equal((char *)head->record.data, "record");
	sides->heads += is_head;
	sides->all++;
	return FAULT_NONE;
}

static void heads__keep_both_sides_of_a_fork_until_somebody_decides(void **state)
{
	AUTO(stored_head_done) struct stored_head other = head_of(2, 22);
	AUTO(stored_head_done) struct stored_head head = {.record = BYTES_EMPTY};
	struct digest unknown = digest_of(99);
	struct sides sides = {0, 0};
	struct why why = WHY_NONE;
	bool fork = false;

	(void)state;
	assert_works(write_head(1, 1, &why));
	assert_works(write_head(2, 2, &why));
	assert_works(store_head_fork(store, &other, &why));
	assert_works(store_head_fork(store, &other, &why));
	assert_works(store_forks(store, count_side, &sides, &why));
	assert_int_equal(sides.heads, 1);
	assert_int_equal(sides.all, 2);
	assert_fault(FAULT_MISSING, store_head_settle(store, &other.folder, &unknown, &why));
	assert_works(store_head_settle(store, &other.folder, &other.digest, &why));
	assert_works(store_head_find(store, &other.folder, &head, &fork, &why));
	assert_false(fork);
	assert_true(digest_equal(&head.digest, &other.digest));
}

static bool leave(struct member_id account, struct member_id group)
{
	struct why why = WHY_NONE;
	bool counted = false;

	assert_works(store_member_left(store, &account, &group, 100, &counted, &why));
	return counted;
}

static bool folder_is_due(uint8_t folder, uint32_t generation)
{
	struct unlocked_folder wanted = {folder_of(folder), generation};
	struct member_id group = id_of(9);
	struct why why = WHY_NONE;
	bool due = false;

	assert_works(store_folder_is_due(store, &group, &wanted, &due, &why));
	return due;
}

static void leavers__who_never_unlocked_anything_count_for_nothing(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_works(write_group(9, "finance", 1, &why));
	assert_works(write_head(1, 1, &why));
	assert_false(leave(id_of(1), id_of(9)));
	assert_false(folder_is_due(1, 1));
}

static void leavers__make_every_folder_of_the_group_due_once(void **state)
{
	struct unlocked_folder folder = {folder_of(2), 4};
	struct member_id account = id_of(1), group = id_of(9);
	struct stored_group found;
	struct why why = WHY_NONE;
	bool due = true, has = false;

	(void)state;
	assert_works(write_group(9, "finance", 1, &why));
	assert_works(write_head(1, 1, &why));
	assert_works(store_unlocked_write(store, &account, &group, &folder, 1, 50, &why));
	assert_works(store_unlocked_has(store, &account, &group, &has, &why));
	assert_true(has);
	assert_true(leave(account, group));
	assert_false(leave(account, group));
	assert_works(store_group_find(store, &group, &found, &why));
	assert_int_equal(found.member_counter, 1);
	assert_int_equal(found.rotate_since, 100);
	stored_group_done(&found);
	assert_true(folder_is_due(1, 1));
	assert_true(folder_is_due(2, 4));
	assert_false(folder_is_due(2, 5));
	assert_works(write_head(2, 2, &why)); /* the new generation */
	assert_false(folder_is_due(1, 2));
	assert_false(folder_is_due(1, 1));
	assert_works(store_group_is_due(store, &group, &due, &why));
	assert_true(due);
	folder.generation = 5;
	assert_works(store_unlocked_write(store, &account, &group, &folder, 1, 60, &why));
	assert_works(store_group_is_due(store, &group, &due, &why));
	assert_false(due);
	assert_true(leave(account, group)); /* he had come back */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(store__is_for_nobody_else_to_read),
		TEST(store__is_made_once_and_not_found_where_it_is_not),
		TEST(store__of_a_newer_layout_or_of_another_program_is_refused),
		TEST(store__says_so_when_a_row_is_damaged),
		TEST(store__changes_its_version_for_others_when_it_changes),
		TEST(store__forgets_what_a_failed_transaction_wrote),
		TEST(store__shows_other_threads_a_transaction_only_when_it_is_over),
		TEST(store__loses_no_change_of_several_threads_and_processes),
		TEST(store__copies_itself_while_others_write),
		TEST(documents__never_go_back),
		TEST(groups__are_found_by_id_and_name_and_never_go_back),
		TEST(certificates__have_one_active_key_an_account_and_remember_the_others),
		TEST(certificates__take_no_serial_key_or_user_id_twice),
		TEST(codes__work_once_for_one_account_until_they_expire),
		TEST(approvals__are_for_one_key),
		TEST(heads__only_go_forward_and_are_remembered),
		TEST(heads__keep_both_sides_of_a_fork_until_somebody_decides),
		TEST(leavers__who_never_unlocked_anything_count_for_nothing),
		TEST(leavers__make_every_folder_of_the_group_due_once),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
