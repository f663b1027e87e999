/* `.fsenc` as it lies on the share: what is written is read, and nothing else is, whatever is put in its
 * place. */
#include "tests/lib/alices_folders.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
