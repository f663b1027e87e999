/* keys/keyring_store.h - the sqlite3 side of the keyring, for keys/keyring_*.c alone.
 *
 * Statements are made from SQL and a row of values described by a format, a letter a
 * value: 't' text (const char *), 'i' int64_t, 'b' blob (const void *, size_t). Callers
 * hold keyring->mutex.
 */
#ifndef FSENC_KEYS_KEYRING_STORE_H
#define FSENC_KEYS_KEYRING_STORE_H

#include <pthread.h>
#include <sqlite3.h>

#include "keys/keyring.h"

struct keyring {
	pthread_mutex_t mutex;
	sqlite3 *db;
	char *path;
	struct secret *master; /* NULL while locked */
	struct identity *identity; /* NULL while locked */
};

/* Holds keyring->mutex to the end of the scope: AUTO(store_unlock) struct keyring *held =
 * store_lock(keyring); */
struct keyring *store_lock(struct keyring *keyring);
void store_unlock(struct keyring *keyring);
AUTO_POINTER(struct keyring *, store_unlock);

void store_finalize(sqlite3_stmt *statement);
AUTO_POINTER(sqlite3_stmt *, store_finalize);

/* The kind of a failure of sqlite3 while reading or writing, with its words. */
enum fault store_failed(struct keyring *keyring, enum fault kind, struct why *why);

/* Prepares and binds; rows come from store_next(). */
MUST_CHECK enum fault store_query(struct keyring *keyring, sqlite3_stmt **ret_statement, struct why *why,
				  const char *sql, const char *format, ...);
MUST_CHECK enum fault store_next(struct keyring *keyring, sqlite3_stmt *statement, bool *ret_row,
				 struct why *why);
/* Runs a statement that gives no rows. */
MUST_CHECK enum fault store_run(struct keyring *keyring, struct why *why, const char *sql, const char *format,
				...);
MUST_CHECK enum fault store_begin(struct keyring *keyring, struct why *why);
/* COMMIT when `fault` is none, else ROLLBACK; gives `fault` or what COMMIT says. */
MUST_CHECK enum fault store_end(struct keyring *keyring, enum fault fault, struct why *why);

/* A blob column of exactly `size` bytes. */
MUST_CHECK bool store_blob(sqlite3_stmt *statement, int column, void *out, size_t size);

/* keys/keyring_slots.c */
enum slot_kind { SLOT_PASSPHRASE = 1, SLOT_TOKEN = 2 };
struct slot_cost {
	unsigned mib, passes; /* Argon2id; 0, 0 for a slot whose secret is a key already */
};
MUST_CHECK enum fault slot_cost_for(unsigned mib, struct slot_cost *ret_cost, struct why *why);
/* Wraps `master` under `input` and puts the slot in place of the one of that kind. */
MUST_CHECK enum fault slot_write(struct keyring *keyring, enum slot_kind kind, struct slot_cost cost,
				 const void *input, size_t input_size, const struct secret *master,
				 struct why *why);
/* FAULT_PASSPHRASE when `input` opens no slot of that kind. */
MUST_CHECK enum fault slot_open(struct keyring *keyring, enum slot_kind kind, const void *input,
				size_t input_size, struct secret **ret_master, struct why *why);

/* A key under a passphrase: commitment (32) || nonce (24) || XChaCha20-Poly1305. Also the form of a backup.
 */
#define SLOT_SALT_SIZE 16
#define SLOT_SEALED_SIZE(size) (32 + 24 + (size) + 16)
MUST_CHECK enum fault slot_kek(struct slot_cost cost, const void *input, size_t input_size,
			       const uint8_t salt[static SLOT_SALT_SIZE], struct wiped_key *ret_kek,
			       struct why *why);
void slot_seal(const struct wiped_key *kek, const void *plain, size_t size, uint8_t *sealed);
MUST_CHECK bool slot_unseal(const struct wiped_key *kek, const uint8_t *sealed, size_t sealed_size,
			    void *plain);

/* keys/keyring.c */
MUST_CHECK enum fault keyring_make_with(const struct keyring_new_options *options, struct identity *identity,
					struct keyring **ret_keyring, struct why *why);

#endif
