#include "fs/tree_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/seal.h"

/* NOREPLACE: whoever made the new name meanwhile wins, and the old one stays for the pass. */
static void move_name(const struct place *place, const struct place_name *from, const struct place_name *to)
{
	AUTO(inode_unref) struct inode *inode = inode_find_entry(place->directory, from->entry);

	if (place_hold_name(place, to, NULL) != FAULT_NONE)
		return;
	inode_change_begin(place->directory);
	if (renameat2(place->fd, from->entry, place->fd, to->entry, RENAME_NOREPLACE) == 0) {
		inode_renamed(inode, place->directory, to->entry);
		inode_set_made(place->directory);
	}
	inode_change_end(place->directory);
	place_drop_name(place, to);
	place_drop_name(place, from);
}

enum fault tree_settle_name(const struct place *place, const char *name, struct place_name *ret_name,
			    struct why *why)
{
	struct place_name before;
	struct stat stored;
	enum fault fault = place_name(place, name, ret_name, why);

	if (fault || !place_name_before(place, name, &before))
		return fault;
	if (fstatat(place->fd, ret_name->entry, &stored, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT &&
	    fstatat(place->fd, before.entry, &stored, AT_SYMLINK_NOFOLLOW) == 0)
		move_name(place, &before, ret_name);
	return FAULT_NONE;
}

/* One way of making an entry; >= 0, or -1 with errno. */
typedef int (*make_entry)(const struct place *place, const char *entry, const struct tree_new *new,
			  const void *more);

static int make_directory(const struct place *place, const char *entry, const struct tree_new *new,
			  const void *more)
{
	(void)more;
	return mkdirat(place->fd, entry, new->mode);
}

static int make_node(const struct place *place, const char *entry, const struct tree_new *new,
		     const void *more)
{
	(void)more;
	return mknodat(place->fd, entry, new->mode, new->device);
}

static int make_symlink(const struct place *place, const char *entry, const struct tree_new *new,
			const void *more)
{
	const struct bytes *text = more;

	(void)new;
	return symlinkat((const char *)text->data, place->fd, entry);
}

static int make_file(const struct place *place, const char *entry, const struct tree_new *new,
		     const void *more)
{
	(void)more;
	return openat(place->fd, entry, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      new->mode & ~S_IFMT);
}

static int make_hard_link(const struct place *place, const char *entry, const struct tree_new *new,
			  const void *more)
{
	char path[REACH_PATH_SIZE];
	const struct reach *reach = more;

	(void)new;
	reach_path(reach->fd, path);
	return linkat(AT_FDCWD, path, place->fd, entry, AT_SYMLINK_FOLLOW);
}

/* The entry between two looks at its long-name file: somebody who removes the same name may take that away.
 */
static enum fault make(const struct place *place, const struct place_name *name, make_entry how,
		       const struct tree_new *new, const void *more, int *ret_fd, struct why *why)
{
	enum fault fault = place_hold_name(place, name, why);

	if (fault)
		return fault;
	*ret_fd = how(place, name->entry, new, more);
	if (*ret_fd < 0)
		fault = errno == EEXIST ? why_set(why, FAULT_EXISTS, "there is such a name")
					: why_system(why, "cannot make an entry");
	if (fault && fault != FAULT_EXISTS)
		place_drop_name(place, name);
	if (fault)
		return fault;
	inode_set_made(place->directory);
	return place_hold_name(place, name, why);
}

/* What was just made, as the kernel gets to know it. `fd` >= 0 saves a look. */
static enum fault meet_made(const struct place *place, const struct place_name *name, const char *plain,
			    uint32_t changes, int fd, struct tree_entry *ret_entry, struct why *why)
{
	AUTO(found_done) struct found found = {.fd = -1, .changes = changes};
	enum fault fault = FAULT_NONE;

	ret_entry->inode = NULL;
	if (fd >= 0)
		fault = sight_of(fd, &found.stored) == 0 ? FAULT_NONE
						      : why_system(why, "cannot read attributes");
	else
		fault = tree_look_entry(place, name->entry, &found, why);
	if (!fault)
		fault = tree_meet(place, name->entry, &found, ret_entry, why);
	if (fault || ret_entry->inode)
		return fault;
	return tree_lookup(place->tree, place->directory, plain, ret_entry, why);
}

/* Everything but directories is refused in a lobby, where contents would lie in the clear. */
static enum fault begin(struct tree *tree, struct inode *directory, const char *name, bool lobby_allowed,
			struct place *ret_place, struct place_name *ret_name, struct why *why)
{
	enum fault fault = place_enter(tree, directory, PLACE_MAKE, ret_place, why);

