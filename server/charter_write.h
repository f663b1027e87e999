/* server/charter_write.h - a new policy or list of servers of the organisation, signed and written to every
 * store that is named.
 *
 * Its version is above that of every one of them.
 */
#ifndef FSENC_SERVER_CHARTER_WRITE_H
#define FSENC_SERVER_CHARTER_WRITE_H

#include "server/stores.h"

/* The newest policy of the opened stores: what a change begins with. */
const struct policy *charter_newest_policy(const struct stores *stores);

/* Signs `policy`, with the next version, and writes it. Faults as stores_change(). */
MUST_CHECK enum fault charter_write_policy(const struct call *call, struct stores *stores,
					   const struct identity *root, const struct policy *policy,
					   const char *detail, struct why *why);

/* The same for the organisation's descriptor. */
const struct organisation *charter_newest_organisation(const struct stores *stores);
MUST_CHECK enum fault charter_write_organisation(const struct call *call, struct stores *stores,
						 const struct identity *root,
						 const struct organisation *organisation, const char *detail,
						 struct why *why);

#endif
