/* keys/network.h - notices that the machine may reach others again: an address or a default route has
 * appeared, or the machine has woken from suspend.
 *
 * Addresses and routes by rtnetlink(7). One that is there already does not count when it is announced again,
 * as router advertisements and DHCP renewals do all day; an IPv6 address counts once it is usable. Waking
 * shows as boot time running ahead of CLOCK_MONOTONIC; a timer that is cancelled by it (timerfd_create(2))
 * makes a poll() return at once.
 *
 *     fds = network_fds(network);
 *     poll(...);
 *     if (network_has_changed(network)) ...
 *
 * One thread at a time.
 */
#ifndef FSENC_KEYS_NETWORK_H
#define FSENC_KEYS_NETWORK_H

#include <stdbool.h>

#include "base/why.h"

struct network;

/* What there is now is known and no change. FAULT_SYSTEM. */
MUST_CHECK enum fault network_open(struct network **ret_network, struct why *why);
void network_close(struct network *network);
AUTO_POINTER(struct network *, network_close);

struct network_fds {
	int routes, timer;
};
/* For poll(), both to be read; owned by `network`. */
struct network_fds network_fds(const struct network *network);
/* Since the last call. Never blocks. */
MUST_CHECK bool network_has_changed(struct network *network);

#endif
