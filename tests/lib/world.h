/* tests/lib/world.h - a directory of its own, keyrings of three people, and shares in it.
 *
 *     world_start() and world_end() are the group's set-up and tear-down. Alice and Bob
 *     know and trust each other; Mallory is known to nobody until a test introduces her.
 */
#ifndef FSENC_TESTS_LIB_WORLD_H
#define FSENC_TESTS_LIB_WORLD_H

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/access.h"
#include "fs/folder.h"
#include "tests/lib/unit.h"

#define WORLD_PATH 1024

static char world[256];
static struct keyring *alice, *bob, *mallory;

/* The last eight stay valid. */
static inline char *world_path(const char *format, ...) PRINTF_LIKE(1, 2);
static inline char *world_path(const char *format, ...)
{
	static char paths[8][WORLD_PATH];
	static unsigned next;
	char *path = paths[next++ % 8];
	int length = snprintf(path, WORLD_PATH, "%s/", world);
	va_list values;

	va_start(values, format);
	(void)vsnprintf(path + length, WORLD_PATH - (size_t)length, format, values);
	va_end(values);
	return path;
}

static inline struct secret *world_passphrase(void)
{
	struct why why = WHY_NONE;
	struct secret *words;

	assert_works(secret_copy("correct horse", 13, &words, &why));
	return words;
}

static inline struct keyring *world_person(const char *name)
{
	struct why why = WHY_NONE;
	struct keyring *keyring;
	AUTO(secret_free) struct secret *words = world_passphrase();
	const struct keyring_new_options options = {
		.path = world_path("%s/keyring.db", name), .name = name, .passphrase = words, .kdf_mib = 64};

	assert_works(keyring_create(&options, &keyring, &why));
	return keyring;
}

static inline struct fingerprint world_fingerprint(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certificate = NULL;

	assert_works(keyring_own_certificate(keyring, &certificate, &why));
	return certificate_fingerprint(certificate);
}

static inline void world_introduce(struct keyring *to, struct keyring *who, bool trusted)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certificate = NULL;

	assert_works(keyring_own_certificate(who, &certificate, &why));
	assert_works(keyring_add_certificate(to, certificate, trusted, &why));
}

static inline int world_start(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const char *below = getenv("TMPDIR");

	assert_works(secret_start(&why));
	log_set_level(LOG_LEVEL_ERROR);
	(void)snprintf(world, sizeof world, "%s/fsenc-test-XXXXXX", below ? below : P_tmpdir);
	assert_non_null(mkdtemp(world));
	alice = world_person("alice");
	bob = world_person("bob");
	mallory = world_person("mallory");
	world_introduce(alice, bob, true);
	world_introduce(bob, alice, true);
	return 0;
}

static inline int world_remove(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat, (void)kind, (void)walk;
	return remove(path);
}

static inline int world_end(void **state)
{
	(void)state;
	keyring_close(alice);
	keyring_close(bob);
	keyring_close(mallory);
	return nftw(world, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void world_remove_tree(const char *path)
{
	assert_int_equal(nftw(path, world_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* -- shares --------------------------------------------------------------------------- */

static inline struct share *world_open(const char *path, struct keyring *keyring)
{
	struct why why = WHY_NONE;
	const struct share_options options = {.local = false};
	struct share *share;

	assert_works(share_open(path, &options, keyring, &share, &why));
	return share;
}

/* A share of alice's, opened by her. */
static inline struct share *world_share(const char *name, bool lobby)
{
	struct why why = WHY_NONE;

	assert_works(share_create(world_path("%s", name), lobby, alice, &why));
	return world_open(world_path("%s", name), alice);
}

static inline struct access_place world_root(struct share *share)
{
	return (struct access_place){.share = share, .directory = share_root(share), .path = ""};
}

static inline struct folder_file *world_read(struct share *share)
{
	struct why why = WHY_NONE;
	const struct access_place place = world_root(share);
	struct folder_file *file;

	assert_works(access_read(&place, &file, &why));
	return file;
}

/* -- changes -------------------------------------------------------------------------- */

struct world_change {
	struct keyring *by;
	struct keyring *who;
	const struct certificate *certificate; /* or of somebody without keyring */
	enum role role; /* 0: take out */
};

static inline enum fault world_edit(void *context, const struct folder_file *present,
				    const struct folder_keys *keys, struct folder_file **ret_next,
				    struct why *why)
{
	const struct world_change *change = context;
	const struct identity *identity;
	AUTO(certificate_free) struct certificate *own = NULL;
	enum fault fault = keyring_identity(change->by, &identity, why);
	if (!fault && !change->certificate)
		fault = keyring_own_certificate(change->who, &own, why);
	if (fault)
		return fault;
	const struct certificate *user = change->certificate ? change->certificate : own;
	const struct member_id *id = &certificate_identity(user)->id;
	return change->role
		       ? folder_change_add_user(present, keys, identity, user, change->role, ret_next, why)
		       : folder_change_remove(present, keys, identity, id, 1, ret_next, why);
}

static inline enum fault world_change(const struct access_place *place, struct world_change change,
				      struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;

	return access_change(place, world_edit, &change, &file, why);
}

static inline void world_let_in(struct share *share, struct keyring *who, enum role role)
{
	struct why why = WHY_NONE;
	const struct access_place place = world_root(share);

	assert_works(world_change(&place, (struct world_change){alice, who, NULL, role}, &why));
}

static inline void world_take_out(struct share *share, struct keyring *who)
{
	struct why why = WHY_NONE;
	const struct access_place place = world_root(share);

	assert_works(world_change(&place, (struct world_change){alice, who, NULL, 0}, &why));
}

/* -- what an attacker does ------------------------------------------------------------ */

static inline struct bytes world_slurp(const char *path)
{
	struct why why = WHY_NONE;
	struct bytes bytes = BYTES_EMPTY;

	assert_works(file_read(AT_FDCWD, path, 1u << 26, &bytes, &why));
	return bytes;
}

static inline void world_spill(const char *path, const struct bytes *bytes)
{
	struct why why = WHY_NONE;
	AUTO(file_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_works(file_pwrite(fd, bytes->data, bytes->size, 0, NULL, &why));
}

#endif
