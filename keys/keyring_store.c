#include "keys/keyring_store.h"

#include <stdarg.h>

struct keyring *store_lock(struct keyring *keyring)
{
	pthread_mutex_lock(&keyring->mutex);
	return keyring;
}

void store_unlock(struct keyring *keyring)
{
	if (keyring)
		pthread_mutex_unlock(&keyring->mutex);
}

void store_finalize(sqlite3_stmt *statement)
{
	(void)sqlite3_finalize(statement);
}

enum fault store_failed(struct keyring *keyring, enum fault kind, struct why *why)
{
	return why_set(why, kind, "keyring '%s': %s", keyring->path, sqlite3_errmsg(keyring->db));
}

static int bind_values(sqlite3_stmt *statement, const char *format, va_list values)
{
	int result = SQLITE_OK;

	for (int at = 1; *format && result == SQLITE_OK; format++, at++) {
		if (*format == 't') {
			result = sqlite3_bind_text(statement, at, va_arg(values, const char *), -1,
						   SQLITE_TRANSIENT);
		} else if (*format == 'i') {
			result = sqlite3_bind_int64(statement, at, va_arg(values, int64_t));
		} else {
			const void *blob = va_arg(values, const void *);
			size_t size = va_arg(values, size_t);
			result = sqlite3_bind_blob64(statement, at, blob, size, SQLITE_TRANSIENT);
		}
	}
	return result;
}

static enum fault query(struct keyring *keyring, sqlite3_stmt **ret_statement, struct why *why,
			const char *sql, const char *format, va_list values)
{
	AUTO(store_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(keyring->db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    bind_values(statement, format, values) != SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_READ, why);
	*ret_statement = TAKE(statement);
	return FAULT_NONE;
}

enum fault store_query(struct keyring *keyring, sqlite3_stmt **ret_statement, struct why *why,
		       const char *sql, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	enum fault fault = query(keyring, ret_statement, why, sql, format, values);
	va_end(values);
	return fault;
}

enum fault store_next(struct keyring *keyring, sqlite3_stmt *statement, bool *ret_row, struct why *why)
{
	int result = sqlite3_step(statement);

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return store_failed(keyring, FAULT_KEYRING_READ, why);
	*ret_row = result == SQLITE_ROW;
	return FAULT_NONE;
}

enum fault store_run(struct keyring *keyring, struct why *why, const char *sql, const char *format, ...)
{
	AUTO(store_finalize) sqlite3_stmt *statement = NULL;
	va_list values;
	va_start(values, format);
	enum fault fault = query(keyring, &statement, why, sql, format, values);
	va_end(values);
	if (fault)
		return fault;
	int result;
	do
		result = sqlite3_step(statement);
	while (result == SQLITE_ROW);
	return result == SQLITE_DONE ? FAULT_NONE : store_failed(keyring, FAULT_KEYRING_WRITE, why);
}

enum fault store_begin(struct keyring *keyring, struct why *why)
{
	return store_run(keyring, why, "BEGIN IMMEDIATE", "");
}

enum fault store_end(struct keyring *keyring, enum fault fault, struct why *why)
{
	if (!fault)
		fault = store_run(keyring, why, "COMMIT", "");
	if (fault)
		(void)sqlite3_exec(keyring->db, "ROLLBACK", NULL, NULL, NULL);
	return fault;
}

bool store_blob(sqlite3_stmt *statement, int column, void *out, size_t size)
{
	const void *blob = sqlite3_column_blob(statement, column);

	if (!blob || (size_t)sqlite3_column_bytes(statement, column) != size)
		return false;
	memcpy(out, blob, size);
	return true;
}
