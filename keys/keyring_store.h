/* keys/keyring_store.h - the sqlite3 side of the keyring, for keys/keyring*.c alone.
 *
 * A query is SQL with two tables: the values it binds and the columns that its rows fill. A
 * column of another type, size or range than its line in the table says is damage, so
 * that what arrives in a struct has the right form whatever somebody wrote into the file:
 *
 *     const struct query query = {
 *             .sql = "SELECT mib, salt FROM slots WHERE kind = ?",
 *             VALUES(VALUE_INTEGER(kind)), COLUMNS(columns), .into = &row,
 *     };
 *     fault = store_find(held, &query, why);
 *
 * Everything here wants the keyring held, and so do the functions of the other private headers:
 *
 *     AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
 *
 * Failures of sqlite3 are FAULT_KEYRING_READ in a query and FAULT_KEYRING_WRITE in a change.
 */
#ifndef FSENC_KEYS_KEYRING_STORE_H
#define FSENC_KEYS_KEYRING_STORE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "keys/keyring.h"

#define IDENTITY_SEALED_SIZE (32 + 24 + IDENTITY_PRIVATE_SIZE + 16) /* keys/keyring_seal.h */

/* The row of the table `identity`: written once, so it is read once. */
struct own_identity {
	struct public_identity public;
	uint8_t sealed[IDENTITY_SEALED_SIZE];
};

struct keyring {
	pthread_mutex_t mutex; /* over db, master and identity */
	sqlite3 *db;
	char *path;
	struct own_identity own;
	struct secret *master; /* NULL while locked; then never changed */
	struct identity *identity;
};

struct keyring *keyring_hold(struct keyring *keyring);
void keyring_let_go(struct keyring *keyring);
AUTO_POINTER(struct keyring *, keyring_let_go);

/* -- values and columns --------------------------------------------------------------- */

enum value_form { VALUE_FORM_INTEGER, VALUE_FORM_BLOB, VALUE_FORM_TEXT };

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

/* -- queries and changes -------------------------------------------------------------- */

/* The first row; FAULT_MISSING when there is none. `into` is changed also on failure. */
MUST_CHECK enum fault store_find(struct keyring *held, const struct query *query, struct why *why);

/* `each` after every row; a fault of it ends the walk. */
typedef enum fault (*store_row)(void *context, struct why *why);
MUST_CHECK enum fault store_each(struct keyring *held, const struct query *query, store_row each,
				 void *context, struct why *why);

/* For a statement without rows; *ret_changed (may be NULL) is how many rows it touched. */
MUST_CHECK enum fault store_change(struct keyring *held, const struct query *query, int64_t *ret_changed,
				   struct why *why);
/* SQL without values, several statements with ';'. */
MUST_CHECK enum fault store_script(struct keyring *held, const char *sql, struct why *why);

/* One transaction that other processes see whole or not at all; what is read in it stays true until it ends.
 *
 *     fault = store_begin(held, why);
 *     return fault ? fault : store_end(held, work(held, ..., why), why);
 */
MUST_CHECK enum fault store_begin(struct keyring *held, struct why *why);
MUST_CHECK enum fault store_end(struct keyring *held, enum fault fault, struct why *why);

/* FAULT_KEYRING_READ for a row that cannot be what we wrote. */
enum fault store_damaged(const struct keyring *keyring, const char *what, struct why *why);
/* A failure of sqlite3, in words that help. `kind` is FAULT_KEYRING_READ or FAULT_KEYRING_WRITE. */
enum fault store_failed(const struct keyring *keyring, enum fault kind, struct why *why);

#endif
