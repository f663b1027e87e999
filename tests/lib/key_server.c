#include "tests/lib/key_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "keys/request.h"

#define BODY_MAX (4 * 1024 * 1024)

/* One request while it comes in. */
struct exchange {
	char *target;
	bool has_begun;
	struct bytes body;
};

struct reply {
	unsigned status;
	struct bytes body;
	const char *type;
};

static void reply_done(struct reply *reply)
{
	bytes_done(&reply->body);
}
AUTO_VALUE(struct reply, reply_done);

struct key_server *key_server_hold(struct key_server *server)
{
	(void)pthread_mutex_lock(&server->mutex);
	return server;
}

void key_server_let_go(struct key_server *server)
{
	(void)pthread_mutex_unlock(&server->mutex);
}

static const struct identity *identity_of(const struct key_server *server)
{
	return server->company->servers[server->index].identity;
}

/* -- routes ----------------------------------------------------------------------------- */

static const struct {
	const char *method, *target;
	bool is_prefix;
} routes[ROUTE_COUNT] = {
	[ROUTE_ORGANISATION] = {"GET", "/v1/organisation", false},
	[ROUTE_GROUPS] = {"GET", "/v1/groups", false},
	[ROUTE_GROUP] = {"GET", "/v1/groups/", true},
	[ROUTE_ENROL] = {"POST", "/v1/enroll", false},
	[ROUTE_UNLOCK] = {"POST", "/v1/unlock", false},
	[ROUTE_LEASE] = {"POST", "/v1/lease", false},
	[ROUTE_HEADS] = {"POST", "/v1/heads", false},
	[ROUTE_TOKEN] = {"POST", "/v1/recovery-token", false},
	[ROUTE_OTHER] = {"", "", true},
};

static enum key_server_route route_of(const char *method, const char *target)
{
	for (unsigned i = 0; i < ROUTE_OTHER; i++) {
		size_t length = strlen(routes[i].target);
		if (strcmp(method, routes[i].method) == 0 &&
		    (routes[i].is_prefix ? strncmp(target, routes[i].target, length) == 0
					 : strcmp(target, routes[i].target) == 0))
			return i;
	}
	return ROUTE_OTHER;
}

static const struct company_group *group_of(const struct key_server *held, const struct member_id *id,
					    size_t *ret_index)
{
	for (size_t i = 0; i < held->group_count; i++)
		if (member_id_equal(&held->groups[i]->descriptor.id, id)) {
			*ret_index = i;
			return held->groups[i];
		}
	return NULL;
}

static void problem(struct reply *reply, enum problem_type type, const char *detail)
{
	struct problem said = {.type = type};

	(void)snprintf(said.detail, sizeof said.detail, "%s", detail);
	bytes_done(&reply->body);
	reply->body = BYTES_EMPTY;
	reply->status = problem_status(type);
	reply->type = "application/problem+json";
	assert_int_equal(problem_write(&said, &reply->body, NULL), FAULT_NONE);
}

static struct signed_object *policy_now(const struct key_server *held)
{
	const struct organisation_id id = company_id(held->company);
	struct policy policy = policy_default(&id, 1700000000);
	struct signed_object *object = NULL;

	if (held->script.policy)
		policy = *held->script.policy;
	assert_int_equal(policy_sign(&policy, held->company->root.identity, &object, NULL), FAULT_NONE);
	return object;
}

static void say_organisation(struct key_server *held, struct reply *reply)
{
	AUTO(signed_free) struct signed_object *policy = policy_now(held);
	size_t claimed = held->index + held->script.claims_another_id;
	const struct organisation_answer answer = {
		.organisation = held->company->object,
		.policy = policy,
		.server = held->company->organisation.servers[claimed].id,
		.time_ms = clock_wall_ms(),
	};
	assert_int_equal(organisation_answer_write(&answer, &reply->body, NULL), FAULT_NONE);
}

static void say_groups(struct key_server *held, struct reply *reply)
{
	struct signed_object *objects[KEY_SERVER_GROUPS_MAX];
	struct groups_answer answer = {.list = objects, .count = 0};

	for (size_t i = 0; i < held->group_count; i++)
		if (!held->script.state[i] || held->script.state[i] == LEASE_MEMBER)
			objects[answer.count++] = held->groups[i]->object;
	assert_int_equal(groups_answer_write(&answer, false, &reply->body, NULL), FAULT_NONE);
}

