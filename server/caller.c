#include "server/caller.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/shelf.h"

#define KEYS_REMEMBERED ((size_t)1 << 16)

struct callers {
	struct store *store;
	struct nonces *nonces;
	const struct identity *server;
	struct shelf *shelf;
};

void callers_free(struct callers *callers)
{
	if (!callers)
		return;
	shelf_free(callers->shelf);
	free(callers);
}

enum fault callers_new(struct store *store, struct nonces *nonces, const struct identity *server,
		       struct callers **ret_callers, struct why *why)
{
	AUTO(callers_free) struct callers *callers = calloc(1, sizeof *callers);

	if (!callers)
		return why_set(why, FAULT_MEMORY, "no memory for callers");
	callers->store = store;
	callers->nonces = nonces;
	callers->server = server;
	enum fault fault = shelf_new(sizeof(struct caller), KEYS_REMEMBERED, &callers->shelf, why);
	if (fault)
		return fault;
	*ret_callers = TAKE(callers);
	return FAULT_NONE;
}

/* -- known keys --------------------------------------------------------------------------------- */

/* The row is the store's; that this server wrote it, its own signature says. */
static enum fault read_stored(const struct callers *callers, const struct stored_certificate *stored,
			      struct caller *ret_caller, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;

	enum fault fault = certificate_parse_text((const char *)stored->text.data, stored->text.size,
						  &certificate, why);
	if (!fault)
		fault = certificate_verify_by(certificate, identity_public(callers->server)->sign_public,
					      why);
	if (fault)
		return why_in(why, FAULT_DAMAGED, "the certificate of '%s' in the store", stored->name);
	const struct public_identity *identity = certificate_identity(certificate);
	struct caller caller = {.fingerprint = certificate_fingerprint(certificate),
				.account = stored->account,
				.user = identity->id,
				.expires = certificate_expires(certificate),
				.state = stored->state};
	if (!fingerprint_equal(&caller.fingerprint, &stored->fingerprint))
		return why_set(why, FAULT_DAMAGED, "the certificate of '%s' in the store holds another key",
			       stored->name);
	memcpy(caller.name, identity->name, sizeof caller.name);
	memcpy(caller.sign_public, identity->sign_public, sizeof caller.sign_public);
	*ret_caller = caller;
	return FAULT_NONE;
}

static enum fault find(struct callers *callers, const struct fingerprint *fingerprint,
		       struct caller *ret_caller, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate stored = {0};
	struct caller caller;
	uint64_t version;

	enum fault fault = store_version(callers->store, &version, why);
	if (fault)
		return fault;
	if (shelf_recall(callers->shelf, fingerprint->bytes, version, &caller) &&
	    fingerprint_equal(&caller.fingerprint, fingerprint)) {
		*ret_caller = caller;
		return FAULT_NONE;
	}
	fault = store_certificate_of_key(callers->store, fingerprint, &stored, why);
	if (!fault)
		fault = read_stored(callers, &stored, &caller, why);
	if (fault)
		return fault;
	shelf_remember(callers->shelf, fingerprint->bytes, version, &caller);
	*ret_caller = caller;
	return FAULT_NONE;
}

/* -- refusals --------------------------------------------------------------------------------------- */

#define refuse(problem, ...) (*ret_problem = (problem), why_set(why, FAULT_REFUSED, __VA_ARGS__))

static enum fault check_time(const struct request_claim *claim, int64_t now_ms,
			     enum problem_type *ret_problem, struct why *why)
{
	/* Compared so that no time that a client may name overflows. */
	const int64_t off_ms = claim->time_ms < 0 || claim->time_ms > now_ms + REQUEST_CLOCK_MS
				       ? INT64_MAX
				       : claim->time_ms - now_ms;

	if (off_ms > REQUEST_CLOCK_MS)
		return refuse(PROBLEM_CLOCK, "your clock is ahead of this server's by more than %d s",
			      REQUEST_CLOCK_MS / MS_PER_SECOND);
	if (off_ms < -REQUEST_CLOCK_MS)
		return refuse(PROBLEM_CLOCK, "your clock is behind this server's by more than %d s",
			      REQUEST_CLOCK_MS / MS_PER_SECOND);
	return FAULT_NONE;
}

