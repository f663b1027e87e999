#include "keys/token.h"
#include "tests/lib/keyrings.h"

/* -- looking -------------------------------------------------------------------------- */

static struct fingerprint own_fingerprint(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *own = NULL;

	assert_works(keyring_own_certificate(keyring, &own, &why));
	return certificate_fingerprint(own);
}

static struct secret *master_of(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	const struct secret *master = NULL;
	struct secret *copy = NULL;

	assert_works(keyring_master(keyring, &master, &why));
	assert_works(secret_copy(secret_bytes(master), secret_size(master), &copy, &why));
	return copy;
}

static mode_t mode_of(const char *path)
{
	struct stat stat_of_it;

	assert_int_equal(stat(path, &stat_of_it), 0);
	return stat_of_it.st_mode & 07777;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* -- passphrases ---------------------------------------------------------------------- */

static void keyring__opens_with_its_passphrase_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct fingerprint before;
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("alice");
		assert_true(keyring_is_unlocked(made));
		before = own_fingerprint(made);
		assert_true(keyring_trusts(made, &before));
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("alice");
	const struct identity *identity = NULL;
	const struct secret *master = NULL;
	assert_false(keyring_is_unlocked(keyring));
	assert_fault(FAULT_LOCKED, keyring_identity(keyring, &identity, &why));
	assert_fault(FAULT_LOCKED, keyring_master(keyring, &master, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_by(keyring, "wrong horse", &why));
	assert_fault(FAULT_PASSPHRASE_EMPTY, keyring_unlock_by(keyring, "", &why));
	assert_works(keyring_unlock_by(keyring, WORDS, &why));
	assert_works(keyring_identity(keyring, &identity, &why));
	const struct fingerprint after = public_identity_fingerprint(identity_public(identity));
	assert_true(fingerprint_equal(&before, &after));
}

static void keyring__shows_ones_own_certificate_while_it_is_locked(void **state)
{
	(void)state;
	struct fingerprint before;
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("locked");
		before = own_fingerprint(made);
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("locked");
	const struct fingerprint after = own_fingerprint(keyring);
	assert_true(fingerprint_equal(&before, &after));
	assert_false(keyring_is_unlocked(keyring));
}

static void keyring__does_not_move_what_it_lent_out_when_unlocked_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("again");
	const struct identity *before = NULL;
	const struct identity *after = NULL;
	assert_works(keyring_identity(keyring, &before, &why));
	assert_works(keyring_unlock_by(keyring, WORDS, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_by(keyring, "wrong", &why));
	assert_works(keyring_identity(keyring, &after, &why));
	assert_ptr_equal(before, after);
}

static void keyring__takes_a_new_passphrase_and_forgets_the_old(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("change");
		AUTO(secret_free) struct secret *fresh = words_of("new");
		AUTO(secret_free) struct secret *empty = words_of("");
		assert_fault(FAULT_PASSPHRASE_EMPTY, keyring_change_passphrase(made, empty, 64, &why));
		assert_fault(FAULT_INVALID, keyring_change_passphrase(made, fresh, 63, &why));
		assert_works(keyring_change_passphrase(made, fresh, 64, &why));
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("change");
	AUTO(secret_free) struct secret *third = words_of("third");
	assert_fault(FAULT_LOCKED, keyring_change_passphrase(keyring, third, 64, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_by(keyring, WORDS, &why));
	assert_works(keyring_unlock_by(keyring, "new", &why));
}

static void keyring__refuses_a_passphrase_that_is_too_long(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *longest = NULL;
	AUTO(secret_free) struct secret *longer = NULL;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("long");
	assert_works(secret_new(PASSPHRASE_MAX, &longest, &why));
	assert_works(secret_new(PASSPHRASE_MAX + 1, &longer, &why));
	assert_works(keyring_change_passphrase(keyring, longest, 64, &why));
	assert_works(keyring_unlock(keyring, longest, &why));
	assert_fault(FAULT_INVALID, keyring_change_passphrase(keyring, longer, 64, &why));
}

static void keyring__opens_with_the_master_key_of_its_session(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *master = NULL;
	AUTO(secret_free) struct secret *short_one = words_of("short");
	AUTO(keyring_close) struct keyring *other = keyring_of("other");
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("session");
		master = master_of(made);
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("session");
	AUTO(secret_free) struct secret *others = master_of(other);
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_master(keyring, others, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_master(keyring, short_one, &why));
	assert_false(keyring_is_unlocked(keyring));
	assert_works(keyring_unlock_with_master(keyring, master, &why));
	assert_true(keyring_is_unlocked(keyring));
}

static void keyring__opens_with_its_newest_recovery_token_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) char *old = NULL;
	AUTO(free) char *token = NULL;
	AUTO(free) char *others = NULL;
	AUTO(keyring_close) struct keyring *other = keyring_of("token of another");
	assert_works(keyring_new_token(other, &others, &why));
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("token");
		assert_false(keyring_has_token(made));
		assert_works(keyring_new_token(made, &old, &why));
		assert_true(keyring_has_token(made));
		assert_works(keyring_new_token(made, &token, &why));
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("token");
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_token(keyring, old, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_token(keyring, others, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock_with_token(keyring, "mistyped", &why));
	assert_works(keyring_unlock_with_token(keyring, token, &why));
	assert_works(keyring_unlock_by(keyring, WORDS, &why));
}

static void keyring__without_a_token_says_so(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("no token");
	const struct token token = {{1}};
	char text[TOKEN_TEXT_SIZE];
	token_text(&token, text);
	assert_fault(FAULT_MISSING, keyring_unlock_with_token(keyring, text, &why));
}

static void token__that_was_used_is_remembered_until_another_takes_its_place(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct token first = {{1}}, second = {{2}};
	char text[TOKEN_TEXT_SIZE];
	{
		AUTO(keyring_close) struct keyring *made = keyring_of("used token");
		assert_works(keyring_set_token(made, &first, &why));
		assert_false(keyring_token_was_used(made));
		assert_works(keyring_note_token_use(made, &why));
		assert_works(keyring_note_token_use(made, &why));
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("used token");
	assert_true(keyring_token_was_used(keyring));
	assert_fault(FAULT_LOCKED, keyring_set_token(keyring, &second, &why));
	token_text(&first, text);
	assert_works(keyring_unlock_with_token(keyring, text, &why));
	assert_true(keyring_token_was_used(keyring));
	assert_works(keyring_set_token(keyring, &second, &why));
	assert_false(keyring_token_was_used(keyring));
}

/* -- the file ------------------------------------------------------------------------- */

static void keyring__is_a_file_for_its_owner_alone_whatever_the_umask(void **state)
{
	(void)state;
	static const mode_t masks[] = {0, 0777};
	static const char *const files[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 2; i++) {
		struct why why = WHY_NONE;
		AUTO(keyring_close) struct keyring *keyring = NULL;
		AUTO(secret_free) struct secret *words = words_of(WORDS);
		char name[32], path[600];
		(void)snprintf(name, sizeof name, "mask%zu/in", i);
		const struct keyring_new_options options = {
			.path = keyring_at(name), .name = "masked", .passphrase = words, .kdf_mib = 64};
		mode_t before = umask(masks[i]);
		assert_works(keyring_create(&options, &keyring, &why));
		(void)umask(before);
		keyring_spoil(keyring, "UPDATE identity SET name = 'written'");
		for (size_t j = 0; j < 3; j++) {
			(void)snprintf(path, sizeof path, "%s%s", keyring_at(name), files[j]);
			assert_int_equal(mode_of(path), 0600);
		}
		(void)snprintf(path, sizeof path, "%s/mask%zu", keyrings, i);
		assert_int_equal(mode_of(path), 0700);
		assert_int_equal(entries_beside(name), 3);
	}
}

static void keyring__is_never_made_over_another(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	keyring_close(keyring_of("first"));
	AUTO(bytes_done) struct bytes before = file_bytes(keyring_at("first"));
	struct keyring *second = NULL;
	assert_fault(FAULT_EXISTS, keyring_try("first", WORDS, 64, &second, &why));
	AUTO(bytes_done) struct bytes after = file_bytes(keyring_at("first"));
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data, after.data, before.size);
	assert_int_equal(entries_beside("first"), 1);
}

/* sqlite3 would play the old log into the new file. */
static void keyring__is_not_made_beside_the_log_of_a_lost_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	char log[600];
	keyring_close(keyring_of("lost"));
	(void)snprintf(log, sizeof log, "%s-wal", keyring_at("lost"));
	file_put(log, "transactions", 12);
	assert_int_equal(unlink(keyring_at("lost")), 0);
	assert_fault(FAULT_EXISTS, keyring_try("lost", WORDS, 64, &keyring, &why));
	assert_non_null(strstr(why.text, "-wal"));
	assert_true(is_there(log));
	assert_int_equal(unlink(log), 0);
	keyring_close(keyring_of("lost"));
}

