#include "fs/name.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fs/cipher.h"
#include "keys/kdf.h"

#define SIV_KEY_SIZE 64
#define SEALED_MAX (NAME_SIV_SIZE + NAME_MAX_PLAIN)
#define LONG_HASH_LENGTH BASE32_LENGTH(DIGEST_SIZE)
#define LONG_PREFIX_LENGTH (sizeof FORMAT_LONG_PREFIX - 1)
#define LONG_ENTRY_LENGTH (LONG_PREFIX_LENGTH + LONG_HASH_LENGTH)
#define XATTR_PREFIX_LENGTH (sizeof FORMAT_XATTR_PREFIX - 1)
#define XATTR_OURS "fsenc." /* plain xattrs that begin so are virtual: fs/mount.h */

_Static_assert(LONG_ENTRY_LENGTH < NAME_STORED_SIZE, "docs/FORMAT.md: Names");
_Static_assert(NAME_LONG_MAX == 434, "docs/FORMAT.md: Names");
_Static_assert(XATTR_PREFIX_LENGTH + BASE32_LENGTH(NAME_SIV_SIZE + XATTR_NAME_MAX_PLAIN) == 255,
	       "the longest xattr name the kernel takes");

struct name_key {
	struct secret *siv;
	struct folder_id folder;
};

enum fault name_key_new(const uint8_t siv[static 64], const struct folder_id *folder,
			struct name_key **ret_key, struct why *why)
{
	AUTO(name_key_free) struct name_key *key = calloc(1, sizeof *key);
	if (!key)
		return why_set(why, FAULT_MEMORY, "no memory for a name key");
	enum fault fault = secret_copy(siv, SIV_KEY_SIZE, &key->siv, why);
	if (fault)
		return fault;
	key->folder = *folder;
	*ret_key = TAKE(key);
	return FAULT_NONE;
}

void name_key_free(struct name_key *key)
{
	if (!key)
		return;
	secret_free(key->siv);
	free(key);
}

/* -- SIV of a name -- */

struct sealed_name {
	size_t size;
	uint8_t bytes[SEALED_MAX];
};

static void seal(const struct name_key *key, const char *plain, struct sealed_name *ret_sealed)
{
	size_t length = strlen(plain);

	cipher_siv_seal(secret_bytes(key->siv), key->folder.bytes, ID_SIZE, (const uint8_t *)plain, length,
			ret_sealed->bytes);
	ret_sealed->size = NAME_SIV_SIZE + length;
}

/* `plain` gets a C string; FAULT_MALFORMED for a zero byte inside, which no name has. */
static enum fault open_sealed(const struct name_key *key, const struct sealed_name *sealed,
			      char plain[static NAME_MAX_PLAIN + 1], struct why *why)
{
	size_t length = sealed->size - NAME_SIV_SIZE;

	if (!cipher_siv_open(secret_bytes(key->siv), key->folder.bytes, ID_SIZE, sealed->bytes, sealed->size,
			     (uint8_t *)plain))
		return why_set(why, FAULT_REFUSED, "the stored name is none of this folder");
	plain[length] = 0;
	if (strlen(plain) != length)
		return why_set(why, FAULT_MALFORMED, "the stored name holds a zero byte");
	return FAULT_NONE;
}

/* Text of at least one byte's SIV, and at most of `plain_max`. */
static bool from_text(const char *text, size_t length, size_t plain_max, struct sealed_name *ret_sealed)
{
	return text_from_base32(text, length, ret_sealed->bytes, NAME_SIV_SIZE + plain_max,
				&ret_sealed->size) &&
	       ret_sealed->size > NAME_SIV_SIZE;
}

/* -- Plain to stored -- */

static enum fault check_plain(const char *plain, struct why *why)
{
	if (strnlen(plain, NAME_MAX_PLAIN + 1) > NAME_MAX_PLAIN)
		return why_set(why, FAULT_NAME_TOO_LONG, "the name is over %d bytes long", NAME_MAX_PLAIN);
	if (!*plain || strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0 || strchr(plain, '/'))
		return why_set(why, FAULT_INVALID, "no file can have this name");
	if (strncmp(plain, FORMAT_PREFIX, sizeof FORMAT_PREFIX - 1) == 0)
		return why_set(why, FAULT_FORBIDDEN, "names that begin with '%s' are not for files",
			       FORMAT_PREFIX);
	return FAULT_NONE;
}

static void store_short(const struct sealed_name *sealed, struct stored_name *stored)
{
	*stored = (struct stored_name){.is_long = false};
	text_base32(stored->entry, sealed->bytes, sealed->size);
}

static void store_long(const struct sealed_name *sealed, struct stored_name *stored)
{
	struct digest hash = kdf_hash(KDF_HASH_LONG_NAME, sealed->bytes, sealed->size);

	*stored = (struct stored_name){.is_long = true, .entry = FORMAT_LONG_PREFIX};
	text_base32(stored->entry + LONG_PREFIX_LENGTH, hash.bytes, DIGEST_SIZE);
	memcpy(stored->long_file, stored->entry, LONG_ENTRY_LENGTH);
	memcpy(stored->long_file + LONG_ENTRY_LENGTH, FORMAT_LONG_SUFFIX, sizeof FORMAT_LONG_SUFFIX);
	text_base32(stored->long_text, sealed->bytes, sealed->size);
}

