#include "keys/enrol.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* The answers of all servers, on the way into the keyring. */
struct enrolment {
	const struct enrol_options *options;
	struct enrol_report *report;
	const struct identity *identity;
	struct certificate *own; /* self-signed */
	struct keyring_organisation membership; /* what is kept */
	bool is_member; /* membership has a certificate */
	struct signed_object *policy; /* the newest heard, or NULL */
	struct keyring_policy newest;
};

static void enrolment_done(struct enrolment *enrolment)
{
	certificate_free(enrolment->own);
	keyring_organisation_done(&enrolment->membership);
	signed_free(enrolment->policy);
}
AUTO_VALUE(struct enrolment, enrolment_done);

static int64_t deadline(void)
{
	return clock_boot_ms() + SERVICE_DEADLINE_MS;
}

/* -- what is known before ---------------------------------------------------------------- */

static enum fault check_is_the_same(const struct enrolment *enrolment, struct why *why)
{
	if (fingerprint_equal(&enrolment->membership.fingerprint, &enrolment->options->organisation))
		return FAULT_NONE;
	return why_set(
		why, FAULT_EXISTS,
		"this keyring belongs to the organisation '%s' already; another keyring takes another one",
		enrolment->membership.organisation.root.name);
}

static enum fault begin(struct enrolment *enrolment, struct why *why)
{
	struct keyring *keyring = enrolment->options->keyring;
	enum fault fault = keyring_identity(keyring, &enrolment->identity, why);
	if (!fault)
		fault = keyring_own_certificate(keyring, &enrolment->own, why);
	if (fault)
		return fault;
	fault = keyring_organisation(keyring, &enrolment->membership, why);
	if (fault == FAULT_MISSING) {
		enrolment->membership.fingerprint = enrolment->options->organisation;
		return FAULT_NONE;
	}
	enrolment->is_member = !fault;
	return fault ? fault : check_is_the_same(enrolment, why);
}

/* -- what a server says of the organisation ------------------------------------------------ */

static enum fault take_organisation(struct enrolment *enrolment, struct organisation_answer *answer,
				    const struct organisation *organisation, struct why *why)
{
	struct keyring_organisation *kept = &enrolment->membership;
	if (!organisation_server(organisation, &answer->server))
		return why_set(why, FAULT_IDENTITY, "the server is none of '%s'", organisation->root.name);
	if (kept->object && kept->organisation.version >= organisation->version)
		return FAULT_NONE;
	signed_free(kept->object);
	kept->object = TAKE(answer->organisation);
	kept->organisation = *organisation;
	return FAULT_NONE;
}

static enum fault take_policy(struct enrolment *enrolment, struct organisation_answer *answer,
			      const char *url, struct why *why)
{
	struct policy policy;
	enum fault fault = policy_read(answer->policy, &enrolment->membership.organisation, &policy, why);
	if (fault || (enrolment->policy && enrolment->newest.policy.version >= policy.version))
		return fault;
	signed_free(enrolment->policy);
	enrolment->policy = TAKE(answer->policy);
	enrolment->newest.policy = policy;
	enrolment->newest.received = clock_wall_ms() / MS_PER_SECOND;
	(void)snprintf(enrolment->newest.from, sizeof enrolment->newest.from, "%s", url);
	return FAULT_NONE;
}

static enum fault meet(struct enrolment *enrolment, struct keyring_server *server, struct why *why)
{
	AUTO(organisation_answer_done) struct organisation_answer answer = {.organisation = NULL};
	struct organisation organisation;
	enum fault fault = service_fetch_organisation(server, &enrolment->options->organisation, deadline(),
						      &answer, &organisation, why);
	if (!fault)
		fault = take_organisation(enrolment, &answer, &organisation, why);
	if (!fault)
		fault = take_policy(enrolment, &answer, server->url, why);
	if (!fault)
		server->id = answer.server;
	return fault;
}

/* -- the question -------------------------------------------------------------------------- */

