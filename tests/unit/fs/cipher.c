#include <openssl/evp.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "fs/cipher.h"
#include "tests/vectors/vectors.h"

static const enum suite suites[] = {SUITE_XAES_256_GCM, SUITE_XCHACHA20_POLY1305};

#define EACH_SUITE(i) (size_t i = 0; i < sizeof suites / sizeof *suites; i++)

static void random_key(struct cipher_key *key, enum suite suite)
{
	uint8_t bytes[KEY_SIZE];

	randombytes_buf(bytes, sizeof bytes);
	cipher_key_init(key, suite, bytes);
}

/* -- Published vectors -- */

static void check_aead(const struct vector *v, enum suite suite)
{
	AUTO(cipher_key_wipe) struct cipher_key key;
	uint8_t out[VECTOR_FIELD_MAX];

	assert_int_equal(v->key.size, KEY_SIZE);
	assert_int_equal(v->nonce.size, NONCE_SIZE);
	cipher_key_init(&key, suite, v->key.bytes);
	assert_int_equal(v->valid, cipher_open_with_nonce(&key, v->nonce.bytes, v->aad.bytes, v->aad.size,
							  v->sealed.bytes, v->sealed.size, out));
	if (!v->valid)
		return;
	assert_memory_equal(out, v->message.bytes, v->message.size);
	cipher_seal_with_nonce(&key, v->nonce.bytes, v->aad.bytes, v->aad.size, v->message.bytes,
			       v->message.size, out);
	assert_int_equal(v->sealed.size, v->message.size + TAG_SIZE);
	assert_memory_equal(out, v->sealed.bytes, v->sealed.size);
}

static void check_xaes(const struct vector *v)
{
	check_aead(v, SUITE_XAES_256_GCM);
}

static void check_xchacha(const struct vector *v)
{
	check_aead(v, SUITE_XCHACHA20_POLY1305);
}

static void check_siv(const struct vector *v)
{
	uint8_t out[VECTOR_FIELD_MAX];

	assert_int_equal(v->key.size, 64);
	assert_int_equal(v->valid, cipher_siv_open(v->key.bytes, v->aad.bytes, v->aad.size, v->sealed.bytes,
						   v->sealed.size, out));
	if (!v->valid)
		return;
	assert_memory_equal(out, v->message.bytes, v->message.size);
	cipher_siv_seal(v->key.bytes, v->aad.bytes, v->aad.size, v->message.bytes, v->message.size, out);
	assert_memory_equal(out, v->sealed.bytes, v->sealed.size);
}

static void xaes__matches_the_vectors_of_its_specification(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/xaes-256-gcm.txt", check_xaes), 2);
}

static void xchacha__matches_wycheproof(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/xchacha20-poly1305.txt", check_xchacha), 54);
}

static void siv__matches_wycheproof(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/aes-256-siv.txt", check_siv), 28);
}

static void shake128(const void *data, size_t size, uint8_t *out, size_t out_size)
{
	EVP_MD_CTX *shake = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestInit_ex(shake, EVP_shake128(), NULL), 1);
	assert_int_equal(EVP_DigestUpdate(shake, data, size), 1);
	assert_int_equal(EVP_DigestFinalXOF(shake, out, out_size), 1);
	EVP_MD_CTX_free(shake);
}

/* c2sp.org/XAES-256-GCM, "Accumulated randomized tests": inputs from SHAKE-128 of nothing, outputs into
 * another. */
static void xaes__matches_10_000_accumulated_vectors(void **state)
{
	(void)state;
	enum { ROUNDS = 10000, ROUND_MAX = KEY_SIZE + NONCE_SIZE + 2 * 256, SEALED_MAX = 255 + TAG_SIZE };
	uint8_t *stream = malloc((size_t)ROUNDS * ROUND_MAX);
	uint8_t *sealed = malloc((size_t)ROUNDS * SEALED_MAX);
	uint8_t *at = sealed;
	uint8_t digest[32];
	char text[65];

	shake128("", 0, stream, (size_t)ROUNDS * ROUND_MAX);
	const uint8_t *in = stream;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(cipher_key_wipe) struct cipher_key key;
		const uint8_t *nonce = in + KEY_SIZE, *plain = nonce + NONCE_SIZE + 1,
			      *aad = plain + plain[-1] + 1;
		cipher_key_init(&key, SUITE_XAES_256_GCM, in);
		cipher_seal_with_nonce(&key, nonce, aad, aad[-1], plain, plain[-1], at);
		at += plain[-1] + TAG_SIZE;
		in = aad + aad[-1];
	}
	shake128(sealed, (size_t)(at - sealed), digest, sizeof digest);
	text_hex(text, digest, sizeof digest);
	assert_string_equal(text, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
	free(stream);
	free(sealed);
}

/* -- Our own rules -- */

