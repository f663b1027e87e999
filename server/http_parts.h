/* server/http_parts.h - what the two halves of server/http.h share: listeners and requests. Not for others.
 */
#ifndef FSENC_SERVER_HTTP_PARTS_H
#define FSENC_SERVER_HTTP_PARTS_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/addresses.h"
#include "server/http.h"
#include "server/visits.h"

/* One thread of MHD's, with the connections that it was given: each is with it to its end. */
struct worker {
	struct http *http;
	struct MHD_Daemon *daemon;
	atomic_uint connections;
	atomic_bool is_busy; /* in the handler */
};

struct http {
	struct http_options options;
	struct worker *workers; /* options.threads */
	struct accepting *accepting;
	struct addresses *addresses;
	struct visits *visits;
	char address[LISTEN_TEXT_SIZE];
	bool is_unix;
	atomic_bool closing;
	atomic_uint connections;
	atomic_uint large; /* long bodies on their way */
	pthread_mutex_t lock;
	pthread_cond_t quiet; /* no request is under way */
	unsigned under_way;
};

/* For MHD; `context` is the struct worker. */
enum MHD_Result http_request_handle(void *context, struct MHD_Connection *connection, const char *url,
				    const char *method, const char *version, const char *piece,
				    size_t *piece_size, void **of_request);
void *http_request_begin(void *context, const char *target, struct MHD_Connection *connection);
void http_request_end(void *context, struct MHD_Connection *connection, void **of_request,
		      enum MHD_RequestTerminationCode reason);

#endif
