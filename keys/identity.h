/* keys/identity.h - a user: two key pairs, an id that never changes, a name people read.
 *
 * Ed25519 signs (RFC 8032), X25519 opens what is wrapped to the user (RFC 7748). The
 * private halves lie in one guarded allocation. Read-only after it is made: any thread.
 *
 * Private bytes, IDENTITY_PRIVATE_SIZE: Ed25519 seed 32, X25519 scalar 32.
 */
#ifndef FSENC_KEYS_IDENTITY_H
#define FSENC_KEYS_IDENTITY_H

#include "base/secret.h"
#include "keys/id.h"

#define SIGN_PUBLIC_SIZE 32
#define SIGNATURE_SIZE 64
#define ENCRYPT_PUBLIC_SIZE 32
#define IDENTITY_PRIVATE_SIZE 64
#define DISPLAY_NAME_MAX 128 /* bytes of UTF-8, without the closing zero */

/* What everybody may know of a user. */
struct public_identity {
	struct member_id id;
	char name[DISPLAY_NAME_MAX + 1];
	uint8_t sign_public[SIGN_PUBLIC_SIZE];
	uint8_t encrypt_public[ENCRYPT_PUBLIC_SIZE];
};

struct identity;

/* A display name is 1..DISPLAY_NAME_MAX bytes of UTF-8 without control characters, '/' or
 * leading or trailing blanks; anything else is FAULT_INVALID with the reason. */
MUST_CHECK enum fault identity_check_name(const char *name, struct why *why);

MUST_CHECK enum fault identity_new(const char *name, struct identity **ret_identity, struct why *why);
/* From stored private bytes; the public halves are computed again. */
MUST_CHECK enum fault identity_restore(const struct member_id *id, const char *name,
				       const uint8_t private_bytes[static IDENTITY_PRIVATE_SIZE],
				       struct identity **ret_identity, struct why *why);
void identity_free(struct identity *identity);
AUTO_POINTER(struct identity *, identity_free);

const struct public_identity *identity_public(const struct identity *identity);
const uint8_t *identity_private_bytes(const struct identity *identity);
void identity_sign(const struct identity *identity, const void *message, size_t size,
		   uint8_t signature[static SIGNATURE_SIZE]);
/* X25519(our scalar, theirs); FAULT_REFUSED for an all-zero result. */
MUST_CHECK enum fault identity_agree(const struct identity *identity,
				     const uint8_t theirs[static ENCRYPT_PUBLIC_SIZE],
				     struct wiped_key *ret_shared, struct why *why);

/* hash("fingerprint/user", sign_public || encrypt_public) */
struct fingerprint public_identity_fingerprint(const struct public_identity *identity);
/* For people: the fingerprint as base64url, as it stands in records and after --trust. */

#endif
