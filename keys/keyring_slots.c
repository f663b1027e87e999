#include "keys/keyring_slots.h"

#include <assert.h>
#include <string.h>

#include "keys/token.h"

#define BYTES_PER_MIB ((size_t)1024 * 1024)
#define CONTEXT_SIZE (3 * 4 + SLOT_SALT_SIZE + ID_SIZE)

_Static_assert(SLOT_SALT_SIZE == crypto_pwhash_argon2id_SALTBYTES, "salt of Argon2id");
_Static_assert(TOKEN_SIZE < KEY_SIZE, "a token is padded to a key");

static const char *const kind_words[] = {
	[SLOT_PASSPHRASE] = "passphrase",
	[SLOT_TOKEN] = "recovery token",
};

/* -- cost and stretching -------------------------------------------------------------- */

enum fault slot_cost_of(unsigned mib, struct slot_cost *ret_cost, struct why *why)
{
	const struct slot_cost cost = {.passes = SLOT_PASSES, .mib = mib ? mib : KEYRING_KDF_MIB_DEFAULT};

	if (!slot_cost_is_sound(&cost))
		return why_set(why, FAULT_INVALID, "the passphrase hash takes %d to %d MiB",
			       KEYRING_KDF_MIB_FLOOR, SLOT_MIB_MAX);
	*ret_cost = cost;
	return FAULT_NONE;
}

bool slot_cost_is_sound(const struct slot_cost *cost)
{
	return cost->passes >= SLOT_PASSES && cost->passes <= SLOT_PASSES_MAX &&
	       cost->mib >= KEYRING_KDF_MIB_FLOOR && cost->mib <= SLOT_MIB_MAX;
}

