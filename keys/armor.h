/* keys/armor.h - bytes as a text block that survives mail and paper:
 *
 *     -----BEGIN FSENC RECOVERY REQUEST-----
 *     base64url, 64 letters a line
 *     -----END FSENC RECOVERY REQUEST-----
 *
 * What stands before and after the block is passed over, and so are blanks and line ends of any kind in it.
 * What is in it is trusted no more than any text. Any thread.
 */
#ifndef FSENC_KEYS_ARMOR_H
#define FSENC_KEYS_ARMOR_H

#include "base/bytes.h"

#define ARMOR_MAX (256 * 1024) /* bytes of text */

/* `label` "FSENC RECOVERY REQUEST". Appends. */
MUST_CHECK enum fault armor_write(const char *label, const void *bytes, size_t size, struct bytes *ret_text,
				  struct why *why);
/* The first block of that label, appended. FAULT_MALFORMED. */
MUST_CHECK enum fault armor_read(const char *label, const void *text, size_t size, struct bytes *ret_bytes,
				 struct why *why);

#endif
