#include <string.h>

#include "keys/identity.h"
#include "keys/kdf.h"
#include "tests/lib/unit.h"

/* RFC 8032, section 7.1, TEST 1 */
#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SIGNATURE \
	"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b" \
	"d25bf5f0595bbe24655141438e7a100b"

static void identity__signs_as_rfc8032_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct member_id id = {{1}};
	uint8_t private_bytes[IDENTITY_PRIVATE_SIZE] = {0}, public[SIGN_PUBLIC_SIZE], expected[SIGNATURE_SIZE];
	uint8_t signature[SIGNATURE_SIZE];
	AUTO(identity_free) struct identity *identity = NULL;
	assert_true(text_from_hex_exact(SEED, private_bytes, 32));
	assert_true(text_from_hex_exact(PUBLIC, public, sizeof public));
	assert_true(text_from_hex_exact(SIGNATURE, expected, sizeof expected));
	assert_works(identity_restore(&id, "alice", private_bytes, &identity, &why));
	assert_memory_equal(identity_public(identity)->sign_public, public, sizeof public);
	identity_sign(identity, "", 0, signature);
	assert_memory_equal(signature, expected, sizeof expected);
}

static void identity__agrees_with_another_and_refuses_points_of_small_order(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *alice = NULL;
	AUTO(identity_free) struct identity *bob = NULL;
	struct wiped_key one, other;
	const uint8_t small_order[ENCRYPT_PUBLIC_SIZE] = {0};
	assert_works(identity_new("alice", &alice, &why));
	assert_works(identity_new("bob", &bob, &why));
	assert_works(identity_agree(alice, identity_public(bob)->encrypt_public, &one, &why));
	assert_works(identity_agree(bob, identity_public(alice)->encrypt_public, &other, &why));
	assert_memory_equal(one.bytes, other.bytes, KEY_SIZE);
	assert_fault(FAULT_REFUSED, identity_agree(alice, small_order, &one, &why));
	assert_memory_equal(one.bytes, other.bytes, KEY_SIZE);
}

static void name__is_short_plain_utf8(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "Ana Núñez", "日本", "\xf0\x9f\x98\x80", "a.b@c"};
	static const char *const bad[] = {"",  " a", "a ", "a/b", "a\nb", "a\x7f", "\xc0\xaf", "\xed\xa0\x80",
					  "\xff", "a\xc3", "\xf4\x90\x80\x80", "\xe0\x80\x80"};
	char too_long[DISPLAY_NAME_MAX + 2];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct why why = WHY_NONE;
		assert_works(identity_check_name(good[i], &why));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct why why = WHY_NONE;
		assert_fault(FAULT_INVALID, identity_check_name(bad[i], &why));
	}
	memset(too_long, 'a', sizeof too_long - 1);
	too_long[sizeof too_long - 1] = 0;
	struct why why = WHY_NONE;
	assert_fault(FAULT_INVALID, identity_check_name(too_long, &why));
}

static void kdf__labels_are_all_different(void **state)
{
	(void)state;
	uint8_t key[KEY_SIZE] = {7}, seen[KDF_LABEL_COUNT][32];
	for (int i = 0; i < KDF_LABEL_COUNT; i++) {
		kdf(seen[i], 32, key, (enum kdf_label)i, "x", 1);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(kdf_label_text((enum kdf_label)i), kdf_label_text((enum kdf_label)j));
			assert_memory_not_equal(seen[i], seen[j], 32);
		}
	}
}

static void kdf__keeps_label_and_context_apart(void **state)
{
	(void)state;
	uint8_t key[KEY_SIZE] = {7}, one[32], other[32], wide[64];
	kdf(one, 32, key, KDF_NAMES, "ab", 2);
	kdf(other, 32, key, KDF_NAMES, "a", 1);
	assert_memory_not_equal(one, other, 32);
	kdf(wide, 64, key, KDF_NAMES, "ab", 2);
	assert_memory_not_equal(one, wide, 32);
	key[0]++;
	kdf(other, 32, key, KDF_NAMES, "ab", 2);
	assert_memory_not_equal(one, other, 32);
}

int main(void)
{
	struct why why = WHY_NONE;
	if (secret_start(&why))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity__signs_as_rfc8032_says),
		cmocka_unit_test(identity__agrees_with_another_and_refuses_points_of_small_order),
		cmocka_unit_test(name__is_short_plain_utf8),
		cmocka_unit_test(kdf__labels_are_all_different),
		cmocka_unit_test(kdf__keeps_label_and_context_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
