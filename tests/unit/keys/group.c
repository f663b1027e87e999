#include <sodium.h>
#include <string.h>

#include "keys/group.h"
#include "keys/wrap.h"
#include "tests/lib/unit.h"

static struct point some_point(void)
{
	uint8_t wide[64];
	struct point point;

	randombytes_buf(wide, sizeof wide);
	crypto_core_ristretto255_from_hash(point.bytes, wide);
	return point;
}

static struct point deal_times(const struct group_deal *deal, const unsigned *servers, const struct point *point)
{
	struct why why = WHY_NONE;
	struct group_answer answers[GROUP_SERVERS_MAX];
	struct scalar blind;
	struct point blinded, combined, shared;

	assert_works(group_blind(point, &blind, &blinded, &why));
	for (unsigned i = 0; i < deal->threshold; i++) {
		answers[i].index = servers[i];
		assert_works(group_evaluate(&deal->shares[servers[i] - 1], &blinded, &answers[i].point, &why));
	}
	assert_works(group_combine(answers, deal->threshold, &combined, &why));
	assert_works(group_unblind(&combined, &blind, &shared, &why));
	return shared;
}

static void group__any_three_of_five_servers_give_the_same_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct scalar secret;
	struct group_deal deal;
	struct point point = some_point(), expected;
	crypto_core_ristretto255_scalar_random(secret.bytes);
	assert_int_equal(crypto_scalarmult_ristretto255(expected.bytes, secret.bytes, point.bytes), 0);
	assert_works(group_deal(&secret, 3, 5, &deal, &why));
	for (unsigned a = 1; a <= 5; a++)
		for (unsigned b = a + 1; b <= 5; b++)
			for (unsigned c = b + 1; c <= 5; c++) {
				const unsigned servers[] = {c, a, b};
				struct point shared = deal_times(&deal, servers, &point);
				assert_memory_equal(&shared, &expected, sizeof shared);
			}
	for (unsigned i = 0; i < 5; i++)
		assert_works(group_check_share(&deal.shares[i], deal.commitments, 3, &why));
	deal.shares[2].value.bytes[0] ^= 1;
	assert_fault(FAULT_REFUSED, group_check_share(&deal.shares[2], deal.commitments, 3, &why));
}

static void group__one_server_is_the_same_code(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point point = some_point(), expected;
	const unsigned first[] = {1};
	assert_works(group_deal(NULL, 1, 1, &deal, &why));
	assert_int_equal(crypto_scalarmult_ristretto255(expected.bytes, deal.shares[0].value.bytes, point.bytes), 0);
	struct point shared = deal_times(&deal, first, &point);
	assert_memory_equal(&shared, &expected, sizeof shared);
}

static void group__a_folder_key_opens_with_the_servers_help_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct wrap_context context = {.generation = 3, .kind = MEMBER_GROUP};
	uint8_t folder_key[KEY_SIZE];
	struct wrap wrap;
	struct wiped_key opened;
	struct point point;
	const unsigned servers[] = {3, 2};
	randombytes_buf(folder_key, sizeof folder_key);
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_works(wrap_to_group(&context, folder_key, deal.commitments[0].bytes, &wrap, &why));
	memcpy(point.bytes, wrap_point(&wrap), sizeof point.bytes);
	struct point shared = deal_times(&deal, servers, &point);
	assert_works(wrap_open_group(&wrap, &context, shared.bytes, &opened, &why));
	assert_memory_equal(opened.bytes, folder_key, sizeof folder_key);
	context.generation++;
	assert_fault(FAULT_REFUSED, wrap_open_group(&wrap, &context, shared.bytes, &opened, &why));
}

