/* server/route.h - which handler answers which request: one table.
 *
 * A pattern is a path in which one segment may be "*": an id of 32 hex digits. A query may hold `name=`,
 * once, percent-encoded (RFC 3986; '+' is a plus sign), where the row says so, and nothing else. A path that
 * no row has is MISSING; one that has rows, but of other methods, is METHOD, and says which. Pure functions;
 * any thread.
 */
#ifndef FSENC_SERVER_ROUTE_H
#define FSENC_SERVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"
#include "ldap/directory.h"

/* Who must have signed the request. */
enum route_proof {
	ROUTE_OPEN, /* nobody */
	ROUTE_LOCAL, /* nobody, but it must come from this machine; for others it does not exist */
	ROUTE_SIGNED, /* an enrolled user */
	ROUTE_ENROLS, /* the key that is being enrolled: the handler checks it */
};
enum route_query { ROUTE_NO_NAME, ROUTE_MAY_NAME, ROUTE_MUST_NAME };

struct exchange;
/* A fault is answered as exchange_refuse() said, else as an internal failure whose words are logged. */
typedef enum fault route_handle(struct exchange *exchange, struct why *why);

struct route {
	const char *method;
	const char *pattern;
	enum route_proof proof;
	enum route_query query;
	size_t body_max;
	route_handle *handle;
};

struct route_match {
	const struct route *route;
	size_t number; /* of the row */
	struct member_id id; /* of "*" */
	char name[DIRECTORY_NAME_MAX + 1]; /* of `name=`; "" without */
};

enum route_answer { ROUTE_FOUND, ROUTE_MISSING, ROUTE_METHOD, ROUTE_MALFORMED };

/* METHOD: `*ret_allow` is what an Allow header says (static). FOUND: `*ret_match` is filled. */
MUST_CHECK enum route_answer route_find(const char *method, const char *target, struct route_match *ret_match,
					const char **ret_allow);

#define ROUTE_COUNT 14
/* The rows, ending with one whose method is NULL. A path has one method. */
extern const struct route routes[ROUTE_COUNT + 1];

#endif
