#include <string.h>

#include "keys/wrap.h"
#include "tests/lib/unit.h"

static struct identity *bob;
static struct identity *mallory;
static struct wrap_context context = {.generation = 2, .kind = MEMBER_USER};
static const uint8_t folder_key[KEY_SIZE] = {1, 2, 3};

static struct wrap wrapped(void)
{
	struct why why = WHY_NONE;
	struct wrap wrap;

	assert_works(wrap_to_user(&context, folder_key, identity_public(bob)->encrypt_public, &wrap, &why));
	return wrap;
}

static void wrap__opens_for_its_recipient_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped();
	struct wiped_key opened = {{9}};
	assert_fault(FAULT_REFUSED, wrap_open_user(&wrap, &context, mallory, &opened, &why));
	assert_int_equal(opened.bytes[0], 9);
	assert_works(wrap_open_user(&wrap, &context, bob, &opened, &why));
	assert_memory_equal(opened.bytes, folder_key, KEY_SIZE);
}

static void wrap__is_refused_in_any_other_place(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap = wrapped();
	struct wiped_key opened;
	struct wrap_context others[4] = {context, context, context, context};
	others[0].folder.bytes[0] ^= 1;
	others[1].generation ^= 1;
	others[2].kind = MEMBER_GROUP;
	others[3].member.bytes[15] ^= 1;
	for (int i = 0; i < 4; i++)
		assert_fault(FAULT_REFUSED, wrap_open_user(&wrap, &others[i], bob, &opened, &why));
}

static void wrap__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wiped_key opened;
	const struct wrap good = wrapped();
	for (int bit = 0; bit < WRAP_SIZE * 8; bit++) {
		/* X25519 ignores the top bit of a public key, but the KEK is bound to the bytes. */
		struct wrap bad = good;
		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_fault(FAULT_REFUSED, wrap_open_user(&bad, &context, bob, &opened, &why));
	}
}

static void wrap__to_a_group_needs_a_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct wrap wrap;
	const uint8_t identity_point[POINT_SIZE] = {0};
	uint8_t no_point[POINT_SIZE];
	memset(no_point, 0xff, sizeof no_point);
	assert_fault(FAULT_REFUSED, wrap_to_group(&context, folder_key, identity_point, &wrap, &why));
	assert_fault(FAULT_REFUSED, wrap_to_group(&context, folder_key, no_point, &wrap, &why));
}

int main(void)
{
	struct why why = WHY_NONE;
	if (secret_start(&why) || identity_new("bob", &bob, &why) || identity_new("mallory", &mallory, &why))
		return 1;
	member_id_random(&context.member);
	folder_id_random(&context.folder);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrap__opens_for_its_recipient_alone),
		cmocka_unit_test(wrap__is_refused_in_any_other_place),
		cmocka_unit_test(wrap__refuses_every_flipped_bit),
		cmocka_unit_test(wrap__to_a_group_needs_a_point),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	identity_free(bob);
	identity_free(mallory);
	return failed;
}
