#include "keys/keyring_seal.h"

#include <sodium.h>

#include "base/secret.h"

#define NONCE_AT SEAL_COMMIT_SIZE
#define CIPHERTEXT_AT (NONCE_AT + SEAL_NONCE_SIZE)

_Static_assert(SEAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce of XChaCha20");
_Static_assert(SEAL_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag of Poly1305");

static void commit(const struct seal *seal, uint8_t out[static SEAL_COMMIT_SIZE])
{
	kdf(out, SEAL_COMMIT_SIZE, seal->key, KDF_SLOT_COMMIT, seal->context, seal->context_size);
}

void seal_close(const struct seal *seal, const void *plain, size_t size, uint8_t *out)
{
	AUTO(wiped_key) struct wiped_key wrap;

	kdf(wrap.bytes, KEY_SIZE, seal->key, seal->label, seal->context, seal->context_size);
	commit(seal, out);
	randombytes_buf(out + NONCE_AT, SEAL_NONCE_SIZE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + CIPHERTEXT_AT, NULL, plain, size,
							 seal->context, seal->context_size, NULL,
							 out + NONCE_AT, wrap.bytes);
}

bool seal_is_committed(const struct seal *seal, const uint8_t *sealed)
{
	uint8_t wanted[SEAL_COMMIT_SIZE];

	commit(seal, wanted);
	return sodium_memcmp(wanted, sealed, SEAL_COMMIT_SIZE) == 0;
}

bool seal_open(const struct seal *seal, const uint8_t *sealed, size_t size, void *plain)
{
	AUTO(wiped_key) struct wiped_key wrap;

	if (!seal_is_committed(seal, sealed))
		return false;
	kdf(wrap.bytes, KEY_SIZE, seal->key, seal->label, seal->context, seal->context_size);
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
		       plain, NULL, NULL, sealed + CIPHERTEXT_AT, size + SEAL_TAG_SIZE, seal->context,
		       seal->context_size, sealed + NONCE_AT, wrap.bytes) == 0;
}
