#include "fs/seal.h"

#include <sodium.h>
#include <string.h>

#include "fs/cipher.h"

#define SYMLINK_AAD "symlink"
#define SEALED_LINK_MAX (SMALL_SEAL_OVERHEAD + SYMLINK_TARGET_MAX)

_Static_assert(BASE64_LENGTH(SEALED_LINK_MAX) == 4095, "the longest link target the kernel takes");

/* What tells the two kinds of seals apart. */
struct seal_kind {
	enum kdf_label label;
	const void *aad;
	size_t aad_size;
};

static struct seal_kind xattr_kind(const char *name)
{
	return (struct seal_kind){KDF_XATTR, name, strlen(name)};
}

static const struct seal_kind symlink_kind = {KDF_SYMLINK, SYMLINK_AAD, sizeof SYMLINK_AAD - 1};

/* Suite 2 always: these are small, and their form does not follow the folder's suite. */
static bool seal_key(const struct folder_keys *keys, uint32_t generation, enum kdf_label label,
		     struct cipher_key *ret_key)
{
	AUTO(wiped_key) struct wiped_key bytes;

	if (!folder_keys_subkey(keys, generation, label, &bytes))
		return false;
	cipher_key_init(ret_key, SUITE_XCHACHA20_POLY1305, bytes.bytes);
	return true;
}

static enum fault seal(const struct folder_keys *keys, const struct seal_kind *kind, const void *plain,
		       size_t size, struct bytes *ret_sealed, struct why *why)
{
	AUTO(cipher_key_wipe) struct cipher_key key = {0};
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	uint32_t generation = folder_keys_newest(keys);

	enum fault fault = bytes_reserve(&sealed, SMALL_SEAL_OVERHEAD + size, why);
	if (fault)
		return fault;
	if (!seal_key(keys, generation, kind->label, &key))
		return why_set(why, FAULT_LOCKED, "no key of generation %u", generation);
	le32_put(sealed.data, generation);
	cipher_seal(&key, kind->aad, kind->aad_size, plain, size, sealed.data + 4);
	sealed.size = SMALL_SEAL_OVERHEAD + size;
	sealed.data[sealed.size] = 0;
	bytes_done(ret_sealed);
	*ret_sealed = sealed;
	sealed = BYTES_EMPTY;
	return FAULT_NONE;
}

static enum fault check_generation(const struct folder_keys *keys, uint32_t generation, uint32_t min_read,
				   struct why *why)
{
	if (generation > folder_keys_newest(keys))
		return why_set(why, FAULT_LOCKED, "sealed under generation %u, newer than the keys here",
			       generation);
	if (generation >= min_read)
		return FAULT_NONE;
	return why_set(why, FAULT_REFUSED, "sealed under generation %u, and nothing below %u is read",
		       generation, min_read);
}

static enum fault open_seal(const struct folder_keys *keys, uint32_t min_read, const struct seal_kind *kind,
			    const uint8_t *sealed, size_t size, struct bytes *ret_plain, struct why *why)
{
	AUTO(cipher_key_wipe) struct cipher_key key = {0};
	AUTO(bytes_done) struct bytes plain = BYTES_EMPTY;

	if (size < SMALL_SEAL_OVERHEAD)
		return why_set(why, FAULT_MALFORMED, "too short to be sealed");
	uint32_t generation = le32_get(sealed);
	enum fault fault = check_generation(keys, generation, min_read, why);
	if (!fault)
		fault = bytes_reserve(&plain, size - SMALL_SEAL_OVERHEAD, why);
	if (fault)
		return fault;
	if (!seal_key(keys, generation, kind->label, &key))
		return why_set(why, FAULT_REFUSED, "there is no generation %u", generation);
	if (!cipher_open(&key, kind->aad, kind->aad_size, sealed + 4, size - 4, plain.data))
		return why_set(why, FAULT_REFUSED, "it does not authenticate");
	plain.size = size - SMALL_SEAL_OVERHEAD;
	plain.data[plain.size] = 0;
	bytes_done(ret_plain);
	*ret_plain = plain;
	plain = BYTES_EMPTY;
	return FAULT_NONE;
}

/* -- Extended attributes -- */

enum fault seal_xattr(const struct folder_keys *keys, const char *name, const void *value, size_t size,
		      struct bytes *ret_sealed, struct why *why)
{
	struct seal_kind kind = xattr_kind(name);

	return seal(keys, &kind, value, size, ret_sealed, why);
}

enum fault seal_open_xattr(const struct folder_keys *keys, uint32_t min_read, const char *name,
			   const void *sealed, size_t size, struct bytes *ret_value, struct why *why)
{
	struct seal_kind kind = xattr_kind(name);

	return open_seal(keys, min_read, &kind, sealed, size, ret_value, why);
}

/* -- Link targets -- */

enum fault seal_symlink(const struct folder_keys *keys, const char *target, struct bytes *ret_text,
			struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	size_t length = strnlen(target, SYMLINK_TARGET_MAX + 1);
	char text[BASE64_LENGTH(SEALED_LINK_MAX) + 1];

	if (length == 0)
		return why_set(why, FAULT_MISSING, "a link needs a target");
	if (length > SYMLINK_TARGET_MAX)
		return why_set(why, FAULT_NAME_TOO_LONG, "the link's target is over %d bytes long",
			       SYMLINK_TARGET_MAX);
	enum fault fault = seal(keys, &symlink_kind, target, length, &sealed, why);
	if (fault)
		return fault;
	text_base64(text, sealed.data, sealed.size);
	AUTO(bytes_done) struct bytes out = BYTES_EMPTY;
	fault = bytes_append_text(&out, text, why);
	if (fault)
		return fault;
	bytes_done(ret_text);
	*ret_text = out;
	out = BYTES_EMPTY;
	return FAULT_NONE;
}

enum fault seal_open_symlink(const struct folder_keys *keys, uint32_t min_read, const char *text, size_t size,
			     struct bytes *ret_target, struct why *why)
{
	AUTO(bytes_done) struct bytes target = BYTES_EMPTY;
	uint8_t sealed[SEALED_LINK_MAX];
	size_t sealed_size;

	if (!text_from_base64(text, size, sealed, sizeof sealed, &sealed_size))
		return why_set(why, FAULT_MALFORMED, "the link's target is no sealed text");
	enum fault fault = open_seal(keys, min_read, &symlink_kind, sealed, sealed_size, &target, why);
	if (fault)
		return fault;
	if (target.size == 0 || strlen((const char *)target.data) != target.size)
		return why_set(why, FAULT_MALFORMED, "the link's target is empty or holds a zero byte");
	bytes_done(ret_target);
	*ret_target = target;
	target = BYTES_EMPTY;
	return FAULT_NONE;
}

size_t seal_symlink_plain_size(size_t stored_size)
{
	size_t sealed = stored_size * 3 / 4;

	return sealed > SMALL_SEAL_OVERHEAD ? sealed - SMALL_SEAL_OVERHEAD : 0;
}
