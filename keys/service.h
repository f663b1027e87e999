/* keys/service.h - talking to the key servers of one organisation: HTTPS by libcurl, signed both ways.
 *
 * One struct service is a set of servers with one connection pool. Each call has one deadline; each server
 * its share of it and its own state; the last good one is asked first. https only, except http to loopback;
 * no redirects, no proxies from the environment, own certificate authority if one was enrolled with. A name
 * with several addresses is tried address by address.
 *
 * What counts as an answer is signed by the server for this request (keys/request.h); everything else, also
 * an unsigned 403 or 503 of a proxy, is FAULT_UNREACHABLE. FAULT_IDENTITY: TLS or signature of another than
 * the expected server. FAULT_UNREACHABLE with `no_network` when the machine has no route, no address or no
 * resolver. A signed problem is an answer. Any thread, one call a thread; service_global_start() comes first
 * in main().
 */
#ifndef FSENC_KEYS_SERVICE_H
#define FSENC_KEYS_SERVICE_H

#include "keys/keyring_service.h"
#include "keys/message.h"

#define SERVICE_DEADLINE_MS 5000

MUST_CHECK enum fault service_global_start(struct why *why);

struct service;
/* Copies what it needs. `identity` is borrowed and must outlive it. */
MUST_CHECK enum fault service_new(const struct keyring_organisation *organisation,
				  const struct identity *identity, struct service **ret_service,
				  struct why *why);
void service_free(struct service *service);
AUTO_POINTER(struct service *, service_free);

struct service_call {
	const char *method;
	const char *target; /* "/v1/lease" */
	const void *body; /* or NULL */
	size_t body_size;
	int64_t deadline_ms; /* boot time */
	const struct member_id *server; /* this one only, or NULL: any, the last good first */
};
struct service_answer {
	unsigned status;
	struct bytes body;
	bool is_problem;
	struct problem problem;
	struct member_id server; /* who answered */
	char host[256]; /* for people: "keys.example.com" */
	int64_t sent_ms; /* boot time when the request went out: leases count from here */
	bool no_network; /* with FAULT_UNREACHABLE: no contact was made */
};
void service_answer_done(struct service_answer *answer);
AUTO_VALUE(struct service_answer, service_answer_done);

/* `ret_answer` is filled in (host, no_network) also on failure. */
MUST_CHECK enum fault service_ask(struct service *service, const struct service_call *call,
				  struct service_answer *ret_answer, struct why *why);
/* Asks `wanted` of the servers at once with the same body, in their order, and others in place of those that
 * fail, are slow, or whose answers were not enough; `each` is called with every answer as it comes (in the
 * caller's thread) until it returns false: that was enough. FAULT_UNREACHABLE when it never did and fewer
 * than `wanted` answered. */
MUST_CHECK enum fault service_ask_all(struct service *service, const struct service_call *call,
				      const struct member_id *servers, size_t server_count, size_t wanted,
				      bool (*each)(void *context, const struct service_answer *answer),
				      void *context, struct service_answer *ret_last, struct why *why);

/* GET /v1/organisation of every server at once (`everybody`), or of whoever answers first, the last good one
 * first. `each` gets what is signed by the root of the organisation that service_new() was given, and says
 * whether it wants more; what is not is named in the log. FAULT_UNREACHABLE or FAULT_IDENTITY when there was
 * no such answer. */
struct service_organisation {
	const struct organisation_answer *message;
	const struct organisation *organisation;
	const char *host;
};
MUST_CHECK enum fault
service_ask_organisation(struct service *service, bool everybody, int64_t deadline_ms,
			 bool (*each)(void *context, const struct service_organisation *answer),
			 void *context, struct service_answer *ret_last, struct why *why);

/* Without an organisation yet: GET /v1/organisation of a URL, checked against a fingerprint. */
MUST_CHECK enum fault service_fetch_organisation(const struct keyring_server *server,
						 const struct fingerprint *expected, int64_t deadline_ms,
						 struct organisation_answer *ret_answer,
						 struct organisation *ret_organisation, struct why *why);

/* For `status` and `doctor`: what is known of each server, without a contact. */
struct service_state {
	char url[SERVER_URL_MAX];
	char host[256]; /* for people, as in struct service_answer */
	struct member_id id; /* none until it has said so */
	bool answered; /* the last time it was asked */
	int64_t asked_ms; /* boot time; 0 never */
	char words[WHY_TEXT_SIZE]; /* why not */
};
size_t service_states(struct service *service, struct service_state *states, size_t room);
/* As service_new() was given it. */
const struct organisation *service_organisation_of(const struct service *service);
/* As the organisation calls it; its id when it is none of its servers. */
void service_server_name(const struct service *service, const struct member_id *server,
			 char name[static DISPLAY_NAME_MAX + 1]);
/* Those who did not answer when they were last asked go to the end; otherwise the order stays. */
void service_prefer(struct service *service, struct member_id *servers, size_t count);

#endif
