#include <sodium.h>
#include <string.h>

#include "keys/group.h"
#include "keys/wrap.h"
#include "tests/vectors/vectors.h"

static struct point some_point(void)
{
	uint8_t wide[64];
	struct point point;

	randombytes_buf(wide, sizeof wide);
	crypto_core_ristretto255_from_hash(point.bytes, wide);
	return point;
}

static struct point deal_times(const struct group_deal *deal, const unsigned *servers,
			       const struct point *point)
{
	struct why why = WHY_NONE;
	struct group_answer answers[GROUP_SERVERS_MAX];
	struct scalar blind;
	struct point blinded, combined, shared;

	assert_works(group_blind(point, &blind, &blinded, &why));
	for (unsigned i = 0; i < deal->threshold; i++) {
		answers[i].index = servers[i];
		assert_works(
			group_evaluate(&deal->shares[servers[i] - 1], &blinded, &answers[i].point, &why));
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

static void group__any_server_of_a_threshold_of_one_gives_the_same_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point point = some_point(), expected;
	assert_works(group_deal(NULL, 1, 3, &deal, &why));
	assert_int_equal(
		crypto_scalarmult_ristretto255(expected.bytes, deal.shares[0].value.bytes, point.bytes), 0);
	for (unsigned server = 1; server <= 3; server++) {
		struct point shared = deal_times(&deal, &server, &point);
		assert_memory_equal(&shared, &expected, sizeof shared);
	}
}

static void group__fewer_servers_than_the_threshold_give_another_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point point = some_point();
	const unsigned servers[] = {1, 2, 3};
	assert_works(group_deal(NULL, 3, 5, &deal, &why));
	struct point all = deal_times(&deal, servers, &point);
	deal.threshold = 2;
	struct point two = deal_times(&deal, servers, &point);
	assert_memory_not_equal(&all, &two, sizeof all);
}

