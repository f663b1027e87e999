/* Keyrings that somebody else wrote, or that were damaged: refused, never followed, never changed. */
#include "keys/keyring_slots.h"
#include "tests/lib/keyrings.h"

static char *token; /* of the keyring "sealed" */
static struct secret *master;

/* -- files that are no keyring -------------------------------------------------------- */

static void assert_refused_unchanged(const void *data, size_t size)
{
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	const char *path = keyring_at("garbage");

	file_put(path, data, size);
	assert_fault(FAULT_KEYRING_READ, keyring_open(path, &keyring, &why));
	assert_null(keyring);
	AUTO(bytes_done) struct bytes after = file_bytes(path);
	assert_int_equal(after.size, size);
	if (size)
		assert_memory_equal(after.data, data, size);
}

static void damage__garbage_is_refused_and_stays_as_it_is(void **state)
{
	(void)state;
	static const char words[] = "this is no database at all, and never was one";
	static const char header[100] = "SQLite format 3";
	uint8_t noise[8192];
	randombytes_buf_deterministic(noise, sizeof noise, (const uint8_t[32]){1});
	keyring_close(keyring_of("garbage"));

	assert_refused_unchanged("", 0);
	assert_refused_unchanged(words, sizeof words);
	assert_refused_unchanged(header, sizeof header);
	assert_refused_unchanged(noise, sizeof noise);
}

static void damage__a_file_cut_short_is_refused_and_stays_as_it_is(void **state)
{
	(void)state;
	keyring_close(keyring_of("whole"));
	AUTO(bytes_done) struct bytes whole = file_bytes(keyring_at("whole"));
	for (size_t size = 0; size < 4096; size += 331)
		assert_refused_unchanged(whole.data, size);
}

static void damage__another_programs_database_is_refused_and_stays_as_it_is(void **state)
{
	(void)state;
	sqlite3 *db = NULL;
	char path[600];
	(void)snprintf(path, sizeof path, "%s/other.db", keyrings);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "CREATE TABLE identity (x); PRAGMA user_version = 1", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	AUTO(bytes_done) struct bytes other = file_bytes(path);
	assert_refused_unchanged(other.data, other.size);
}

static void damage__a_directory_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	assert_fault(FAULT_KEYRING_READ, keyring_open(keyrings, &keyring, &why));
}

static void damage__a_layout_from_the_future_is_refused_in_clear_words(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *future = NULL;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("future");
	keyring_spoil(keyring, "PRAGMA user_version = 1000");
	assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_at("future"), &future, &why));
	assert_non_null(strstr(why.text, "newer fsenc"));
	keyring_spoil(keyring, "PRAGMA user_version = -1");
	assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_at("future"), &future, &why));
}

/* -- every byte ----------------------------------------------------------------------- */

static bool note_nothing(void *context, const char *path, const struct pin_folder *pin)
{
	*(size_t *)context += strlen(path) + pin->file.size;
	return true;
}

/* Everything that reads; whatever it says, it returns. */
static void use(struct keyring *keyring)
{
	AUTO(certificate_free) struct certificate *own = NULL;
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	const struct share_id share = {{1}};
	size_t size = 0;

	(void)!keyring_unlock_with_master(keyring, master, NULL);
	(void)!keyring_unlock_with_token(keyring, token, NULL);
	(void)!keyring_own_certificate(keyring, &own, NULL);
	(void)!keyring_people(keyring, &people, NULL);
	(void)!keyring_each_folder_pin(keyring, &share, note_nothing, &size, NULL);
}

static void put_pins(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	const struct share_id share = {{1}};

	for (uint8_t i = 0; i < 10; i++) {
		AUTO(pin_folder_done) struct pin_folder pin = {.folder = {{1, i}}, .version = 1};
		char path[16];
		(void)snprintf(path, sizeof path, "%d", i);
		assert_works(bytes_append_text(&pin.file, "the file of a folder", &why));
		assert_works(keyring_set_folder_pin(keyring, &share, path, &pin, &why));
	}
}

static void damage__of_any_byte_of_the_file_never_brings_us_down(void **state)
{
	(void)state;
	AUTO(bytes_done) struct bytes file = file_bytes(keyring_at("sealed"));
	const char *path = keyring_at("flipped");
	assert_int_equal(mkdir(strcat(strcpy((char[600]){0}, keyrings), "/flipped"), 0700), 0);

	/* All of the first page's header and cell pointers, then a prime stride. */
	for (size_t at = 0; at < file.size; at += at < 200 ? 1 : 61) {
		struct keyring *keyring = NULL;
		file.data[at] ^= (uint8_t)(1 + at % 255);
		file_put(path, file.data, file.size);
		file.data[at] ^= (uint8_t)(1 + at % 255);
		if (keyring_open(path, &keyring, NULL) == FAULT_NONE)
			use(keyring);
		keyring_close(keyring);
		char log[600];
		(void)snprintf(log, sizeof log, "%s-wal", path);
		(void)unlink(log);
		(void)snprintf(log, sizeof log, "%s-shm", path);
		(void)unlink(log);
	}
}

