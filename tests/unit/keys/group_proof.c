/* An answer proves that it is k_i*B, made for one occasion. */
#include <string.h>

#include "keys/group.h"
#include "tests/lib/unit.h"

#define INDEX 2

struct occasion {
	struct group_deal deal;
	struct point point, blinded, answer, share_public;
	struct digest about;
	struct group_proof proof;
};

static const struct group_share *share_of(const struct occasion *occasion)
{
	return &occasion->deal.shares[INDEX - 1];
}

static struct occasion occasion_new(void)
{
	struct why why = WHY_NONE;
	struct occasion occasion = {.about = {{1, 2, 3}}};
	struct scalar blind;

	crypto_core_ristretto255_random(occasion.point.bytes);
	assert_works(group_deal(NULL, 2, 3, &occasion.deal, &why));
	assert_works(group_share_public(occasion.deal.commitments, 2, INDEX, &occasion.share_public, &why));
	assert_works(group_blind(&occasion.point, &blind, &occasion.blinded, &why));
	assert_works(group_prove(share_of(&occasion), &occasion.blinded, &occasion.about, &occasion.answer,
				 &occasion.proof, &why));
	return occasion;
}

static bool is_believed(const struct occasion *occasion)
{
	struct why why = WHY_NONE;
	bool honest = true;

	assert_works(group_proof_check(&occasion->proof, &occasion->share_public, &occasion->blinded,
				       &occasion->about, &occasion->answer, &honest, &why));
	return honest;
}

static void proof__of_an_honest_answer_is_believed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct point evaluated;
	const struct occasion occasion = occasion_new();
	assert_true(is_believed(&occasion));
	assert_works(group_evaluate(share_of(&occasion), &occasion.blinded, &evaluated, &why));
	assert_memory_equal(&evaluated, &occasion.answer, sizeof evaluated);
}

static void proof__differs_every_time_and_so_does_not_give_the_share_away(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct occasion occasion = occasion_new();
	struct occasion again = occasion;
	assert_works(group_prove(share_of(&occasion), &occasion.blinded, &occasion.about, &again.answer,
				 &again.proof, &why));
	assert_memory_equal(&again.answer, &occasion.answer, sizeof again.answer);
	assert_memory_not_equal(&again.proof.challenge, &occasion.proof.challenge, sizeof(struct scalar));
	assert_true(is_believed(&again));
}

static void every_bit(void *bytes, size_t size, struct occasion *occasion)
{
	uint8_t *at = bytes;

	for (size_t bit = 0; bit < size * 8; bit++) {
		at[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (is_believed(occasion))
			fail_msg("bit %zu does not matter", bit);
		at[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void proof__counts_with_every_bit(void **state)
{
	(void)state;
	struct occasion occasion = occasion_new();
	every_bit(&occasion.proof, sizeof occasion.proof, &occasion);
	every_bit(&occasion.answer, sizeof occasion.answer, &occasion);
	every_bit(&occasion.about, sizeof occasion.about, &occasion);
	assert_true(is_believed(&occasion));
}

static void proof__of_another_share_is_not_believed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct occasion occasion = occasion_new();
	assert_works(group_prove(&occasion.deal.shares[0], &occasion.blinded, &occasion.about,
				 &occasion.answer, &occasion.proof, &why));
	assert_false(is_believed(&occasion));
}

static void proof__for_another_point_is_not_believed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct occasion occasion = occasion_new();
	assert_works(group_prove(share_of(&occasion), &occasion.point, &occasion.about, &occasion.answer,
				 &occasion.proof, &why));
	assert_false(is_believed(&occasion));
}

static void prove__refuses_what_is_no_point_and_no_share(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct occasion occasion = occasion_new();
	const struct point identity = {{0}};
	struct point doubled = occasion.blinded;
	const struct group_share zero = {.index = 1};
	bool honest;
	doubled.bytes[31] |= 0x80; /* libsodium takes it for the same point */
	assert_fault(FAULT_REFUSED, group_prove(share_of(&occasion), &identity, &occasion.about,
						&occasion.answer, &occasion.proof, &why));
	assert_fault(FAULT_REFUSED, group_prove(share_of(&occasion), &doubled, &occasion.about,
						&occasion.answer, &occasion.proof, &why));
	assert_fault(FAULT_REFUSED, group_prove(&zero, &occasion.blinded, &occasion.about, &occasion.answer,
						&occasion.proof, &why));
	assert_fault(FAULT_REFUSED, group_proof_check(&occasion.proof, &identity, &occasion.blinded,
						      &occasion.about, &occasion.answer, &honest, &why));
}

static int begin(void **state)
{
	(void)state;
	return sodium_init() >= 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proof__of_an_honest_answer_is_believed),
		cmocka_unit_test(proof__differs_every_time_and_so_does_not_give_the_share_away),
		cmocka_unit_test(proof__counts_with_every_bit),
		cmocka_unit_test(proof__of_another_share_is_not_believed),
		cmocka_unit_test(proof__for_another_point_is_not_believed),
		cmocka_unit_test(prove__refuses_what_is_no_point_and_no_share),
	};
	return cmocka_run_group_tests(tests, begin, NULL);
}
