/* The newest descriptor of each group. */
#include "keys/keyring_service_parts.h"

#include <string.h>

struct group_row {
	struct member_id id;
	struct stored_object object;
};

static void group_row_done(struct group_row *row)
{
	stored_object_done(&row->object);
}
AUTO_VALUE(struct group_row, group_row_done);

static const struct column group_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct group_row, id)},
	STORED_OBJECT_COLUMNS(struct group_row, object),
};

#define GROUP_SELECT "SELECT id, object, version, digest FROM groups "

/* -- reading --------------------------------------------------------------------------- */

static enum fault find_by_id(struct keyring *held, const struct member_id *id, struct group_row *row,
			     struct why *why)
{
	const struct query query = {.sql = GROUP_SELECT "WHERE id = ?",
				    VALUES(VALUE_ID(id)),
				    COLUMNS(group_columns),
				    .into = row};

	return store_find(held, &query, why);
}

static enum fault count_row(void *context, struct why *why)
{
	(void)why;
	++*(int *)context;
	return FAULT_NONE;
}

/* A group that was made again under its old name is another group. */
static enum fault find_by_name(struct keyring *held, const char *name, struct group_row *row, struct why *why)
{
	int count = 0;
	const struct query query = {.sql = GROUP_SELECT "WHERE name = ? LIMIT 2",
				    VALUES(VALUE_TEXT(name)),
				    COLUMNS(group_columns),
				    .into = row};
	enum fault fault = store_each(held, &query, count_row, &count, why);
	if (!fault && count == 0)
		return why_set(why, FAULT_MISSING, "it is not in the keyring");
	if (!fault && count > 1)
		return why_set(why, FAULT_INVALID, "several groups are called '%s': say the id", name);
	return fault;
}

static enum fault read_group(struct keyring *held, const struct group_row *row,
			     struct group_descriptor *ret_group, struct signed_object **ret_object,
			     struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct organisation organisation;
	struct group_descriptor group;
	enum fault fault = keyring_signer(held, &organisation, why);
	if (!fault)
		fault = stored_object_parse(held, &row->object, GROUP_TYPE, &object, why);
	if (fault)
		return fault;
	fault = group_descriptor_read(object, &organisation, &group, why);
	if (fault || group.version != row->object.version || !member_id_equal(&group.id, &row->id))
		return stored_object_damaged(held, fault, "a group", why);
	*ret_group = group;
	if (ret_object)
		*ret_object = TAKE(object);
	return FAULT_NONE;
}

static enum fault missing_group(enum fault fault, const char *words, struct why *why)
{
	if (fault != FAULT_MISSING)
		return fault;
	return why_set(why, fault, "the group '%s' is not in the keyring: run 'fsenc sync'", words);
}

enum fault keyring_group(struct keyring *keyring, const struct member_id *id,
			 struct group_descriptor *ret_group, struct signed_object **ret_object,
			 struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(group_row_done) struct group_row row = {.id = {{0}}};
	char text[ID_TEXT_SIZE];
	enum fault fault = find_by_id(held, id, &row, why);
	if (!fault)
		return read_group(held, &row, ret_group, ret_object, why);
	member_id_text(id, text);
	return missing_group(fault, text, why);
}

enum fault keyring_find_group(struct keyring *keyring, const char *words, struct group_descriptor *ret_group,
			      struct signed_object **ret_object, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(group_row_done) struct group_row row = {.id = {{0}}};
	struct member_id id;
	enum fault fault = member_id_from_text(words, &id) ? find_by_id(held, &id, &row, why)
							   : find_by_name(held, words, &row, why);
	if (!fault)
		return read_group(held, &row, ret_group, ret_object, why);
	return missing_group(fault, words, why);
}

/* -- keeping --------------------------------------------------------------------------- */

static enum fault put_group(struct keyring *held, const struct signed_object *object,
			    const struct group_descriptor *group, struct why *why)
{
	const struct query known = {.sql = "SELECT version, digest FROM groups WHERE id = ?",
				    VALUES(VALUE_ID(&group->id))};
	AUTO(stored_object_done) struct stored_object stored = {.version = 0};
	enum fault fault = stored_object_of(object, group->version, &stored, why);
	if (!fault)
		fault = stored_object_follows(held, &known, &stored, group->name, why);
	if (fault)
		return why_in(why, fault, "the group");
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO groups (id, name, object, version, digest)"
		       " VALUES (?, ?, ?, ?, ?)",
		VALUES(VALUE_ID(&group->id), VALUE_TEXT(group->name), VALUE_TEXT((char *)stored.text.data),
		       VALUE_INTEGER(stored.version), VALUE_ID(&stored.digest)),
	};
	return store_change(held, &query, NULL, why);
}

enum fault keyring_set_group(struct keyring *keyring, const struct signed_object *object,
			     const struct group_descriptor *group, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, put_group(held, object, group, why), why);
}
