#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "keys/kdf.h"
#include "keys/wrap.h"
#include "tests/lib/unit.h"

#define CONTEXT_FIELDS 4

static struct identity *bob;
static struct identity *mallory;
static uint8_t group_key[POINT_SIZE]; /* k */
static uint8_t group_public[POINT_SIZE]; /* K = k*G */
static struct wrap_context context = {.generation = 2, .kind = MEMBER_USER};
static struct wrap_context group_context;
static const uint8_t folder_key[KEY_SIZE] = {1, 2, 3};

static struct wrap wrapped(void)
{
	struct why why = WHY_NONE;
	struct wrap wrap;

	assert_works(wrap_to_user(&context, folder_key, identity_public(bob)->encrypt_public, &wrap, &why));
	return wrap;
}

static struct wrap wrapped_to_group(void)
{
	struct why why = WHY_NONE;
	struct wrap wrap;

	assert_works(wrap_to_group(&group_context, folder_key, group_public, &wrap, &why));
	return wrap;
}

/* What the servers do: S = k*R, and nothing for an R that is no point. */
static enum fault open_with(const uint8_t k[static POINT_SIZE], const struct wrap *wrap,
			    const struct wrap_context *where, struct wiped_key *ret_key, struct why *why)
{
	uint8_t shared[POINT_SIZE];

	if (crypto_scalarmult_ristretto255(shared, k, wrap_point(wrap)) != 0)
		return FAULT_REFUSED;
	return wrap_open_group(wrap, where, shared, ret_key, why);
}

/* `where`, with one thing different each. */
static void spoil(const struct wrap_context *where, enum member_kind kind,
		  struct wrap_context others[static CONTEXT_FIELDS])
{
	for (int i = 0; i < CONTEXT_FIELDS; i++)
		others[i] = *where;
	others[0].folder.bytes[0] ^= 1;
	others[1].generation ^= 1;
	others[2].kind = kind;
	others[3].member.bytes[15] ^= 1;
}

static void wrap__opens_for_its_recipient_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped();
	struct wiped_key opened = {{9}};
	const struct wiped_key untouched = opened;
	assert_fault(FAULT_REFUSED, wrap_open_user(&wrap, &context, mallory, &opened, &why));
	assert_memory_equal(opened.bytes, untouched.bytes, KEY_SIZE);
	assert_works(wrap_open_user(&wrap, &context, bob, &opened, &why));
	assert_memory_equal(opened.bytes, folder_key, KEY_SIZE);
}

static void wrap__opens_for_its_group_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped_to_group();
	struct wiped_key opened = {{9}};
	const struct wiped_key untouched = opened;
	uint8_t another[POINT_SIZE];
	crypto_core_ristretto255_scalar_random(another);
	assert_fault(FAULT_REFUSED, open_with(another, &wrap, &group_context, &opened, &why));
	assert_memory_equal(opened.bytes, untouched.bytes, KEY_SIZE);
	assert_works(open_with(group_key, &wrap, &group_context, &opened, &why));
	assert_memory_equal(opened.bytes, folder_key, KEY_SIZE);
}

static void wrap__is_refused_in_any_other_place(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped(), to_group = wrapped_to_group();
	struct wiped_key opened;
	struct wrap_context others[CONTEXT_FIELDS];
	spoil(&context, MEMBER_GROUP, others);
	for (int i = 0; i < CONTEXT_FIELDS; i++)
		assert_fault(FAULT_REFUSED, wrap_open_user(&wrap, &others[i], bob, &opened, &why));
	spoil(&group_context, MEMBER_RECOVERY, others);
	for (int i = 0; i < CONTEXT_FIELDS; i++)
		assert_fault(FAULT_REFUSED, open_with(group_key, &to_group, &others[i], &opened, &why));
}

static void wrap__refuses_an_envelope_from_before_a_revocation(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wiped_key opened;
	const struct wrap before = wrapped();
	struct wrap_context after = context;
	after.generation++;
	assert_fault(FAULT_REFUSED, wrap_open_user(&before, &after, bob, &opened, &why));
}

static void wrap__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wiped_key opened;
	const struct wrap good = wrapped(), to_group = wrapped_to_group();
	for (int bit = 0; bit < WRAP_SIZE * 8; bit++) {
		/* X25519 ignores the top bit of a public key, but the KEK is bound to the bytes. */
		struct wrap bad = good;
		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_fault(FAULT_REFUSED, wrap_open_user(&bad, &context, bob, &opened, &why));
		bad = to_group;
		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_fault(FAULT_REFUSED, open_with(group_key, &bad, &group_context, &opened, &why));
	}
}

static void wrap__of_one_key_is_never_the_same_twice(void **state)
{
	(void)state;
	const struct wrap one = wrapped(), other = wrapped();
	const struct wrap first = wrapped_to_group(), second = wrapped_to_group();
	assert_memory_not_equal(one.bytes, other.bytes, KEY_SIZE);
	assert_memory_not_equal(one.bytes + KEY_SIZE, other.bytes + KEY_SIZE, KEY_SIZE);
	assert_memory_not_equal(first.bytes, second.bytes, KEY_SIZE);
	assert_memory_not_equal(first.bytes + KEY_SIZE, second.bytes + KEY_SIZE, KEY_SIZE);
}