	if (fault)
		return fault;
	if (place_is_lobby(ret_place) && !lobby_allowed)
		return why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	return tree_settle_name(ret_place, name, ret_name, why);
}

enum fault tree_make_directory(struct tree *tree, struct inode *directory, const char *name,
			       const struct tree_new *new, struct tree_entry *ret_entry, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	struct place_name stored;
	uint32_t changes = inode_changes(directory);
	int made = -1;
	enum fault fault = begin(tree, directory, name, true, &place, &stored, why);

	if (!fault)
		fault = make(&place, &stored, make_directory, new, NULL, &made, why);
	if (!fault)
		fault = meet_made(&place, &stored, name, changes, -1, ret_entry, why);
	return fault;
}

enum fault tree_make_node(struct tree *tree, struct inode *directory, const char *name,
			  const struct tree_new *new, struct tree_entry *ret_entry, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	struct place_name stored;
	uint32_t changes = inode_changes(directory);
	int made = -1;
	enum fault fault = begin(tree, directory, name, false, &place, &stored, why);

	if (!fault)
		fault = make(&place, &stored, make_node, new, NULL, &made, why);
	if (!fault)
		fault = meet_made(&place, &stored, name, changes, -1, ret_entry, why);
	return fault;
}

enum fault tree_make_link(struct tree *tree, struct inode *directory, const char *name,
			  const struct tree_new *new, struct tree_entry *ret_entry, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct place_name stored;
	uint32_t changes = inode_changes(directory);
	int made = -1;
	enum fault fault = begin(tree, directory, name, false, &place, &stored, why);

	if (!fault)
		fault = seal_symlink(place.scope.view->terms.keys, new->target, &text, why);
	if (!fault)
		fault = make(&place, &stored, make_symlink, new, &text, &made, why);
	if (!fault)
		fault = meet_made(&place, &stored, name, changes, -1, ret_entry, why);
	return fault;
}

enum fault tree_make_file(struct tree *tree, struct inode *directory, const char *name,
			  const struct tree_new *new, struct tree_entry *ret_entry, int *ret_fd,
			  struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	AUTO(file_close) int fd = -1;
	struct place_name stored;
	uint32_t changes = inode_changes(directory);
	enum fault fault = begin(tree, directory, name, false, &place, &stored, why);

	if (!fault)
		fault = make(&place, &stored, make_file, new, NULL, &fd, why);
	if (!fault)
		fault = meet_made(&place, &stored, name, changes, fd, ret_entry, why);
	if (fault)
		return fault;
	*ret_fd = fd;
	fd = -1;
	return FAULT_NONE;
}

/* -- without a name ------------------------------------------------------------------------------ */

/* It is known by an entry that no name can be, and loses that at once. */
static enum fault meet_nameless(const struct place *place, int fd, struct tree_entry *ret_entry,
				struct why *why)
{
	AUTO(found_done) struct found found = {.fd = -1};
	char entry[INODE_ENTRY_SIZE];
	enum fault fault = FAULT_NONE;

	if (sight_of(fd, &found.stored) != 0)
		return why_system(why, "cannot read attributes");
	(void)snprintf(entry, sizeof(entry), "/%ju", (uintmax_t)found.stored.stat.st_ino);
	ret_entry->inode = NULL;
	while (!fault && !ret_entry->inode) {
		found.changes = inode_changes(place->directory);
		fault = tree_meet(place, entry, &found, ret_entry, why);
	}
	if (!fault)
		inode_removed(ret_entry->inode, place->directory, entry, -1);
	return fault;
}

enum fault tree_make_nameless(struct tree *tree, struct inode *directory, const struct tree_new *new,
			      struct tree_entry *ret_entry, int *ret_fd, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	int flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (new->fixed ? O_EXCL : 0);
	enum fault fault = place_enter(tree, directory, PLACE_MAKE, &place, why);

	if (!fault && place_is_lobby(&place))
		fault = why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	if (fault)
		return fault;
	AUTO(file_close) int fd = openat(place.fd, ".", flags, new->mode & ~S_IFMT);
	if (fd < 0)
		return why_system(why, "cannot make a nameless file");
	fault = meet_nameless(&place, fd, ret_entry, why);
	if (fault)
		return fault;
	*ret_fd = fd;
	fd = -1;
	return FAULT_NONE;
}

/* -- another name -------------------------------------------------------------------------------- */

static enum fault must_share_folder(struct tree *tree, struct inode *inode, const struct place *place,
				    struct why *why)
{
	AUTO(inode_unref) struct inode *parent = inode_parent(inode);
	AUTO(folder_unref) struct folder *folder = parent ? inode_folder(parent) : NULL;

	(void)tree;
	if (folder != place->scope.folder)
		return why_set(why, FAULT_CROSS_FOLDER, "a link into another folder");
	return FAULT_NONE;
}

enum fault tree_link(struct tree *tree, struct inode *inode, struct inode *directory, const char *name,
		     struct tree_entry *ret_entry, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	AUTO(reach_close) struct reach reach = REACH_NONE;
	struct place_name stored;
	uint32_t changes = inode_changes(directory);
	int made = -1;
	enum fault fault = begin(tree, directory, name, false, &place, &stored, why);

	if (!fault)
		fault = must_share_folder(tree, inode, &place, why);
	if (!fault)
		fault = reach_open(inode, &reach, why);
	if (!fault)
		fault = make(&place, &stored, make_hard_link, NULL, &reach, &made, why);
	if (!fault)
		fault = meet_made(&place, &stored, name, changes, -1, ret_entry, why);
	return fault;
}
