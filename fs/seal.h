/* fs/seal.h - the small sealed things beside file contents: xattr values, link targets.
 *
 *   sealed = le32 generation || nonce 24 || XChaCha20-Poly1305(key of that generation, aad, plain)
 *   xattr:   key "xattr",   aad = plain name (without "user.")
 *   symlink: key "symlink", aad = "symlink", stored as base64url
 *
 * Opening: FAULT_MALFORMED when it is too short or no such text, FAULT_REFUSED when it does not
 * authenticate or its generation is below `min_read`, FAULT_LOCKED when its generation is later than the
 * keys: that is damage only if no later list explains it (fs/place.h, scope_was_behind). A ret_ buffer starts
 * as BYTES_EMPTY (or holds what is replaced); its owner is the caller. Any thread. docs/FORMAT.md, "Xattrs
 * and symlinks".
 */
#ifndef FSENC_FS_SEAL_H
#define FSENC_FS_SEAL_H

#include "base/bytes.h"
#include "fs/format.h"
#include "keys/folder.h"

#define SMALL_SEAL_OVERHEAD (4 + SEAL_OVERHEAD)

MUST_CHECK enum fault seal_xattr(const struct folder_keys *keys, const char *name, const void *value,
				 size_t size, struct bytes *ret_sealed, struct why *why);
MUST_CHECK enum fault seal_open_xattr(const struct folder_keys *keys, uint32_t min_read, const char *name,
				      const void *sealed, size_t size, struct bytes *ret_value,
				      struct why *why);
/* Text; FAULT_NAME_TOO_LONG for a target over SYMLINK_TARGET_MAX bytes, FAULT_MISSING for an empty one. */
MUST_CHECK enum fault seal_symlink(const struct folder_keys *keys, const char *target, struct bytes *ret_text,
				   struct why *why);
MUST_CHECK enum fault seal_open_symlink(const struct folder_keys *keys, uint32_t min_read, const char *text,
					size_t size, struct bytes *ret_target, struct why *why);
/* The plain length of a stored link, from the stored length alone: what stat() shows. */
size_t seal_symlink_plain_size(size_t stored_size);

#endif
