#include "keys/keyring_store.h"

#include <assert.h>

#include "base/query_sqlite.h"

struct keyring *keyring_hold(struct keyring *keyring)
{
	int failed = pthread_mutex_lock(&keyring->mutex);

	assert(!failed);
	(void)failed;
	return keyring;
}

void keyring_let_go(struct keyring *keyring)
{
	if (keyring)
		(void)pthread_mutex_unlock(&keyring->mutex);
}

static void statement_free(sqlite3_stmt *statement)
{
	(void)sqlite3_finalize(statement);
}
AUTO_POINTER(sqlite3_stmt *, statement_free);

/* -- failures ------------------------------------------------------------------------- */

static const char *reason(sqlite3 *db)
{
	return query_sqlite_reason(db, "it is not a keyring, or it is damaged",
				   "it is damaged; put a copy of the file back or run 'fsenc key restore'");
}

enum fault store_failed(const struct keyring *keyring, enum fault kind, struct why *why)
{
	if ((sqlite3_errcode(keyring->db) & 0xff) == SQLITE_NOMEM)
		return why_set(why, FAULT_MEMORY, "no memory for the keyring");
	return why_set(why, kind, "keyring '%s': %s", keyring->path, reason(keyring->db));
}

enum fault store_damaged(const struct keyring *keyring, const char *what, struct why *why)
{
	return why_set(why, FAULT_KEYRING_READ, "keyring '%s': %s is damaged", keyring->path, what);
}

/* -- binding and reading -------------------------------------------------------------- */

static enum fault prepare(struct keyring *held, const struct query *query, sqlite3_stmt **ret_statement,
			  struct why *why)
{
	AUTO(statement_free) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(held->db, query->sql, -1, &statement, NULL) != SQLITE_OK)
		return store_failed(held, FAULT_KEYRING_READ, why);
	if (query_sqlite_bind(query, statement) != SQLITE_OK)
		return store_failed(held, FAULT_KEYRING_READ, why);
	*ret_statement = TAKE(statement);
	return FAULT_NONE;
}

static enum fault read_row(struct keyring *held, sqlite3_stmt *row, const struct query *query,
			   struct why *why)
{
	const char *misfit;
	enum fault fault = query_sqlite_fill(query, row, &misfit, why);

	if (!fault && misfit)
		return store_damaged(held, misfit, why);
	return fault;
}

/* -- queries and changes -------------------------------------------------------------- */

enum fault store_find(struct keyring *held, const struct query *query, struct why *why)
{
	AUTO(statement_free) sqlite3_stmt *statement = NULL;
	enum fault fault = prepare(held, query, &statement, why);
	if (fault)
		return fault;
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return read_row(held, statement, query, why);
	case SQLITE_DONE:
		return why_set(why, FAULT_MISSING, "it is not in the keyring");
	default:
		return store_failed(held, FAULT_KEYRING_READ, why);
	}
}

enum fault store_each(struct keyring *held, const struct query *query, store_row each, void *context,
		      struct why *why)
{
	AUTO(statement_free) sqlite3_stmt *statement = NULL;
	enum fault fault = prepare(held, query, &statement, why);
	int result = SQLITE_ROW;

	while (!fault && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		fault = read_row(held, statement, query, why);
		if (!fault)
			fault = each(context, why);
	}
	if (!fault && result != SQLITE_DONE)
		return store_failed(held, FAULT_KEYRING_READ, why);
	return fault;
}

enum fault store_change(struct keyring *held, const struct query *query, int64_t *ret_changed,
			struct why *why)
{
	AUTO(statement_free) sqlite3_stmt *statement = NULL;
	enum fault fault = prepare(held, query, &statement, why);
	if (fault)
		return fault;
	if (sqlite3_step(statement) != SQLITE_DONE)
		return store_failed(held, FAULT_KEYRING_WRITE, why);
	if (ret_changed)
		*ret_changed = sqlite3_changes64(held->db);
	return FAULT_NONE;
}

enum fault store_script(struct keyring *held, const char *sql, struct why *why)
{
	if (sqlite3_exec(held->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_failed(held, FAULT_KEYRING_WRITE, why);
	return FAULT_NONE;
}

enum fault store_begin(struct keyring *held, struct why *why)
{
	return store_script(held, "BEGIN IMMEDIATE", why);
}

enum fault store_end(struct keyring *held, enum fault fault, struct why *why)
{
	if (!fault)
		fault = store_script(held, "COMMIT", why);
	if (fault) /* sqlite3 has rolled back by itself after some failures: then this one fails too */
		(void)sqlite3_exec(held->db, "ROLLBACK", NULL, NULL, NULL);
	return fault;
}