static void group__servers_see_another_point_at_each_unlock(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct point point = some_point(), one, other;
	struct scalar blind;
	assert_works(group_blind(&point, &blind, &one, &why));
	assert_works(group_blind(&point, &blind, &other, &why));
	assert_memory_not_equal(&one, &other, sizeof one);
	assert_memory_not_equal(&one, &point, sizeof one);
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

/* With a share of n the server multiplies by n. */
static void check_multiple(const struct vector *vector)
{
	struct why why = WHY_NONE;
	struct point generator, found;
	struct group_deal deal;
	struct group_share share = {.index = 1};
	const struct scalar one = {{1}};

	memcpy(share.value.bytes, vector->key.bytes, sizeof share.value.bytes);
	assert_works(group_deal(&share.value, 1, 1, &deal, &why));
	assert_memory_equal(deal.commitments[0].bytes, vector->sealed.bytes, sizeof found);
	assert_int_equal(crypto_scalarmult_ristretto255_base(generator.bytes, one.bytes), 0);
	if (sodium_is_zero(vector->key.bytes, vector->key.size)) {
		assert_fault(FAULT_REFUSED, group_check_point(&deal.commitments[0], &why));
		return;
	}
	assert_works(group_check_point(&deal.commitments[0], &why));
	assert_works(group_evaluate(&share, &generator, &found, &why));
	assert_memory_equal(found.bytes, vector->sealed.bytes, sizeof found);
}

static void assert_is_refused_everywhere(const struct point *point)
{
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point good = some_point(), out, untouched;
	struct scalar blind;
	struct group_answer answers[] = {{1, good}, {2, *point}};
	struct group_challenge challenge;

	out = untouched = some_point();
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_fault(FAULT_REFUSED, group_check_point(point, &why));
	assert_fault(FAULT_REFUSED, group_blind(point, &blind, &out, &why));
	assert_fault(FAULT_REFUSED, group_evaluate(&deal.shares[0], point, &out, &why));
	assert_fault(FAULT_REFUSED, group_combine(answers, 2, &out, &why));
	assert_fault(FAULT_REFUSED, group_unblind(point, &deal.shares[0].value, &out, &why));
	assert_fault(FAULT_REFUSED, group_challenge_new(point, 1, &challenge, &why));
	assert_memory_equal(&out, &untouched, sizeof out);
}

static void check_vector(const struct vector *vector)
{
	struct why why = WHY_NONE;
	struct point point, out;

	if (vector->valid) {
		check_multiple(vector);
		return;
	}
	memcpy(point.bytes, vector->sealed.bytes, sizeof point.bytes);
	assert_is_refused_everywhere(&point);
	assert_fault(FAULT_REFUSED, group_share_public(&point, 1, 1, &out, &why));
}

static void group__multiplies_and_refuses_as_rfc9496_says(void **state)
{
	(void)state;
	assert_int_equal(vectors_read(VECTORS "/ristretto255.txt", check_vector), 47);
}

static void group__refuses_the_identity(void **state)
{
	(void)state;
	const struct point identity = {{0}};
	assert_is_refused_everywhere(&identity);
}

/* Answers whose sum is nothing: Z_1 = Z, Z_2 = 2*Z give 2*Z - 2*Z. */
static void group__refuses_answers_that_cancel_each_other(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_answer answers[] = {{1, some_point()}, {2, {{0}}}};
	struct point out;
	crypto_core_ristretto255_add(answers[1].point.bytes, answers[0].point.bytes, answers[0].point.bytes);
	assert_fault(FAULT_REFUSED, group_combine(answers, 2, &out, &why));
}

/* `scalar` is the order of the group or more. */
static void assert_scalar_is_refused_everywhere(const struct scalar *scalar)
{
	struct why why = WHY_NONE;
	const unsigned servers[] = {1, 2};
	struct group_deal deal, other;
	struct group_share bad = {1, *scalar}, out;
	struct point point = some_point(), answer;

	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_fault(FAULT_REFUSED, group_check_scalar(scalar, &why));
	assert_fault(FAULT_REFUSED, group_deal(scalar, 2, 3, &other, &why));
	assert_fault(FAULT_REFUSED, group_evaluate(&bad, &point, &answer, &why));
	assert_fault(FAULT_REFUSED, group_unblind(&point, scalar, &answer, &why));
	assert_fault(FAULT_REFUSED, group_check_share(&bad, deal.commitments, 2, &why));
	assert_fault(FAULT_REFUSED, group_refresh(&bad, &deal.shares[0], &out, &why));
	assert_fault(FAULT_REFUSED, group_refresh(&deal.shares[0], &bad, &out, &why));
	assert_fault(FAULT_REFUSED, group_reshare_deal(&bad, servers, 2, 2, 3, &other, &why));
	assert_fault(FAULT_REFUSED, group_reshare_join(&bad, 1, &out, &why));
}

static void group__refuses_scalars_that_are_not_canonical(void **state)
{
	(void)state;
	/* 2^252 + 27742317777372353535851937790883648493 */
	struct scalar order = {{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde,
				0xf9, 0xde, 0x14, [31] = 0x10}};
	struct scalar large;
	assert_scalar_is_refused_everywhere(&order);
	order.bytes[0]++;
	assert_scalar_is_refused_everywhere(&order);
	memset(large.bytes, 0xff, sizeof large.bytes);
	assert_scalar_is_refused_everywhere(&large);
	order.bytes[0] -= 2;
	assert_false(group_check_scalar(&order, NULL));
}

/* One with bits beyond the order, as a share of the same value would have. */
static void group__refuses_a_share_that_fits_but_is_not_canonical(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	deal.shares[0].value.bytes[31] |= 0x80; /* the multiplication ignores this bit */
	assert_fault(FAULT_REFUSED, group_check_share(&deal.shares[0], deal.commitments, 2, &why));
}

static void group__refuses_zero_as_a_share_in_use(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const unsigned servers[] = {1, 2};
	const struct group_share zero = {.index = 1};
	struct point point = some_point(), answer;
	struct group_deal deal;
	assert_fault(FAULT_REFUSED, group_check_scalar(&zero.value, &why));
	assert_fault(FAULT_REFUSED, group_evaluate(&zero, &point, &answer, &why));
	assert_fault(FAULT_REFUSED, group_unblind(&point, &zero.value, &answer, &why));
	assert_fault(FAULT_REFUSED, group_reshare_deal(&zero, servers, 2, 2, 3, &deal, &why));
}

static void group__refuses_thresholds_that_are_none(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal = {.threshold = 7};
	static const unsigned wrong[][2] = {{4, 3}, {0, 3}, {0, 0}, {1, 65}, {65, 65}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_fault(FAULT_INVALID, group_deal(NULL, wrong[i][0], wrong[i][1], &deal, &why));
	assert_int_equal(deal.threshold, 7);
	assert_works(group_deal(NULL, 64, 64, &deal, &why));
	assert_works(group_check_share(&deal.shares[63], deal.commitments, 64, &why));
}

static void group__refuses_an_index_named_twice_or_out_of_range(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const unsigned wrong[][2] = {{1, 1}, {0, 1}, {1, 65}};
	struct group_deal deal, dealt;
	struct group_share out;
	struct point combined;
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const struct group_answer answers[] = {{wrong[i][0], some_point()},
						       {wrong[i][1], some_point()}};
		assert_fault(FAULT_INVALID, group_combine(answers, 2, &combined, &why));
		assert_fault(FAULT_INVALID,
			     group_reshare_deal(&deal.shares[0], wrong[i], 2, 2, 3, &dealt, &why));
	}
	assert_fault(FAULT_INVALID, group_combine(NULL, 0, &combined, &why));
	deal.shares[0].index = 65;
	assert_fault(FAULT_INVALID, group_check_share(&deal.shares[0], deal.commitments, 2, &why));
	assert_fault(FAULT_INVALID, group_reshare_join(&deal.shares[0], 1, &out, &why));
	assert_fault(FAULT_INVALID, group_refresh(&deal.shares[0], &deal.shares[0], &out, &why));
	assert_fault(FAULT_INVALID, group_refresh(&deal.shares[1], &deal.shares[2], &out, &why));
	assert_fault(FAULT_INVALID, group_reshare_join(&deal.shares[1], 2, &out, &why));
	assert_fault(FAULT_INVALID, group_reshare_join(NULL, 0, &out, &why));
}

/* -- new shares of the same key ------------------------------------------------------------ */

static void check_refresh(unsigned threshold, unsigned servers)
{
	struct why why = WHY_NONE;
	const struct scalar nothing = {{0}};
	const unsigned named[] = {3, 1};
	struct group_deal deal, zero, old;
	struct point point = some_point();

	assert_works(group_deal(NULL, threshold, servers, &deal, &why));
	old = deal;
	struct point before = deal_times(&deal, named, &point);
	assert_works(group_deal(&nothing, threshold, servers, &zero, &why));
	for (unsigned i = 0; i < servers; i++) {
		assert_works(group_check_share(&zero.shares[i], zero.commitments, threshold, &why));
		assert_works(group_refresh(&deal.shares[i], &zero.shares[i], &deal.shares[i], &why));
	}
	assert_works(group_refresh_commitments(deal.commitments, zero.commitments, threshold, &why));
	for (unsigned i = 0; i < servers; i++)
		assert_works(group_check_share(&deal.shares[i], deal.commitments, threshold, &why));
	struct point after = deal_times(&deal, named, &point);
	assert_memory_equal(&before, &after, sizeof before);
	if (threshold == 1)
		return;
	deal.shares[0] = old.shares[0]; /* a share stolen before is worth nothing with one from after */
	struct point mixed = deal_times(&deal, named, &point);
	assert_memory_not_equal(&before, &mixed, sizeof before);
}

static void group__refresh_keeps_the_key_and_retires_old_shares(void **state)
{
	(void)state;
	check_refresh(1, 3);
	check_refresh(2, 3);
}

static void group__refresh_refuses_a_deal_that_is_not_zero(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct scalar nothing = {{0}};
	struct group_deal deal, zero;
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_works(group_deal(&nothing, 2, 3, &zero, &why));
	const struct group_deal untouched = deal;
	assert_fault(FAULT_REFUSED, group_refresh_commitments(deal.commitments, deal.commitments, 2, &why));
	assert_fault(FAULT_INVALID, group_refresh_commitments(deal.commitments, zero.commitments, 0, &why));
	zero.commitments[1].bytes[31] |= 0x80;
	assert_fault(FAULT_REFUSED, group_refresh_commitments(deal.commitments, zero.commitments, 2, &why));
	assert_memory_equal(&deal, &untouched, sizeof deal);
}

/* Servers 1, 3 (or 1) of the old group deal to the new one. */
static void check_reshare(unsigned threshold, unsigned servers, unsigned new_threshold, unsigned new_servers)
{
	struct why why = WHY_NONE;
	static const unsigned old_servers[] = {1, 3}, new_named[] = {4, 2, 3};
	struct group_deal deal, dealt[2], fresh = {.threshold = new_threshold, .servers = new_servers};
	struct point point = some_point();

	assert_works(group_deal(NULL, threshold, servers, &deal, &why));
	struct point before = deal_times(&deal, old_servers, &point);
	for (unsigned i = 0; i < threshold; i++)
		assert_works(group_reshare_deal(&deal.shares[old_servers[i] - 1], old_servers, threshold,
						new_threshold, new_servers, &dealt[i], &why));
	for (unsigned i = 0; i < threshold; i++)
		assert_works(group_reshare_commitments(fresh.commitments, dealt[i].commitments, new_threshold,
						       &why));
	assert_memory_equal(&fresh.commitments[0], &deal.commitments[0], sizeof(struct point));
	for (unsigned j = 0; j < new_servers; j++) {
		const struct group_share parts[] = {dealt[0].shares[j], dealt[threshold - 1].shares[j]};
		assert_works(group_reshare_join(parts, threshold, &fresh.shares[j], &why));
		assert_works(group_check_share(&fresh.shares[j], fresh.commitments, new_threshold, &why));
	}
	struct point after = deal_times(&fresh, new_named, &point);
	assert_memory_equal(&before, &after, sizeof before);
}

static void group__reshare_keeps_the_key_with_other_servers(void **state)
{
	(void)state;
	check_reshare(2, 3, 3, 5);
	check_reshare(2, 3, 1, 4);
	check_reshare(1, 1, 2, 4);
}

static void group__reshare_takes_part_only_for_those_named(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const unsigned others[] = {2, 3};
	struct group_deal deal, dealt;
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_fault(FAULT_INVALID, group_reshare_deal(&deal.shares[0], others, 2, 2, 3, &dealt, &why));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group__any_three_of_five_servers_give_the_same_point),
		cmocka_unit_test(group__any_server_of_a_threshold_of_one_gives_the_same_point),
		cmocka_unit_test(group__fewer_servers_than_the_threshold_give_another_point),
		cmocka_unit_test(group__servers_see_another_point_at_each_unlock),
		cmocka_unit_test(group__a_folder_key_opens_with_the_servers_help_alone),
		cmocka_unit_test(group__multiplies_and_refuses_as_rfc9496_says),
		cmocka_unit_test(group__refuses_the_identity),
		cmocka_unit_test(group__refuses_answers_that_cancel_each_other),
		cmocka_unit_test(group__refuses_scalars_that_are_not_canonical),
		cmocka_unit_test(group__refuses_a_share_that_fits_but_is_not_canonical),
		cmocka_unit_test(group__refuses_zero_as_a_share_in_use),
		cmocka_unit_test(group__refuses_thresholds_that_are_none),
		cmocka_unit_test(group__refuses_an_index_named_twice_or_out_of_range),
		cmocka_unit_test(group__refresh_keeps_the_key_and_retires_old_shares),
		cmocka_unit_test(group__refresh_refuses_a_deal_that_is_not_zero),
		cmocka_unit_test(group__reshare_keeps_the_key_with_other_servers),
		cmocka_unit_test(group__reshare_takes_part_only_for_those_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
