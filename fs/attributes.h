/* fs/attributes.h - changing mode, owner, times and size of what the mount shows. */
#ifndef FSENC_FS_ATTRIBUTES_H
#define FSENC_FS_ATTRIBUTES_H

#include "fs/file.h"

struct attributes_change {
	const struct stat *wanted;
	int which; /* FUSE_SET_ATTR_* */
	struct open_file *file; /* the handle it was asked through, or NULL */
	bool kills_privileges; /* fs/killpriv.h */
};
MUST_CHECK enum fault attributes_set(struct tree *tree, struct inode *inode,
				     const struct attributes_change *change, struct stat *ret_shown,
				     struct why *why);

#endif
