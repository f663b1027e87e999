/* fs/tree_parts.h - the steps that looking up, making and removing have in common, for tree*.c alone. */
#ifndef FSENC_FS_TREE_PARTS_H
#define FSENC_FS_TREE_PARTS_H

#include "fs/tree.h"

/* What stands under a stored name. */
struct found {
	int fd; /* O_PATH */
	uint32_t changes;
	struct sight stored;
};
void found_done(struct found *found);
AUTO_VALUE(struct found, found_done);

MUST_CHECK enum fault tree_look_entry(const struct place *place, const char *entry, struct found *ret_found,
				      struct why *why);
/* Takes over found->fd. ret_entry->inode is NULL when names changed meanwhile: look again. */
MUST_CHECK enum fault tree_meet(const struct place *place, const char *entry, struct found *found,
				struct tree_entry *ret_entry, struct why *why);

/* The stored name for a change. While `rekey --names` runs, an entry still stored under the key before is
 * first renamed to the present one, so that each change deals with one name. */
MUST_CHECK enum fault tree_settle_name(const struct place *place, const char *name,
				       struct place_name *ret_name, struct why *why);

#endif
