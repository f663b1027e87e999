#include "keys/keyring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define DEFAULT_NAME "fsenc/keyring.db"
#define DIRECTORY_MODE 0700
#define FILE_MODE 0600

/* The words of errno; the kind says that it is the keyring. */
static enum fault cannot(enum fault kind, const char *what, const char *path, struct why *why)
{
	(void)why_system(why, "cannot %s '%s'", what, path);
	return kind;
}

static enum fault new_text(int printed, struct why *why)
{
	return printed < 0 ? why_set(why, FAULT_MEMORY, "no memory for a path") : FAULT_NONE;
}

enum fault keyring_default_path(char **ret_path, struct why *why)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int printed;

	/* The XDG base directory specification: a relative path is to be ignored. */
	if (data && data[0] == '/')
		printed = asprintf(&path, "%s/" DEFAULT_NAME, data);
	else if (home && home[0] == '/')
		printed = asprintf(&path, "%s/.local/share/" DEFAULT_NAME, home);
	else
		return why_set(
			why, FAULT_KEYRING_READ,
			"neither HOME nor XDG_DATA_HOME says where the keyring is; name it with --keyring");
	enum fault fault = new_text(printed, why);
	if (!fault)
		*ret_path = path;
	return fault;
}

/* -- an existing file ----------------------------------------------------------------- */

static enum fault check_mode(const char *path, struct why *why)
{
	struct stat stat_of_it;

	if (stat(path, &stat_of_it) != 0)
		return cannot(FAULT_KEYRING_READ, "look at", path, why);
	if (!S_ISREG(stat_of_it.st_mode))
		return why_set(why, FAULT_KEYRING_READ, "'%s' is not a keyring but no regular file at all",
			       path);
	if (stat_of_it.st_mode & 077)
		return why_set(
			why, FAULT_KEYRING_READ,
			"others may read the keyring '%s': run 'chmod 600' on it, then 'fsenc key passwd'",
			path);
	return FAULT_NONE;
}

enum fault keyring_file_find(const char *path, char **ret_real, struct why *why)
{
	AUTO(free) char *real = realpath(path, NULL);
	if (!real && (errno == ENOENT || errno == ENOTDIR))
		return why_set(why, FAULT_MISSING, "there is no keyring at '%s': run 'fsenc setup' first",
			       path);
	if (!real)
		return cannot(FAULT_KEYRING_READ, "find the keyring", path, why);
	enum fault fault = check_mode(real, why);
	if (!fault)
		*ret_real = TAKE(real);
	return fault;
}

/* -- a new file ----------------------------------------------------------------------- */

static bool is_there(const char *path)
{
	struct stat unused;

	return lstat(path, &unused) == 0;
}

enum fault keyring_file_is_free(const char *path, struct why *why)
{
	AUTO(free) char *log = NULL;
	enum fault fault = new_text(asprintf(&log, "%s-wal", path), why);
	if (fault)
		return fault;
	if (is_there(path))
		return why_set(why, FAULT_EXISTS, "there is a keyring at '%s' already", path);
	if (is_there(log)) /* sqlite3 would play it into the new file */
		return why_set(why, FAULT_EXISTS, "'%s' is left of an earlier keyring: move it away first",
			       log);
	return FAULT_NONE;
}

static enum fault make_directories(const char *path, struct why *why)
{
	AUTO(free) char *part = strdup(path);
	if (!part)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		bool made = mkdir(part, DIRECTORY_MODE) == 0;
		if (!made && errno != EEXIST)
			return cannot(FAULT_KEYRING_WRITE, "make the directory", part, why);
		if (made && chmod(part, DIRECTORY_MODE) != 0) /* whatever the umask is */
			return cannot(FAULT_KEYRING_WRITE, "set the mode of", part, why);
		*slash = '/';
	}
	return FAULT_NONE;
}

enum fault keyring_file_claim(const char *path, char **ret_draft, struct why *why)
{
	AUTO(free) char *draft = NULL;
	enum fault fault = make_directories(path, why);
	if (!fault)
		fault = new_text(asprintf(&draft, "%s.new-%08x", path, randombytes_random()), why);
	if (fault)
		return fault;
	AUTO(file_close) int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return cannot(FAULT_KEYRING_WRITE, "make", draft, why);
	if (fchmod(fd, FILE_MODE) != 0) {
		fault = cannot(FAULT_KEYRING_WRITE, "set the mode of", draft, why);
		keyring_file_drop(draft);
		return fault;
	}
	*ret_draft = TAKE(draft);
	return FAULT_NONE;
}