enum fault slot_passphrase(const struct secret *passphrase, struct slot_opener *ret_opener, struct why *why)
{
	if (!passphrase || secret_size(passphrase) == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the passphrase is empty");
	if (secret_size(passphrase) > PASSPHRASE_MAX)
		return why_set(why, FAULT_INVALID, "a passphrase has at most %d bytes", PASSPHRASE_MAX);
	*ret_opener = (struct slot_opener){secret_bytes(passphrase), secret_size(passphrase)};
	return FAULT_NONE;
}

enum fault slot_stretch(const struct slot_opener *passphrase, const struct slot_cost *cost,
			const uint8_t salt[static SLOT_SALT_SIZE], struct wiped_key *ret_kek, struct why *why)
{
	assert(slot_cost_is_sound(cost));
	if (crypto_pwhash(ret_kek->bytes, KEY_SIZE, passphrase->bytes, passphrase->size, salt, cost->passes,
			  cost->mib * BYTES_PER_MIB, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return why_set(why, FAULT_MEMORY, "the passphrase hash needs %u MiB of free memory",
			       cost->mib);
	return FAULT_NONE;
}

static void token_kek(const struct slot_opener *token, const uint8_t salt[static SLOT_SALT_SIZE],
		      struct wiped_key *ret_kek)
{
	AUTO(wiped_key) struct wiped_key padded = {{0}};

	assert(token->size == TOKEN_SIZE);
	memcpy(padded.bytes, token->bytes, TOKEN_SIZE);
	kdf(ret_kek->bytes, KEY_SIZE, padded.bytes, KDF_TOKEN, salt, SLOT_SALT_SIZE);
}

static enum fault slot_kek(const struct slot *slot, const struct slot_opener *opener,
			   struct wiped_key *ret_kek, struct why *why)
{
	switch (slot->kind) {
	case SLOT_PASSPHRASE:
		return slot_stretch(opener, &slot->cost, slot->salt, ret_kek, why);
	case SLOT_TOKEN:
		token_kek(opener, slot->salt, ret_kek);
		return FAULT_NONE;
	}
	abort();
}

/* -- making and opening --------------------------------------------------------------- */

static void slot_context(const struct slot *slot, const struct member_id *owner,
			 uint8_t context[static CONTEXT_SIZE])
{
	le32_put(context, slot->kind);
	le32_put(context + 4, slot->cost.passes);
	le32_put(context + 8, slot->cost.mib);
	memcpy(context + 12, slot->salt, SLOT_SALT_SIZE);
	memcpy(context + 12 + SLOT_SALT_SIZE, owner->bytes, ID_SIZE);
}

enum fault slot_make(struct slot *slot, const struct slot_opener *opener, const struct member_id *owner,
		     const struct secret *master, struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t context[CONTEXT_SIZE];

	assert(secret_size(master) == KEY_SIZE);
	randombytes_buf(slot->salt, sizeof slot->salt);
	enum fault fault = slot_kek(slot, opener, &kek, why);
	if (fault)
		return fault;
	slot_context(slot, owner, context);
	const struct seal seal = {kek.bytes, KDF_SLOT_WRAP, context, sizeof context};
	seal_close(&seal, secret_bytes(master), KEY_SIZE, slot->sealed);
	return FAULT_NONE;
}

enum fault slot_open(const struct slot *slot, const struct slot_opener *opener, const struct member_id *owner,
		     struct secret **ret_master, struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	AUTO(secret_free) struct secret *master = NULL;
	uint8_t context[CONTEXT_SIZE];
	enum fault fault = secret_new(KEY_SIZE, &master, why);
	if (!fault)
		fault = slot_kek(slot, opener, &kek, why);
	if (fault)
		return fault;
	slot_context(slot, owner, context);
	const struct seal seal = {kek.bytes, KDF_SLOT_WRAP, context, sizeof context};
	if (!seal_is_committed(&seal, slot->sealed))
		return why_set(why, FAULT_PASSPHRASE, "the %s is wrong", kind_words[slot->kind]);
	if (!seal_open(&seal, slot->sealed, KEY_SIZE, secret_bytes_to_fill(master)))
		return why_set(why, FAULT_KEYRING_READ, "the slot of the %s is damaged",
			       kind_words[slot->kind]);
	*ret_master = TAKE(master);
	return FAULT_NONE;
}

/* -- rows ----------------------------------------------------------------------------- */

struct slot_row {
	int64_t passes;
	int64_t mib;
	uint8_t salt[SLOT_SALT_SIZE];
	uint8_t sealed[SEALED_SIZE(KEY_SIZE)];
};

static const struct column slot_columns[] = {
	{COLUMN_INTEGER, COLUMN_AT(struct slot_row, passes), .most = SLOT_PASSES_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct slot_row, mib), .most = SLOT_MIB_MAX},
	{COLUMN_EXACT, COLUMN_AT(struct slot_row, salt)},
	{COLUMN_EXACT, COLUMN_AT(struct slot_row, sealed)},
};

enum fault slot_read(struct keyring *held, enum slot_kind kind, struct slot *ret_slot, struct why *why)
{
	struct slot_row row;
	const struct query query = {.sql = "SELECT passes, mib, salt, sealed FROM slots WHERE kind = ?",
				    VALUES(VALUE_INTEGER(kind)),
				    COLUMNS(slot_columns),
				    .into = &row};
	enum fault fault = store_find(held, &query, why);
	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_MISSING, "the keyring has no %s", kind_words[kind]);
	if (fault)
		return fault;
	struct slot slot = {.kind = kind, .cost = {(uint32_t)row.passes, (uint32_t)row.mib}};
	if (kind == SLOT_PASSPHRASE && !slot_cost_is_sound(&slot.cost))
		return store_damaged(held, "the cost of the passphrase hash", why);
	memcpy(slot.salt, row.salt, sizeof slot.salt);
	memcpy(slot.sealed, row.sealed, sizeof slot.sealed);
	*ret_slot = slot;
	return FAULT_NONE;
}

enum fault slot_write(struct keyring *held, const struct slot *slot, struct why *why)
{
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO slots (kind, passes, mib, salt, sealed)"
		       " VALUES (?, ?, ?, ?, ?)",
		VALUES(VALUE_INTEGER(slot->kind), VALUE_INTEGER(slot->cost.passes),
		       VALUE_INTEGER(slot->cost.mib), VALUE_BLOB(slot->salt, sizeof slot->salt),
		       VALUE_BLOB(slot->sealed, sizeof slot->sealed)),
	};
	return store_change(held, &query, NULL, why);
}

/* -- unlocking ------------------------------------------------------------------------ */

