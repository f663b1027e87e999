/* Access lists that are made and changed. */
#include "tests/lib/alices_folders.h"

/* -- a new folder --------------------------------------------------------------------- */

static void folder_new__makes_a_first_version_that_its_creator_opens(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	const struct record *record = made.file->record;
	assert_works(record_is_first(record, made.file->object, folder_file_find_key, made.file, &why));
	assert_int_equal(record->block, 4096);
	assert_int_equal(record->version, 1);
	assert_int_equal(record->entry_count, 1);
	assert_int_equal(record_find(record, person_id(&alice))->role, ROLE_ADMIN);
	assert_int_equal(made.file->certificate_count, 1);
	assert_int_equal(folder_keys_newest(made.keys), 1);
	AUTO(folder_keys_free) struct folder_keys *opened = NULL;
	assert_works(folder_keys_open(made.file, alice.identity, &opened, &why));
	assert_memory_equal(folder_keys_folder_key(opened, 1), folder_keys_folder_key(made.keys, 1),
			    KEY_SIZE);
}

static void folder_new__needs_the_creators_own_certificate(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = {NULL, NULL};
	const struct folder_new_options options = {.share = {{1}}, .suite = 1, .creator = bob.certificate};
	assert_fault(FAULT_INVALID, folder_new(&options, alice.identity, &made.file, &made.keys, &why));
}

static void folder_new__refuses_forms_that_nobody_would_read(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		uint8_t suite;
		uint32_t block;
	} rows[] = {{0, 4096}, {3, 4096}, {1, 1}, {1, 5000}, {1, 131072}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(made_done) struct made made = {NULL, NULL};
		const struct folder_new_options options = {.share = {{1}},
							   .suite = rows[i].suite,
							   .block = rows[i].block,
							   .creator = alice.certificate};
		assert_fault(FAULT_MALFORMED,
			     folder_new(&options, alice.identity, &made.file, &made.keys, &why));
		assert_null(made.file);
		assert_null(made.keys);
	}
}

static void folder_keys__gives_the_derived_keys_of_the_format(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = new_folder();
	rekey(&made, REASON_REKEY);
	static const enum kdf_label labels[] = {KDF_FILE_HEADER, KDF_XATTR, KDF_SYMLINK};
	for (uint32_t g = 1; g <= 2; g++) {
		uint8_t context[KDF_FOLDER_CONTEXT_SIZE];
		kdf_folder_context(context, &made.file->record->folder, g);
		for (size_t i = 0; i < COUNT(labels); i++) {
			struct wiped_key found;
			uint8_t wanted[KEY_SIZE];
			kdf(wanted, KEY_SIZE, folder_keys_folder_key(made.keys, g), labels[i], context,
			    sizeof context);
			assert_true(folder_keys_subkey(made.keys, g, labels[i], &found));
			assert_memory_equal(found.bytes, wanted, KEY_SIZE);
		}
		uint8_t name_key[64];
		uint8_t wanted[64];
		kdf(wanted, 64, folder_keys_folder_key(made.keys, g), KDF_NAMES,
		    made.file->record->folder.bytes, ID_SIZE);
		assert_true(folder_keys_name_key(made.keys, g, KDF_NAMES, name_key));
		assert_memory_equal(name_key, wanted, 64);
	}
	struct wiped_key none;
	uint8_t no_name_key[64];
	assert_false(folder_keys_subkey(made.keys, 0, KDF_XATTR, &none));
	assert_false(folder_keys_subkey(made.keys, 3, KDF_XATTR, &none));
	assert_false(folder_keys_name_key(made.keys, 3, KDF_XATTR_NAMES, no_name_key));
	assert_null(folder_keys_folder_key(made.keys, 3));
}

/* -- changes -------------------------------------------------------------------------- */

static void folder_change__lets_a_new_user_in(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	assert_fault(FAULT_LOCKED, open_as(made.file, &bob, &why));
	add(&made, &bob, ROLE_READER);
	assert_works(open_as(made.file, &bob, &why));
	assert_fault(FAULT_LOCKED, open_as(made.file, &mallory, &why));
	assert_int_equal(made.file->record->version, 2);
	assert_int_equal(made.file->record->generation_count, 1);
	assert_int_equal(made.file->certificate_count, 2);
	assert_int_equal(record_find(made.file->record, person_id(&bob))->role, ROLE_READER);
}

