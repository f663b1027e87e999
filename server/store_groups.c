/* Groups with a key: the signed descriptor, and the share that lies here. */
#include "server/store_parts.h"

void stored_group_done(struct stored_group *group)
{
	bytes_done(&group->descriptor);
}

/* As it stands in a row: no share is an empty blob. */
struct group_row {
	struct stored_group group;
	struct bytes share;
};

static void row_done(struct group_row *row)
{
	stored_group_done(&row->group);
	bytes_done(&row->share);
}
AUTO_VALUE(struct group_row, row_done);

static const struct column columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct group_row, group.id)},
	{COLUMN_NAME, COLUMN_AT(struct group_row, group.name)},
	{COLUMN_SMALL, COLUMN_AT(struct group_row, group.recovery), .most = 1},
	{COLUMN_INTEGER, COLUMN_AT(struct group_row, group.version), .least = 1, .most = INT64_MAX},
	{COLUMN_SMALL, COLUMN_AT(struct group_row, group.epoch), .least = 1, .most = UINT32_MAX},
	{COLUMN_WORDS, COLUMN_AT(struct group_row, group.descriptor)},
	{COLUMN_SMALL, COLUMN_AT(struct group_row, group.index), .most = GROUP_SERVERS_MAX},
	{COLUMN_BYTES, COLUMN_AT(struct group_row, share)},
	{COLUMN_INTEGER, COLUMN_AT(struct group_row, group.member_counter), .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct group_row, group.rotate_since), .most = INT64_MAX},
};
#define GROUP_SELECT \
	"SELECT id, name, recovery, version, epoch, descriptor, share_index, share, member_counter," \
	" rotate_since FROM key_groups "

static enum fault take_share(struct group_row *row, struct why *why)
{
	if (row->group.index == 0)
		return FAULT_NONE;
	if (row->share.size != SHARE_STORED_SIZE)
		return why_set(why, FAULT_KEYRING_READ, "the share of group '%s' in the store is damaged",
			       row->group.name);
	memcpy(row->group.share, row->share.data, SHARE_STORED_SIZE);
	return FAULT_NONE;
}

static enum fault find(struct store *store, const struct query *wanted, struct stored_group *ret_group,
		       struct why *why)
{
	AUTO(row_done) struct group_row row = {.share = BYTES_EMPTY};
	struct query query = *wanted;
	enum fault fault;

	query.columns = columns;
	query.column_count = sizeof columns / sizeof *columns;
	query.into = &row;
	fault = rows_first(store, &query, why);
	if (!fault)
		fault = take_share(&row, why);
	if (fault)
		return fault;
	*ret_group = row.group;
	row.group.descriptor = BYTES_EMPTY;
	return FAULT_NONE;
}

enum fault store_group_find(struct store *store, const struct member_id *id, struct stored_group *ret_group,
			    struct why *why)
{
	const struct query query = {.sql = GROUP_SELECT "WHERE id = ?", VALUES(VALUE_ID(id))};
	char text[ID_TEXT_SIZE];
	enum fault fault = find(store, &query, ret_group, why);

	if (fault != FAULT_MISSING)
		return fault;
	member_id_text(id, text);
	return why_set(why, fault, "no group with the id %s has a key here", text);
}

enum fault store_group_find_name(struct store *store, const char *name, struct stored_group *ret_group,
				 struct why *why)
{
	const struct query query = {.sql = GROUP_SELECT "WHERE name = ?", VALUES(VALUE_TEXT(name))};
	enum fault fault = find(store, &query, ret_group, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "no group '%s' has a key here", name);
	return fault;
}

struct group_walk {
	struct group_row row;
	store_each_group *each;
	void *context;
};

static enum fault next_group(void *context, struct why *why)
{
	struct group_walk *walk = context;
	enum fault fault = take_share(&walk->row, why);

	return fault ? fault : walk->each(walk->context, &walk->row.group, why);
}

enum fault store_groups(struct store *store, store_each_group *each, void *context, struct why *why)
{
	struct group_walk walk = {.each = each, .context = context};
	const struct query query = {.sql = GROUP_SELECT "ORDER BY name", COLUMNS(columns), .into = &walk.row};
	enum fault fault = rows_each(store, &query, next_group, &walk, why);

	row_done(&walk.row);
	return fault;
}

/* -- changes ------------------------------------------------------------------------------ */

static enum fault check_version(struct store *store, const struct stored_group *group, struct why *why)
{
	const struct query query = {.sql = "SELECT version FROM key_groups WHERE id = ?",
				    VALUES(VALUE_ID(&group->id))};
	int64_t version = 0;
	enum fault fault = rows_number(store, &query, 0, &version, why);

	if (!fault && (uint64_t)version >= group->version)
		return why_set(why, FAULT_EXISTS, "group '%s' has version %lld here already", group->name,
			       (long long)version);
	return fault;
}

static enum fault write_group(struct store *store, const void *context, struct why *why)
{
	const struct stored_group *group = context;
	const struct query query = {
		.sql = "INSERT INTO key_groups (id, name, recovery, version, epoch, descriptor, share_index,"
		       " share, member_counter, rotate_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)"
		       " ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version,"
		       " epoch = excluded.epoch, descriptor = excluded.descriptor,"
		       " share_index = excluded.share_index, share = excluded.share",
		VALUES(VALUE_ID(&group->id), VALUE_TEXT(group->name), VALUE_INTEGER(group->recovery),
		       VALUE_INTEGER(group->version), VALUE_INTEGER(group->epoch),
		       VALUE_TEXT((const char *)group->descriptor.data), VALUE_INTEGER(group->index),
		       VALUE_BLOB(group->share, group->index ? SHARE_STORED_SIZE : 0))};
	enum fault fault = check_version(store, group, why);

	if (fault)
		return fault;
	fault = rows_change_seen(store, &query, NULL, why);
	if (fault == FAULT_EXISTS)
		return why_set(why, fault, "another group of the name '%s' has a key here", group->name);
	return fault;
}

enum fault store_group_write(struct store *store, const struct stored_group *group, struct why *why)
{
	return rows_together(store, write_group, group, why);
}

static enum fault remove_group(struct store *store, const void *context, struct why *why)
{
	const struct member_id *id = context;
	const struct query unlocked = {.sql = "DELETE FROM unlocked WHERE group_id = ?",
				       VALUES(VALUE_ID(id))};
	const struct query folders = {.sql = "DELETE FROM group_folders WHERE group_id = ?",
				      VALUES(VALUE_ID(id))};
	const struct query group = {.sql = "DELETE FROM key_groups WHERE id = ?", VALUES(VALUE_ID(id))};
	uint64_t changed = 0;
	enum fault fault = rows_change(store, &unlocked, NULL, why);

	if (!fault)
		fault = rows_change(store, &folders, NULL, why);
	if (!fault)
		fault = rows_change_seen(store, &group, &changed, why);
	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "the group has no key here");
	return fault;
}

enum fault store_group_remove(struct store *store, const struct member_id *id, struct why *why)
{
	return rows_together(store, remove_group, id, why);
}
