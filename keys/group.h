/* keys/group.h - a key that nobody holds: t-of-n shares of k, and use of k without it.
 *
 * ristretto255 (RFC 9496). K = k*G. Shares k_i = f(i) of a random polynomial of degree t-1
 * with f(0) = k (Shamir), published commitments C_m = a_m*G (Feldman), so that anybody can
 * check K_i = k_i*G = sum i^m C_m. Unlocking is updatable oblivious key management (Jarecki,
 * Krawczyk, Resch 2019): the client blinds R, servers multiply, the client unblinds.
 *
 *   deal      secret k -> commitments, shares
 *   blind     R -> B = b*R, keeps b
 *   evaluate  server i: Z_i = k_i*B
 *   combine   Z = sum lambda_i Z_i over t servers
 *   unblind   S = b^-1 * Z = k*R
 *   blame     which server lied, after a failed commitment
 *   prove     evaluate, with a proof that it was done with k_i
 *   refresh   deal 0 and add: new shares, same k
 *   reshare   t', n' from t old shares: each deals lambda_i*k_i
 *
 * Pure functions; no state. Points are checked as RFC 9496, section 4.3.1 says (libsodium 1.0.18
 * lets bit 255 pass), the identity refused, scalars must be canonical and not zero. Server indexes
 * are 1..GROUP_SERVERS_MAX. Any thread.
 */
#ifndef FSENC_KEYS_GROUP_H
#define FSENC_KEYS_GROUP_H

#include <stdbool.h>

#include "base/secret.h"
#include "keys/id.h"

#define GROUP_SERVERS_MAX 64
#define SCALAR_SIZE 32

struct point {
	uint8_t bytes[32];
};
struct scalar {
	uint8_t bytes[SCALAR_SIZE];
};
void scalar_wipe(struct scalar *scalar);
AUTO_VALUE(struct scalar, scalar_wipe);

struct group_share {
	unsigned index; /* 1..n */
	struct scalar value; /* k_i */
};
void group_share_wipe(struct group_share *share);
AUTO_VALUE(struct group_share, group_share_wipe);

struct group_deal {
	unsigned threshold;
	unsigned servers;
	struct point commitments[GROUP_SERVERS_MAX]; /* C_0 .. C_{t-1}; C_0 = K */
	struct group_share shares[GROUP_SERVERS_MAX];
};
void group_deal_wipe(struct group_deal *deal);
AUTO_VALUE(struct group_deal, group_deal_wipe);

MUST_CHECK enum fault group_check_point(const struct point *point, struct why *why);
MUST_CHECK enum fault group_check_scalar(const struct scalar *scalar, struct why *why);

/* `secret` NULL: a fresh random k. A secret of zero is allowed here (refresh). */
MUST_CHECK enum fault group_deal(const struct scalar *secret, unsigned threshold, unsigned servers,
				 struct group_deal *ret_deal, struct why *why);
/* K_i from the commitments. */
MUST_CHECK enum fault group_share_public(const struct point *commitments, unsigned threshold, unsigned index,
					 struct point *ret_public, struct why *why);
/* FAULT_REFUSED unless the share fits the commitments. */
MUST_CHECK enum fault group_check_share(const struct group_share *share, const struct point *commitments,
					unsigned threshold, struct why *why);

MUST_CHECK enum fault group_blind(const struct point *point, struct scalar *ret_blind,
				  struct point *ret_blinded, struct why *why);
/* The same from a seed of uniformly random bytes, so that nobody keeps b meanwhile. */
MUST_CHECK enum fault group_blind_from(const struct point *point, const uint8_t seed[static 64],
				       struct scalar *ret_blind, struct point *ret_blinded, struct why *why);
MUST_CHECK enum fault group_evaluate(const struct group_share *share, const struct point *blinded,
				     struct point *ret_answer, struct why *why);
struct group_answer {
	unsigned index;
	struct point point;
};
/* Exactly `threshold` answers with different indexes. */
MUST_CHECK enum fault group_combine(const struct group_answer *answers, unsigned threshold,
				    struct point *ret_combined, struct why *why);
MUST_CHECK enum fault group_unblind(const struct point *combined, const struct scalar *blind,
				    struct point *ret_shared, struct why *why);

/* Blame: a challenge point V = sum c_j R_j + d*G over the points of a batch, evaluated by the
 * suspect as Z_V; honest iff Z_V - d*K_i == sum c_j (b_j^-1 Z_j). A suspect's answer that is no
 * point is a lie too; a bad K_i or blind is ours, and a fault. */
struct group_challenge {
	struct point point; /* V, to be sent (it looks like any other) */
	struct scalar d;
	struct scalar *c; /* one for each R_j */
	size_t count;
};
void group_challenge_done(struct group_challenge *challenge);
AUTO_VALUE(struct group_challenge, group_challenge_done);
MUST_CHECK enum fault group_challenge_new(const struct point *points, size_t count,
					  struct group_challenge *ret_challenge, struct why *why);
MUST_CHECK enum fault group_challenge_check(const struct group_challenge *challenge,
					    const struct point *share_public,
					    const struct point *challenge_answer, const struct point *answers,
					    const struct scalar *blinds, bool *ret_honest, struct why *why);

/* An answer that proves itself, for answers that come days later, by hand: Z = k_i*B with a proof that it is,
 * tied to what it is `about`. Nothing but this one point is evaluated. */
struct group_proof {
	struct scalar challenge;
	struct scalar response; /* nonce + challenge*k_i */
};
MUST_CHECK enum fault group_prove(const struct group_share *share, const struct point *blinded,
				  const struct digest *about, struct point *ret_answer,
				  struct group_proof *ret_proof, struct why *why);
/* Is `answer` that of the holder of share `share_public` (K_i)? A fault is ours: a bad K_i or B. */
MUST_CHECK enum fault group_proof_check(const struct group_proof *proof, const struct point *share_public,
					const struct point *blinded, const struct digest *about,
					const struct point *answer, bool *ret_honest, struct why *why);

/* New shares of the same k: `zero` is a deal of 0 with the same threshold. */
MUST_CHECK enum fault group_refresh(const struct group_share *share, const struct group_share *zero,
				    struct group_share *ret_share, struct why *why);
MUST_CHECK enum fault group_refresh_commitments(struct point *commitments, const struct point *zero,
						unsigned threshold, struct why *why);
/* What old server `share->index` (one of `indexes`, `old_threshold` of them) deals to the new ones. */
MUST_CHECK enum fault group_reshare_deal(const struct group_share *share, const unsigned *indexes,
					 unsigned old_threshold, unsigned new_threshold, unsigned new_servers,
					 struct group_deal *ret_deal, struct why *why);
/* Adds up what the old servers committed to; `sum` starts as zeros. At its end sum[0] is K, or they dealt
 * another key. */
MUST_CHECK enum fault group_reshare_commitments(struct point *sum, const struct point *dealt,
						unsigned new_threshold, struct why *why);
/* What new server `index` makes of the shares that the old ones dealt to it. */
MUST_CHECK enum fault group_reshare_join(const struct group_share *dealt, unsigned count,
					 struct group_share *ret_share, struct why *why);

#endif
