#include "keys/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "keys/kdf.h"
#include "keys/keyring_store.h"

#define APPLICATION_ID 0x46534543 /* "FSEC" */
#define BUSY_TIMEOUT_MS 10000

/* Step i takes a keyring from user_version i to i + 1. Steps are never changed, only added. */
static const char *const migrations[] = {
	"CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL, name TEXT NOT NULL,"
	"  sign_public BLOB NOT NULL, encrypt_public BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE slots (kind INTEGER PRIMARY KEY, mib INTEGER NOT NULL, passes INTEGER NOT NULL,"
	"  salt BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE certificates (fingerprint BLOB PRIMARY KEY, id BLOB NOT NULL, name TEXT NOT NULL,"
	"  text TEXT NOT NULL, own INTEGER NOT NULL, trusted INTEGER NOT NULL, added INTEGER NOT NULL) STRICT;"
	"CREATE INDEX certificates_by_id ON certificates (id);"
	"CREATE TABLE share_pins (path TEXT PRIMARY KEY, share BLOB NOT NULL, version INTEGER NOT NULL,"
	"  digest BLOB NOT NULL) STRICT;"
	"CREATE TABLE folder_pins (share BLOB NOT NULL, path TEXT NOT NULL, folder BLOB NOT NULL,"
	"  version INTEGER NOT NULL, digest BLOB NOT NULL, file BLOB NOT NULL, PRIMARY KEY (share, path)) STRICT;"
	"CREATE UNIQUE INDEX folder_pins_by_id ON folder_pins (share, folder);",
};
#define NEWEST ((int64_t)(sizeof migrations / sizeof *migrations))

enum fault keyring_default_path(char **ret_path, struct why *why)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int size = -1;

	if (data && data[0] == '/')
		size = asprintf(&path, "%s/fsenc/keyring.db", data);
	else if (home && home[0] == '/')
		size = asprintf(&path, "%s/.local/share/fsenc/keyring.db", home);
	else
		return why_set(why, FAULT_KEYRING_READ,
			       "neither XDG_DATA_HOME nor HOME says where the keyring is");
	if (size < 0)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = path;
	return FAULT_NONE;
}

void keyring_close(struct keyring *keyring)
{
	if (!keyring)
		return;
	identity_free(keyring->identity);
	secret_free(keyring->master);
	(void)sqlite3_close(keyring->db);
	free(keyring->path);
	pthread_mutex_destroy(&keyring->mutex);
	free(keyring);
}

const char *keyring_path(const struct keyring *keyring)
{
	return keyring->path;
}

static enum fault read_number(struct keyring *keyring, const char *pragma, int64_t *ret_number,
			      struct why *why)
{
	AUTO(store_finalize) sqlite3_stmt *statement = NULL;
	enum fault fault = store_query(keyring, &statement, why, pragma, "");
	bool row = false;
	if (!fault)
		fault = store_next(keyring, statement, &row, why);
	if (!fault)
		*ret_number = row ? sqlite3_column_int64(statement, 0) : 0;
	return fault;
}

static enum fault migrate_locked(struct keyring *keyring, struct why *why)
{
	int64_t version;
	enum fault fault = read_number(keyring, "PRAGMA user_version", &version, why);
	if (fault)
		return fault;
	for (; version < NEWEST; version++) {
		if (sqlite3_exec(keyring->db, migrations[version], NULL, NULL, NULL) != SQLITE_OK)
			return store_failed(keyring, FAULT_KEYRING_WRITE, why);
	}
	char stamp[100];
	(void)snprintf(stamp, sizeof stamp, "PRAGMA user_version = %d; PRAGMA application_id = %d",
		       (int)NEWEST, APPLICATION_ID);
	if (sqlite3_exec(keyring->db, stamp, NULL, NULL, NULL) != SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_WRITE, why);
	return FAULT_NONE;
}

static enum fault migrate(struct keyring *keyring, struct why *why)
{
	enum fault fault = store_begin(keyring, why);
	if (fault)
		return fault;
	return store_end(keyring, migrate_locked(keyring, why), why);
}

