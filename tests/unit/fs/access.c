#include <sys/wait.h>

#include "fs/access_log.h"
#include "tests/lib/people.h"
#include "tests/lib/world.h"

static enum fault read_as(const char *path, struct keyring *keyring, struct why *why)
{
	AUTO(share_close) struct share *share = world_open(path, keyring);
	AUTO(folder_file_free) struct folder_file *file = NULL;
	const struct access_place place = world_root(share);

	return access_read(&place, &file, why);
}

static uint64_t version_for(const char *path, struct keyring *keyring)
{
	AUTO(share_close) struct share *share = world_open(path, keyring);
	AUTO(folder_file_free) struct folder_file *file = world_read(share);

	return file->record->version;
}

/* The directory of the copies of a share's root folder. */
static char *backup_of(const char *name, struct share *share)
{
	AUTO(folder_file_free) struct folder_file *file = world_read(share);
	char id[ID_TEXT_SIZE];

	folder_id_text(&file->record->folder, id);
	return world_path("%s/.fsenc-backup/%s", name, id);
}

/* -- first contact and changes -------------------------------------------------------- */

/* A lobby of bob's, in which mallory, whom alice does not know, made a folder. */
static void access__is_accepted_at_first_contact_from_a_trusted_admin_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	assert_works(share_create(world_path("lobby"), true, bob, &why));
	world_introduce(mallory, bob, true);
	AUTO(share_close) struct share *hers = world_open(world_path("lobby"), mallory);
	assert_int_equal(mkdir(world_path("lobby/club"), 0755), 0);
	assert_works(folder_protect(hers, "club", &why));

	AUTO(share_close) struct share *share = world_open(world_path("lobby"), alice);
	AUTO(file_close) int club = open(world_path("lobby/club"), O_PATH | O_DIRECTORY);
	const struct access_place place = {.share = share, .directory = club, .path = "club"};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	const struct fingerprint fingerprint = world_fingerprint(mallory);
	char text[DIGEST_TEXT_SIZE];
	fingerprint_text(&fingerprint, text);
	assert_fault(FAULT_KEY_MISSING, access_read(&place, &file, &why));
	assert_non_null(strstr(why.text, text));
	assert_non_null(strstr(why.text, "mallory"));
	assert_null(file);
	world_introduce(alice, mallory, false);
	assert_fault(FAULT_KEY_MISSING, access_read(&place, &file, &why));
	assert_works(keyring_trust(alice, &fingerprint, &why));
	assert_works(access_read(&place, &file, &why));
}

static void access__changes_make_a_chain_that_everybody_accepts(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("chain", false);
	world_let_in(share, bob, ROLE_READER);
	assert_int_equal(version_for(world_path("chain"), bob), 2);
	world_take_out(share, bob);
	world_let_in(share, bob, ROLE_WRITER);
	world_take_out(share, bob);
	/* Bob's pin is at 2; a keyring that never saw it starts at 1. */
	assert_int_equal(version_for(world_path("chain"), bob), 5);
	AUTO(keyring_close) struct keyring *erin = world_person("erin");
	world_introduce(erin, alice, true);
	assert_int_equal(version_for(world_path("chain"), erin), 5);
}

static void access__can_be_changed_by_an_admin_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("denied", false);
	world_let_in(share, bob, ROLE_WRITER);
	AUTO(share_close) struct share *bobs = world_open(world_path("denied"), bob);
	const struct access_place place = world_root(bobs);
	AUTO(person_done) struct person carol = person_new("carol");
	const struct world_change change = {bob, NULL, carol.certificate, ROLE_READER};
	assert_fault(FAULT_DENIED, world_change(&place, change, &why));
	assert_int_equal(version_for(world_path("denied"), alice), 2);
}

static void access__of_a_read_only_share_is_not_changed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("readonly", false));
	const struct share_options options = {.read_only = true};
	AUTO(share_close) struct share *share = NULL;
	assert_works(share_open(world_path("readonly"), &options, alice, &share, &why));
	const struct access_place place = world_root(share);
	const struct world_change change = {alice, bob, NULL, ROLE_READER};
	assert_fault(FAULT_SYSTEM, world_change(&place, change, &why));
	assert_int_equal(why.error, EROFS);
}

