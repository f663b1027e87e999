#include "fs/ops.h"

#include <string.h>

#include "fs/symlink.h"

/* A name that is not there may be remembered as such while nobody else can make it. */
static void reply_missing(fuse_req_t req, const struct tree *tree)
{
	const struct fuse_entry_param none = {.entry_timeout = tree->entry_timeout};

	(void)fuse_reply_entry(req, &none);
}

/* The kernel asks for "." and ".." only of files it has by number alone. */
static enum fault lookup(struct tree *tree, struct inode *parent, const char *name,
			 struct tree_entry *ret_entry, struct why *why)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return tree_lookup_known(tree, parent, name[1] == '.', ret_entry, why);
	return tree_lookup(tree, parent, name, ret_entry, why);
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct tree *tree = ops_tree(req);
	AUTO(inode_unref) struct inode *directory = ops_inode(req, parent);
	AUTO(tree_entry_done) struct tree_entry entry = {.inode = NULL};
	struct why why = WHY_NONE;

	if (!directory)
		return;
	enum fault fault = lookup(tree, directory, name, &entry, &why);
	if (fault == FAULT_MISSING && tree->options->local)
		reply_missing(req, tree);
	else
		ops_entry(req, fault, &entry, &why);
}

void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	inode_forget(ops_tree(req)->inodes, ino, lookups);
	fuse_reply_none(req);
}

void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		inode_forget(ops_tree(req)->inodes, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

typedef enum fault (*maker)(struct tree *tree, struct inode *directory, const char *name,
			    const struct tree_new *new, struct tree_entry *ret_entry, struct why *why);

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, const struct tree_new *new, maker how)
{
	AUTO(inode_unref) struct inode *directory = ops_inode(req, parent);
	AUTO(tree_entry_done) struct tree_entry entry = {.inode = NULL};
	struct why why = WHY_NONE;

	if (!directory)
		return;
	enum fault fault = how(ops_tree(req), directory, name, new, &entry, &why);
	ops_entry(req, fault, &entry, &why);
}

void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	const struct tree_new new = {.mode = mode, .device = device};

	make(req, parent, name, &new, tree_make_node);
}

void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	const struct tree_new new = {.mode = mode};

	make(req, parent, name, &new, tree_make_directory);
}

void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	const struct tree_new new = {.target = target};

	make(req, parent, name, &new, tree_make_link);
}

void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	AUTO(inode_unref) struct inode *directory = inode ? ops_inode(req, parent) : NULL;
	AUTO(tree_entry_done) struct tree_entry entry = {.inode = NULL};
	struct why why = WHY_NONE;

	if (!directory)
		return;
	enum fault fault = tree_link(ops_tree(req), inode, directory, name, &entry, &why);
	ops_entry(req, fault, &entry, &why);
}

void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	AUTO(inode_unref) struct inode *directory = ops_inode(req, parent);
	struct why why = WHY_NONE;

	if (directory)
		ops_end(req, tree_remove_file(ops_tree(req), directory, name, &why), &why);
}

void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	AUTO(inode_unref) struct inode *directory = ops_inode(req, parent);
	struct why why = WHY_NONE;

	if (directory)
		ops_end(req, tree_remove_directory(ops_tree(req), directory, name, &why), &why);
}

void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
		unsigned flags)
{
	AUTO(inode_unref) struct inode *from_directory = ops_inode(req, parent);
	AUTO(inode_unref) struct inode *to_directory = from_directory ? ops_inode(req, to) : NULL;
	struct why why = WHY_NONE;
	const struct tree_rename rename = {from_directory, to_directory, name, to_name, flags};

	if (to_directory)
		ops_end(req, tree_rename(ops_tree(req), &rename, &why), &why);
}

void ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	AUTO(bytes_done) struct bytes target = BYTES_EMPTY;
	struct why why = WHY_NONE;

	if (!inode)
		return;
	enum fault fault = symlink_read(ops_tree(req), inode, &target, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		(void)fuse_reply_readlink(req, (const char *)target.data);
}
