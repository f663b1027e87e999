/* Who unlocked what, who left, which folders want a new generation; and the rows of the audit. */
#include "server/store_parts.h"

/* -- who unlocked what ---------------------------------------------------------------------- */

struct unlock {
	const struct member_id *account, *group;
	const struct unlocked_folder *folders;
	size_t count;
	int64_t now;
};

enum fault rows_note_folder(struct store *store, const struct member_id *group,
			    const struct unlocked_folder *folder, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO group_folders (group_id, folder, generation, due) VALUES (?, ?, ?, 0)"
		       " ON CONFLICT (group_id, folder) DO UPDATE SET generation = excluded.generation"
		       " WHERE group_folders.generation < excluded.generation",
		VALUES(VALUE_ID(group), VALUE_ID(&folder->folder), VALUE_INTEGER(folder->generation))};

	return rows_change(store, &query, NULL, why);
}

static enum fault write_unlock(struct store *store, const void *context, struct why *why)
{
	const struct unlock *unlock = context;
	const struct query query = {
		.sql = "INSERT INTO unlocked (account, group_id, at, gone) VALUES (?, ?, ?, 0)"
		       " ON CONFLICT (account, group_id) DO UPDATE SET at = excluded.at, gone = 0"
		       " WHERE unlocked.gone <> 0",
		VALUES(VALUE_ID(unlock->account), VALUE_ID(unlock->group), VALUE_INTEGER(unlock->now))};
	enum fault fault = rows_change(store, &query, NULL, why);

	for (size_t i = 0; !fault && i < unlock->count; i++)
		fault = rows_note_folder(store, unlock->group, &unlock->folders[i], why);
	return fault;
}

enum fault store_unlocked_write(struct store *store, const struct member_id *account,
				const struct member_id *group, const struct unlocked_folder *folders,
				size_t count, int64_t now, struct why *why)
{
	struct unlock unlock = {account, group, folders, count, now};

	return rows_together(store, write_unlock, &unlock, why);
}

enum fault store_unlocked_has(struct store *store, const struct member_id *account,
			      const struct member_id *group, bool *ret_has, struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM unlocked WHERE account = ? AND group_id = ? AND gone = 0",
		VALUES(VALUE_ID(account), VALUE_ID(group))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault)
		*ret_has = count > 0;
	return fault;
}

struct pair {
	struct member_id account, group;
};
struct unlocked_walk {
	struct pair pair;
	store_each_unlocked *each;
	void *context;
};

static enum fault next_unlocked(void *context, struct why *why)
{
	struct unlocked_walk *walk = context;

	return walk->each(walk->context, &walk->pair.account, &walk->pair.group, why);
}

enum fault store_unlocked(struct store *store, store_each_unlocked *each, void *context, struct why *why)
{
	static const struct column columns[] = {{COLUMN_EXACT, COLUMN_AT(struct pair, account)},
						{COLUMN_EXACT, COLUMN_AT(struct pair, group)}};
	struct unlocked_walk walk = {.each = each, .context = context};
	const struct query query = {
		.sql = "SELECT account, group_id FROM unlocked WHERE gone = 0 ORDER BY group_id, account",
		COLUMNS(columns),
		.into = &walk.pair};

	return rows_each(store, &query, next_unlocked, &walk, why);
}

/* -- leaving ------------------------------------------------------------------------------- */

struct leaver {
	const struct member_id *account, *group;
	int64_t now;
	bool *ret_counted;
};

static enum fault count_leaver(struct store *store, const struct leaver *leaver, struct why *why)
{
	const struct query count = {.sql = "UPDATE key_groups SET member_counter = member_counter + 1,"
					   " rotate_since = ? WHERE id = ?",
				    VALUES(VALUE_INTEGER(leaver->now), VALUE_ID(leaver->group))};
	const struct query mark = {.sql = "UPDATE group_folders SET due = generation WHERE group_id = ?",
				   VALUES(VALUE_ID(leaver->group))};
	enum fault fault = rows_change_seen(store, &count, NULL, why);

