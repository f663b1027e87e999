/* keys/sealed.h - secrets that only one identity, or only a group of officers together, can open.
 *
 * For files that are carried: a server's share of a group key, a recovery token in escrow. Tied to a context
 * of the caller's (what it is, of whom, for whom): opened under another it fails. Who sealed it is not said:
 * what must be somebody's is signed, or checked by what it is (a share against its commitments).
 *
 *   to an identity  epk32 || XChaCha20-Poly1305(key, nonce 0, aad context, data),
 *                   key = kdf(X25519(esk, enc), "sealed-to", u8 1 || epk || enc || context)
 *   to a group      R32   || the same, key = kdf(S, "sealed-to", u8 2 || context), R = r*G, S = r*K
 *
 * A key is used once, so nonce 0 is sound. R and K stay out of the second key for the reason of keys/wrap.h.
 * docs/FORMAT.md, section "Sealed files". Any thread.
 */
#ifndef FSENC_KEYS_SEALED_H
#define FSENC_KEYS_SEALED_H

#include "base/bytes.h"
#include "keys/group.h"
#include "keys/identity.h"

#define SEALED_OVERHEAD (32 + 16)
#define SEALED_DATA_MAX (64 * 1024)

struct sealed_context {
	const void *bytes;
	size_t size; /* at most SEALED_CONTEXT_MAX */
};
#define SEALED_CONTEXT_MAX 1024

/* Appends to *ret_sealed. FAULT_INVALID: too large; FAULT_REFUSED: a key that gives no shared secret. */
MUST_CHECK enum fault sealed_to_identity(const struct public_identity *recipient,
					 const struct sealed_context *context, const void *data, size_t size,
					 struct bytes *ret_sealed, struct why *why);
MUST_CHECK enum fault sealed_to_group(const struct point *group_public, const struct sealed_context *context,
				      const void *data, size_t size, struct bytes *ret_sealed,
				      struct why *why);

/* FAULT_REFUSED: not for this identity and context; FAULT_MALFORMED: too short or too long to be one. */
MUST_CHECK enum fault sealed_open(const void *sealed, size_t size, const struct sealed_context *context,
				  const struct identity *recipient, struct secret **ret_data,
				  struct why *why);
/* `shared` is S = k*R, which the officers help to compute; R is sealed_point(). */
MUST_CHECK enum fault sealed_open_group(const void *sealed, size_t size, const struct sealed_context *context,
					const struct point *shared, struct secret **ret_data,
					struct why *why);
/* FAULT_MALFORMED. */
MUST_CHECK enum fault sealed_point(const void *sealed, size_t size, struct point *ret_point, struct why *why);

#endif