static void cipher__opens_what_it_sealed_at_every_size(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 65536};
	static uint8_t plain[65536], stored[65536 + SEAL_OVERHEAD], back[65536];

	randombytes_buf(plain, sizeof plain);
	for EACH_SUITE (s) {
		AUTO(cipher_key_wipe) struct cipher_key key;
		random_key(&key, suites[s]);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			cipher_seal(&key, "aad", 3, plain, sizes[i], stored);
			assert_true(cipher_open(&key, "aad", 3, stored, sizes[i] + SEAL_OVERHEAD, back));
			assert_memory_equal(plain, back, sizes[i]);
			assert_false(cipher_open(&key, "aae", 3, stored, sizes[i] + SEAL_OVERHEAD, back));
			assert_false(cipher_open(&key, NULL, 0, stored, sizes[i] + SEAL_OVERHEAD, back));
		}
	}
}

static void cipher__refuses_every_flipped_bit_and_every_cut(void **state)
{
	(void)state;
	enum { SIZE = 33, STORED = SIZE + SEAL_OVERHEAD };
	uint8_t plain[SIZE] = {1, 2, 3}, stored[STORED], back[SIZE];

	for EACH_SUITE (s) {
		AUTO(cipher_key_wipe) struct cipher_key key;
		random_key(&key, suites[s]);
		cipher_seal(&key, "aad", 3, plain, SIZE, stored);
		for (size_t bit = 0; bit < 8 * STORED; bit++) {
			stored[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(cipher_open(&key, "aad", 3, stored, STORED, back));
			stored[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t size = 0; size < STORED; size++)
			assert_false(cipher_open(&key, "aad", 3, stored, size, back));
		assert_true(cipher_open(&key, "aad", 3, stored, STORED, back));
	}
}

static void cipher__leaves_no_plaintext_behind_when_it_refuses(void **state)
{
	(void)state;
	static const uint8_t zeros[64];
	uint8_t plain[64], stored[64 + SEAL_OVERHEAD], back[64];

	memset(plain, 'p', sizeof plain);
	for EACH_SUITE (s) {
		AUTO(cipher_key_wipe) struct cipher_key key;
		random_key(&key, suites[s]);
		cipher_seal(&key, "aad", 3, plain, sizeof plain, stored);
		stored[sizeof stored - 1] ^= 1;
		memset(back, 0, sizeof back);
		assert_false(cipher_open(&key, "aad", 3, stored, sizeof stored, back));
		assert_memory_equal(back, zeros, sizeof back);
	}
}

static void cipher__keeps_keys_and_suites_apart(void **state)
{
	(void)state;
	uint8_t bytes[KEY_SIZE] = {9}, plain[20] = "plain", stored[20 + SEAL_OVERHEAD], back[20];
	AUTO(cipher_key_wipe) struct cipher_key one, other, third;

	cipher_key_init(&one, SUITE_XAES_256_GCM, bytes);
	cipher_key_init(&other, SUITE_XCHACHA20_POLY1305, bytes);
	random_key(&third, SUITE_XAES_256_GCM);
	for (int i = 0; i < 3; i++) { /* in turn, so that the thread's context changes keys */
		cipher_seal(&one, NULL, 0, plain, sizeof plain, stored);
		assert_false(cipher_open(&other, NULL, 0, stored, sizeof stored, back));
		assert_false(cipher_open(&third, NULL, 0, stored, sizeof stored, back));
		assert_true(cipher_open(&one, NULL, 0, stored, sizeof stored, back));
		assert_memory_equal(plain, back, sizeof plain);
	}
}

static void cipher__seals_once_with_a_nonce_of_zeros(void **state)
{
	(void)state;
	static const uint8_t zeros[NONCE_SIZE];
	uint8_t plain[32] = "seed", sealed[32 + TAG_SIZE], same[32 + TAG_SIZE], back[32];

	for EACH_SUITE (s) {
		AUTO(cipher_key_wipe) struct cipher_key key;
		random_key(&key, suites[s]);
		cipher_seal_once(&key, "aad", 3, plain, sizeof plain, sealed);
		cipher_seal_with_nonce(&key, zeros, "aad", 3, plain, sizeof plain, same);
		assert_memory_equal(sealed, same, sizeof sealed);
		assert_true(cipher_open_once(&key, "aad", 3, sealed, sizeof sealed, back));
		assert_memory_equal(plain, back, sizeof plain);
	}
}

static void siv__refuses_every_flipped_bit_and_other_data(void **state)
{
	(void)state;
	uint8_t key[64] = {1}, sealed[NAME_SIV_SIZE + 9], back[9];

	cipher_siv_seal(key, "folder", 6, (const uint8_t *)"name.text", 9, sealed);
	for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(cipher_siv_open(key, "folder", 6, sealed, sizeof sealed, back));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_false(cipher_siv_open(key, "Folder", 6, sealed, sizeof sealed, back));
	assert_false(cipher_siv_open(key, "folder", 6, sealed, NAME_SIV_SIZE, back));
	assert_false(cipher_siv_open(key, "folder", 6, sealed, 3, back));
	assert_true(cipher_siv_open(key, "folder", 6, sealed, sizeof sealed, back));
	assert_memory_equal(back, "name.text", 9);
}

static void suite__is_one_of_two(void **state)
{
	(void)state;
	for (unsigned suite = 0; suite < 256; suite++)
		assert_int_equal(suite_is_known(suite), suite == 1 || suite == 2);
	assert_true(suite_is_known(suite_default()));
}

/* -- Nonces -- */

#define NONCES 1000

static int compare_nonces(const void *one, const void *other)
{
	return memcmp(one, other, NONCE_SIZE);
}

static void assert_all_differ(uint8_t (*nonces)[NONCE_SIZE], size_t count)
{
	qsort(nonces, count, NONCE_SIZE, compare_nonces);
	for (size_t i = 1; i < count; i++)
		assert_memory_not_equal(nonces[i - 1], nonces[i], NONCE_SIZE);
}

static void draw(uint8_t (*nonces)[NONCE_SIZE], size_t count)
{
	for (size_t i = 0; i < count; i++)
		cipher_nonce(nonces[i]);
}

static void nonces__never_repeat_across_pool_fills(void **state)
{
	(void)state;
	static uint8_t nonces[NONCES][NONCE_SIZE];

	draw(nonces, NONCES);
	assert_all_differ(nonces, NONCES);
}

static void read_all(int fd, void *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t count = read(fd, (uint8_t *)buffer + done, size - done);
		assert_true(count > 0);
		done += (size_t)count;
	}
}

static void nonces__differ_between_parent_and_child(void **state)
{
	(void)state;
	static uint8_t nonces[2 * NONCES][NONCE_SIZE];
	int ends[2];
	int status;

	draw(nonces, 10); /* the pool is half used when the child gets it */
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	draw(nonces, NONCES);
	if (child == 0)
		_exit(write(ends[1], nonces, sizeof nonces / 2) == (ssize_t)sizeof nonces / 2 ? 0 : 1);
	assert_true(child > 0);
	read_all(ends[0], nonces + NONCES, sizeof nonces / 2);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_all_differ(nonces, 2 * NONCES);
	close(ends[0]);
	close(ends[1]);
}

/* -- Threads -- */

struct worker {
	pthread_t thread;
	const struct cipher_key *keys;
	uint8_t nonces[NONCES][NONCE_SIZE];
	bool failed;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	uint8_t plain[300], stored[300 + SEAL_OVERHEAD], back[300];

	memset(plain, 'x', sizeof plain);
	for (unsigned i = 0; i < NONCES; i++) {
		const struct cipher_key *key = &worker->keys[i % 4];
		cipher_seal(key, &i, sizeof i, plain, sizeof plain, stored);
		memcpy(worker->nonces[i], stored, NONCE_SIZE);
		if (!cipher_open(key, &i, sizeof i, stored, sizeof stored, back) ||
		    memcmp(plain, back, sizeof plain) != 0)
			worker->failed = true;
		stored[i % sizeof stored] ^= 1;
		if (cipher_open(key, &i, sizeof i, stored, sizeof stored, back))
			worker->failed = true;
	}
	return NULL;
}

static void cipher__serves_threads_that_share_keys(void **state)
{
	(void)state;
	enum { THREADS = 4 };
	static struct worker workers[THREADS];
	static uint8_t nonces[THREADS * NONCES][NONCE_SIZE];
	struct cipher_key keys[4];

	for (size_t i = 0; i < 4; i++)
		random_key(&keys[i], suites[i % 2]);
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].keys = keys;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_false(workers[i].failed);
		memcpy(nonces + i * NONCES, workers[i].nonces, sizeof workers[i].nonces);
	}
	assert_all_differ(nonces, (size_t)THREADS * NONCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xaes__matches_the_vectors_of_its_specification),
		cmocka_unit_test(xaes__matches_10_000_accumulated_vectors),
		cmocka_unit_test(xchacha__matches_wycheproof),
		cmocka_unit_test(siv__matches_wycheproof),
		cmocka_unit_test(cipher__opens_what_it_sealed_at_every_size),
		cmocka_unit_test(cipher__refuses_every_flipped_bit_and_every_cut),
		cmocka_unit_test(cipher__leaves_no_plaintext_behind_when_it_refuses),
		cmocka_unit_test(cipher__keeps_keys_and_suites_apart),
		cmocka_unit_test(cipher__seals_once_with_a_nonce_of_zeros),
		cmocka_unit_test(siv__refuses_every_flipped_bit_and_other_data),
		cmocka_unit_test(suite__is_one_of_two),
		cmocka_unit_test(nonces__never_repeat_across_pool_fills),
		cmocka_unit_test(nonces__differ_between_parent_and_child),
		cmocka_unit_test(cipher__serves_threads_that_share_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
