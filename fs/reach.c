#include "fs/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define NAME_ATTEMPTS 16

static enum fault stale(struct why *why)
{
	errno = ESTALE;
	return why_system(why, "what was there is gone, or another file stands there");
}

void reach_path(int fd, char path[static REACH_PATH_SIZE])
{
	(void)snprintf(path, REACH_PATH_SIZE, "/proc/self/fd/%d", fd);
}

enum fault reach_set_mode(int fd, mode_t mode, struct why *why)
{
	char path[REACH_PATH_SIZE];

	reach_path(fd, path);
	if (chmod(path, mode & 07777) != 0)
		return why_system(why, "cannot change the mode");
	return FAULT_NONE;
}

/* Failures that say nothing about the name. */
static bool is_about_the_name(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE || error == EISDIR ||
	       error == ENXIO;
}

static enum fault open_by_name(const struct inode_name *name, int flags, int *ret_fd, struct why *why)
{
	int above;
	enum fault fault = inode_lend(name->parent, &above, why);

	if (fault)
		return fault;
	*ret_fd = flags & O_PATH ? openat(above, name->entry, flags | O_NOFOLLOW | O_CLOEXEC)
				 : file_open_regular(above, name->entry, flags, 0);
	int error = errno;
	inode_return(name->parent);
	errno = error;
	if (*ret_fd < 0 && !is_about_the_name(error))
		return why_system(why, "cannot open");
	return FAULT_NONE;
}

static bool is_it(struct inode *inode, int fd, struct sight *ret_stored)
{
	return fd >= 0 && sight_of(fd, ret_stored) == 0 && inode_is(inode, ret_stored);
}

/* By its name; -1 in *ret_fd when something else stands there and the name is not under change. */
static enum fault reach_by_name(struct inode *inode, int flags, struct sight *ret_stored, int *ret_fd,
				struct why *why)
{
	for (unsigned i = 0; i < NAME_ATTEMPTS; i++) {
		AUTO(inode_name_done) struct inode_name name = {.parent = NULL};
		AUTO(file_close) int fd = -1;

		inode_name(inode, &name);
		*ret_fd = -1;
		if (name.gone || !name.parent)
			return FAULT_NONE;
		enum fault fault = open_by_name(&name, flags, &fd, why);
		if (fault)
			return fault;
		if (fd >= 0 && !ret_stored && !inode_name_is_stale(inode, &name)) {
			*ret_fd = fd;
			fd = -1;
			return FAULT_NONE;
		}
		struct sight stored;
		if (is_it(inode, fd, &stored)) {
			if (ret_stored)
				*ret_stored = stored;
			*ret_fd = fd;
			fd = -1;
			return FAULT_NONE;
		}
		if (!inode_name_is_stale(inode, &name))
			return FAULT_NONE;
		inode_name_settle(&name);
	}
	return FAULT_NONE;
}

static enum fault reach_directory(struct inode *inode, struct reach *ret_reach, struct why *why)
{
	enum fault fault = inode_lend(inode, &ret_reach->fd, why);

	if (fault)
		return fault;
	ret_reach->lender = inode;
	if (sight_of(ret_reach->fd, &ret_reach->stored) == 0)
		return FAULT_NONE;
	fault = why_system(why, "cannot read attributes");
	reach_close(ret_reach);
	return fault;
}

enum fault reach_open(struct inode *inode, struct reach *ret_reach, struct why *why)
{
	AUTO(file_close) int fd = -1;

	*ret_reach = REACH_NONE;
	if (inode_type(inode) == S_IFDIR)
		return reach_directory(inode, ret_reach, why);
	enum fault fault = reach_by_name(inode, O_PATH, &ret_reach->stored, &fd, why);
	if (fault)
		return fault;
	if (fd < 0) {
		fd = inode_spare(inode);
		if (!is_it(inode, fd, &ret_reach->stored))
			return stale(why);
	}
	ret_reach->fd = fd;
	fd = -1;
	return FAULT_NONE;
}

void reach_close(struct reach *reach)
{
	if (reach->lender)
		inode_return(reach->lender);
	else
		file_close(reach->fd);
	*reach = REACH_NONE;
}

static enum fault reopen(int fd, int flags, int *ret_fd, struct why *why)
{
	char path[REACH_PATH_SIZE];

	reach_path(fd, path);
	*ret_fd = open(path, flags | O_CLOEXEC);
	return *ret_fd < 0 ? why_system(why, "cannot open") : FAULT_NONE;
}

/* A look at the spare was before its opening, and says nothing of a client that closed the file in between. */
enum fault reach_open_file(struct inode *inode, int flags, bool certain, struct reach_file *ret_file,
			   struct why *why)
{
	AUTO(file_close) int fd = -1;
	struct sight stored;
	enum fault fault = reach_by_name(inode, flags, certain ? NULL : &ret_file->stored, &fd, why);

	if (fault)
		return fault;
	ret_file->looked = fd >= 0 && !certain;
	if (fd >= 0) {
		ret_file->fd = fd;
		fd = -1;
		return FAULT_NONE;
	}
	AUTO(file_close) int spare = inode_spare(inode);
	if (!is_it(inode, spare, &stored))
		return stale(why);
	return reopen(spare, flags, &ret_file->fd, why);
}
