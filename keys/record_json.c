/* The record as JSON, and what every record must satisfy whoever signed it. */
#include "base/array.h"
#include "keys/fields.h"
#include "keys/record.h"

_Static_assert(sizeof(enum role) == 4 && sizeof(enum member_kind) == 4 && sizeof(enum generation_reason) == 4,
	       "FIELD_CHOICE stores 1, 4 or 8 bytes");

static const char *const role_words[] = {
	[ROLE_READER] = "reader",
	[ROLE_WRITER] = "writer",
	[ROLE_ADMIN] = "admin",
	[ROLE_ADMIN + 1] = NULL,
};
const char *const member_kind_words[] = {
	[MEMBER_USER] = "user",
	[MEMBER_GROUP] = "group",
	[MEMBER_RECOVERY] = "recovery",
	[MEMBER_RECOVERY + 1] = NULL,
};
static const char *const reason_words[] = {
	[REASON_CREATED] = "created",	[REASON_REMOVED] = "removed", [REASON_REKEY] = "rekey",
	[REASON_ROTATION] = "rotation", [REASON_ROTATION + 1] = NULL,
};
static const char *const names_words[] = {"siv32", "clear", NULL};

static const struct field record_fields[] = {
	{"organisation", FIELD_HEX, FIELD_AT(struct record, organisation), .optional = true},
	{"share", FIELD_HEX, FIELD_AT(struct record, share)},
	{"folder", FIELD_HEX, FIELD_AT(struct record, folder)},
	{"parent", FIELD_HEX, FIELD_AT(struct record, parent), .optional = true},
	{"version", FIELD_INTEGER, FIELD_AT(struct record, version), .least = 1, .most = FIELDS_INTEGER_MAX},
	{"prev", FIELD_BASE64, FIELD_AT(struct record, previous), .optional = true},
	{"created", FIELD_INTEGER, FIELD_AT(struct record, created), .most = FIELDS_INTEGER_MAX},
	{"suite", FIELD_INTEGER, FIELD_AT(struct record, suite), .least = 1, .most = 2},
	{"block", FIELD_INTEGER, FIELD_AT(struct record, block), .least = 4096, .most = 65536},
	{"names", FIELD_CHOICE, FIELD_AT(struct record, names_clear), .words = names_words},
	{"name_generation", FIELD_INTEGER, FIELD_AT(struct record, name_generation), .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"names_from", FIELD_INTEGER, FIELD_AT(struct record, names_from), .optional = true, .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"min_write", FIELD_INTEGER, FIELD_AT(struct record, min_write), .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"min_read", FIELD_INTEGER, FIELD_AT(struct record, min_read), .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"generations", FIELD_LIST, .most = RECORD_GENERATIONS_MAX},
	{"entries", FIELD_LIST, .most = RECORD_MEMBERS_MAX},
	{"closed", FIELD_BOOLEAN, FIELD_AT(struct record, closed)},
	{"signer", FIELD_HEX, FIELD_AT(struct record, signer)},
};

static const struct field generation_fields[] = {
	{"gen", FIELD_INTEGER, FIELD_AT(struct record_generation, number), .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"commit", FIELD_BASE64, FIELD_AT(struct record_generation, commit)},
	{"prev", FIELD_BASE64, FIELD_AT(struct record_generation, previous), .optional = true},
	{"reason", FIELD_CHOICE, FIELD_AT(struct record_generation, reason), .words = reason_words},
};

static const struct field entry_fields[] = {
	{"kind", FIELD_CHOICE, FIELD_AT(struct record_entry, kind), .words = member_kind_words},
	{"role", FIELD_CHOICE, FIELD_AT(struct record_entry, role), .words = role_words},
	{"id", FIELD_HEX, FIELD_AT(struct record_entry, id)},
	{"name", FIELD_NAME, FIELD_AT(struct record_entry, name)},
	{"fpr", FIELD_BASE64, FIELD_AT(struct record_entry, fingerprint)},
};

const char *role_text(enum role role)
{
	return fields_word(role_words, role);
}

bool role_from_text(const char *text, enum role *ret_role)
{
	uint64_t value;

	if (!fields_word_value(role_words, text, &value))
		return false;
	*ret_role = (enum role)value;
	return true;
}

const char *member_kind_text(enum member_kind kind)
{
	return fields_word(member_kind_words, kind);
}

/* -- what every record satisfies ------------------------------------------------------ */

static bool block_is_a_power_of_two(const struct record *record)
{
	return (record->block & (record->block - 1)) == 0;
}

static bool only_the_first_has_no_predecessor(const struct record *record)
{
	return (record->version == 1) == digest_is_none(&record->previous);
}

static bool generations_run_from_1(const struct record *record)
{
	for (size_t i = 0; i < record->generation_count; i++)
		if (record->generations[i].number != i + 1)
			return false;
	return record->generation_count > 0;
}

static bool generations_are_chained(const struct record *record)
{
	for (size_t i = 0; i < record->generation_count; i++) {
		const struct record_generation *generation = &record->generations[i];
		if (generation->has_previous != (i > 0) || (generation->reason == REASON_CREATED) != (i == 0))
			return false;
	}
	return true;
}

static bool marks_are_in_order(const struct record *record)
{
	return record->min_read <= record->min_write && record->min_write <= record->generation_count;
}

static bool name_marks_are_in_order(const struct record *record)
{
	return record->name_generation <= record->generation_count &&
	       record->names_from < record->name_generation;
}

static bool entries_are_sorted(const struct record *record)
{
	for (size_t i = 1; i < record->entry_count; i++)
		if (memcmp(record->entries[i - 1].id.bytes, record->entries[i].id.bytes, ID_SIZE) >= 0)
			return false;
	return true;
}

