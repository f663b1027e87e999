/* keys/wrap.h - put a folder key in an envelope that only one recipient opens.
 *
 * An envelope is tied to its context (folder, generation, kind, recipient): opened under
 * any other it fails, so one copied elsewhere or kept from before is refused. That it opens
 * is not yet proof of the right folder key: the caller compares with the signed commitment.
 *
 *   user   epk32 || XChaCha20-Poly1305(KEK, nonce 0, aad ctx, FK), KEK = kdf(X25519(esk, enc),
 *          "wrap/user", epk || enc || ctx)
 *   group  R32   || the same, KEK = kdf(S, "wrap/group", ctx), R = r*G, S = r*K on ristretto255
 *   ctx  = folder id 16 || le32 generation || kind 1 || member id 16
 *
 * A KEK is used once, so nonce 0 is sound. docs/FORMAT.md, section "Keybox". Any thread.
 */
#ifndef FSENC_KEYS_WRAP_H
#define FSENC_KEYS_WRAP_H

#include "keys/identity.h"

#define WRAP_SIZE 80
#define POINT_SIZE 32

enum member_kind { MEMBER_USER = 1, MEMBER_GROUP = 2, MEMBER_RECOVERY = 3 };

struct wrap_context {
	struct folder_id folder;
	uint32_t generation;
	enum member_kind kind;
	struct member_id member;
};

struct wrap {
	uint8_t bytes[WRAP_SIZE];
};

MUST_CHECK enum fault wrap_to_user(const struct wrap_context *context,
				   const uint8_t folder_key[static KEY_SIZE],
				   const uint8_t encrypt_public[static ENCRYPT_PUBLIC_SIZE],
				   struct wrap *ret_wrap, struct why *why);
MUST_CHECK enum fault wrap_open_user(const struct wrap *wrap, const struct wrap_context *context,
				     const struct identity *identity, struct wiped_key *ret_folder_key,
				     struct why *why);

/* `group_public` is K. For MEMBER_GROUP and MEMBER_RECOVERY. */
MUST_CHECK enum fault wrap_to_group(const struct wrap_context *context,
				    const uint8_t folder_key[static KEY_SIZE],
				    const uint8_t group_public[static POINT_SIZE], struct wrap *ret_wrap,
				    struct why *why);
/* `shared` is S = k*R, which the servers help to compute (keys/group.h); R is wrap_point(). */
MUST_CHECK enum fault wrap_open_group(const struct wrap *wrap, const struct wrap_context *context,
				      const uint8_t shared[static POINT_SIZE],
				      struct wiped_key *ret_folder_key, struct why *why);
const uint8_t *wrap_point(const struct wrap *wrap);

#endif
