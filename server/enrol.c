/* A user's key becomes known: the certificate that this server signs for an account and a key. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/message.h"
#include "keys/succession.h"
#include "server/code.h"
#include "server/handlers.h"
#include "server/membership.h"
#include "server/server.h"

#define PASSWORDS_AN_HOUR 10
#define FAILURES_AN_HOUR 600 /* of one address: strangers may not keep the directory busy */

struct enrolment {
	struct exchange *exchange;
	struct enrol_request request;
	const struct public_identity *key; /* of request.certificate */
	struct fingerprint fingerprint;
	struct directory_user user;
	struct certificate *certificate; /* the one that is answered */
	uint32_t pending; /* seconds, in its place */
	bool by_password;
};

static void enrolment_done(struct enrolment *enrolment)
{
	certificate_free(enrolment->certificate);
	enrol_request_done(&enrolment->request);
}
AUTO_VALUE(struct enrolment, enrolment_done);

static struct member_id peer_id(const struct exchange *exchange)
{
	const char *peer = exchange->request->peer;
	struct member_id id;

	(void)crypto_generichash(id.bytes, sizeof id.bytes, (const uint8_t *)peer, strlen(peer), NULL, 0);
	return id;
}

static enum fault check_peer(struct enrolment *enrolment, struct why *why)
{
	const struct member_id peer = peer_id(enrolment->exchange);

	if (!limits_is_over(enrolment->exchange->server->passwords, &peer, FAILURES_AN_HOUR, clock_boot_ms()))
		return FAULT_NONE;
	return exchange_refuse(enrolment->exchange, PROBLEM_LIMIT, why,
			       "too many enrolments from your address have failed; try again in an hour");
}

/* One answer for a name that nobody has, a wrong code and a wrong password: who tries learns no names. */
static enum fault refuse_proof(struct enrolment *enrolment, struct why *why)
{
	const struct member_id peer = peer_id(enrolment->exchange);

	(void)limits_take(enrolment->exchange->server->passwords, &peer, 1, FAILURES_AN_HOUR,
			  clock_boot_ms());
	return exchange_refuse(enrolment->exchange, PROBLEM_CODE, why,
			       "'%s' and this %s do not belong together; the name must be written as in the "
			       "directory",
			       enrolment->request.user, enrolment->by_password ? "password" : "code");
}

/* -- the request ------------------------------------------------------------------------------------ */

static enum fault read_request(struct enrolment *enrolment, struct why *why)
{
	struct exchange *exchange = enrolment->exchange;
	const struct request_subject subject = exchange_subject(exchange);
	const struct other_servers others = exchange_other_servers(exchange);
	enum problem_type problem = PROBLEM_INTERNAL;

