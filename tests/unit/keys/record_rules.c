/* Which record may follow which. */
#include "tests/lib/alices_records.h"

/* -- the first version ---------------------------------------------------------------- */

static enum fault sign_and_begin(struct record *record, const struct person *signer, record_find_key find,
				 struct why *ret_why)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(record, signer->identity, &object, &why));
	return record_is_first(record, object, find, NULL, ret_why);
}

static void record_is_first__takes_a_record_that_its_admin_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *record = first();
	put_person(record, &bob, ROLE_WRITER);
	assert_works(sign_and_begin(record, &alice, find_key, &why));
	assert_fault(FAULT_TAMPERED, sign_and_begin(record, &bob, find_key, &why));
	assert_fault(FAULT_TAMPERED, sign_and_begin(record, &mallory, find_key, &why));
	assert_fault(FAULT_TAMPERED, sign_and_begin(record, &carol, find_key, &why));
	assert_fault(FAULT_TAMPERED, sign_and_begin(record, &alice, find_nobody, &why));
	assert_fault(FAULT_TAMPERED, sign_and_begin(record, &alice, find_mallory, &why));
}

static void record_is_first__refuses_any_other_version(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *seventh = later();
	assert_fault(FAULT_TAMPERED, sign_and_begin(seventh, &alice, find_key, &why));
	AUTO(record_free) struct record *closed = first();
	closed->closed = true;
	assert_fault(FAULT_TAMPERED, sign_and_begin(closed, &alice, find_key, &why));
	AUTO(record_free) struct record *old_keys = first();
	add_generation(old_keys, REASON_REKEY);
	assert_fault(FAULT_TAMPERED, sign_and_begin(old_keys, &alice, find_key, &why));
}

/* -- changes that are allowed --------------------------------------------------------- */

static void change_nothing(struct record *next)
{
	(void)next;
}
static void change_suite(struct record *next)
{
	next->suite = 2;
}
static void change_date(struct record *next)
{
	next->created = 1;
}
static void add_user(struct record *next)
{
	put_person(next, &dave, ROLE_WRITER);
}
static void change_role(struct record *next)
{
	put_person(next, &bob, ROLE_ADMIN);
}
static void close_folder(struct record *next)
{
	next->closed = true;
}
static void new_key(struct record *next)
{
	add_generation(next, REASON_ROTATION);
	next->min_write = 4;
}
static void drop_user(struct record *next)
{
	(void)!record_drop_entry(next, person_id(&bob), NULL);
	new_key(next);
}
static void drop_group(struct record *next)
{
	(void)!record_drop_entry(next, &group_id, NULL);
	new_key(next);
}
static void drop_signer(struct record *next)
{
	(void)!record_drop_entry(next, person_id(&alice), NULL);
	new_key(next);
}
static void raise_min_read(struct record *next)
{
	next->min_read = 3;
}
static void move_names(struct record *next)
{
	next->names_from = 2;
	next->name_generation = 3;
}

static void record_follows__takes_what_an_admin_may_change(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	void (*const changes[])(struct record * next) = {
		change_nothing, change_suite, change_date, add_user,	change_role,	close_folder,
		new_key,	drop_user,    drop_group,  drop_signer, raise_min_read, move_names,
	};
	AUTO(record_free) struct record *before = later();
	for (size_t i = 0; i < COUNT(changes); i++) {
		AUTO(record_free) struct record *next = next_of(before);
		changes[i](next);
		assert_works(sign_and_follow(before, next, &alice, find_key, &why));
		if (record_find(next, person_id(&carol)))
			assert_works(sign_and_follow(before, next, &carol, find_key, &why));
	}
}

static void record_follows__lets_a_move_of_names_end(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *moving = next_of(before);
	move_names(moving);
	assert_works(sign_and_follow(before, moving, &alice, find_key, &why));
	AUTO(record_free) struct record *moved = next_of(moving);
	moved->names_from = 0;
	assert_works(sign_and_follow(moving, moved, &carol, find_key, &why));
	AUTO(record_free) struct record *another = next_of(moving);
	another->names_from = 1;
	assert_fault(FAULT_TAMPERED, sign_and_follow(moving, another, &alice, find_key, &why));
	AUTO(record_free) struct record *too_soon = next_of(moving);
	new_key(too_soon);
	too_soon->name_generation = 4;
	too_soon->names_from = 3;
	assert_fault(FAULT_TAMPERED, sign_and_follow(moving, too_soon, &alice, find_key, &why));
}

/* -- changes that are refused --------------------------------------------------------- */

