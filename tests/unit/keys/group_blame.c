#include <sodium.h>
#include <string.h>

#include "keys/group.h"
#include "tests/lib/unit.h"

static struct point some_point(void)
{
	uint8_t wide[64];
	struct point point;

	randombytes_buf(wide, sizeof wide);
	crypto_core_ristretto255_from_hash(point.bytes, wide);
	return point;
}

#define BATCH 3
#define SUSPECT 2

/* A suspect has answered a batch of blinded points, and is asked about it. */
struct trial {
	struct group_deal deal;
	struct point points[BATCH], blinded[BATCH], answers[BATCH];
	struct scalar blinds[BATCH];
	struct point public;
};

static struct trial trial_begin(void)
{
	struct why why = WHY_NONE;
	struct trial trial;

	assert_works(group_deal(NULL, 2, 3, &trial.deal, &why));
	assert_works(group_share_public(trial.deal.commitments, 2, SUSPECT, &trial.public, &why));
	for (int j = 0; j < BATCH; j++) {
		trial.points[j] = some_point();
		assert_works(group_blind(&trial.points[j], &trial.blinds[j], &trial.blinded[j], &why));
		assert_works(group_evaluate(&trial.deal.shares[SUSPECT - 1], &trial.blinded[j],
					    &trial.answers[j], &why));
	}
	return trial;
}

/* `share` answers the challenge; `instead` (or NULL) is the answer given. */
static bool is_found_honest(const struct trial *trial, const struct group_share *share,
			    const struct point *instead)
{
	struct why why = WHY_NONE;
	struct point answer;
	AUTO(group_challenge_done) struct group_challenge challenge = {.c = NULL};
	bool honest = false;

	assert_works(group_challenge_new(trial->points, BATCH, &challenge, &why));
	assert_works(group_evaluate(share, &challenge.point, &answer, &why));
	assert_works(group_challenge_check(&challenge, &trial->public, instead ? instead : &answer,
					   trial->answers, trial->blinds, &honest, &why));
	return honest;
}

static void blame__clears_the_honest(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct trial trial = trial_begin();
		assert_true(is_found_honest(&trial, &trial.deal.shares[SUSPECT - 1], NULL));
	}
}

static void blame__names_one_who_lied_about_a_single_point(void **state)
{
	(void)state;
	for (int j = 0; j < BATCH; j++) {
		struct trial trial = trial_begin();
		trial.answers[j] = some_point();
		assert_false(is_found_honest(&trial, &trial.deal.shares[SUSPECT - 1], NULL));
	}
}

static void blame__names_one_who_swapped_two_answers(void **state)
{
	(void)state;
	struct trial trial = trial_begin();
	const struct point first = trial.answers[0];
	trial.answers[0] = trial.answers[1];
	trial.answers[1] = first;
	assert_false(is_found_honest(&trial, &trial.deal.shares[SUSPECT - 1], NULL));
}

/* Wrong, but the same wrong in the batch and in the challenge. */
static void blame__names_one_who_uses_another_share_throughout(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct trial trial = trial_begin();
	struct group_share other = trial.deal.shares[SUSPECT - 1];
	crypto_core_ristretto255_scalar_random(other.value.bytes);
	for (int j = 0; j < BATCH; j++)
		assert_works(group_evaluate(&other, &trial.blinded[j], &trial.answers[j], &why));
	assert_false(is_found_honest(&trial, &other, NULL));
}

static void blame__names_one_who_answers_with_no_point(void **state)
{
	(void)state;
	const struct point identity = {{0}};
	struct trial trial = trial_begin();
	const struct group_share *share = &trial.deal.shares[SUSPECT - 1];
	const struct point any = some_point();
	assert_false(is_found_honest(&trial, share, &any));
	assert_false(is_found_honest(&trial, share, &identity));
	memset(trial.answers[1].bytes, 0xff, sizeof trial.answers[1].bytes);
	assert_false(is_found_honest(&trial, share, NULL));
}

static void blame__needs_what_is_ours_to_be_right(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct point identity = {{0}};
	struct trial trial = trial_begin();
	AUTO(group_challenge_done) struct group_challenge challenge = {.c = NULL};
	bool honest = true;
	assert_works(group_challenge_new(trial.points, BATCH, &challenge, &why));
	assert_fault(FAULT_REFUSED, group_challenge_check(&challenge, &identity, &trial.answers[0],
							  trial.answers, trial.blinds, &honest, &why));
	trial.blinds[0] = (struct scalar){{0}};
	assert_fault(FAULT_REFUSED, group_challenge_check(&challenge, &trial.public, &trial.answers[0],
							  trial.answers, trial.blinds, &honest, &why));
	assert_true(honest);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blame__clears_the_honest),
		cmocka_unit_test(blame__names_one_who_lied_about_a_single_point),
		cmocka_unit_test(blame__names_one_who_swapped_two_answers),
		cmocka_unit_test(blame__names_one_who_uses_another_share_throughout),
		cmocka_unit_test(blame__names_one_who_answers_with_no_point),
		cmocka_unit_test(blame__needs_what_is_ours_to_be_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
