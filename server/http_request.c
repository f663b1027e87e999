#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/secret.h"
#include "keys/message.h"
#include "server/http_parts.h"

/* A request on its way in, from its first line to the last byte of the answer. */
struct arrival {
	struct http *http;
	struct worker *worker;
	char *target;
	bool begun, answered, is_large;
	enum http_refusal refusal;
	size_t body_max;
	int64_t deadline;
	struct bytes body;
};

/* What the header lines say about where the request ends, and who it is from. */
struct heading {
	unsigned lengths, encodings, authorizations;
	const char *length, *encoding, *authorization;
	bool is_forwarded;
	const char *forwarded_for; /* the last X-Forwarded-For */
};

/* -- from the request line to the last byte of the answer ---------------------------------------- */

static void count(struct http *http, int step)
{
	(void)pthread_mutex_lock(&http->lock);
	http->under_way = (unsigned)((int)http->under_way + step);
	if (http->under_way == 0)
		(void)pthread_cond_broadcast(&http->quiet);
	(void)pthread_mutex_unlock(&http->lock);
}

/* Of the connection's visit. */
static void set_patience(struct http *http, struct MHD_Connection *connection, int64_t until_ms)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info)
		visit_may_last(http->visits, info->socket_context, until_ms);
}

/* MHD: the raw request line's target, before anything is decoded; becomes the request's context. */
void *http_request_begin(void *context, const char *target, struct MHD_Connection *connection)
{
	struct worker *worker = context;
	struct arrival *arrival = calloc(1, sizeof *arrival);

	if (!arrival)
		return NULL;
	arrival->http = worker->http;
	arrival->worker = worker;
	set_patience(worker->http, connection, clock_boot_ms() + HTTP_HEADING_MS);
	arrival->target = strdup(target);
	count(arrival->http, 1);
	return arrival;
}

void http_request_end(void *context, struct MHD_Connection *connection, void **of_request,
		      enum MHD_RequestTerminationCode reason)
{
	struct arrival *arrival = *of_request;

	(void)context;
	(void)reason;
	if (!arrival)
		return;
	*of_request = NULL;
	set_patience(arrival->http, connection,
		     clock_boot_ms() + MS_PER_SECOND * (int64_t)arrival->http->options.idle_seconds +
			     HTTP_HEADING_MS);
	count(arrival->http, -1);
	if (arrival->is_large)
		atomic_fetch_sub(&arrival->http->large, 1);
	secret_wipe(arrival->body.data, arrival->body.size); /* a password, once in a while */
	bytes_done(&arrival->body);
	free(arrival->target);
	free(arrival);
}

/* -- the heading ------------------------------------------------------------------------------ */

static enum MHD_Result read_line(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	static const char *const proxies[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
	struct heading *heading = context;

	(void)kind;
	if (!value)
		value = "";
	if (strcasecmp(name, "Content-Length") == 0) {
		heading->lengths++;
		heading->length = value;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		heading->encodings++;
		heading->encoding = value;
	} else if (strcasecmp(name, REQUEST_HEADER) == 0) {
		heading->authorizations++;
		heading->authorization = value;
	}
	if (strcasecmp(name, "X-Forwarded-For") == 0)
		heading->forwarded_for = value;
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		heading->is_forwarded |= strcasecmp(name, proxies[i]) == 0;
	return MHD_YES;
}

static struct heading heading_of(struct MHD_Connection *connection)
{
	struct heading heading = {0};

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, read_line, &heading);
	return heading;
}

/* RFC 9112, section 6.3: where two lines could disagree about the end, there is no end to agree on. */
static bool is_framed(const struct heading *heading)
{
	if (heading->lengths > 1 || heading->encodings > 1 || heading->authorizations > 1)
		return false;
	if (heading->lengths && heading->encodings)
		return false;
	if (heading->lengths &&
	    (heading->length[0] == '\0' || strspn(heading->length, "0123456789") != strlen(heading->length)))
		return false;
	return !heading->encodings || strcasecmp(heading->encoding, "chunked") == 0;
}

static bool is_longer(const char *length, size_t most)
{
	return strlen(length) > 18 || strtoull(length, NULL, 10) > most;
}

/* Bodies are held whole, before it is known who sends them. */
static bool is_crowded(struct arrival *arrival)
{
	arrival->is_large = true;
	return atomic_fetch_add(&arrival->http->large, 1) >= HTTP_LARGE_MOST;
}

static enum http_refusal judge(struct arrival *arrival, const struct heading *heading)
{
	if (!is_framed(heading))
		return HTTP_FRAMING;
	if (heading->lengths && is_longer(heading->length, arrival->body_max))
		return HTTP_TOO_LARGE;
	if (arrival->body_max > HTTP_LARGE &&
	    (heading->encodings || (heading->lengths && is_longer(heading->length, HTTP_LARGE))) &&
	    is_crowded(arrival))
		return HTTP_CROWDED;
	return HTTP_WHOLE;
}

/* -- who asks --------------------------------------------------------------------------------- */

/* Only a proxy reaches a UNIX socket, and the last address it names is the one that it saw itself. */
static void proxied_peer(const char *forwarded_for, char peer[static HTTP_PEER_SIZE])
{
	const char *last = forwarded_for ? strrchr(forwarded_for, ',') : NULL;

	last = last ? last + 1 : forwarded_for;
	if (!last)
		last = "";
	last += strspn(last, " \t");
	size_t length = strspn(last, "0123456789abcdefABCDEF.:[]");
	if (length == 0 || length >= HTTP_PEER_SIZE || last[length + strspn(last + length, " \t")])
		(void)snprintf(peer, HTTP_PEER_SIZE, "unix");
	else
		(void)snprintf(peer, HTTP_PEER_SIZE, "%.*s", (int)length, last);
}

