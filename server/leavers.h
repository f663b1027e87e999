/* server/leavers.h - somebody is no member any more: does that ask for a new generation?
 *
 * Who never unlocked anything of a group takes no key along; who did, may have kept it. So a leaver of the
 * second kind makes the group's member counter grow, and all folders of the group that are known here are due
 * for a new generation (docs/FORMAT.md, "Leaving"). The store counts a leaver once for each time he leaves.
 *
 * A denial notices at once; those who never ask again are noticed by going round (server/rounds.h).
 * "Unknown" never makes a leaver. Any thread.
 */
#ifndef FSENC_SERVER_LEAVERS_H
#define FSENC_SERVER_LEAVERS_H

#include "server/server.h"

/* The directory has said no. `name` is the user's, or "" when nobody knows it any more. */
MUST_CHECK enum fault leavers_note(struct server *server, const struct member_id *account, const char *name,
				   const struct member_id *group, const struct directory_proof *proof,
				   struct why *why);

#endif