static void group__refuses_points_and_scalars_that_are_none(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point identity = {{0}}, invalid, out;
	struct scalar large;
	memset(invalid.bytes, 0xff, sizeof invalid.bytes);
	memset(large.bytes, 0xff, sizeof large.bytes);
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_fault(FAULT_REFUSED, group_evaluate(&deal.shares[0], &identity, &out, &why));
	assert_fault(FAULT_REFUSED, group_evaluate(&deal.shares[0], &invalid, &out, &why));
	assert_fault(FAULT_REFUSED, group_check_scalar(&large, &why));
	assert_fault(FAULT_REFUSED, group_deal(&large, 2, 3, &deal, &why));
	assert_fault(FAULT_INVALID, group_deal(NULL, 4, 3, &deal, &why));
	assert_fault(FAULT_INVALID, group_deal(NULL, 0, 3, &deal, &why));
	struct group_answer twice[2] = {{1, some_point()}, {1, some_point()}};
	assert_fault(FAULT_INVALID, group_combine(twice, 2, &out, &why));
	twice[1] = (struct group_answer){2, identity};
	assert_fault(FAULT_REFUSED, group_combine(twice, 2, &out, &why));
}

/* Server 2 answers three blinded points; `lie` spoils one of them. */
static bool is_found_honest(bool lie)
{
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point points[3], blinded[3], answers[3], public, challenge_answer;
	struct scalar blinds[3];
	AUTO(group_challenge_done) struct group_challenge challenge = {.c = NULL};
	bool honest = false;

	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	for (int j = 0; j < 3; j++) {
		points[j] = some_point();
		assert_works(group_blind(&points[j], &blinds[j], &blinded[j], &why));
		assert_works(group_evaluate(&deal.shares[1], &blinded[j], &answers[j], &why));
	}
	if (lie)
		answers[1] = some_point();
	assert_works(group_challenge_new(points, 3, &challenge, &why));
	assert_works(group_evaluate(&deal.shares[1], &challenge.point, &challenge_answer, &why));
	assert_works(group_share_public(deal.commitments, 2, 2, &public, &why));
	assert_works(group_challenge_check(&challenge, &public, &challenge_answer, answers, blinds, &honest, &why));
	return honest;
}

static void blame__names_the_liar_and_clears_the_honest(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_true(is_found_honest(false));
		assert_false(is_found_honest(true));
	}
}

static void group__refresh_and_reshare_keep_the_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal, zero, dealt[2], fresh = {.threshold = 3, .servers = 4};
	const struct scalar nothing = {{0}};
	const unsigned old_servers[] = {1, 3};
	const unsigned new_servers[] = {2, 3, 4};
	struct point point = some_point();
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	struct point before = deal_times(&deal, old_servers, &point);

	assert_works(group_deal(&nothing, 2, 3, &zero, &why));
	for (int i = 0; i < 3; i++)
		assert_works(group_refresh(&deal.shares[i], &zero.shares[i], &deal.shares[i], &why));
	assert_works(group_refresh_commitments(deal.commitments, zero.commitments, 2, &why));
	for (int i = 0; i < 3; i++)
		assert_works(group_check_share(&deal.shares[i], deal.commitments, 2, &why));
	struct point refreshed = deal_times(&deal, old_servers, &point);
	assert_memory_equal(&before, &refreshed, sizeof before);

	for (int i = 0; i < 2; i++)
		assert_works(group_reshare_deal(&deal.shares[old_servers[i] - 1], old_servers, 2, 3, 4, &dealt[i], &why));
	for (int j = 0; j < 4; j++) {
		const struct group_share parts[] = {dealt[0].shares[j], dealt[1].shares[j]};
		assert_works(group_reshare_join(parts, 2, &fresh.shares[j], &why));
	}
	struct point reshared = deal_times(&fresh, new_servers, &point);
	assert_memory_equal(&before, &reshared, sizeof before);
	assert_fault(FAULT_REFUSED, group_refresh_commitments(deal.commitments, deal.commitments, 2, &why));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group__any_three_of_five_servers_give_the_same_point),
		cmocka_unit_test(group__one_server_is_the_same_code),
		cmocka_unit_test(group__a_folder_key_opens_with_the_servers_help_alone),
		cmocka_unit_test(group__refuses_points_and_scalars_that_are_none),
		cmocka_unit_test(blame__names_the_liar_and_clears_the_honest),
		cmocka_unit_test(group__refresh_and_reshare_keep_the_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