static bool admins_are_users(const struct record *record)
{
	for (size_t i = 0; i < record->entry_count; i++)
		if (record->entries[i].role == ROLE_ADMIN && record->entries[i].kind != MEMBER_USER)
			return false;
	return true;
}

static bool somebody_is_admin(const struct record *record)
{
	for (size_t i = 0; i < record->entry_count; i++)
		if (record->entries[i].role == ROLE_ADMIN)
			return true;
	return false;
}

static const struct {
	bool (*holds)(const struct record *record);
	const char *otherwise;
} rules[] = {
	{block_is_a_power_of_two, "the block size is not a power of two"},
	{only_the_first_has_no_predecessor, "only version 1 has no 'prev'"},
	{generations_run_from_1, "the generations do not run from 1"},
	{generations_are_chained, "a generation but the first lacks its predecessor"},
	{marks_are_in_order, "min_read <= min_write <= the newest generation does not hold"},
	{name_marks_are_in_order, "names_from < name_generation <= the newest generation does not hold"},
	{entries_are_sorted, "the entries are not sorted, or an id stands there twice"},
	{admins_are_users, "only a user can be admin"},
	{somebody_is_admin, "nobody is admin"},
};

static enum fault check(const struct record *record, struct why *why)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (!rules[i].holds(record))
			return why_set(why, FAULT_MALFORMED, "%s", rules[i].otherwise);
	return FAULT_NONE;
}

/* -- reading -------------------------------------------------------------------------- */

static enum fault read_generations(const json_t *list, struct record *record, struct why *why)
{
	record->generations = calloc(json_array_size(list) + 1, sizeof *record->generations);
	if (!record->generations)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct record_generation *generation = &record->generations[i];
		enum fault fault = fields_read(generation_fields, COUNT(generation_fields),
					       json_array_get(list, i), generation, why);
		if (fault)
			return why_in(why, fault, "generation %zu", i + 1);
		generation->has_previous = sodium_is_zero(generation->previous, SEALED_KEY_SIZE) == 0;
	}
	record->generation_count = json_array_size(list);
	return FAULT_NONE;
}

static enum fault read_entries(const json_t *list, struct record *record, struct why *why)
{
	record->entries = calloc(json_array_size(list) + 1, sizeof *record->entries);
	if (!record->entries)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum fault fault = fields_read(entry_fields, COUNT(entry_fields), json_array_get(list, i),
					       &record->entries[i], why);
		if (fault)
			return why_in(why, fault, "entry %zu", i + 1);
	}
	record->entry_count = json_array_size(list);
	return FAULT_NONE;
}

static enum fault read_payload(const json_t *payload, struct record *record, struct why *why)
{
	enum fault fault = fields_read(record_fields, COUNT(record_fields), payload, record, why);
	if (!fault)
		fault = read_generations(json_object_get(payload, "generations"), record, why);
	if (!fault)
		fault = read_entries(json_object_get(payload, "entries"), record, why);
	if (!fault)
		fault = check(record, why);
	return fault;
}

enum fault record_read(const struct signed_object *object, struct record **ret_record, struct why *why)
{
	AUTO(record_free) struct record *record = NULL;
	enum fault fault = record_new(&record, why);
	if (fault)
		return fault;
	fault = read_payload(signed_payload(object), record, why);
	if (fault)
		return why_in(why, fault, "the record");
	record->signer_fingerprint = signed_signer(object);
	record->digest = signed_digest(object);
	*ret_record = TAKE(record);
	return FAULT_NONE;
}

/* -- writing -------------------------------------------------------------------------- */

/* `count` structs of `size` bytes as an array of JSON objects, put into `payload`. */
static enum fault write_list(json_t *payload, const char *name, const struct field *fields,
			     size_t field_count, const void *structs, size_t count, size_t size,
			     struct why *why)
{
	AUTO(json_decref) json_t *list = json_array();
	enum fault fault = list ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for a list");
	for (size_t i = 0; i < count && !fault; i++) {
		json_t *object;
		fault = fields_write(fields, field_count, (const uint8_t *)structs + i * size, &object, why);
		if (!fault)
			fault = fields_append(list, object, why);
	}
	if (!fault)
		fault = fields_set(payload, name, TAKE(list), why);
	return fault;
}

static enum fault write_payload(const struct record *record, json_t **ret_payload, struct why *why)
{
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = fields_write(record_fields, COUNT(record_fields), record, &payload, why);
	if (!fault)
		fault = write_list(payload, "generations", generation_fields, COUNT(generation_fields),
				   record->generations, record->generation_count, sizeof *record->generations,
				   why);
	if (!fault)
		fault = write_list(payload, "entries", entry_fields, COUNT(entry_fields), record->entries,
				   record->entry_count, sizeof *record->entries, why);
	if (!fault)
		*ret_payload = TAKE(payload);
	return fault;
}

enum fault record_sign(struct record *record, const struct identity *signer,
		       struct signed_object **ret_signed, struct why *why)
{
	struct record draft = *record;
	draft.signer = identity_public(signer)->id;
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = write_payload(&draft, &payload, why);
	if (fault)
		return fault;
	AUTO(signed_free) struct signed_object *object = NULL;
	fault = signed_make(payload, RECORD_TYPE, signer, &object, why);
	if (fault)
		return fault;
	/* Nothing leaves here that we would not read. */
	AUTO(record_free) struct record *read_back = NULL;
	fault = record_read(object, &read_back, why);
	if (fault)
		return fault;
	record->signer = read_back->signer;
	record->signer_fingerprint = read_back->signer_fingerprint;
	record->digest = read_back->digest;
	*ret_signed = TAKE(object);
	return FAULT_NONE;
}
