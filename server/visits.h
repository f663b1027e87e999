/* server/visits.h - connections, each with the moment by which its next request's heading must be there.
 *
 * libmicrohttpd ends a connection on which nothing moves; one on which a byte comes now and then it keeps for
 * ever, with a place among the connections. So a thread looks once a second and shuts the sockets of those
 * that are late; libmicrohttpd then sees their end. A visit is left before its socket is closed, and no
 * socket is shut that has been left. Any thread, but one visit's calls are those of its worker.
 */
#ifndef FSENC_SERVER_VISITS_H
#define FSENC_SERVER_VISITS_H

#include <stdint.h>

#include "base/why.h"

#define VISIT_FOR_EVER INT64_MAX

struct visits;
struct visit;

MUST_CHECK enum fault visits_new(struct visits **ret_visits, struct why *why);
/* When all are left. */
void visits_free(struct visits *visits);
AUTO_POINTER(struct visits *, visits_free);

/* `until_ms` is boot time (base/clock.h). NULL: no memory; the other calls then do nothing. */
struct visit *visit_begin(struct visits *visits, int socket, int64_t until_ms);
void visit_may_last(struct visits *visits, struct visit *visit, int64_t until_ms);
void visit_end(struct visits *visits, struct visit *visit);

#endif