static enum fault copy_password(const struct secret *password, struct enrol_request *request, struct why *why)
{
	const size_t size = secret_size(password);
	if (size == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the password is empty");
	if (size > ENROL_PASSWORD_MAX || memchr(secret_bytes(password), 0, size))
		return why_set(why, FAULT_INVALID, "a password has up to %d bytes, none of them zero",
			       ENROL_PASSWORD_MAX);
	memcpy(request->password, secret_bytes(password), size);
	return FAULT_NONE;
}

static enum fault write_request(const struct enrolment *enrolment, const struct enrol_server *at,
				const struct member_id *server, struct bytes *body, struct why *why)
{
	const struct enrol_options *options = enrolment->options;
	const struct organisation_id id = organisation_id_of(&enrolment->membership.organisation);
	AUTO(enrol_request_done) struct enrol_request request = {.certificate = NULL};
	enum fault fault = identity_check_name(options->user, why);
	if (fault)
		return fault;
	if (at->code && (at->code[0] == 0 || strlen(at->code) > ENROL_CODE_MAX))
		return why_set(why, FAULT_INVALID, "a code has 1 to %d characters", ENROL_CODE_MAX);
	memcpy(request.user, options->user, strlen(options->user) + 1);
	if (at->code)
		memcpy(request.code, at->code, strlen(at->code) + 1);
	else if (options->password)
		fault = copy_password(options->password, &request, why);
	if (!fault)
		fault = certificate_copy(enrolment->own, &request.certificate, why);
	if (fault)
		return fault;
	enrol_proof_sign(&id, options->user, enrolment->identity, server, request.proof);
	return enrol_request_write(&request, body, why);
}

static enum fault ask(const struct enrolment *enrolment, struct keyring_server *server,
		      const struct bytes *body, struct service_answer *answer, struct why *why)
{
	struct keyring_organisation one = enrolment->membership; /* borrows all but the servers */
	AUTO(service_free) struct service *service = NULL;
	const struct service_call call = {
		.method = "POST",
		.target = "/v1/enroll",
		.body = body->data,
		.body_size = body->size,
		.deadline_ms = deadline(),
		.server = &server->id,
	};
	one.servers = server;
	one.server_count = 1;
	enum fault fault = service_new(&one, enrolment->identity, &service, why);
	if (!fault)
		fault = service_ask(service, &call, answer, why);
	if (fault || !answer->is_problem)
		return fault;
	return why_set(why, problem_fault(answer->problem.type), "%s",
		       answer->problem.detail[0] ? answer->problem.detail
						 : problem_text(answer->problem.type));
}

/* -- the answer ---------------------------------------------------------------------------- */

/* The server may have signed anything: it must be our key, our id and our name. */
static enum fault check_certificate(const struct enrolment *enrolment, const struct enrol_answer *answer,
				    struct why *why)
{
	const struct certificate *certificate = answer->certificate;
	const struct public_identity *named = certificate_identity(certificate);
	const struct public_identity *own = identity_public(enrolment->identity);
	const struct member_id account = certificate_account(certificate);
	if (certificate_verify_in(certificate, &enrolment->membership.organisation, why))
		return FAULT_IDENTITY;
	if (memcmp(named->sign_public, own->sign_public, SIGN_PUBLIC_SIZE) != 0 ||
	    memcmp(named->encrypt_public, own->encrypt_public, ENCRYPT_PUBLIC_SIZE) != 0 ||
	    !member_id_equal(&named->id, &own->id) || strcmp(named->name, enrolment->options->user) != 0 ||
	    !member_id_equal(&account, &answer->account))
		return why_set(why, FAULT_IDENTITY, "it certifies another key or another user than yours");
	if (enrolment->is_member && !member_id_equal(&account, &enrolment->membership.account))
		return why_set(why, FAULT_IDENTITY, "it knows '%s' as another account than the others",
			       enrolment->options->user);
	return FAULT_NONE;
}

static enum fault take_answer(struct enrolment *enrolment, const struct service_answer *answer,
			      struct why *why)
{
	AUTO(enrol_answer_done) struct enrol_answer read = {.certificate = NULL};
	struct keyring_organisation *kept = &enrolment->membership;
	enum fault fault = enrol_answer_read(answer->body.data, answer->body.size, &read, why);
	if (fault)
		return fault;
	if (read.pending) {
		enrolment->report->pending = read.pending;
		return why_set(why, FAULT_DENIED, "an administrator must approve this key");
	}
	fault = check_certificate(enrolment, &read, why);
	if (fault)
		return fault;
	kept->account = read.account;
	if (!enrolment->is_member) {
		certificate_free(kept->certificate);
		kept->certificate = TAKE(read.certificate);
	}
	enrolment->is_member = true;
	enrolment->report->enrolled++;
	return FAULT_NONE;
}

/* In the place of one with the same id, or as one more. Takes the server's memory over. */
static enum fault keep_server(struct keyring_organisation *kept, struct keyring_server *server,
			      struct why *why)
{
	for (size_t i = 0; i < kept->server_count; i++)
		if (member_id_equal(&kept->servers[i].id, &server->id)) {
			free(kept->servers[i].certificate_authority);
			kept->servers[i] = *server;
			server->certificate_authority = NULL;
			return FAULT_NONE;
		}
	struct keyring_server *servers = reallocarray(kept->servers, kept->server_count + 1, sizeof *servers);
	if (!servers)
		return why_set(why, FAULT_MEMORY, "no memory for a key server");
	kept->servers = servers;
	servers[kept->server_count++] = *server;
	server->certificate_authority = NULL;
	return FAULT_NONE;
}

static void server_done(struct keyring_server *server)
{
	free(server->certificate_authority);
}
AUTO_VALUE(struct keyring_server, server_done);

static enum fault enrol_at(struct enrolment *enrolment, const struct enrol_server *at, struct why *why)
{
	const char *authority = enrolment->options->certificate_authority;
	AUTO(server_done) struct keyring_server server = {.certificate_authority = NULL};
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	if (strlen(at->url) >= sizeof server.url)
		return why_set(why, FAULT_USAGE, "the URL is too long");
	memcpy(server.url, at->url, strlen(at->url) + 1);
	server.certificate_authority = authority ? strdup(authority) : NULL;
	if (authority && !server.certificate_authority)
		return why_set(why, FAULT_MEMORY, "no memory for a key server");
	enum fault fault = meet(enrolment, &server, why);
	if (!fault)
		fault = write_request(enrolment, at, &server.id, &body, why);
	if (!fault)
		fault = ask(enrolment, &server, &body, &answer, why);
	if (answer.host[0])
		memcpy(enrolment->report->host, answer.host, sizeof enrolment->report->host);
	if (!fault)
		fault = take_answer(enrolment, &answer, why);
	if (!fault)
		fault = keep_server(&enrolment->membership, &server, why);
	return why_in(why, fault, "key server %s", at->url);
}

static enum fault keep(struct enrolment *enrolment, struct why *why)
{
	struct keyring *keyring = enrolment->options->keyring;
	enum fault fault = keyring_set_organisation(keyring, &enrolment->membership, why);
	if (!fault && enrolment->policy)
		fault = keyring_set_policy(keyring, enrolment->policy, &enrolment->newest, why);
	return fault;
}

enum fault enrol_at_servers(const struct enrol_options *options, struct enrol_report *ret_report,
			    struct why *why)
{
	*ret_report = (struct enrol_report){.enrolled = 0};
	AUTO(enrolment_done) struct enrolment enrolment = {.options = options, .report = ret_report};
	enum fault first = FAULT_NONE;
	struct why first_why = WHY_NONE;
	enum fault fault = begin(&enrolment, why);
	if (fault)
		return fault;
	for (size_t i = 0; i < options->server_count; i++) {
		fault = enrol_at(&enrolment, &options->servers[i], why);
		if (fault && !first) {
			first = fault;
			first_why = why ? *why : WHY_NONE;
		}
	}
	fault = ret_report->enrolled > 0 ? keep(&enrolment, why) : FAULT_NONE;
	if (fault || !first)
		return fault;
	if (why)
		*why = first_why;
	if (ret_report->enrolled == 0)
		return first;
	return why_in(why, FAULT_PARTIAL, "%zu of %zu servers", ret_report->enrolled, options->server_count);
}
