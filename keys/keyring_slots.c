#include <sodium.h>

#include "keys/kdf.h"
#include "keys/keyring_store.h"
#include "keys/token.h"

#define PASSES 3
#define PASSES_MAX 16
#define MIB_MAX 4096
#define MIB ((size_t)1024 * 1024)
#define SEALED_MASTER SLOT_SEALED_SIZE(KEY_SIZE)

enum fault slot_cost_for(unsigned mib, struct slot_cost *ret_cost, struct why *why)
{
	if (mib == 0)
		mib = KEYRING_KDF_MIB_DEFAULT;
	if (mib < KEYRING_KDF_MIB_FLOOR || mib > MIB_MAX)
		return why_set(why, FAULT_INVALID, "the passphrase hash takes %d to %d MiB",
			       KEYRING_KDF_MIB_FLOOR, MIB_MAX);
	*ret_cost = (struct slot_cost){.mib = mib, .passes = PASSES};
	return FAULT_NONE;
}

/* What stands in a row may have been written by somebody else: no less than our floor, no more than is
 * bearable. */
static bool is_bearable(struct slot_cost cost)
{
	return cost.mib >= KEYRING_KDF_MIB_FLOOR && cost.mib <= MIB_MAX && cost.passes >= 1 &&
	       cost.passes <= PASSES_MAX;
}

enum fault slot_kek(struct slot_cost cost, const void *input, size_t input_size,
		    const uint8_t salt[static SLOT_SALT_SIZE], struct wiped_key *ret_kek, struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;

	if (cost.mib == 0) {
		if (input_size != KEY_SIZE)
			return why_set(why, FAULT_KEYRING_READ, "a slot for a key was given something else");
		kdf(kek.bytes, KEY_SIZE, input, KDF_SLOT_KEY, salt, SLOT_SALT_SIZE);
	} else if (!is_bearable(cost)) {
		return why_set(why, FAULT_KEYRING_READ,
			       "the cost of the passphrase hash (%u MiB, %u passes) is not allowed", cost.mib,
			       cost.passes);
	} else if (crypto_pwhash(kek.bytes, KEY_SIZE, input, input_size, salt, cost.passes, cost.mib * MIB,
				 crypto_pwhash_ALG_ARGON2ID13) != 0) {
		return why_set(why, FAULT_MEMORY, "the passphrase hash needs %u MiB of memory", cost.mib);
	}
	*ret_kek = kek;
	return FAULT_NONE;
}

void slot_seal(const struct wiped_key *kek, const void *plain, size_t size, uint8_t *sealed)
{
	AUTO(wiped_key) struct wiped_key wrap;

	kdf(sealed, 32, kek->bytes, KDF_SLOT_COMMIT, NULL, 0);
	kdf(wrap.bytes, KEY_SIZE, kek->bytes, KDF_SLOT_WRAP, NULL, 0);
	randombytes_buf(sealed + 32, 24);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 56, NULL, plain, size, sealed, 32, NULL,
							 sealed + 32, wrap.bytes);
}

bool slot_unseal(const struct wiped_key *kek, const uint8_t *sealed, size_t sealed_size, void *plain)
{
	AUTO(wiped_key) struct wiped_key commit;
	AUTO(wiped_key) struct wiped_key wrap;

	kdf(commit.bytes, 32, kek->bytes, KDF_SLOT_COMMIT, NULL, 0);
	if (sealed_size < SLOT_SEALED_SIZE(0) || sodium_memcmp(commit.bytes, sealed, 32) != 0)
		return false;
	kdf(wrap.bytes, KEY_SIZE, kek->bytes, KDF_SLOT_WRAP, NULL, 0);
	return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + 56, sealed_size - 56,
							  sealed, 32, sealed + 32, wrap.bytes) == 0;
}

enum fault slot_write(struct keyring *keyring, enum slot_kind kind, struct slot_cost cost, const void *input,
		      size_t input_size, const struct secret *master, struct why *why)
{
	uint8_t salt[SLOT_SALT_SIZE], sealed[SEALED_MASTER];
	AUTO(wiped_key) struct wiped_key kek;

	randombytes_buf(salt, sizeof salt);
	enum fault fault = slot_kek(cost, input, input_size, salt, &kek, why);
	if (fault)
		return fault;
	slot_seal(&kek, secret_bytes(master), KEY_SIZE, sealed);
	return store_run(keyring, why, "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?)", "iiibb",
			 (int64_t)kind, (int64_t)cost.mib, (int64_t)cost.passes, salt, sizeof salt, sealed,
			 sizeof sealed);
}

struct slot_row {
	struct slot_cost cost;
	uint8_t salt[SLOT_SALT_SIZE], sealed[SEALED_MASTER];
};

