#include "server/exchange.h"

#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/fields.h"
#include "server/server.h"

#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define US_PER_SECOND 1000000

/* -- refusing ------------------------------------------------------------------------------------ */

/* Words of a parser may hold what it could not parse, and a cut may go through a letter: what no problem
 * document may hold becomes '?'. */
static void clean(char *words)
{
	json_t *text = json_string(words);
	const bool is_utf8 = text != NULL;

	json_decref(text);
	for (unsigned char *at = (unsigned char *)words; *at; at++) {
		const bool is_c1 = *at >= 0x80 && *at < 0xa0 && at > (unsigned char *)words && at[-1] == 0xc2;
		if (*at < 0x20 || *at == 0x7f || (*at >= 0x80 && !is_utf8))
			*at = '?';
		else if (is_c1)
			at[-1] = *at = '?';
	}
}

static enum fault refuse_with(struct exchange *exchange, enum problem_type problem, const char *words)
{
	exchange->is_refused = true;
	exchange->problem.type = problem;
	(void)snprintf(exchange->problem.detail, sizeof exchange->problem.detail, "%s", words);
	clean(exchange->problem.detail);
	return FAULT_REFUSED;
}

enum fault exchange_refuse(struct exchange *exchange, enum problem_type problem, struct why *why,
			   const char *format, ...)
{
	char words[PROBLEM_DETAIL_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	(void)why_set(why, FAULT_REFUSED, "%s", words);
	return refuse_with(exchange, problem, words);
}

enum fault exchange_refuse_why(struct exchange *exchange, enum problem_type problem, struct why *why)
{
	return refuse_with(exchange, problem, why_text(why, FAULT_REFUSED));
}

/* What the directory said goes to the log: a member need not know its hosts. */
enum fault exchange_refuse_unknown(struct exchange *exchange, struct why *why)
{
	log_warning("request %s: the directory does not say: %s", exchange->id,
		    why_text(why, FAULT_UNREACHABLE));
	return exchange_refuse(exchange, PROBLEM_DIRECTORY, why,
			       "the directory does not answer this server; try again in half a minute");
}

/* -- proving the caller ----------------------------------------------------------------------------- */

struct request_subject exchange_subject(const struct exchange *exchange)
{
	return (struct request_subject){.method = exchange->request->method,
					.target = exchange->request->target,
					.server = identity_public(exchange->server->home->identity)->id,
					.body = exchange->request->body,
					.body_size = exchange->request->body_size};
}

struct other_servers exchange_other_servers(const struct exchange *exchange)
{
	return (struct other_servers){.list = exchange->charter->organisation.servers,
				      .count = exchange->charter->organisation.server_count};
}

/* Nothing that could be a JSON object of ours is deeper. Looked at before the caller is known, so that only a
 * proved one gets to the parser: brackets in strings count too, which refuses nothing that we write. */
static bool is_shallow(const struct http_request *request)
{
	size_t depth = 0;

	for (size_t i = 0; i < request->body_size; i++) {
		if (request->body[i] == '{' || request->body[i] == '[')
			depth++;
		else if ((request->body[i] == '}' || request->body[i] == ']') && depth > 0)
			depth--;
		if (depth > FIELDS_DEPTH_MAX)
			return false;
	}
	return true;
}

static enum fault prove(struct exchange *exchange, struct why *why)
{
	const struct request_subject subject = exchange_subject(exchange);
	const struct other_servers others = exchange_other_servers(exchange);
	enum problem_type problem = PROBLEM_INTERNAL;

	if (!exchange->request->authorization)
		return exchange_refuse(exchange, PROBLEM_SIGNATURE, why, "the request is not signed");
	if (request_parse(exchange->request->authorization, &exchange->claim, why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	if (!is_shallow(exchange->request))
		return exchange_refuse(exchange, PROBLEM_MALFORMED, why, "the body is nested too deeply");
	if (exchange->match.route->proof == ROUTE_ENROLS)
		return FAULT_NONE;
	enum fault fault = callers_check(exchange->server->callers, &exchange->claim, &subject, &others,
					 clock_wall_ms(), &exchange->caller, &problem, why);
	return fault == FAULT_REFUSED ? exchange_refuse_why(exchange, problem, why) : fault;
}

/* -- the way through ---------------------------------------------------------------------------------- */

static enum fault find_route(struct exchange *exchange, const char **ret_allow, struct why *why)
{
	const struct http_request *request = exchange->request;

	switch (route_find(request->method, request->target, &exchange->match, ret_allow)) {
	case ROUTE_FOUND:
		break;
	case ROUTE_MALFORMED:
		return exchange_refuse(exchange, PROBLEM_MALFORMED, why, "the query of the request is wrong");
	case ROUTE_METHOD:
		return exchange_refuse(exchange, PROBLEM_METHOD, why, "this is asked with %s", *ret_allow);
	case ROUTE_MISSING:
		return exchange_refuse(exchange, PROBLEM_MISSING, why, "there is nothing of this name");
	}
	if (exchange->match.route->proof != ROUTE_LOCAL || request->is_local)
		return FAULT_NONE;
	return exchange_refuse(exchange, PROBLEM_MISSING, why, "there is nothing of this name");
}

static enum fault take_charter(struct exchange *exchange, struct why *why)
{
	enum fault fault = charters_take(exchange->server->charters, &exchange->charter, why);

	if (fault)
		return fault;
	const struct policy *policy = &exchange->charter->policy;
	membership_remember(exchange->server->membership, (int64_t)policy->cache_positive * MS_PER_SECOND,
			    (int64_t)policy->cache_negative * MS_PER_SECOND);
	return FAULT_NONE;
}

static enum fault serve(struct exchange *exchange, const char **ret_allow, struct why *why)
{
	if (exchange->request->refusal == HTTP_FRAMING)
		return exchange_refuse(exchange, PROBLEM_FRAMING, why,
				       "the request does not say clearly where it ends");
	enum fault fault = find_route(exchange, ret_allow, why);
	if (!fault && exchange->request->refusal == HTTP_TOO_LARGE)
		return exchange_refuse(exchange, PROBLEM_TOO_LARGE, why,
				       "the request is longer than %zu bytes",
				       exchange->match.route->body_max);
	if (!fault && exchange->request->refusal == HTTP_CROWDED)
		return exchange_refuse(exchange, PROBLEM_LIMIT, why, "too many long requests at once");
	const enum route_proof proof = fault ? ROUTE_OPEN : exchange->match.route->proof;
	if (!fault && proof != ROUTE_LOCAL)
		fault = take_charter(exchange, why);
	if (!fault && (proof == ROUTE_SIGNED || proof == ROUTE_ENROLS))
		fault = prove(exchange, why);
	return fault ? fault : exchange->match.route->handle(exchange, why);
}

/* -- what is written down -------------------------------------------------------------------------------- */

enum fault exchange_audit(struct exchange *exchange, struct audit_event *event, struct why *why)
{
	event->request = exchange->id;
	event->peer = exchange->request->peer;
	if (member_id_is_none(&event->account)) {
		event->account = exchange->caller.account;
		event->user = exchange->caller.name;
	}
	exchange->is_audited = true;
	enum fault fault = audit_write(exchange->server->audit, event, why);
	if (!fault)
		return FAULT_NONE;
	metrics_add(&exchange->server->metrics, METRICS_AUDIT_FAILURES, 1);
	log_error("request %s: the audit cannot be written, so nothing is granted: %s", exchange->id,
		  why_text(why, fault));
	return exchange_refuse(exchange, PROBLEM_AUDIT, why, "this server cannot write its audit log");
}

enum fault exchange_audit_refusal(struct exchange *exchange, struct audit_event *event, struct why *why)
{
	struct server *server = exchange->server;

	if (limits_take(server->refusals, &exchange->caller.account, 1, REFUSALS_AUDITED, clock_boot_ms()) !=
	    LIMIT_OVER)
		return exchange_audit(exchange, event, why);
	exchange->is_audited = true;
	metrics_add(&server->metrics, METRICS_UNAUDITED, 1);
	return FAULT_NONE;
}

/* Nothing is granted: that the row cannot be written changes nothing for who asked. */
static void audit_problem(struct exchange *exchange)
{
	const struct problem problem = exchange->problem;
	struct audit_event event = {.action = AUDIT_REQUEST,
				    .decision = AUDIT_REFUSED,
				    .reason = problem_text(problem.type),
				    .detail = problem.detail};

	if (!exchange->is_audited)
		(void)!exchange_audit_refusal(exchange, &event, NULL);
	exchange->problem = problem;
}

/* -- the answer ---------------------------------------------------------------------------------------------
 */

/* A failure that nobody chose: the words are for us. */
static void refuse_failure(struct exchange *exchange, enum fault fault, const struct why *why)
{
	if (exchange->is_refused)
		return;
	log_error("request %s (%s %s): %s", exchange->id, exchange->request->method,
		  exchange->match.route ? exchange->match.route->pattern : "?", why_text(why, fault));
	(void)exchange_refuse(exchange, PROBLEM_INTERNAL, NULL,
			      "this server failed; its log has more, as request %s", exchange->id);
}

static bool is_audited_route(const struct exchange *exchange)
{
	const struct route *route = exchange->match.route;

	return !route || route->proof == ROUTE_SIGNED || route->proof == ROUTE_ENROLS;
}

static void write_problem(struct exchange *exchange, const char *allow, struct http_answer *ret_answer)
{
	metrics_problem(&exchange->server->metrics, exchange->problem.type);
	if (is_audited_route(exchange))
		audit_problem(exchange);
	ret_answer->status = problem_status(exchange->problem.type);
	ret_answer->type = TYPE_PROBLEM;
	ret_answer->allow = exchange->problem.type == PROBLEM_METHOD ? allow : NULL;
	ret_answer->close = exchange->problem.type == PROBLEM_FRAMING;
	if (problem_write(&exchange->problem, &ret_answer->body, NULL))
		ret_answer->status = 0;
}

/* Signed for whatever the request says its signature is: that it is right is not needed for that. */
static void sign(const struct exchange *exchange, struct http_answer *answer)
{
	struct answer_subject subject = {
		.status = answer->status, .body = answer->body.data, .body_size = answer->body.size};
	struct request_claim claim;

	if (!exchange->request->authorization ||
	    request_parse(exchange->request->authorization, &claim, NULL))
		return;
	subject.request = request_digest(&claim);
	answer_sign(&subject, exchange->server->home->identity, answer->signature);
}

static int64_t now_us(void)
{
	return clock_span_ns() / 1000;
}

static void name(struct exchange *exchange)
{
	uint8_t random[(EXCHANGE_ID_SIZE - 1) / 2];

	randombytes_buf(random, sizeof random);
	text_hex(exchange->id, random, sizeof random);
}

void exchange_serve(void *context, const struct http_request *request, struct http_answer *ret_answer)
{
	struct exchange exchange = {.server = context, .request = request, .status = 200, .type = TYPE_JSON};
	struct why why = WHY_NONE;
	const char *allow = NULL;
	const int64_t began_us = now_us();

	name(&exchange);
	enum fault fault = serve(&exchange, &allow, &why);
	if (fault) {
		bytes_done(&exchange.body);
		refuse_failure(&exchange, fault, &why);
		write_problem(&exchange, allow, ret_answer);
	} else {
		ret_answer->status = exchange.status;
		ret_answer->type = exchange.type;
		ret_answer->body = exchange.body;
	}
	sign(&exchange, ret_answer);
	charter_give(exchange.charter);
	metrics_request(&exchange.server->metrics, exchange.match.route ? exchange.match.number : ROUTE_COUNT,
			ret_answer->status, now_us() - began_us);
}

size_t exchange_body_limit(void *context, const char *method, const char *target)
{
	struct route_match match;
	const char *allow;

	(void)context;
	return route_find(method, target, &match, &allow) == ROUTE_FOUND ? match.route->body_max
									 : MESSAGE_BODY_MAX;
}
