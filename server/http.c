#include "server/http.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "keys/message.h"
#include "server/accept.h"
#include "server/tls.h"

#define CONNECTION_MEMORY ((size_t)4096) /* headers in and out, and what of a body is not taken yet */

struct http {
	struct http_options options;
	struct MHD_Daemon *daemon;
	struct accepting *accepting;
	char address[LISTEN_TEXT_SIZE];
	bool is_unix;
	atomic_bool closing;
	atomic_uint large;
	pthread_mutex_t lock;
	pthread_cond_t quiet; /* no request is under way */
	unsigned under_way;
};

/* A request on its way in, from its first line to the last byte of the answer. */
struct arrival {
	struct http *http;
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

/* -- counting requests under way ------------------------------------------------------------- */

static void count(struct http *http, int step)
{
	(void)pthread_mutex_lock(&http->lock);
	http->under_way = (unsigned)((int)http->under_way + step);
	if (http->under_way == 0)
		(void)pthread_cond_broadcast(&http->quiet);
	(void)pthread_mutex_unlock(&http->lock);
}

/* MHD: the raw request line's target, before anything is decoded; becomes the request's context. */
static void *begin(void *context, const char *target, struct MHD_Connection *connection)
{
	struct arrival *arrival = calloc(1, sizeof *arrival);

	(void)connection;
	if (!arrival)
		return NULL;
	arrival->http = context;
	arrival->target = strdup(target);
	count(arrival->http, 1);
	return arrival;
}

static void end(void *context, struct MHD_Connection *connection, void **of_request,
		enum MHD_RequestTerminationCode reason)
{
	struct arrival *arrival = *of_request;

	(void)context;
	(void)connection;
	(void)reason;
	if (!arrival)
		return;
	*of_request = NULL;
	count(arrival->http, -1);
	if (arrival->is_large)
		atomic_fetch_sub(&arrival->http->large, 1);
	secret_wipe(arrival->body.data, arrival->body.size); /* a password, once in a while */
	bytes_done(&arrival->body);
	free(arrival->target);
	free(arrival);
}

static void notice(void *context, struct MHD_Connection *connection, void **of_socket,
		   enum MHD_ConnectionNotificationCode what)
{
	const struct http *http = context;

	(void)connection;
	(void)of_socket;
	if (!http->options.connected)
		return;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		(void)atomic_fetch_add(http->options.connected, 1);
	else
		(void)atomic_fetch_sub(http->options.connected, 1);
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
	http->options.handle(http->options.context, request, &answer);
	if (answer.status == 0) {
		bytes_done(&answer.body);
		return MHD_NO;
	}
	struct MHD_Response *response = response_of(&answer, answer.close || arrival->refusal ||
								     atomic_load(&http->closing));
	bytes_done(&answer.body);
	if (!response)
		return MHD_NO;
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

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *piece, size_t *piece_size,
			      void **of_request)
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

/* -- starting and ending ------------------------------------------------------------------------ */

static __attribute__((format(printf, 2, 0))) void say(void *context, const char *format, va_list arguments)
{
	char line[256];

	(void)context;
	int size = vsnprintf(line, sizeof line, format, arguments);
	if (size > 0 && (size_t)size < sizeof line && line[size - 1] == '\n')
		line[size - 1] = '\0';
	log_debug("%s", line);
}

static enum fault start_daemon(struct http *http, struct why *why)
{
	const struct http_options *options = &http->options;
	struct tls *tls = options->tls;
	const unsigned per_address = options->connections_per_address ? options->connections_per_address
								      : options->connections;

	errno = 0;
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
			(tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, say, NULL,
		MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_CONNECTION_LIMIT,
		options->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address,
		MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, begin, http,
		MHD_OPTION_NOTIFY_COMPLETED, end, http, MHD_OPTION_NOTIFY_CONNECTION, notice, http,
		tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, tls_retrieve(),
		MHD_OPTION_HTTPS_PRIORITIES, tls_priorities(), MHD_OPTION_END);
	if (!http->daemon)
		return why_set(why, FAULT_FAILED, "cannot serve on '%s': %s", options->address,
			       errno ? strerror(errno) : "libmicrohttpd does not start");
	return FAULT_NONE;
}

/* MHD takes the socket over, whatever it does with it; it gives it to the thread that its number says. */
static void give(void *context, int connection, const struct sockaddr *peer, socklen_t peer_size)
{
	const int yes = 1;
	const struct http *http = context;

	if (!http->is_unix)
		(void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	(void)MHD_add_connection(http->daemon, connection, peer, peer_size);
}

static enum fault start(struct http *http, int listening, struct why *why)
{
	enum fault fault = start_daemon(http, why);

	if (fault) {
		file_close(listening);
		return fault;
	}
	fault = accept_start(listening, give, http, &http->accepting, why);
	if (fault)
		MHD_stop_daemon(http->daemon);
	return fault;
}

static void http_free(struct http *http)
{
	if (!http)
		return;
	(void)pthread_cond_destroy(&http->quiet);
	(void)pthread_mutex_destroy(&http->lock);
	free(http);
}
AUTO_POINTER(struct http *, http_free);

static struct http *http_new(const struct http_options *options)
{
	struct http *http = calloc(1, sizeof *http);
	pthread_condattr_t attributes;

	if (!http)
		return NULL;
	http->options = *options;
	http->is_unix = listen_is_unix(options->address);
	(void)pthread_mutex_init(&http->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&http->quiet, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return http;
}

enum fault http_open(const struct http_options *options, struct http **ret_http, struct why *why)
{
	AUTO(http_free) struct http *http = http_new(options);
	AUTO(file_close) int listening = -1;

	assert(options->threads > 0 && options->connections >= options->threads);
	if (!http)
		return why_set(why, FAULT_MEMORY, "no memory for a listener");
	enum fault fault = listen_open(options->address, &listening, why);
	if (fault)
		return fault;
	listen_address(listening, http->address);
	if (!options->tls && !listen_is_local(listening))
		return why_set(why, FAULT_USAGE, "'%s' needs a certificate: others can reach it",
			       http->address);
	const int given = listening;
	listening = -1;
	fault = start(http, given, why);
	if (fault)
		return fault;
	*ret_http = TAKE(http);
	return FAULT_NONE;
}

static void wait_until_quiet(struct http *http)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HTTP_CLOSE_MS / MS_PER_SECOND;
	(void)pthread_mutex_lock(&http->lock);
	while (http->under_way > 0)
		if (pthread_cond_timedwait(&http->quiet, &http->lock, &until) != 0)
			break;
	(void)pthread_mutex_unlock(&http->lock);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	atomic_store(&http->closing, true);
	accept_stop(http->accepting);
	wait_until_quiet(http);
	MHD_stop_daemon(http->daemon);
	listen_forget(http->options.address);
	http_free(http);
}

const char *http_address(const struct http *http)
{
	return http->address;
}