static void say_group(struct key_server *held, const char *target, struct reply *reply)
{
	struct member_id id;
	size_t index;

	if (!member_id_from_text(target + strlen(routes[ROUTE_GROUP].target), &id) ||
	    !group_of(held, &id, &index)) {
		problem(reply, PROBLEM_MISSING, "no such group");
		return;
	}
	struct signed_object *object = held->groups[index]->object;
	const struct groups_answer answer = {.list = &object, .count = 1};
	assert_int_equal(groups_answer_write(&answer, true, &reply->body, NULL), FAULT_NONE);
}

static void evaluate(struct key_server *held, const struct company_group *group, const struct point *from,
		     struct point *into)
{
	const struct group_share *shares = group->deal.shares;
	size_t at = 0;

	for (size_t i = 0; i < group->descriptor.server_count; i++)
		if (member_id_equal(&group->descriptor.servers[i].id,
				    &identity_public(identity_of(held))->id))
			at = i;
	struct group_share share = shares[at];
	if (held->script.lies)
		share.value.bytes[0] ^= 1;
	assert_int_equal(group_evaluate(&share, from, into, NULL), FAULT_NONE);
	held->points++;
}

static void answer_item(struct key_server *held, const struct company_group *group,
			const struct unlock_item *item, struct unlock_answer_item *into)
{
	bool is_stale = item->version < held->script.head_version;

	into->head_version = held->script.head_version;
	into->status = is_stale ? UNLOCK_STALE : held->script.status ? held->script.status : UNLOCK_OK;
	if (into->status == UNLOCK_OK || into->status == UNLOCK_ROTATE)
		evaluate(held, group, &item->point, &into->point);
}

static void say_unlock(struct key_server *held, const struct bytes *body, struct reply *reply)
{
	struct unlock_request *request = calloc(1, sizeof *request);
	struct unlock_answer *answer = calloc(1, sizeof *answer);
	const struct company_group *group = NULL;
	size_t index = 0;

	assert_int_equal(unlock_request_read(body->data, body->size, request, NULL), FAULT_NONE);
	group = group_of(held, &request->group, &index);
	if (!group || held->script.state[index] == LEASE_DENIED) {
		problem(reply, PROBLEM_DENIED, "not a member");
	} else if (held->script.state[index] == LEASE_UNKNOWN) {
		problem(reply, PROBLEM_DIRECTORY, "the directory does not answer");
	} else if (request->epoch + held->script.epoch_behind != group->descriptor.epoch) {
		problem(reply, PROBLEM_CONFLICT, "another epoch");
	} else {
		answer->group = request->group;
		answer->epoch = request->epoch;
		answer->lease = held->script.lease;
		answer->member_counter = held->script.member_counter;
		answer->item_count = request->item_count;
		for (size_t i = 0; i < request->item_count; i++)
			answer_item(held, group, &request->items[i], &answer->items[i]);
		answer->has_check = request->has_check;
		if (request->has_check)
			evaluate(held, group, &request->check, &answer->check);
		if (request->item_count > held->largest_batch)
			held->largest_batch = (unsigned)request->item_count;
		assert_int_equal(unlock_answer_write(answer, &reply->body, NULL), FAULT_NONE);
	}
	free(request);
	free(answer);
}

static void say_lease(struct key_server *held, const struct bytes *body, struct reply *reply)
{
	struct lease_request *request = calloc(1, sizeof *request);
	struct lease_answer *answer = calloc(1, sizeof *answer);

	assert_int_equal(lease_request_read(body->data, body->size, request, NULL), FAULT_NONE);
	answer->lease = held->script.lease;
	answer->group_count = request->group_count;
	held->last_lease_groups = request->group_count;
	for (size_t i = 0; i < request->group_count; i++) {
		struct lease_answer_group *into = &answer->groups[i];
		size_t index = 0;
		bool known = group_of(held, &request->groups[i], &index) != NULL;
		enum lease_state state = held->script.state[index];
		into->id = request->groups[i];
		into->state = !known ? LEASE_DENIED : state ? state : LEASE_MEMBER;
		into->member_counter = held->script.member_counter;
		into->rotate = held->script.rotate && into->state == LEASE_MEMBER;
	}
	assert_int_equal(lease_answer_write(answer, &reply->body, NULL), FAULT_NONE);
	free(request);
	free(answer);
}

