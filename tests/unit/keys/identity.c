#include <sodium.h>
#include <string.h>

#include "keys/identity.h"
#include "tests/vectors/vectors.h"

#define SIGN_SEED_SIZE 32

/* With this Ed25519 seed and this X25519 scalar; NULL is zeros. */
static struct identity *identity_with(const uint8_t *seed, const uint8_t *scalar)
{
	struct why why = WHY_NONE;
	const struct member_id id = {{1}};
	uint8_t private_bytes[IDENTITY_PRIVATE_SIZE] = {0};
	struct identity *identity = NULL;

	if (seed)
		memcpy(private_bytes, seed, SIGN_SEED_SIZE);
	if (scalar)
		memcpy(private_bytes + SIGN_SEED_SIZE, scalar, KEY_SIZE);
	assert_works(identity_restore(&id, "alice", private_bytes, &identity, &why));
	return identity;
}

static void check_ed25519(const struct vector *vector)
{
	uint8_t signature[SIGNATURE_SIZE];
	AUTO(identity_free) struct identity *identity = identity_with(vector->key.bytes, NULL);

	assert_memory_equal(identity_public(identity)->sign_public, vector->aad.bytes, SIGN_PUBLIC_SIZE);
	identity_sign(identity, vector->message.bytes, vector->message.size, signature);
	assert_memory_equal(signature, vector->sealed.bytes, SIGNATURE_SIZE);
}

static void identity__signs_as_rfc8032_says(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/ed25519.txt", check_ed25519), 4);
}

static void check_x25519(const struct vector *vector)
{
	struct why why = WHY_NONE;
	struct wiped_key shared = {{9}};
	const struct wiped_key untouched = shared;
	AUTO(identity_free) struct identity *identity = identity_with(NULL, vector->key.bytes);

	if (!vector->valid) {
		assert_fault(FAULT_REFUSED, identity_agree(identity, vector->aad.bytes, &shared, &why));
		assert_memory_equal(shared.bytes, untouched.bytes, KEY_SIZE);
		return;
	}
	assert_works(identity_agree(identity, vector->aad.bytes, &shared, &why));
	assert_memory_equal(shared.bytes, vector->sealed.bytes, KEY_SIZE);
}

static void identity__agrees_as_rfc7748_says_and_refuses_points_of_small_order(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/x25519.txt", check_x25519), 11);
}

static void identity__agrees_with_another(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *alice = NULL;
	AUTO(identity_free) struct identity *bob = NULL;
	struct wiped_key one, other;
	assert_works(identity_new("alice", &alice, &why));
	assert_works(identity_new("bob", &bob, &why));
	assert_works(identity_agree(alice, identity_public(bob)->encrypt_public, &one, &why));
	assert_works(identity_agree(bob, identity_public(alice)->encrypt_public, &other, &why));
	assert_memory_equal(one.bytes, other.bytes, KEY_SIZE);
}

static void identity__is_the_same_again_from_its_private_bytes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *before = NULL;
	AUTO(identity_free) struct identity *after = NULL;
	uint8_t one[SIGNATURE_SIZE], other[SIGNATURE_SIZE];
	assert_works(identity_new("Ana Núñez", &before, &why));
	const struct public_identity *public = identity_public(before);
	assert_false(member_id_is_none(&public->id));
	assert_works(
		identity_restore(&public->id, public->name, identity_private_bytes(before), &after, &why));
	assert_memory_equal(public, identity_public(after), sizeof *public);
	identity_sign(before, "x", 1, one);
	identity_sign(after, "x", 1, other);
	assert_memory_equal(one, other, sizeof one);
	assert_int_equal(crypto_sign_verify_detached(one, (const uint8_t *)"x", 1, public->sign_public), 0);
}

static void identity__with_a_bad_name_is_not_made(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct member_id id = {{1}};
	const uint8_t private_bytes[IDENTITY_PRIVATE_SIZE] = {1};
	struct identity *identity = NULL;
	assert_fault(FAULT_INVALID, identity_new("a/b", &identity, &why));
	assert_fault(FAULT_INVALID, identity_restore(&id, "", private_bytes, &identity, &why));
	assert_null(identity);
}

static void fingerprint__names_both_keys_and_nothing_else(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *alice = NULL;
	assert_works(identity_new("alice", &alice, &why));
	struct public_identity other = *identity_public(alice);
	const struct fingerprint expected = public_identity_fingerprint(&other);
	strcpy(other.name, "bob");
	other.id.bytes[0] ^= 1;
	struct fingerprint found = public_identity_fingerprint(&other);
	assert_true(fingerprint_equal(&expected, &found));
	other.sign_public[0] ^= 1;
	found = public_identity_fingerprint(&other);
	assert_false(fingerprint_equal(&expected, &found));
	other.sign_public[0] ^= 1;
	other.encrypt_public[31] ^= 1;
	found = public_identity_fingerprint(&other);
	assert_false(fingerprint_equal(&expected, &found));
}

static void name__is_short_plain_utf8(void **state)
{
	(void)state;
	static const char *const good[] = {
		"a",	 "Ana Núñez", "日本",	      "\xf0\x9f\x98\x80",
		"a.b@c", "\xc2\xa1",  "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf",
	};
	static const char *const bad[] = {
		"",
		" a",
		"a ",
		"a/b",
		"a\nb",
		"a\x7f",
		"\xc0\xaf",
		"\xed\xa0\x80",
		"\xff",
		"a\xc3",
		"\xf4\x90\x80\x80",
		"\xe0\x80\x80",
		"\xe2\x82",
		"\xf0\x80\x80\x80",
		"\x80",
		"\xf5\x80\x80\x80",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct why why = WHY_NONE;
		assert_works(identity_check_name(good[i], &why));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct why why = WHY_NONE;
		assert_fault(FAULT_INVALID, identity_check_name(bad[i], &why));
	}
}

static void name__holds_nothing_that_a_terminal_obeys(void **state)
{
	(void)state;
	char name[4] = "a";
	for (int byte = 1; byte < 0x20; byte++) {
		struct why why = WHY_NONE;
		name[1] = (char)byte;
		assert_fault(FAULT_INVALID, identity_check_name(name, &why));
	}
	name[1] = '\xc2';
	for (int byte = 0x80; byte < 0xa0; byte++) {
		struct why why = WHY_NONE;
		name[2] = (char)byte;
		assert_fault(FAULT_INVALID, identity_check_name(name, &why));
	}
}

static void name__has_at_most_128_bytes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char name[DISPLAY_NAME_MAX + 2] = {0};
	memset(name, 'a', DISPLAY_NAME_MAX);
	assert_works(identity_check_name(name, &why));
	name[DISPLAY_NAME_MAX] = 'a';
	assert_fault(FAULT_INVALID, identity_check_name(name, &why));
}

int main(void)
{
	struct why why = WHY_NONE;
	if (secret_start(&why))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity__signs_as_rfc8032_says),
		cmocka_unit_test(identity__agrees_as_rfc7748_says_and_refuses_points_of_small_order),
		cmocka_unit_test(identity__agrees_with_another),
		cmocka_unit_test(identity__is_the_same_again_from_its_private_bytes),
		cmocka_unit_test(identity__with_a_bad_name_is_not_made),
		cmocka_unit_test(fingerprint__names_both_keys_and_nothing_else),
		cmocka_unit_test(name__is_short_plain_utf8),
		cmocka_unit_test(name__holds_nothing_that_a_terminal_obeys),
		cmocka_unit_test(name__has_at_most_128_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
