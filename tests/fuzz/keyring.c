/* Rows of a keyring that somebody else wrote: bytes become the stored blobs and texts. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyring.h"

static char path[] = "keyring-fuzz.db";

static const char *const columns[] = {
	"UPDATE identity SET sealed = ?",
	"UPDATE identity SET id = ?",
	"UPDATE identity SET sign_public = ?",
	"UPDATE slots SET salt = ?",
	"UPDATE slots SET sealed = ?",
	"UPDATE certificates SET text = CAST(? AS TEXT)",
	"INSERT OR REPLACE INTO share_pins VALUES ('/x', ?1, 1, ?1)",
	"INSERT OR REPLACE INTO folder_pins VALUES (zeroblob(16), '', ?1, 1, ?1, ?1)",
	"UPDATE slots SET mib = 0, passes = length(?)",
};

static void make_keyring(void)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *passphrase = NULL;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	const char *left[] = {"keyring-fuzz.db", "keyring-fuzz.db-wal", "keyring-fuzz.db-shm"};

	for (size_t i = 0; i < 3; i++)
		(void)unlink(left[i]);
	if (secret_start(&why) || secret_copy("x", 1, &passphrase, &why))
		abort();
	const struct keyring_new_options options = {
		.path = path, .name = "fuzz", .passphrase = passphrase, .kdf_mib = KEYRING_KDF_MIB_FLOOR};
	if (keyring_create(&options, &keyring, &why))
		abort();
}

static void put(sqlite3 *db, const char *sql, const uint8_t *data, size_t size)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
		sqlite3_bind_blob64(statement, 1, data, size, SQLITE_STATIC);
		(void)sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
}

static void use(struct keyring *keyring)
{
	struct pin_share share_pin;
	struct pin_folder folder_pin = {.file = BYTES_EMPTY};
	struct keyring_people people = {NULL, 0};
	struct certificate *own = NULL;
	struct secret *master = NULL;
	const struct share_id share = {{0}};

	if (secret_new(KEY_SIZE, &master, NULL) == FAULT_NONE)
		(void)!keyring_unlock_with_master(keyring, master, NULL);
	secret_free(master);
	if (keyring_own_certificate(keyring, &own, NULL) == FAULT_NONE)
		certificate_free(own);
	if (keyring_people(keyring, &people, NULL) == FAULT_NONE)
		keyring_people_done(&people);
	(void)!keyring_share_pin(keyring, "/x", &share_pin, NULL);
	if (keyring_folder_pin(keyring, &share, "", &folder_pin, NULL) == FAULT_NONE)
		pin_folder_done(&folder_pin);
	(void)keyring_has_token(keyring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int made;
	sqlite3 *db = NULL;
	struct keyring *keyring = NULL;

	if (!made++)
		make_keyring();
	if (size < 1 || sqlite3_open(path, &db) != SQLITE_OK)
		return 0;
	put(db, columns[data[0] % (sizeof columns / sizeof *columns)], data + 1, size - 1);
	sqlite3_close(db);
	if (keyring_open(path, &keyring, NULL) == FAULT_NONE)
		use(keyring);
	keyring_close(keyring);
	return 0;
}