/* -- attacks -------------------------------------------------------------------------- */

static void access__list_put_back_to_an_older_version_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("rollback", false);
	AUTO(bytes_done) struct bytes old = world_slurp(world_path("rollback/.fsenc"));
	world_let_in(share, bob, ROLE_READER);
	AUTO(bytes_done) struct bytes with_bob = world_slurp(world_path("rollback/.fsenc"));
	world_take_out(share, bob);
	world_spill(world_path("rollback/.fsenc"), &with_bob);
	assert_fault(FAULT_TAMPERED, read_as(world_path("rollback"), alice, &why));
	world_spill(world_path("rollback/.fsenc"), &old);
	assert_fault(FAULT_TAMPERED, read_as(world_path("rollback"), alice, &why));
	assert_non_null(strstr(why.text, "version 1 is older than version 3"));

	bool repaired = false;
	const struct access_place place = world_root(share);
	assert_works(access_repair(&place, &repaired, &why));
	assert_true(repaired);
	assert_int_equal(version_for(world_path("rollback"), alice), 3);
}

static void access__list_of_another_folder_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("mine", false));
	/* Mallory is even trusted, and her folder says the right share: it is still not the one seen before.
	 */
	AUTO(share_close) struct share *share = world_open(world_path("mine"), alice);
	const struct identity *identity;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(keyring_identity(bob, &identity, &why));
	assert_works(keyring_own_certificate(bob, &certificate, &why));
	const struct folder_new_options options = {
		.share = share_record_of(share)->share, .suite = 1, .creator = certificate};
	assert_works(folder_new(&options, identity, &file, &keys, &why));
	assert_works(folder_file_write(file, &text, &why));
	world_spill(world_path("mine/.fsenc"), &text);

	assert_fault(FAULT_TAMPERED, read_as(world_path("mine"), alice, &why));
	assert_non_null(strstr(why.text, "fsenc key trust --folder DIR"));
	char id[ID_TEXT_SIZE];
	folder_id_text(&file->record->folder, id);
	assert_non_null(strstr(why.text, id));
	/* And a repair does not decide that question. */
	bool repaired = false;
	const struct access_place place = world_root(share);
	assert_fault(FAULT_TAMPERED, access_repair(&place, &repaired, &why));
}

/* What somebody with the folder's key but no right makes: the next version, signed by himself. */
static void forge_next(const char *name, struct keyring *forger, struct folder_file *present)
{
	struct why why = WHY_NONE;
	const struct identity *identity;
	AUTO(record_free) struct record *record = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(keyring_identity(forger, &identity, &why));
	assert_works(record_copy(present->record, &record, &why));
	record->version++;
	record->previous = present->record->digest;
	for (size_t i = 0; i < record->entry_count; i++)
		if (member_id_equal(&record->entries[i].id, &identity_public(identity)->id))
			record->entries[i].role = ROLE_ADMIN;
	assert_works(record_sign(record, identity, &object, &why));
	struct folder_file forged = *present;
	forged.record = record;
	forged.object = object;
	assert_works(folder_file_write(&forged, &text, &why));
	world_spill(world_path("%s/.fsenc", name), &text);
}

static void access__list_signed_by_somebody_who_is_no_admin_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("forged", false);
	world_let_in(share, bob, ROLE_WRITER);
	AUTO(folder_file_free) struct folder_file *present = world_read(share);
	AUTO(file_close) int directory = open(world_path("forged"), O_PATH | O_DIRECTORY);
	AUTO(file_close) int lock = -1;
	assert_works(access_log_lock(directory, ACCESS_LOCK_EXCLUSIVE, 0, &lock, &why));
	assert_works(access_log_append(lock, present->object, &why));
	file_close(lock);
	lock = -1;
	forge_next("forged", bob, present);
	assert_fault(FAULT_TAMPERED, read_as(world_path("forged"), alice, &why));
	AUTO(keyring_close) struct keyring *frank = world_person("frank");
	world_introduce(frank, alice, true);
	assert_fault(FAULT_TAMPERED, read_as(world_path("forged"), frank, &why));
	/* The last good record is not forgotten over it. */
	bool repaired = false;
	const struct access_place place = world_root(share);
	assert_works(access_repair(&place, &repaired, &why));
	assert_int_equal(version_for(world_path("forged"), alice), 2);
	assert_int_equal(version_for(world_path("forged"), frank), 2);
}

