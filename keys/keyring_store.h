/* keys/keyring_store.h - the sqlite3 side of the keyring, for keys/keyring*.c alone.
 *
 * Queries are those of base/query.h, so that what arrives in a struct has the right form:
 *
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

#include "base/query.h"
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
