#include "keys/group.h"

#include <sodium.h>
#include <string.h>

#include "keys/group_math.h"

void scalar_wipe(struct scalar *scalar)
{
	secret_wipe(scalar, sizeof *scalar);
}

void group_share_wipe(struct group_share *share)
{
	secret_wipe(share, sizeof *share);
}

void group_deal_wipe(struct group_deal *deal)
{
	secret_wipe(deal, sizeof *deal);
}

/* libsodium 1.0.18 ignores bit 255, so that each point, the identity too, would have two encodings. */
static bool is_encoding(const struct point *point)
{
	return (point->bytes[31] & 0x80) == 0 && crypto_core_ristretto255_is_valid_point(point->bytes) == 1;
}

enum fault group_check_point(const struct point *point, struct why *why)
{
	if (!is_encoding(point))
		return why_set(why, FAULT_REFUSED, "these bytes are no point of the group");
	if (sodium_is_zero(point->bytes, sizeof point->bytes))
		return why_set(why, FAULT_REFUSED, "the point is the identity");
	return FAULT_NONE;
}

bool scalar_is_canonical(const struct scalar *scalar)
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0};
	AUTO(scalar_wipe) struct scalar reduced;

	memcpy(wide, scalar->bytes, sizeof scalar->bytes);
	crypto_core_ristretto255_scalar_reduce(reduced.bytes, wide);
	secret_wipe(wide, sizeof wide);
	return sodium_memcmp(reduced.bytes, scalar->bytes, sizeof reduced.bytes) == 0;
}

enum fault group_check_scalar(const struct scalar *scalar, struct why *why)
{
	if (!scalar_is_canonical(scalar))
		return why_set(why, FAULT_REFUSED, "the scalar is not in canonical form");
	if (sodium_is_zero(scalar->bytes, sizeof scalar->bytes))
		return why_set(why, FAULT_REFUSED, "the scalar is zero");
	return FAULT_NONE;
}

/* libsodium answers -1 for the identity; here it is a value like any other (a deal of zero has it). */
void point_times(const struct scalar *scalar, const struct point *point, struct point *ret_product)
{
	if (crypto_scalarmult_ristretto255(ret_product->bytes, scalar->bytes, point->bytes) != 0)
		*ret_product = (struct point){{0}};
}

struct point point_of(const struct scalar *scalar)
{
	struct point product = {{0}};

	if (crypto_scalarmult_ristretto255_base(product.bytes, scalar->bytes) != 0)
		return (struct point){{0}};
	return product;
}

void point_add_times(struct point *sum, const struct scalar *scalar, const struct point *point)
{
	AUTO(point_wipe) struct point term;

	point_times(scalar, point, &term);
	(void)crypto_core_ristretto255_add(sum->bytes, sum->bytes, term.bytes);
}

void point_wipe(struct point *point)
{
	secret_wipe(point, sizeof *point);
}

struct scalar scalar_of(unsigned number)
{
	struct scalar scalar = {{(uint8_t)number, (uint8_t)(number >> 8)}};

	return scalar;
}

/* lambda_i = product over the other j of j / (j - i): Lagrange at zero. */
void scalar_lagrange(const unsigned *indexes, unsigned count, unsigned index, struct scalar *ret_lambda)
{
	AUTO(scalar_wipe) struct scalar above = scalar_of(1);
	AUTO(scalar_wipe) struct scalar below = scalar_of(1);
	struct scalar inverse, i = scalar_of(index);

	for (unsigned at = 0; at < count; at++) {
		if (indexes[at] == index)
			continue;
		struct scalar j = scalar_of(indexes[at]), difference;
		crypto_core_ristretto255_scalar_mul(above.bytes, above.bytes, j.bytes);
		crypto_core_ristretto255_scalar_sub(difference.bytes, j.bytes, i.bytes);
		crypto_core_ristretto255_scalar_mul(below.bytes, below.bytes, difference.bytes);
	}
	(void)crypto_core_ristretto255_scalar_invert(inverse.bytes, below.bytes);
	crypto_core_ristretto255_scalar_mul(ret_lambda->bytes, above.bytes, inverse.bytes);
}