static void access__list_of_another_share_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("one", false));
	share_close(world_share("two", false));
	AUTO(keyring_close) struct keyring *gina = world_person("gina");
	world_introduce(gina, alice, true);
	AUTO(bytes_done) struct bytes one = world_slurp(world_path("one/.fsenc"));
	world_spill(world_path("two/.fsenc"), &one);
	assert_fault(FAULT_TAMPERED, read_as(world_path("two"), gina, &why));
}

static void access__replaced_envelope_does_not_become_the_last_good_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("keybox", false);
	world_let_in(share, bob, ROLE_WRITER);
	AUTO(folder_file_free) struct folder_file *file = world_read(share);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	for (size_t i = 0; i < file->keybox_count; i++)
		randombytes_buf(file->keybox[i].wrap.bytes, WRAP_SIZE);
	assert_works(folder_file_write(file, &text, &why));
	world_spill(world_path("keybox/.fsenc"), &text);
	assert_fault(FAULT_TAMPERED, read_as(world_path("keybox"), bob, &why));
	/* Alice has seen this version before, envelope and all. */
	bool repaired = false;
	const struct access_place place = world_root(share);
	assert_works(access_repair(&place, &repaired, &why));
	assert_true(repaired);
	assert_works(read_as(world_path("keybox"), bob, &why));
}

/* -- loss ----------------------------------------------------------------------------- */

static void access__list_that_is_lost_comes_back_from_its_copy(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("lost", false);
	world_let_in(share, bob, ROLE_READER);
	AUTO(bytes_done) struct bytes before = world_slurp(world_path("lost/.fsenc"));
	assert_int_equal(unlink(world_path("lost/.fsenc")), 0);
	assert_int_equal(version_for(world_path("lost"), alice), 2);
	AUTO(bytes_done) struct bytes after = world_slurp(world_path("lost/.fsenc"));
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data, after.data, after.size);
}

static void access__list_that_is_garbage_comes_back_from_the_keyring(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("garbage", false);
	world_let_in(share, bob, ROLE_READER);
	world_remove_tree(world_path("garbage/.fsenc-backup"));
	const struct bytes garbage = {(uint8_t *)"{\"record\":", 10, 10};
	world_spill(world_path("garbage/.fsenc"), &garbage);
	assert_int_equal(version_for(world_path("garbage"), alice), 2);
	assert_int_equal(version_for(world_path("garbage"), bob), 2);
}

static void access__older_copy_does_not_win_over_the_keyring(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("oldcopy", false);
	char copy[WORLD_PATH];
	(void)snprintf(copy, sizeof copy, "%s/.fsenc", backup_of("oldcopy", share));
	AUTO(bytes_done) struct bytes old = world_slurp(copy);
	world_let_in(share, bob, ROLE_READER);
	world_spill(copy, &old);
	assert_int_equal(unlink(world_path("oldcopy/.fsenc")), 0);
	assert_int_equal(version_for(world_path("oldcopy"), alice), 2);
}

static void access__check_restores_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("check", false);
	const struct access_place place = world_root(share);
	struct folder_file *file = NULL;
	assert_int_equal(unlink(world_path("check/.fsenc")), 0);
	assert_fault(FAULT_DAMAGED, access_check(&place, &file, &why));
	assert_int_equal(access(world_path("check/.fsenc"), F_OK), -1);
	bool repaired = false;
	assert_works(access_repair(&place, &repaired, &why));
	assert_true(repaired);
	assert_works(access_repair(&place, &repaired, &why));
	assert_false(repaired);
}

static enum fault close_folder(void *context, const struct folder_file *present,
			       const struct folder_keys *keys, struct folder_file **ret_next, struct why *why)
{
	const struct identity *identity;
	enum fault fault = keyring_identity(context, &identity, why);

	return fault ? fault : folder_change_close(present, keys, identity, ret_next, why);
}

