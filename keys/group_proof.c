#include <sodium.h>
#include <string.h>

#include "keys/group_math.h"
#include "keys/kdf.h"

/*
 * Chaum and Pedersen's proof that log_G K_i = log_B Z_i, made without a second person (Fiat, Shamir): the
 * challenge is the hash of all that is proved, so that nobody can choose it to fit. Whoever does not know
 * k_i, or answers anything but k_i*B, passes with a chance of about 2^-252.
 */

struct statement { /* as it is hashed */
	struct digest about;
	struct point share_public, blinded, answer, of_base, of_blinded;
};

static struct scalar challenge_of(const struct statement *statement)
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0};
	const struct digest hash = kdf_hash(KDF_HASH_GROUP_PROOF, statement, sizeof *statement);
	struct scalar challenge;

	memcpy(wide, hash.bytes, sizeof hash.bytes);
	crypto_core_ristretto255_scalar_reduce(challenge.bytes, wide);
	return challenge;
}

enum fault group_prove(const struct group_share *share, const struct point *blinded,
		       const struct digest *about, struct point *ret_answer, struct group_proof *ret_proof,
		       struct why *why)
{
	AUTO(scalar_wipe) struct scalar nonce;
	struct statement statement = {.about = *about, .blinded = *blinded};
	struct group_proof proof;
	enum fault fault = group_evaluate(share, blinded, &statement.answer, why);
	if (fault)
		return fault;
	crypto_core_ristretto255_scalar_random(nonce.bytes);
	statement.share_public = point_of(&share->value);
	statement.of_base = point_of(&nonce);
	point_times(&nonce, blinded, &statement.of_blinded);
	proof.challenge = challenge_of(&statement);
	crypto_core_ristretto255_scalar_mul(proof.response.bytes, proof.challenge.bytes, share->value.bytes);
	crypto_core_ristretto255_scalar_add(proof.response.bytes, proof.response.bytes, nonce.bytes);
	*ret_answer = statement.answer;
	*ret_proof = proof;
	return FAULT_NONE;
}

/* response*base - challenge*product */
static struct point nonce_times(const struct group_proof *proof, const struct point *base,
				const struct point *product)
{
	struct point first, second;

	point_times(&proof->response, base, &first);
	point_times(&proof->challenge, product, &second);
	(void)crypto_core_ristretto255_sub(first.bytes, first.bytes, second.bytes);
	return first;
}

enum fault group_proof_check(const struct group_proof *proof, const struct point *share_public,
			     const struct point *blinded, const struct digest *about,
			     const struct point *answer, bool *ret_honest, struct why *why)
{
	static const struct scalar one = {{1}};
	const struct point base = point_of(&one);
	struct statement statement = {
		.about = *about, .share_public = *share_public, .blinded = *blinded, .answer = *answer};
	enum fault fault = group_check_point(share_public, why);
	if (!fault)
		fault = group_check_point(blinded, why);
	if (fault)
		return fault;
	*ret_honest = false;
	if (group_check_point(answer, NULL) || !scalar_is_canonical(&proof->challenge) ||
	    !scalar_is_canonical(&proof->response))
		return FAULT_NONE;
	statement.of_base = nonce_times(proof, &base, share_public);
	statement.of_blinded = nonce_times(proof, blinded, answer);
	const struct scalar challenge = challenge_of(&statement);
	*ret_honest = memcmp(&challenge, &proof->challenge, sizeof challenge) == 0;
	return FAULT_NONE;
}
