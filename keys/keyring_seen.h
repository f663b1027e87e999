/* keys/keyring_seen.h - the one rule of whatever is pinned, for the rest of keys/keyring*.c.
 *
 * A version once seen is never followed by a lower one, nor by another object of the same number. Any thread.
 */
#ifndef FSENC_KEYS_KEYRING_SEEN_H
#define FSENC_KEYS_KEYRING_SEEN_H

#include "base/why.h"
#include "keys/id.h"

#define VERSION_LEAST 1
#define VERSION_MOST INT64_MAX /* sqlite's integers; records stay below 2^53 */

struct seen {
	uint64_t version; /* 0: nothing was seen */
	const struct digest *digest;
};

extern const struct seen nothing_seen;

/* FAULT_TAMPERED; FAULT_INVALID for a version outside VERSION_LEAST..VERSION_MOST. */
MUST_CHECK enum fault seen_check_forward(const struct seen *before, const struct seen *now, struct why *why);

#endif