static bool is_server_count(unsigned threshold, unsigned servers)
{
	return threshold >= 1 && threshold <= servers && servers <= GROUP_SERVERS_MAX;
}

static bool is_index(unsigned index)
{
	return index >= 1 && index <= GROUP_SERVERS_MAX;
}

enum fault group_check_indexes(const unsigned *indexes, unsigned count, struct why *why)
{
	if (count < 1 || count > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "%u servers are not a group of servers", count);
	for (unsigned i = 0; i < count; i++) {
		if (!is_index(indexes[i]))
			return why_set(why, FAULT_INVALID, "%u is no index of a server", indexes[i]);
		for (unsigned j = 0; j < i; j++)
			if (indexes[i] == indexes[j])
				return why_set(why, FAULT_INVALID, "server %u is named twice", indexes[i]);
	}
	return FAULT_NONE;
}

/* -- dealing ------------------------------------------------------------------------------ */

/* f(index) for the polynomial with these coefficients, by Horner's rule. */
static void evaluate_polynomial(const struct scalar *coefficients, unsigned threshold, unsigned index,
				struct scalar *ret_value)
{
	AUTO(scalar_wipe) struct scalar value = coefficients[threshold - 1];
	struct scalar x = scalar_of(index);

	for (unsigned m = threshold - 1; m-- > 0;) {
		crypto_core_ristretto255_scalar_mul(value.bytes, value.bytes, x.bytes);
		crypto_core_ristretto255_scalar_add(value.bytes, value.bytes, coefficients[m].bytes);
	}
	*ret_value = value;
}

enum fault group_deal(const struct scalar *secret, unsigned threshold, unsigned servers,
		      struct group_deal *ret_deal, struct why *why)
{
	struct scalar coefficients[GROUP_SERVERS_MAX];

	if (!is_server_count(threshold, servers))
		return why_set(why, FAULT_INVALID, "%u of %u is no threshold", threshold, servers);
	if (secret && !scalar_is_canonical(secret))
		return why_set(why, FAULT_REFUSED, "the scalar is not in canonical form");
	for (unsigned m = 0; m < threshold; m++)
		crypto_core_ristretto255_scalar_random(coefficients[m].bytes);
	if (secret)
		coefficients[0] = *secret;
	memset(ret_deal, 0, sizeof *ret_deal);
	ret_deal->threshold = threshold;
	ret_deal->servers = servers;
	for (unsigned m = 0; m < threshold; m++)
		ret_deal->commitments[m] = point_of(&coefficients[m]);
	for (unsigned i = 0; i < servers; i++) {
		ret_deal->shares[i].index = i + 1;
		evaluate_polynomial(coefficients, threshold, i + 1, &ret_deal->shares[i].value);
	}
	secret_wipe(coefficients, sizeof coefficients);
	return FAULT_NONE;
}

bool are_commitments(const struct point *commitments, unsigned threshold)
{
	for (unsigned m = 0; m < threshold; m++)
		if (!is_encoding(&commitments[m]))
			return false;
	return true;
}

enum fault group_share_public(const struct point *commitments, unsigned threshold, unsigned index,
			      struct point *ret_public, struct why *why)
{
	if (!is_server_count(threshold, GROUP_SERVERS_MAX) || !is_index(index))
		return why_set(why, FAULT_INVALID, "server %u of a threshold of %u does not exist", index,
			       threshold);
	if (!are_commitments(commitments, threshold))
		return why_set(why, FAULT_REFUSED, "a commitment is no point of the group");
	struct scalar x = scalar_of(index);
	struct point sum = commitments[threshold - 1];
	for (unsigned m = threshold - 1; m-- > 0;) {
		point_times(&x, &sum, &sum);
		(void)crypto_core_ristretto255_add(sum.bytes, sum.bytes, commitments[m].bytes);
	}
	*ret_public = sum;
	return FAULT_NONE;
}

