#include "keys/keyring_store.h"

#include <assert.h>
#include <string.h>

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

static const struct {
	int code;
	const char *words;
} reasons[] = {
	{SQLITE_BUSY, "another process keeps it busy; try again"},
	{SQLITE_FULL, "there is no space left"},
	{SQLITE_NOTADB, "it is not a keyring, or it is damaged"},
	{SQLITE_CORRUPT, "it is damaged; put a copy of the file back or run 'fsenc key restore'"},
	{SQLITE_READONLY, "it is read-only"},
	{SQLITE_CANTOPEN, "it cannot be opened; its directory must be writable"},
};

static const char *reason(sqlite3 *db)
{
	int code = sqlite3_errcode(db) & 0xff;

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].words;
	return sqlite3_errmsg(db);
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

static int bind_value(sqlite3_stmt *statement, int at, const struct value *value)
{
	const void *data = value->data ? value->data : "";

	switch (value->form) {
	case VALUE_FORM_INTEGER:
		return sqlite3_bind_int64(statement, at, value->integer);
	case VALUE_FORM_BLOB:
		return sqlite3_bind_blob64(statement, at, data, value->size, SQLITE_STATIC);
	case VALUE_FORM_TEXT:
		return sqlite3_bind_text64(statement, at, data, value->size, SQLITE_STATIC, SQLITE_UTF8);
	}
	abort();
}

static enum fault prepare(struct keyring *held, const struct query *query, sqlite3_stmt **ret_statement,
			  struct why *why)
{
	AUTO(statement_free) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(held->db, query->sql, -1, &statement, NULL) != SQLITE_OK)
		return store_failed(held, FAULT_KEYRING_READ, why);
	assert((size_t)sqlite3_bind_parameter_count(statement) == query->value_count);
	for (size_t i = 0; i < query->value_count; i++)
		if (bind_value(statement, (int)i + 1, &query->values[i]) != SQLITE_OK)
			return store_failed(held, FAULT_KEYRING_READ, why);
	*ret_statement = TAKE(statement);
	return FAULT_NONE;
}

static bool read_integer(sqlite3_stmt *row, int at, const struct column *column, void *place)
{
	int64_t number = sqlite3_column_int64(row, at);

	if (sqlite3_column_type(row, at) != SQLITE_INTEGER || number < column->least || number > column->most)
		return false;
	memcpy(place, &number, sizeof number);
	return true;
}

static bool read_exact(sqlite3_stmt *row, int at, const struct column *column, void *place)
{
	const void *data = sqlite3_column_blob(row, at);

	if (sqlite3_column_type(row, at) != SQLITE_BLOB ||
	    (size_t)sqlite3_column_bytes(row, at) != column->size)
		return false;
	memcpy(place, data, column->size);
	return true;
}

static bool read_name(sqlite3_stmt *row, int at, const struct column *column, char *place)
{
	const void *data = sqlite3_column_blob(row, at);
	size_t size = (size_t)sqlite3_column_bytes(row, at);

	if (!data || size >= column->size || memchr(data, 0, size))
		return false;
	memset(place, 0, column->size);
	memcpy(place, data, size);
	return true;
}

static enum fault read_bytes(sqlite3_stmt *row, int at, const struct column *column, struct bytes *place,
			     bool *ret_fits, struct why *why)
{
	const void *data = sqlite3_column_blob(row, at);
	size_t size = (size_t)sqlite3_column_bytes(row, at);

	if (column->form == COLUMN_WORDS && size > 0 && memchr(data, 0, size)) {
		*ret_fits = false;
		return FAULT_NONE;
	}
	place->size = 0;
	*ret_fits = true;
	return bytes_append(place, data, size, why);
}

static enum fault read_column(sqlite3_stmt *row, int at, const struct column *column, void *place,
			      bool *ret_fits, struct why *why)
{
	switch (column->form) {
	case COLUMN_INTEGER:
		*ret_fits = read_integer(row, at, column, place);
		return FAULT_NONE;
	case COLUMN_EXACT:
		*ret_fits = read_exact(row, at, column, place);
		return FAULT_NONE;
	case COLUMN_NAME:
		*ret_fits = read_name(row, at, column, place);
		return FAULT_NONE;
	case COLUMN_BYTES:
	case COLUMN_WORDS:
		return read_bytes(row, at, column, place, ret_fits, why);
	}
	abort();
}

static enum fault read_row(struct keyring *held, sqlite3_stmt *row, const struct query *query,
			   struct why *why)
{
	assert((size_t)sqlite3_column_count(row) == query->column_count);
	for (size_t i = 0; i < query->column_count; i++) {
		const struct column *column = &query->columns[i];
		bool fits = false;
		enum fault fault = read_column(row, (int)i, column, (uint8_t *)query->into + column->offset,
					       &fits, why);
		if (fault)
			return fault;
		if (!fits)
			return store_damaged(held, sqlite3_column_name(row, (int)i), why);
	}
	return FAULT_NONE;
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