	if (enrol_request_read(exchange->request->body, exchange->request->body_size, &enrolment->request,
			       why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	enrolment->key = certificate_identity(enrolment->request.certificate);
	enrolment->fingerprint = certificate_fingerprint(enrolment->request.certificate);
	enrolment->by_password = enrolment->request.password[0] != '\0';
	enum fault fault = callers_check_key(exchange->server->callers, &exchange->claim, &subject, &others,
					     clock_wall_ms(), enrolment->key, &problem, why);
	if (fault == FAULT_REFUSED)
		return exchange_refuse_why(exchange, problem, why);
	if (fault)
		return fault;
	if (enrol_proof_verify(&exchange->charter->id, enrolment->request.user, enrolment->key,
			       &subject.server, enrolment->request.proof, why))
		return exchange_refuse_why(exchange, PROBLEM_SIGNATURE, why);
	return FAULT_NONE;
}

/* -- whose account it is -------------------------------------------------------------------------------- */

/* A password would be known to each of several servers, and one of them could enrol elsewhere with it. */
static enum fault check_password_is_offered(struct enrolment *enrolment, struct why *why)
{
	if (!enrolment->by_password || enrolment->exchange->charter->organisation.server_count <= 1)
		return FAULT_NONE;
	return exchange_refuse(
		enrolment->exchange, PROBLEM_CODE, why,
		"an organisation with several servers takes no passwords; ask for a code of each");
}

static enum fault check_password(struct enrolment *enrolment, const struct question *question,
				 struct why *why)
{
	struct limits *limits = enrolment->exchange->server->passwords;
	AUTO(secret_free) struct secret *password = NULL;
	const int64_t now_ms = clock_boot_ms();

	if (limits_is_over(limits, &enrolment->user.id, PASSWORDS_AN_HOUR, now_ms))
		return exchange_refuse(enrolment->exchange, PROBLEM_LIMIT, why,
				       "too many wrong passwords for '%s'; try again in an hour",
				       enrolment->request.user);
	enum fault fault = secret_copy(enrolment->request.password, strlen(enrolment->request.password),
				       &password, why);
	if (fault)
		return fault;
	switch (directory_authenticate(question->directory, enrolment->request.user, password,
				       question->deadline, &enrolment->user, why)) {
	case DIRECTORY_YES:
		return FAULT_NONE;
	case DIRECTORY_UNKNOWN:
		return exchange_refuse_unknown(enrolment->exchange, why);
	case DIRECTORY_NO:
		break;
	}
	(void)limits_take(limits, &enrolment->user.id, 1, PASSWORDS_AN_HOUR, now_ms);
	return refuse_proof(enrolment, why);
}

static enum fault find_account(struct enrolment *enrolment, struct why *why)
{
	struct exchange *exchange = enrolment->exchange;
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);

	switch (directory_find_user(question.directory, enrolment->request.user, question.deadline,
				    &enrolment->user, why)) {
	case DIRECTORY_YES:
		break;
	case DIRECTORY_NO:
		return refuse_proof(enrolment, why);
	case DIRECTORY_UNKNOWN:
		return exchange_refuse_unknown(exchange, why);
	}
	if (strcmp(enrolment->user.name, enrolment->request.user) != 0)
		return refuse_proof(enrolment, why);
	enum fault fault = enrolment->by_password ? check_password(enrolment, &question, why) : FAULT_NONE;
	if (fault)
		return fault;
	if (!enrolment->user.enabled)
		return exchange_refuse(exchange, PROBLEM_DISABLED, why, "the account '%s' is off: %s",
				       enrolment->user.name, directory_reason_words(enrolment->user.off));
	return FAULT_NONE;
}

/* -- the key: all in one transaction of the store ----------------------------------------------------------
 */

static enum fault use_code(struct enrolment *enrolment, struct why *why)
{
	if (enrolment->by_password)
		return FAULT_NONE;
	enum fault fault = code_use(enrolment->exchange->server->home->store, &enrolment->user.id,
				    enrolment->request.code, clock_wall_ms() / MS_PER_SECOND, why);
	return fault == FAULT_DENIED || fault == FAULT_MALFORMED ? refuse_proof(enrolment, why) : fault;
}

static enum fault certify(struct enrolment *enrolment, const struct stored_certificate *before,
			  struct why *why)
{
	struct exchange *exchange = enrolment->exchange;
	AUTO(free) char *text = NULL;
	struct certificate_grant grant = {.organisation = exchange->charter->id,
					  .account = enrolment->user.id,
					  .name = enrolment->user.name,
					  .serial = before ? before->serial + 1 : 1};

	memcpy(grant.proof, enrolment->request.proof, sizeof grant.proof);
	if (before)
		grant.previous = before->fingerprint;
	enum fault fault = certificate_sign_for(enrolment->request.certificate, &grant,
						exchange->server->home->identity, &enrolment->certificate,
						why);
	if (!fault)
		fault = signed_text(certificate_signed(enrolment->certificate), &text, why);
	if (fault)
		return fault;
	struct stored_certificate stored = {
		.account = grant.account,
		.user = enrolment->key->id,
		.fingerprint = enrolment->fingerprint,
		.serial = grant.serial,
		.previous = grant.previous,
		.state = CERTIFICATE_ACTIVE,
		.created = certificate_created(enrolment->certificate),
		.text = {.data = (uint8_t *)text, .size = strlen(text)},
	};
	(void)snprintf(stored.name, sizeof stored.name, "%s", enrolment->request.user);
	fault = store_certificate_write(exchange->server->home->store, &stored, why);
	return fault == FAULT_EXISTS ? exchange_refuse_why(exchange, PROBLEM_CONFLICT, why) : fault;
}

/* The answer to an enrolment may have been lost on its way: the same again gets the same. */
static enum fault give_again(struct enrolment *enrolment, const struct stored_certificate *stored,
			     struct why *why)
{
	enum fault fault = use_code(enrolment, why);

	if (fault)
		return fault;
	return certificate_parse_text((const char *)stored->text.data, stored->text.size,
				      &enrolment->certificate, why);
}

static enum fault check_succession(struct enrolment *enrolment, const struct stored_certificate *before,
				   struct why *why)
{
	AUTO(certificate_free) struct certificate *old = NULL;

	if (before->state != CERTIFICATE_ACTIVE)
		return exchange_refuse(
			enrolment->exchange, PROBLEM_APPROVAL, why,
			"the old key was revoked: its word for a new one does not count; enrol "
			"without it, and an administrator must approve");
	enum fault fault = certificate_parse_text((const char *)before->text.data, before->text.size, &old,
						  why);
	if (fault)
		return fault;
	if (succession_verify(enrolment->request.previous, &enrolment->exchange->charter->id,
			      certificate_identity(old), &enrolment->fingerprint, why))
		return exchange_refuse_why(enrolment->exchange, PROBLEM_APPROVAL, why);
	return FAULT_NONE;
}

/* The code is used up by the request; the key that waits is proof enough afterwards. */
static enum fault ask_for_approval(struct enrolment *enrolment, struct why *why)
{
	struct exchange *exchange = enrolment->exchange;
	struct stored_approval wanted = {.account = enrolment->user.id,
					 .fingerprint = enrolment->fingerprint,
					 .requested = clock_wall_ms() / MS_PER_SECOND};

