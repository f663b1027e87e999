/* server/exchange.h - one request and its answer, on their way through the server.
 *
 * exchange_serve() is what http calls. It finds the route, proves the caller, calls the handler, and signs
 * what comes out of it: the handler's body, or a problem document (RFC 9457). An answer is signed whenever
 * the request says what to sign it for (a well-formed Fsenc-Auth), refusals included. Every refusal is
 * counted, and is an audit row; where one caller (or all that are unknown, together) is refused more than
 * REFUSALS_AUDITED times a minute, the rest is only counted, so that nobody can fill the disk.
 */
#ifndef FSENC_SERVER_EXCHANGE_H
#define FSENC_SERVER_EXCHANGE_H

#include "server/audit.h"
#include "server/caller.h"
#include "server/charter.h"
#include "server/http.h"
#include "server/route.h"

#define REFUSALS_AUDITED 100
#define EXCHANGE_ID_SIZE 17

struct server;

struct exchange {
	struct server *server;
	const struct http_request *request;
	struct route_match match;
	struct charter *charter; /* in force when the request came */
	struct request_claim claim; /* on routes that are signed */
	struct caller caller; /* proved; zeros on routes that need none */
	char id[EXCHANGE_ID_SIZE]; /* names the request in audit rows and in the log */
	bool is_audited; /* the handler has written what happened */

	unsigned status; /* of the answer: 200 unless the handler changes it */
	const char *type; /* JSON unless the handler changes it */
	struct bytes body;
	struct problem problem; /* in place of the body when `is_refused` */
	bool is_refused;
};

/* http_handle and http_body_limit; `context` is the struct server. */
void exchange_serve(void *context, const struct http_request *request, struct http_answer *ret_answer);
size_t exchange_body_limit(void *context, const char *method, const char *target);

/* For handlers: the answer will be this problem. Returns FAULT_REFUSED with the same words. The words are for
 * whoever asked. */
enum fault exchange_refuse(struct exchange *exchange, enum problem_type problem, struct why *why,
			   const char *format, ...) PRINTF_LIKE(4, 5);
/* The same, with words that are there already. */
enum fault exchange_refuse_why(struct exchange *exchange, enum problem_type problem, struct why *why);
/* The directory could not say: no evaluation, nothing remembered. */
enum fault exchange_refuse_unknown(struct exchange *exchange, struct why *why);

/* Fills in who asked and writes the row: on the disk when this returns. A failure refuses the request with
 * `audit-unavailable`. */
MUST_CHECK enum fault exchange_audit(struct exchange *exchange, struct audit_event *event, struct why *why);

/* The same for what is not granted, REFUSALS_AUDITED a minute of one caller; more is only counted. */
MUST_CHECK enum fault exchange_audit_refusal(struct exchange *exchange, struct audit_event *event,
					     struct why *why);

/* What the request is signed over. */
struct request_subject exchange_subject(const struct exchange *exchange);
struct other_servers exchange_other_servers(const struct exchange *exchange);

#endif
