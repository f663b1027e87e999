/* Record heads: what was the newest record of a folder that anybody showed us. */
#include "server/store_parts.h"

enum head_kind { HEAD_NOW = 1, HEAD_PAST, HEAD_FORK };

void stored_head_done(struct stored_head *head)
{
	bytes_done(&head->record);
}

struct head_row {
	struct stored_head head;
	int64_t kind;
};

static const struct column columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct head_row, head.folder)},
	{COLUMN_INTEGER, COLUMN_AT(struct head_row, head.version), .least = 1, .most = INT64_MAX},
	{COLUMN_EXACT, COLUMN_AT(struct head_row, head.digest)},
	{COLUMN_INTEGER, COLUMN_AT(struct head_row, kind), .least = HEAD_NOW, .most = HEAD_FORK},
	{COLUMN_SMALL, COLUMN_AT(struct head_row, head.generation), .least = 1, .most = UINT32_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct head_row, head.seen), .most = INT64_MAX},
	{COLUMN_WORDS, COLUMN_AT(struct head_row, head.record)},
};
#define HEAD_SELECT "SELECT folder, version, digest, kind, generation, seen, record FROM heads "

static enum fault has_fork(struct store *store, const struct folder_id *folder, bool *ret_fork,
			   struct why *why)
{
	const struct query query = {.sql = "SELECT count(*) FROM heads WHERE folder = ? AND kind = 3",
				    VALUES(VALUE_ID(folder))};
	int64_t count = 0;
	enum fault fault = ret_fork ? rows_number(store, &query, 0, &count, why) : FAULT_NONE;

	if (!fault && ret_fork)
		*ret_fork = count > 0;
	return fault;
}

enum fault store_head_find(struct store *store, const struct folder_id *folder, struct stored_head *ret_head,
			   bool *ret_fork, struct why *why)
{
	struct head_row row = {.head.record = BYTES_EMPTY};
	const struct query query = {.sql = HEAD_SELECT "WHERE folder = ? AND kind = 1",
				    VALUES(VALUE_ID(folder)),
				    COLUMNS(columns),
				    .into = &row};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		(void)why_set(why, fault, "no record of that folder was shown here");
	if (!fault)
		fault = has_fork(store, folder, ret_fork, why);
	if (fault)
		stored_head_done(&row.head);
	else
		*ret_head = row.head;
	return fault;
}

enum fault store_head_look(struct store *store, const struct folder_id *folder, struct stored_head *ret_head,
			   struct why *why)
{
	struct head_row row = {.head.record = BYTES_EMPTY};
	const struct query query = {.sql = "SELECT folder, version, digest, kind, generation, seen FROM heads"
					   " WHERE folder = ? AND kind = 1",
				    VALUES(VALUE_ID(folder)),
				    .columns = columns,
				    .column_count = sizeof columns / sizeof *columns - 1,
				    .into = &row};
	enum fault fault = rows_first(store, &query, why);

	if (!fault)
		*ret_head = row.head;
	return fault;
}

enum fault store_head_was(struct store *store, const struct folder_id *folder, uint64_t version,
			  const struct digest *digest, bool *ret_was, struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM heads WHERE folder = ? AND version = ? AND digest = ?"
		       " AND kind <> 3",
		VALUES(VALUE_ID(folder), VALUE_INTEGER(version), VALUE_ID(digest))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault)
		*ret_was = count > 0;
	return fault;
}

struct head_walk {
	struct head_row row;
	store_each_head *each;
	void *context;
};

static enum fault next_head(void *context, struct why *why)
{
	struct head_walk *walk = context;

	return walk->each(walk->context, &walk->row.head, walk->row.kind == HEAD_NOW, why);
}

enum fault store_forks(struct store *store, store_each_head *each, void *context, struct why *why)
{
	struct head_walk walk = {.each = each, .context = context};
	const struct query query = {.sql = HEAD_SELECT
				    "WHERE kind <> 2 AND folder IN (SELECT folder FROM heads WHERE kind = 3)"
				    " ORDER BY folder, version, digest",
				    COLUMNS(columns),
				    .into = &walk.row};
	enum fault fault = rows_each(store, &query, next_head, &walk, why);