static void access__folder_that_was_closed_is_not_restored(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("closed", false);
	world_let_in(share, bob, ROLE_READER);
	assert_works(read_as(world_path("closed"), bob, &why));
	const struct access_place place = world_root(share);
	AUTO(folder_file_free) struct folder_file *last = NULL;
	assert_works(access_change(&place, close_folder, alice, &last, &why));
	assert_int_equal(unlink(world_path("closed/.fsenc")), 0);
	assert_int_equal(unlink(world_path("closed/.fsenc.log")), 0);
	assert_fault(FAULT_MISSING, read_as(world_path("closed"), bob, &why));
	assert_fault(FAULT_MISSING, read_as(world_path("closed"), alice, &why));
	struct pin_folder pin;
	assert_fault(FAULT_MISSING, keyring_folder_pin(bob, &share_record_of(share)->share, "", &pin, &why));
	assert_int_equal(access(world_path("closed/.fsenc"), F_OK), -1);
}

/* -- the log -------------------------------------------------------------------------- */

static struct bytes join(const struct bytes *one, const struct bytes *other)
{
	struct why why = WHY_NONE;
	struct bytes all = BYTES_EMPTY;

	assert_works(bytes_append(&all, one->data, one->size, &why));
	assert_works(bytes_append(&all, other->data, other->size, &why));
	return all;
}

static void access__log_may_be_torn_doubled_and_shuffled(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("log", false);
	world_let_in(share, bob, ROLE_READER);
	world_take_out(share, bob);
	world_let_in(share, bob, ROLE_READER);
	AUTO(bytes_done) struct bytes log = world_slurp(world_path("log/.fsenc.log"));
	const struct bytes half = {log.data, log.size / 3, log.size / 3};
	AUTO(bytes_done) struct bytes torn = join(&half, &(struct bytes){(uint8_t *)"\n\n{}\nx\n", 8, 8});
	AUTO(bytes_done) struct bytes doubled = join(&torn, &log);
	AUTO(bytes_done) struct bytes all = join(&doubled, &log);
	world_spill(world_path("log/.fsenc.log"), &all);
	world_remove_tree(world_path("log/.fsenc-backup"));
	AUTO(keyring_close) struct keyring *hans = world_person("hans");
	world_introduce(hans, alice, true);
	assert_int_equal(version_for(world_path("log"), hans), 4);

	/* Half a line at the end: the next line does not become part of it. */
	AUTO(bytes_done) struct bytes cut = join(&log, &half);
	world_spill(world_path("log/.fsenc.log"), &cut);
	world_take_out(share, bob);
	AUTO(keyring_close) struct keyring *ines = world_person("ines");
	world_introduce(ines, alice, true);
	assert_int_equal(version_for(world_path("log"), ines), 5);
}

static void access__log_that_is_lost_is_an_alarm_for_newcomers_until_it_is_repaired(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("nolog", false);
	world_let_in(share, bob, ROLE_READER);
	world_take_out(share, bob);
	char copy[WORLD_PATH];
	(void)snprintf(copy, sizeof copy, "%s/.fsenc.log", backup_of("nolog", share));
	AUTO(bytes_done) struct bytes log = world_slurp(copy);
	assert_int_equal(truncate(world_path("nolog/.fsenc.log"), 0), 0);
	assert_int_equal(unlink(copy), 0);
	AUTO(keyring_close) struct keyring *jana = world_person("jana");
	world_introduce(jana, alice, true);
	assert_fault(FAULT_TAMPERED, read_as(world_path("nolog"), jana, &why));
	assert_int_equal(version_for(world_path("nolog"), alice), 3);
	world_spill(copy, &log);
	bool repaired = false;
	const struct access_place place = world_root(share);
	assert_works(access_repair(&place, &repaired, &why));
	assert_true(repaired);
	world_remove_tree(world_path("nolog/.fsenc-backup"));
	assert_int_equal(version_for(world_path("nolog"), jana), 3);
}

static void access__log_cut_short_is_whole_again_after_the_next_change(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("cutlog", false);
	world_let_in(share, bob, ROLE_READER);
	world_take_out(share, bob);
	assert_int_equal(truncate(world_path("cutlog/.fsenc.log"), 0), 0);
	world_let_in(share, bob, ROLE_READER);
	world_remove_tree(world_path("cutlog/.fsenc-backup"));
	AUTO(keyring_close) struct keyring *lena = world_person("lena");
	world_introduce(lena, alice, true);
	assert_int_equal(version_for(world_path("cutlog"), lena), 4);
}

