#include "fs/cipher.h"

#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "fs/cipher_thread.h"
#include "fs/xaes.h"

_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == NONCE_SIZE, "docs/FORMAT.md: Primitives");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == KEY_SIZE, "docs/FORMAT.md: Primitives");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == TAG_SIZE, "docs/FORMAT.md: Primitives");

static const uint8_t nonce_of_zeros[NONCE_SIZE];

/* OpenSSL counts in int. Nothing of ours comes near; a caller that does is broken. */
static void check_sizes(size_t aad_size, size_t size)
{
	cipher_must(aad_size <= INT_MAX && size <= INT_MAX, "more than 2 GiB at once");
}

/* -- Keys -- */

bool suite_is_known(unsigned suite)
{
	return suite == SUITE_XAES_256_GCM || suite == SUITE_XCHACHA20_POLY1305;
}

enum suite suite_default(void)
{
	cipher_must(sodium_init() >= 0, "libsodium");
	return crypto_aead_aes256gcm_is_available() ? SUITE_XAES_256_GCM : SUITE_XCHACHA20_POLY1305;
}

void cipher_key_init(struct cipher_key *key, enum suite suite, const uint8_t bytes[static KEY_SIZE])
{
	static _Atomic uint64_t last_serial;

	cipher_must(suite_is_known(suite), "no such suite");
	*key = (struct cipher_key){.suite = suite, .serial = atomic_fetch_add(&last_serial, 1) + 1};
	memcpy(key->key, bytes, KEY_SIZE);
	if (suite == SUITE_XAES_256_GCM)
		xaes_init(key);
}

void cipher_key_wipe(struct cipher_key *key)
{
	sodium_memzero(key, sizeof *key);
}

/* -- Nonces -- */

void cipher_nonce(uint8_t nonce[static NONCE_SIZE])
{
	struct nonce_pool *pool = cipher_thread()->pool;
	if (!pool) {
		randombytes_buf(nonce, NONCE_SIZE);
		return;
	}
	if (pool->left == 0) {
		randombytes_buf(pool->nonces, sizeof pool->nonces);
		pool->left = NONCES_A_PAGE;
	}
	pool->left--;
	memcpy(nonce, pool->nonces[pool->left], NONCE_SIZE);
	sodium_memzero(pool->nonces[pool->left], NONCE_SIZE);
}

/* -- Sealing: ciphertext and tag lie side by side -- */

void cipher_seal_with_nonce(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE],
			    const void *aad, size_t aad_size, const uint8_t *plain, size_t size,
			    uint8_t *sealed)
{
	check_sizes(aad_size, size);
	switch (key->suite) {
	case SUITE_XAES_256_GCM:
		xaes_seal(key, nonce, aad, aad_size, plain, size, sealed, sealed + size);
		return;
	case SUITE_XCHACHA20_POLY1305:
		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, size, aad, aad_size,
								 NULL, nonce, key->key);
		return;
	}
	cipher_must(false, "the key was never made or is wiped");
}

bool cipher_open_with_nonce(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE],
			    const void *aad, size_t aad_size, const uint8_t *sealed, size_t sealed_size,
			    uint8_t *plain)
{
	if (sealed_size < TAG_SIZE)
		return false;
	size_t size = sealed_size - TAG_SIZE;
	check_sizes(aad_size, size);
	switch (key->suite) {
	case SUITE_XAES_256_GCM:
		return xaes_open(key, nonce, aad, aad_size, sealed, size, sealed + size, plain);
	case SUITE_XCHACHA20_POLY1305:
		return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, sealed_size, aad,
								  aad_size, nonce, key->key) == 0;
	}
	cipher_must(false, "the key was never made or is wiped");
	return false;
}

void cipher_seal(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *plain,
		 size_t size, uint8_t *stored)
{
	cipher_nonce(stored);
	cipher_seal_with_nonce(key, stored, aad, aad_size, plain, size, stored + NONCE_SIZE);
}

bool cipher_open(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *stored,
		 size_t stored_size, uint8_t *plain)
{
	if (stored_size < SEAL_OVERHEAD)
		return false;
	return cipher_open_with_nonce(key, stored, aad, aad_size, stored + NONCE_SIZE,
				      stored_size - NONCE_SIZE, plain);
}

void cipher_seal_once(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *plain,
		      size_t size, uint8_t *sealed)
{
	cipher_seal_with_nonce(key, nonce_of_zeros, aad, aad_size, plain, size, sealed);
}

bool cipher_open_once(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *sealed,
		      size_t sealed_size, uint8_t *plain)
{
	return cipher_open_with_nonce(key, nonce_of_zeros, aad, aad_size, sealed, sealed_size, plain);
}

/* -- AES-256-SIV -- */

void cipher_siv_seal(const uint8_t key[static 64], const void *aad, size_t aad_size, const uint8_t *plain,
		     size_t size, uint8_t *sealed)
{
	EVP_CIPHER_CTX *siv = cipher_thread()->siv_seal;
	int written = 0;

	check_sizes(aad_size, size);
	cipher_must(aad_size > 0 && size > 0, "AES-256-SIV of nothing");
	cipher_must(EVP_EncryptInit_ex2(siv, NULL, key, NULL, NULL) == 1, "AES-256-SIV key");
	cipher_must(EVP_EncryptUpdate(siv, NULL, &written, aad, (int)aad_size) == 1, "AES-256-SIV aad");
	cipher_must(EVP_EncryptUpdate(siv, sealed + NAME_SIV_SIZE, &written, plain, (int)size) == 1 &&
			    written == (int)size,
		    "AES-256-SIV");
	cipher_must(EVP_EncryptFinal_ex(siv, sealed, &written) == 1, "AES-256-SIV end");
	cipher_must(EVP_CIPHER_CTX_ctrl(siv, EVP_CTRL_AEAD_GET_TAG, NAME_SIV_SIZE, sealed) == 1,
		    "AES-256-SIV tag");
}

bool cipher_siv_open(const uint8_t key[static 64], const void *aad, size_t aad_size, const uint8_t *sealed,
		     size_t sealed_size, uint8_t *plain)
{
	if (sealed_size <= NAME_SIV_SIZE)
		return false;
	size_t size = sealed_size - NAME_SIV_SIZE;
	EVP_CIPHER_CTX *siv = cipher_thread()->siv_open;
	int written = 0;

	check_sizes(aad_size, size);
	cipher_must(aad_size > 0, "AES-256-SIV without associated data");
	cipher_must(EVP_DecryptInit_ex2(siv, NULL, key, NULL, NULL) == 1, "AES-256-SIV key");
	cipher_must(EVP_CIPHER_CTX_ctrl(siv, EVP_CTRL_AEAD_SET_TAG, NAME_SIV_SIZE,
					(void *)(uintptr_t)sealed) == 1,
		    "AES-256-SIV tag");
	cipher_must(EVP_DecryptUpdate(siv, NULL, &written, aad, (int)aad_size) == 1, "AES-256-SIV aad");
	if (EVP_DecryptUpdate(siv, plain, &written, sealed + NAME_SIV_SIZE, (int)size) == 1)
		return true;
	sodium_memzero(plain, size);
	return false;
}