static enum fault check_is_ours(struct keyring *keyring, struct why *why)
{
	int64_t application, version = 0;
	enum fault fault = read_number(keyring, "PRAGMA application_id", &application, why);
	if (!fault)
		fault = read_number(keyring, "PRAGMA user_version", &version, why);
	if (fault)
		return fault;
	if (application != APPLICATION_ID || version < 1)
		return why_set(why, FAULT_KEYRING_READ, "'%s' is not a keyring", keyring->path);
	if (version > NEWEST)
		return why_set(why, FAULT_KEYRING_READ,
			       "keyring '%s' was made by a newer fsenc (layout %lld)", keyring->path,
			       (long long)version);
	return version < NEWEST ? migrate(keyring, why) : FAULT_NONE;
}

static enum fault connect(const char *path, struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = calloc(1, sizeof *keyring);
	if (!keyring)
		return why_set(why, FAULT_MEMORY, "no memory for a keyring");
	pthread_mutex_init(&keyring->mutex, NULL);
	keyring->path = strdup(path);
	if (!keyring->path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW |
		    SQLITE_OPEN_EXRESCODE;
	if (sqlite3_open_v2(path, &keyring->db, flags, NULL) != SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_READ, why);
	(void)sqlite3_busy_timeout(keyring->db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(keyring->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(keyring->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (sqlite3_exec(keyring->db, "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;", NULL, NULL,
			 NULL) != SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_READ, why);
	*ret_keyring = TAKE(keyring);
	return FAULT_NONE;
}

/* -- the seal of the private keys --------------------------------------------------------- */

#define IDENTITY_AAD_SIZE (ID_SIZE + SIGN_PUBLIC_SIZE + ENCRYPT_PUBLIC_SIZE)
#define IDENTITY_SEALED_SIZE (24 + IDENTITY_PRIVATE_SIZE + 16)

static void identity_aad(const struct public_identity *public, uint8_t aad[static IDENTITY_AAD_SIZE])
{
	memcpy(aad, public->id.bytes, ID_SIZE);
	memcpy(aad + ID_SIZE, public->sign_public, SIGN_PUBLIC_SIZE);
	memcpy(aad + ID_SIZE + SIGN_PUBLIC_SIZE, public->encrypt_public, ENCRYPT_PUBLIC_SIZE);
}

static enum fault write_identity(struct keyring *keyring, struct why *why)
{
	const struct public_identity *public = identity_public(keyring->identity);
	AUTO(wiped_key) struct wiped_key key;
	uint8_t aad[IDENTITY_AAD_SIZE], sealed[IDENTITY_SEALED_SIZE];

	identity_aad(public, aad);
	kdf(key.bytes, KEY_SIZE, secret_bytes(keyring->master), KDF_IDENTITY_SEAL, public->id.bytes, ID_SIZE);
	randombytes_buf(sealed, 24);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
		sealed + 24, NULL, identity_private_bytes(keyring->identity), IDENTITY_PRIVATE_SIZE, aad,
		sizeof aad, NULL, sealed, key.bytes);
	return store_run(keyring, why, "INSERT INTO identity VALUES (1, ?, ?, ?, ?, ?)", "btbbb",
			 public->id.bytes, (size_t)ID_SIZE, public->name, public->sign_public,
			 (size_t)SIGN_PUBLIC_SIZE, public->encrypt_public, (size_t)ENCRYPT_PUBLIC_SIZE,
			 sealed, sizeof sealed);
}

static enum fault read_identity_row(struct keyring *keyring, struct public_identity *ret_public,
				    uint8_t ret_sealed[static IDENTITY_SEALED_SIZE], struct why *why)
{
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;
	enum fault fault = store_query(
		keyring, &row, why, "SELECT id, name, sign_public, encrypt_public, sealed FROM identity", "");
	if (!fault)
		fault = store_next(keyring, row, &found, why);
	if (fault)
		return fault;
	if (!found || !store_blob(row, 0, ret_public->id.bytes, ID_SIZE) ||
	    sqlite3_column_bytes(row, 1) > DISPLAY_NAME_MAX || !sqlite3_column_text(row, 1) ||
	    !store_blob(row, 2, ret_public->sign_public, SIGN_PUBLIC_SIZE) ||
	    !store_blob(row, 3, ret_public->encrypt_public, ENCRYPT_PUBLIC_SIZE) ||
	    !store_blob(row, 4, ret_sealed, IDENTITY_SEALED_SIZE))
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s' holds no key of yours", keyring->path);
	(void)snprintf(ret_public->name, sizeof ret_public->name, "%s",
		       (const char *)sqlite3_column_text(row, 1));
	return FAULT_NONE;
}

static enum fault open_identity(struct keyring *keyring, const struct secret *master,
				struct identity **ret_identity, struct why *why)
{
	struct public_identity public;
	uint8_t sealed[IDENTITY_SEALED_SIZE], aad[IDENTITY_AAD_SIZE], opened[IDENTITY_PRIVATE_SIZE];
	enum fault fault = read_identity_row(keyring, &public, sealed, why);
	if (fault)
		return fault;
	AUTO(wiped_key) struct wiped_key key;
	identity_aad(&public, aad);
	kdf(key.bytes, KEY_SIZE, secret_bytes(master), KDF_IDENTITY_SEAL, public.id.bytes, ID_SIZE);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(opened, NULL, NULL, sealed + 24, sizeof sealed - 24,
						       aad, sizeof aad, sealed, key.bytes) != 0)
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s': the private keys are damaged",
			       keyring->path);
	fault = identity_restore(&public.id, public.name, opened, ret_identity, why);
	secret_wipe(opened, sizeof opened);
	return fault;
}

/* -- making and opening --------------------------------------------------------------- */

static enum fault make_directories(const char *path, struct why *why)
{
	AUTO(free) char *copy = strdup(path);
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
			(void)why_system(why, "cannot make '%s'", copy);
			return FAULT_KEYRING_WRITE;
		}
		*slash = '/';
	}
	return FAULT_NONE;
}

