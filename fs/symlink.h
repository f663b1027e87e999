/* fs/symlink.h - where a symlink leads: its sealed target, opened. */
#ifndef FSENC_FS_SYMLINK_H
#define FSENC_FS_SYMLINK_H

#include "fs/tree.h"

/* The target is appended, with a closing zero that is not counted. */
MUST_CHECK enum fault symlink_read(struct tree *tree, struct inode *inode, struct bytes *ret_target,
				   struct why *why);

#endif
