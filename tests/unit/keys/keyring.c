#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "keys/keyring.h"
#include "keys/session.h"
#include "keys/token.h"
#include "tests/lib/unit.h"

static char directory[256];

static char *keyring_file(const char *name)
{
	static char paths[4][512]; /* the last four stay valid */
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s/fsenc/keyring.db", directory, name);
	return path;
}

static struct secret *passphrase(const char *words)
{
	struct why why = WHY_NONE;
	struct secret *secret;

	assert_works(secret_copy(words, strlen(words), &secret, &why));
	return secret;
}

static struct keyring *make(const char *name)
{
	struct why why = WHY_NONE;
	struct keyring *keyring;
	AUTO(secret_free) struct secret *words = passphrase("correct horse");
	const struct keyring_new_options options = {
		.path = keyring_file(name), .name = name, .passphrase = words, .kdf_mib = 64};

	(void)unlink(keyring_file(name));
	assert_works(keyring_create(&options, &keyring, &why));
	return keyring;
}

static void keyring__opens_with_its_passphrase_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct member_id id;
	{
		AUTO(keyring_close) struct keyring *made = make("alice");
		const struct identity *identity;
		assert_works(keyring_identity(made, &identity, &why));
		id = identity_public(identity)->id;
	}
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *wrong = passphrase("wrong horse");
	AUTO(secret_free) struct secret *empty = passphrase("");
	AUTO(secret_free) struct secret *right = passphrase("correct horse");
	const struct identity *identity;
	assert_works(keyring_open(keyring_file("alice"), &keyring, &why));
	assert_fault(FAULT_LOCKED, keyring_identity(keyring, &identity, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock(keyring, wrong, &why));
	assert_fault(FAULT_PASSPHRASE_EMPTY, keyring_unlock(keyring, empty, &why));
	assert_works(keyring_unlock(keyring, right, &why));
	assert_works(keyring_identity(keyring, &identity, &why));
	assert_memory_equal(&identity_public(identity)->id, &id, sizeof id);
	AUTO(certificate_free) struct certificate *own = NULL;
	assert_works(keyring_own_certificate(keyring, &own, &why));
	struct fingerprint fingerprint = certificate_fingerprint(own);
	assert_true(keyring_trusts(keyring, &fingerprint));
}

static void keyring__refuses_files_that_are_none(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *words = passphrase("x");
	char alice[512];
	(void)snprintf(alice, sizeof alice, "%s", keyring_file("alice"));
	const struct keyring_new_options again = {
		.path = alice, .name = "alice", .passphrase = words, .kdf_mib = 64};
	struct keyring_new_options weak = again;

	assert_fault(FAULT_MISSING, keyring_open(keyring_file("nobody"), &keyring, &why));
	assert_fault(FAULT_EXISTS, keyring_create(&again, &keyring, &why));
	weak.kdf_mib = 8;
	assert_fault(FAULT_INVALID, keyring_create(&weak, &keyring, &why));
	assert_int_equal(chmod(keyring_file("alice"), 0640), 0);
	assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_file("alice"), &keyring, &why));
	assert_int_equal(chmod(keyring_file("alice"), 0600), 0);
	const struct bytes garbage = {(uint8_t *)"this is no database at all, and never was one", 45, 46};
	assert_works(file_replace(AT_FDCWD, keyring_file("alice"), 0600, &garbage, &why));
	assert_fault(FAULT_KEYRING_READ, keyring_open(keyring_file("alice"), &keyring, &why));
}

static void keyring__opens_with_a_recovery_token_and_takes_a_new_passphrase(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) char *token = NULL;
	{
		AUTO(keyring_close) struct keyring *made = make("bob");
		assert_false(keyring_has_token(made));
		assert_works(keyring_new_token(made, &token, &why));
		assert_true(keyring_has_token(made));
	}
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *fresh = passphrase("new");
	AUTO(secret_free) struct secret *old = passphrase("correct horse");
	assert_works(keyring_open(keyring_file("bob"), &keyring, &why));
	assert_works(keyring_unlock_with_token(keyring, token, &why));
	assert_works(keyring_change_passphrase(keyring, fresh, 64, &why));
	assert_fault(FAULT_PASSPHRASE, keyring_unlock(keyring, old, &why));
	assert_works(keyring_unlock(keyring, fresh, &why));
	token[0] = token[0] == 'a' ? 'b' : 'a';
	assert_fault(FAULT_INVALID, keyring_unlock_with_token(keyring, token, &why));
}

