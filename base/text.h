/* base/text.h - bytes as text: base32hex for stored names, base64url in JSON, hex for ids.
 *
 * base32hex is RFC 4648 section 7 in lower case without padding: its 32 letters survive a
 * file server that ignores case, and decoding takes either case. base64url (section 5, no
 * padding) and hex are libsodium's constant-time codecs, so they may carry keys.
 * Decoders are strict: an encoding that the encoder would not have made is refused, so
 * each value has exactly one text (case apart).
 */
#ifndef FSENC_BASE_TEXT_H
#define FSENC_BASE_TEXT_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters without the closing zero. */
#define BASE32_LENGTH(size) (((size)*8 + 4) / 5)
#define BASE64_LENGTH(size) (((size)*4 + 2) / 3)
#define HEX_LENGTH(size) ((size)*2)

/* `out` has room for LENGTH(size) + 1. */
void text_base32(char *out, const void *bytes, size_t size);
void text_base64(char *out, const void *bytes, size_t size);
void text_hex(char *out, const void *bytes, size_t size);

/* false when it is no such text, or holds more than `room` bytes. */
MUST_CHECK bool text_from_base32(const char *text, size_t length, void *out, size_t room, size_t *ret_size);
MUST_CHECK bool text_from_base64(const char *text, size_t length, void *out, size_t room, size_t *ret_size);

/* Exactly `size` bytes, or false. */
MUST_CHECK bool text_from_base64_exact(const char *text, void *out, size_t size);
MUST_CHECK bool text_from_hex_exact(const char *text, void *out, size_t size);

/* A heap copy as base64url, or NULL when there is no memory. The caller frees it. */
char *text_base64_new(const void *bytes, size_t size);

#endif
