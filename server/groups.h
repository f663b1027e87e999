/* server/groups.h - groups with a key, as the store has them, remembered.
 *
 * For unlocks and leases: without the descriptor, with the share still sealed under the master key. Read anew
 * when the store's version moves on. Any thread.
 */
#ifndef FSENC_SERVER_GROUPS_H
#define FSENC_SERVER_GROUPS_H

#include "server/master.h"
#include "server/store.h"

struct groups;

MUST_CHECK enum fault groups_new(struct store *store, struct groups **ret_groups, struct why *why);
void groups_free(struct groups *groups);
AUTO_POINTER(struct groups *, groups_free);

/* `descriptor` stays empty. FAULT_MISSING: no such group, or one without a key. */
MUST_CHECK enum fault groups_find(struct groups *groups, const struct member_id *id,
				  struct stored_group *ret_group, struct why *why);

#endif
