#include "keys/session.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>

#include "keys/kdf.h"

#define KEY_TYPE "user"
#define KEY_NAME "fsenc:"
#define NAME_SIZE (sizeof KEY_NAME + DIGEST_TEXT_SIZE)

/* The processes of the user find and read it also where their session does not possess the user's keyring
 * (services, sudo); SETATTR is what revoking needs. */
#define PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH | KEY_USR_SETATTR)

static const struct {
	int error;
	enum fault fault;
	const char *words;
} reasons[] = {
	{ENOKEY, FAULT_MISSING, "no key is kept for this session"},
	{EKEYEXPIRED, FAULT_MISSING, "the key kept for this session has expired"},
	{EKEYREVOKED, FAULT_MISSING, "the key kept for this session was revoked"},
	{ENOSYS, FAULT_UNSUPPORTED, "this kernel keeps no keys"},
	{EOPNOTSUPP, FAULT_UNSUPPORTED, "this kernel keeps no keys"},
	{EPERM, FAULT_UNSUPPORTED, "this process may not use the kernel's keys (a container forbids it)"},
	{EDQUOT, FAULT_SYSTEM, "the kernel keeps no more keys for this user"},
};

static enum fault failed(struct why *why)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].error == errno)
			return why_set(why, reasons[i].fault, "%s", reasons[i].words);
	return why_system(why, "the kernel refuses the key of the session");
}

/* "fsenc:" and a hash, so that /proc/keys tells nobody where keyrings lie. */
static enum fault key_name(const char *keyring_path, char name[static NAME_SIZE], struct why *why)
{
	AUTO(free) char *real = realpath(keyring_path, NULL);
	if (!real && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "there is no keyring at '%s'", keyring_path);
	if (!real)
		return why_system(why, "cannot find the keyring '%s'", keyring_path);
	const struct digest digest = kdf_hash(KDF_SESSION, real, strlen(real));
	memcpy(name, KEY_NAME, sizeof KEY_NAME - 1);
	digest_text(&digest, name + sizeof KEY_NAME - 1);
	return FAULT_NONE;
}

/* -- storing -------------------------------------------------------------------------- */

static enum fault limit_and_show(key_serial_t key, unsigned seconds, struct why *why)
{
	if (keyctl_setperm(key, PERMISSIONS) != 0 || keyctl_set_timeout(key, seconds) != 0 ||
	    keyctl_link(key, KEY_SPEC_USER_KEYRING) != 0)
		return failed(why);
	return FAULT_NONE;
}

/* Made in the thread's own keyring, which possesses it, and shown to the user's other processes when
 * permissions and timeout are set; the link takes the place of an older key of that name. */
enum fault session_store(const char *keyring_path, const struct secret *master, unsigned seconds,
			 struct why *why)
{
	char name[NAME_SIZE];
	if (seconds == 0)
		return why_set(why, FAULT_INVALID, "a key is kept for at least a second");
	enum fault fault = key_name(keyring_path, name, why);
	if (fault)
		return fault;
	key_serial_t key = add_key(KEY_TYPE, name, secret_bytes(master), secret_size(master),
				   KEY_SPEC_THREAD_KEYRING);
	if (key < 0)
		return failed(why);
	fault = limit_and_show(key, seconds, why);
	if (fault)
		(void)keyctl_revoke(key);
	(void)keyctl_unlink(key, KEY_SPEC_THREAD_KEYRING);
	return fault;
}

/* -- finding -------------------------------------------------------------------------- */

static enum fault find(const char *keyring_path, key_serial_t *ret_key, struct why *why)
{
	char name[NAME_SIZE];
	enum fault fault = key_name(keyring_path, name, why);
	if (fault)
		return fault;
	long key = keyctl_search(KEY_SPEC_USER_KEYRING, KEY_TYPE, name, 0);
	if (key < 0)
		return failed(why);
	*ret_key = (key_serial_t)key;
	return FAULT_NONE;
}

enum fault session_load(const char *keyring_path, struct secret **ret_master, struct why *why)
{
	key_serial_t key = 0;
	AUTO(secret_free) struct secret *master = NULL;
	enum fault fault = find(keyring_path, &key, why);
	if (!fault)
		fault = secret_new(KEY_SIZE, &master, why);
	if (fault)
		return fault;
	long size = keyctl_read(key, (char *)secret_bytes_to_fill(master), KEY_SIZE);
	if (size < 0)
		return failed(why);
	if (size != KEY_SIZE)
		return why_set(why, FAULT_MISSING, "what is kept for this session is not a key of ours");
	*ret_master = TAKE(master);
	return FAULT_NONE;
}

enum fault session_forget(const char *keyring_path, struct why *why)
{
	key_serial_t key = 0;
	enum fault fault = find(keyring_path, &key, why);
	if (!fault && keyctl_revoke(key) != 0)
		fault = failed(why);
	return fault == FAULT_MISSING ? FAULT_NONE : fault;
}
