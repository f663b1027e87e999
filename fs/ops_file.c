#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "fs/applock.h"
#include "fs/durable.h"
#include "fs/killpriv.h"
#include "fs/loop.h"

#define CREATE_ATTEMPTS 16

/* -- opening -------------------------------------------------------------------------------- */

static void end_unheard(struct tree *tree, struct open_file *file)
{
	applock_released(tree->locks, file);
	(void)!file_end(file, NULL);
}

/* The kernel cuts a write that begins inside a page it does not have into two requests, and another client
 * could append between them: a handle that can do nothing but append has no pages. */
static bool only_appends(int flags)
{
	return flags & O_APPEND && (flags & O_ACCMODE) == O_WRONLY;
}

/* The kernel has no pages of a new file yet. By way of pages it would ask for "security.capability" first, and
 * copy once more. */
static bool only_fills(const struct tree *tree, int flags, bool made)
{
	return made && (flags & O_ACCMODE) == O_WRONLY && tree->direct_is_coherent && !tree->options->writeback;
}

static void set_handle(const struct tree *tree, struct open_file *file, bool made, struct fuse_file_info *fi)
{
	fi->fh = (uintptr_t)file;
	/* Close-to-open: other clients may have changed it since. */
	fi->keep_cache = tree->options->local;
	fi->direct_io = (!tree->options->local && only_appends(fi->flags)) ||
			only_fills(tree, fi->flags, made) || !file_may_be_kept(file);
}

/* The kernel drops the pages of a file that is opened, but not its idea of where the file ends: of another
 * client's longer version it would read too little. */
static void refresh(const struct tree *tree, struct inode *inode, struct open_file *file)
{
	if (file_is_news(file))
		(void)fuse_lowlevel_notify_inval_inode(tree->session, inode_node(inode), -1, 0);
}

/* The kernel goes on by the mode that it knows, until it is told. */
static enum fault kill_privileges(const struct tree *tree, struct open_file *file, struct why *why)
{
	bool changed = false;

	if (!loop_kills_privileges())
		return FAULT_NONE;
	enum fault fault = killpriv_do(file_descriptor(file), &changed, why);
	if (changed)
		(void)fuse_lowlevel_notify_inval_inode(tree->session, inode_node(file_inode(file)), -1, 0);
	return fault;
}

static enum fault open_existing(struct tree *tree, struct inode *inode, int flags,
				struct open_file **ret_file, struct why *why)
{
	enum fault fault = file_open(tree, inode, flags, ret_file, why);

	if (fault)
		return fault;
	fault = kill_privileges(tree, *ret_file, why);
	if (fault)
		end_unheard(tree, *ret_file);
	return fault;
}

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct tree *tree = ops_tree(req);
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	struct open_file *file;
	struct why why = WHY_NONE;

	if (!inode)
		return;
	enum fault fault = open_existing(tree, inode, fi->flags, &file, &why);
	if (fault) {
		ops_end(req, fault, &why);
		return;
	}
	set_handle(tree, file, false, fi);
	refresh(tree, inode, file);
	if (fuse_reply_open(req, fi) != 0)
		end_unheard(tree, file);
}

/* Without a name: `name` NULL. */
static enum fault make_and_open(struct tree *tree, struct inode *directory, const char *name,
				const struct tree_new *new, int flags, struct tree_entry *ret_entry,
				struct open_file **ret_file, struct why *why)
{
	int fd;
	enum fault fault = name ? tree_make_file(tree, directory, name, new, ret_entry, &fd, why)
				: tree_make_nameless(tree, directory, new, ret_entry, &fd, why);

	if (fault)
		return fault;
	fault = file_adopt(tree, ret_entry->inode, fd, flags | O_RDWR, ret_file, why);
	if (fault)
		inode_forget(tree->inodes, inode_node(ret_entry->inode), 1);
	return fault;
}

static enum fault open_there(struct tree *tree, struct inode *directory, const char *name, int flags,
			     struct tree_entry *ret_entry, struct open_file **ret_file, struct why *why)
{
	enum fault fault = tree_lookup(tree, directory, name, ret_entry, why);

	if (fault)
		return fault;
	if (inode_type(ret_entry->inode) == S_IFREG)
		fault = open_existing(tree, ret_entry->inode, flags, ret_file, why);
	else
		fault = why_set(why, FAULT_EXISTS, "there is something else of that name");
	if (fault)
		inode_forget(tree->inodes, inode_node(ret_entry->inode), 1);
	return fault;
}

static bool is_gone(enum fault fault, const struct why *why)
{
	return fault == FAULT_MISSING || (fault == FAULT_SYSTEM && why->error == ESTALE);
}

