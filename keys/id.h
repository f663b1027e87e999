/* keys/id.h - the names of things that never change their name.
 *
 * Each kind of id is its own type, so that a folder's id cannot be passed where a share's
 * is wanted. 16 random bytes, written as 32 hex digits. An id of zeros means "none".
 * A fingerprint names a key; a digest names a signed record.
 */
#ifndef FSENC_KEYS_ID_H
#define FSENC_KEYS_ID_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

#define ID_SIZE 16
#define ID_TEXT_SIZE (HEX_LENGTH(ID_SIZE) + 1)
#define DIGEST_SIZE 32
#define DIGEST_TEXT_SIZE (BASE64_LENGTH(DIGEST_SIZE) + 1)

#define ID_TYPE(type, size) \
	struct type { \
		uint8_t bytes[size]; \
	}; \
	static inline bool type##_equal(const struct type *one, const struct type *other) \
	{ \
		return memcmp(one->bytes, other->bytes, size) == 0; \
	} \
	static inline bool type##_is_none(const struct type *id) \
	{ \
		return sodium_is_zero(id->bytes, size) == 1; \
	} \
	static inline void type##_random(struct type *ret_id) \
	{ \
		randombytes_buf(ret_id->bytes, size); \
	} \
	struct id_swallow_semicolon_##type

#define ID_TEXT(type) \
	static inline void type##_text(const struct type *id, char text[static ID_TEXT_SIZE]) \
	{ \
		text_hex(text, id->bytes, ID_SIZE); \
	} \
	MUST_CHECK static inline bool type##_from_text(const char *text, struct type *ret_id) \
	{ \
		return text_from_hex_exact(text, ret_id->bytes, ID_SIZE); \
	} \
	struct id_swallow_text_semicolon_##type

#define DIGEST_TEXT(type) \
	static inline void type##_text(const struct type *digest, char text[static DIGEST_TEXT_SIZE]) \
	{ \
		text_base64(text, digest->bytes, DIGEST_SIZE); \
	} \
	MUST_CHECK static inline bool type##_from_text(const char *text, struct type *ret_digest) \
	{ \
		return text_from_base64_exact(text, ret_digest->bytes, DIGEST_SIZE); \
	} \
	struct id_swallow_digest_semicolon_##type

ID_TYPE(organisation_id, ID_SIZE);
ID_TYPE(share_id, ID_SIZE);
ID_TYPE(folder_id, ID_SIZE);
ID_TYPE(member_id, ID_SIZE); /* of a user, a group or a recovery group */
ID_TYPE(file_id, ID_SIZE);
ID_TYPE(fingerprint, DIGEST_SIZE);
ID_TYPE(digest, DIGEST_SIZE);

ID_TEXT(organisation_id);
ID_TEXT(share_id);
ID_TEXT(folder_id);
ID_TEXT(member_id);
DIGEST_TEXT(fingerprint);
DIGEST_TEXT(digest);

#endif