enum fault group_check_share(const struct group_share *share, const struct point *commitments,
			     unsigned threshold, struct why *why)
{
	struct point expected;
	enum fault fault = group_share_public(commitments, threshold, share->index, &expected, why);
	if (fault)
		return fault;
	struct point found = point_of(&share->value);
	if (!scalar_is_canonical(&share->value) || memcmp(&found, &expected, sizeof found) != 0)
		return why_set(why, FAULT_REFUSED, "the share of server %u does not fit the commitments",
			       share->index);
	return FAULT_NONE;
}

/* -- unlocking ------------------------------------------------------------------------------ */

enum fault group_blind(const struct point *point, struct scalar *ret_blind, struct point *ret_blinded,
		       struct why *why)
{
	enum fault fault = group_check_point(point, why);
	if (fault)
		return fault;
	crypto_core_ristretto255_scalar_random(ret_blind->bytes);
	point_times(ret_blind, point, ret_blinded);
	return FAULT_NONE;
}

enum fault group_blind_from(const struct point *point, const uint8_t seed[static 64],
			    struct scalar *ret_blind, struct point *ret_blinded, struct why *why)
{
	AUTO(scalar_wipe) struct scalar blind;

	crypto_core_ristretto255_scalar_reduce(blind.bytes, seed);
	enum fault fault = group_check_point(point, why);
	if (!fault)
		fault = group_check_scalar(&blind, why);
	if (fault)
		return fault;
	*ret_blind = blind;
	point_times(&blind, point, ret_blinded);
	return FAULT_NONE;
}

enum fault group_evaluate(const struct group_share *share, const struct point *blinded,
			  struct point *ret_answer, struct why *why)
{
	struct point answer;

	enum fault fault = group_check_scalar(&share->value, why);
	if (fault)
		return fault;
	/* The multiplication decodes the point and fails for one that is none and for the identity: looked at
	 * beforehand it would be decoded twice, a sixth of what a key server does. Bit 255 it lets pass. */
	if ((blinded->bytes[31] & 0x80) != 0 ||
	    crypto_scalarmult_ristretto255(answer.bytes, share->value.bytes, blinded->bytes) != 0)
		return why_set(why, FAULT_REFUSED, "these bytes are no point of the group, or the identity");
	*ret_answer = answer;
	return FAULT_NONE;
}

enum fault group_combine(const struct group_answer *answers, unsigned threshold, struct point *ret_combined,
			 struct why *why)
{
	unsigned indexes[GROUP_SERVERS_MAX] = {0};
	struct point sum = {{0}};

	for (unsigned i = 0; i < threshold && i < GROUP_SERVERS_MAX; i++)
		indexes[i] = answers[i].index;
	enum fault fault = group_check_indexes(indexes, threshold, why);
	for (unsigned i = 0; i < threshold && !fault; i++) {
		struct scalar lambda;
		fault = group_check_point(&answers[i].point, why);
		if (fault)
			return why_in(why, fault, "server %u", answers[i].index);
		scalar_lagrange(indexes, threshold, answers[i].index, &lambda);
		point_add_times(&sum, &lambda, &answers[i].point);
	}
	if (!fault)
		fault = group_check_point(&sum, why);
	if (!fault)
		*ret_combined = sum;
	return fault;
}

enum fault group_unblind(const struct point *combined, const struct scalar *blind, struct point *ret_shared,
			 struct why *why)
{
	AUTO(scalar_wipe) struct scalar inverse;
	enum fault fault = group_check_point(combined, why);
	if (!fault)
		fault = group_check_scalar(blind, why);
	if (fault)
		return fault;
	(void)crypto_core_ristretto255_scalar_invert(inverse.bytes, blind->bytes);
	point_times(&inverse, combined, ret_shared);
	return FAULT_NONE;
}