enum fault name_encode(const struct name_key *key, const char *plain, struct stored_name *ret_stored,
		       struct why *why)
{
	struct sealed_name sealed;
	enum fault fault = check_plain(plain, why);
	if (fault)
		return fault;
	seal(key, plain, &sealed);
	if (BASE32_LENGTH(sealed.size) <= NAME_MAX_STORED_SHORT)
		store_short(&sealed, ret_stored);
	else
		store_long(&sealed, ret_stored);
	return FAULT_NONE;
}

/* -- Stored to plain -- */

/* Servers that ignore case may give it back changed. */
static bool begins_with(const char *entry, const char *prefix)
{
	return strncasecmp(entry, prefix, strlen(prefix)) == 0;
}

static enum name_kind classify_long(const char *entry)
{
	struct digest hash;
	size_t size;
	const char *suffix = entry + LONG_ENTRY_LENGTH;

	if (strlen(entry) < LONG_ENTRY_LENGTH ||
	    !text_from_base32(entry + LONG_PREFIX_LENGTH, LONG_HASH_LENGTH, hash.bytes, DIGEST_SIZE, &size))
		return NAME_OURS;
	if (!*suffix)
		return NAME_LONG_ENTRY;
	return strcasecmp(suffix, FORMAT_LONG_SUFFIX) == 0 ? NAME_LONG_FILE : NAME_OURS;
}

/* What file_replace() leaves when it is cut off. */
static bool is_temporary(const char *entry)
{
	return begins_with(entry, FORMAT_PREFIX) && strcasestr(entry, ".new-");
}

enum name_kind name_classify(const char *entry)
{
	static const struct {
		const char *prefix;
		enum name_kind kind;
	} table[] = {
		{".nfs", NAME_LEFTOVER}, /* unlinked while open, by NFS clients */
		{".smb", NAME_LEFTOVER}, /* the same, by SMB clients */
		{FORMAT_LONG_PREFIX, NAME_LONG_ENTRY},
		{FORMAT_PREFIX, NAME_OURS},
	};
	struct sealed_name sealed;
	size_t length = strlen(entry);

	if (is_temporary(entry))
		return NAME_LEFTOVER;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (begins_with(entry, table[i].prefix))
			return table[i].kind == NAME_LONG_ENTRY ? classify_long(entry) : table[i].kind;
	if (length <= NAME_MAX_STORED_SHORT && from_text(entry, length, NAME_MAX_PLAIN, &sealed))
		return NAME_ENTRY;
	return NAME_FOREIGN;
}

enum fault name_decode(const struct name_key *key, const char *text, size_t length,
		       char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why)
{
	struct sealed_name sealed;
	char plain[NAME_MAX_PLAIN + 1];

	if (!from_text(text, length, NAME_MAX_PLAIN, &sealed))
		return why_set(why, FAULT_MALFORMED, "the text is no stored name");
	enum fault fault = open_sealed(key, &sealed, plain, why);
	if (fault)
		return fault;
	if (check_plain(plain, why))
		return why_set(why, FAULT_MALFORMED, "the stored name is one that no file can have");
	memcpy(ret_plain, plain, strlen(plain) + 1);
	return FAULT_NONE;
}

bool name_long_matches(const char *entry, const char *text, size_t length)
{
	struct sealed_name sealed;
	struct digest said;
	size_t size;

	if (name_classify(entry) != NAME_LONG_ENTRY || length <= NAME_MAX_STORED_SHORT ||
	    !from_text(text, length, NAME_MAX_PLAIN, &sealed))
		return false;
	if (!text_from_base32(entry + LONG_PREFIX_LENGTH, LONG_HASH_LENGTH, said.bytes, DIGEST_SIZE, &size))
		return false;
	struct digest hash = kdf_hash(KDF_HASH_LONG_NAME, sealed.bytes, sealed.size);
	return digest_equal(&hash, &said);
}

/* -- Names of extended attributes -- */

enum fault name_encode_xattr(const struct name_key *key, const char *plain, char ret_stored[static 256],
			     struct why *why)
{
	struct sealed_name sealed;

	if (strnlen(plain, XATTR_NAME_MAX_PLAIN + 1) > XATTR_NAME_MAX_PLAIN)
		return why_set(why, FAULT_NAME_TOO_LONG, "the attribute's name is over %d bytes long",
			       XATTR_NAME_MAX_PLAIN);
	if (!*plain)
		return why_set(why, FAULT_INVALID, "the attribute's name is empty");
	if (begins_with(plain, XATTR_OURS))
		return why_set(why, FAULT_FORBIDDEN, "attributes that begin with '%s' are read-only",
			       XATTR_OURS);
	seal(key, plain, &sealed);
	memcpy(ret_stored, FORMAT_XATTR_PREFIX, XATTR_PREFIX_LENGTH);
	text_base32(ret_stored + XATTR_PREFIX_LENGTH, sealed.bytes, sealed.size);
	return FAULT_NONE;
}

enum fault name_decode_xattr(const struct name_key *key, const char *stored,
			     char ret_plain[static XATTR_NAME_MAX_PLAIN + 1], struct why *why)
{
	struct sealed_name sealed;
	char plain[NAME_MAX_PLAIN + 1];

	if (!begins_with(stored, FORMAT_XATTR_PREFIX))
		return why_set(why, FAULT_REFUSED, "the attribute is none of ours");
	const char *text = stored + XATTR_PREFIX_LENGTH;
	if (!from_text(text, strlen(text), XATTR_NAME_MAX_PLAIN, &sealed) ||
	    open_sealed(key, &sealed, plain, why) || begins_with(plain, XATTR_OURS))
		return why_set(why, FAULT_REFUSED, "the attribute is none of this folder");
	memcpy(ret_plain, plain, strlen(plain) + 1);
	return FAULT_NONE;
}
