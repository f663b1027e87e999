/* server/accept.h - a thread that takes connections from a listening socket and gives each away.
 *
 * By itself and not by the threads that answer: whichever of those woke first would take several, and a
 * request would wait behind others while threads are idle. Without a free descriptor it says so, waits a
 * moment and goes on.
 */
#ifndef FSENC_SERVER_ACCEPT_H
#define FSENC_SERVER_ACCEPT_H

#include <sys/socket.h>

#include "base/why.h"

/* Takes the connection over: non-blocking, close-on-exec. */
typedef void accept_give(void *context, int connection, const struct sockaddr *peer, socklen_t peer_size);

struct accepting;

/* Takes the listening socket over, also on failure. */
MUST_CHECK enum fault accept_start(int listening, accept_give *give, void *context,
				   struct accepting **ret_accepting, struct why *why);
/* From its return on nothing more is given away, and the socket is closed. NULL is allowed. */
void accept_stop(struct accepting *accepting);

#endif
