/* fs/xaes.h - XAES-256-GCM, suite 1 of fs/cipher.h, as c2sp.org/XAES-256-GCM specifies it.
 *
 *   L  = AES-256_K(0^16)                 K1 = L << 1, ^ 0x87 if L's first bit is set
 *   M1 = 00 01 'X' 00 || N[0..11]        M2 = 00 02 'X' 00 || N[0..11]
 *   Kx = AES-256_K(M1 ^ K1) || AES-256_K(M2 ^ K1)
 *   ciphertext || tag = AES-256-GCM(Kx, nonce N[12..23], aad, plain)
 *
 * K1 depends on the key alone: xaes_init() computes it once. Any thread; a library failure aborts.
 */
#ifndef FSENC_FS_XAES_H
#define FSENC_FS_XAES_H

#include "fs/cipher.h"

/* `key` has its bytes and serial; fills k1. */
void xaes_init(struct cipher_key *key);

void xaes_seal(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE], const void *aad,
	       size_t aad_size, const uint8_t *plain, size_t size, uint8_t *ciphertext,
	       uint8_t tag[static TAG_SIZE]);
/* On false, `plain` has been wiped. */
MUST_CHECK bool xaes_open(const struct cipher_key *key, const uint8_t nonce[static NONCE_SIZE],
			  const void *aad, size_t aad_size, const uint8_t *ciphertext, size_t size,
			  const uint8_t tag[static TAG_SIZE], uint8_t *plain);

#endif
