#include <string.h>

#include "base/clock.h"
#include "keys/fields.h"
#include "keys/folder_keys.h"
#include "tests/lib/people.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct person alice; /* admin of every folder here */
static struct person bob;
static struct person carol;
static struct person mallory; /* claims the id of Bob */

/* Sorts behind everybody. */
static const struct member_id last_id = {
	{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

struct made {
	struct folder_file *file;
	struct folder_keys *keys;
};
static void made_done(struct made *made)
{
	folder_file_free(made->file);
	folder_keys_free(made->keys);
}
AUTO_VALUE(struct made, made_done);

static struct made new_folder(void)
{
	struct why why = WHY_NONE;
	struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.share = {{1}}, .parent = {{2}}, .suite = 1, .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	return made;
}

/* `made` becomes `next`, which must be accepted after it, and opened by Alice. */
static void advance(struct made *made, struct folder_file *next)
{
	struct why why = WHY_NONE;
	assert_works(record_follows(made->file->record, next->record, next->object, folder_file_find_key,
				    next, &why));
	folder_file_free(made->file);
	folder_keys_free(made->keys);
	made->file = next;
	made->keys = NULL;
	assert_works(folder_keys_open(next, alice.identity, &made->keys, &why));
}

static void add(struct made *made, const struct person *person, enum role role)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_add_user(made->file, made->keys, alice.identity, person->certificate, role,
					    &next, &why));
	advance(made, next);
}

static void drop(struct made *made, const struct person *person)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_remove(made->file, made->keys, alice.identity, person_id(person), 1, &next,
					  &why));
	advance(made, next);
}

static void rekey(struct made *made, enum generation_reason reason)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_rekey(made->file, made->keys, alice.identity, reason, &next, &why));
	advance(made, next);
}

static enum fault open_as(const struct folder_file *file, const struct person *person, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	return folder_keys_open(file, person->identity, &keys, why);
}

static void copy_of(const struct folder_file *file, struct folder_file **ret_copy)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(folder_file_write(file, &text, &why));
	assert_works(folder_file_parse(text.data, text.size, ret_copy, &why));
}

static struct keybox_entry *box_of(struct folder_file *file, const struct person *person)
{
	for (size_t i = 0; i < file->keybox_count; i++)
		if (member_id_equal(&file->keybox[i].id, person_id(person)))
			return &file->keybox[i];
	return NULL;
}

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

/* -- attacks on what lies on the share ------------------------------------------------ */

static void folder_keys_open__alarms_when_an_envelope_is_not_the_right_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	AUTO(folder_file_free) struct folder_file *old = NULL;
	copy_of(made.file, &old);
	rekey(&made, REASON_ROTATION);
	AUTO(made_done) struct made other = new_folder();
	add(&other, &bob, ROLE_READER);
	rekey(&other, REASON_ROTATION);
	struct keybox_entry *box = box_of(made.file, &bob);
	const struct keybox_entry good = *box;

	box->wrap = box_of(made.file, &alice)->wrap;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	box->wrap = box_of(old, &bob)->wrap;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	*box = *box_of(old, &bob);
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	box->generation = 2;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	*box = good;
	box->wrap = box_of(other.file, &bob)->wrap;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	*box = good;
	box->kind = MEMBER_GROUP;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	*box = good;
	box->fingerprint.bytes[0] ^= 1;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	*box = good;
	assert_works(open_as(made.file, &bob, &why));
	made.file->keybox_count = 0;
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
}

/* The storage knows Bob's public key and wraps a key of its own to him. */
static void folder_keys_open__alarms_when_the_envelope_holds_another_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	uint8_t planted[KEY_SIZE];
	randombytes_buf(planted, sizeof planted);
	const struct wrap_context context = {made.file->record->folder, 1, MEMBER_USER, *person_id(&bob)};
	assert_works(wrap_to_user(&context, planted, identity_public(bob.identity)->encrypt_public,
				  &box_of(made.file, &bob)->wrap, &why));
	assert_fault(FAULT_TAMPERED, open_as(made.file, &bob, &why));
	assert_non_null(strstr(why.text, "not the one signed for"));
}

