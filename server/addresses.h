/* server/addresses.h - how many connections each address has, and no more than so many.
 *
 * An IPv6 client has a whole /64: that is its address here. Whoever comes by a UNIX socket has none and is
 * not counted. Memory is for the addresses that are connected now. Any thread.
 */
#ifndef FSENC_SERVER_ADDRESSES_H
#define FSENC_SERVER_ADDRESSES_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/why.h"

struct addresses;

MUST_CHECK enum fault addresses_new(unsigned most, struct addresses **ret_addresses, struct why *why);
void addresses_free(struct addresses *addresses);
AUTO_POINTER(struct addresses *, addresses_free);

/* false: it has as many as it may, or there is no memory. */
MUST_CHECK bool addresses_enter(struct addresses *addresses, const struct sockaddr *peer);
/* For each that has entered. */
void addresses_leave(struct addresses *addresses, const struct sockaddr *peer);

#endif
