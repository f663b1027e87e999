#include "fs/ops.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "fs/complaint.h"
#include "fs/loop.h"
#include "fs/readahead.h"

/* -- what operations have in common ----------------------------------------------------------- */

struct tree *ops_tree(fuse_req_t req)
{
	struct tree *tree = fuse_req_userdata(req);

	tree->used_ms = clock_boot_ms();
	return tree;
}

struct inode *ops_inode(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_find(ops_tree(req)->inodes, ino);

	if (!inode)
		(void)fuse_reply_err(req, ESTALE);
	return inode;
}

void ops_end(fuse_req_t req, enum fault fault, const struct why *why)
{
	if ((fault == FAULT_PENDING && loop_park(req)) || (fault == FAULT_TURN && loop_park_for_turn(req)))
		return;
	/* It has waited long enough. */
	if (fault == FAULT_PENDING)
		fault = FAULT_UNREACHABLE;
	if (fault)
		complain(ops_tree(req)->complaints, fault, why);
	(void)fuse_reply_err(req, why_errno(why, fault));
}

void ops_attributes(fuse_req_t req, struct inode *inode, const struct stat *shown)
{
	inode_tell(inode, shown);
	(void)fuse_reply_attr(req, shown, ops_tree(req)->attr_timeout);
}

void ops_fill_entry(const struct tree *tree, const struct tree_entry *entry,
		    struct fuse_entry_param *ret_param)
{
	inode_tell(entry->inode, &entry->shown);
	*ret_param = (struct fuse_entry_param){
		.ino = inode_node(entry->inode),
		.generation = tree->generation,
		.attr = entry->shown,
		.attr_timeout = tree->attr_timeout,
		.entry_timeout = tree->entry_timeout,
	};
}

void ops_entry(fuse_req_t req, enum fault fault, const struct tree_entry *entry, const struct why *why)
{
	struct tree *tree = ops_tree(req);
	struct fuse_entry_param param;

	if (fault) {
		ops_end(req, fault, why);
		return;
	}
	ops_fill_entry(tree, entry, &param);
	if (fuse_reply_entry(req, &param) != 0)
		inode_forget(tree->inodes, param.ino, 1);
}

/* -- one buffer a thread ------------------------------------------------------------------------ */

struct buffer {
	size_t size;
	uint8_t bytes[];
};

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;

static void buffer_free(void *value)
{
	struct buffer *buffer = value;

	secret_wipe(buffer->bytes, buffer->size);
	free(buffer);
}

static void buffer_key_make(void)
{
	(void)pthread_key_create(&buffer_key, buffer_free);
}

uint8_t *ops_buffer(size_t size)
{
	(void)pthread_once(&buffer_once, buffer_key_make);
	struct buffer *buffer = pthread_getspecific(buffer_key);
	if (buffer && buffer->size >= size)
		return buffer->bytes;
	struct buffer *larger = malloc(sizeof(*larger) + size);
	if (!larger)
		return NULL;
	larger->size = size;
	if (buffer)
		buffer_free(buffer);
	(void)pthread_setspecific(buffer_key, larger);
	return larger->bytes;
}

/* -- the table ---------------------------------------------------------------------------------- */

/* Linux 6.6. */
#define DIRECT_COHERENT_MINOR 39

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	struct tree *tree = userdata;
	unsigned wanted = FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS |
			  FUSE_CAP_ASYNC_READ | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_POSIX_LOCKS |
			  FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;

	if (tree->options->writeback && tree->options->local)
		wanted |= FUSE_CAP_WRITEBACK_CACHE;
	conn->want |= wanted & conn->capable;
	/* Data is decrypted into memory of ours; pipes would only copy it once more. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	if (conn->max_write > FILE_WRITE_MAX)
		conn->max_write = FILE_WRITE_MAX;
	/* The same as among the options of the mount. */
	conn->max_read = READAHEAD_REQUEST;
	if (readahead_widen(tree->directory))
		conn->max_readahead = READAHEAD_WINDOW;
	tree->direct_is_coherent = conn->proto_minor >= DIRECT_COHERENT_MINOR;
	if (tree->ready)
		tree->ready(tree->ready_context);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = ops_init,
	.lookup = ops_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.access = ops_access,
	.statfs = ops_statfs,
	.setxattr = ops_setxattr,
	.getxattr = ops_getxattr,
	.listxattr = ops_listxattr,
	.removexattr = ops_removexattr,
	.readlink = ops_readlink,
	.mknod = ops_mknod,
	.mkdir = ops_mkdir,
	.symlink = ops_symlink,
	.link = ops_link,
	.unlink = ops_unlink,
	.rmdir = ops_rmdir,
	.rename = ops_rename,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.releasedir = ops_releasedir,
	.fsyncdir = ops_fsyncdir,
	.create = ops_create,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.flush = ops_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.fallocate = ops_fallocate,
	.lseek = ops_lseek,
	.getlk = ops_getlk,
	.setlk = ops_setlk,
	.flock = ops_flock,
};