/* An admin who signs a chain that does not hold is found out by everybody else. */
static void folder_keys_open__alarms_when_the_chain_of_generations_is_broken(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	rekey(&made, REASON_REKEY);
	rekey(&made, REASON_REKEY);
	struct record_generation *generations = made.file->record->generations;
	for (size_t at = 0; at < SEALED_KEY_SIZE; at++) {
		generations[1].previous[at] ^= 1;
		assert_fault(FAULT_TAMPERED, open_as(made.file, &alice, &why));
		generations[1].previous[at] ^= 1;
	}
	for (unsigned g = 0; g < 3; g++) {
		generations[g].commit[0] ^= 1;
		assert_fault(FAULT_TAMPERED, open_as(made.file, &alice, &why));
		generations[g].commit[0] ^= 1;
	}
	uint8_t wrong[KEY_SIZE] = {1};
	folder_key_seal_previous(folder_keys_folder_key(made.keys, 2), &made.file->record->folder, 2, wrong,
				 generations[1].previous);
	assert_fault(FAULT_TAMPERED, open_as(made.file, &alice, &why));
	folder_key_seal_previous(folder_keys_folder_key(made.keys, 2), &made.file->record->folder, 2,
				 folder_keys_folder_key(made.keys, 1), generations[1].previous);
	assert_works(open_as(made.file, &alice, &why));
}

static void folder_keys_unfold__takes_the_newest_key_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	rekey(&made, REASON_REKEY);
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	assert_fault(FAULT_TAMPERED, folder_keys_unfold(made.file->record,
							folder_keys_folder_key(made.keys, 1), &keys, &why));
	assert_null(keys);
	assert_works(
		folder_keys_unfold(made.file->record, folder_keys_folder_key(made.keys, 2), &keys, &why));
}

/* -- `.fsenc` as text ----------------------------------------------------------------- */

static void folder_file__is_written_as_it_was_read(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes again = BYTES_EMPTY;
	assert_works(folder_file_write(made.file, &text, &why));
	AUTO(folder_file_free) struct folder_file *read = NULL;
	assert_works(folder_file_parse(text.data, text.size, &read, &why));
	assert_works(folder_file_write(read, &again, &why));
	assert_int_equal(text.size, again.size);
	assert_memory_equal(text.data, again.data, text.size);
	assert_true(digest_equal(&read->record->digest, &made.file->record->digest));
}

static void folder_file__finds_keys_by_fingerprint(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = new_folder();
	const struct fingerprint own = person_fingerprint(&alice);
	const struct fingerprint theirs = person_fingerprint(&bob);
	assert_string_equal(folder_file_find_key(made.file, &own)->name, "Alice");
	assert_null(folder_file_find_key(made.file, &theirs));
}