static void wrap__to_a_user_needs_a_key_that_agrees(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped();
	const struct wrap untouched = wrap;
	struct wiped_key opened;
	const uint8_t small_order[2][ENCRYPT_PUBLIC_SIZE] = {{0}, {1}};
	for (int i = 0; i < 2; i++)
		assert_fault(FAULT_REFUSED, wrap_to_user(&context, folder_key, small_order[i], &wrap, &why));
	assert_memory_equal(wrap.bytes, untouched.bytes, WRAP_SIZE);
	memset(wrap.bytes, 0, ENCRYPT_PUBLIC_SIZE);
	assert_fault(FAULT_REFUSED, wrap_open_user(&wrap, &context, bob, &opened, &why));
}

static void wrap__to_a_group_needs_a_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped_to_group();
	const struct wrap untouched = wrap;
	struct wiped_key opened;
	uint8_t no_points[3][POINT_SIZE] = {{0}, {1}};
	memset(no_points[2], 0xff, POINT_SIZE);
	for (int i = 0; i < 3; i++) {
		assert_fault(FAULT_REFUSED,
			     wrap_to_group(&group_context, folder_key, no_points[i], &wrap, &why));
		assert_fault(FAULT_REFUSED,
			     wrap_open_group(&wrap, &group_context, no_points[i], &opened, &why));
	}
	assert_memory_equal(wrap.bytes, untouched.bytes, WRAP_SIZE);
}

/* As docs/FORMAT.md, section "Keybox", says, for a shared point of one's choice. */
static void forge(const uint8_t shared[static POINT_SIZE], struct wrap *wrap)
{
	const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES] = {0};
	uint8_t ctx[ID_SIZE + 4 + 1 + ID_SIZE], kek[KEY_SIZE];

	memcpy(ctx, group_context.folder.bytes, ID_SIZE);
	le32_put(ctx + ID_SIZE, group_context.generation);
	ctx[ID_SIZE + 4] = (uint8_t)group_context.kind;
	memcpy(ctx + ID_SIZE + 5, group_context.member.bytes, ID_SIZE);
	kdf(kek, sizeof kek, shared, KDF_WRAP_GROUP, ctx, sizeof ctx);
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_encrypt(wrap->bytes + POINT_SIZE, NULL,
								    folder_key, KEY_SIZE, ctx, sizeof ctx,
								    NULL, nonce, kek),
			 0);
}

static void wrap__refuses_one_sealed_under_a_point_that_everybody_knows(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped_to_group();
	struct wiped_key opened;
	uint8_t shared[POINT_SIZE];
	const uint8_t identity[2][POINT_SIZE] = {{0}, {[31] = 0x80}};
	assert_int_equal(crypto_scalarmult_ristretto255(shared, group_key, wrap_point(&wrap)), 0);
	forge(shared, &wrap);
	assert_works(wrap_open_group(&wrap, &group_context, shared, &opened, &why));
	for (int i = 0; i < 2; i++) {
		forge(identity[i], &wrap);
		assert_fault(FAULT_REFUSED,
			     wrap_open_group(&wrap, &group_context, identity[i], &opened, &why));
	}
}

/* k <- rho*k at the servers, R <- rho^-1 * R in the keybox: no folder key is touched. */
static void wrap__opens_after_the_group_key_rotated_by_its_point_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped_to_group();
	struct wiped_key opened;
	uint8_t rho[POINT_SIZE], inverse[POINT_SIZE], rotated[POINT_SIZE], point[POINT_SIZE];
	crypto_core_ristretto255_scalar_random(rho);
	assert_int_equal(crypto_core_ristretto255_scalar_invert(inverse, rho), 0);
	crypto_core_ristretto255_scalar_mul(rotated, group_key, rho);
	assert_int_equal(crypto_scalarmult_ristretto255(point, inverse, wrap_point(&wrap)), 0);
	memcpy(wrap.bytes, point, sizeof point);
	assert_fault(FAULT_REFUSED, open_with(group_key, &wrap, &group_context, &opened, &why));
	assert_works(open_with(rotated, &wrap, &group_context, &opened, &why));
	assert_memory_equal(opened.bytes, folder_key, KEY_SIZE);
}

int main(void)
{
	struct why why = WHY_NONE;
	if (secret_start(&why) || identity_new("bob", &bob, &why) || identity_new("mallory", &mallory, &why))
		return 1;
	member_id_random(&context.member);
	folder_id_random(&context.folder);
	group_context = context;
	group_context.kind = MEMBER_GROUP;
	crypto_core_ristretto255_scalar_random(group_key);
	if (crypto_scalarmult_ristretto255_base(group_public, group_key) != 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrap__opens_for_its_recipient_alone),
		cmocka_unit_test(wrap__opens_for_its_group_alone),
		cmocka_unit_test(wrap__is_refused_in_any_other_place),
		cmocka_unit_test(wrap__refuses_an_envelope_from_before_a_revocation),
		cmocka_unit_test(wrap__refuses_every_flipped_bit),
		cmocka_unit_test(wrap__of_one_key_is_never_the_same_twice),
		cmocka_unit_test(wrap__to_a_user_needs_a_key_that_agrees),
		cmocka_unit_test(wrap__to_a_group_needs_a_point),
		cmocka_unit_test(wrap__refuses_one_sealed_under_a_point_that_everybody_knows),
		cmocka_unit_test(wrap__opens_after_the_group_key_rotated_by_its_point_alone),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	identity_free(bob);
	identity_free(mallory);
	return failed;
}
