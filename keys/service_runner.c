#include "keys/service_race.h"

#include <string.h>

#include "base/clock.h"

#define ORGANISATION_TARGET "/v1/organisation"
#define STATUS_OK 200
#define STATUS_PROBLEMS 400

void runner_done(struct runner *runner)
{
	for (size_t i = 0; i < runner->attempt_count; i++)
		transfer_free(runner->attempts[i].transfer);
	name_query_free(runner->query);
}

static struct service_server *server_of(const struct runner *runner)
{
	return &runner->service->servers[runner->server];
}

/* The words of the last failure stay, unless an earlier one said that somebody else answers there. */
static void note_failure(struct runner *runner, enum fault fault, const struct why *why)
{
	if (runner->fault == FAULT_IDENTITY && fault != FAULT_IDENTITY)
		return;
	runner->fault = fault;
	runner->why = *why;
}

static void fail(struct runner *runner, enum fault fault, const struct why *why)
{
	note_failure(runner, fault, why);
	runner->stage = RUNNER_FAILED;
	service_server_note(runner->service, runner->server, NULL, &runner->why);
}

/* -- one attempt ------------------------------------------------------------------------ */

static enum fault sign(const struct runner *runner, struct attempt *attempt,
		       char header[static REQUEST_HEADER_SIZE], struct why *why)
{
	const struct service_call *call = runner->options->call;
	const struct request_subject subject = {
		.method = call->method,
		.target = call->target,
		.server = attempt->server,
		.body = call->body,
		.body_size = call->body_size,
	};
	return request_sign(&subject, runner->service->identity, clock_wall_ms(), header, &attempt->request,
			    why);
}

/* What is signed is signed for one server, so an unknown one is asked first who it is. It cannot lie: the
 * answer must then be signed with that server's key. */
static enum fault send_request(struct runner *runner, struct attempt *attempt, struct why *why)
{
	const struct service_call *call = runner->options->call;
	const struct service_server *server = server_of(runner);
	char header[REQUEST_HEADER_SIZE];
	int64_t left_ms = call->deadline_ms - clock_boot_ms();
	struct transfer_options options = {
		.url = &server->url,
		.authority = server->authority,
		.address = &attempt->address,
		.method = "GET",
		.target = ORGANISATION_TARGET,
		.time_ms = left_ms > 0 ? left_ms : 1,
	};
	attempt->server = service_server_id(runner->service, runner->server);
	attempt->is_question = runner->options->is_signed && member_id_is_none(&attempt->server);
	if (!attempt->is_question) {
		options.method = call->method;
		options.target = call->target;
		options.body = call->body;
		options.body_size = call->body_size;
	}
	if (!attempt->is_question && runner->options->is_signed) {
		enum fault fault = sign(runner, attempt, header, why);
		if (fault)
			return fault;
		options.authentication = header;
	}
	attempt->sent_ms = clock_boot_ms();
	return transfer_start(runner->multi, &options, &attempt->transfer, why);
}

static void begin_attempt(struct runner *runner, int64_t now_ms)
{
	struct why why = WHY_NONE;
	struct attempt *attempt = &runner->attempts[runner->attempt_count];

	*attempt = (struct attempt){.address = runner->addresses.list[runner->attempt_count]};
	runner->attempt_count++;
	runner->next_ms = now_ms + runner->share_ms / (int64_t)runner->addresses.count;
	if (!server_of(runner)->url.secure && !attempt->address.loopback) {
		(void)why_set(&why, FAULT_IDENTITY, "without TLS only this machine itself is asked");
		note_failure(runner, FAULT_IDENTITY, &why);
		return;
	}
	enum fault fault = send_request(runner, attempt, &why);
	if (fault)
		note_failure(runner, fault, &why);
}

/* -- what to do next -------------------------------------------------------------------- */

static size_t running(const struct runner *runner)
{
	size_t count = 0;

	for (size_t i = 0; i < runner->attempt_count; i++)
		count += runner->attempts[i].transfer != NULL;
	return count;
}

static void begin(struct runner *runner)
{
	struct why why = WHY_NONE;

	if (service_server_addresses(runner->service, runner->server, &runner->addresses)) {
		runner->stage = RUNNER_TRIES;
		return;
	}
	enum fault fault = name_query_start(server_of(runner)->url.host, &runner->query, &why);
	if (fault)
		fail(runner, fault, &why);
	else
		runner->stage = RUNNER_LOOKS_UP;
}

static void take_name(struct runner *runner)
{
	struct why why = WHY_NONE;
	bool no_network = false;
	enum fault fault = name_query_result(runner->query, &runner->addresses, &no_network, &why);

	name_query_free(TAKE(runner->query));
	runner->was_reached = runner->was_reached || (fault && !no_network);
	if (fault)
		fail(runner, fault, &why);
	else
		runner->stage = RUNNER_TRIES;
}

static void try_on(struct runner *runner, int64_t now_ms)
{
	while (runner->attempt_count < runner->addresses.count &&
	       (running(runner) == 0 || now_ms >= runner->next_ms))
		begin_attempt(runner, now_ms);
	if (running(runner) == 0)
		fail(runner, runner->fault, &runner->why);
}

void runner_advance(struct runner *runner, int64_t now_ms)
{
	if (runner->stage == RUNNER_WAITS)
		begin(runner);
	if (runner->stage == RUNNER_LOOKS_UP && name_query_is_done(runner->query))
		take_name(runner);
	if (runner->stage == RUNNER_TRIES)
		try_on(runner, now_ms);
}

int64_t runner_next_ms(const struct runner *runner)
{
	bool has_more = runner->stage == RUNNER_TRIES && runner->attempt_count < runner->addresses.count;

	return has_more ? runner->next_ms : INT64_MAX;
}

