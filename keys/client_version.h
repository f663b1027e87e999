/* keys/client_version.h - is this program new enough for the organisation's policy?
 *
 * A version is one to eight numbers with dots between them, "0.10.2", compared number by number; numbers that
 * are not there are 0. The policy's `minimum_client` closes to older programs what an organisation answers
 * for: group keys, and changes of access lists. What a user's own key opens stays open (product.md, offline
 * rule 1). It is the program itself that obeys: to a server it could call itself anything. Any thread.
 */
#ifndef FSENC_KEYS_CLIENT_VERSION_H
#define FSENC_KEYS_CLIENT_VERSION_H

#include "keys/organisation.h"

/* Of this program. */
const char *client_version(void);

MUST_CHECK bool client_version_is_valid(const char *text);
/* Is the valid version `one` older than `other`? */
MUST_CHECK bool client_version_is_older(const char *one, const char *other);

/* FAULT_DENIED: the policy wants a newer program than this. */
MUST_CHECK enum fault client_version_check(const struct policy *policy, struct why *why);

#endif