static enum fault sync_directory_of(const char *path, struct why *why)
{
	AUTO(free) char *directory = strdup(path);
	if (!directory)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	char *slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = 0;
	AUTO(file_close) int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cannot(FAULT_KEYRING_WRITE, "open the directory of", path, why);
	enum fault fault = file_sync_directory(fd, why);
	return fault ? FAULT_KEYRING_WRITE : FAULT_NONE;
}

/* link() where the file system knows no RENAME_NOREPLACE: it refuses to replace as well. */
static bool rename_without_replacing(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (link(from, to) != 0)
		return false;
	(void)unlink(from);
	return true;
}

enum fault keyring_file_publish(const char *draft, const char *path, struct why *why)
{
	enum fault fault = keyring_file_is_free(path, why);
	if (fault)
		return fault;
	if (!rename_without_replacing(draft, path)) {
		if (errno == EEXIST)
			return why_set(why, FAULT_EXISTS, "there is a keyring at '%s' already", path);
		return cannot(FAULT_KEYRING_WRITE, "make", path, why);
	}
	return sync_directory_of(path, why);
}

void keyring_file_drop(const char *draft)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char name[PATH_MAX + 16];
		if ((size_t)snprintf(name, sizeof name, "%s%s", draft, ends[i]) < sizeof name)
			(void)unlink(name);
	}
}

/* -- layout --------------------------------------------------------------------------- */

#define APPLICATION_ID 0x46534b52 /* "FSKR" */

/* Step i leads from layout i to i + 1. A step that was ever released is never changed. */
static const char *const steps[] = {
	/* `one` keeps it to one row: a keyring is one person's. */
	"CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL,"
	" name TEXT NOT NULL, sign_public BLOB NOT NULL, encrypt_public BLOB NOT NULL,"
	" sealed BLOB NOT NULL) STRICT;"
	/* At most one slot a kind now: passphrase and token replace themselves. */
	"CREATE TABLE slots (kind INTEGER PRIMARY KEY, passes INTEGER NOT NULL, mib INTEGER NOT NULL,"
	" salt BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE certificates (fingerprint BLOB NOT NULL PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" name TEXT NOT NULL, certificate TEXT NOT NULL, trusted INTEGER NOT NULL,"
	" added INTEGER NOT NULL) STRICT;"
	"CREATE INDEX certificates_by_name ON certificates (name);"
	/* Paths are blobs: the bytes of a name need not be UTF-8. */
	"CREATE TABLE share_pins (path BLOB NOT NULL PRIMARY KEY, share BLOB NOT NULL,"
	" version INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;"
	/* A displaced pin has lost its place to another known folder: it still guards the folder's version.
	 */
	"CREATE TABLE folder_pins (share BLOB NOT NULL, folder BLOB NOT NULL, path BLOB NOT NULL,"
	" displaced INTEGER NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL, file BLOB NOT NULL,"
	" PRIMARY KEY (share, folder)) STRICT;"
	"CREATE UNIQUE INDEX folder_pins_by_path ON folder_pins (share, path) WHERE displaced = 0;",

	/* The organisation. `version` and `digest` are of `object`: what was seen never goes back. */
	"CREATE TABLE organisation (one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint BLOB NOT NULL,"
	" object TEXT NOT NULL, version INTEGER NOT NULL, digest BLOB NOT NULL, account BLOB NOT NULL,"
	" certificate TEXT NOT NULL) STRICT;"
	"CREATE TABLE servers (number INTEGER PRIMARY KEY, id BLOB NOT NULL, url TEXT NOT NULL,"
	" authority TEXT NOT NULL) STRICT;"
	"CREATE TABLE policy (one INTEGER PRIMARY KEY CHECK (one = 1), object TEXT NOT NULL,"
	" version INTEGER NOT NULL, digest BLOB NOT NULL, received INTEGER NOT NULL,"
	" source TEXT NOT NULL) STRICT;"
	"CREATE TABLE groups (id BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL, object TEXT NOT NULL,"
	" version INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;"
	"CREATE INDEX groups_by_name ON groups (name);"
	"CREATE TABLE countdown (one INTEGER PRIMARY KEY CHECK (one = 1), boot_id BLOB NOT NULL,"
	" boot_end INTEGER NOT NULL, wall_end INTEGER NOT NULL, length INTEGER NOT NULL) STRICT;"
	/* A number is never used again: what was carried out once is not taken for something else. */
	"CREATE TABLE deferred (number INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
	" directory BLOB NOT NULL, who TEXT NOT NULL, role INTEGER NOT NULL, created INTEGER NOT NULL,"
	" trouble TEXT NOT NULL) STRICT;",

	/* A row: the recovery token was used, and no key server was there to keep a new one. */
	"CREATE TABLE token_use (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;",
};
#define LAYOUT ((int64_t)(sizeof steps / sizeof *steps))

