#include "keys/folder_keys.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

_Static_assert(SEALED_KEY_SIZE == NONCE_SIZE + KEY_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
	       "a sealed key is nonce, key, tag");
_Static_assert(sizeof((struct record_generation){0}.commit) == KEY_SIZE, "a commitment is a derived key");

struct generation_keys {
	uint8_t folder_key[KEY_SIZE];
	uint8_t file_header[KEY_SIZE];
	uint8_t xattr[KEY_SIZE];
	uint8_t symlink[KEY_SIZE];
};

struct folder_keys {
	struct folder_id folder;
	uint32_t count;
	struct secret *secret; /* `count` generation_keys, generation 1 first */
};

void folder_keys_free(struct folder_keys *keys)
{
	if (!keys)
		return;
	secret_free(keys->secret);
	free(keys);
}

static enum fault keys_new(const struct record *record, struct folder_keys **ret_keys, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = calloc(1, sizeof *keys);
	if (!keys)
		return why_set(why, FAULT_MEMORY, "no memory for the keys of a folder");
	keys->folder = record->folder;
	keys->count = (uint32_t)record->generation_count;
	enum fault fault = secret_new(keys->count * sizeof(struct generation_keys), &keys->secret, why);
	if (!fault)
		*ret_keys = TAKE(keys);
	return fault;
}

static const struct generation_keys *keys_of(const struct folder_keys *keys, uint32_t generation)
{
	if (generation < 1 || generation > keys->count)
		return NULL;
	return (const struct generation_keys *)secret_bytes(keys->secret) + (generation - 1);
}

static struct generation_keys *keys_to_fill(struct folder_keys *keys, uint32_t generation)
{
	return (struct generation_keys *)secret_bytes_to_fill(keys->secret) + (generation - 1);
}

/* -- one folder key ------------------------------------------------------------------- */

static void derive(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
		   uint32_t generation, enum kdf_label label, uint8_t ret_key[static KEY_SIZE])
{
	uint8_t context[KDF_FOLDER_CONTEXT_SIZE];

	kdf_folder_context(context, folder, generation);
	kdf(ret_key, KEY_SIZE, folder_key, label, context, sizeof context);
}

void folder_key_commit(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
		       uint32_t generation, uint8_t ret_commit[static KEY_SIZE])
{
	derive(folder_key, folder, generation, KDF_COMMIT, ret_commit);
}

bool folder_key_is_committed(const struct record *record, uint32_t generation,
			     const uint8_t folder_key[static KEY_SIZE])
{
	if (generation < 1 || generation > record->generation_count)
		return false;
	uint8_t commit[KEY_SIZE];
	folder_key_commit(folder_key, &record->folder, generation, commit);
	return sodium_memcmp(commit, record->generations[generation - 1].commit, sizeof commit) == 0;
}

void folder_key_seal_previous(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
			      uint32_t generation, const uint8_t previous[static KEY_SIZE],
			      uint8_t ret_sealed[static SEALED_KEY_SIZE])
{
	AUTO(wiped_key) struct wiped_key link;
	uint8_t aad[KDF_FOLDER_CONTEXT_SIZE];

	derive(folder_key, folder, generation, KDF_PREVIOUS, link.bytes);
	kdf_folder_context(aad, folder, generation);
	randombytes_buf(ret_sealed, NONCE_SIZE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed + NONCE_SIZE, NULL, previous, KEY_SIZE,
							 aad, sizeof aad, NULL, ret_sealed, link.bytes);
}

static bool open_previous(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
			  uint32_t generation, const uint8_t sealed[static SEALED_KEY_SIZE],
			  uint8_t ret_previous[static KEY_SIZE])
{
	AUTO(wiped_key) struct wiped_key link;
	uint8_t aad[KDF_FOLDER_CONTEXT_SIZE];

	derive(folder_key, folder, generation, KDF_PREVIOUS, link.bytes);
	kdf_folder_context(aad, folder, generation);
	return crypto_aead_xchacha20poly1305_ietf_decrypt(ret_previous, NULL, NULL, sealed + NONCE_SIZE,
							  SEALED_KEY_SIZE - NONCE_SIZE, aad, sizeof aad,
							  sealed, link.bytes) == 0;
}

/* -- all generations ------------------------------------------------------------------ */

/* From the newest down to 1; each key must be the one committed to before it opens the next. */
static enum fault unfold_chain(const struct record *record, struct folder_keys *keys, struct why *why)
{
	for (uint32_t g = keys->count; g >= 1; g--) {
		const uint8_t *folder_key = keys_to_fill(keys, g)->folder_key;
		if (!folder_key_is_committed(record, g, folder_key))
			return why_set(why, FAULT_TAMPERED,
				       "the key of generation %u is not the one signed for", g);
		if (g > 1 && !open_previous(folder_key, &keys->folder, g, record->generations[g - 1].previous,
					    keys_to_fill(keys, g - 1)->folder_key))
			return why_set(why, FAULT_TAMPERED, "generation %u does not open generation %u", g,
				       g - 1);
	}
	return FAULT_NONE;
}