	(void)snprintf(wanted.name, sizeof wanted.name, "%s", enrolment->request.user);
	enrolment->pending = exchange->charter->policy.approve_delay;
	enum fault fault = use_code(enrolment, why);
	return fault ? fault : store_approval_request(exchange->server->home->store, &wanted, why);
}

/* A further key that the old one does not speak for. */
static enum fault check_approval(struct enrolment *enrolment, const struct stored_certificate *before,
				 struct why *why)
{
	struct store *store = enrolment->exchange->server->home->store;
	struct stored_approval approval;
	const int64_t now = clock_wall_ms() / MS_PER_SECOND;

	enum fault fault = store_approval_find(store, &enrolment->user.id, &approval, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	if (fault || !fingerprint_equal(&approval.fingerprint, &enrolment->fingerprint))
		return ask_for_approval(enrolment, why);
	if (!approval.approved || approval.from > now) {
		enrolment->pending = approval.approved ? (uint32_t)(approval.from - now)
						       : enrolment->exchange->charter->policy.approve_delay;
		return FAULT_NONE;
	}
	fault = store_approval_drop(store, &enrolment->user.id, why);
	return fault ? fault : certify(enrolment, before, why);
}

static enum fault bind_further(struct enrolment *enrolment, const struct stored_certificate *before,
			       struct why *why)
{
	if (before->state == CERTIFICATE_ACTIVE &&
	    fingerprint_equal(&before->fingerprint, &enrolment->fingerprint) &&
	    member_id_equal(&before->user, &enrolment->key->id))
		return give_again(enrolment, before, why);
	if (!enrolment->request.previous)
		return check_approval(enrolment, before, why);
	enum fault fault = check_succession(enrolment, before, why);
	if (!fault)
		fault = use_code(enrolment, why);
	return fault ? fault : certify(enrolment, before, why);
}

static enum fault bind_key(struct enrolment *enrolment, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate before = {0};
	struct store *store = enrolment->exchange->server->home->store;

	enum fault fault = store_certificate_last(store, &enrolment->user.id, &before, why);
	if (!fault)
		return bind_further(enrolment, &before, why);
	if (fault != FAULT_MISSING)
		return fault;
	fault = use_code(enrolment, why);
	return fault ? fault : certify(enrolment, NULL, why);
}

/* -- the answer
 * ---------------------------------------------------------------------------------------------- */

static enum fault write_down(struct enrolment *enrolment, struct why *why)
{
	char key[DIGEST_TEXT_SIZE];
	struct audit_event event = {.action = AUDIT_ENROL,
				    .decision = enrolment->pending ? AUDIT_DENIED : AUDIT_GRANTED,
				    .reason = enrolment->pending ? problem_text(PROBLEM_APPROVAL) : NULL,
				    .account = enrolment->user.id,
				    .user = enrolment->user.name,
				    .detail = key};

	fingerprint_text(&enrolment->fingerprint, key);
	enum fault fault = exchange_audit(enrolment->exchange, &event, why);
	if (!fault && !enrolment->pending)
		metrics_add(&enrolment->exchange->server->metrics, METRICS_ENROLMENTS, 1);
	return fault;
}

static enum fault answer_with(struct enrolment *enrolment, struct why *why)
{
	struct exchange *exchange = enrolment->exchange;
	struct enrol_answer answer = {.pending = enrolment->pending};

	if (enrolment->pending) {
		exchange->status = 202;
		return enrol_answer_write(&answer, &exchange->body, why);
	}
	answer.certificate = enrolment->certificate;
	answer.account = enrolment->user.id;
	answer.organisation = exchange->charter->organisation_signed;
	answer.policy = exchange->charter->policy_signed;
	return enrol_answer_write(&answer, &exchange->body, why);
}

enum fault handle_enrol(struct exchange *exchange, struct why *why)
{
	AUTO(enrolment_done) struct enrolment enrolment = {.exchange = exchange};
	struct store *store = exchange->server->home->store;

	enum fault fault = read_request(&enrolment, why);
	if (!fault)
		fault = check_password_is_offered(&enrolment, why);
	if (!fault)
		fault = check_peer(&enrolment, why);
	if (!fault)
		fault = find_account(&enrolment, why);
	if (!fault)
		fault = store_transaction_begin(store, why);
	if (fault)
		return fault;
	fault = store_transaction_end(store, bind_key(&enrolment, why), why);
	if (!fault)
		fault = write_down(&enrolment, why);
	return fault ? fault : answer_with(&enrolment, why);
}
