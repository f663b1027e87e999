#include "fs/cipher_thread.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static EVP_CIPHER *ecb_cipher, *gcm_cipher, *siv_cipher; /* live as long as the process */
static _Thread_local struct cipher_thread *mine;

void cipher_must(bool worked, const char *what)
{
	if (worked)
		return;
	log_error("the cryptographic library fails: %s", what);
	abort();
}

/* -- The nonce pool -- */

static struct nonce_pool *pool_new(void)
{
	void *page = mmap(NULL, sizeof(struct nonce_pool), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof(struct nonce_pool), MADV_WIPEONFORK) != 0) {
		(void)munmap(page, sizeof(struct nonce_pool));
		return NULL;
	}
	(void)madvise(page, sizeof(struct nonce_pool), MADV_DONTDUMP);
	return page;
}

static void pool_free(struct nonce_pool *pool)
{
	if (!pool)
		return;
	sodium_memzero(pool, sizeof *pool);
	(void)munmap(pool, sizeof *pool);
}

/* -- The thread's own -- */

static void thread_free(void *value)
{
	struct cipher_thread *thread = value;

	EVP_CIPHER_CTX_free(thread->ecb);
	EVP_CIPHER_CTX_free(thread->gcm_seal);
	EVP_CIPHER_CTX_free(thread->gcm_open);
	EVP_CIPHER_CTX_free(thread->siv_seal);
	EVP_CIPHER_CTX_free(thread->siv_open);
	pool_free(thread->pool);
	free(thread);
	mine = NULL;
}

static void start(void)
{
	cipher_must(sodium_init() >= 0, "libsodium");
	ecb_cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	gcm_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	siv_cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	cipher_must(ecb_cipher && gcm_cipher && siv_cipher, "AES-256 in ECB, GCM and SIV mode");
	cipher_must(pthread_key_create(&at_thread_end, thread_free) == 0, "thread storage");
}

static EVP_CIPHER_CTX *context_new(const EVP_CIPHER *cipher, int seals)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	cipher_must(context && EVP_CipherInit_ex2(context, cipher, NULL, NULL, seals, NULL) == 1,
		    "a cipher context");
	return context;
}

static struct cipher_thread *thread_new(void)
{
	(void)pthread_once(&once, start);
	struct cipher_thread *thread = calloc(1, sizeof *thread);
	cipher_must(thread, "memory");
	thread->ecb = context_new(ecb_cipher, 1);
	cipher_must(EVP_CIPHER_CTX_set_padding(thread->ecb, 0) == 1, "no padding");
	thread->gcm_seal = context_new(gcm_cipher, 1);
	thread->gcm_open = context_new(gcm_cipher, 0);
	thread->siv_seal = context_new(siv_cipher, 1);
	thread->siv_open = context_new(siv_cipher, 0);
	thread->pool = pool_new();
	cipher_must(pthread_setspecific(at_thread_end, thread) == 0, "thread storage");
	return thread;
}

struct cipher_thread *cipher_thread(void)
{
	if (!mine)
		mine = thread_new();
	return mine;
}