static uint64_t version_of(const struct signed_object *record)
{
	return (uint64_t)json_integer_value(json_object_get(signed_payload(record), "version"));
}

static void say_heads(struct key_server *held, const struct bytes *body, struct reply *reply)
{
	AUTO(heads_request_done) struct heads_request request = {.record_count = 0};
	struct heads_answer answer = {.fork = false};

	assert_int_equal(heads_request_read(body->data, body->size, &request, NULL), FAULT_NONE);
	uint64_t first = version_of(request.records[0]);
	answer.version = held->knows_head;
	if (held->knows_head == 0 || first <= held->knows_head + 1) {
		answer.version = version_of(request.records[request.record_count - 1]);
		held->last_head_version = answer.version;
		held->last_head_count = request.record_count;
	}
	assert_int_equal(heads_answer_write(&answer, &reply->body, NULL), FAULT_NONE);
}

static void grant(struct key_server *held, const struct enrol_request *request, struct enrol_answer *answer)
{
	struct certificate_grant grant = {
		.organisation = company_id(held->company),
		.account = {{0xac, (uint8_t)request->user[0]}},
		.name = request->user,
		.serial = 1,
	};
	memcpy(grant.proof, request->proof, sizeof grant.proof);
	assert_int_equal(certificate_sign_for(request->certificate, &grant, identity_of(held),
					      &answer->certificate, NULL),
			 FAULT_NONE);
	answer->account = grant.account;
}

static void say_enrol(struct key_server *held, const struct bytes *body, struct reply *reply)
{
	AUTO(enrol_request_done) struct enrol_request request = {.certificate = NULL};
	struct enrol_answer answer = {.pending = 3600};

	assert_int_equal(enrol_request_read(body->data, body->size, &request, NULL), FAULT_NONE);
	if (strcmp(request.code, KEY_SERVER_CODE) != 0 && strcmp(request.password, KEY_SERVER_CODE) != 0) {
		problem(reply, PROBLEM_CODE, "wrong code");
		return;
	}
	if (held->script.enrols_pending) {
		reply->status = 202;
	} else {
		answer.pending = 0;
		grant(held, &request, &answer);
		answer.organisation = held->company->object;
		answer.policy = policy_now(held);
	}
	assert_int_equal(enrol_answer_write(&answer, &reply->body, NULL), FAULT_NONE);
	certificate_free(answer.certificate);
	signed_free(answer.policy);
}

static void say(struct key_server *held, enum key_server_route route, const char *target,
		const struct bytes *body, struct reply *reply)
{
	switch (route) {
	case ROUTE_ORGANISATION:
		say_organisation(held, reply);
		break;
	case ROUTE_GROUPS:
		say_groups(held, reply);
		break;
	case ROUTE_GROUP:
		say_group(held, target, reply);
		break;
	case ROUTE_ENROL:
		say_enrol(held, body, reply);
		break;
	case ROUTE_UNLOCK:
		say_unlock(held, body, reply);
		break;
	case ROUTE_LEASE:
		say_lease(held, body, reply);
		break;
	case ROUTE_HEADS:
		say_heads(held, body, reply);
		break;
	case ROUTE_TOKEN:
		assert_int_equal(bytes_append_text(&reply->body, "{}", NULL), FAULT_NONE);
		break;
	default:
		problem(reply, PROBLEM_MISSING, "no such route");
	}
}

/* -- requests --------------------------------------------------------------------------- */

/* Signed by the user, for this server and nothing else; enrolment by the key being enrolled, which is his
 * too. */
static bool is_signed(const struct key_server *held, const char *method, const char *target,
		      const char *header, const struct bytes *body, struct digest *ret_digest)
{
	struct request_claim claim;
	const struct request_subject subject = {
		.method = method,
		.target = target,
		.server = identity_public(identity_of(held))->id,
		.body = body->data,
		.body_size = body->size,
	};
	if (!header || request_parse(header, &claim, NULL))
		return false;
	*ret_digest = request_digest(&claim);
	return held->user && member_id_equal(&claim.user, &held->user->id) &&
	       request_verify(&claim, &subject, held->user->sign_public, NULL) == FAULT_NONE;
}

