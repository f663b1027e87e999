/* keys/service_parts.h - the parts of keys/service.c, each a file: addresses, names, one transfer, the race.
 *
 *   service_url.c       what a server's URL may be
 *   service_name.c      a name becomes addresses, in a thread of its own, because getaddrinfo() knows no
 * deadline service_transfer.c  one request to one address by libcurl, with every limit service_race.c one
 * call: URLs and addresses that are tried, the next one when the one before fails or takes more than its
 * share of the time service.c           the servers and what is known of them
 */
#ifndef FSENC_KEYS_SERVICE_PARTS_H
#define FSENC_KEYS_SERVICE_PARTS_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>

#include "keys/service.h"

/* -- service_url.c --------------------------------------------------------------------- */

#define SERVICE_HOST_SIZE 256

struct service_url {
	char text[SERVER_URL_MAX]; /* without a path: targets begin with '/' */
	char host[SERVICE_HOST_SIZE];
	char shown[SERVICE_HOST_SIZE]; /* for people: the port only where it is not 443 */
	unsigned port;
	bool secure; /* https; else http, to loopback addresses alone */
};
/* FAULT_USAGE: not https, or more than scheme, host and port. */
MUST_CHECK enum fault service_url_parse(const char *text, struct service_url *ret_url, struct why *why);

/* -- service_name.c -------------------------------------------------------------------- */

#define SERVICE_ADDRESSES_MAX 8

struct service_address {
	char text[INET6_ADDRSTRLEN + 16]; /* as libcurl wants it: "10.0.0.1", "[fe80::1%2]" */
	bool loopback;
};
struct service_addresses {
	struct service_address list[SERVICE_ADDRESSES_MAX];
	size_t count;
};

struct name_query;
/* Begins to look up. An address in numbers is found at once. */
MUST_CHECK enum fault name_query_start(const char *host, struct name_query **ret_query, struct why *why);
/* Becomes readable when name_query_is_done(). */
int name_query_fd(const struct name_query *query);
bool name_query_is_done(struct name_query *query);
/* FAULT_UNREACHABLE: no such name, or (with `ret_no_network`) no resolver answered. */
MUST_CHECK enum fault name_query_result(struct name_query *query, struct service_addresses *ret_addresses,
					bool *ret_no_network, struct why *why);
/* Also while it is under way: the thread ends by itself. */
void name_query_free(struct name_query *query);
AUTO_POINTER(struct name_query *, name_query_free);

/* -- service_transfer.c ---------------------------------------------------------------- */

struct transfer_options {
	const struct service_url *url;
	const char *authority; /* PEM, or NULL: the system's */
	const struct service_address *address;
	const char *method, *target;
	const char *authentication; /* value of the header, or NULL: unsigned */
	const void *body; /* borrowed until the end */
	size_t body_size;
	int64_t time_ms; /* that is left */
};

struct transfer;
/* Adds it to `multi`. */
MUST_CHECK enum fault transfer_start(CURLM *multi, const struct transfer_options *options,
				     struct transfer **ret_transfer, struct why *why);
/* Also one that is under way. */
void transfer_free(struct transfer *transfer);
AUTO_POINTER(struct transfer *, transfer_free);
/* The transfer that ended with `message`. */
struct transfer *transfer_of(const CURLMsg *message);

struct transfer_end {
	unsigned status;
	const char *signature; /* of the answer; NULL when there is none, or more than one */
	bool no_network; /* with FAULT_UNREACHABLE */
};
/* FAULT_UNREACHABLE: nothing came, or not within the limits; FAULT_IDENTITY: TLS says it is somebody else. */
MUST_CHECK enum fault transfer_result(const struct transfer *transfer, CURLcode code,
				      struct transfer_end *ret_end, struct why *why);
/* Borrowed. */
const struct bytes *transfer_body(const struct transfer *transfer);

/* -- service.c ------------------------------------------------------------------------- */

/* A URL and what is known of it; all but `url` and `authority` under the service's mutex. */
struct service_server {
	struct service_url url;
	char *authority;
	struct member_id id; /* none until it has said so */
	struct service_addresses addresses; /* that worked lately; the last good one first */
	int64_t addresses_until_ms;
	struct service_state state;
};

/* Connections that one call at a time uses. */
struct service_line {
	CURLM *multi;
	struct service_line *next;
};

struct service {
	pthread_mutex_t mutex;
	const struct identity *identity; /* NULL: only unsigned calls */
	struct organisation *organisation; /* NULL likewise */
	struct fingerprint fingerprint; /* of its root */
	struct service_server *servers;
	size_t server_count;
	size_t last_good;
	struct service_line *idle;
};

size_t service_last_good(struct service *service);
struct member_id service_server_id(struct service *service, size_t index);
void service_server_learn(struct service *service, size_t index, const struct member_id *id);
/* What asking it has come to: an answer through `address`, or (NULL) the words of a failure. */
void service_server_note(struct service *service, size_t index, const struct service_address *address,
			 const struct why *why);
/* Addresses that need no look-up; false when there are none. */
bool service_server_addresses(struct service *service, size_t index, struct service_addresses *ret_addresses);
MUST_CHECK enum fault service_line_take(struct service *service, struct service_line **ret_line,
					struct why *why);
void service_line_give(struct service *service, struct service_line *line);

#endif