static enum fault claim_file(const char *path, struct why *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return why_set(why, FAULT_EXISTS, "there is a keyring at '%s' already", path);
	if (fd < 0) {
		(void)why_system(why, "cannot make '%s'", path);
		return FAULT_KEYRING_WRITE;
	}
	(void)fchmod(fd, 0600);
	file_close(fd);
	return FAULT_NONE;
}

static enum fault fill(struct keyring *keyring, const struct keyring_new_options *options,
		       struct slot_cost cost, struct why *why)
{
	AUTO(certificate_free) struct certificate *own = NULL;
	enum fault fault = secret_new(KEY_SIZE, &keyring->master, why);
	if (fault)
		return fault;
	randombytes_buf(secret_bytes_to_fill(keyring->master), KEY_SIZE);
	if (sqlite3_exec(keyring->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_WRITE, why);
	fault = migrate(keyring, why);
	if (!fault)
		fault = write_identity(keyring, why);
	if (!fault)
		fault = slot_write(keyring, SLOT_PASSPHRASE, cost, secret_bytes(options->passphrase),
				   secret_size(options->passphrase), keyring->master, why);
	if (!fault)
		fault = certificate_self_signed(keyring->identity, &own, why);
	if (!fault)
		fault = keyring_add_certificate(keyring, own, true, why);
	if (!fault)
		fault = store_run(keyring, why, "UPDATE certificates SET own = 1", "");
	return fault;
}

enum fault keyring_make_with(const struct keyring_new_options *options, struct identity *identity,
			     struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(identity_free) struct identity *owned = identity;
	struct slot_cost cost;
	if (secret_size(options->passphrase) == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the passphrase is empty");
	enum fault fault = slot_cost_for(options->kdf_mib, &cost, why);
	if (!fault)
		fault = make_directories(options->path, why);
	if (!fault)
		fault = claim_file(options->path, why);
	if (fault)
		return fault;
	fault = connect(options->path, &keyring, why);
	if (!fault) {
		keyring->identity = TAKE(owned);
		fault = fill(keyring, options, cost, why);
	}
	if (fault) {
		(void)unlink(options->path); /* a keyring that never was */
		return fault;
	}
	*ret_keyring = TAKE(keyring);
	return FAULT_NONE;
}

enum fault keyring_create(const struct keyring_new_options *options, struct keyring **ret_keyring,
			  struct why *why)
{
	struct identity *identity;
	enum fault fault = identity_new(options->name, &identity, why);
	if (fault)
		return fault;
	return keyring_make_with(options, identity, ret_keyring, why);
}

static enum fault check_file(const char *path, struct why *why)
{
	struct stat stat;
	if (lstat(path, &stat) != 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "there is no keyring at '%s'; run 'fsenc setup' first",
			       path);
	if (lstat(path, &stat) != 0) {
		(void)why_system(why, "cannot look at '%s'", path);
		return FAULT_KEYRING_READ;
	}
	if (!S_ISREG(stat.st_mode))
		return why_set(why, FAULT_KEYRING_READ, "'%s' is not a regular file", path);
	if (stat.st_mode & 077)
		return why_set(why, FAULT_KEYRING_READ,
			       "others may read the keyring '%s'; run 'chmod 600' on it", path);
	return FAULT_NONE;
}

enum fault keyring_open(const char *path, struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = check_file(path, why);
	if (!fault)
		fault = connect(path, &keyring, why);
	if (!fault)
		fault = check_is_ours(keyring, why);
	if (fault)
		return fault;
	*ret_keyring = TAKE(keyring);
	return FAULT_NONE;
}

/* -- unlocking -------------------------------------------------------------------------- */

/* Takes `master`. Keeps an identity that is there already: others may have borrowed it. */
static enum fault adopt_master(struct keyring *keyring, struct secret *master, struct why *why)
{
	AUTO(secret_free) struct secret *owned = master;
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	struct identity *identity = NULL;
	enum fault fault = open_identity(held, owned, &identity, why);
	if (fault)
		return fault;
	if (held->identity) {
		identity_free(identity);
		return FAULT_NONE;
	}
	held->identity = identity;
	held->master = TAKE(owned);
	return FAULT_NONE;
}

static enum fault unlock_slot(struct keyring *keyring, enum slot_kind kind, const void *input, size_t size,
			      struct why *why)
{
	struct secret *master = NULL;
	enum fault fault;
	{
		AUTO(store_unlock) struct keyring *held = store_lock(keyring);
		fault = slot_open(held, kind, input, size, &master, why);
	}
	return fault ? fault : adopt_master(keyring, master, why);
}

enum fault keyring_unlock(struct keyring *keyring, const struct secret *passphrase, struct why *why)
{
	if (secret_size(passphrase) == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the passphrase is empty");
	return unlock_slot(keyring, SLOT_PASSPHRASE, secret_bytes(passphrase), secret_size(passphrase), why);
}

enum fault keyring_unlock_with_master(struct keyring *keyring, const struct secret *master, struct why *why)
{
	struct secret *copy;
	if (secret_size(master) != KEY_SIZE)
		return why_set(why, FAULT_PASSPHRASE, "the cached key is not this keyring's");
	enum fault fault = secret_copy(secret_bytes(master), KEY_SIZE, &copy, why);
	return fault ? fault : adopt_master(keyring, copy, why);
}

bool keyring_is_unlocked(struct keyring *keyring)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	return held->identity != NULL;
}

static enum fault locked(struct why *why)
{
	return why_set(why, FAULT_LOCKED, "the keyring is locked; run 'fsenc unlock'");
}

enum fault keyring_identity(struct keyring *keyring, const struct identity **ret_identity, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	if (!held->identity)
		return locked(why);
	*ret_identity = held->identity;
	return FAULT_NONE;
}

enum fault keyring_master(struct keyring *keyring, const struct secret **ret_master, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	if (!held->master)
		return locked(why);
	*ret_master = held->master;
	return FAULT_NONE;
}
