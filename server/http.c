#include "server/http.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/file.h"
#include "base/log.h"
#include "server/accept.h"
#include "server/http_parts.h"
#include "server/tls.h"

#define CONNECTION_MEMORY ((size_t)4096) /* headers in and out, and what of a body is not taken yet */

/* -- connections ------------------------------------------------------------------------------------ */

static void count_connection(struct worker *worker, int step)
{
	struct http *http = worker->http;

	(void)atomic_fetch_add(&worker->connections, (unsigned)step);
	(void)atomic_fetch_add(&http->connections, (unsigned)step);
	if (http->options.connected)
		(void)atomic_fetch_add(http->options.connected, (unsigned)step);
}

static void begin_visit(const struct worker *worker, struct MHD_Connection *connection, void **ret_visit)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_CONNECTION_FD);

	*ret_visit = info ? visit_begin(worker->http->visits, info->connect_fd,
					clock_boot_ms() + HTTP_HEADING_MS)
			  : NULL;
}

static void end_visit(struct worker *worker, struct MHD_Connection *connection, void **visit)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	visit_end(worker->http->visits, *visit);
	*visit = NULL;
	if (info)
		addresses_leave(worker->http->addresses, info->client_addr);
	count_connection(worker, -1);
}

/* MHD: a connection begins, or ends: its socket is still open then. */
static void notice(void *context, struct MHD_Connection *connection, void **of_socket,
		   enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		begin_visit(context, connection, of_socket);
	else
		end_visit(context, connection, of_socket);
}

/* The one with the fewest connections among those that are not waiting for something just now: a request must
 * not stand behind one that waits for the directory while threads are idle. */
static struct worker *least_busy(struct http *http)
{
	struct worker *best = &http->workers[0];

	for (unsigned i = 1; i < http->options.threads; i++) {
		struct worker *worker = &http->workers[i];
		const bool is_busy = atomic_load(&worker->is_busy), best_is = atomic_load(&best->is_busy);
		if (is_busy != best_is ? best_is
				       : atomic_load(&worker->connections) < atomic_load(&best->connections))
			best = worker;
	}
	return best;
}

/* Those of other listeners that count in the same place are among them. */
static atomic_uint *all_connections(struct http *http)
{
	return http->options.connected ? http->options.connected : &http->connections;
}

/* MHD takes the socket over, whatever it does with it. */
static void give(void *context, int connection, const struct sockaddr *peer, socklen_t peer_size)
{
	const int yes = 1;
	struct http *http = context;

	if (atomic_load(all_connections(http)) >= http->options.connections ||
	    !addresses_enter(http->addresses, peer)) {
		file_close(connection);
		return;
	}
	if (!http->is_unix)
		(void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	struct worker *worker = least_busy(http);
	count_connection(worker, 1);
	if (MHD_add_connection(worker->daemon, connection, peer, peer_size) == MHD_YES)
		return;
	addresses_leave(http->addresses, peer);
	count_connection(worker, -1);
}

/* -- starting -------------------------------------------------------------------------------------- */

static __attribute__((format(printf, 2, 0))) void say(void *context, const char *format, va_list arguments)
{
	char line[256];

	(void)context;
	int size = vsnprintf(line, sizeof line, format, arguments);
	if (size > 0 && (size_t)size < sizeof line && line[size - 1] == '\n')
		line[size - 1] = '\0';
	log_debug("%s", line);
}

/* poll, because with epoll 0.9.75 turns in circles while a TLS handshake waits for its rest: a few
 * connections that say half of something would take all processors. Each worker has few enough for poll. */
static enum fault start_worker(struct http *http, struct worker *worker, struct why *why)
{
	const struct http_options *options = &http->options;
	struct tls *tls = options->tls;

	worker->http = http;
	errno = 0;
	worker->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
			(tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, http_request_handle, worker, MHD_OPTION_EXTERNAL_LOGGER, say, NULL,
		MHD_OPTION_CONNECTION_LIMIT, options->connections, MHD_OPTION_CONNECTION_TIMEOUT,
		options->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, worker,
		MHD_OPTION_NOTIFY_COMPLETED, http_request_end, worker, MHD_OPTION_NOTIFY_CONNECTION, notice,
		worker, tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, tls_retrieve(),
		MHD_OPTION_HTTPS_PRIORITIES, tls_priorities(), MHD_OPTION_END);
	if (!worker->daemon)
		return why_set(why, FAULT_FAILED, "cannot serve on '%s': %s", options->address,
			       errno ? strerror(errno) : "libmicrohttpd does not start");
	return FAULT_NONE;
}

static void stop_workers(struct http *http)
{
	for (unsigned i = 0; http->workers && i < http->options.threads; i++)
		if (http->workers[i].daemon)
			MHD_stop_daemon(http->workers[i].daemon);
	free(http->workers);
	http->workers = NULL;
}

static void http_free(struct http *http)
{
	if (!http)
		return;
	stop_workers(http);
	visits_free(http->visits);
	addresses_free(http->addresses);
	(void)pthread_cond_destroy(&http->quiet);
	(void)pthread_mutex_destroy(&http->lock);
	free(http);
}
AUTO_POINTER(struct http *, http_free);

static struct http *http_new(const struct http_options *options)
{
	struct http *http = calloc(1, sizeof *http);

	if (!http)
		return NULL;
	http->options = *options;
	http->is_unix = listen_is_unix(options->address);
	(void)pthread_mutex_init(&http->lock, NULL);
	condition_init(&http->quiet);
	return http;
}

static enum fault start(struct http *http, struct why *why)
{
	const struct http_options *options = &http->options;
	const unsigned per_address = options->connections_per_address ? options->connections_per_address
								      : options->connections;

	http->workers = calloc(options->threads, sizeof *http->workers);
	if (!http->workers)
		return why_set(why, FAULT_MEMORY, "no memory for a listener");
	enum fault fault = addresses_new(per_address, &http->addresses, why);
	if (!fault)
		fault = visits_new(&http->visits, why);
	for (unsigned i = 0; !fault && i < options->threads; i++)
		fault = start_worker(http, &http->workers[i], why);
	return fault;
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
	fault = start(http, why);
	if (fault)
		return fault;
	const int given = listening;
	listening = -1;
	fault = accept_start(given, give, http, &http->accepting, why);
	if (fault)
		return fault;
	*ret_http = TAKE(http);
	return FAULT_NONE;
}

/* -- ending ---------------------------------------------------------------------------------------------- */

static void wait_until_quiet(struct http *http)
{
	const struct timespec until = condition_in_ms(HTTP_CLOSE_MS);

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
	stop_workers(http);
	listen_forget(http->options.address);
	http_free(http);
}

const char *http_address(const struct http *http)
{
	return http->address;
}
