/* keys/keyring_seal.h - what the keyring and a backup keep secret, in one form.
 *
 *   sealed = commit 32 || nonce 24 || XChaCha20-Poly1305-IETF(wrap, nonce, aad context, plain) || tag 16
 *   commit = kdf(key, "slot-commit", context)
 *   wrap   = kdf(key, label, context)
 *
 * The commitment is compared in constant time before anything is opened, so that a
 * ciphertext made to open under several passphrases at once helps nobody to guess faster.
 *
 *   what            key                          label            context
 *   a slot          its KEK                      "slot-wrap"      kind, cost, salt, owner
 * (keys/keyring_slots.h) private keys    the master key               "identity-seal"  id || sign public ||
 * encrypt public a backup        the passphrase's KEK         "key-backup"     cost, salt, digest of the
 * certificate
 *
 * docs/FORMAT.md, section "Keyring". No state; any thread.
 */
#ifndef FSENC_KEYS_KEYRING_SEAL_H
#define FSENC_KEYS_KEYRING_SEAL_H

#include <stdbool.h>

#include "keys/kdf.h"

#define SEAL_COMMIT_SIZE 32
#define SEAL_NONCE_SIZE 24
#define SEAL_TAG_SIZE 16
#define SEALED_SIZE(size) (SEAL_COMMIT_SIZE + SEAL_NONCE_SIZE + (size) + SEAL_TAG_SIZE)

struct seal {
	const uint8_t *key; /* KEY_SIZE bytes */
	enum kdf_label label;
	const void *context;
	size_t context_size;
};

/* `out` has room for SEALED_SIZE(size). */
void seal_close(const struct seal *seal, const void *plain, size_t size, uint8_t *out);
/* Is this the key that it was sealed with? */
MUST_CHECK bool seal_is_committed(const struct seal *seal, const uint8_t *sealed);
/* false, and `plain` untouched, when the commitment or the tag is wrong; `size` is that of the plaintext. */
MUST_CHECK bool seal_open(const struct seal *seal, const uint8_t *sealed, size_t size, void *plain);

#endif
