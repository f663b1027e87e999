/* base/secret.h - memory for keys.
 *
 * A struct secret is one guarded allocation of libsodium: locked into memory, between
 * guard pages, kept out of core files, wiped when freed. It is for keys that outlive a
 * call: one for an identity, one for a folder, never one for a file. Short-lived keys are
 * plain arrays wiped by AUTO(wiped_key).
 *
 * secret_start() comes first in main(): it starts libsodium, turns core files off, and
 * warns when memory cannot be locked. Thread-safe as long as nobody frees what another
 * uses.
 */
#ifndef FSENC_BASE_SECRET_H
#define FSENC_BASE_SECRET_H

#include "base/auto.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#define KEY_SIZE 32

struct secret;

MUST_CHECK enum fault secret_start(struct why *why);

/* `size` zero bytes; FAULT_MEMORY when there is no room. The caller owns it. */
MUST_CHECK enum fault secret_new(size_t size, struct secret **ret_secret, struct why *why);
MUST_CHECK enum fault secret_copy(const void *bytes, size_t size, struct secret **ret_secret,
				  struct why *why);
void secret_free(struct secret *secret);
AUTO_POINTER(struct secret *, secret_free);

size_t secret_size(const struct secret *secret);
const uint8_t *secret_bytes(const struct secret *secret);
uint8_t *secret_bytes_to_fill(struct secret *secret);

/* Overwrites memory in a way the compiler keeps. */
void secret_wipe(void *bytes, size_t size);

/* A key on the stack: AUTO(wiped_key) struct wiped_key key; wiped at the end of its scope. */
struct wiped_key {
	uint8_t bytes[KEY_SIZE];
};
void wiped_key(struct wiped_key *key);
AUTO_VALUE(struct wiped_key, wiped_key);

#endif
