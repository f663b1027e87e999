/* The form of a record: what is signed is read, and nothing else. */
#include "tests/lib/alices_records.h"

/* -- form ----------------------------------------------------------------------------- */

#define assert_same(one, other, member) \
	assert_memory_equal(&(one)->member, &(other)->member, sizeof(one)->member)

static void assert_same_head(const struct record *one, const struct record *other)
{
	assert_same(one, other, organisation);
	assert_same(one, other, share);
	assert_same(one, other, folder);
	assert_same(one, other, parent);
	assert_same(one, other, version);
	assert_same(one, other, previous);
	assert_same(one, other, created);
	assert_same(one, other, suite);
	assert_same(one, other, block);
	assert_same(one, other, names_clear);
	assert_same(one, other, name_generation);
	assert_same(one, other, names_from);
	assert_same(one, other, min_write);
	assert_same(one, other, min_read);
	assert_same(one, other, closed);
	assert_same(one, other, signer);
	assert_same(one, other, signer_fingerprint);
	assert_same(one, other, digest);
}

static void assert_same_generation(const struct record_generation *one, const struct record_generation *other)
{
	assert_same(one, other, number);
	assert_same(one, other, commit);
	assert_same(one, other, has_previous);
	assert_same(one, other, previous);
	assert_same(one, other, reason);
}

static void assert_same_entry(const struct record_entry *one, const struct record_entry *other)
{
	assert_same(one, other, kind);
	assert_same(one, other, role);
	assert_same(one, other, id);
	assert_same(one, other, name);
	assert_same(one, other, fingerprint);
}

static void record__reads_what_it_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *record = later();
	record->names_from = 1;
	record->closed = true;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(record, alice.identity, &object, &why));
	AUTO(record_free) struct record *read = NULL;
	assert_works(record_read(object, &read, &why));
	assert_same_head(read, record);
	assert_int_equal(read->generation_count, record->generation_count);
	for (size_t i = 0; i < record->generation_count; i++)
		assert_same_generation(&read->generations[i], &record->generations[i]);
	assert_int_equal(read->entry_count, record->entry_count);
	for (size_t i = 0; i < record->entry_count; i++)
		assert_same_entry(&read->entries[i], &record->entries[i]);
}

static void record__finds_puts_and_drops_members_in_order(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *record = first();
	for (unsigned i = 0; i < 100; i++) {
		const struct member_id id = {{(uint8_t)(i * 37), (uint8_t)i, 1}};
		put(record, MEMBER_USER, ROLE_READER, &id, "somebody", (struct fingerprint){{1}});
	}
	assert_int_equal(record->entry_count, 101);
	for (size_t i = 1; i < record->entry_count; i++)
		assert_true(memcmp(&record->entries[i - 1].id, &record->entries[i].id, ID_SIZE) < 0);
	const struct member_id id = {{37, 1, 1}};
	assert_non_null(record_find(record, &id));
	put(record, MEMBER_USER, ROLE_WRITER, &id, "somebody", (struct fingerprint){{1}});
	assert_int_equal(record->entry_count, 101);
	assert_int_equal(record_find(record, &id)->role, ROLE_WRITER);
	assert_works(record_drop_entry(record, &id, &why));
	assert_null(record_find(record, &id));
	assert_fault(FAULT_MISSING, record_drop_entry(record, &id, &why));
	assert_int_equal(record->entry_count, 100);
}

static void record__has_words_for_roles_and_kinds(void **state)
{
	(void)state;
	enum role role = 0;
	assert_true(role_from_text("writer", &role));
	assert_int_equal(role, ROLE_WRITER);
	assert_false(role_from_text("owner", &role));
	assert_false(role_from_text("", &role));
	assert_string_equal(role_text(ROLE_ADMIN), "admin");
	assert_string_equal(role_text((enum role)0), "?");
	assert_string_equal(role_text((enum role)9), "?");
	assert_string_equal(member_kind_text(MEMBER_RECOVERY), "recovery");
}

static json_t *payload_of(const struct record *record)
{
	struct why why = WHY_NONE;
	AUTO(record_free) struct record *copy = NULL;
	assert_works(record_copy(record, &copy, &why));
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(copy, alice.identity, &object, &why));
	return json_deep_copy(signed_payload(object));
}

static enum fault read_payload(const json_t *payload, struct why *ret_why)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(signed_make(payload, RECORD_TYPE, alice.identity, &object, &why));
	AUTO(record_free) struct record *record = NULL;
	enum fault fault = record_read(object, &record, ret_why);
	assert_true((fault == FAULT_NONE) == (record != NULL));
	return fault;
}

/* The payload itself, or "generations" or "entries" with an index. */
static json_t *part_of(json_t *payload, const char *list, size_t index)
{
	return list ? json_array_get(json_object_get(payload, list), index) : payload;
}

