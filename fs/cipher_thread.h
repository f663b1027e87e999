/* fs/cipher_thread.h - what each thread keeps for fs/cipher.h: OpenSSL contexts and random bytes.
 *
 * Made at a thread's first use and freed, wiped, when the thread ends. The contexts are made
 * once, so that a block costs no allocation. The random bytes lie in a page that the kernel
 * empties in a child process, so that parent and child never use the same nonce; where the
 * kernel cannot do that there is no pool and every nonce is asked for by itself.
 *
 * Until its next use, or its end, a thread's contexts hold the key they were last used with.
 */
#ifndef FSENC_FS_CIPHER_THREAD_H
#define FSENC_FS_CIPHER_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/format.h"

struct evp_cipher_ctx_st; /* OpenSSL's EVP_CIPHER_CTX */

#define NONCES_A_PAGE 170

/* Exactly one page. Zeros, as a child process finds them, are an empty pool. */
struct nonce_pool {
	uint64_t left;
	uint64_t unused;
	uint8_t nonces[NONCES_A_PAGE][NONCE_SIZE];
};
_Static_assert(sizeof(struct nonce_pool) == 4096, "the pool fills its page");

struct cipher_thread {
	struct evp_cipher_ctx_st *ecb; /* AES-256 of the XAES key schedule ... */
	uint64_t ecb_serial; /* ... under the key with this serial; 0: none */
	struct evp_cipher_ctx_st *gcm_seal;
	struct evp_cipher_ctx_st *gcm_open;
	struct evp_cipher_ctx_st *siv_seal;
	struct evp_cipher_ctx_st *siv_open;
	struct nonce_pool *pool; /* NULL: none */
};

/* The calling thread's own. Never NULL: a failure aborts. */
struct cipher_thread *cipher_thread(void);

/* Aborts unless `worked`: for calls that fail only when the library itself is broken. */
void cipher_must(bool worked, const char *what);

#endif
