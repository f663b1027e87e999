#include "fs/attributes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fuse.h"
#include "fs/killpriv.h"

#define OWNER_BITS (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define TIME_BITS (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)

static enum fault set_size(struct tree *tree, struct inode *inode, const struct attributes_change *change,
			   struct why *why)
{
	struct open_file *file = change->file;

	if (file && file_is_writable(file))
		return file_truncate(file, change->wanted->st_size, why);
	enum fault fault = file_open(tree, inode, O_WRONLY, &file, why);
	if (fault)
		return fault;
	fault = file_truncate(file, change->wanted->st_size, why);
	enum fault ended = file_end(file, fault ? NULL : why);
	return fault ? fault : ended;
}

static enum fault set_owner(int fd, const struct attributes_change *change, struct why *why)
{
	uid_t uid = change->which & FUSE_SET_ATTR_UID ? change->wanted->st_uid : (uid_t)-1;
	gid_t gid = change->which & FUSE_SET_ATTR_GID ? change->wanted->st_gid : (gid_t)-1;

	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		return why_system(why, "cannot change the owner");
	return FAULT_NONE;
}

static struct timespec time_of(int which, int bit, int now_bit, struct timespec wanted)
{
	if (which & now_bit)
		wanted.tv_nsec = UTIME_NOW;
	else if (!(which & bit))
		wanted.tv_nsec = UTIME_OMIT;
	return wanted;
}

static enum fault set_times(int fd, const struct attributes_change *change, struct why *why)
{
	int which = change->which;
	const struct timespec times[2] = {
		time_of(which, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, change->wanted->st_atim),
		time_of(which, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, change->wanted->st_mtim),
	};

	if (utimensat(fd, "", times, AT_EMPTY_PATH) != 0)
		return why_system(why, "cannot change the times");
	return FAULT_NONE;
}

/* A new owner takes away set-user-id bits, so the mode comes after it; the size sets times, so they come
 * last. */
static enum fault set_stored(int fd, const struct attributes_change *change, struct why *why)
{
	enum fault fault = FAULT_NONE;

	if (change->kills_privileges)
		fault = killpriv_do(fd, &(bool){false}, why);
	if (!fault && change->which & OWNER_BITS)
		fault = set_owner(fd, change, why);
	if (!fault && change->which & FUSE_SET_ATTR_MODE)
		fault = reach_set_mode(fd, change->wanted->st_mode, why);
	if (!fault && change->which & TIME_BITS)
		fault = set_times(fd, change, why);
	return fault;
}

enum fault attributes_set(struct tree *tree, struct inode *inode, const struct attributes_change *change,
			  struct stat *ret_shown, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	AUTO(reach_close) struct reach reach = REACH_NONE;
	struct stat stored;
	enum fault fault = scope_enter_of(tree, inode, PLACE_CHANGE, &scope, why);

	if (!fault && change->which & FUSE_SET_ATTR_SIZE)
		fault = set_size(tree, inode, change, why);
	if (!fault && !change->file)
		fault = reach_open(inode, &reach, why);
	if (fault)
		return fault;
	int fd = change->file ? file_descriptor(change->file) : reach.fd;
	fault = set_stored(fd, change, why);
	if (!fault && fstat(fd, &stored) != 0)
		fault = why_system(why, "cannot read attributes");
	if (fault)
		return fault;
	tree_show(tree, scope.view, &stored);
	*ret_shown = stored;
	return FAULT_NONE;
}
