#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "keys/kdf.h"
#include "tests/vectors/vectors.h"

/* 0, 1, .. 31 */
static const uint8_t *rising_key(void)
{
	static uint8_t key[KEY_SIZE];

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	return key;
}

static void assert_hex(const uint8_t *found, size_t size, const char *expected)
{
	char text[HEX_LENGTH(64) + 1];

	text_hex(text, found, size);
	assert_string_equal(text, expected);
}

static void check_blake2b(const struct vector *vector)
{
	uint8_t digest[crypto_generichash_BYTES_MAX];

	assert_int_equal(crypto_generichash(digest, vector->sealed.size, vector->message.bytes,
					    vector->message.size, vector->key.size ? vector->key.bytes : NULL,
					    vector->key.size),
			 0);
	assert_memory_equal(digest, vector->sealed.bytes, vector->sealed.size);
}

static void blake2b__gives_the_published_digests(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/blake2b.txt", check_blake2b), 4);
}

/* Computed with another implementation (Python's hashlib). */
static void kdf__is_blake2b_over_prefix_label_zero_and_context(void **state)
{
	(void)state;
	uint8_t context[KDF_FOLDER_CONTEXT_SIZE], commit[32], names[64];
	struct folder_id folder;
	memset(folder.bytes, 0xaa, sizeof folder.bytes);
	kdf_folder_context(context, &folder, 3);
	kdf(commit, sizeof commit, rising_key(), KDF_COMMIT, context, sizeof context);
	assert_hex(commit, sizeof commit, "be544d39706fd0aa6c2594398a5474e57d4092174fa5ce2780a10d3bd1f6a4c7");
	kdf(names, sizeof names, rising_key(), KDF_NAMES, folder.bytes, sizeof folder.bytes);
	assert_hex(names, sizeof names,
		   "34960441f8feb5c931bbb586681cc4360fb35afd8f2d0712de3a97ece313480f"
		   "858b4cd369d8a4ad5a38aa5efde42ad3d37701d0db872b6f06f820b35301822b");
	struct digest digest = kdf_hash(KDF_HASH_RECORD, "abc", 3);
	assert_hex(digest.bytes, sizeof digest.bytes,
		   "361e001918d98bc025957db1be42d874babde27d07dfc73fac99562e9a1f9f89");
}

static void kdf__labels_are_all_different(void **state)
{
	(void)state;
	uint8_t seen[KDF_LABEL_COUNT][32];
	for (int i = 0; i < KDF_LABEL_COUNT; i++) {
		const char *text = kdf_label_text((enum kdf_label)i);
		assert_true(*text);
		kdf(seen[i], 32, rising_key(), (enum kdf_label)i, "x", 1);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(text, kdf_label_text((enum kdf_label)j));
			assert_memory_not_equal(seen[i], seen[j], 32);
		}
	}
}

/* "xattr" begins "xattr-names": what is missing in the label cannot be put into the context. */
static void kdf__keeps_label_and_context_apart(void **state)
{
	(void)state;
	uint8_t one[32], other[32];
	kdf(one, 32, rising_key(), KDF_XATTR_NAMES, "", 0);
	kdf(other, 32, rising_key(), KDF_XATTR, "-names", 6);
	assert_memory_not_equal(one, other, 32);
	kdf(other, 32, rising_key(), KDF_XATTR_NAMES, "\0", 1);
	assert_memory_not_equal(one, other, 32);
}

static void kdf__depends_on_key_context_and_size(void **state)
{
	(void)state;
	uint8_t key[KEY_SIZE], one[32], other[32], wide[64];
	memcpy(key, rising_key(), sizeof key);
	kdf(one, 32, key, KDF_NAMES, "ab", 2);
	kdf(other, 32, key, KDF_NAMES, "a", 1);
	assert_memory_not_equal(one, other, 32);
	kdf(wide, 64, key, KDF_NAMES, "ab", 2);
	assert_memory_not_equal(one, wide, 32);
	key[31]++;
	kdf(other, 32, key, KDF_NAMES, "ab", 2);
	assert_memory_not_equal(one, other, 32);
}

static void hash__is_no_key_of_a_key_of_zeros(void **state)
{
	(void)state;
	const uint8_t zeros[KEY_SIZE] = {0};
	uint8_t derived[32];
	for (int i = 0; i < KDF_LABEL_COUNT; i++) {
		kdf(derived, 32, zeros, (enum kdf_label)i, "ab", 2);
		struct digest digest = kdf_hash((enum kdf_label)i, "ab", 2);
		assert_memory_not_equal(digest.bytes, derived, 32);
	}
}

static void context__is_the_folder_and_its_generation_in_little_endian(void **state)
{
	(void)state;
	uint8_t context[KDF_FOLDER_CONTEXT_SIZE];
	const struct folder_id folder = {{1, 2, 3}};
	const uint8_t expected[KDF_FOLDER_CONTEXT_SIZE] = {1, 2, 3, [16] = 4, 3, 2, 1};
	kdf_folder_context(context, &folder, 0x01020304);
	assert_memory_equal(context, expected, sizeof expected);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blake2b__gives_the_published_digests),
		cmocka_unit_test(kdf__is_blake2b_over_prefix_label_zero_and_context),
		cmocka_unit_test(kdf__labels_are_all_different),
		cmocka_unit_test(kdf__keeps_label_and_context_apart),
		cmocka_unit_test(kdf__depends_on_key_context_and_size),
		cmocka_unit_test(hash__is_no_key_of_a_key_of_zeros),
		cmocka_unit_test(context__is_the_folder_and_its_generation_in_little_endian),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
