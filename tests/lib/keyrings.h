/* tests/lib/keyrings.h - keyrings for tests, in a directory that goes when the tests are over.
 *
 *     cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
 *     ...
 *     AUTO(keyring_close) struct keyring *alice = keyring_of("alice");
 */
#ifndef FSENC_TESTS_LIB_KEYRINGS_H
#define FSENC_TESTS_LIB_KEYRINGS_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keys/keyring_store.h"
#include "tests/lib/people.h"

#define WORDS "correct horse"

static char keyrings[256];

/* One of the last eight paths asked for. */
static inline const char *keyring_at(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof paths[0], "%s/%s/keyring.db", keyrings, name);
	return path;
}

static inline struct secret *words_of(const char *words)
{
	struct why why = WHY_NONE;
	struct secret *secret = NULL;

	assert_works(secret_copy(words, strlen(words), &secret, &why));
	return secret;
}

static inline enum fault keyring_try(const char *name, const char *words, unsigned mib,
				     struct keyring **ret_keyring, struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = words_of(words);
	const struct keyring_new_options options = {
		.path = keyring_at(name), .name = name, .passphrase = passphrase, .kdf_mib = mib};

	return keyring_create(&options, ret_keyring, why);
}

/* A new one, unlocked. */
static inline struct keyring *keyring_of(const char *name)
{
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;

	assert_works(keyring_try(name, WORDS, KEYRING_KDF_MIB_FLOOR, &keyring, &why));
	return keyring;
}

/* One that is there, locked. */
static inline struct keyring *keyring_again(const char *name)
{
	struct why why = WHY_NONE;
	struct keyring *keyring = NULL;

	assert_works(keyring_open(keyring_at(name), &keyring, &why));
	return keyring;
}

static inline enum fault keyring_unlock_by(struct keyring *keyring, const char *words, struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = words_of(words);

	return keyring_unlock(keyring, passphrase, why);
}

/* How many files lie in the directory of a keyring. */
static inline int entries_beside(const char *name)
{
	char path[512];
	int count = 0;

	(void)snprintf(path, sizeof path, "%s/%s", keyrings, name);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count;
}

/* Runs SQL on the open keyring, past everything that checks. */
static inline void keyring_spoil(struct keyring *keyring, const char *sql)
{
	struct why why = WHY_NONE;
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);

	assert_works(store_script(held, sql, &why));
}

static inline struct bytes file_bytes(const char *path)
{
	struct why why = WHY_NONE;
	struct bytes bytes = BYTES_EMPTY;

	assert_works(file_read(AT_FDCWD, path, 1 << 26, &bytes, &why));
	return bytes;
}

static inline void file_put(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	assert_int_equal(close(fd), 0);
}

static inline int keyrings_remove(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat, (void)kind, (void)walk;
	return remove(path);
}

static inline int keyrings_start(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const char *below = getenv("TMPDIR");

	assert_works(secret_start(&why));
	(void)snprintf(keyrings, sizeof keyrings, "%s/fsenc-keyrings-XXXXXX", below ? below : P_tmpdir);
	return mkdtemp(keyrings) ? 0 : -1;
}

static inline int keyrings_end(void **state)
{
	(void)state;
	return nftw(keyrings, keyrings_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