static void keyring__finds_people_and_keeps_one_key_for_an_id(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = make("carol");
	AUTO(identity_free) struct identity *dave = NULL;
	AUTO(identity_free) struct identity *false_dave = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(certificate_free) struct certificate *false_one = NULL;
	AUTO(certificate_free) struct certificate *found = NULL;
	uint8_t other_keys[IDENTITY_PRIVATE_SIZE] = {1};
	bool trusted = true;

	assert_works(identity_new("dave", &dave, &why));
	assert_works(identity_restore(&identity_public(dave)->id, "dave", other_keys, &false_dave, &why));
	assert_works(certificate_self_signed(dave, &certificate, &why));
	assert_works(certificate_self_signed(false_dave, &false_one, &why));
	assert_fault(FAULT_KEY_MISSING, keyring_find_person(keyring, "dave", &found, &trusted, &why));
	assert_works(keyring_add_certificate(keyring, certificate, false, &why));
	assert_fault(FAULT_EXISTS, keyring_add_certificate(keyring, false_one, true, &why));
	assert_works(keyring_find_person(keyring, "dave", &found, &trusted, &why));
	assert_false(trusted);
	struct fingerprint fingerprint = certificate_fingerprint(found);
	assert_works(keyring_trust(keyring, &fingerprint, &why));
	assert_works(keyring_add_certificate(keyring, certificate, false, &why));
	assert_true(keyring_trusts(keyring, &fingerprint));
}

static void keyring__never_moves_a_pin_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = make("erin");
	struct share_id share;
	struct pin_folder pin = {.version = 5, .file = BYTES_EMPTY}, found = {.file = BYTES_EMPTY};
	share_id_random(&share);
	folder_id_random(&pin.folder);
	assert_works(bytes_append_text(&pin.file, "{}", &why));

	assert_fault(FAULT_MISSING, keyring_folder_pin(keyring, &share, "a/b", &found, &why));
	assert_works(keyring_set_folder_pin(keyring, &share, "a/b", &pin, &why));
	pin.version = 4;
	assert_fault(FAULT_TAMPERED, keyring_set_folder_pin(keyring, &share, "a/b", &pin, &why));
	pin.version = 5;
	pin.digest.bytes[0] = 1;
	assert_fault(FAULT_TAMPERED, keyring_set_folder_pin(keyring, &share, "elsewhere", &pin, &why));
	pin.version = 6;
	assert_works(keyring_set_folder_pin(keyring, &share, "a/b", &pin, &why));
	assert_works(keyring_move_pins(keyring, &share, "a", "c", &why));
	assert_fault(FAULT_MISSING, keyring_folder_pin(keyring, &share, "a/b", &found, &why));
	assert_works(keyring_folder_pin(keyring, &share, "c/b", &found, &why));
	assert_int_equal(found.version, 6);
	assert_string_equal((char *)found.file.data, "{}");
	pin_folder_done(&found);
	pin_folder_done(&pin);
}

static void add_many(const char *name)
{
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	assert_works(keyring_open(keyring_file(name), &keyring, &why));
	for (int i = 0; i < 20; i++) {
		AUTO(identity_free) struct identity *identity = NULL;
		AUTO(certificate_free) struct certificate *certificate = NULL;
		assert_works(identity_new("somebody", &identity, &why));
		assert_works(certificate_self_signed(identity, &certificate, &why));
		assert_works(keyring_add_certificate(keyring, certificate, false, &why));
	}
}