	stored_head_done(&walk.row.head);
	return fault;
}

/* -- changes ------------------------------------------------------------------------------ */

static enum fault insert(struct store *store, const struct stored_head *head, enum head_kind kind,
			 struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO heads (folder, version, digest, kind, generation, seen, record)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folder, version, digest) DO NOTHING",
		VALUES(VALUE_ID(&head->folder), VALUE_INTEGER(head->version), VALUE_ID(&head->digest),
		       VALUE_INTEGER(kind), VALUE_INTEGER(head->generation), VALUE_INTEGER(head->seen),
		       VALUE_TEXT((const char *)head->record.data))};

	return rows_change(store, &query, NULL, why);
}

static enum fault make_past(struct store *store, const struct folder_id *folder, struct why *why)
{
	const struct query query = {
		.sql = "UPDATE heads SET kind = 2, record = '' WHERE folder = ? AND kind = 1",
		VALUES(VALUE_ID(folder))};

	return rows_change(store, &query, NULL, why);
}

struct head_and_groups {
	const struct stored_head *head;
	const struct member_id *groups;
	size_t group_count;
};

static enum fault write_head(struct store *store, const void *context, struct why *why)
{
	const struct head_and_groups *new = context;
	const struct query query = {
		.sql = "SELECT max(version) FROM heads WHERE folder = ? AND kind <> 3 HAVING count(*) > 0",
		VALUES(VALUE_ID(&new->head->folder))};
	int64_t version = 0;
	const struct unlocked_folder folder = {new->head->folder, new->head->generation};
	enum fault fault = rows_number(store, &query, 0, &version, why);

	if (!fault && (uint64_t)version >= new->head->version)
		return why_set(why, FAULT_EXISTS, "version %lld of the folder was shown here before",
			       (long long)version);
	if (!fault)
		fault = make_past(store, &new->head->folder, why);
	if (!fault)
		fault = insert(store, new->head, HEAD_NOW, why);
	for (size_t i = 0; !fault && i < new->group_count; i++)
		fault = rows_note_folder(store, &new->groups[i], &folder, why);
	return fault;
}

enum fault store_head_write(struct store *store, const struct stored_head *head,
			    const struct member_id *groups, size_t group_count, struct why *why)
{
	struct head_and_groups new = {.head = head, .groups = groups, .group_count = group_count};

	return rows_together(store, write_head, &new, why);
}

enum fault store_head_fork(struct store *store, const struct stored_head *other, struct why *why)
{
	return insert(store, other, HEAD_FORK, why);
}

struct choice {
	const struct folder_id *folder;
	const struct digest *digest;
};

static enum fault settle(struct store *store, const void *context, struct why *why)
{
	const struct choice *choice = context;
	const struct query choose = {
		.sql = "UPDATE heads SET kind = 1 WHERE folder = ? AND digest = ? AND kind <> 2",
		VALUES(VALUE_ID(choice->folder), VALUE_ID(choice->digest))};
	const struct query drop = {.sql = "DELETE FROM heads WHERE folder = ? AND kind = 3",
				   VALUES(VALUE_ID(choice->folder))};
	const struct query park = {.sql = "UPDATE heads SET kind = 3 WHERE folder = ? AND kind = 1",
				   VALUES(VALUE_ID(choice->folder))};
	uint64_t changed = 0;
	enum fault fault = rows_change(store, &park, NULL, why);

	if (!fault)
		fault = rows_change(store, &choose, &changed, why);
	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "no such record of that folder is kept here");
	return fault ? fault : rows_change(store, &drop, NULL, why);
}

enum fault store_head_settle(struct store *store, const struct folder_id *folder, const struct digest *digest,
			     struct why *why)
{
	struct choice choice = {.folder = folder, .digest = digest};

	return rows_together(store, settle, &choice, why);
}