static void keyring__that_cannot_be_made_leaves_nothing_behind(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *words = words_of(WORDS);
	char below_a_file[600];
	const struct keyring_new_options odd = {
		.path = below_a_file, .name = "x", .passphrase = words, .kdf_mib = 64};
	const struct keyring_new_options unnamed = {
		.path = keyring_at("failed"), .name = "a/b", .passphrase = words, .kdf_mib = 64};

	assert_fault(FAULT_INVALID, keyring_try("failed", WORDS, 63, &keyring, &why));
	assert_fault(FAULT_INVALID, keyring_try("failed", WORDS, 4097, &keyring, &why));
	assert_fault(FAULT_PASSPHRASE_EMPTY, keyring_try("failed", "", 64, &keyring, &why));
	assert_fault(FAULT_INVALID, keyring_create(&unnamed, &keyring, &why));
	assert_false(is_there(keyring_at("failed")));
	keyring_close(keyring_of("a file"));
	(void)snprintf(below_a_file, sizeof below_a_file, "%s/keyring.db", keyring_at("a file"));
	assert_fault(FAULT_KEYRING_WRITE, keyring_create(&odd, &keyring, &why));
	assert_int_equal(entries_beside("a file"), 1);
	assert_null(keyring);
}

static void keyring__that_is_missing_says_how_to_make_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	assert_fault(FAULT_MISSING, keyring_open(keyring_at("nobody"), &keyring, &why));
	assert_non_null(strstr(why.text, "fsenc setup"));
	assert_false(is_there(keyring_at("nobody")));
}