static enum fault read_number(struct keyring *held, const char *sql, int64_t *ret_number, struct why *why)
{
	static const struct column column[] = {
		{.form = COLUMN_INTEGER, .size = sizeof(int64_t), .least = INT64_MIN, .most = INT64_MAX}};
	int64_t number;
	const struct query query = {.sql = sql, COLUMNS(column), .into = &number};
	enum fault fault = store_find(held, &query, why);
	if (!fault)
		*ret_number = number;
	return fault;
}

/* Another process may have done the step while this one waited for its turn. */
static enum fault take_step(struct keyring *held, int64_t layout, struct why *why)
{
	int64_t now;
	char stamp[64];
	enum fault fault = read_number(held, "PRAGMA user_version", &now, why);
	if (fault || now != layout)
		return fault;
	fault = store_script(held, steps[layout], why);
	(void)snprintf(stamp, sizeof stamp, "PRAGMA user_version = %" PRId64, layout + 1);
	return fault ? fault : store_script(held, stamp, why);
}

static enum fault migrate(struct keyring *held, int64_t layout, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (; layout < LAYOUT && !fault; layout++) {
		fault = store_begin(held, why);
		if (!fault)
			fault = store_end(held, take_step(held, layout, why), why);
	}
	return fault;
}

static enum fault check_layout(struct keyring *held, struct why *why)
{
	int64_t application, layout = 0;
	enum fault fault = read_number(held, "PRAGMA application_id", &application, why);
	if (!fault)
		fault = read_number(held, "PRAGMA user_version", &layout, why);
	if (fault)
		return fault;
	if (application != APPLICATION_ID || layout < 1)
		return why_set(why, FAULT_KEYRING_READ, "'%s' is not a keyring", held->path);
	if (layout > LAYOUT)
		return why_set(why, FAULT_KEYRING_READ,
			       "keyring '%s' was written by a newer fsenc (layout %" PRId64
			       ", this one knows %" PRId64 "): update fsenc on this machine",
			       held->path, layout, LAYOUT);
	return migrate(held, layout, why);
}

static enum fault lay_out(struct keyring *held, struct why *why)
{
	char stamp[96];

	(void)snprintf(stamp, sizeof stamp, "PRAGMA journal_mode = WAL; PRAGMA application_id = %d",
		       APPLICATION_ID);
	enum fault fault = store_script(held, stamp, why);
	return fault ? fault : migrate(held, 0, why);
}

/* -- connection ----------------------------------------------------------------------- */

#define BUSY_TIMEOUT_MS 10000

static enum fault keyring_new(const char *path, struct keyring **ret_keyring, struct why *why)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);
	if (!keyring)
		return why_set(why, FAULT_MEMORY, "no memory for a keyring");
	(void)pthread_mutex_init(&keyring->mutex, NULL);
	*ret_keyring = keyring;
	keyring->path = strdup(path);
	return keyring->path ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for a path");
}

/* secure_delete: an old slot's bytes do not stay behind in free pages. */
static enum fault configure(struct keyring *held, struct why *why)
{
	(void)sqlite3_busy_timeout(held->db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(held->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(held->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(held->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(held->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	int result = sqlite3_exec(
		held->db,
		"PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
		"PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0",
		NULL, NULL, NULL);
	return result == SQLITE_OK ? FAULT_NONE : store_failed(held, FAULT_KEYRING_READ, why);
}

enum fault keyring_connect(const char *path, bool fresh, struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = keyring_new(path, &keyring, why);
	if (fault)
		return fault;
	if (sqlite3_open_v2(path, &keyring->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return store_failed(keyring, FAULT_KEYRING_READ, why);
	fault = configure(keyring, why);
	if (!fault)
		fault = fresh ? lay_out(keyring, why) : check_layout(keyring, why);
	if (!fault)
		*ret_keyring = TAKE(keyring);
	return fault;
}