static enum fault slot_read(struct keyring *keyring, enum slot_kind kind, struct slot_row *ret_row,
			    struct why *why)
{
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;
	enum fault fault = store_query(keyring, &row, why,
				       "SELECT mib, passes, salt, sealed FROM slots WHERE kind = ?", "i",
				       (int64_t)kind);
	if (!fault)
		fault = store_next(keyring, row, &found, why);
	if (fault)
		return fault;
	if (!found)
		return why_set(why, FAULT_PASSPHRASE, "the keyring has no %s",
			       kind == SLOT_TOKEN ? "recovery token" : "passphrase");
	int64_t mib = sqlite3_column_int64(row, 0), passes = sqlite3_column_int64(row, 1);
	if (mib < 0 || mib > MIB_MAX || passes < 0 || passes > PASSES_MAX ||
	    (kind == SLOT_PASSPHRASE && mib == 0) ||
	    !store_blob(row, 2, ret_row->salt, sizeof ret_row->salt) ||
	    !store_blob(row, 3, ret_row->sealed, sizeof ret_row->sealed))
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s': a slot is damaged", keyring->path);
	ret_row->cost = (struct slot_cost){.mib = (unsigned)mib, .passes = (unsigned)passes};
	return FAULT_NONE;
}

enum fault slot_open(struct keyring *keyring, enum slot_kind kind, const void *input, size_t input_size,
		     struct secret **ret_master, struct why *why)
{
	struct slot_row row;
	AUTO(wiped_key) struct wiped_key kek;
	AUTO(wiped_key) struct wiped_key master;
	enum fault fault = slot_read(keyring, kind, &row, why);
	if (!fault)
		fault = slot_kek(row.cost, input, input_size, row.salt, &kek, why);
	if (fault)
		return fault;
	if (!slot_unseal(&kek, row.sealed, sizeof row.sealed, master.bytes))
		return why_set(why, FAULT_PASSPHRASE, "the %s is wrong",
			       kind == SLOT_TOKEN ? "recovery token" : "passphrase");
	return secret_copy(master.bytes, KEY_SIZE, ret_master, why);
}

enum fault keyring_change_passphrase(struct keyring *keyring, const struct secret *passphrase,
				     unsigned kdf_mib, struct why *why)
{
	const struct secret *master;
	struct slot_cost cost;
	if (secret_size(passphrase) == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the new passphrase is empty");
	enum fault fault = keyring_master(keyring, &master, why);
	if (!fault)
		fault = slot_cost_for(kdf_mib, &cost, why);
	if (fault)
		return fault;
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	return slot_write(held, SLOT_PASSPHRASE, cost, secret_bytes(passphrase), secret_size(passphrase),
			  master, why);
}

/* -- the recovery token ----------------------------------------------------------------- */

/* 160 random bits, stretched to a key: kdf takes 32 bytes. */
static void token_key(const struct token *token, struct wiped_key *key)
{
	uint8_t padded[KEY_SIZE] = {0};

	memcpy(padded, token->bytes, sizeof token->bytes);
	kdf(key->bytes, KEY_SIZE, padded, KDF_TOKEN, NULL, 0);
	secret_wipe(padded, sizeof padded);
}

enum fault keyring_new_token(struct keyring *keyring, char **ret_token, struct why *why)
{
	const struct secret *master;
	enum fault fault = keyring_master(keyring, &master, why);
	if (fault)
		return fault;
	AUTO(token_wipe) struct token token;
	AUTO(wiped_key) struct wiped_key key;
	randombytes_buf(token.bytes, sizeof token.bytes);
	token_key(&token, &key);
	char *text = malloc(TOKEN_TEXT_SIZE);
	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory for a token");
	token_text(&token, text);
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	fault = slot_write(held, SLOT_TOKEN, (struct slot_cost){0, 0}, key.bytes, KEY_SIZE, master, why);
	if (fault) {
		secret_wipe(text, TOKEN_TEXT_SIZE);
		free(text);
		return fault;
	}
	*ret_token = text;
	return FAULT_NONE;
}

bool keyring_has_token(struct keyring *keyring)
{
	struct slot_row row;
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	return slot_read(held, SLOT_TOKEN, &row, NULL) == FAULT_NONE;
}

enum fault keyring_unlock_with_token(struct keyring *keyring, const char *text, struct why *why)
{
	AUTO(token_wipe) struct token token;
	AUTO(wiped_key) struct wiped_key key;
	struct secret *master = NULL;
	enum fault fault = token_from_text(text, &token, why);
	if (fault)
		return fault;
	token_key(&token, &key);
	{
		AUTO(store_unlock) struct keyring *held = store_lock(keyring);
		fault = slot_open(held, SLOT_TOKEN, key.bytes, KEY_SIZE, &master, why);
	}
	if (fault)
		return fault;
	AUTO(secret_free) struct secret *owned = master;
	return keyring_unlock_with_master(keyring, owned, why);
}