/* Whoever loses the race to make a file opens the winner's, unless he asked for a new one. */
static enum fault create(struct tree *tree, struct inode *directory, const char *name,
			 const struct tree_new *new, int flags, struct tree_entry *ret_entry,
			 struct open_file **ret_file, bool *ret_made, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (unsigned i = 0; i < CREATE_ATTEMPTS; i++) {
		tree_entry_done(ret_entry);
		fault = make_and_open(tree, directory, name, new, flags, ret_entry, ret_file, why);
		*ret_made = !fault;
		if (fault != FAULT_EXISTS || flags & O_EXCL)
			return fault;
		tree_entry_done(ret_entry);
		fault = open_there(tree, directory, name, flags, ret_entry, ret_file, why);
		if (!is_gone(fault, why))
			return fault;
	}
	return fault;
}

void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct tree *tree = ops_tree(req);
	AUTO(inode_unref) struct inode *directory = ops_inode(req, parent);
	AUTO(tree_entry_done) struct tree_entry entry = {.inode = NULL};
	const struct tree_new new = {.mode = mode, .fixed = fi->flags & O_EXCL};
	struct fuse_entry_param param;
	struct open_file *file;
	bool made = true;
	struct why why = WHY_NONE;

	if (!directory)
		return;
	enum fault fault =
		loop_makes_nameless()
			? make_and_open(tree, directory, NULL, &new, fi->flags, &entry, &file, &why)
			: create(tree, directory, name, &new, fi->flags, &entry, &file, &made, &why);
	if (fault) {
		ops_end(req, fault, &why);
		return;
	}
	set_handle(tree, file, made, fi);
	ops_fill_entry(tree, &entry, &param);
	if (file_is_news(file))
		param.attr_timeout = 0;
	if (fuse_reply_create(req, &param, fi) != 0) {
		end_unheard(tree, file);
		inode_forget(tree->inodes, param.ino, 1);
	}
}

/* -- using ------------------------------------------------------------------------------------- */

void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	uint8_t *buffer = ops_buffer(size);
	struct why why = WHY_NONE;
	size_t got;

	(void)ino;
	if (!buffer) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	(void)ops_tree(req);
	enum fault fault = file_read_at(ops_file(fi), offset, size, buffer, &got, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		(void)fuse_reply_buf(req, (const char *)buffer, got);
}

void ops_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset,
	       struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;

	(void)ino;
	enum fault fault = kill_privileges(ops_tree(req), ops_file(fi), &why);
	const struct file_bytes data = {offset, (const uint8_t *)bytes, size};
	if (!fault)
		fault = fi->writepage ? file_write_page(ops_file(fi), &data, &why)
				      : file_write_at(ops_file(fi), &data, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		(void)fuse_reply_write(req, size);
}

void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;

	(void)ino;
	enum fault fault = file_flush(ops_file(fi), &why);
	applock_flushed(ops_tree(req)->locks, ops_file(fi), fi->lock_owner);
	ops_end(req, fault, &why);
}

void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;

	(void)ino;
	applock_released(ops_tree(req)->locks, ops_file(fi));
	ops_end(req, file_end(ops_file(fi), &why), &why);
}

void ops_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;

	(void)ino;
	ops_end(req, durable_file(ops_file(fi), data_only, &why), &why);
}

void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		   struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;

	(void)ino;
	ops_end(req, file_allocate(ops_file(fi), mode, offset, length, &why), &why);
}

void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct why why = WHY_NONE;
	int64_t found;

	(void)ino;
	enum fault fault = file_seek(ops_file(fi), offset, whence, &found, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		(void)fuse_reply_lseek(req, found);
}

/* -- locks --------------------------------------------------------------------------------------- */

void ops_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *range)
{
	const struct applock_request request = {
		.request = req, .file = ops_file(fi), .owner = fi->lock_owner, .range = *range};

	(void)ino;
	applock_test(ops_tree(req)->locks, &request);
}

void ops_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *range, int sleep)
{
	const struct applock_request request = {.request = req,
						.file = ops_file(fi),
						.owner = fi->lock_owner,
						.waits = sleep,
						.range = *range};

	(void)ino;
	applock_set(ops_tree(req)->locks, &request);
}

void ops_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	int kind = op & ~LOCK_NB;
	short type = kind == LOCK_EX ? F_WRLCK : kind == LOCK_SH ? F_RDLCK : F_UNLCK;
	const struct applock_request request = {.request = req,
						.file = ops_file(fi),
						.owner = fi->lock_owner,
						.waits = !(op & LOCK_NB),
						.range = {.l_type = type},
						.flock = true};

	(void)ino;
	applock_set(ops_tree(req)->locks, &request);
}
