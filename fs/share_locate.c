/* Which share, and where in it: of a path on the share, or seen through a mount. */
#include "fs/share.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "fs/backing.h"
#include "fs/format.h"

#define MOUNT_KIND "fuse.fsenc"
#define XATTR_SHARE FORMAT_XATTR_PREFIX "share"
#define XATTR_STORED FORMAT_XATTR_PREFIX "stored"

/* -- through a mount ------------------------------------------------------------------ */

static enum fault read_xattr(const char *path, const char *name, char **ret_value, struct why *why)
{
	ssize_t room = getxattr(path, name, NULL, 0);
	if (room < 0)
		return why_system(why, "cannot ask the mount where '%s' is", path);
	AUTO(free) char *value = calloc(1, (size_t)room + 1);
	if (!value)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	ssize_t size = getxattr(path, name, value, (size_t)room);
	if (size < 0)
		return why_system(why, "cannot ask the mount where '%s' is", path);
	*ret_value = TAKE(value);
	return FAULT_NONE;
}

static enum fault ask_mount(const char *path, char **ret_share_path, char **ret_stored_path, struct why *why)
{
	AUTO(free) char *share = NULL;
	AUTO(free) char *stored = NULL;
	enum fault fault = read_xattr(path, XATTR_SHARE, &share, why);
	if (!fault)
		fault = read_xattr(path, XATTR_STORED, &stored, why);
	if (fault)
		return fault;
	*ret_share_path = TAKE(share);
	*ret_stored_path = TAKE(stored);
	return FAULT_NONE;
}

/* The answer is believed from a mount of ours alone: on any other file system whoever writes the
 * share could set these attributes, and lead `add-user` to a share of his choice. */
static bool is_in_a_mount(const char *path)
{
	AUTO(file_close) int fd = open(path, O_PATH | O_CLOEXEC);

	return fd >= 0 && strcmp(backing_of(fd).kind, MOUNT_KIND) == 0;
}

/* -- on the share --------------------------------------------------------------------- */

static bool is_share(const char *directory)
{
	AUTO(file_close) int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat stat;

	return fd >= 0 && fstatat(fd, FORMAT_SHARE_FILE, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(stat.st_mode);
}

/* "/a/b" becomes "/a", "/a" becomes "/"; false at the root. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash || path[1] == 0)
		return false;
	slash[slash == path] = 0;
	return true;
}

static enum fault climb(const char *path, char **ret_share_path, char **ret_stored_path, struct why *why)
{
	AUTO(free) char *up = strdup(path);
	if (!up)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	while (!is_share(up))
		if (!go_up(up))
			return why_set(why, FAULT_MISSING, "'%s' is in no share", path);
	const char *rest = path + strlen(up);
	AUTO(free) char *stored = strdup(rest + strspn(rest, "/"));
	if (!stored)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_share_path = TAKE(up);
	*ret_stored_path = TAKE(stored);
	return FAULT_NONE;
}

enum fault share_locate(const char *path, char **ret_share_path, char **ret_stored_path, struct why *why)
{
	AUTO(free) char *real = realpath(path, NULL);
	struct stat stat_of;
	if (!real && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "'%s' does not exist", path);
	if (!real || stat(real, &stat_of) != 0)
		return why_system(why, "cannot find '%s'", path);
	/* A file belongs to the directory it is in. */
	if (!S_ISDIR(stat_of.st_mode) && !go_up(real))
		return why_set(why, FAULT_MISSING, "'%s' is in no share", path);
	if (is_in_a_mount(real))
		return ask_mount(real, ret_share_path, ret_stored_path, why);
	return climb(real, ret_share_path, ret_stored_path, why);
}