static void skip_a_version(struct record *next)
{
	next->version++;
}
static void repeat_the_version(struct record *next)
{
	next->version--;
}
static void go_back(struct record *next)
{
	next->version = 2;
}
static void name_another_predecessor(struct record *next)
{
	next->previous.bytes[31] ^= 1;
}
static void change_organisation(struct record *next)
{
	next->organisation.bytes[15] ^= 1;
}
static void leave_the_organisation(struct record *next)
{
	memset(&next->organisation, 0, sizeof next->organisation);
}
static void change_share(struct record *next)
{
	next->share.bytes[15] ^= 1;
}
static void change_folder(struct record *next)
{
	next->folder.bytes[15] ^= 1;
}
static void change_parent(struct record *next)
{
	next->parent.bytes[15] ^= 1;
}
static void change_block(struct record *next)
{
	next->block = 8192;
}
static void change_names(struct record *next)
{
	next->names_clear = true;
}
static void change_commit(struct record *next)
{
	next->generations[1].commit[0] ^= 1;
}
static void change_seal(struct record *next)
{
	next->generations[2].previous[SEALED_KEY_SIZE - 1] ^= 1;
}
static void change_reason(struct record *next)
{
	next->generations[1].reason = REASON_REKEY;
}
static void drop_generation(struct record *next)
{
	next->generation_count = 2;
	next->min_write = 2;
}
static void add_two_generations(struct record *next)
{
	new_key(next);
	add_generation(next, REASON_ROTATION);
}
static void lower_min_write(struct record *next)
{
	next->min_write = 2;
}
static void lower_min_read(struct record *next)
{
	next->min_read = 1;
}
static void lower_names(struct record *next)
{
	next->name_generation = 1;
}
static void raise_names_alone(struct record *next)
{
	next->name_generation = 3;
}
static void raise_names_from_elsewhere(struct record *next)
{
	next->name_generation = 3;
	next->names_from = 1;
}
static void invent_names_from(struct record *next)
{
	next->names_from = 1;
}
static void drop_recovery(struct record *next)
{
	(void)!record_drop_entry(next, &recovery_id, NULL);
	new_key(next);
}
static void replace_recovery(struct record *next)
{
	put(next, MEMBER_RECOVERY, ROLE_READER, &recovery_id, "Officers", (struct fingerprint){{7}});
	new_key(next);
}
static void weaken_recovery(struct record *next)
{
	put(next, MEMBER_GROUP, ROLE_READER, &recovery_id, "Officers", (struct fingerprint){{6}});
	new_key(next);
}
static void drop_user_and_keep_the_key(struct record *next)
{
	(void)!record_drop_entry(next, person_id(&bob), NULL);
}
static void drop_group_and_keep_the_key(struct record *next)
{
	(void)!record_drop_entry(next, &group_id, NULL);
}
static void drop_user_and_write_with_the_old_key(struct record *next)
{
	drop_user(next);
	next->min_write = 3;
}
static void change_a_users_key_and_keep_the_folders(struct record *next)
{
	put(next, MEMBER_USER, ROLE_WRITER, person_id(&bob), "Bob", (struct fingerprint){{8}});
}
static void turn_a_user_into_a_group(struct record *next)
{
	put(next, MEMBER_GROUP, ROLE_WRITER, person_id(&bob), "Bob", person_fingerprint(&bob));
}

static void record_follows__refuses_everything_else(void **state)
{
	(void)state;
	static const struct {
		void (*change)(struct record *next);
		const char *words;
	} rows[] = {
		{skip_a_version, "version"},
		{repeat_the_version, "version"},
		{go_back, "version"},
		{name_another_predecessor, "predecessor"},
		{change_organisation, "organisation"},
		{leave_the_organisation, "organisation"},
		{change_share, "share"},
		{change_folder, "folder"},
		{change_parent, "parent"},
		{change_block, "block size"},
		{change_names, "names are stored"},
		{change_commit, "changes or drops a generation"},
		{change_seal, "changes or drops a generation"},
		{change_reason, "changes or drops a generation"},
		{drop_generation, "changes or drops a generation"},
		{add_two_generations, "more than one generation"},
		{lower_min_write, "lowers"},
		{lower_min_read, "lowers"},
		{lower_names, "out of order"},
		{raise_names_alone, "out of order"},
		{raise_names_from_elsewhere, "out of order"},
		{invent_names_from, "out of order"},
		{drop_recovery, "recovery"},
		{replace_recovery, "recovery"},
		{weaken_recovery, "recovery"},
		{drop_user_and_keep_the_key, "without a new generation"},
		{drop_group_and_keep_the_key, "without a new generation"},
		{drop_user_and_write_with_the_old_key, "without a new generation"},
		{change_a_users_key_and_keep_the_folders, "without a new generation"},
		{turn_a_user_into_a_group, "without a new generation"},
	};
	AUTO(record_free) struct record *before = later();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct why why = WHY_NONE;
		AUTO(record_free) struct record *next = next_of(before);
		rows[i].change(next);
		assert_fault(FAULT_TAMPERED, sign_and_follow(before, next, &alice, find_key, &why));
		if (!strstr(why.text, rows[i].words))
			fail_msg("row %zu is refused for another reason: %s", i, why.text);
	}
}

