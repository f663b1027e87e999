/* server/builtin_walk.h - a walk through nested groups, breadth first, each once: for server/builtin*.c.
 *
 * Steps are ids in the order in which they were met, so a step's level never exceeds that of a later one and
 * the way back over `from` is a shortest path. A cycle ends because what was met is not met again.
 */
#ifndef FSENC_SERVER_BUILTIN_WALK_H
#define FSENC_SERVER_BUILTIN_WALK_H

#include "ldap/directory.h"
#include "server/store.h"

#define WALK_START SIZE_MAX /* `from` of the first */

struct walk_step {
	struct member_id id;
	size_t from; /* the step it was met from */
	unsigned level;
};

struct walk {
	struct walk_step *steps;
	size_t count;
	size_t room;
	size_t *places; /* by hash: a step's number plus one, or 0; twice as many as there is room */
};
#define WALK_EMPTY ((struct walk){NULL, 0, 0, NULL})

void walk_done(struct walk *walk);
AUTO_VALUE(struct walk, walk_done);

/* *ret_new (may be NULL) is false when it was met before. FAULT_MEMORY. */
MUST_CHECK enum fault walk_meet(struct walk *walk, const struct member_id *id, size_t from, bool *ret_new,
				struct why *why);

/* From a user up through every group that holds it, to `group` or (NULL) to the end: *ret_step is where it
 * was met, or `count`. The user is step 0, so a direct group has level 1. */
MUST_CHECK enum fault walk_up(struct store *store, const struct member_id *user,
			      const struct member_id *group, struct walk *walk, size_t *ret_step,
			      struct why *why);

/* "alice < auditors < finance": from who began the walk to `step`. Cut where there is no room. */
MUST_CHECK enum fault walk_path_up(struct store *store, const struct walk *walk, size_t step,
				   const char *user_name, char path[static DIRECTORY_TEXT_SIZE],
				   struct why *why);
/* "auditors < finance": from `step` back to the group that began the walk. */
MUST_CHECK enum fault walk_path_back(struct store *store, const struct walk *walk, size_t step,
				     char path[static DIRECTORY_TEXT_SIZE], struct why *why);

#endif