static void sign(const struct key_server *held, const struct reply *reply, struct digest digest,
		 char header[static ANSWER_HEADER_SIZE])
{
	const struct identity *signer = held->script.signs_with_another_key ? held->company->root.identity
									    : identity_of(held);

	if (held->script.signs_for_another_request)
		digest.bytes[0] ^= 1;
	const struct answer_subject subject = {.status = reply->status,
					       .request = digest,
					       .body = reply->body.data,
					       .body_size = reply->body.size};
	answer_sign(&subject, signer, header);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, const struct reply *reply,
				  const char *signature)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(reply->body.size, reply->body.data,
									MHD_RESPMEM_MUST_COPY);
	(void)MHD_add_response_header(response, "Content-Type", reply->type);
	if (signature)
		(void)MHD_add_response_header(response, ANSWER_HEADER, signature);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(struct key_server *server, struct MHD_Connection *connection,
			      const char *method, const char *target, const struct bytes *body)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(server);
	AUTO(reply_done) struct reply reply = {.status = 200, .type = "application/json"};
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, REQUEST_HEADER);
	enum key_server_route route = route_of(method, target);
	const struct key_server_script *script = &held->script;
	char signature[ANSWER_HEADER_SIZE];
	struct digest digest = {{0}};

	held->counts[route]++;
	(void)snprintf(held->last_target, sizeof held->last_target, "%s", target);
	if (script->delay_ms > 0)
		(void)usleep((useconds_t)script->delay_ms * 1000);
	bool is_authentic = is_signed(held, method, target, header, body, &digest);
	if (route != ROUTE_ORGANISATION && !is_authentic) {
		held->refused++;
		problem(&reply, PROBLEM_SIGNATURE, "not signed");
	} else if (script->has_problem[route]) {
		problem(&reply, script->problem[route], "as the test wants");
	} else if (script->body && route != ROUTE_ORGANISATION) {
		assert_int_equal(bytes_append(&reply.body, script->body->data, script->body->size, NULL),
				 FAULT_NONE);
	} else {
		say(held, route, target, body, &reply);
	}
	if (script->is_not_json)
		reply.body.data[0] = '<';
	sign(held, &reply, digest, signature);
	return send_reply(connection, &reply, script->does_not_sign ? NULL : signature);
}

/* The target as it came: libmicrohttpd gives its handler a decoded path without query. */
static void *remember_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof *exchange);

	(void)context, (void)connection;
	if (exchange)
		exchange->target = strdup(target);
	return exchange;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data, size_t *size,
			      void **exchange_at)
{
	struct exchange *exchange = *exchange_at;

	(void)path, (void)version;
	if (!exchange || !exchange->target)
		return MHD_NO;
	if (!exchange->has_begun) {
		exchange->has_begun = true;
		return MHD_YES;
	}
	if (*size > 0) {
		if (exchange->body.size + *size > BODY_MAX ||
		    bytes_append(&exchange->body, data, *size, NULL))
			return MHD_NO;
		*size = 0;
		return MHD_YES;
	}
	return answer(context, connection, method, exchange->target, &exchange->body);
}

static void forget(void *context, struct MHD_Connection *connection, void **exchange_at,
		   enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *exchange_at;

	(void)context, (void)connection, (void)why;
	if (exchange) {
		bytes_done(&exchange->body);
		free(exchange->target);
	}
	free(exchange);
	*exchange_at = NULL;
}

/* -- the daemon ------------------------------------------------------------------------- */

void key_server_start(struct key_server *server)
{
	if (!server->url[0]) {
		(void)pthread_mutex_init(&server->mutex, NULL);
		server->script.lease = 120;
	}
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(server->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, server->port, NULL,
					  NULL, handle, server, MHD_OPTION_URI_LOG_CALLBACK, remember_target,
					  NULL, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
					  MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_SOCK_ADDR,
					  (const struct sockaddr *)&address, MHD_OPTION_END);
	assert_non_null(server->daemon);
	server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	(void)snprintf(server->host, sizeof server->host, "127.0.0.1:%u", server->port);
	(void)snprintf(server->url, sizeof server->url, "http://%s", server->host);
}

void key_server_stop(struct key_server *server)
{
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
}

void key_server_add_group(struct key_server *server, const struct company_group *group)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(server);

	assert_true(held->group_count < KEY_SERVER_GROUPS_MAX);
	held->groups[held->group_count++] = group;
}

unsigned key_server_count(struct key_server *server, enum key_server_route route)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(server);

	return held->counts[route];
}

unsigned key_server_count_all(struct key_server *server)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(server);
	unsigned count = 0;

	for (size_t i = 0; i < ROUTE_COUNT; i++)
		count += held->counts[i];
	return count;
}
