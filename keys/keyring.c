#include <assert.h>
#include <string.h>

#include "keys/keyring_file.h"
#include "keys/keyring_make.h"
#include "keys/keyring_people.h"
#include "keys/keyring_seal.h"
#include "keys/keyring_slots.h"

/* -- the private keys ----------------------------------------------------------------- */

#define IDENTITY_CONTEXT_SIZE (ID_SIZE + SIGN_PUBLIC_SIZE + ENCRYPT_PUBLIC_SIZE)

_Static_assert(IDENTITY_SEALED_SIZE == SEALED_SIZE(IDENTITY_PRIVATE_SIZE), "the private keys in their seal");

static void identity_context(const struct public_identity *public,
			     uint8_t context[static IDENTITY_CONTEXT_SIZE])
{
	memcpy(context, public->id.bytes, ID_SIZE);
	memcpy(context + ID_SIZE, public->sign_public, SIGN_PUBLIC_SIZE);
	memcpy(context + ID_SIZE + SIGN_PUBLIC_SIZE, public->encrypt_public, ENCRYPT_PUBLIC_SIZE);
}

static enum fault write_own(struct keyring *held, const struct identity *identity,
			    const struct secret *master, struct why *why)
{
	const struct public_identity *public = identity_public(identity);
	uint8_t context[IDENTITY_CONTEXT_SIZE];
	uint8_t sealed[IDENTITY_SEALED_SIZE];
	const struct seal seal = {secret_bytes(master), KDF_IDENTITY_SEAL, context, sizeof context};

	identity_context(public, context);
	seal_close(&seal, identity_private_bytes(identity), IDENTITY_PRIVATE_SIZE, sealed);
	const struct query query = {
		.sql = "INSERT INTO identity (one, id, name, sign_public, encrypt_public, sealed)"
		       " VALUES (1, ?, ?, ?, ?, ?)",
		VALUES(VALUE_ID(&public->id), VALUE_TEXT(public->name),
		       VALUE_BLOB(public->sign_public, SIGN_PUBLIC_SIZE),
		       VALUE_BLOB(public->encrypt_public, ENCRYPT_PUBLIC_SIZE),
		       VALUE_BLOB(sealed, sizeof sealed)),
	};
	return store_change(held, &query, NULL, why);
}

static const struct column own_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct own_identity, public.id)},
	{COLUMN_NAME, COLUMN_AT(struct own_identity, public.name)},
	{COLUMN_EXACT, COLUMN_AT(struct own_identity, public.sign_public)},
	{COLUMN_EXACT, COLUMN_AT(struct own_identity, public.encrypt_public)},
	{COLUMN_EXACT, COLUMN_AT(struct own_identity, sealed)},
};

static enum fault read_own(struct keyring *held, struct why *why)
{
	const struct query query = {
		.sql = "SELECT id, name, sign_public, encrypt_public, sealed FROM identity",
		COLUMNS(own_columns),
		.into = &held->own};
	enum fault fault = store_find(held, &query, why);

	return fault == FAULT_MISSING ? store_damaged(held, "the row of your own keys", why) : fault;
}

static bool is_own_key(const struct keyring *keyring, const struct identity *identity)
{
	const struct fingerprint stored = public_identity_fingerprint(&keyring->own.public);
	const struct fingerprint computed = public_identity_fingerprint(identity_public(identity));

	return fingerprint_equal(&stored, &computed);
}

static enum fault open_own(const struct keyring *keyring, const struct secret *master,
			   struct identity **ret_identity, struct why *why)
{
	const struct own_identity *own = &keyring->own;
	uint8_t context[IDENTITY_CONTEXT_SIZE];
	const struct seal seal = {secret_bytes(master), KDF_IDENTITY_SEAL, context, sizeof context};
	AUTO(secret_free) struct secret *private = NULL;
	enum fault fault = secret_new(IDENTITY_PRIVATE_SIZE, &private, why);
	if (fault)
		return fault;
	identity_context(&own->public, context);
	if (!seal_is_committed(&seal, own->sealed))
		return why_set(why, FAULT_PASSPHRASE,
			       "keyring '%s': the key kept for the session is not its own", keyring->path);
	if (!seal_open(&seal, own->sealed, IDENTITY_PRIVATE_SIZE, secret_bytes_to_fill(private)))
		return store_damaged(keyring, "the seal of your own keys", why);
	AUTO(identity_free) struct identity *identity = NULL;
	fault = identity_restore(&own->public.id, own->public.name, secret_bytes(private), &identity, why);
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault || !is_own_key(keyring, identity))
		return store_damaged(keyring, "the row of your own keys", why);
	*ret_identity = TAKE(identity);
	return FAULT_NONE;
}

/* -- making --------------------------------------------------------------------------- */

/* What a new keyring begins with. */
struct beginning {
	struct identity *identity; /* owned */
	struct secret *master; /* owned */
	struct slot slot;
	const struct certificate *own;
};

static void beginning_done(struct beginning *beginning)
{
	identity_free(beginning->identity);
	secret_free(beginning->master);
}
AUTO_VALUE(struct beginning, beginning_done);

static enum fault make_master(struct beginning *beginning, const struct keyring_new_options *options,
			      struct why *why)
{
	struct slot_opener opener;
	enum fault fault = slot_passphrase(options->passphrase, &opener, why);
	if (!fault)
		fault = slot_cost_of(options->kdf_mib, &beginning->slot.cost, why);
	if (!fault)
		fault = secret_new(KEY_SIZE, &beginning->master, why);
	if (fault)
		return fault;
	beginning->slot.kind = SLOT_PASSPHRASE;
	randombytes_buf(secret_bytes_to_fill(beginning->master), KEY_SIZE);
	return slot_make(&beginning->slot, &opener, &identity_public(beginning->identity)->id,
			 beginning->master, why);
}

