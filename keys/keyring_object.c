/* Signed objects in rows. */
#include "keys/keyring_service_parts.h"

void stored_object_done(struct stored_object *stored)
{
	bytes_done(&stored->text);
}

enum fault stored_object_damaged(const struct keyring *held, enum fault fault, const char *what,
				 struct why *why)
{
	return fault == FAULT_MEMORY ? fault : store_damaged(held, what, why);
}

enum fault stored_object_parse(const struct keyring *held, const struct stored_object *stored,
			       const char *type, struct signed_object **ret_object, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	const char *text = (const char *)stored->text.data;
	enum fault fault = signed_parse_text(text, stored->text.size, type, &object, why);
	if (fault)
		return stored_object_damaged(held, fault, type, why);
	const struct digest digest = signed_digest(object);
	if (!digest_equal(&digest, &stored->digest))
		return store_damaged(held, type, why);
	*ret_object = TAKE(object);
	return FAULT_NONE;
}

enum fault stored_object_of(const struct signed_object *object, uint64_t version,
			    struct stored_object *ret_stored, struct why *why)
{
	AUTO(stored_object_done)
	struct stored_object stored = {.version = version, .digest = signed_digest(object)};
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(object, &text, why);
	if (!fault)
		fault = bytes_append_text(&stored.text, text, why);
	if (fault)
		return fault;
	*ret_stored = stored;
	stored.text = BYTES_EMPTY;
	return FAULT_NONE;
}

enum fault stored_object_follows(struct keyring *held, const struct query *known,
				 const struct stored_object *now, const char *what, struct why *why)
{
	static const struct column columns[] = {
		{COLUMN_INTEGER, COLUMN_AT(struct stored_object, version), .least = VERSION_LEAST,
		 .most = VERSION_MOST},
		{COLUMN_EXACT, COLUMN_AT(struct stored_object, digest)},
	};
	struct stored_object row = {.version = 0};
	const struct query query = {
		.sql = known->sql,
		.values = known->values,
		.value_count = known->value_count,
		COLUMNS(columns),
		.into = &row,
	};
	enum fault fault = store_find(held, &query, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	const struct seen before = {row.version, &row.digest};
	const struct seen next = {now->version, &now->digest};
	return why_in(why, seen_check_forward(fault ? &nothing_seen : &before, &next, why), "%s", what);
}
