/* fs/tree.h - the share as a tree of plain names: looking up, making, removing and renaming.
 *
 * A struct tree is all that the operations of one mount share. Every function takes inodes (fs/inode.h) and
 * plain names, enters the folders it passes (fs/place.h), and gives results in plain terms: sizes of contents
 * and of link targets, not of what is stored. Each refusal has the errno that programs on the mount expect.
 * Any thread; nothing is locked during input and output.
 */
#ifndef FSENC_FS_TREE_H
#define FSENC_FS_TREE_H

#include "fs/handle.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/place.h"
#include "fs/reach.h"

struct fuse_session;
struct applocks;
struct complaints;
struct errands;
struct loop;

struct tree {
	struct share *share;
	struct inode_table *inodes;
	struct handles handles;
	const struct mount_options *options;
	struct ring *ring; /* or NULL */
	struct applocks *locks;
	struct fuse_session *session;
	struct loop *loop;
	struct errands *errands; /* or NULL */
	const char *directory; /* where it is mounted */
	double entry_timeout, attr_timeout;
	bool direct_is_coherent; /* a write past the kernel's pages of a file drops those that it makes old */
	struct complaints *complaints;
	void (*ready)(void *context); /* told when the kernel begins to ask */
	void *ready_context;
	_Atomic int64_t used_ms; /* when the last request came, milliseconds since boot */
	uint64_t generation; /* tells the numbers of this mount from those of another */
};

/* The root inode with its folder. `ring` and `session` may be filled in later. */
MUST_CHECK enum fault tree_open(struct share *share, const struct mount_options *options,
				struct tree **ret_tree, struct why *why);
/* With it goes what is still open. */
void tree_close(struct tree *tree);
AUTO_POINTER(struct tree *, tree_close);

/* What a name leads to; the look-up is counted for the kernel. */
struct tree_entry {
	struct inode *inode; /* reference */
	struct stat shown;
};
void tree_entry_done(struct tree_entry *entry);
AUTO_VALUE(struct tree_entry, tree_entry_done);

/* FAULT_MISSING: there is no such name. */
MUST_CHECK enum fault tree_lookup(struct tree *tree, struct inode *directory, const char *name,
				  struct tree_entry *ret_entry, struct why *why);
/* "." and ".." of an inode that the kernel knows by number only (NFS export). */
MUST_CHECK enum fault tree_lookup_known(struct tree *tree, struct inode *inode, bool parent,
					struct tree_entry *ret_entry, struct why *why);

MUST_CHECK enum fault tree_attributes(struct tree *tree, struct inode *inode, struct stat *ret_shown,
				      struct why *why);
/* Stored attributes as the mount shows them. `view` is of the folder that the inode lies in, NULL in a lobby.
 */
void tree_show(const struct tree *tree, const struct folder_view *view, struct stat *stored);

/* -- making ---------------------------------------------------------------------------- */

struct tree_new {
	mode_t mode; /* with the S_IFMT bits for tree_make_node() */
	dev_t device;
	const char *target; /* of a symlink */
	bool fixed; /* of a nameless file: it never gets a name */
};
/* FAULT_EXISTS when there is something. */
MUST_CHECK enum fault tree_make_directory(struct tree *tree, struct inode *directory, const char *name,
					  const struct tree_new *new, struct tree_entry *ret_entry,
					  struct why *why);
MUST_CHECK enum fault tree_make_node(struct tree *tree, struct inode *directory, const char *name,
				     const struct tree_new *new, struct tree_entry *ret_entry,
				     struct why *why);
MUST_CHECK enum fault tree_make_link(struct tree *tree, struct inode *directory, const char *name,
				     const struct tree_new *new, struct tree_entry *ret_entry,
				     struct why *why);
/* An empty stored file, opened read-write. */
MUST_CHECK enum fault tree_make_file(struct tree *tree, struct inode *directory, const char *name,
				     const struct tree_new *new, struct tree_entry *ret_entry, int *ret_fd,
				     struct why *why);
/* The same without a name (O_TMPFILE), until tree_link() gives it one. FAULT_SYSTEM with EOPNOTSUPP where the share
 * has no such files. */
MUST_CHECK enum fault tree_make_nameless(struct tree *tree, struct inode *directory, const struct tree_new *new,
					 struct tree_entry *ret_entry, int *ret_fd, struct why *why);
/* Another name for a file that is there. */
MUST_CHECK enum fault tree_link(struct tree *tree, struct inode *inode, struct inode *directory,
				const char *name, struct tree_entry *ret_entry, struct why *why);

/* -- removing and renaming --------------------------------------------------------------- */

MUST_CHECK enum fault tree_remove_file(struct tree *tree, struct inode *directory, const char *name,
				       struct why *why);
/* Nothing but an empty directory. */
MUST_CHECK enum fault tree_remove_directory(struct tree *tree, struct inode *directory, const char *name,
					    struct why *why);
/* `flags` of renameat2(2): RENAME_NOREPLACE or RENAME_EXCHANGE. */
struct tree_rename {
	struct inode *from, *to;
	const char *from_name, *to_name;
	unsigned flags;
};
MUST_CHECK enum fault tree_rename(struct tree *tree, const struct tree_rename *rename, struct why *why);

#endif