static enum fault write_rows(struct keyring *held, const struct beginning *beginning, struct why *why)
{
	enum fault fault = write_own(held, beginning->identity, beginning->master, why);

	if (!fault)
		fault = slot_write(held, &beginning->slot, why);
	if (!fault)
		fault = people_put(held, beginning->own, true, why);
	return fault;
}

/* The last connection that closes leaves one whole file and no write-ahead log. */
static enum fault fill(const char *draft, const struct beginning *beginning, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = keyring_connect(draft, true, &keyring, why);
	if (!fault)
		fault = store_begin(keyring, why);
	if (!fault)
		fault = store_end(keyring, write_rows(keyring, beginning, why), why);
	if (!fault)
		fault = store_script(keyring, "PRAGMA wal_checkpoint(TRUNCATE)", why);
	return fault;
}

/* Nobody ever sees half a keyring: it gets its name when it is whole. */
static enum fault make_file(const char *path, const struct beginning *beginning, struct why *why)
{
	AUTO(free) char *draft = NULL;
	enum fault fault = keyring_file_claim(path, &draft, why);
	if (fault)
		return fault;
	fault = fill(draft, beginning, why);
	if (!fault)
		fault = keyring_file_publish(draft, path, why);
	if (fault)
		keyring_file_drop(draft);
	return fault;
}

static enum fault path_of(const char *given, char **ret_path, struct why *why)
{
	if (!given)
		return keyring_default_path(ret_path, why);
	char *path = strdup(given);
	if (!path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = path;
	return FAULT_NONE;
}

enum fault keyring_make(const struct keyring_new_options *options, struct identity *identity,
			const struct certificate *own, struct keyring **ret_keyring, struct why *why)
{
	AUTO(beginning_done) struct beginning beginning = {.identity = identity, .own = own};
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(free) char *path = NULL;
	enum fault fault = path_of(options->path, &path, why);
	if (!fault)
		fault = keyring_file_is_free(
			path, why); /* said again at the end, but a passphrase takes its time */
	if (!fault)
		fault = make_master(&beginning, options, why);
	if (!fault)
		fault = make_file(path, &beginning, why);
	if (!fault)
		fault = keyring_open(path, &keyring, why);
	if (fault)
		return fault;
	keyring->identity = TAKE(beginning.identity);
	keyring->master = TAKE(beginning.master);
	*ret_keyring = TAKE(keyring);
	return FAULT_NONE;
}

enum fault keyring_create(const struct keyring_new_options *options, struct keyring **ret_keyring,
			  struct why *why)
{
	AUTO(identity_free) struct identity *identity = NULL;
	AUTO(certificate_free) struct certificate *own = NULL;
	enum fault fault = identity_new(options->name, &identity, why);
	if (!fault)
		fault = certificate_self_signed(identity, &own, why);
	return fault ? fault : keyring_make(options, TAKE(identity), own, ret_keyring, why);
}

/* -- opening -------------------------------------------------------------------------- */

enum fault keyring_open(const char *path, struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(free) char *given = NULL;
	AUTO(free) char *real = NULL;
	enum fault fault = path_of(path, &given, why);
	if (!fault)
		fault = keyring_file_find(given, &real, why);
	if (!fault)
		fault = keyring_connect(real, false, &keyring, why);
	if (!fault)
		fault = read_own(keyring, why);
	if (!fault)
		*ret_keyring = TAKE(keyring);
	return fault;
}

void keyring_close(struct keyring *keyring)
{
	if (!keyring)
		return;
	(void)sqlite3_close(keyring->db);
	identity_free(keyring->identity);
	secret_free(keyring->master);
	(void)pthread_mutex_destroy(&keyring->mutex);
	free(keyring->path);
	free(keyring);
}

const char *keyring_path(const struct keyring *keyring)
{
	return keyring->path;
}

/* -- unlocking ------------------------------------------------------------------------ */

/* What was lent out stays as it is: a second unlock only checks. */
enum fault keyring_unlock_with_master(struct keyring *keyring, const struct secret *master, struct why *why)
{
	AUTO(identity_free) struct identity *identity = NULL;
	AUTO(secret_free) struct secret *copy = NULL;

	if (secret_size(master) != KEY_SIZE)
		return why_set(why, FAULT_PASSPHRASE,
			       "the key kept for the session has another size than ours");
	enum fault fault = open_own(keyring, master, &identity, why);
	if (!fault)
		fault = secret_copy(secret_bytes(master), KEY_SIZE, &copy, why);
	if (fault)
		return fault;
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	if (!held->identity) {
		held->identity = TAKE(identity);
		held->master = TAKE(copy);
	}
	return FAULT_NONE;
}

bool keyring_is_unlocked(struct keyring *keyring)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);

	return held->identity != NULL;
}

static enum fault check_unlocked(const struct keyring *held, struct why *why)
{
	if (!held->identity)
		return why_set(why, FAULT_LOCKED,
			       "the keyring is locked: run 'fsenc unlock', or give the passphrase");
	return FAULT_NONE;
}

enum fault keyring_identity(struct keyring *keyring, const struct identity **ret_identity, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = check_unlocked(held, why);

	if (!fault)
		*ret_identity = held->identity;
	return fault;
}

enum fault keyring_master(struct keyring *keyring, const struct secret **ret_master, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = check_unlocked(held, why);

	if (!fault)
		*ret_master = held->master;
	return fault;
}
