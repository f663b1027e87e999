#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>

#include "base/log.h"
#include "server/audit.h"
#include "tests/lib/stores.h"

static char directory[PATH_MAX];
static struct store *store;
static struct audit *audit;

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	store = test_store_new(directory);
	assert_works(audit_open(store, "keys.test", &audit, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_close(audit);
	store_close(store);
	test_directory_remove(directory);
	return 0;
}

static void write_rows(int count)
{
	struct why why = WHY_NONE;

	for (int i = 0; i < count; i++) {
		char request[16];
		struct audit_event event = {
			.action = AUDIT_LEASE, .decision = AUDIT_GRANTED, .request = request};

		(void)snprintf(request, sizeof request, "r%d", i);
		assert_works(audit_write(audit, &event, &why));
	}
}

static void execute(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(test_store_path(directory), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void assert_bad(uint64_t first_bad)
{
	struct audit_report report;
	struct why why = WHY_NONE;

	assert_fault(FAULT_TAMPERED, audit_verify(store, &report, &why));
	assert_int_equal(report.first_bad, first_bad);
}

static enum fault keep_text(void *context, const struct stored_audit *row, struct why *why)
{
	struct bytes *text = context;

	text->size = 0;
	return bytes_append(text, row->text.data, row->text.size, why);
}

static void audit__says_who_what_where_and_why(void **state)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct unlocked_folder folder = {folder_of(1), 3};
	struct directory_proof proof = {.source = DIRECTORY_CACHE, .age_ms = 1500, .path = "alice < finance"};
	struct audit_event event = {.action = AUDIT_UNLOCK,
				    .decision = AUDIT_GRANTED,
				    .reason = "ok",
				    .request = "r1",
				    .peer = "127.0.0.1",
				    .account = id_of(1),
				    .user = "al\xff\xfe",
				    .group = id_of(2),
				    .group_name = "finance",
				    .folders = &folder,
				    .folder_count = 1,
				    .proof = &proof,
				    .detail = "line\nbreak"};
	struct why why = WHY_NONE;
	json_t *row;

	(void)state;
	assert_works(audit_write(audit, &event, &why));
	assert_works(store_audit(store, 0, keep_text, &text, &why));
	assert_null(memchr(text.data, '\n', text.size));
	row = json_loads((char *)text.data, 0, NULL);
	assert_non_null(row);
	assert_string_equal(json_string_value(json_object_get(row, "action")), "unlock");
	assert_string_equal(json_string_value(json_object_get(row, "decision")), "granted");
	assert_string_equal(json_string_value(json_object_get(row, "server")), "keys.test");
	assert_string_equal(json_string_value(json_object_get(row, "user")), "al??");
	assert_string_equal(json_string_value(json_object_get(row, "source")), "cache");
	assert_int_equal(json_integer_value(json_object_get(row, "age_ms")), 1500);
	assert_int_equal(
		json_integer_value(json_array_get(json_array_get(json_object_get(row, "folders"), 0), 1)), 3);
	json_decref(row);
}

static void audit__counts_a_granted_unlock_and_no_other(void **state)
{
	struct unlocked_folder folder = {folder_of(1), 3};
	struct audit_event event = {.action = AUDIT_UNLOCK,
				    .decision = AUDIT_DENIED,
				    .account = id_of(1),
				    .group = id_of(2),
				    .folders = &folder,
				    .folder_count = 1};
	struct why why = WHY_NONE;
	bool has = true;

	(void)state;
	assert_works(audit_write(audit, &event, &why));
	assert_works(store_unlocked_has(store, &event.account, &event.group, &has, &why));
	assert_false(has);
	event.decision = AUDIT_GRANTED;
	assert_works(audit_write(audit, &event, &why));
	assert_works(store_unlocked_has(store, &event.account, &event.group, &has, &why));
	assert_true(has);
}

static void audit__is_sound_as_it_was_written(void **state)
{
	struct audit_report report, later;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(audit_verify(store, &report, &why));
	assert_int_equal(report.rows, 0);
	write_rows(10);
	assert_works(audit_verify(store, &report, &why));
	assert_int_equal(report.rows, 10);
	write_rows(1);
	assert_works(audit_verify(store, &later, &why));
	assert_false(digest_equal(&report.link, &later.link));
}

static void audit__shows_a_changed_row(void **state)
{
	(void)state;
	write_rows(5);
	execute("UPDATE audit SET text = replace(text, 'r2', 'r9') WHERE number = 3");
	assert_bad(3);
}

static void audit__shows_a_missing_row(void **state)
{
	(void)state;
	write_rows(5);
	execute("DELETE FROM audit WHERE number = 2");
	assert_bad(2);
}

static void audit__shows_a_missing_row_though_the_others_were_numbered_anew(void **state)
{
	(void)state;
	write_rows(5);
	execute("DELETE FROM audit WHERE number = 2;"
		"UPDATE audit SET number = 2 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4;"
		"UPDATE audit SET number = 4 WHERE number = 5");
	assert_bad(2);
}

static void audit__shows_rows_that_changed_places(void **state)
{
	(void)state;
	write_rows(5);
	execute("UPDATE audit SET number = 99 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3;"
		"UPDATE audit SET number = 3 WHERE number = 99");
	assert_bad(2);
}

static void audit__shows_a_row_in_front(void **state)
{
	(void)state;
	write_rows(2);
	execute("INSERT INTO audit SELECT 0, link, text FROM audit WHERE number = 1");
	assert_bad(1);
}

static void audit__shows_a_changed_link(void **state)
{
	(void)state;
	write_rows(3);
	execute("UPDATE audit SET link = (SELECT link FROM audit WHERE number = 2) WHERE number = 3");
	assert_bad(3);
}

static void audit__cut_at_its_end_ends_in_another_link(void **state)
{
	struct audit_report report, cut;
	struct why why = WHY_NONE;

	(void)state;
	write_rows(3);
	assert_works(audit_verify(store, &report, &why));
	execute("DELETE FROM audit WHERE number = 3");
	assert_works(audit_verify(store, &cut, &why));
	assert_int_equal(cut.rows, 2);
	assert_false(digest_equal(&report.link, &cut.link));
}

#define WRITERS 8
#define ROUNDS 100

static void *write_many(void *context)
{
	struct audit_event event = {.action = AUDIT_UNLOCK, .decision = AUDIT_GRANTED, .group = id_of(1)};
	enum fault fault = FAULT_NONE;

	event.account = id_of(*(uint8_t *)context);
	for (int i = 0; !fault && i < ROUNDS; i++)
		fault = audit_write(audit, &event, NULL);
	*(uint8_t *)context = fault ? 0 : 1;
	return NULL;
}

static void audit__of_many_threads_is_one_chain_and_complete(void **state)
{
	pthread_t threads[WRITERS];
	uint8_t numbers[WRITERS];
	struct audit_report report;
	struct why why = WHY_NONE;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		numbers[i] = (uint8_t)(i + 1);
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &numbers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(numbers[i], 1);
	}
	assert_works(audit_verify(store, &report, &why));
	assert_int_equal(report.rows, WRITERS * ROUNDS);
}

static void audit__that_cannot_be_written_says_so(void **state)
{
	struct audit_event event = {.action = AUDIT_UNLOCK, .decision = AUDIT_GRANTED};
	struct audit_report report;
	struct why why = WHY_NONE;

	(void)state;
	write_rows(1);
	execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END");
	assert_fault(FAULT_KEYRING_WRITE, audit_write(audit, &event, &why));
	assert_non_null(strstr(why.text, "audit"));
	execute("DROP TRIGGER full");
	write_rows(1);
	assert_works(audit_verify(store, &report, &why));
	assert_int_equal(report.rows, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(audit__says_who_what_where_and_why),
		TEST(audit__counts_a_granted_unlock_and_no_other),
		TEST(audit__is_sound_as_it_was_written),
		TEST(audit__shows_a_changed_row),
		TEST(audit__shows_a_missing_row),
		TEST(audit__shows_a_missing_row_though_the_others_were_numbered_anew),
		TEST(audit__shows_rows_that_changed_places),
		TEST(audit__shows_a_row_in_front),
		TEST(audit__shows_a_changed_link),
		TEST(audit__cut_at_its_end_ends_in_another_link),
		TEST(audit__of_many_threads_is_one_chain_and_complete),
		TEST(audit__that_cannot_be_written_says_so),
	};
#undef TEST

	log_set_level(LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
