#include "fs/tree_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/file.h"
#include "fs/seal.h"

#define LOOK_ATTEMPTS 64
#define DIRECTORIES_MAX 4096
#define DIRECTORIES_MIN 64
#define SHARED_SECONDS 1.0
#define LOCAL_SECONDS 60.0

/* -- the tree ------------------------------------------------------------------------------------- */

/* A quarter of what the process may open; the rest is for open files and locks. */
static unsigned directories_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return DIRECTORIES_MIN;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	rlim_t quarter = limit.rlim_cur / 4;
	return quarter > DIRECTORIES_MAX   ? DIRECTORIES_MAX
	       : quarter < DIRECTORIES_MIN ? DIRECTORIES_MIN
					   : (unsigned)quarter;
}

static enum fault find_root_folder(struct tree *tree, struct inode *root, struct why *why)
{
	AUTO(folder_unref) struct folder *folder = NULL;
	enum fault fault = folder_find(tree->share, share_root(tree->share), "", NULL, &folder, why);

	if (fault == FAULT_MISSING && share_record_of(tree->share)->lobby)
		return FAULT_NONE;
	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_TAMPERED, "the share's root has lost its access list");
	if (!fault)
		inode_set_folder(root, folder);
	return fault;
}

enum fault tree_open(struct share *share, const struct mount_options *options, struct tree **ret_tree,
		     struct why *why)
{
	struct sight stored;
	AUTO(tree_close) struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	handles_init(&tree->handles);
	tree->share = share;
	tree->options = options;
	tree->entry_timeout = options->local ? LOCAL_SECONDS : SHARED_SECONDS;
	tree->attr_timeout = tree->entry_timeout;
	if (options->attr_timeout >= 0 && (options->local || options->attr_timeout < SHARED_SECONDS))
		tree->attr_timeout = options->attr_timeout;
	randombytes_buf(&tree->generation, sizeof(tree->generation));
	if (sight_of(share_root(share), &stored) != 0)
		return why_system(why, "cannot read the share's root");
	enum fault fault = inode_table_new(share_root(share), &stored, directories_max(), &tree->inodes, why);
	if (fault)
		return fault;
	AUTO(inode_unref) struct inode *root = inode_find(tree->inodes, INODE_ROOT);
	fault = find_root_folder(tree, root, why);
	if (!fault)
		*ret_tree = TAKE(tree);
	return fault;
}

void tree_close(struct tree *tree)
{
	if (!tree)
		return;
	handles_done(&tree->handles);
	inode_table_free(tree->inodes);
	free(tree);
}

void tree_entry_done(struct tree_entry *entry)
{
	inode_unref(entry->inode);
	entry->inode = NULL;
}

/* -- attributes ----------------------------------------------------------------------------------- */

void tree_show(const struct tree *tree, const struct folder_view *view, struct stat *stored)
{
	const struct mount_options *options = tree->options;

	if (view && S_ISREG(stored->st_mode))
		stored->st_size = content_size_of(stored->st_size, view->terms.block_log2);
	if (view && S_ISLNK(stored->st_mode))
		stored->st_size = (off_t)seal_symlink_plain_size((size_t)stored->st_size);
	if (options->has_uid)
		stored->st_uid = options->uid;
	if (options->has_gid)
		stored->st_gid = options->gid;
	if (options->has_umask)
		stored->st_mode = (stored->st_mode & S_IFMT) | (0777 & ~options->umask);
}

/* The kernel reads an open file as far as these say that it goes, so they are those of the file that is open.
 * By name another client's could be found, which has just got the name, and perhaps the old one's number. */
static enum fault stored_attributes(struct inode *inode, struct stat *ret_stored, struct why *why)
{
	AUTO(reach_close) struct reach reach = REACH_NONE;
	AUTO(file_close) int fd = inode_handle(inode);

	if (fd >= 0)
		return fstat(fd, ret_stored) == 0 ? FAULT_NONE : why_system(why, "cannot read attributes");
	enum fault fault = reach_open(inode, &reach, why);
	if (!fault)
		*ret_stored = reach.stored.stat;
	return fault;
}

enum fault tree_attributes(struct tree *tree, struct inode *inode, struct stat *ret_shown, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	struct stat stored;
	enum fault fault = scope_enter_of(tree, inode, PLACE_SEEN, &scope, why);

	if (!fault)
		fault = stored_attributes(inode, &stored, why);
	if (fault)
		return fault;
	tree_show(tree, scope.view, &stored);
	*ret_shown = stored;
	return FAULT_NONE;
}