static void derive_subkeys(struct folder_keys *keys)
{
	for (uint32_t g = 1; g <= keys->count; g++) {
		struct generation_keys *set = keys_to_fill(keys, g);
		derive(set->folder_key, &keys->folder, g, KDF_FILE_HEADER, set->file_header);
		derive(set->folder_key, &keys->folder, g, KDF_XATTR, set->xattr);
		derive(set->folder_key, &keys->folder, g, KDF_SYMLINK, set->symlink);
	}
}

enum fault folder_keys_unfold(const struct record *record, const uint8_t newest[static KEY_SIZE],
			      struct folder_keys **ret_keys, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = keys_new(record, &keys, why);
	if (fault)
		return fault;
	memcpy(keys_to_fill(keys, keys->count)->folder_key, newest, KEY_SIZE);
	fault = unfold_chain(record, keys, why);
	if (fault)
		return fault;
	derive_subkeys(keys);
	*ret_keys = TAKE(keys);
	return FAULT_NONE;
}

const struct keybox_entry *folder_file_find_wrap(const struct folder_file *file,
						 const struct record_entry *entry)
{
	for (size_t i = 0; i < file->keybox_count; i++) {
		const struct keybox_entry *box = &file->keybox[i];
		if (box->kind == entry->kind && member_id_equal(&box->id, &entry->id) &&
		    fingerprint_equal(&box->fingerprint, &entry->fingerprint) &&
		    box->generation == record_newest(file->record)->number)
			return box;
	}
	return NULL;
}

static bool is_entry_of(const struct record_entry *entry, const struct identity *identity)
{
	const struct fingerprint own = public_identity_fingerprint(identity_public(identity));

	return entry->kind == MEMBER_USER && fingerprint_equal(&entry->fingerprint, &own);
}

enum fault folder_keys_open(const struct folder_file *file, const struct identity *identity,
			    struct folder_keys **ret_keys, struct why *why)
{
	const struct record_entry *entry = record_find(file->record, &identity_public(identity)->id);
	if (!entry || !is_entry_of(entry, identity))
		return why_set(why, FAULT_LOCKED, "no key of yours is on the access list");
	const struct keybox_entry *box = folder_file_find_wrap(file, entry);
	if (!box)
		return why_set(why, FAULT_TAMPERED,
			       "you are on the access list, but your envelope is missing");
	const struct wrap_context context = {file->record->folder, box->generation, MEMBER_USER, box->id};
	AUTO(wiped_key) struct wiped_key newest;
	enum fault fault = wrap_open_user(&box->wrap, &context, identity, &newest, why);
	if (fault)
		return why_in(why, fault == FAULT_MEMORY ? fault : FAULT_TAMPERED, "your envelope");
	return folder_keys_unfold(file->record, newest.bytes, ret_keys, why);
}

/* -- use ------------------------------------------------------------------------------ */

uint32_t folder_keys_newest(const struct folder_keys *keys)
{
	return keys->count;
}

const uint8_t *folder_keys_folder_key(const struct folder_keys *keys, uint32_t generation)
{
	const struct generation_keys *set = keys_of(keys, generation);

	return set ? set->folder_key : NULL;
}

bool folder_keys_subkey(const struct folder_keys *keys, uint32_t generation, enum kdf_label label,
			struct wiped_key *ret_key)
{
	const struct generation_keys *set = keys_of(keys, generation);
	if (!set)
		return false;
	switch (label) {
	case KDF_FILE_HEADER:
		memcpy(ret_key->bytes, set->file_header, KEY_SIZE);
		return true;
	case KDF_XATTR:
		memcpy(ret_key->bytes, set->xattr, KEY_SIZE);
		return true;
	case KDF_SYMLINK:
		memcpy(ret_key->bytes, set->symlink, KEY_SIZE);
		return true;
	default:
		abort();
	}
}

bool folder_keys_name_key(const struct folder_keys *keys, uint32_t generation, enum kdf_label label,
			  uint8_t ret_key[static 64])
{
	const struct generation_keys *set = keys_of(keys, generation);
	if (!set)
		return false;
	if (label != KDF_NAMES && label != KDF_XATTR_NAMES)
		abort();
	kdf(ret_key, 64, set->folder_key, label, keys->folder.bytes, ID_SIZE);
	return true;
}
