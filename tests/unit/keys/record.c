#include <string.h>

#include "keys/fields.h"
#include "keys/record.h"
#include "tests/lib/people.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct person alice;   /* admin */
static struct person bob;     /* writer */
static struct person carol;   /* admin */
static struct person dave;    /* not on the list */
static struct person mallory; /* not on the list; has made keys for Alice's id */
static const struct member_id group_id = {{0x80}};
static const struct member_id recovery_id = {{0xff, 1}};

/* -- records to start from ------------------------------------------------------------ */

static void put(struct record *record, enum member_kind kind, enum role role, const struct member_id *id,
		const char *name, struct fingerprint fingerprint)
{
	struct why why = WHY_NONE;
	struct record_entry entry = {.kind = kind, .role = role, .id = *id, .fingerprint = fingerprint};
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	assert_works(record_put_entry(record, &entry, &why));
}

static void put_person(struct record *record, const struct person *person, enum role role)
{
	put(record, MEMBER_USER, role, person_id(person), identity_public(person->identity)->name,
	    person_fingerprint(person));
}

static void add_generation(struct record *record, enum generation_reason reason)
{
	size_t count = record->generation_count + 1;
	record->generations = reallocarray(record->generations, count, sizeof *record->generations);
	assert_non_null(record->generations);
	struct record_generation *fresh = &record->generations[count - 1];
	*fresh = (struct record_generation){.number = (uint32_t)count, .reason = reason};
	randombytes_buf(fresh->commit, sizeof fresh->commit);
	fresh->has_previous = count > 1;
	if (fresh->has_previous)
		randombytes_buf(fresh->previous, sizeof fresh->previous);
	record->generation_count = count;
}

/* Version 1: Alice is admin. */
static struct record *first(void)
{
	struct why why = WHY_NONE;
	struct record *record = NULL;
	assert_works(record_new(&record, &why));
	record->organisation = (struct organisation_id){{1}};
	record->share = (struct share_id){{2}};
	record->folder = (struct folder_id){{3}};
	record->parent = (struct folder_id){{4}};
	record->version = 1;
	record->created = 1700000000;
	record->suite = 1;
	record->block = 4096;
	record->name_generation = record->min_write = record->min_read = 1;
	add_generation(record, REASON_CREATED);
	put_person(record, &alice, ROLE_ADMIN);
	return record;
}

/* A later version with one of everything, signed by Alice. */
static struct record *later(void)
{
	struct why why = WHY_NONE;
	struct record *record = first();
	record->version = 7;
	randombytes_buf(record->previous.bytes, DIGEST_SIZE);
	add_generation(record, REASON_ROTATION);
	add_generation(record, REASON_REMOVED);
	record->name_generation = 2;
	record->min_read = 2;
	record->min_write = 3;
	put_person(record, &bob, ROLE_WRITER);
	put_person(record, &carol, ROLE_ADMIN);
	put(record, MEMBER_GROUP, ROLE_READER, &group_id, "Finance", (struct fingerprint){{5}});
	put(record, MEMBER_RECOVERY, ROLE_READER, &recovery_id, "Officers", (struct fingerprint){{6}});
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(record, alice.identity, &object, &why));
	return record;
}

static struct record *next_of(const struct record *before)
{
	struct why why = WHY_NONE;
	struct record *next = NULL;
	assert_works(record_copy(before, &next, &why));
	next->version++;
	next->previous = before->digest;
	return next;
}

static const struct public_identity *find_key(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	const struct person *const people[] = {&alice, &bob, &carol, &dave, &mallory};
	for (size_t i = 0; i < COUNT(people); i++) {
		const struct fingerprint found = person_fingerprint(people[i]);
		if (fingerprint_equal(&found, fingerprint))
			return identity_public(people[i]->identity);
	}
	return NULL;
}

static const struct public_identity *find_nobody(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	(void)fingerprint;
	return NULL;
}

static const struct public_identity *find_mallory(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	(void)fingerprint;
	return identity_public(mallory.identity);
}

/* Signs `next`, reads it as another client would, and asks whether it follows. */
static enum fault sign_and_follow(const struct record *before, struct record *next,
				  const struct person *signer, record_find_key find, struct why *ret_why)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(record_free) struct record *read = NULL;
	assert_works(record_sign(next, signer->identity, &object, &why));
	assert_works(record_read(object, &read, &why));
	return record_follows(before, read, object, find, NULL, ret_why);
}

/* -- form ----------------------------------------------------------------------------- */

#define assert_same(one, other, member)                                                                      \
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
			bool optional =
				!lists[i] && (!strcmp(name, "organisation") || !strcmp(name, "parent"));
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

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	carol = person_new("Carol");
	dave = person_new("Dave");
	mallory = person_new_with_id_of(&alice);
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	person_done(&carol);
	person_done(&dave);
	person_done(&mallory);
	return 0;
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