/* Fills in `peer` and `is_local`. */
static void find_peer(const struct http *http, struct MHD_Connection *connection,
		      const struct heading *heading, struct http_request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (http->is_unix) {
		proxied_peer(heading->forwarded_for, request->peer);
		return;
	}
	bool is_loopback = info && listen_peer(info->client_addr, request->peer);
	request->is_local = is_loopback && !heading->is_forwarded;
}

/* -- answering -------------------------------------------------------------------------------- */

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

static struct MHD_Response *response_of(struct http_answer *answer, bool close)
{
	struct MHD_Response *response =
		answer->body.data ? MHD_create_response_from_buffer(answer->body.size, answer->body.data,
								    MHD_RESPMEM_MUST_FREE)
				  : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return NULL;
	answer->body = BYTES_EMPTY;
	if (add(response, "Cache-Control", "no-store") &&
	    (!answer->type || add(response, "Content-Type", answer->type)) &&
	    (!answer->signature[0] || add(response, ANSWER_HEADER, answer->signature)) &&
	    (!answer->allow || add(response, "Allow", answer->allow)) &&
	    (!close || add(response, "Connection", "close")))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

static enum MHD_Result answer_with(struct arrival *arrival, struct MHD_Connection *connection,
				   const struct http_request *request)
{
	struct http *http = arrival->http;
	struct http_answer answer = {0};

	arrival->answered = true;
	atomic_store(&arrival->worker->is_busy, true);
	http->options.handle(http->options.context, request, &answer);
	atomic_store(&arrival->worker->is_busy, false);
	if (answer.status == 0) {
		bytes_done(&answer.body);
		return MHD_NO;
	}
	struct MHD_Response *response = response_of(&answer, answer.close || arrival->refusal ||
								     atomic_load(&http->closing));
	bytes_done(&answer.body);
	if (!response)
		return MHD_NO;
	set_patience(http, connection, clock_boot_ms() + HTTP_BODY_MS);
	enum MHD_Result queued = MHD_queue_response(connection, answer.status, response);
	MHD_destroy_response(response);
	return queued;
}

/* -- the three kinds of call that MHD makes for a request ---------------------------------------- */

/* At once, so that no copies are left behind as it grows; what is announced is not believed beyond what most
 * requests are. */
static enum MHD_Result make_room(struct arrival *arrival, const struct heading *heading)
{
	size_t room = heading->lengths ? strtoull(heading->length, NULL, 10) : 0;

	if (room > MESSAGE_BODY_MAX)
		room = MESSAGE_BODY_MAX;
	return room && bytes_reserve(&arrival->body, room, NULL) ? MHD_NO : MHD_YES;
}

static enum MHD_Result take_heading(struct arrival *arrival, struct MHD_Connection *connection,
				    const char *method)
{
	const struct heading heading = heading_of(connection);
	const struct http_options *options = &arrival->http->options;

	arrival->begun = true;
	set_patience(arrival->http, connection, VISIT_FOR_EVER);
	arrival->deadline = clock_boot_ms() + HTTP_BODY_MS;
	arrival->body_max = options->body_limit(options->context, method, arrival->target);
	arrival->refusal = judge(arrival, &heading);
	if (arrival->refusal == HTTP_WHOLE)
		return make_room(arrival, &heading);
	struct http_request request = {.refusal = arrival->refusal,
				       .method = method,
				       .target = arrival->target,
				       .authorization = heading.authorization};
	find_peer(arrival->http, connection, &heading, &request);
	return answer_with(arrival, connection, &request);
}

/* No answer can be queued between two pieces: too much of a body is dropped, and refused at its end or
 * when so much was dropped that the sender does not listen. */
static enum MHD_Result take_piece(struct arrival *arrival, const char *piece, size_t *size)
{
	const size_t arrived = *size;

	*size = 0;
	if (clock_boot_ms() > arrival->deadline)
		return MHD_NO;
	if (arrival->refusal == HTTP_TOO_LARGE || arrival->body.size + arrived > arrival->body_max) {
		arrival->refusal = HTTP_TOO_LARGE;
		arrival->body_max = arrival->body_max > arrived ? arrival->body_max - arrived : 0;
		return arrival->body_max ? MHD_YES : MHD_NO;
	}
	return bytes_append(&arrival->body, piece, arrived, NULL) ? MHD_NO : MHD_YES;
}

static enum MHD_Result take_end(struct arrival *arrival, struct MHD_Connection *connection,
				const char *method)
{
	const struct heading heading = heading_of(connection);
	const bool whole = arrival->refusal == HTTP_WHOLE;
	struct http_request request = {
		.refusal = arrival->refusal,
		.method = method,
		.target = arrival->target,
		.authorization = heading.authorization,
		.body = whole ? arrival->body.data : NULL,
		.body_size = whole ? arrival->body.size : 0,
	};

	find_peer(arrival->http, connection, &heading, &request);
	return answer_with(arrival, connection, &request);
}

enum MHD_Result http_request_handle(void *context, struct MHD_Connection *connection, const char *url,
				    const char *method, const char *version, const char *piece,
				    size_t *piece_size, void **of_request)
{
	struct arrival *arrival = *of_request;

	(void)context;
	(void)url;
	(void)version;
	if (!arrival || !arrival->target || strlen(arrival->target) > HTTP_TARGET_MAX || arrival->answered)
		return MHD_NO;
	if (!arrival->begun)
		return take_heading(arrival, connection, method);
	if (*piece_size)
		return take_piece(arrival, piece, piece_size);
	return take_end(arrival, connection, method);
}
