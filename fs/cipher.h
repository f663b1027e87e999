/* fs/cipher.h - authenticated encryption of blocks: XAES-256-GCM and XChaCha20-Poly1305.
 *
 * Suite 1 is XAES-256-GCM (C2SP XAES-256-GCM specification) over OpenSSL's AES-256; suite 2 is
 * XChaCha20-Poly1305-IETF of libsodium. Both take a 32-byte key, a 24-byte nonce and give a
 * 16-byte tag. Sealing draws a fresh random nonce every time from a per-thread pool (dropped on fork).
 * Contexts are per thread and made once; nothing is allocated per block. Any thread.
 *
 *     stored = nonce 24 || ciphertext || tag 16
 *
 * A key is prepared once (cipher_key_init) and then read-only. A failure of the library
 * itself, which would mean lost plaintext or reused nonces, aborts.
 */
#ifndef FSENC_FS_CIPHER_H
#define FSENC_FS_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "fs/format.h"

enum suite { SUITE_XAES_256_GCM = 1, SUITE_XCHACHA20_POLY1305 = 2 };

struct cipher_key {
	enum suite suite;
	uint8_t key[KEY_SIZE];
	uint8_t k1[16]; /* suite 1: the derived block of the XAES key schedule */
	uint64_t serial; /* tells prepared keys apart in the per-thread contexts */
};

bool suite_is_known(unsigned suite);
/* Suite 1 where the processor has AES instructions, else 2. */
enum suite suite_default(void);

void cipher_key_init(struct cipher_key *key, enum suite suite, const uint8_t bytes[static KEY_SIZE]);
void cipher_key_wipe(struct cipher_key *key);
AUTO_VALUE(struct cipher_key, cipher_key_wipe);

/* Random bytes from the thread's pool. */
void cipher_nonce(uint8_t nonce[static NONCE_SIZE]);

/* `stored` gets size + SEAL_OVERHEAD bytes; it may not overlap `plain`. */
void cipher_seal(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *plain,
		 size_t size, uint8_t *stored);
/* `stored_size` >= SEAL_OVERHEAD; `plain` gets stored_size - SEAL_OVERHEAD bytes, and holds nothing useful on
 * false. */
MUST_CHECK bool cipher_open(const struct cipher_key *key, const void *aad, size_t aad_size,
			    const uint8_t *stored, size_t stored_size, uint8_t *plain);

/* For keys that seal one thing only: a nonce of zeros that is not stored. `sealed` = ciphertext || tag. */
void cipher_seal_once(const struct cipher_key *key, const void *aad, size_t aad_size, const uint8_t *plain,
		      size_t size, uint8_t *sealed);
MUST_CHECK bool cipher_open_once(const struct cipher_key *key, const void *aad, size_t aad_size,
				 const uint8_t *sealed, size_t sealed_size, uint8_t *plain);

/* With the nonce given: for published vectors only. sealed = ciphertext || tag. */
void cipher_seal_with_nonce(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE],
			    const void *aad, size_t aad_size, const uint8_t *plain, size_t size,
			    uint8_t *sealed);
MUST_CHECK bool cipher_open_with_nonce(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE],
				       const void *aad, size_t aad_size, const uint8_t *sealed,
				       size_t sealed_size, uint8_t *plain);

/* AES-256-SIV (RFC 5297): deterministic, `aad` and `plain` never empty. sealed = SIV 16 || ciphertext. */
void cipher_siv_seal(const uint8_t key[static 64], const void *aad, size_t aad_size, const uint8_t *plain,
		     size_t size, uint8_t *sealed);
MUST_CHECK bool cipher_siv_open(const uint8_t key[static 64], const void *aad, size_t aad_size,
				const uint8_t *sealed, size_t sealed_size, uint8_t *plain);

#endif