static enum fault check_nonce(enum nonce_answer answer, enum problem_type *ret_problem, struct why *why)
{
	switch (answer) {
	case NONCE_FRESH:
		return FAULT_NONE;
	case NONCE_SEEN:
		return refuse(PROBLEM_REPLAY, "this request was made before");
	case NONCE_EARLY:
		return refuse(PROBLEM_CLOCK, "the request is older than what this server remembers since it "
					     "started; your clock may be behind");
	case NONCE_FULL:
		break;
	}
	return refuse(PROBLEM_LIMIT, "this server has more requests than it can remember");
}

static enum fault check_state(const struct caller *caller, const struct request_claim *claim, int64_t now_ms,
			      enum problem_type *ret_problem, struct why *why)
{
	if (caller->state == CERTIFICATE_REVOKED)
		return refuse(PROBLEM_UNKNOWN_KEY, "this key was revoked");
	if (caller->state != CERTIFICATE_ACTIVE)
		return refuse(PROBLEM_UNKNOWN_KEY, "a later key has taken the place of this one");
	if (caller->expires && caller->expires <= now_ms / MS_PER_SECOND)
		return refuse(PROBLEM_UNKNOWN_KEY, "the certificate of this key has expired");
	if (!member_id_equal(&caller->user, &claim->user))
		return refuse(PROBLEM_UNKNOWN_KEY, "this key is another user's");
	return FAULT_NONE;
}

/* Is it right, but for somebody else? Only looked at when it is wrong for us. */
static bool is_for_another(const struct request_claim *claim, const struct request_subject *subject,
			   const struct other_servers *others, const uint8_t sign_public[SIGN_PUBLIC_SIZE])
{
	struct request_subject other = *subject;

	for (size_t i = 0; i < others->count; i++) {
		other.server = others->list[i].id;
		if (!member_id_equal(&other.server, &subject->server) &&
		    request_verify(claim, &other, sign_public, NULL) == FAULT_NONE)
			return true;
	}
	return false;
}

static enum fault check_signature(const struct request_claim *claim, const struct request_subject *subject,
				  const struct other_servers *others,
				  const uint8_t sign_public[SIGN_PUBLIC_SIZE], enum problem_type *ret_problem,
				  struct why *why)
{
	if (request_verify(claim, subject, sign_public, NULL) == FAULT_NONE)
		return FAULT_NONE;
	if (is_for_another(claim, subject, others, sign_public))
		return refuse(PROBLEM_OTHER_SERVER, "the request is signed for another server");
	return refuse(PROBLEM_SIGNATURE, "the signature is not that of this key for this request");
}

/* -- the order -------------------------------------------------------------------------------------- */

enum fault callers_check(struct callers *callers, const struct request_claim *claim,
			 const struct request_subject *subject, const struct other_servers *others,
			 int64_t now_ms, struct caller *ret_caller, enum problem_type *ret_problem,
			 struct why *why)
{
	struct caller caller;

	enum fault fault = check_time(claim, now_ms, ret_problem, why);
	if (!fault)
		fault = check_nonce(nonces_look(callers->nonces, claim, now_ms), ret_problem, why);
	if (fault)
		return fault;
	fault = find(callers, &claim->fingerprint, &caller, why);
	if (fault == FAULT_MISSING)
		return refuse(PROBLEM_UNKNOWN_KEY, "this server does not know this key");
	if (!fault)
		fault = check_state(&caller, claim, now_ms, ret_problem, why);
	if (!fault)
		fault = check_signature(claim, subject, others, caller.sign_public, ret_problem, why);
	if (!fault)
		fault = check_nonce(nonces_take(callers->nonces, claim, now_ms), ret_problem, why);
	if (fault)
		return fault;
	*ret_caller = caller;
	return FAULT_NONE;
}

enum fault callers_check_key(struct callers *callers, const struct request_claim *claim,
			     const struct request_subject *subject, const struct other_servers *others,
			     int64_t now_ms, const struct public_identity *key,
			     enum problem_type *ret_problem, struct why *why)
{
	const struct fingerprint fingerprint = public_identity_fingerprint(key);

	enum fault fault = check_time(claim, now_ms, ret_problem, why);
	if (!fault)
		fault = check_nonce(nonces_look(callers->nonces, claim, now_ms), ret_problem, why);
	if (fault)
		return fault;
	if (!fingerprint_equal(&fingerprint, &claim->fingerprint) || !member_id_equal(&key->id, &claim->user))
		return refuse(PROBLEM_UNKNOWN_KEY, "the request is signed with another key than it brings");
	fault = check_signature(claim, subject, others, key->sign_public, ret_problem, why);
	if (!fault)
		fault = check_nonce(nonces_take(callers->nonces, claim, now_ms), ret_problem, why);
	return fault;
}
