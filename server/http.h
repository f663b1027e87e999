/* server/http.h - HTTP and TLS for the key server: the only door of libmicrohttpd.
 *
 * What arrives is given to one handler as a whole request, or as one that is refused for its form; what the
 * handler answers is sent. Threads, each with its own share of the connections: a handler may
 * wait for the directory or for the disk, and then holds up only the connections of its own thread; new ones
 * are given to a thread that does not wait.
 *
 * Refused before the body is read, and the connection closed after the answer: more than one
 * Content-Length, or one beside a Transfer-Encoding, or a Transfer-Encoding other than "chunked", or two
 * Fsenc-Auth (libmicrohttpd 0.9.75 takes the first two and runs the request smuggled behind); a body
 * longer than `body_limit` says, or over HTTP_LARGE while HTTP_LARGE_MOST such are on their way; one that
 * takes longer than HTTP_BODY_MS. What libmicrohttpd cannot parse at all it refuses by itself.Ended without
 * a word: a connection without a request line HTTP_HEADING_MS after its begin (a TLS handshake is in that),
 * or without another one when it has been idle; a heading that is not whole HTTP_HEADING_MS after its request
 * line; an answer that is not taken in HTTP_BODY_MS. None of it is a matter of how often a byte comes.
 *
 *     struct http_options options = {.address = "127.0.0.1:8443", .tls = tls, .threads = 32, ...,
 *                                    .handle = answer, .body_limit = limit, .context = server};
 *     http_open(&options, &http, why);
 *     ...
 *     http_close(http);              // no new connections; requests under way are answered; then it ends
 *
 * The handler is called by any thread of the pool, at the same time. There may be several listeners.
 */
#ifndef FSENC_SERVER_HTTP_H
#define FSENC_SERVER_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "keys/request.h"
#include "server/listen.h"

#define HTTP_TARGET_MAX 2048
#define HTTP_PEER_SIZE LISTEN_PEER_SIZE
#define HTTP_HEADING_MS 10000
#define HTTP_BODY_MS 30000
#define HTTP_LARGE ((size_t)256 * 1024)
#define HTTP_LARGE_MOST 16
#define HTTP_CLOSE_MS 5000 /* how long http_close() waits for requests under way */

enum http_refusal { HTTP_WHOLE = 0, HTTP_FRAMING, HTTP_TOO_LARGE, HTTP_CROWDED };

struct http_request {
	enum http_refusal refusal; /* unless WHOLE there is no body */
	const char *method;
	const char *target; /* as sent, with the query */
	const char *authorization; /* the value of Fsenc-Auth, or NULL */
	const uint8_t *body;
	size_t body_size;
	char peer[HTTP_PEER_SIZE]; /* address without port; behind a UNIX socket what the proxy says, or
				      "unix" */
	bool is_local; /* from this machine, and not through a proxy that says so */
};

struct http_answer {
	unsigned status;
	const char *type; /* of the content; static */
	struct bytes body; /* http takes it over */
	char signature[ANSWER_HEADER_SIZE]; /* "": none */
	const char *allow; /* with 405; static; or NULL */
	bool close; /* the connection, after this answer */
};

/* *ret_answer is all zeros before; a status of 0 closes the connection without an answer. */
typedef void http_handle(void *context, const struct http_request *request, struct http_answer *ret_answer);
/* How long the body of this request may be. */
typedef size_t http_body_limit(void *context, const char *method, const char *target);

struct tls;

struct http_options {
	const char *address; /* server/listen.h */
	struct tls *tls; /* NULL: none, for UNIX sockets and loopback; outlives the http */
	unsigned threads;
	unsigned connections; /* at most, in all: those of listeners with the same `connected` together */
	unsigned connections_per_address; /* 0: as many as in all */
	unsigned idle_seconds; /* a connection on which nothing moves, or no request comes, is closed */
	atomic_uint *connected; /* counts connections that are open; or NULL */
	http_handle *handle;
	http_body_limit *body_limit;
	void *context;
};

struct http;

MUST_CHECK enum fault http_open(const struct http_options *options, struct http **ret_http, struct why *why);
/* Ends what was begun, HTTP_CLOSE_MS at most. NULL is allowed. */
void http_close(struct http *http);
AUTO_POINTER(struct http *, http_close);

/* The address with the real port. */
const char *http_address(const struct http *http);

#endif