static void access__log_that_is_a_link_is_not_followed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("loglink", false);
	world_spill(world_path("precious"), &BYTES_EMPTY);
	assert_int_equal(unlink(world_path("loglink/.fsenc.log")), 0);
	assert_int_equal(symlink(world_path("precious"), world_path("loglink/.fsenc.log")), 0);
	const struct access_place place = world_root(share);
	const struct world_change change = {alice, bob, NULL, ROLE_READER};
	assert_fault(FAULT_SYSTEM, world_change(&place, change, &why));
	AUTO(bytes_done) struct bytes precious = world_slurp(world_path("precious"));
	assert_int_equal(precious.size, 0);
}

/* -- several clients ------------------------------------------------------------------ */

#define CHANGES 8

static int add_many(int which)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *words = world_passphrase();
	AUTO(keyring_close) struct keyring *own = NULL;
	AUTO(share_close) struct share *share = NULL;
	const struct share_options options = {.local = false};
	if (keyring_open(world_path("alice/keyring.db"), &own, &why) || keyring_unlock(own, words, &why) ||
	    share_open(world_path("race"), &options, own, &share, &why))
		return 1;
	const struct access_place place = world_root(share);
	for (int i = 0; i < CHANGES; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "user-%d-%d", which, i);
		AUTO(person_done) struct person person = person_new(name);
		const struct world_change change = {own, NULL, person.certificate, ROLE_READER};
		AUTO(folder_file_free) struct folder_file *file = NULL;
		if (world_change(&place, change, &why) || access_read(&place, &file, &why)) {
			(void)fprintf(stderr, "%s\n", why.text);
			return 1;
		}
	}
	return 0;
}

static void access__changes_of_two_processes_at_once_lose_nothing(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("race", false);
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(add_many(i));
	}
	for (int i = 0; i < 2; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	AUTO(folder_file_free) struct folder_file *file = world_read(share);
	assert_int_equal(file->record->version, 1 + 2 * CHANGES);
	assert_int_equal(file->record->entry_count, 1 + 2 * CHANGES);
	AUTO(keyring_close) struct keyring *kurt = world_person("kurt");
	world_introduce(kurt, alice, true);
	assert_int_equal(version_for(world_path("race"), kurt), 1 + 2 * CHANGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access__is_accepted_at_first_contact_from_a_trusted_admin_only),
		cmocka_unit_test(access__changes_make_a_chain_that_everybody_accepts),
		cmocka_unit_test(access__can_be_changed_by_an_admin_only),
		cmocka_unit_test(access__of_a_read_only_share_is_not_changed),
		cmocka_unit_test(access__list_put_back_to_an_older_version_is_an_alarm),
		cmocka_unit_test(access__list_of_another_folder_is_an_alarm),
		cmocka_unit_test(access__list_signed_by_somebody_who_is_no_admin_is_an_alarm),
		cmocka_unit_test(access__list_of_another_share_is_an_alarm),
		cmocka_unit_test(access__replaced_envelope_does_not_become_the_last_good_one),
		cmocka_unit_test(access__list_that_is_lost_comes_back_from_its_copy),
		cmocka_unit_test(access__list_that_is_garbage_comes_back_from_the_keyring),
		cmocka_unit_test(access__older_copy_does_not_win_over_the_keyring),
		cmocka_unit_test(access__check_restores_nothing),
		cmocka_unit_test(access__folder_that_was_closed_is_not_restored),
		cmocka_unit_test(access__log_may_be_torn_doubled_and_shuffled),
		cmocka_unit_test(access__log_that_is_lost_is_an_alarm_for_newcomers_until_it_is_repaired),
		cmocka_unit_test(access__log_cut_short_is_whole_again_after_the_next_change),
		cmocka_unit_test(access__log_that_is_a_link_is_not_followed),
		cmocka_unit_test(access__changes_of_two_processes_at_once_lose_nothing),
	};
	return cmocka_run_group_tests(tests, world_start, world_end);
}