	return fault ? fault : rows_change(store, &mark, NULL, why);
}

static enum fault leave(struct store *store, const void *context, struct why *why)
{
	const struct leaver *leaver = context;
	const struct query query = {
		.sql = "UPDATE unlocked SET gone = ? WHERE account = ? AND group_id = ? AND gone = 0",
		VALUES(VALUE_INTEGER(leaver->now), VALUE_ID(leaver->account), VALUE_ID(leaver->group))};
	uint64_t changed = 0;
	enum fault fault = rows_change(store, &query, &changed, why);

	if (!fault && changed)
		fault = count_leaver(store, leaver, why);
	if (!fault)
		*leaver->ret_counted = changed > 0;
	return fault;
}

enum fault store_member_left(struct store *store, const struct member_id *account,
			     const struct member_id *group, int64_t now, bool *ret_counted, struct why *why)
{
	struct leaver leaver = {account, group, now, ret_counted};

	return rows_together(store, leave, &leaver, why);
}

enum fault store_folder_is_due(struct store *store, const struct member_id *group,
			       const struct unlocked_folder *folder, bool *ret_due, struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM group_folders WHERE group_id = ? AND folder = ? AND due >= ?"
		       " AND due >= generation",
		VALUES(VALUE_ID(group), VALUE_ID(&folder->folder), VALUE_INTEGER(folder->generation))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault)
		*ret_due = count > 0;
	return fault;
}

enum fault store_group_is_due(struct store *store, const struct member_id *group, bool *ret_due,
			      struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM group_folders WHERE group_id = ? AND due >= generation",
		VALUES(VALUE_ID(group))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault)
		*ret_due = count > 0;
	return fault;
}

/* -- the audit's rows ------------------------------------------------------------------------ */

enum fault store_audit_write(struct store *store, const struct stored_audit *row, struct why *why)
{
	const struct query query = {.sql = "INSERT INTO audit (number, link, text) VALUES (?, ?, ?)",
				    VALUES(VALUE_INTEGER(row->number), VALUE_ID(&row->link),
					   VALUE_TEXT((const char *)row->text.data))};

	return rows_change(store, &query, NULL, why);
}

static const struct column audit_columns[] = {
	{COLUMN_INTEGER, COLUMN_AT(struct stored_audit, number), .least = INT64_MIN, .most = INT64_MAX},
	{COLUMN_EXACT, COLUMN_AT(struct stored_audit, link)},
	{COLUMN_WORDS, COLUMN_AT(struct stored_audit, text)},
};

enum fault store_audit_last(struct store *store, struct stored_audit *ret_last, struct why *why)
{
	struct stored_audit last = {.text = BYTES_EMPTY};
	const struct query query = {.sql = "SELECT number, link FROM audit ORDER BY number DESC LIMIT 1",
				    .columns = audit_columns,
				    .column_count = 2,
				    .into = &last};
	enum fault fault = rows_first(store, &query, why);

	if (fault && fault != FAULT_MISSING)
		return fault;
	if (fault)
		last = (struct stored_audit){.text = BYTES_EMPTY};
	*ret_last = last;
	return FAULT_NONE;
}

struct audit_walk {
	struct stored_audit row;
	store_each_audit *each;
	void *context;
};

static enum fault next_audit(void *context, struct why *why)
{
	struct audit_walk *walk = context;

	return walk->each(walk->context, &walk->row, why);
}

enum fault store_audit(struct store *store, uint64_t first, store_each_audit *each, void *context,
		       struct why *why)
{
	struct audit_walk walk = {.each = each, .context = context};
	const struct query query = {
		.sql = "SELECT number, link, text FROM audit WHERE number >= ? ORDER BY number",
		VALUES(VALUE_INTEGER(first)),
		COLUMNS(audit_columns),
		.into = &walk.row};
	enum fault fault = rows_each(store, &query, next_audit, &walk, why);

	bytes_done(&walk.row.text);
	return fault;
}
