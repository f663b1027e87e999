#include "keys/session.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>

#include "keys/kdf.h"

#define KEY_TYPE "user"
#define NAME_SIZE 64
#define OURS_ALONE \
	(KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH | KEY_USR_WRITE | KEY_USR_SETATTR)

/* "fsenc:" and a hash, so that the list of keys tells nobody where keyrings lie. */
static void key_name(const char *keyring_path, char name[static NAME_SIZE])
{
	struct digest digest = kdf_hash(KDF_SESSION, keyring_path, strlen(keyring_path));
	char text[DIGEST_TEXT_SIZE];

	digest_text(&digest, text);
	(void)snprintf(name, NAME_SIZE, "fsenc:%.32s", text);
}

static enum fault failed(struct why *why, const char *what)
{
	if (errno == ENOSYS || errno == EOPNOTSUPP)
		return why_set(why, FAULT_UNSUPPORTED, "this kernel keeps no keys");
	return why_system(why, "cannot %s the key in the kernel", what);
}

static bool is_gone(int error)
{
	return error == ENOKEY || error == EKEYREVOKED || error == EKEYEXPIRED;
}

enum fault session_store(const char *keyring_path, const struct secret *master, unsigned seconds,
			 struct why *why)
{
	char name[NAME_SIZE];
	key_name(keyring_path, name);
	key_serial_t key = add_key(KEY_TYPE, name, secret_bytes(master), secret_size(master),
				   KEY_SPEC_USER_KEYRING);
	if (key < 0)
		return failed(why, "store");
	if (keyctl_setperm(key, OURS_ALONE) != 0 || keyctl_set_timeout(key, seconds) != 0) {
		enum fault fault = failed(why, "limit");
		(void)keyctl_revoke(key);
		return fault;
	}
	return FAULT_NONE;
}

static enum fault find(const char *keyring_path, key_serial_t *ret_key, struct why *why)
{
	char name[NAME_SIZE];
	key_name(keyring_path, name);
	long key = keyctl_search(KEY_SPEC_USER_KEYRING, KEY_TYPE, name, 0);
	if (key < 0 && is_gone(errno))
		return why_set(why, FAULT_MISSING, "the keyring is not unlocked for this session");
	if (key < 0)
		return failed(why, "find");
	*ret_key = (key_serial_t)key;
	return FAULT_NONE;
}

enum fault session_load(const char *keyring_path, struct secret **ret_master, struct why *why)
{
	key_serial_t key;
	AUTO(secret_free) struct secret *master = NULL;
	enum fault fault = find(keyring_path, &key, why);
	if (!fault)
		fault = secret_new(KEY_SIZE, &master, why);
	if (fault)
		return fault;
	long size = keyctl_read(key, (char *)secret_bytes_to_fill(master), KEY_SIZE);
	if (size < 0 && is_gone(errno))
		return why_set(why, FAULT_MISSING, "the keyring is not unlocked for this session");
	if (size < 0)
		return failed(why, "read");
	if (size != KEY_SIZE)
		return why_set(why, FAULT_MISSING, "the key kept for this session is not ours");
	*ret_master = TAKE(master);
	return FAULT_NONE;
}

enum fault session_forget(const char *keyring_path, struct why *why)
{
	key_serial_t key;
	enum fault fault = find(keyring_path, &key, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (fault)
		return fault;
	(void)keyctl_unlink(key, KEY_SPEC_USER_KEYRING);
	if (keyctl_revoke(key) != 0 && !is_gone(errno))
		return failed(why, "revoke");
	return FAULT_NONE;
}
