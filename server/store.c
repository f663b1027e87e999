#include "server/store.h"

#include "base/clock.h"
#include "server/store_parts.h"

/* -- rows ------------------------------------------------------------------------------- */

const struct column rows_number_column[1] = {
	{.form = COLUMN_INTEGER, .size = sizeof(int64_t), .least = INT64_MIN, .most = INT64_MAX}};

/* Ends a walk after its first row; no failure of anybody's. */
static enum fault stop(void *context, struct why *why)
{
	(void)why;
	*(bool *)context = true;
	return FAULT_EXISTS;
}

enum fault rows_first(struct store *store, const struct query *query, struct why *why)
{
	bool found = false;
	enum fault fault = store->engine->calls->run(store->engine, query, stop, &found, NULL, why);

	if (found)
		return FAULT_NONE;
	return fault ? fault : FAULT_MISSING;
}

enum fault rows_each(struct store *store, const struct query *query, store_row *each, void *context,
		     struct why *why)
{
	return store->engine->calls->run(store->engine, query, each, context, NULL, why);
}

enum fault rows_number(struct store *store, const struct query *query, int64_t otherwise, int64_t *ret_number,
		       struct why *why)
{
	int64_t number = otherwise;
	struct query filled = *query;
	enum fault fault;

	filled.columns = rows_number_column;
	filled.column_count = 1;
	filled.into = &number;
	fault = rows_first(store, &filled, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_number = number;
	return FAULT_NONE;
}

enum fault rows_change(struct store *store, const struct query *query, uint64_t *ret_changed, struct why *why)
{
	return store->engine->calls->run(store->engine, query, NULL, NULL, ret_changed, why);
}

enum fault rows_touch(struct store *store, struct why *why)
{
	const struct query query = {.sql = "UPDATE state SET version = version + 1"};

	return rows_change(store, &query, NULL, why);
}

struct seen {
	const struct query *query;
	uint64_t *ret_changed;
};

static enum fault change_and_touch(struct store *store, const void *context, struct why *why)
{
	const struct seen *seen = context;
	enum fault fault = rows_change(store, seen->query, seen->ret_changed, why);

	return fault ? fault : rows_touch(store, why);
}

enum fault rows_change_seen(struct store *store, const struct query *query, uint64_t *ret_changed,
			    struct why *why)
{
	struct seen seen = {.query = query, .ret_changed = ret_changed};

	return rows_together(store, change_and_touch, &seen, why);
}

enum fault rows_together(struct store *store, rows_work *work, const void *context, struct why *why)
{
	enum fault fault;

	if (store->engine->calls->is_inside(store->engine))
		return work(store, context, why);
	fault = store_transaction_begin(store, why);
	return fault ? fault : store_transaction_end(store, work(store, context, why), why);
}

/* -- life ------------------------------------------------------------------------------- */

static enum fault open_with(const char *path, bool create, struct store **ret_store, struct why *why)
{
	struct store *store = malloc(sizeof *store);
	enum fault fault;

	if (!store)
		return why_set(why, FAULT_MEMORY, "no memory for the store");
	fault = store_sqlite_open(path, create, &store->engine, why);
	if (fault)
		free(store);
	else
		*ret_store = store;
	return fault;
}

enum fault store_create(const char *path, struct store **ret_store, struct why *why)
{
	return open_with(path, true, ret_store, why);
}

enum fault store_open(const char *path, struct store **ret_store, struct why *why)
{
	return open_with(path, false, ret_store, why);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store->engine->calls->close(store->engine);
	free(store);
}

enum fault store_transaction_begin(struct store *store, struct why *why)
{
	return store->engine->calls->begin(store->engine, why);
}

enum fault store_transaction_end(struct store *store, enum fault fault, struct why *why)
{
	return store->engine->calls->end(store->engine, fault, why);
}

enum fault store_version(struct store *store, uint64_t *ret_version, struct why *why)
{
	const struct query query = {.sql = "SELECT version FROM state"};
	int64_t version;
	enum fault fault = rows_number(store, &query, 0, &version, why);

	if (!fault)
		*ret_version = (uint64_t)version;
	return fault;
}

enum fault store_check(struct store *store, struct why *why)
{
	const struct query query = {.sql = "UPDATE state SET checked = ?",
				    VALUES(VALUE_INTEGER(clock_wall_ms() / MS_PER_SECOND))};

	return rows_change(store, &query, NULL, why);
}

enum fault store_backup(struct store *store, const char *path, struct why *why)
{
	return store->engine->calls->backup(store->engine, path, why);
}