static void folder_change__leaves_the_present_version_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(bytes_done) struct bytes before = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes after = BYTES_EMPTY;
	assert_works(folder_file_write(made.file, &before, &why));
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_works(folder_change_add_user(made.file, made.keys, alice.identity, bob.certificate, ROLE_ADMIN,
					    &next, &why));
	assert_works(folder_file_write(made.file, &after, &why));
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data, after.data, before.size);
}

static void folder_change__closes_the_folder_to_who_is_taken_out(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_WRITER);
	add(&made, &carol, ROLE_WRITER);
	AUTO(folder_keys_free) struct folder_keys *of_bob = NULL;
	assert_works(folder_keys_open(made.file, bob.identity, &of_bob, &why));
	drop(&made, &bob);
	const struct record *record = made.file->record;
	assert_fault(FAULT_LOCKED, open_as(made.file, &bob, &why));
	assert_works(open_as(made.file, &carol, &why));
	assert_int_equal(record->generation_count, 2);
	assert_int_equal(record_newest(record)->reason, REASON_REMOVED);
	assert_int_equal(record->min_write, 2);
	assert_int_equal(record->min_read, 1);
	assert_int_equal(record->name_generation, 1);
	assert_null(box_of(made.file, &bob));
	assert_memory_equal(folder_keys_folder_key(made.keys, 1), folder_keys_folder_key(of_bob, 1),
			    KEY_SIZE);
	assert_memory_not_equal(folder_keys_folder_key(made.keys, 2), folder_keys_folder_key(of_bob, 1),
				KEY_SIZE);
	/* A former signer's certificate stays, for the log. */
	assert_int_equal(made.file->certificate_count, 3);
}

static void folder_change__takes_several_out_at_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_ADMIN);
	add(&made, &carol, ROLE_READER);
	const struct member_id members[] = {*person_id(&carol), *person_id(&alice)};
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_works(folder_change_remove(made.file, made.keys, alice.identity, members, 2, &next, &why));
	assert_int_equal(next->record->entry_count, 1);
	assert_int_equal(next->record->generation_count, 2);
	assert_works(open_as(next, &bob, &why));
	assert_fault(FAULT_LOCKED, open_as(next, &alice, &why));
}

static void folder_change__opens_every_generation_after_many(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = new_folder();
	for (unsigned i = 0; i < 20; i++)
		rekey(&made, i % 2 ? REASON_REKEY : REASON_ROTATION);
	add(&made, &bob, ROLE_READER);
	struct why why = WHY_NONE;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	assert_works(folder_keys_open(made.file, bob.identity, &keys, &why));
	assert_int_equal(folder_keys_newest(keys), 21);
	for (uint32_t g = 1; g <= 21; g++)
		assert_true(folder_key_is_committed(made.file->record, g, folder_keys_folder_key(keys, g)));
	assert_int_equal(made.file->record->min_write, 21);
}

static void folder_change__sets_a_role(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	struct folder_file *next;
	assert_fault(FAULT_EXISTS, folder_change_set_role(made.file, made.keys, alice.identity,
							  person_id(&bob), ROLE_READER, &next, &why));
	assert_fault(FAULT_MISSING, folder_change_set_role(made.file, made.keys, alice.identity,
							   person_id(&carol), ROLE_READER, &next, &why));
	assert_fault(FAULT_INVALID, folder_change_set_role(made.file, made.keys, alice.identity,
							   person_id(&bob), (enum role)4, &next, &why));
	assert_works(folder_change_set_role(made.file, made.keys, alice.identity, person_id(&bob), ROLE_ADMIN,
					    &next, &why));
	advance(&made, next);
	assert_int_equal(record_find(made.file->record, person_id(&bob))->role, ROLE_ADMIN);
	assert_works(folder_change_set_role(made.file, made.keys, bob.identity, person_id(&alice),
					    ROLE_READER, &next, &why));
	advance(&made, next);
	assert_fault(FAULT_DENIED,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REKEY, &next, &why));
}

static void folder_change__keeps_the_last_admin(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_WRITER);
	struct folder_file *next;
	assert_fault(FAULT_INVALID, folder_change_remove(made.file, made.keys, alice.identity,
							 person_id(&alice), 1, &next, &why));
	assert_non_null(strstr(why.text, "no admin left"));
	assert_fault(FAULT_INVALID, folder_change_set_role(made.file, made.keys, alice.identity,
							   person_id(&alice), ROLE_WRITER, &next, &why));
	assert_non_null(strstr(why.text, "no admin left"));
}

