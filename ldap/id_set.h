/* ldap/id_set.h - ids that were met already.
 *
 * Each group is looked at once, so a cycle of groups ends; each member is told once. A plain value; start
 * with ID_SET_EMPTY. One thread.
 */
#ifndef FSENC_LDAP_ID_SET_H
#define FSENC_LDAP_ID_SET_H

#include <stddef.h>

#include "keys/id.h"

struct id_set {
	struct member_id *slots; /* zeros: free */
	size_t room; /* a power of two, at most half full */
	size_t count;
};

#define ID_SET_EMPTY ((struct id_set){.slots = NULL})

void id_set_done(struct id_set *set);
AUTO_VALUE(struct id_set, id_set_done);

bool id_set_has(const struct id_set *set, const struct member_id *id);
/* *ret_new: it was not there. false: no memory. */
MUST_CHECK bool id_set_add(struct id_set *set, const struct member_id *id, bool *ret_new);

#endif