static void record_follows__refuses_signers_who_were_no_admin(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *next = next_of(before);
	put_person(next, &bob, ROLE_ADMIN);
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, next, &bob, find_key, &why));
	AUTO(record_free) struct record *stranger = next_of(before);
	put_person(stranger, &dave, ROLE_ADMIN);
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, stranger, &dave, find_key, &why));
}

static void record_follows__refuses_another_key_of_an_admins_id(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *next = next_of(before);
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, next, &mallory, find_key, &why));
	assert_non_null(strstr(why.text, "another key"));
	/* Nor may the record bring that key along. */
	AUTO(record_free) struct record *replaced = next_of(before);
	put_person(replaced, &mallory, ROLE_ADMIN);
	new_key(replaced);
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, replaced, &mallory, find_key, &why));
	assert_works(sign_and_follow(before, replaced, &alice, find_key, &why));
}

static void record_follows__does_not_trust_who_finds_the_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *next = next_of(before);
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, next, &alice, find_nobody, &why));
	assert_fault(FAULT_TAMPERED, sign_and_follow(before, next, &alice, find_mallory, &why));
}

/* A record with Alice's fingerprint in the header and a signature of Mallory's. */
static void record_follows__refuses_a_forged_signature(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *next = next_of(before);
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(next, alice.identity, &object, &why));
	AUTO(json_decref) json_t *json = signed_json(object);
	char *input = NULL;
	assert_true(asprintf(&input, "%s.%s", json_string_value(json_object_get(json, "protected")),
			     json_string_value(json_object_get(json, "payload"))) > 0);
	uint8_t signature[SIGNATURE_SIZE];
	identity_sign(mallory.identity, input, strlen(input), signature);
	free(input);
	char text[BASE64_LENGTH(SIGNATURE_SIZE) + 1];
	text_base64(text, signature, sizeof signature);
	json_object_set_new(json, "signature", json_string(text));
	AUTO(signed_free) struct signed_object *forged = NULL;
	AUTO(record_free) struct record *read = NULL;
	assert_works(signed_parse(json, RECORD_TYPE, &forged, &why));
	assert_works(record_read(forged, &read, &why));
	assert_fault(FAULT_TAMPERED, record_follows(before, read, forged, find_key, NULL, &why));
	assert_non_null(strstr(why.text, "signature"));
	/* Even with a finder who says that Mallory's is the key behind Alice's fingerprint. */
	assert_fault(FAULT_TAMPERED, record_follows(before, read, forged, find_mallory, NULL, &why));
	assert_non_null(strstr(why.text, "holds another key"));
}

static void record_follows__refuses_a_record_that_is_not_the_signed_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *next = next_of(before);
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(next, alice.identity, &object, &why));
	AUTO(record_free) struct record *other = next_of(before);
	put_person(other, &mallory, ROLE_ADMIN);
	assert_fault(FAULT_TAMPERED, record_follows(before, other, object, find_key, NULL, &why));
	assert_fault(FAULT_TAMPERED, record_is_first(other, object, find_key, NULL, &why));
}

static void record_follows__refuses_everything_after_the_end(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *before = later();
	AUTO(record_free) struct record *end = next_of(before);
	end->closed = true;
	assert_works(sign_and_follow(before, end, &alice, find_key, &why));
	AUTO(record_free) struct record *after = next_of(end);
	assert_fault(FAULT_TAMPERED, sign_and_follow(end, after, &alice, find_key, &why));
	after->closed = false;
	assert_fault(FAULT_TAMPERED, sign_and_follow(end, after, &alice, find_key, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_is_first__takes_a_record_that_its_admin_signed),
		cmocka_unit_test(record_is_first__refuses_any_other_version),
		cmocka_unit_test(record_follows__takes_what_an_admin_may_change),
		cmocka_unit_test(record_follows__lets_a_move_of_names_end),
		cmocka_unit_test(record_follows__refuses_everything_else),
		cmocka_unit_test(record_follows__refuses_signers_who_were_no_admin),
		cmocka_unit_test(record_follows__refuses_another_key_of_an_admins_id),
		cmocka_unit_test(record_follows__does_not_trust_who_finds_the_key),
		cmocka_unit_test(record_follows__refuses_a_forged_signature),
		cmocka_unit_test(record_follows__refuses_a_record_that_is_not_the_signed_one),
		cmocka_unit_test(record_follows__refuses_everything_after_the_end),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
