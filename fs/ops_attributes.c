#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/attributes.h"
#include "fs/loop.h"
#include "fs/xattr.h"

void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	struct why why = WHY_NONE;
	struct stat shown;

	if (!inode)
		return;
	enum fault fault = fi && inode_type(inode) == S_IFREG
				   ? file_attributes(ops_file(fi), &shown, &why)
				   : tree_attributes(ops_tree(req), inode, &shown, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		ops_attributes(req, inode, &shown);
}

void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int which, struct fuse_file_info *fi)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	struct why why = WHY_NONE;
	struct stat shown;

	if (!inode)
		return;
	const struct attributes_change change = {
		.wanted = wanted,
		.which = which,
		.file = fi && inode_type(inode) == S_IFREG ? ops_file(fi) : NULL,
		.kills_privileges = loop_kills_privileges(),
	};
	enum fault fault = attributes_set(ops_tree(req), inode, &change, &shown, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		ops_attributes(req, inode, &shown);
}

/* Asked only without default_permissions: then the storage decides, for the user who mounted. */
void ops_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	AUTO(reach_close) struct reach reach = REACH_NONE;
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	char path[REACH_PATH_SIZE];
	struct why why = WHY_NONE;

	if (!inode)
		return;
	enum fault fault = scope_enter_of(ops_tree(req), inode, PLACE_SEEN, &scope, &why);
	if (!fault)
		fault = reach_open(inode, &reach, &why);
	if (!fault) {
		reach_path(reach.fd, path);
		if (faccessat(AT_FDCWD, path, mask, AT_EACCESS) != 0)
			fault = why_system(&why, "no access");
	}
	ops_end(req, fault, &why);
}

void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs storage;

	(void)ino;
	if (fstatvfs(share_root(ops_tree(req)->share), &storage) != 0) {
		(void)fuse_reply_err(req, errno);
		return;
	}
	storage.f_namemax = NAME_MAX_PLAIN;
	(void)fuse_reply_statfs(req, &storage);
}

/* -- extended attributes ---------------------------------------------------------------------- */

/* Most requests are for attributes that we never have; they need no inode. */
static bool is_refused(fuse_req_t req, const char *name)
{
	if (strncmp(name, "user.", 5) == 0)
		return false;
	(void)fuse_reply_err(req, EOPNOTSUPP);
	return true;
}

static void reply_bytes(fuse_req_t req, const struct bytes *bytes, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, bytes->size);
	else if (bytes->size > size)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, (const char *)bytes->data, bytes->size);
}

void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	AUTO(bytes_done) struct bytes value = BYTES_EMPTY;
	struct why why = WHY_NONE;

	if (is_refused(req, name))
		return;
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	if (!inode)
		return;
	enum fault fault = xattr_get(ops_tree(req), inode, name, &value, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		reply_bytes(req, &value, size);
}

void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	struct why why = WHY_NONE;

	if (!inode)
		return;
	enum fault fault = xattr_list(ops_tree(req), inode, &names, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		reply_bytes(req, &names, size);
}

void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	const struct xattr_value wanted = {value, size, flags};
	struct why why = WHY_NONE;

	if (is_refused(req, name))
		return;
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	if (inode)
		ops_end(req, xattr_set(ops_tree(req), inode, name, &wanted, &why), &why);
}

void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct why why = WHY_NONE;

	if (is_refused(req, name))
		return;
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	if (inode)
		ops_end(req, xattr_remove(ops_tree(req), inode, name, &why), &why);
}