static void folder_change__is_for_admins_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_WRITER);
	const struct person *const others[] = {&bob, &carol, &mallory};
	for (size_t i = 0; i < COUNT(others); i++) {
		const struct identity *who = others[i]->identity;
		struct folder_file *next;
		assert_fault(FAULT_DENIED,
			     folder_change_add_user(made.file, made.keys, who, carol.certificate, ROLE_READER,
						    &next, &why));
		assert_fault(FAULT_DENIED, folder_change_set_role(made.file, made.keys, who, person_id(&bob),
								  ROLE_ADMIN, &next, &why));
		assert_fault(FAULT_DENIED, folder_change_remove(made.file, made.keys, who, person_id(&bob), 1,
								&next, &why));
		assert_fault(FAULT_DENIED,
			     folder_change_rekey(made.file, made.keys, who, REASON_REKEY, &next, &why));
		assert_fault(FAULT_DENIED, folder_change_close(made.file, made.keys, who, &next, &why));
	}
}

static void folder_change__refuses_who_is_there_already(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_WRITER);
	struct folder_file *next;
	assert_fault(FAULT_EXISTS, folder_change_add_user(made.file, made.keys, alice.identity,
							  bob.certificate, ROLE_ADMIN, &next, &why));
	assert_fault(FAULT_EXISTS, folder_change_add_user(made.file, made.keys, alice.identity,
							  mallory.certificate, ROLE_ADMIN, &next, &why));
	const struct member_id twice[] = {*person_id(&bob), *person_id(&bob)};
	assert_fault(FAULT_MISSING,
		     folder_change_remove(made.file, made.keys, alice.identity, twice, 2, &next, &why));
	assert_fault(FAULT_INVALID,
		     folder_change_remove(made.file, made.keys, alice.identity, twice, 0, &next, &why));
	assert_fault(FAULT_MISSING, folder_change_remove(made.file, made.keys, alice.identity,
							 person_id(&carol), 1, &next, &why));
	assert_fault(FAULT_INVALID, folder_change_add_user(made.file, made.keys, alice.identity,
							   carol.certificate, (enum role)0, &next, &why));
	assert_fault(FAULT_INVALID,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REMOVED, &next, &why));
}

static void folder_change__names_the_person_whose_certificate_is_missing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_WRITER);
	for (size_t i = 0; i < made.file->certificate_count; i++)
		if (strcmp(certificate_identity(made.file->certificates[i])->name, "Bob") == 0) {
			certificate_free(made.file->certificates[i]);
			made.file->certificates[i] = made.file->certificates[--made.file->certificate_count];
		}
	struct folder_file *next;
	assert_fault(FAULT_KEY_MISSING,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REKEY, &next, &why));
	assert_non_null(strstr(why.text, "Bob"));
}

static void folder_change__refuses_an_expired_certificate(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(json_decref)
	json_t *payload = json_deep_copy(signed_payload(certificate_signed(bob.certificate)));
	json_object_set_new(payload, "expires", json_integer(1000));
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(signed_make(payload, "fsenc-user+v1", bob.identity, &object, &why));
	AUTO(json_decref) json_t *json = signed_json(object);
	AUTO(certificate_free) struct certificate *expired = NULL;
	assert_works(certificate_parse(json, &expired, &why));
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_fault(FAULT_INVALID, folder_change_add_user(made.file, made.keys, alice.identity, expired,
							   ROLE_READER, &next, &why));
	clock_set_fake(0, 999000);
	assert_works(folder_change_add_user(made.file, made.keys, alice.identity, expired, ROLE_READER, &next,
					    &why));
	clock_set_real();
	/* Once he is in, dates no longer matter. */
	assert_works(open_as(next, &bob, &why));
}

static void folder_change__refuses_keys_of_another_version(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(made_done) struct made other = new_folder();
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_fault(FAULT_INVALID,
		     folder_change_rekey(made.file, other.keys, alice.identity, REASON_REKEY, &next, &why));
	AUTO(folder_keys_free) struct folder_keys *old = TAKE(made.keys);
	assert_works(folder_keys_open(made.file, alice.identity, &made.keys, &why));
	rekey(&made, REASON_REKEY);
	assert_fault(FAULT_INVALID,
		     folder_change_rekey(made.file, old, alice.identity, REASON_REKEY, &next, &why));
}