void runner_give_up(struct runner *runner)
{
	struct why why = WHY_NONE;

	if (runner->stage != RUNNER_LOOKS_UP && runner->stage != RUNNER_TRIES)
		return;
	bool looks_up = runner->stage == RUNNER_LOOKS_UP;
	(void)why_set(&why, FAULT_UNREACHABLE,
		      looks_up ? "no name server answers" : "it does not answer in time");
	runner->was_reached = runner->was_reached || !looks_up;
	fail(runner, FAULT_UNREACHABLE, &why);
}

/* -- answers ---------------------------------------------------------------------------- */

static enum fault learn_identity(struct runner *runner, const struct member_id *id, struct why *why)
{
	char text[ID_TEXT_SIZE];

	member_id_text(id, text);
	if (!organisation_server(runner->service->organisation, id))
		return why_set(why, FAULT_IDENTITY, "it is no server of your organisation (%s)", text);
	service_server_learn(runner->service, runner->server, id);
	if (runner->expected && !member_id_equal(runner->expected, id))
		return why_set(why, FAULT_UNREACHABLE, "it is another key server (%s)", text);
	return FAULT_NONE;
}

static enum fault refuse_status(unsigned status, struct why *why)
{
	return why_set(why, FAULT_UNREACHABLE, "it answers %u, but not as a key server does", status);
}

/* It has said who it is: now the call itself, at the same address. */
static enum fault take_identity(struct runner *runner, struct attempt *attempt, unsigned status,
				const struct bytes *body, struct why *why)
{
	AUTO(organisation_answer_done) struct organisation_answer answer = {.organisation = NULL};

	if (status != STATUS_OK || organisation_answer_read(body->data, body->size, &answer, NULL))
		return refuse_status(status, why);
	enum fault fault = learn_identity(runner, &answer.server, why);
	if (fault)
		return fault;
	transfer_free(TAKE(attempt->transfer));
	return send_request(runner, attempt, why);
}

/* Only what the server has signed for this request is its answer. */
static enum fault check_signature(struct runner *runner, const struct attempt *attempt,
				  const struct transfer_end *end, const struct bytes *body, struct why *why)
{
	const struct public_identity *server = organisation_server(runner->service->organisation,
								   &attempt->server);
	const struct answer_subject subject = {
		.status = end->status,
		.request = attempt->request,
		.body = body->data,
		.body_size = body->size,
	};
	if (!server)
		return why_set(why, FAULT_IDENTITY, "it is no server of your organisation");
	if (!end->signature)
		return why_set(why, FAULT_UNREACHABLE, "it answers %u without a key server's signature",
			       end->status);
	enum fault fault = answer_verify(end->signature, &subject, server->sign_public, NULL);
	if (fault == FAULT_MALFORMED)
		return why_set(why, FAULT_UNREACHABLE, "it answers %u without a key server's signature",
			       end->status);
	if (!fault)
		return FAULT_NONE;
	const struct member_id unknown = {{0}}; /* another may have taken its place: it is asked anew */
	service_server_learn(runner->service, runner->server, &unknown);
	return why_set(why, FAULT_IDENTITY, "its answer is not signed by key server %s for this request",
		       server->name);
}

static enum fault fill_answer(const struct runner *runner, const struct attempt *attempt,
			      const struct transfer_end *end, const struct bytes *body,
			      struct service_answer *answer, struct why *why)
{
	answer->status = end->status;
	answer->server = attempt->server;
	answer->sent_ms = attempt->sent_ms;
	answer->no_network = false;
	answer->is_problem = runner->options->is_signed && end->status >= STATUS_PROBLEMS;
	memcpy(answer->host, server_of(runner)->url.shown, sizeof answer->host);
	if (answer->is_problem && problem_read(body->data, body->size, &answer->problem, NULL))
		return why_set(why, FAULT_UNREACHABLE, "it answers %u without a reason", end->status);
	return bytes_append(&answer->body, body->data, body->size, why);
}

static enum fault take_answer(struct runner *runner, struct attempt *attempt, CURLcode code,
			      bool *ret_answered, struct service_answer *ret_answer, struct why *why)
{
	struct transfer_end end = {.status = 0};
	const struct bytes *body = transfer_body(attempt->transfer);
	enum fault fault = transfer_result(attempt->transfer, code, &end, why);
	runner->was_reached = runner->was_reached || !end.no_network;
	if (fault)
		return fault;
	if (attempt->is_question)
		return take_identity(runner, attempt, end.status, body, why);
	if (runner->options->is_signed)
		fault = check_signature(runner, attempt, &end, body, why);
	else if (end.status != STATUS_OK)
		fault = refuse_status(end.status, why);
	if (!fault)
		fault = fill_answer(runner, attempt, &end, body, ret_answer, why);
	if (fault)
		return fault;
	*ret_answered = true;
	service_server_note(runner->service, runner->server, &attempt->address, NULL);
	transfer_free(TAKE(attempt->transfer));
	return FAULT_NONE;
}

bool runner_take(struct runner *runner, const CURLMsg *message, bool *ret_answered,
		 struct service_answer *ret_answer)
{
	const struct transfer *ended = transfer_of(message);
	CURLcode code = message->data.result;
	struct why why = WHY_NONE;

	for (size_t i = 0; i < runner->attempt_count; i++) {
		struct attempt *attempt = &runner->attempts[i];
		if (!attempt->transfer || attempt->transfer != ended)
			continue;
		enum fault fault = take_answer(runner, attempt, code, ret_answered, ret_answer, &why);
		if (fault) {
			transfer_free(TAKE(attempt->transfer));
			note_failure(runner, fault, &why);
		}
		return true;
	}
	return false;
}