/* -- looking up ----------------------------------------------------------------------------------- */

static bool means_missing(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

enum fault tree_look_entry(const struct place *place, const char *entry, struct found *ret_found,
			   struct why *why)
{
	AUTO(file_close) int fd = -1;

	ret_found->changes = inode_changes(place->directory);
	fd = openat(place->fd, entry, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && means_missing(errno))
		return why_set(why, FAULT_MISSING, "no such name");
	if (fd < 0 || sight_of(fd, &ret_found->stored) != 0)
		return why_system(why, "cannot look at an entry");
	if (place_is_lobby(place) && !S_ISDIR(ret_found->stored.stat.st_mode))
		return why_set(why, FAULT_MISSING, "a plain file in a lobby");
	ret_found->fd = fd;
	fd = -1;
	return FAULT_NONE;
}

static enum fault look_name(const struct place *place, const char *name, struct place_name *ret_name,
			    struct found *ret_found, struct why *why)
{
	enum fault fault = place_name(place, name, ret_name, why);

	if (fault == FAULT_FORBIDDEN)
		return why_set(why, FAULT_MISSING, "names of ours are not shown");
	if (!fault)
		fault = tree_look_entry(place, ret_name->entry, ret_found, why);
	if (fault == FAULT_MISSING && place_name_before(place, name, ret_name))
		fault = tree_look_entry(place, ret_name->entry, ret_found, why);
	return fault;
}

enum fault tree_meet(const struct place *place, const char *entry, struct found *found,
		     struct tree_entry *ret_entry, struct why *why)
{
	int fd = found->fd;

	found->fd = -1;
	enum fault fault = inode_meet(place->directory, entry, found->changes, &found->stored, fd,
				      &ret_entry->inode, why);
	if (fault || !ret_entry->inode)
		return fault;
	ret_entry->shown = found->stored.stat;
	tree_show(place->tree, place->scope.view, &ret_entry->shown);
	return FAULT_NONE;
}

void found_done(struct found *found)
{
	file_close(found->fd);
	found->fd = -1;
}

/* *ret_again: the directory has become a folder, or names changed while we looked. */
static enum fault lookup_once(struct tree *tree, struct inode *directory, const char *name,
			      struct tree_entry *ret_entry, bool *ret_again, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	AUTO(found_done) struct found found = {.fd = -1};
	struct place_name stored;
	/* Before the keys: a directory that becomes a folder counts as changed. */
	uint32_t changes = inode_changes(directory);
	enum fault fault = place_enter(tree, directory, PLACE_SEEN, &place, why);

	*ret_again = false;
	if (fault)
		return fault;
	fault = look_name(&place, name, &stored, &found, why);
	found.changes = changes;
	if (fault == FAULT_MISSING) {
		enum fault looked = place_look(tree, directory, ret_again, why);
		return looked ? looked : why_set(why, fault, "no such name");
	}
	if (!fault)
		fault = tree_meet(&place, stored.entry, &found, ret_entry, why);
	*ret_again = !fault && !ret_entry->inode;
	return fault;
}

enum fault tree_lookup(struct tree *tree, struct inode *directory, const char *name,
		       struct tree_entry *ret_entry, struct why *why)
{
	enum fault fault = FAULT_MISSING;
	bool again = true;

	ret_entry->inode = NULL;
	for (unsigned i = 0; again && i < LOOK_ATTEMPTS; i++)
		fault = lookup_once(tree, directory, name, ret_entry, &again, why);
	if (!fault && !ret_entry->inode)
		return why_set(why, FAULT_BUSY, "names change too fast");
	return fault;
}

enum fault tree_lookup_known(struct tree *tree, struct inode *inode, bool parent,
			     struct tree_entry *ret_entry, struct why *why)
{
	AUTO(inode_unref) struct inode *found = parent ? inode_parent(inode) : inode_ref(inode);
	struct inode *wanted = found ? found : inode;
	enum fault fault = tree_attributes(tree, wanted, &ret_entry->shown, why);

	if (fault)
		return fault;
	inode_count_lookup(wanted);
	ret_entry->inode = inode_ref(wanted);
	return FAULT_NONE;
}
