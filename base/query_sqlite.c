#include "base/query_sqlite.h"

#include <assert.h>
#include <stdlib.h>

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
	case VALUE_FORM_NOTHING:
		break;
	}
	abort();
}

int query_sqlite_bind(const struct query *query, sqlite3_stmt *statement)
{
	int result = SQLITE_OK;

	assert((size_t)sqlite3_bind_parameter_count(statement) == query->value_count);
	for (size_t i = 0; result == SQLITE_OK && i < query->value_count; i++)
		result = bind_value(statement, (int)i + 1, &query->values[i]);
	return result;
}

static struct value cell_of(sqlite3_stmt *row, int at)
{
	struct value cell = {.form = VALUE_FORM_NOTHING};

	switch (sqlite3_column_type(row, at)) {
	case SQLITE_INTEGER:
		return (struct value)VALUE_INTEGER(sqlite3_column_int64(row, at));
	case SQLITE_BLOB:
		cell.form = VALUE_FORM_BLOB;
		break;
	case SQLITE_TEXT:
		cell.form = VALUE_FORM_TEXT;
		break;
	default: /* NULL, a floating number */
		return cell;
	}
	cell.data = sqlite3_column_blob(row, at);
	cell.size = (size_t)sqlite3_column_bytes(row, at);
	return cell;
}

enum fault query_sqlite_fill(const struct query *query, sqlite3_stmt *row, const char **ret_misfit,
			     struct why *why)
{
	assert((size_t)sqlite3_column_count(row) == query->column_count);
	for (size_t i = 0; i < query->column_count; i++) {
		struct value cell = cell_of(row, (int)i);
		bool fits = false;
		enum fault fault = query_fill(query, i, &cell, &fits, why);

		if (fault)
			return fault;
		if (!fits) {
			*ret_misfit = sqlite3_column_name(row, (int)i);
			return FAULT_NONE;
		}
	}
	*ret_misfit = NULL;
	return FAULT_NONE;
}

const char *query_sqlite_reason(sqlite3 *db, const char *foreign, const char *corrupt)
{
	const struct {
		int code;
		const char *words;
	} reasons[] = {
		{SQLITE_BUSY, "another process keeps it busy; try again"},
		{SQLITE_FULL, "there is no space left"},
		{SQLITE_NOTADB, foreign},
		{SQLITE_CORRUPT, corrupt},
		{SQLITE_READONLY, "it is read-only"},
		{SQLITE_CANTOPEN, "it cannot be opened; its directory must be writable"},
	};
	int code = sqlite3_errcode(db) & 0xff;

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].words;
	return sqlite3_errmsg(db);
}
