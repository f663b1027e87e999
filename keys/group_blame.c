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

enum fault group_challenge_new(const struct point *points, size_t count,
			       struct group_challenge *ret_challenge, struct why *why)
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
		point_add_times(&challenge.point, &challenge.c[j], &points[j]);
	}
	*ret_challenge = challenge;
	challenge.c = NULL;
	return FAULT_NONE;
}

static bool are_points(const struct point *points, size_t count)
{
	for (size_t j = 0; j < count; j++)
		if (group_check_point(&points[j], NULL))
			return false;
	return true;
}

/* Of what is not the suspect's doing. */
static enum fault check_ours(const struct group_challenge *challenge, const struct point *share_public,
			     const struct scalar *blinds, struct why *why)
{
	enum fault fault = group_check_point(share_public, why);

	for (size_t j = 0; j < challenge->count && !fault; j++)
		fault = group_check_scalar(&blinds[j], why);
	return fault;
}

/* sum c_j (b_j^-1 Z_j) */
static enum fault expected_sum(const struct group_challenge *challenge, const struct point *answers,
			       const struct scalar *blinds, struct point *ret_sum, struct why *why)
{
	struct point sum = {{0}};

	for (size_t j = 0; j < challenge->count; j++) {
		AUTO(point_wipe) struct point unblinded;
		enum fault fault = group_unblind(&answers[j], &blinds[j], &unblinded, why);
		if (fault)
			return fault;
		point_add_times(&sum, &challenge->c[j], &unblinded);
	}
	*ret_sum = sum;
	return FAULT_NONE;
}

enum fault group_challenge_check(const struct group_challenge *challenge, const struct point *share_public,
				 const struct point *challenge_answer, const struct point *answers,
				 const struct scalar *blinds, bool *ret_honest, struct why *why)
{
	struct point expected, mask, found;
	enum fault fault = check_ours(challenge, share_public, blinds, why);
	if (fault)
		return fault;
	if (!are_points(challenge_answer, 1) || !are_points(answers, challenge->count)) {
		*ret_honest = false;
		return FAULT_NONE;
	}
	fault = expected_sum(challenge, answers, blinds, &expected, why);
	if (fault)
		return fault;
	point_times(&challenge->d, share_public, &mask);
	(void)crypto_core_ristretto255_sub(found.bytes, challenge_answer->bytes, mask.bytes);
	*ret_honest = memcmp(&found, &expected, sizeof found) == 0;
	return FAULT_NONE;
}

/* -- new shares of the same key ------------------------------------------------------------ */

enum fault group_refresh(const struct group_share *share, const struct group_share *zero,
			 struct group_share *ret_share, struct why *why)
{
	if (share->index != zero->index)
		return why_set(why, FAULT_INVALID, "the new part is for server %u, not %u", zero->index,
			       share->index);
	enum fault fault = group_check_indexes(&share->index, 1, why);
	if (fault)
		return fault;
	if (!scalar_is_canonical(&share->value) || !scalar_is_canonical(&zero->value))
		return why_set(why, FAULT_REFUSED, "a share is not in canonical form");
	ret_share->index = share->index;
	crypto_core_ristretto255_scalar_add(ret_share->value.bytes, share->value.bytes, zero->value.bytes);
	return FAULT_NONE;
}

enum fault group_refresh_commitments(struct point *commitments, const struct point *zero, unsigned threshold,
				     struct why *why)
{
	static const struct point identity;

	if (threshold < 1 || threshold > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "%u is no threshold", threshold);
	if (memcmp(&zero[0], &identity, sizeof identity) != 0)
		return why_set(why, FAULT_REFUSED, "what was dealt is not zero: the key would change");
	enum fault fault = group_check_point(&commitments[0], why);
	if (fault)
		return why_in(why, fault, "the group's public key");
	if (!are_commitments(zero, threshold) || !are_commitments(commitments, threshold))
		return why_set(why, FAULT_REFUSED, "a commitment is no point of the group");
	for (unsigned m = 1; m < threshold; m++)
		(void)crypto_core_ristretto255_add(commitments[m].bytes, commitments[m].bytes, zero[m].bytes);
	return FAULT_NONE;
}

enum fault group_reshare_deal(const struct group_share *share, const unsigned *indexes,
			      unsigned old_threshold, unsigned new_threshold, unsigned new_servers,
			      struct group_deal *ret_deal, struct why *why)
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
	fault = group_check_scalar(&share->value, why);
	if (fault)
		return fault;
	scalar_lagrange(indexes, old_threshold, share->index, &part);
	crypto_core_ristretto255_scalar_mul(part.bytes, part.bytes, share->value.bytes);
	return group_deal(&part, new_threshold, new_servers, ret_deal, why);
}

enum fault group_reshare_commitments(struct point *sum, const struct point *dealt, unsigned new_threshold,
				     struct why *why)
{
	if (new_threshold < 1 || new_threshold > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "%u is no threshold", new_threshold);
	if (!are_commitments(sum, new_threshold) || !are_commitments(dealt, new_threshold))
		return why_set(why, FAULT_REFUSED, "a commitment is no point of the group");
	for (unsigned m = 0; m < new_threshold; m++)
		(void)crypto_core_ristretto255_add(sum[m].bytes, sum[m].bytes, dealt[m].bytes);
	return FAULT_NONE;
}

enum fault group_reshare_join(const struct group_share *dealt, unsigned count, struct group_share *ret_share,
			      struct why *why)
{
	AUTO(scalar_wipe) struct scalar sum = {{0}};

	if (count < 1 || count > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "%u servers cannot have dealt", count);
	enum fault fault = group_check_indexes(&dealt[0].index, 1, why);
	if (fault)
		return fault;
	for (unsigned i = 0; i < count; i++) {
		if (dealt[i].index != dealt[0].index)
			return why_set(why, FAULT_INVALID, "the parts are for different servers");
		if (!scalar_is_canonical(&dealt[i].value))
			return why_set(why, FAULT_REFUSED, "a part is not in canonical form");
		crypto_core_ristretto255_scalar_add(sum.bytes, sum.bytes, dealt[i].value.bytes);
	}
	*ret_share = (struct group_share){.index = dealt[0].index, .value = sum};
	return FAULT_NONE;
}