static void keyring__is_shared_by_several_processes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	keyring_close(make("frank"));
	pid_t children[4];
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			add_many("frank");
			_exit(0);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	assert_works(keyring_open(keyring_file("frank"), &keyring, &why));
	assert_works(keyring_people(keyring, &people, &why));
	assert_int_equal(people.count, 81);
}

static void backup__gives_the_same_identity_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(secret_free) struct secret *words = passphrase("of the backup");
	AUTO(secret_free) struct secret *wrong = passphrase("not of the backup");
	struct fingerprint before, after;
	{
		AUTO(keyring_close) struct keyring *made = make("grace");
		const struct identity *identity;
		assert_works(keyring_identity(made, &identity, &why));
		before = public_identity_fingerprint(identity_public(identity));
		assert_works(keyring_backup(made, words, &text, &why));
	}
	struct keyring_new_options options = {.path = keyring_file("grace2"), .passphrase = wrong, .kdf_mib = 64};
	AUTO(keyring_close) struct keyring *keyring = NULL;
	assert_fault(FAULT_PASSPHRASE, keyring_restore(&options, text.data, text.size, &keyring, &why));
	options.passphrase = words;
	assert_fault(FAULT_MALFORMED, keyring_restore(&options, "{}", 2, &keyring, &why));
	assert_works(keyring_restore(&options, text.data, text.size, &keyring, &why));
	const struct identity *identity;
	assert_works(keyring_identity(keyring, &identity, &why));
	after = public_identity_fingerprint(identity_public(identity));
	assert_memory_equal(&before, &after, sizeof before);
}

static void session__keeps_the_key_until_it_is_told_to_forget(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *master = NULL;
	AUTO(secret_free) struct secret *back = NULL;
	assert_works(secret_new(KEY_SIZE, &master, &why));
	secret_bytes_to_fill(master)[3] = 7;
	enum fault fault = session_store(directory, master, 60, &why);
	if (fault == FAULT_UNSUPPORTED || fault == FAULT_SYSTEM) {
		print_message("no kernel keys here: %s\n", why_text(&why, fault));
		skip();
	}
	assert_works(session_load(directory, &back, &why));
	assert_memory_equal(secret_bytes(master), secret_bytes(back), KEY_SIZE);
	assert_works(session_forget(directory, &why));
	struct secret *none;
	assert_fault(FAULT_MISSING, session_load(directory, &none, &why));
}

static void token__tells_a_typing_error_from_a_wrong_token(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct token token = {{1, 2, 3, 250}}, back;
	char text[TOKEN_TEXT_SIZE];
	token_text(&token, text);
	assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
	assert_works(token_from_text(text, &back, &why));
	assert_memory_equal(&token, &back, sizeof token);
	for (size_t i = 0; i < strlen(text); i++) {
		char typed[TOKEN_TEXT_SIZE];
		memcpy(typed, text, sizeof typed);
		if (typed[i] == '-')
			continue;
		typed[i] = typed[i] == '0' ? '1' : '0';
		assert_fault(FAULT_INVALID, token_from_text(typed, &back, &why));
	}
}

static int start(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const char *base = getenv("TMPDIR");
	(void)snprintf(directory, sizeof directory, "%s/fsenc-keyring-XXXXXX", base ? base : "/var/tmp");
	return secret_start(&why) == FAULT_NONE && mkdtemp(directory) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	char command[400];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyring__opens_with_its_passphrase_alone),
		cmocka_unit_test(keyring__refuses_files_that_are_none),
		cmocka_unit_test(keyring__opens_with_a_recovery_token_and_takes_a_new_passphrase),
		cmocka_unit_test(keyring__finds_people_and_keeps_one_key_for_an_id),
		cmocka_unit_test(keyring__never_moves_a_pin_back),
		cmocka_unit_test(keyring__is_shared_by_several_processes),
		cmocka_unit_test(backup__gives_the_same_identity_back),
		cmocka_unit_test(session__keeps_the_key_until_it_is_told_to_forget),
		cmocka_unit_test(token__tells_a_typing_error_from_a_wrong_token),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
