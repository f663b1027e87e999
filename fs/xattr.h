/* fs/xattr.h - extended attributes: `user.*` sealed, a few of ours to read, no others.
 *
 * `system.*`, `security.*` and `trusted.*` are FAULT_UNSUPPORTED without a question to the share: the kernel
 * asks for security.capability at every write. Virtual and read-only, never listed:
 *
 *   user.fsenc.state   directories: "open", "locked: ...", "lobby"; files: "open" or "unclean"
 *   user.fsenc.share   directories: the share's path
 *   user.fsenc.stored  directories: the stored path below it, empty for the root
 */
#ifndef FSENC_FS_XATTR_H
#define FSENC_FS_XATTR_H

#include "fs/tree.h"

#define XATTR_VALUE_MAX 65536

/* The value is appended. FAULT_SYSTEM with ENODATA: there is none. */
MUST_CHECK enum fault xattr_get(struct tree *tree, struct inode *inode, const char *name,
				struct bytes *ret_value, struct why *why);
struct xattr_value {
	const void *bytes;
	size_t size;
	int flags; /* XATTR_CREATE, XATTR_REPLACE */
};
MUST_CHECK enum fault xattr_set(struct tree *tree, struct inode *inode, const char *name,
				const struct xattr_value *value, struct why *why);
MUST_CHECK enum fault xattr_remove(struct tree *tree, struct inode *inode, const char *name, struct why *why);
/* Names with their closing zeros, as listxattr(2) gives them. */
MUST_CHECK enum fault xattr_list(struct tree *tree, struct inode *inode, struct bytes *ret_names,
				 struct why *why);

#endif
