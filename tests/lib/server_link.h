/* tests/lib/server_link.h - one keep-alive connection to a key server, for load: TLS, blocking, no more
 * than that.
 *
 * The answer's signature is verified; an answer that is not as it should be ends the program, because a load
 * that is answered wrongly measures nothing.
 */
#ifndef FSENC_TESTS_LIB_SERVER_LINK_H
#define FSENC_TESTS_LIB_SERVER_LINK_H

#include "keys/request.h"

struct link;

struct link_server {
	const char *host; /* an IPv4 address */
	unsigned port;
	const char *certificate; /* PEM, what the server must show */
	struct member_id id;
	uint8_t sign_public[SIGN_PUBLIC_SIZE];
};

/* Once, before threads. */
void link_start(const struct link_server *server);
struct link *link_open(void);
void link_close(struct link *link);

/* Signs, sends, receives, verifies. The body lives until the next call. */
unsigned link_ask(struct link *link, const struct identity *user, const char *method, const char *target,
		  const void *body, size_t body_size, const uint8_t **ret_body, size_t *ret_body_size);

/* The same, in which anything may be wrong. */
struct link_request {
	const char *method, *target;
	const char *authorization; /* NULL: none */
	const void *body;
	size_t body_size;
	const struct digest *digest; /* what the answer must be signed for; NULL: it need not be */
};
unsigned link_send(struct link *link, const struct link_request *request, const uint8_t **ret_body,
		   size_t *ret_body_size);

#endif
