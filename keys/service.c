#include "keys/service_race.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define CONNECTIONS_MAX 16L
#define ADDRESSES_KEPT_MS 60000 /* after an answer, so that renewals need no look-up */

static pthread_once_t started = PTHREAD_ONCE_INIT;
static CURLcode start_result;

static void start_curl(void)
{
	start_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum fault service_global_start(struct why *why)
{
	(void)pthread_once(&started, start_curl);
	if (start_result == CURLE_OK)
		return FAULT_NONE;
	return why_set(why, FAULT_FAILED, "libcurl does not start: %s", curl_easy_strerror(start_result));
}

/* -- making ----------------------------------------------------------------------------- */

static enum fault fill_server(struct service_server *into, const struct keyring_server *from, struct why *why)
{
	enum fault fault = service_url_parse(from->url, &into->url, why);
	if (fault)
		return fault;
	into->id = from->id;
	memcpy(into->state.url, into->url.text, sizeof into->state.url);
	memcpy(into->state.host, into->url.shown, sizeof into->state.host);
	if (!from->certificate_authority)
		return FAULT_NONE;
	into->authority = strdup(from->certificate_authority);
	return into->authority ? FAULT_NONE
			       : why_set(why, FAULT_MEMORY, "no memory for a certificate authority");
}

static enum fault fill_servers(struct service *service, const struct keyring_server *servers, size_t count,
			       struct why *why)
{
	service->servers = calloc(count + 1, sizeof *service->servers);
	if (!service->servers)
		return why_set(why, FAULT_MEMORY, "no memory for the key servers");
	for (size_t i = 0; i < count; i++) {
		service->server_count++;
		enum fault fault = fill_server(&service->servers[i], &servers[i], why);
		if (fault)
			return fault;
	}
	return FAULT_NONE;
}

static enum fault make(const struct keyring_server *servers, size_t count, struct service **ret_service,
		       struct why *why)
{
	enum fault fault = service_global_start(why);
	if (fault)
		return fault;
	AUTO(service_free) struct service *service = calloc(1, sizeof *service);
	if (!service)
		return why_set(why, FAULT_MEMORY, "no memory for the key servers");
	(void)pthread_mutex_init(&service->mutex, NULL);
	fault = fill_servers(service, servers, count, why);
	if (!fault)
		*ret_service = TAKE(service);
	return fault;
}

enum fault service_new(const struct keyring_organisation *organisation, const struct identity *identity,
		       struct service **ret_service, struct why *why)
{
	AUTO(service_free) struct service *service = NULL;
	enum fault fault = make(organisation->servers, organisation->server_count, &service, why);
	if (fault)
		return fault;
	service->organisation = malloc(sizeof *service->organisation);
	if (!service->organisation)
		return why_set(why, FAULT_MEMORY, "no memory for the organisation");
	*service->organisation = organisation->organisation;
	service->fingerprint = organisation->fingerprint;
	service->identity = identity;
	*ret_service = TAKE(service);
	return FAULT_NONE;
}

static void line_free(struct service_line *line)
{
	if (!line)
		return;
	(void)curl_multi_cleanup(line->multi);
	free(line);
}
AUTO_POINTER(struct service_line *, line_free);

void service_free(struct service *service)
{
	if (!service)
		return;
	for (struct service_line *line = service->idle, *next; line; line = next) {
		next = line->next;
		line_free(line);
	}
	for (size_t i = 0; i < service->server_count; i++)
		free(service->servers[i].authority);
	free(service->servers);
	free(service->organisation);
	(void)pthread_mutex_destroy(&service->mutex);
	free(service);
}

void service_answer_done(struct service_answer *answer)
{
	bytes_done(&answer->body);
}

/* -- what is known of the servers ------------------------------------------------------- */

static struct service *hold(struct service *service)
{
	int failed = pthread_mutex_lock(&service->mutex);

	assert(!failed);
	(void)failed;
	return service;
}

static void let_go(struct service *service)
{
	(void)pthread_mutex_unlock(&service->mutex);
}
AUTO_POINTER(struct service *, let_go);

size_t service_last_good(struct service *service)
{
	AUTO(let_go) struct service *held = hold(service);

	return held->last_good;
}

struct member_id service_server_id(struct service *service, size_t index)
{
	AUTO(let_go) struct service *held = hold(service);

	return held->servers[index].id;
}

void service_server_learn(struct service *service, size_t index, const struct member_id *id)
{
	AUTO(let_go) struct service *held = hold(service);

	held->servers[index].id = *id;
}

void service_server_note(struct service *service, size_t index, const struct service_address *address,
			 const struct why *why)
{
	AUTO(let_go) struct service *held = hold(service);
	struct service_server *server = &held->servers[index];

	server->state.answered = address != NULL;
	server->state.asked_ms = clock_boot_ms();
	memcpy(server->state.words, why ? why->text : "", why ? sizeof server->state.words : 1);
	if (!address) {
		server->addresses.count = 0;
		return;
	}
	held->last_good = index;
	server->addresses = (struct service_addresses){.list = {*address}, .count = 1};
	server->addresses_until_ms = server->state.asked_ms + ADDRESSES_KEPT_MS;
}

bool service_server_addresses(struct service *service, size_t index, struct service_addresses *ret_addresses)
{
	AUTO(let_go) struct service *held = hold(service);
	const struct service_server *server = &held->servers[index];

	if (server->addresses.count == 0 || clock_boot_ms() >= server->addresses_until_ms)
		return false;
	*ret_addresses = server->addresses;
	return true;
}

size_t service_states(struct service *service, struct service_state *states, size_t room)
{
	AUTO(let_go) struct service *held = hold(service);
	size_t count = held->server_count < room ? held->server_count : room;

	for (size_t i = 0; i < count; i++) {
		states[i] = held->servers[i].state;
		states[i].id = held->servers[i].id;
	}
	return count;
}

const struct organisation *service_organisation_of(const struct service *service)
{
	return service->organisation;
}

void service_server_name(const struct service *service, const struct member_id *server,
			 char name[static DISPLAY_NAME_MAX + 1])
{
	const struct public_identity *known = organisation_server(service->organisation, server);

	if (known)
		memcpy(name, known->name, DISPLAY_NAME_MAX + 1);
	else
		member_id_text(server, name);
}

static bool is_silent(const struct service *held, const struct member_id *id)
{
	bool was_asked = false;

	for (size_t i = 0; i < held->server_count; i++) {
		const struct service_server *server = &held->servers[i];
		if (!member_id_equal(&server->id, id))
			continue;
		if (server->state.answered)
			return false;
		was_asked = was_asked || server->state.asked_ms > 0;
	}
	return was_asked;
}

void service_prefer(struct service *service, struct member_id *servers, size_t count)
{
	AUTO(let_go) struct service *held = hold(service);

	/* What is looked at is moved to the end at most once. */
	for (size_t seen = 0, at = 0; seen < count; seen++) {
		if (!is_silent(held, &servers[at])) {
			at++;
			continue;
		}
		const struct member_id silent = servers[at];
		memmove(&servers[at], &servers[at + 1], (count - at - 1) * sizeof *servers);
		servers[count - 1] = silent;
	}
}

/* -- connections ------------------------------------------------------------------------ */

static struct service_line *take_idle(struct service *service)
{
	AUTO(let_go) struct service *held = hold(service);
	struct service_line *line = held->idle;

	if (line)
		held->idle = line->next;
	return line;
}

enum fault service_line_take(struct service *service, struct service_line **ret_line, struct why *why)
{
	AUTO(line_free) struct service_line *line = take_idle(service);

	if (!line) {
		line = calloc(1, sizeof *line);
		if (line)
			line->multi = curl_multi_init();
		if (!line || !line->multi)
			return why_set(why, FAULT_MEMORY, "no memory for a connection");
		(void)curl_multi_setopt(line->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	}
	*ret_line = TAKE(line);
	return FAULT_NONE;
}

void service_line_give(struct service *service, struct service_line *line)
{
	AUTO(let_go) struct service *held = hold(service);

	line->next = held->idle;
	held->idle = line;
}

/* -- asking ----------------------------------------------------------------------------- */

static enum fault judge(const struct race_end *end, size_t wanted, struct service_answer *answer,
			struct why *why)
{
	if (end->is_enough || end->answers >= wanted)
		return FAULT_NONE;
	answer->no_network = end->no_network;
	memcpy(answer->host, end->host, sizeof answer->host);
	return why_set(why, end->fault, "key server %s: %s", end->host, why_text(&end->why, end->fault));
}

/* The answer outlives the call. */
static bool keep(void *context, const struct service_answer *answer)
{
	struct service_answer *kept = context;
	struct service_answer *given = (struct service_answer *)(uintptr_t)answer;

	*kept = *answer;
	given->body = BYTES_EMPTY;
	return false;
}

enum fault service_ask(struct service *service, const struct service_call *call,
		       struct service_answer *ret_answer, struct why *why)
{
	struct race_end end;
	const struct race_options options = {
		.call = call,
		.is_signed = true,
		.servers = call->server,
		.server_count = call->server ? 1 : 0,
		.wanted = 1,
		.each = keep,
		.context = ret_answer,
	};
	*ret_answer = (struct service_answer){.body = BYTES_EMPTY};
	enum fault fault = service_race(service, &options, &end, why);
	return fault ? fault : judge(&end, 1, ret_answer, why);
}

struct listening {
	bool (*each)(void *context, const struct service_answer *answer);
	void *context;
	struct service_answer *last;
};

static bool listen_to(void *context, const struct service_answer *answer)
{
	struct listening *listening = context;
	struct service_answer *last = listening->last;

	*last = *answer;
	last->body = BYTES_EMPTY; /* the body is for `each` alone */
	return listening->each(listening->context, answer);
}

enum fault service_ask_all(struct service *service, const struct service_call *call,
			   const struct member_id *servers, size_t server_count, size_t wanted,
			   bool (*each)(void *context, const struct service_answer *answer), void *context,
			   struct service_answer *ret_last, struct why *why)
{
	struct race_end end;
	struct listening listening = {.each = each, .context = context, .last = ret_last};
	const struct race_options options = {
		.call = call,
		.is_signed = true,
		.servers = servers,
		.server_count = server_count,
		.wanted = wanted,
		.each = listen_to,
		.context = &listening,
	};
	*ret_last = (struct service_answer){.body = BYTES_EMPTY};
	enum fault fault = service_race(service, &options, &end, why);
	return fault ? fault : judge(&end, wanted, ret_last, why);
}

/* -- the organisation -------------------------------------------------------------------- */

#define STATUS_OK 200

static enum fault read_organisation(const struct service_answer *answer, const struct fingerprint *expected,
				    struct organisation_answer *message, struct organisation *organisation,
				    struct why *why)
{
	if (answer->status != STATUS_OK ||
	    organisation_answer_read(answer->body.data, answer->body.size, message, NULL))
		return why_set(why, FAULT_UNREACHABLE, "it answers %u, but not as a key server does",
			       answer->status);
	enum fault fault = organisation_read(message->organisation, expected, organisation, why);
	if (fault && fault != FAULT_MEMORY)
		fault = FAULT_IDENTITY;
	if (!fault && !organisation_server(organisation, &message->server))
		return why_set(why, FAULT_IDENTITY, "it is no server of this organisation");
	return fault;
}

struct hearing {
	struct service *service;
	bool (*each)(void *context, const struct service_organisation *answer);
	void *context;
	struct service_answer *last;
	size_t good;
	enum fault fault; /* of the last that was not */
	struct why why;
};

/* An answer that is not the organisation's is none; it has to be named, for it is no accident. */
static bool hear(void *context, const struct service_answer *answer)
{
	AUTO(organisation_answer_done) struct organisation_answer message = {.organisation = NULL};
	struct organisation organisation;
	struct hearing *hearing = context;
	struct why why = WHY_NONE;
	enum fault fault = read_organisation(answer, &hearing->service->fingerprint, &message, &organisation,
					     &why);
	const struct service_organisation heard = {&message, &organisation, answer->host};

	*hearing->last = *answer;
	hearing->last->body = BYTES_EMPTY;
	if (!fault) {
		hearing->good++;
		return hearing->each(hearing->context, &heard);
	}
	hearing->fault = why_in(&why, fault, "key server %s", answer->host);
	hearing->why = why;
	log_error("%s", why_text(&why, fault));
	return true;
}

enum fault service_ask_organisation(struct service *service, bool everybody, int64_t deadline_ms,
				    bool (*each)(void *context, const struct service_organisation *answer),
				    void *context, struct service_answer *ret_last, struct why *why)
{
	struct race_end end;
	struct hearing hearing = {.service = service, .each = each, .context = context, .last = ret_last};
	const struct service_call call = {
		.method = "GET", .target = "/v1/organisation", .deadline_ms = deadline_ms};
	const struct race_options options = {
		.call = &call,
		.lane_a_url = true,
		.wanted = everybody ? service->server_count : 1,
		.each = hear,
		.context = &hearing,
	};
	*ret_last = (struct service_answer){.body = BYTES_EMPTY};
	enum fault fault = service_race(service, &options, &end, why);
	if (fault || hearing.good > 0)
		return fault;
	if (hearing.fault)
		return why_set(why, hearing.fault, "%s", hearing.why.text);
	return judge(&end, 1, ret_last, why);
}

enum fault service_fetch_organisation(const struct keyring_server *server, const struct fingerprint *expected,
				      int64_t deadline_ms, struct organisation_answer *ret_answer,
				      struct organisation *ret_organisation, struct why *why)
{
	AUTO(service_free) struct service *service = NULL;
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(organisation_answer_done) struct organisation_answer message = {.organisation = NULL};
	struct organisation organisation;
	struct race_end end;
	const struct service_call call = {
		.method = "GET", .target = "/v1/organisation", .deadline_ms = deadline_ms};
	const struct race_options options = {.call = &call, .wanted = 1, .each = keep, .context = &answer};
	enum fault fault = make(server, 1, &service, why);
	if (!fault)
		fault = service_race(service, &options, &end, why);
	if (!fault)
		fault = judge(&end, 1, &answer, why);
	if (fault)
		return fault;
	fault = read_organisation(&answer, expected, &message, &organisation, why);
	if (fault)
		return why_in(why, fault, "key server %s", answer.host);
	*ret_organisation = organisation;
	*ret_answer = message;
	message = (struct organisation_answer){.organisation = NULL};
	return FAULT_NONE;
}