/* The keyring is let go while the passphrase is stretched: others may look at pins meanwhile. */
static enum fault unlock_by(struct keyring *keyring, enum slot_kind kind, const struct slot_opener *opener,
			    struct why *why)
{
	struct slot slot;
	AUTO(secret_free) struct secret *master = NULL;
	enum fault fault = slot_read(keyring_hold(keyring), kind, &slot, why);
	keyring_let_go(keyring);
	if (!fault)
		fault = slot_open(&slot, opener, &keyring->own.public.id, &master, why);
	if (fault)
		return why_in(why, fault, "keyring '%s'", keyring->path);
	return keyring_unlock_with_master(keyring, master, why);
}

enum fault keyring_unlock(struct keyring *keyring, const struct secret *passphrase, struct why *why)
{
	struct slot_opener opener;
	enum fault fault = slot_passphrase(passphrase, &opener, why);
	return fault ? fault : unlock_by(keyring, SLOT_PASSPHRASE, &opener, why);
}

enum fault keyring_unlock_with_token(struct keyring *keyring, const char *text, struct why *why)
{
	AUTO(token_wipe) struct token token;
	enum fault fault = token_from_text(text, &token, why);
	if (fault)
		return fault;
	const struct slot_opener opener = {token.bytes, sizeof token.bytes};
	return unlock_by(keyring, SLOT_TOKEN, &opener, why);
}

/* -- new slots ------------------------------------------------------------------------ */

static enum fault write_slot(struct keyring *held, const struct slot *slot, struct why *why)
{
	enum fault fault = slot_write(held, slot, why);

	if (!fault && slot->kind == SLOT_TOKEN)
		fault = store_script(held, "DELETE FROM token_use", why);
	return fault;
}

/* What the old slot held leaves the write-ahead log too, unless a reader is in the way. */
static enum fault replace_slot(struct keyring *keyring, const struct slot *slot, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);
	if (!fault)
		fault = store_end(held, write_slot(held, slot, why), why);
	if (!fault)
		(void)sqlite3_exec(held->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	return fault;
}

enum fault keyring_change_passphrase(struct keyring *keyring, const struct secret *passphrase,
				     unsigned kdf_mib, struct why *why)
{
	struct slot slot = {.kind = SLOT_PASSPHRASE};
	struct slot_opener opener;
	const struct secret *master;
	enum fault fault = keyring_master(keyring, &master, why);
	if (!fault)
		fault = slot_passphrase(passphrase, &opener, why);
	if (!fault)
		fault = slot_cost_of(kdf_mib, &slot.cost, why);
	if (!fault)
		fault = slot_make(&slot, &opener, &keyring->own.public.id, master, why);
	return fault ? fault : replace_slot(keyring, &slot, why);
}

enum fault keyring_set_token(struct keyring *keyring, const struct token *token, struct why *why)
{
	struct slot slot = {.kind = SLOT_TOKEN};
	const struct slot_opener opener = {token->bytes, sizeof token->bytes};
	const struct secret *master;
	enum fault fault = keyring_master(keyring, &master, why);
	if (!fault)
		fault = slot_make(&slot, &opener, &keyring->own.public.id, master, why);
	return fault ? fault : replace_slot(keyring, &slot, why);
}

enum fault keyring_new_token(struct keyring *keyring, char **ret_token, struct why *why)
{
	AUTO(token_wipe) struct token token;
	AUTO(free) char *text = malloc(TOKEN_TEXT_SIZE);
	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory for a token");
	randombytes_buf(token.bytes, sizeof token.bytes);
	enum fault fault = keyring_set_token(keyring, &token, why);
	if (fault)
		return fault;
	token_text(&token, text);
	*ret_token = TAKE(text);
	return FAULT_NONE;
}

enum fault keyring_note_token_use(struct keyring *keyring, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);

	return store_script(held, "INSERT OR IGNORE INTO token_use (one) VALUES (1)", why);
}

bool keyring_token_was_used(struct keyring *keyring)
{
	static const struct column columns[] = {
		{.form = COLUMN_INTEGER, .size = sizeof(int64_t), .least = 1, .most = 1}};
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	int64_t one;
	const struct query query = {.sql = "SELECT one FROM token_use", COLUMNS(columns), .into = &one};

	return store_find(held, &query, NULL) == FAULT_NONE;
}

bool keyring_has_token(struct keyring *keyring)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	struct slot slot;

	return slot_read(held, SLOT_TOKEN, &slot, NULL) == FAULT_NONE;
}