static void folder_file__refuses_other_forms(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(folder_file_write(made.file, &text, &why));
	static const struct {
		const char *name, *json;
	} rows[] = {
		{"record", NULL},
		{"record", "[]"},
		{"record", "{}"},
		{"keybox", NULL},
		{"keybox", "{}"},
		{"keybox", "[1]"},
		{"certificates", NULL},
		{"certificates", "1"},
		{"certificates", "[{}]"},
		{"more", "1"},
		{"keybox", "[{\"kind\":\"user\"}]"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(json_decref) json_t *json = NULL;
		assert_works(fields_parse(text.data, text.size, &json, &why));
		if (rows[i].json)
			json_object_set_new(json, rows[i].name,
					    json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		else
			json_object_del(json, rows[i].name);
		AUTO(bytes_done) struct bytes changed = BYTES_EMPTY;
		assert_works(fields_append_text(json, &changed, &why));
		AUTO(folder_file_free) struct folder_file *read = NULL;
		assert_fault(FAULT_MALFORMED, folder_file_parse(changed.data, changed.size, &read, &why));
	}
}

static void folder_file__refuses_a_keybox_that_is_doubled_or_unsorted(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	struct keybox_entry *box = made.file->keybox;
	const struct keybox_entry first = box[0];
	box[0] = box[1];
	for (int doubled = 1; doubled >= 0; doubled--) {
		AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
		assert_works(folder_file_write(made.file, &text, &why));
		AUTO(folder_file_free) struct folder_file *read = NULL;
		assert_fault(FAULT_MALFORMED, folder_file_parse(text.data, text.size, &read, &why));
		box[1] = first;
	}
}

static enum fault parse_again(const struct folder_file *file, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *read = NULL;
	enum fault fault = folder_file_write(file, &text, why);

	return fault ? fault : folder_file_parse(text.data, text.size, &read, why);
}

static void folder_file__needs_the_certificate_of_every_user(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	add(&made, &bob, ROLE_READER);
	struct certificate **list = made.file->certificates;
	struct certificate *const first = list[0];
	struct certificate *const second = list[1];
	list[0] = second;
	list[1] = first;
	assert_works(parse_again(made.file, &why));
	list[1] = mallory.certificate;
	assert_fault(FAULT_MALFORMED, parse_again(made.file, &why));
	list[1] = second;
	assert_fault(FAULT_MALFORMED, parse_again(made.file, &why));
	made.file->certificate_count = 0;
	assert_fault(FAULT_MALFORMED, parse_again(made.file, &why));
	made.file->certificate_count = 2;
	list[0] = first;
}

static void folder_file__refuses_every_beginning_of_itself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(folder_file_write(made.file, &text, &why));
	for (size_t size = 0; size + 1 < text.size; size++) {
		AUTO(folder_file_free) struct folder_file *read = NULL;
		assert_fault(FAULT_MALFORMED, folder_file_parse(text.data, size, &read, &why));
	}
}

/* Everything a client does before it believes an access list. */
static enum fault accept(const struct record *before, const void *text, size_t size,
			 struct folder_file **ret_file, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = folder_file_parse(text, size, &file, why);
	if (!fault && before)
		fault = record_follows(before, file->record, file->object, folder_file_find_key, file, why);
	else if (!fault)
		fault = record_is_first(file->record, file->object, folder_file_find_key, file, why);
	if (!fault)
		fault = open_as(file, &alice, why);
	if (!fault && before)
		fault = open_as(file, &bob, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

/* A flip that is not refused must have left every value as it was (hex in capitals). */
static void assert_flips_are_refused(const struct record *before, const struct folder_file *file)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(folder_file_write(file, &text, &why));
	for (size_t at = 0; at + 1 < text.size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			AUTO(folder_file_free) struct folder_file *read = NULL;
			AUTO(bytes_done) struct bytes again = BYTES_EMPTY;
			text.data[at] = (uint8_t)(text.data[at] ^ 1 << bit);
			enum fault fault = accept(before, text.data, text.size, &read, &why);
			text.data[at] = (uint8_t)(text.data[at] ^ 1 << bit);
			if (fault)
				continue;
			assert_works(folder_file_write(read, &again, &why));
			if (again.size != text.size || memcmp(again.data, text.data, text.size) != 0)
				fail_msg("bit %u of byte %zu is accepted with another meaning", bit, at);
		}
}

static void folder_file__never_means_something_else_after_a_flipped_bit(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = new_folder();
	assert_flips_are_refused(NULL, made.file);
}

static void folder_file__of_two_users_never_means_something_else_after_a_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = new_folder();
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_works(folder_change_add_user(made.file, made.keys, alice.identity, bob.certificate,
					    ROLE_READER, &next, &why));
	assert_flips_are_refused(made.file->record, next);
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	carol = person_new("Carol");
	mallory = person_new_with_id_of(&bob);
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	person_done(&carol);
	person_done(&mallory);
	return 0;
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
		cmocka_unit_test(folder_keys_open__alarms_when_an_envelope_is_not_the_right_one),
		cmocka_unit_test(folder_keys_open__alarms_when_the_envelope_holds_another_key),
		cmocka_unit_test(folder_keys_open__alarms_when_the_chain_of_generations_is_broken),
		cmocka_unit_test(folder_keys_unfold__takes_the_newest_key_only),
		cmocka_unit_test(folder_file__is_written_as_it_was_read),
		cmocka_unit_test(folder_file__finds_keys_by_fingerprint),
		cmocka_unit_test(folder_file__refuses_other_forms),
		cmocka_unit_test(folder_file__refuses_a_keybox_that_is_doubled_or_unsorted),
		cmocka_unit_test(folder_file__needs_the_certificate_of_every_user),
		cmocka_unit_test(folder_file__refuses_every_beginning_of_itself),
		cmocka_unit_test(folder_file__never_means_something_else_after_a_flipped_bit),
		cmocka_unit_test(folder_file__of_two_users_never_means_something_else_after_a_flipped_bit),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