/* -- what is sealed ------------------------------------------------------------------- */

/* UPDATE of byte `at` of a blob, in a transaction that is rolled back after `probe`. */
static void flip(struct keyring *keyring, const char *table, const char *column, size_t at)
{
	char sql[400];

	(void)snprintf(sql, sizeof sql,
		       "BEGIN; UPDATE %s SET %s = CAST(substr(%s, 1, %zu) ||"
		       " CASE WHEN substr(%s, %zu, 1) = x'41' THEN x'42' ELSE x'41' END ||"
		       " substr(%s, %zu) AS BLOB)",
		       table, column, column, at, column, at + 1, column, at + 2);
	keyring_spoil(keyring, sql);
}

static void damage__of_a_sealed_byte_is_noticed(void **state)
{
	(void)state;
	static const struct {
		const char *table, *column;
		size_t size;
	} rows[] = {
		{"slots", "salt", SLOT_SALT_SIZE},
		{"slots", "sealed", SEALED_SIZE(KEY_SIZE)},
	};
	AUTO(keyring_close) struct keyring *keyring = keyring_again("sealed");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t at = 0; at < rows[i].size; at++) {
			struct why why = WHY_NONE;
			flip(keyring, rows[i].table, rows[i].column, at);
			enum fault fault = keyring_unlock_with_token(keyring, token, &why);
			assert_true(fault == FAULT_PASSPHRASE || fault == FAULT_KEYRING_READ);
			keyring_spoil(keyring, "ROLLBACK");
		}
	struct why why = WHY_NONE;
	assert_works(keyring_unlock_with_token(keyring, token, &why));
}

static void damage__of_the_private_keys_or_their_public_halves_is_noticed(void **state)
{
	(void)state;
	AUTO(keyring_close) struct keyring *keyring = keyring_again("sealed");
	struct own_identity *own = &keyring->own;
	const struct {
		uint8_t *bytes;
		size_t size;
	} places[] = {
		{own->sealed, sizeof own->sealed},
		{own->public.id.bytes, ID_SIZE},
		{own->public.sign_public, SIGN_PUBLIC_SIZE},
		{own->public.encrypt_public, ENCRYPT_PUBLIC_SIZE},
	};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		for (size_t bit = 0; bit < 8 * places[i].size; bit++) {
			struct why why = WHY_NONE;
			places[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum fault fault = keyring_unlock_with_master(keyring, master, &why);
			assert_true(fault == FAULT_PASSPHRASE || fault == FAULT_KEYRING_READ);
			places[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	struct why why = WHY_NONE;
	assert_works(keyring_unlock_with_master(keyring, master, &why));
}

static void damage__of_a_slot_that_was_moved_to_another_kind_is_noticed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_again("sealed");
	keyring_spoil(keyring, "BEGIN; UPDATE slots SET passes = 1 WHERE kind = 2");
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_token(keyring, token, &why));
	keyring_spoil(keyring,
		      "ROLLBACK; BEGIN; DELETE FROM slots WHERE kind = 2; UPDATE slots SET kind = 2");
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_token(keyring, token, &why));
	keyring_spoil(keyring, "ROLLBACK");
}

/* A cost below the floor would help whoever stole the file, one above the ceiling would hang us. */
static void damage__of_the_stored_cost_is_refused_before_it_is_paid(void **state)
{
	(void)state;
	static const char *const costs[] = {
		"mib = 63",
		"mib = 0",
		"mib = -1",
		"mib = 4097",
		"mib = 9223372036854775807",
		"mib = 4294967360",
		"passes = 0",
		"passes = 2",
		"passes = 17",
		"passes = -9223372036854775808",
		"passes = 4294967299",
	};
	AUTO(keyring_close) struct keyring *keyring = keyring_again("sealed");
	AUTO(secret_free) struct secret *words = words_of(WORDS);
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		struct why why = WHY_NONE;
		char sql[200];
		(void)snprintf(sql, sizeof sql, "BEGIN; UPDATE slots SET %s WHERE kind = 1", costs[i]);
		keyring_spoil(keyring, sql);
		assert_fault(FAULT_KEYRING_READ, keyring_unlock(keyring, words, &why));
		keyring_spoil(keyring, "ROLLBACK");
	}
}

