/* fs/ops.h - the operations that the kernel asks for, and what they have in common.
 *
 * Each operation turns numbers into inodes, calls one function of tree, file, listing, xattr or applock, and
 * turns the answer into a reply. Here, and nowhere else below the mount, a fault becomes an errno.
 */
#ifndef FSENC_FS_OPS_H
#define FSENC_FS_OPS_H

#include "fs/file.h"
#include "fs/fuse.h"
#include "fs/listing.h"

extern const struct fuse_lowlevel_ops ops_table;

/* -- for ops_*.c ---------------------------------------------------------------------------- */

struct tree *ops_tree(fuse_req_t req);
/* A new reference; when the kernel's number is not known any more, NULL, and the request is answered
 * (ESTALE). */
struct inode *ops_inode(fuse_req_t req, fuse_ino_t ino);
/* Answers with the fault's errno (0 for none) and tells the log. FAULT_PENDING and
 * FAULT_TURN: the request is parked (fs/loop.h), and the operation comes once more. */
void ops_end(fuse_req_t req, enum fault fault, const struct why *why);
void ops_attributes(fuse_req_t req, struct inode *inode, const struct stat *shown);
void ops_fill_entry(const struct tree *tree, const struct tree_entry *entry,
		    struct fuse_entry_param *ret_param);
/* Answers with the entry, or the failure. Takes the kernel's count back if nobody waits for the answer any
 * more. */
void ops_entry(fuse_req_t req, enum fault fault, const struct tree_entry *entry, const struct why *why);
/* A buffer of this thread, wiped and freed when it ends; NULL without memory. */
uint8_t *ops_buffer(size_t size);
static inline struct open_file *ops_file(const struct fuse_file_info *fi)
{
	return (struct open_file *)(uintptr_t)fi->fh;
}
static inline struct listing *ops_listing(const struct fuse_file_info *fi)
{
	return (struct listing *)(uintptr_t)fi->fh;
}

/* ops_names.c */
void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups);
void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
		unsigned flags);
void ops_readlink(fuse_req_t req, fuse_ino_t ino);

/* ops_attributes.c */
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int which, struct fuse_file_info *fi);
void ops_access(fuse_req_t req, fuse_ino_t ino, int mask);
void ops_statfs(fuse_req_t req, fuse_ino_t ino);
void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		  int flags);
void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* ops_directory.c */
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);

/* ops_file.c */
void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset,
	       struct fuse_file_info *fi);
void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);
void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		   struct fuse_file_info *fi);
void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void ops_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *range);
void ops_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *range, int sleep);
void ops_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);

#endif
