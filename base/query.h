/* base/query.h - a question to a database: the values it binds, and the columns that its rows fill.
 *
 * A column of another type, size or range than its line in the table says is damage, so that what arrives in
 * a struct has the right form whatever somebody wrote into the file:
 *
 *     static const struct column columns[] = {
 *             {COLUMN_INTEGER, COLUMN_AT(struct slot, mib), .least = 64, .most = 4096},
 *             {COLUMN_EXACT, COLUMN_AT(struct slot, salt)},
 *     };
 *     const struct query query = {
 *             .sql = "SELECT mib, salt FROM slots WHERE kind = ?",
 *             VALUES(VALUE_INTEGER(kind)), COLUMNS(columns), .into = &row,
 *     };
 *
 * Who runs it (keys/keyring_store.h, server/store_engine.h) knows a database; this header knows none. A plain
 * value, valid as long as what it points at.
 */
#ifndef FSENC_BASE_QUERY_H
#define FSENC_BASE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* What is bound, and what a row's cell holds. NOTHING (SQL's NULL) fits no column and is never bound. */
enum value_form { VALUE_FORM_NOTHING, VALUE_FORM_INTEGER, VALUE_FORM_BLOB, VALUE_FORM_TEXT };

struct value {
	enum value_form form;
	int64_t integer;
	const void *data; /* borrowed until the query is over */
	size_t size;
};

#define VALUE_INTEGER(number) \
	{ \
		.form = VALUE_FORM_INTEGER, .integer = (int64_t)(number) \
	}
#define VALUE_BLOB(bytes, count) \
	{ \
		.form = VALUE_FORM_BLOB, .data = (bytes), .size = (count) \
	}
#define VALUE_ID(id) VALUE_BLOB((id)->bytes, sizeof(id)->bytes)
#define VALUE_TEXT(words) \
	{ \
		.form = VALUE_FORM_TEXT, .data = (words), .size = strlen(words) \
	}

enum column_form {
	COLUMN_INTEGER, /* an int64_t or uint64_t, `least`..`most` */
	COLUMN_SMALL, /* the same in an enum or a number of 4 bytes, or a bool of one */
	COLUMN_EXACT, /* a blob of exactly `size` bytes */
	COLUMN_NAME, /* text in an array of `size` characters */
	COLUMN_BYTES, /* a blob in a struct bytes, whose room is used again for the next row */
	COLUMN_WORDS, /* the same for text or a path: no zero byte in it */
};

struct column {
	enum column_form form;
	size_t offset;
	size_t size;
	int64_t least;
	int64_t most;
};

#define COLUMN_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct query {
	const char *sql;
	const struct value *values;
	size_t value_count;
	const struct column *columns;
	size_t column_count;
	void *into;
};

#define VALUES(...) \
	.values = (const struct value[]){__VA_ARGS__}, \
	.value_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)
#define COLUMNS(table) .columns = (table), .column_count = sizeof(table) / sizeof *(table)

/* Puts a cell where column `at` says; *ret_fits is false when it has not the column's form. FAULT_MEMORY. */
MUST_CHECK enum fault query_fill(const struct query *query, size_t at, const struct value *cell,
				 bool *ret_fits, struct why *why);

#endif