static void keyring__that_others_may_read_is_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = {0640, 0604, 0620, 0601, 0777};
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	keyring_close(keyring_of("modes"));
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(keyring_at("modes"), modes[i]), 0);
		assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_at("modes"), &keyring, &why));
		assert_non_null(strstr(why.text, "chmod 600"));
	}
	assert_int_equal(chmod(keyring_at("modes"), 0600), 0);
	keyring_close(keyring_again("modes"));
}

static void keyring__is_found_by_the_environment(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const rows[][3] = {
		{"/data", "/home/u", "/data/fsenc/keyring.db"},
		{NULL, "/home/u", "/home/u/.local/share/fsenc/keyring.db"},
		{"", "/home/u", "/home/u/.local/share/fsenc/keyring.db"},
		{"relative", "/home/u", "/home/u/.local/share/fsenc/keyring.db"},
		{NULL, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(free) char *path = NULL;
		(void)(rows[i][0] ? setenv("XDG_DATA_HOME", rows[i][0], 1) : unsetenv("XDG_DATA_HOME"));
		(void)(rows[i][1] ? setenv("HOME", rows[i][1], 1) : unsetenv("HOME"));
		if (!rows[i][2]) {
			assert_fault(FAULT_KEYRING_READ, keyring_default_path(&path, &why));
			continue;
		}
		assert_works(keyring_default_path(&path, &why));
		assert_string_equal(path, rows[i][2]);
	}
}

/* -- backups -------------------------------------------------------------------------- */

static void backup__gives_the_same_keys_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(secret_free) struct secret *words = words_of("of the backup");
	AUTO(secret_free) struct secret *wrong = words_of("not of the backup");
	struct keyring_new_options options = {
		.path = keyring_at("restored"), .passphrase = wrong, .kdf_mib = 64};
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(keyring_close) struct keyring *made = keyring_of("backed up");

	assert_works(keyring_backup(made, words, &text, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_restore(&options, text.data, text.size, &keyring, &why));
	options.passphrase = words;
	assert_works(keyring_restore(&options, text.data, text.size, &keyring, &why));
	const struct identity *before = NULL, *after = NULL;
	assert_works(keyring_identity(made, &before, &why));
	assert_works(keyring_identity(keyring, &after, &why));
	assert_memory_equal(identity_private_bytes(before), identity_private_bytes(after),
			    IDENTITY_PRIVATE_SIZE);
	assert_memory_equal(identity_public(before), identity_public(after), sizeof(struct public_identity));
	const struct fingerprint own = own_fingerprint(keyring);
	assert_true(keyring_trusts(keyring, &own));
	AUTO(secret_free) struct secret *one = master_of(made);
	AUTO(secret_free) struct secret *other = master_of(keyring);
	assert_memory_not_equal(secret_bytes(one), secret_bytes(other), KEY_SIZE);
}

static void backup__needs_an_unlocked_keyring_and_a_passphrase(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(secret_free) struct secret *empty = words_of("");
	AUTO(secret_free) struct secret *words = words_of("words");
	AUTO(keyring_close) struct keyring *made = keyring_of("no backup");
	AUTO(keyring_close) struct keyring *locked = keyring_again("no backup");
	assert_fault(FAULT_PASSPHRASE_EMPTY, keyring_backup(made, empty, &text, &why));
	assert_fault(FAULT_LOCKED, keyring_backup(locked, words, &text, &why));
	assert_int_equal(text.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyring__opens_with_its_passphrase_alone),
		cmocka_unit_test(keyring__shows_ones_own_certificate_while_it_is_locked),
		cmocka_unit_test(keyring__does_not_move_what_it_lent_out_when_unlocked_again),
		cmocka_unit_test(keyring__takes_a_new_passphrase_and_forgets_the_old),
		cmocka_unit_test(keyring__refuses_a_passphrase_that_is_too_long),
		cmocka_unit_test(keyring__opens_with_the_master_key_of_its_session),
		cmocka_unit_test(keyring__opens_with_its_newest_recovery_token_alone),
		cmocka_unit_test(keyring__without_a_token_says_so),
		cmocka_unit_test(token__that_was_used_is_remembered_until_another_takes_its_place),
		cmocka_unit_test(keyring__is_a_file_for_its_owner_alone_whatever_the_umask),
		cmocka_unit_test(keyring__is_never_made_over_another),
		cmocka_unit_test(keyring__is_not_made_beside_the_log_of_a_lost_one),
		cmocka_unit_test(keyring__that_cannot_be_made_leaves_nothing_behind),
		cmocka_unit_test(keyring__that_is_missing_says_how_to_make_one),
		cmocka_unit_test(keyring__that_others_may_read_is_refused),
		cmocka_unit_test(keyring__is_found_by_the_environment),
		cmocka_unit_test(backup__gives_the_same_keys_back),
		cmocka_unit_test(backup__needs_an_unlocked_keyring_and_a_passphrase),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
