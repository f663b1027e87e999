#include "fs/xaes.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "fs/cipher_thread.h"

#define AES_BLOCK 16
#define PREFIX_SIZE 12 /* of the nonce: goes into the derived key; the rest is GCM's nonce */

_Static_assert(2 * AES_BLOCK == KEY_SIZE, "the derived key is two AES blocks");
_Static_assert(NONCE_SIZE - PREFIX_SIZE == 12, "GCM's own nonce length");

/* AES-256_K of whole blocks. The AES key schedule is done again only when the key is another one. */
static void aes_blocks(struct cipher_thread *thread, const struct cipher_key *key, const uint8_t *in,
		       int size, uint8_t *out)
{
	int written = 0;

	if (thread->ecb_serial != key->serial) {
		cipher_must(EVP_EncryptInit_ex2(thread->ecb, NULL, key->key, NULL, NULL) == 1, "AES-256 key");
		thread->ecb_serial = key->serial;
	}
	cipher_must(EVP_EncryptUpdate(thread->ecb, out, &written, in, size) == 1 && written == size,
		    "AES-256");
}

void xaes_init(struct cipher_key *key)
{
	static const uint8_t zeros[AES_BLOCK];
	uint8_t l[AES_BLOCK];

	aes_blocks(cipher_thread(), key, zeros, AES_BLOCK, l);
	for (unsigned i = 0; i < AES_BLOCK; i++)
		key->k1[i] = (uint8_t)(l[i] << 1 | (i + 1 < AES_BLOCK ? l[i + 1] >> 7 : 0));
	key->k1[AES_BLOCK - 1] ^= (uint8_t)(0x87 & -(l[0] >> 7));
	sodium_memzero(l, sizeof l);
}

static void derive(struct cipher_thread *thread, const struct cipher_key *key, const uint8_t *nonce,
		   struct wiped_key *ret_derived)
{
	uint8_t m[2 * AES_BLOCK] = {0, 1, 'X', 0, [AES_BLOCK] = 0, 2, 'X', 0};

	memcpy(m + 4, nonce, PREFIX_SIZE);
	memcpy(m + AES_BLOCK + 4, nonce, PREFIX_SIZE);
	for (unsigned i = 0; i < sizeof m; i++)
		m[i] ^= key->k1[i % AES_BLOCK];
	aes_blocks(thread, key, m, sizeof m, ret_derived->bytes);
	sodium_memzero(m, sizeof m);
}

void xaes_seal(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE], const void *aad,
	       size_t aad_size, const uint8_t *plain, size_t size, uint8_t *ciphertext,
	       uint8_t tag[static TAG_SIZE])
{
	struct cipher_thread *thread = cipher_thread();
	EVP_CIPHER_CTX *gcm = thread->gcm_seal;
	AUTO(wiped_key) struct wiped_key derived;
	int written = 0;

	derive(thread, key, nonce, &derived);
	cipher_must(EVP_EncryptInit_ex2(gcm, NULL, derived.bytes, nonce + PREFIX_SIZE, NULL) == 1,
		    "AES-256-GCM key");
	if (aad_size)
		cipher_must(EVP_EncryptUpdate(gcm, NULL, &written, aad, (int)aad_size) == 1,
			    "AES-256-GCM aad");
	if (size)
		cipher_must(EVP_EncryptUpdate(gcm, ciphertext, &written, plain, (int)size) == 1 &&
				    written == (int)size,
			    "AES-256-GCM");
	cipher_must(EVP_EncryptFinal_ex(gcm, tag, &written) == 1 && written == 0, "AES-256-GCM end");
	cipher_must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1, "AES-256-GCM tag");
}

bool xaes_open(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE], const void *aad,
	       size_t aad_size, const uint8_t *ciphertext, size_t size, const uint8_t tag[static TAG_SIZE],
	       uint8_t *plain)
{
	struct cipher_thread *thread = cipher_thread();
	EVP_CIPHER_CTX *gcm = thread->gcm_open;
	AUTO(wiped_key) struct wiped_key derived;
	uint8_t nothing[AES_BLOCK];
	int written = 0;

	derive(thread, key, nonce, &derived);
	cipher_must(EVP_DecryptInit_ex2(gcm, NULL, derived.bytes, nonce + PREFIX_SIZE, NULL) == 1,
		    "AES-256-GCM key");
	cipher_must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, (void *)(uintptr_t)tag) == 1,
		    "AES-256-GCM tag");
	if (aad_size)
		cipher_must(EVP_DecryptUpdate(gcm, NULL, &written, aad, (int)aad_size) == 1,
			    "AES-256-GCM aad");
	if (size)
		cipher_must(EVP_DecryptUpdate(gcm, plain, &written, ciphertext, (int)size) == 1,
			    "AES-256-GCM");
	if (EVP_DecryptFinal_ex(gcm, nothing, &written) == 1)
		return true;
	if (size)
		sodium_memzero(plain, size);
	return false;
}