static void damage__of_the_row_of_ones_own_keys_is_refused_at_once(void **state)
{
	(void)state;
	static const char *const spoilt[] = {
		"DELETE FROM identity",
		"UPDATE identity SET id = x'01'",
		"UPDATE identity SET sealed = zeroblob(1000000)",
		"UPDATE identity SET sign_public = x''",
		"UPDATE identity SET name = printf('%.200c', 'x')",
		"UPDATE identity SET name = 'a' || char(0) || 'b'",
		"DROP TABLE identity",
	};
	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct why why = WHY_NONE;
		char name[16];
		struct keyring *refused = NULL;
		(void)snprintf(name, sizeof name, "own%zu", i);
		AUTO(keyring_close) struct keyring *keyring = keyring_of(name);
		keyring_spoil(keyring, spoilt[i]);
		assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_at(name), &refused, &why));
	}
}

/* SQL that somebody left in the file does not run. */
static void damage__by_a_trigger_does_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	keyring_close(keyring_of("trigger"));
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(keyring_at("trigger"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER t AFTER INSERT ON certificates BEGIN"
				      " UPDATE certificates SET trusted = 1; END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	AUTO(keyring_close) struct keyring *keyring = keyring_again("trigger");
	AUTO(person_done) struct person person = person_new("untrusted");
	const struct fingerprint fingerprint = person_fingerprint(&person);
	assert_works(keyring_add_certificate(keyring, person.certificate, false, &why));
	assert_false(keyring_trusts(keyring, &fingerprint));
}

/* -- backups -------------------------------------------------------------------------- */

static void damage__of_any_character_of_a_backup_is_noticed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *made = keyring_of("backup");
	AUTO(secret_free) struct secret *words = words_of(WORDS);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	const struct keyring_new_options options = {
		.path = keyring_at("restored"), .passphrase = words, .kdf_mib = 64};
	assert_works(keyring_backup(made, words, &text, &why));
	text.size--; /* the newline */

	for (size_t size = 0; size < text.size; size++) {
		struct keyring *restored = NULL;
		assert_fault(FAULT_MALFORMED, keyring_restore(&options, text.data, size, &restored, &why));
	}
	/* Those that leave the form intact cost a whole passphrase hash each: a stride of them. */
	for (size_t at = 0; at < text.size; at += 97) {
		struct keyring *restored = NULL;
		text.data[at] ^= 1;
		enum fault fault = keyring_restore(&options, text.data, text.size, &restored, &why);
		assert_true(fault == FAULT_MALFORMED || fault == FAULT_REFUSED || fault == FAULT_PASSPHRASE);
		text.data[at] ^= 1;
	}
}

static int start(void **state)
{
	struct why why = WHY_NONE;
	const struct secret *borrowed = NULL;
	int failed = keyrings_start(state);
	AUTO(keyring_close) struct keyring *keyring = keyring_of("sealed");

	assert_works(keyring_new_token(keyring, &token, &why));
	assert_works(keyring_master(keyring, &borrowed, &why));
	assert_works(secret_copy(secret_bytes(borrowed), KEY_SIZE, &master, &why));
	put_pins(keyring);
	return failed;
}

static int end(void **state)
{
	free(token);
	secret_free(master);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage__garbage_is_refused_and_stays_as_it_is),
		cmocka_unit_test(damage__a_file_cut_short_is_refused_and_stays_as_it_is),
		cmocka_unit_test(damage__another_programs_database_is_refused_and_stays_as_it_is),
		cmocka_unit_test(damage__a_directory_is_refused),
		cmocka_unit_test(damage__a_layout_from_the_future_is_refused_in_clear_words),
		cmocka_unit_test(damage__of_any_byte_of_the_file_never_brings_us_down),
		cmocka_unit_test(damage__of_a_sealed_byte_is_noticed),
		cmocka_unit_test(damage__of_the_private_keys_or_their_public_halves_is_noticed),
		cmocka_unit_test(damage__of_a_slot_that_was_moved_to_another_kind_is_noticed),
		cmocka_unit_test(damage__of_the_stored_cost_is_refused_before_it_is_paid),
		cmocka_unit_test(damage__of_the_row_of_ones_own_keys_is_refused_at_once),
		cmocka_unit_test(damage__by_a_trigger_does_nothing),
		cmocka_unit_test(damage__of_any_character_of_a_backup_is_noticed),
	};
	return cmocka_run_group_tests(tests, start, end);
}
