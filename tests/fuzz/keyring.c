/* A keyring that somebody else wrote: the bytes become one stored value, or the text of a backup. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keys/keyring.h"
#include "keys/keyring_service.h"
#include "keys/keyring_backup.h"

static char path[] = "keyring-fuzz.db";
static struct bytes whole; /* the file before anybody touched it */
static char *token;
static struct secret *master;

static const char *const columns[] = {
	"UPDATE identity SET sealed = ?",
	"UPDATE identity SET id = ?",
	"UPDATE identity SET sign_public = ?",
	"UPDATE slots SET salt = ?",
	"UPDATE slots SET sealed = ?",
	"UPDATE certificates SET certificate = CAST(? AS TEXT)",
	"INSERT OR REPLACE INTO share_pins VALUES (CAST('/x' AS BLOB), ?1, 1, ?1)",
	"INSERT OR REPLACE INTO folder_pins VALUES (zeroblob(16), zeroblob(16), x'', 0, 1, zeroblob(32), ?1)",
	"UPDATE slots SET mib = 0, passes = length(?)",
	"UPDATE identity SET encrypt_public = ?",
	"UPDATE identity SET name = CAST(? AS TEXT)",
	"INSERT OR REPLACE INTO folder_pins VALUES (zeroblob(16), ?1, ?1, 0, 1, ?1, ?1)",
	"UPDATE certificates SET fingerprint = ?",
	"INSERT OR REPLACE INTO organisation VALUES (1, zeroblob(32), CAST(?1 AS TEXT), 1, zeroblob(32),"
	" zeroblob(16), '{}')",
	"INSERT OR REPLACE INTO organisation VALUES (1, ?1, '{}', 1, ?1, ?1, CAST(?1 AS TEXT))",
	"INSERT OR REPLACE INTO servers VALUES (1, zeroblob(16), CAST(?1 AS TEXT), CAST(?1 AS TEXT))",
	"INSERT OR REPLACE INTO policy VALUES (1, CAST(?1 AS TEXT), 1, zeroblob(32), 0, CAST(?1 AS TEXT))",
	"INSERT OR REPLACE INTO groups VALUES (zeroblob(16), 'x', CAST(?1 AS TEXT), 1, zeroblob(32))",
	"INSERT OR REPLACE INTO countdown VALUES (1, ?1, length(?1), length(?1), length(?1))",
	"INSERT OR REPLACE INTO deferred VALUES (1, 1, ?1, CAST(?1 AS TEXT), 1, 0, CAST(?1 AS TEXT))",
	NULL, /* no value: the text of a backup */
};

static void forget_file(void)
{
	static const char *const files[] = {"keyring-fuzz.db", "keyring-fuzz.db-wal", "keyring-fuzz.db-shm"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
}

static void make_keyring(void)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *passphrase = NULL;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	const struct secret *borrowed;

	forget_file();
	if (secret_start(&why) || secret_copy("x", 1, &passphrase, &why))
		abort();
	const struct keyring_new_options options = {
		.path = path, .name = "fuzz", .passphrase = passphrase, .kdf_mib = KEYRING_KDF_MIB_FLOOR};
	if (keyring_create(&options, &keyring, &why) || keyring_new_token(keyring, &token, &why) ||
	    keyring_master(keyring, &borrowed, &why) ||
	    secret_copy(secret_bytes(borrowed), KEY_SIZE, &master, &why))
		abort();
	keyring_close(TAKE(keyring));
	if (file_read(AT_FDCWD, path, 1 << 24, &whole, &why))
		abort();
}

static void put_back(void)
{
	forget_file();
	AUTO(file_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || file_pwrite(fd, whole.data, whole.size, 0, NULL, NULL))
		abort();
}

static void put(const char *sql, const uint8_t *data, size_t size)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		abort();
	sqlite3_bind_blob64(statement, 1, data, size, SQLITE_STATIC);
	(void)sqlite3_step(statement); /* two rows may not become alike: then nothing has changed */
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static bool look(void *context, const char *at, const struct pin_folder *pin)
{
	*(size_t *)context += strlen(at) + pin->file.size;
	return true;
}

static enum fault look_at_change(void *context, const struct deferred *deferred, struct why *why)
{
	(void)why;
	*(size_t *)context += strlen(deferred->directory) + strlen(deferred->who);
	return FAULT_NONE;
}

static void use_service(struct keyring *keyring)
{
	AUTO(keyring_organisation_done) struct keyring_organisation organisation = {.object = NULL};
	struct keyring_policy policy;
	struct group_descriptor group;
	struct countdown_stored countdown;
	size_t seen = 0;

	(void)!keyring_organisation(keyring, &organisation, NULL);
	(void)!keyring_policy(keyring, &policy, NULL);
	(void)!keyring_find_group(keyring, "x", &group, NULL, NULL);
	(void)!keyring_countdown(keyring, &countdown, NULL);
	(void)!keyring_each_deferred(keyring, look_at_change, &seen, NULL);
}

static void use(struct keyring *keyring)
{
	struct pin_share share_pin;
	AUTO(pin_folder_done) struct pin_folder folder_pin = {.file = BYTES_EMPTY};
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	AUTO(certificate_free) struct certificate *own = NULL;
	const struct share_id share = {{0}};
	size_t seen = 0;

	(void)!keyring_unlock_with_master(keyring, master, NULL);
	(void)!keyring_unlock_with_token(keyring, token, NULL);
	(void)!keyring_own_certificate(keyring, &own, NULL);
	(void)!keyring_people(keyring, &people, NULL);
	(void)!keyring_share_pin(keyring, "/x", &share_pin, NULL);
	(void)!keyring_folder_pin(keyring, &share, "", &folder_pin, NULL);
	(void)!keyring_each_folder_pin(keyring, &share, look, &seen, NULL);
	use_service(keyring);
}

static void use_backup(const uint8_t *data, size_t size)
{
	AUTO(backup_done) struct backup backup = {.certificate = NULL};

	(void)!backup_read(data, size, &backup, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	if (!master)
		make_keyring();
	if (size < 1)
		return 0;
	const char *sql = columns[data[0] % (sizeof columns / sizeof *columns)];
	if (!sql) {
		use_backup(data + 1, size - 1);
		return 0;
	}
	put_back();
	put(sql, data + 1, size - 1);
	if (keyring_open(path, &keyring, NULL) == FAULT_NONE)
		use(keyring);
	return 0;
}
