#include "server/store_sqlite_connection.h"

#include <stdlib.h>

#include "base/query_sqlite.h"

#define BUSY_MS 10000
#define STATEMENTS 128 /* kept prepared: more than the store has */

struct connection {
	sqlite3 *db;
	char *path;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} kept[STATEMENTS];
};

/* -- failures ------------------------------------------------------------------------- */

static const char *reason(sqlite3 *db)
{
	return query_sqlite_reason(db, "it is no store of a key server, or it is damaged",
				   "it is damaged; put a backup in its place");
}

static enum fault failed(const struct connection *connection, enum fault kind, struct why *why)
{
	int code = sqlite3_extended_errcode(connection->db);

	if ((code & 0xff) == SQLITE_NOMEM)
		return why_set(why, FAULT_MEMORY, "no memory for the store");
	if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
		return why_set(why, FAULT_EXISTS, "it is in the store already");
	return why_set(why, kind, "store '%s': %s", connection->path, reason(connection->db));
}

/* -- life ------------------------------------------------------------------------------- */

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(connection->kept[i].statement);
	(void)sqlite3_close(connection->db);
	free(connection->path);
	free(connection);
}

enum fault connection_open(const char *path, struct connection **ret_connection, struct why *why)
{
	AUTO(connection_close) struct connection *connection = calloc(1, sizeof *connection);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    SQLITE_OPEN_NOFOLLOW;
	enum fault fault;

	if (!connection || !(connection->path = strdup(path)))
		return why_set(why, FAULT_MEMORY, "no memory for the store");
	if (sqlite3_open_v2(path, &connection->db, flags, NULL) != SQLITE_OK)
		return failed(connection, FAULT_KEYRING_READ, why);
	(void)sqlite3_busy_timeout(connection->db, BUSY_MS);
	/* FULL: a commit is on the disk when it returns, in WAL too */
	fault = connection_script(connection,
				  "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
				  "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
				  why);
	if (!fault)
		*ret_connection = TAKE(connection);
	return fault;
}

/* -- statements ----------------------------------------------------------------------- */

/* A place for this SQL, by its address; the next one when two collide. NULL: all are taken. */
static sqlite3_stmt **kept_place(struct connection *connection, const char *sql)
{
	size_t start = ((uintptr_t)sql >> 3) % STATEMENTS;

	for (size_t i = 0; i < STATEMENTS; i++) {
		size_t at = (start + i) % STATEMENTS;

		if (!connection->kept[at].sql)
			connection->kept[at].sql = sql;
		if (connection->kept[at].sql == sql)
			return &connection->kept[at].statement;
	}
	return NULL;
}

struct running {
	sqlite3_stmt *statement;
	bool kept;
};

static void running_done(struct running *running)
{
	if (!running->kept) {
		(void)sqlite3_finalize(running->statement);
		return;
	}
	(void)sqlite3_reset(running->statement);
	(void)sqlite3_clear_bindings(running->statement);
}
AUTO_VALUE(struct running, running_done);

/* A walk may ask the same again in its middle: then its statement is busy, and another one is made. */
static int prepare(struct connection *connection, const char *sql, struct running *running)
{
	sqlite3_stmt **place = kept_place(connection, sql);
	int result;

	if (place && *place && !sqlite3_stmt_busy(*place)) {
		*running = (struct running){.statement = *place, .kept = true};
		return SQLITE_OK;
	}
	result = sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &running->statement,
				    NULL);
	if (result == SQLITE_OK && place && !*place) {
		*place = running->statement;
		running->kept = true;
	}
	return result;
}

/* *ret_more is false at the end. */
static enum fault step(struct connection *connection, const struct query *query, sqlite3_stmt *statement,
		       bool *ret_more, struct why *why)
{
	const char *misfit;
	enum fault fault;
	int result = sqlite3_step(statement);

	*ret_more = result == SQLITE_ROW;
	if (result == SQLITE_DONE)
		return FAULT_NONE;
	if (result != SQLITE_ROW)
		return failed(connection, query->column_count ? FAULT_KEYRING_READ : FAULT_KEYRING_WRITE,
			      why);
	fault = query_sqlite_fill(query, statement, &misfit, why);
	if (!fault && misfit)
		return why_set(why, FAULT_KEYRING_READ, "store '%s': %s is damaged", connection->path,
			       misfit);
	return fault;
}

enum fault connection_run(struct connection *connection, const struct query *query, store_row *each,
			  void *context, uint64_t *ret_rows, struct why *why)
{
	AUTO(running_done) struct running running = {NULL, false};
	uint64_t rows = 0;
	bool more = false;
	enum fault fault;

	if (prepare(connection, query->sql, &running) != SQLITE_OK ||
	    query_sqlite_bind(query, running.statement) != SQLITE_OK)
		return failed(connection, FAULT_KEYRING_READ, why);
	fault = step(connection, query, running.statement, &more, why);
	while (!fault && more) {
		rows++;
		fault = each ? each(context, why) : FAULT_NONE;
		if (!fault)
			fault = step(connection, query, running.statement, &more, why);
	}
	if (!fault && ret_rows)
		*ret_rows = query->column_count ? rows : (uint64_t)sqlite3_changes64(connection->db);
	return fault;
}

enum fault connection_script(struct connection *connection, const char *sql, struct why *why)
{
	if (sqlite3_exec(connection->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(connection, FAULT_KEYRING_WRITE, why);
	return FAULT_NONE;
}

void connection_roll_back(struct connection *connection)
{
	(void)sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
}

enum fault connection_copy(struct connection *from, struct connection *to, struct why *why)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");

	if (!backup)
		return failed(to, FAULT_KEYRING_WRITE, why);
	/* all at once: in WAL that holds nobody up, and no change makes it start again */
	(void)sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) != SQLITE_OK)
		return failed(to, FAULT_KEYRING_WRITE, why);
	return FAULT_NONE;
}
