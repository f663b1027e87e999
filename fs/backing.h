/* fs/backing.h - the file system below a share: what it is, whom its locks reach, what its word is worth.
 *
 * Locks of a local file system reach everybody who uses it. NFS and SMB pass them to the
 * server unless a mount option keeps them here. A FUSE file system grants locks that reach
 * nobody, and no probe can tell (measured), so it and everything unknown is not trusted.
 *
 * Some clients of file servers keep writes to themselves, fsync or not, and bring them to the server
 * seconds later in an order of their own. No probe can tell that either: what was written is read
 * back from the client. Those found to do it are known by name (docs/OPERATIONS.md).
 */
#ifndef FSENC_FS_BACKING_H
#define FSENC_FS_BACKING_H

#include <stdbool.h>

#define BACKING_KIND_SIZE 64

struct backing {
	char kind[BACKING_KIND_SIZE]; /* "ext4", "nfs4", "cifs", "fuse.sshfs", ... */
	bool trusts_locks;
	bool keeps_writes; /* reports success before the server has the bytes */
};

/* Of any descriptor, O_PATH too. */
struct backing backing_of(int fd);
/* For one row of /proc/self/mountinfo that is already at hand: `kind` and the options behind it. */
bool backing_options_keep_locks_here(const char *options);
/* Likewise, for the type and the source. */
bool backing_keeps_writes(const char *type, const char *source);

#endif
