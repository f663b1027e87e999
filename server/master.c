#include "server/master.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/private_file.h"

struct master {
	struct secret *key;
};

void master_free(struct master *master)
{
	if (!master)
		return;
	secret_free(master->key);
	free(master);
}

/* Takes over `key`. */
static enum fault master_new(struct secret *key, struct master **ret_master, struct why *why)
{
	struct master *master = malloc(sizeof *master);

	if (!master) {
		secret_free(key);
		return why_set(why, FAULT_MEMORY, "no memory for the master key");
	}
	master->key = key;
	*ret_master = master;
	return FAULT_NONE;
}

/* -- the file --------------------------------------------------------------------------- */

static enum fault from_text(const struct secret *text, struct master **ret_master, struct why *why)
{
	AUTO(secret_free) struct secret *key = NULL;
	size_t size;
	enum fault fault = secret_new(KEY_SIZE, &key, why);

	if (fault)
		return fault;
	if (!text_from_base64((const char *)secret_bytes(text), secret_size(text), secret_bytes_to_fill(key),
			      KEY_SIZE, &size) ||
	    size != KEY_SIZE)
		return why_set(why, FAULT_KEYRING_READ, "it is no key");
	return master_new(TAKE(key), ret_master, why);
}

/* FAULT_MISSING when systemd gave us none. */
static enum fault read_credential(struct secret **ret_text, struct why *why)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	AUTO(file_close) int directory = -1;

	if (!path || !*path)
		return why_set(why, FAULT_MISSING, "there are no credentials");
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return why_set(why, FAULT_KEYRING_READ, "cannot open '%s': %s", path, strerror(errno));
	return private_file_read(directory, MASTER_CREDENTIAL, true, ret_text, why);
}

enum fault master_open(int directory, struct master **ret_master, struct why *why)
{
	AUTO(secret_free) struct secret *text = NULL;
	enum fault fault = read_credential(&text, NULL);

	if (fault == FAULT_MISSING)
		fault = private_file_read(directory, MASTER_FILE, false, &text, why);
	if (fault == FAULT_MISSING)
		fault = why_set(why, FAULT_KEYRING_READ, "there is no file '%s' and no credential '%s'",
				MASTER_FILE, MASTER_CREDENTIAL);
	if (!fault)
		fault = from_text(text, ret_master, why);
	return why_in(why, fault, "master key");
}

static enum fault create_file(int directory, const struct secret *key, struct why *why)
{
	AUTO(secret_free) struct secret *text = NULL;
	size_t length = BASE64_LENGTH(KEY_SIZE);
	enum fault fault = secret_new(length + 1, &text, why);

	if (fault)
		return fault;
	text_base64((char *)secret_bytes_to_fill(text), secret_bytes(key), KEY_SIZE);
	secret_bytes_to_fill(text)[length] = '\n';
	return private_file_create(directory, MASTER_FILE, secret_bytes(text), length + 1, why);
}

enum fault master_create(int directory, struct master **ret_master, struct why *why)
{
	AUTO(secret_free) struct secret *text = NULL;
	AUTO(secret_free) struct secret *key = NULL;
	enum fault fault = read_credential(&text, why);

	if (!fault)
		return why_in(why, from_text(text, ret_master, why), "master key");
	if (fault != FAULT_MISSING)
		return why_in(why, fault, "master key");
	fault = secret_new(KEY_SIZE, &key, why);
	if (fault)
		return fault;
	randombytes_buf(secret_bytes_to_fill(key), KEY_SIZE);
	fault = create_file(directory, key, why);
	return fault ? why_in(why, fault, "master key") : master_new(TAKE(key), ret_master, why);
}

/* -- sealing ---------------------------------------------------------------------------- */

/* What it is, then which: no two kinds have contexts of one size. */
#define IDENTITY_CONTEXT_SIZE (ID_SIZE + SIGN_PUBLIC_SIZE + ENCRYPT_PUBLIC_SIZE)
#define SHARE_CONTEXT_SIZE (ID_SIZE + 4 + 4)
_Static_assert(IDENTITY_CONTEXT_SIZE != SHARE_CONTEXT_SIZE, "contexts tell what is sealed");

static void identity_context(const struct public_identity *public,
			     uint8_t context[static IDENTITY_CONTEXT_SIZE])
{
	memcpy(context, public->id.bytes, ID_SIZE);
	memcpy(context + ID_SIZE, public->sign_public, SIGN_PUBLIC_SIZE);
	memcpy(context + ID_SIZE + SIGN_PUBLIC_SIZE, public->encrypt_public, ENCRYPT_PUBLIC_SIZE);
}

static void share_context(const struct stored_group *group, uint8_t context[static SHARE_CONTEXT_SIZE])
{
	memcpy(context, group->id.bytes, ID_SIZE);
	le32_put(context + ID_SIZE, group->epoch);
	le32_put(context + ID_SIZE + 4, group->index);
}

static struct seal seal_of(const struct master *master, const uint8_t *context, size_t size)
{
	return (struct seal){.key = secret_bytes(master->key),
			     .label = KDF_SERVER_SEAL,
			     .context = context,
			     .context_size = size};
}

void master_seal_identity(const struct master *master, const struct identity *identity,
			  struct stored_identity *ret_stored)
{
	uint8_t context[IDENTITY_CONTEXT_SIZE];
	struct seal seal = seal_of(master, context, sizeof context);

	ret_stored->public = *identity_public(identity);
	identity_context(&ret_stored->public, context);
	seal_close(&seal, identity_private_bytes(identity), IDENTITY_PRIVATE_SIZE, ret_stored->sealed);
}

enum fault master_open_identity(const struct master *master, const struct stored_identity *stored,
				struct identity **ret_identity, struct why *why)
{
	AUTO(secret_free) struct secret *private = NULL;
	uint8_t context[IDENTITY_CONTEXT_SIZE];
	struct seal seal = seal_of(master, context, sizeof context);
	enum fault fault = secret_new(IDENTITY_PRIVATE_SIZE, &private, why);

	if (fault)
		return fault;
	identity_context(&stored->public, context);
	if (!seal_open(&seal, stored->sealed, IDENTITY_PRIVATE_SIZE, secret_bytes_to_fill(private)))
		return why_set(why, FAULT_REFUSED,
			       "the private key in the store is not sealed under this master key");
	return identity_restore(&stored->public.id, stored->public.name, secret_bytes(private), ret_identity,
				why);
}

void master_seal_share(const struct master *master, const struct group_share *share,
		       struct stored_group *group)
{
	uint8_t context[SHARE_CONTEXT_SIZE];
	struct seal seal = seal_of(master, context, sizeof context);

	group->index = share->index;
	share_context(group, context);
	seal_close(&seal, share->value.bytes, SCALAR_SIZE, group->share);
}

enum fault master_open_share(const struct master *master, const struct stored_group *group,
			     struct group_share *ret_share, struct why *why)
{
	uint8_t context[SHARE_CONTEXT_SIZE];
	struct seal seal = seal_of(master, context, sizeof context);
	AUTO(scalar_wipe) struct scalar value;

	if (group->index == 0)
		return why_set(why, FAULT_MISSING, "no share of group '%s' lies here", group->name);
	share_context(group, context);
	if (!seal_open(&seal, group->share, SCALAR_SIZE, value.bytes))
		return why_set(why, FAULT_REFUSED,
			       "the share of group '%s' is not sealed under this master key", group->name);
	ret_share->index = group->index;
	ret_share->value = value;
	return FAULT_NONE;
}