static void folder_change__ends_with_the_closing_record(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	struct folder_file *next;
	assert_works(folder_change_close(made.file, made.keys, alice.identity, &next, &why));
	advance(&made, next);
	assert_true(made.file->record->closed);
	assert_fault(FAULT_INVALID, folder_change_add_user(made.file, made.keys, alice.identity,
							   bob.certificate, ROLE_READER, &next, &why));
	assert_fault(FAULT_INVALID, folder_change_close(made.file, made.keys, alice.identity, &next, &why));
}

/* -- groups: no command makes them yet, but a record may hold one --------------------- */

/* Puts an entry into the record, signs again, and gives it an envelope. */
static void add_group(struct made *made, enum member_kind kind, const struct member_id *id)
{
	struct why why = WHY_NONE;
	struct folder_file *file = made->file;
	const struct record_entry entry = {
		.kind = kind, .role = ROLE_READER, .id = *id, .name = "Finance", .fingerprint = {{9}}};
	file->record->version++;
	file->record->previous = file->record->digest;
	assert_works(record_put_entry(file->record, &entry, &why));
	signed_free(file->object);
	file->object = NULL;
	assert_works(record_sign(file->record, alice.identity, &file->object, &why));
	file->keybox = reallocarray(file->keybox, file->keybox_count + 1, sizeof *file->keybox);
	assert_non_null(file->keybox);
	struct keybox_entry *box = &file->keybox[file->keybox_count++];
	*box = (struct keybox_entry){
		.kind = kind, .id = *id, .fingerprint = entry.fingerprint, .generation = 1};
	randombytes_buf(&box->wrap, sizeof box->wrap);
}

static void folder_change__keeps_the_envelope_of_a_group(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	const struct member_id id = last_id;
	add_group(&made, MEMBER_GROUP, &id);
	const struct wrap wrap = made.file->keybox[1].wrap;
	add(&made, &bob, ROLE_READER);
	assert_int_equal(made.file->keybox_count, 3);
	assert_memory_equal(&made.file->keybox[2].wrap, &wrap, sizeof wrap);
	struct folder_file *next;
	assert_fault(FAULT_KEY_MISSING, folder_change_remove(made.file, made.keys, alice.identity,
							     person_id(&bob), 1, &next, &why));
	assert_non_null(strstr(why.text, "Finance"));
	assert_fault(FAULT_INVALID, folder_change_set_role(made.file, made.keys, alice.identity, &id,
							   ROLE_ADMIN, &next, &why));
	assert_works(folder_change_remove(made.file, made.keys, alice.identity, &id, 1, &next, &why));
	advance(&made, next);
}

static void folder_change__keeps_a_recovery_group(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	const struct member_id id = last_id;
	add_group(&made, MEMBER_RECOVERY, &id);
	struct folder_file *next;
	assert_fault(FAULT_INVALID,
		     folder_change_remove(made.file, made.keys, alice.identity, &id, 1, &next, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folder_new__makes_a_first_version_that_its_creator_opens),
		cmocka_unit_test(folder_new__needs_the_creators_own_certificate),
		cmocka_unit_test(folder_new__refuses_forms_that_nobody_would_read),
		cmocka_unit_test(folder_keys__gives_the_derived_keys_of_the_format),
		cmocka_unit_test(folder_change__lets_a_new_user_in),
		cmocka_unit_test(folder_change__leaves_the_present_version_alone),
		cmocka_unit_test(folder_change__closes_the_folder_to_who_is_taken_out),
		cmocka_unit_test(folder_change__takes_several_out_at_once),
		cmocka_unit_test(folder_change__opens_every_generation_after_many),
		cmocka_unit_test(folder_change__sets_a_role),
		cmocka_unit_test(folder_change__keeps_the_last_admin),
		cmocka_unit_test(folder_change__is_for_admins_only),
		cmocka_unit_test(folder_change__refuses_who_is_there_already),
		cmocka_unit_test(folder_change__names_the_person_whose_certificate_is_missing),
		cmocka_unit_test(folder_change__refuses_an_expired_certificate),
		cmocka_unit_test(folder_change__refuses_keys_of_another_version),
		cmocka_unit_test(folder_change__ends_with_the_closing_record),
		cmocka_unit_test(folder_change__keeps_the_envelope_of_a_group),
		cmocka_unit_test(folder_change__keeps_a_recovery_group),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
