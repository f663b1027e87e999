/* keys/lease.h - how long an unlocked group key may be used without asking a key server again.
 *
 * A pure state machine over boot time (suspend counts). A lease runs from the moment the request was *sent*;
 * from 1/3 of it on it should be renewed; a renewal that fails is tried every 10 s with jitter (in a lease
 * under two minutes every twelfth of it) until the lease ends; a denial ends it at once. Length 0: never
 * valid; usable only right after an answer, for the access that asked. Times in milliseconds since boot. One
 * of zeros has ended. docs/ARCHITECTURE.md, "Leases and the countdown". The caller serialises, but
 * lease_is_valid() may be called by any thread at any time.
 */
#ifndef FSENC_KEYS_LEASE_H
#define FSENC_KEYS_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LEASE_RETRY_MS 10000
#define LEASE_JITTER_MS 2000
#define LEASE_SECONDS_MAX 86400

struct lease {
	_Atomic int64_t valid_until_ms; /* not valid from this moment on; 0: ended */
	int64_t granted_ms; /* when the request was sent */
	int64_t length_ms;
	int64_t renew_at_ms; /* next attempt */
};

/* More than LEASE_SECONDS_MAX is as much as that. */
void lease_grant(struct lease *lease, int64_t sent_ms, uint32_t seconds);
/* The policy's grace: so much longer it may be used while no server answers. It is renewed as before, and a
 * denial ends it at once; nothing for one that has ended. */
void lease_extend(struct lease *lease, uint32_t seconds);
/* A renewal got no answer. `jitter_ms` is -LEASE_JITTER_MS..LEASE_JITTER_MS. */
void lease_renewal_failed(struct lease *lease, int64_t now_ms, int64_t jitter_ms);
/* Denied, or given up: not valid any more. */
void lease_end(struct lease *lease);
bool lease_is_valid(const struct lease *lease, int64_t now_ms);
bool lease_renewal_is_due(const struct lease *lease, int64_t now_ms);
/* When the caller should look again: the earlier of renewal and end; INT64_MAX when it has ended. */
int64_t lease_next_ms(const struct lease *lease);

#endif
