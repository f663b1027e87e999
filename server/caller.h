/* server/caller.h - who sent a request, proved.
 *
 * In this order, each a refusal of its own: the header is well formed; the clock is near ours; the nonce was
 * not seen; the key is known here, active and not expired; the signature is right for this server, target and
 * body. A signature that is right for another server of the organisation is told apart (`other-server`). Only
 * then is the nonce used up, so that nobody without a key can use up somebody's.
 *
 * Certificates are remembered as long as the store's version stays the same: a key that is revoked is
 * refused from the next request on. Any thread.
 */
#ifndef FSENC_SERVER_CALLER_H
#define FSENC_SERVER_CALLER_H

#include "keys/message.h"
#include "server/nonce.h"
#include "server/store.h"

/* A user whose key this server knows. */
struct caller {
	struct fingerprint fingerprint;
	struct member_id account; /* the directory's id */
	struct member_id user; /* the user's own */
	char name[DISPLAY_NAME_MAX + 1];
	uint8_t sign_public[SIGN_PUBLIC_SIZE];
	int64_t expires; /* unix seconds; 0: never */
	enum certificate_state state;
};

struct callers;

/* `server` is who certificates must be signed by; all are borrowed and outlive it. */
MUST_CHECK enum fault callers_new(struct store *store, struct nonces *nonces, const struct identity *server,
				  struct callers **ret_callers, struct why *why);
void callers_free(struct callers *callers);
AUTO_POINTER(struct callers *, callers_free);

/* The other servers for which the request may have been signed. */
struct other_servers {
	const struct public_identity *list;
	size_t count;
};

/* FAULT_REFUSED: *ret_problem says why, the words for whom. Other faults: the store failed. `now_ms` is wall
 * time; `subject->server` is ours. */
MUST_CHECK enum fault callers_check(struct callers *callers, const struct request_claim *claim,
				    const struct request_subject *subject, const struct other_servers *others,
				    int64_t now_ms, struct caller *ret_caller, enum problem_type *ret_problem,
				    struct why *why);
/* The same for a key that comes with the request: it proves that the sender has it, not who that is. */
MUST_CHECK enum fault callers_check_key(struct callers *callers, const struct request_claim *claim,
					const struct request_subject *subject,
					const struct other_servers *others, int64_t now_ms,
					const struct public_identity *key, enum problem_type *ret_problem,
					struct why *why);

#endif