static void record__refuses_values_outside_their_range(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		const char *list;
		size_t index;
		const char *name;
		const char *json;
	} rows[] = {
		{NULL, 0, "version", "0"},
		{NULL, 0, "version", "-7"},
		{NULL, 0, "version", "7.0"},
		{NULL, 0, "version", "\"7\""},
		{NULL, 0, "version", "9007199254740992"},
		{NULL, 0, "version", "1"},
		{NULL, 0, "suite", "0"},
		{NULL, 0, "suite", "3"},
		{NULL, 0, "block", "2048"},
		{NULL, 0, "block", "4097"},
		{NULL, 0, "block", "12288"},
		{NULL, 0, "block", "131072"},
		{NULL, 0, "names", "\"plain\""},
		{NULL, 0, "names", "1"},
		{NULL, 0, "name_generation", "0"},
		{NULL, 0, "name_generation", "4"},
		{NULL, 0, "names_from", "0"},
		{NULL, 0, "names_from", "2"},
		{NULL, 0, "min_write", "4"},
		{NULL, 0, "min_write", "1"},
		{NULL, 0, "min_write", "4294967299"},
		{NULL, 0, "min_read", "0"},
		{NULL, 0, "closed", "0"},
		{NULL, 0, "closed", "null"},
		{NULL, 0, "created", "-1"},
		{NULL, 0, "share", "\"02\""},
		{NULL, 0, "share", "\"00000000000000000000000000000000\""},
		{NULL, 0, "prev", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""},
		{NULL, 0, "generations", "[]"},
		{NULL, 0, "generations", "{}"},
		{NULL, 0, "entries", "[]"},
		{NULL, 0, "entries", "[1]"},
		{"generations", 0, "gen", "2"},
		{"generations", 1, "gen", "3"},
		{"generations", 1, "gen", "1"},
		{"generations", 0, "reason", "\"rekey\""},
		{"generations", 1, "reason", "\"created\""},
		{"generations", 1, "reason", "\"bored\""},
		{"generations", 1, "prev", "\"AAAA\""},
		{"generations", 1, "commit", "\"AAAA\""},
		{"entries", 0, "kind", "\"server\""},
		{"entries", 0, "role", "\"owner\""},
		{"entries", 0, "role", "3"},
		{"entries", 0, "id", "\"ffffffffffffffffffffffffffffffff\""},
		{"entries", 0, "name", "\"\""},
		{"entries", 0, "name", "\"a\\tb\""},
		{"entries", 0, "fpr", "\"\""},
	};
	AUTO(record_free) struct record *record = later();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(json_decref) json_t *payload = payload_of(record);
		json_t *part = part_of(payload, rows[i].list, rows[i].index);
		json_object_set_new(part, rows[i].name, json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		if (read_payload(payload, &why) != FAULT_MALFORMED)
			fail_msg("%s %s is accepted", rows[i].name, rows[i].json);
	}
}

static void record__needs_every_member_and_knows_no_other(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const lists[] = {NULL, "generations", "entries"};
	AUTO(record_free) struct record *record = later();
	AUTO(json_decref) json_t *whole = payload_of(record);
	assert_works(read_payload(whole, &why));
	for (size_t i = 0; i < COUNT(lists); i++) {
		const char *name;
		json_t *value;
		json_object_foreach(part_of(whole, lists[i], 1), name, value)
		{
			AUTO(json_decref) json_t *payload = json_deep_copy(whole);
			json_object_del(part_of(payload, lists[i], 1), name);
			bool optional = !lists[i] &&
					(!strcmp(name, "organisation") || !strcmp(name, "parent"));
			assert_fault(optional ? FAULT_NONE : FAULT_MALFORMED, read_payload(payload, &why));
		}
		AUTO(json_decref) json_t *payload = json_deep_copy(whole);
		json_object_set_new(part_of(payload, lists[i], 1), "more", json_null());
		assert_fault(FAULT_MALFORMED, read_payload(payload, &why));
	}
}

static void record__refuses_lists_out_of_order(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const lists[] = {"generations", "entries"};
	AUTO(record_free) struct record *record = later();
	for (size_t i = 0; i < COUNT(lists); i++) {
		AUTO(json_decref) json_t *swapped = payload_of(record);
		json_t *list = json_object_get(swapped, lists[i]);
		AUTO(json_decref) json_t *one = json_incref(json_array_get(list, 0));
		json_array_remove(list, 0);
		json_array_insert(list, 1, one);
		assert_fault(FAULT_MALFORMED, read_payload(swapped, &why));
		AUTO(json_decref) json_t *doubled = payload_of(record);
		list = json_object_get(doubled, lists[i]);
		json_array_insert(list, 0, json_array_get(list, 0));
		assert_fault(FAULT_MALFORMED, read_payload(doubled, &why));
	}
}

static void record__needs_an_admin_who_is_a_user(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(record_free) struct record *record = later();
	put(record, MEMBER_GROUP, ROLE_ADMIN, &group_id, "Finance", (struct fingerprint){{5}});
	assert_fault(FAULT_MALFORMED, record_sign(record, alice.identity, &object, &why));
	put(record, MEMBER_GROUP, ROLE_WRITER, &group_id, "Finance", (struct fingerprint){{5}});
	put_person(record, &alice, ROLE_WRITER);
	put_person(record, &carol, ROLE_WRITER);
	assert_fault(FAULT_MALFORMED, record_sign(record, alice.identity, &object, &why));
	put_person(record, &carol, ROLE_ADMIN);
	assert_works(record_sign(record, alice.identity, &object, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record__reads_what_it_signed),
		cmocka_unit_test(record__finds_puts_and_drops_members_in_order),
		cmocka_unit_test(record__has_words_for_roles_and_kinds),
		cmocka_unit_test(record__refuses_values_outside_their_range),
		cmocka_unit_test(record__needs_every_member_and_knows_no_other),
		cmocka_unit_test(record__refuses_lists_out_of_order),
		cmocka_unit_test(record__needs_an_admin_who_is_a_user),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
