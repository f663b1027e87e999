#include <sodium.h>
#include <string.h>

#include "keys/group_math.h"

/*
 * A server that answers R_j with anything but k_i*R_j cannot know c_j before it has answered,
 * and the challenge point V looks like any other: to pass, its errors e_j would have to
 * satisfy sum c_j e_j = 0 for c_j drawn afterwards. Chance: about 2^-252.
 */

void group_challenge_done(struct group_challenge *challenge)
{
	if (challenge->c) {
		secret_wipe(challenge->c, challenge->count * sizeof *challenge->c);
		free(challenge->c);
	}
	scalar_wipe(&challenge->d);
	*challenge = (struct group_challenge){.c = NULL};
}

enum fault group_challenge_new(const struct point *points, size_t count, struct group_challenge *ret_challenge,
			       struct why *why)
{
	AUTO(group_challenge_done) struct group_challenge challenge = {.count = count};

	challenge.c = calloc(count ? count : 1, sizeof *challenge.c);
	if (!challenge.c)
		return why_set(why, FAULT_MEMORY, "no memory for a challenge");
	crypto_core_ristretto255_scalar_random(challenge.d.bytes);
	challenge.point = point_of(&challenge.d);
	for (size_t j = 0; j < count; j++) {
		enum fault fault = group_check_point(&points[j], why);
		if (fault)
			return fault;
		crypto_core_ristretto255_scalar_random(challenge.c[j].bytes);
		struct point term = point_times(&challenge.c[j], &points[j]);
		(void)crypto_core_ristretto255_add(challenge.point.bytes, challenge.point.bytes, term.bytes);
	}
	*ret_challenge = challenge;
	challenge.c = NULL;
	return FAULT_NONE;
}

/* sum c_j (b_j^-1 Z_j) */
static enum fault expected_sum(const struct group_challenge *challenge, const struct point *answers,
			       const struct scalar *blinds, struct point *ret_sum, struct why *why)
{
	struct point sum = {{0}};

	for (size_t j = 0; j < challenge->count; j++) {
		struct point unblinded;
		enum fault fault = group_unblind(&answers[j], &blinds[j], &unblinded, why);
		if (fault)
			return fault;
		struct point term = point_times(&challenge->c[j], &unblinded);
		(void)crypto_core_ristretto255_add(sum.bytes, sum.bytes, term.bytes);
	}
	*ret_sum = sum;
	return FAULT_NONE;
}

enum fault group_challenge_check(const struct group_challenge *challenge, const struct point *share_public,
				 const struct point *challenge_answer, const struct point *answers,
				 const struct scalar *blinds, bool *ret_honest, struct why *why)
{
	struct point expected, found;
	enum fault fault = group_check_point(share_public, why);
	if (!fault)
		fault = group_check_point(challenge_answer, why);
	if (!fault)
		fault = expected_sum(challenge, answers, blinds, &expected, why);
	if (fault)
		return fault;
	struct point mask = point_times(&challenge->d, share_public);
	(void)crypto_core_ristretto255_sub(found.bytes, challenge_answer->bytes, mask.bytes);
	*ret_honest = memcmp(&found, &expected, sizeof found) == 0;
	return FAULT_NONE;
}

/* -- new shares of the same key ------------------------------------------------------------ */

enum fault group_refresh(const struct group_share *share, const struct group_share *zero,
			 struct group_share *ret_share, struct why *why)
{
	if (share->index != zero->index)
		return why_set(why, FAULT_INVALID, "the new part is for server %u, not %u", zero->index, share->index);
	if (!scalar_is_canonical(&share->value) || !scalar_is_canonical(&zero->value))
		return why_set(why, FAULT_REFUSED, "a share is not in canonical form");
	struct group_share sum = {.index = share->index};
	crypto_core_ristretto255_scalar_add(sum.value.bytes, share->value.bytes, zero->value.bytes);
	*ret_share = sum;
	scalar_wipe(&sum.value);
	return FAULT_NONE;
}

enum fault group_refresh_commitments(struct point *commitments, const struct point *zero, unsigned threshold,
				     struct why *why)
{
	static const struct point identity;

	if (memcmp(&zero[0], &identity, sizeof identity) != 0)
		return why_set(why, FAULT_REFUSED, "what was dealt is not zero: the key would change");
	for (unsigned m = 1; m < threshold; m++)
		if (crypto_core_ristretto255_is_valid_point(zero[m].bytes) != 1 ||
		    crypto_core_ristretto255_is_valid_point(commitments[m].bytes) != 1)
			return why_set(why, FAULT_REFUSED, "a commitment is no point of the group");
	for (unsigned m = 1; m < threshold; m++)
		(void)crypto_core_ristretto255_add(commitments[m].bytes, commitments[m].bytes, zero[m].bytes);
	return FAULT_NONE;
}

enum fault group_reshare_deal(const struct group_share *share, const unsigned *indexes, unsigned old_threshold,
			      unsigned new_threshold, unsigned new_servers, struct group_deal *ret_deal,
			      struct why *why)
{
	AUTO(scalar_wipe) struct scalar part;
	bool named = false;
	enum fault fault = group_check_indexes(indexes, old_threshold, why);
	if (fault)
		return fault;
	for (unsigned i = 0; i < old_threshold; i++)
		named = named || indexes[i] == share->index;
	if (!named)
		return why_set(why, FAULT_INVALID, "server %u is not among those that deal", share->index);
	scalar_lagrange(indexes, old_threshold, share->index, &part);
	crypto_core_ristretto255_scalar_mul(part.bytes, part.bytes, share->value.bytes);
	return group_deal(&part, new_threshold, new_servers, ret_deal, why);
}

enum fault group_reshare_join(const struct group_share *dealt, unsigned count, struct group_share *ret_share,
			      struct why *why)
{
	struct group_share sum = {.index = count ? dealt[0].index : 0};

	if (count == 0)
		return why_set(why, FAULT_INVALID, "nothing was dealt");
	for (unsigned i = 0; i < count; i++) {
		if (dealt[i].index != sum.index)
			return why_set(why, FAULT_INVALID, "the parts are for different servers");
		if (!scalar_is_canonical(&dealt[i].value))
			return why_set(why, FAULT_REFUSED, "a part is not in canonical form");
		crypto_core_ristretto255_scalar_add(sum.value.bytes, sum.value.bytes, dealt[i].value.bytes);
	}
	*ret_share = sum;
	scalar_wipe(&sum.value);
	return FAULT_NONE;
}
