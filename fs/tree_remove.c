#include "fs/tree_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/folder_remove.h"
#include "fs/stored_list.h"

/* An entry about to go: who it is, and a descriptor that outlives its name. Opening O_PATH asks nothing of
 * the share. */
struct leaving {
	struct inode *inode; /* reference, or NULL */
	int pin;
};

static void leaving_done(struct leaving *leaving)
{
	inode_unref(leaving->inode);
	file_close(leaving->pin);
}
AUTO_VALUE(struct leaving, leaving_done);

static struct leaving leaving_of(const struct place *place, const char *entry)
{
	struct leaving leaving = {.inode = inode_find_entry(place->directory, entry), .pin = -1};

	if (leaving.inode)
		leaving.pin = openat(place->fd, entry, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return leaving;
}

static void left(struct leaving *leaving, const struct place *place, const char *entry)
{
	int pin = leaving->pin;

	leaving->pin = -1;
	inode_removed(leaving->inode, place->directory, entry, pin);
}

static enum fault unlink_entry(const struct place *place, const struct place_name *name, int flags,
			       struct why *why)
{
	AUTO(leaving_done) struct leaving leaving = leaving_of(place, name->entry);
	enum fault fault = FAULT_NONE;

	inode_change_begin(place->directory);
	if (unlinkat(place->fd, name->entry, flags) != 0)
		fault = why_system(why, "cannot remove an entry");
	else
		left(&leaving, place, name->entry);
	inode_change_end(place->directory);
	if (fault)
		return fault;
	place_drop_name(place, name);
	return FAULT_NONE;
}

enum fault tree_remove_file(struct tree *tree, struct inode *directory, const char *name, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	struct place_name stored;
	enum fault fault = place_enter(tree, directory, PLACE_CHANGE, &place, why);

	if (!fault && place_is_lobby(&place))
		fault = why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	if (!fault)
		fault = tree_settle_name(&place, name, &stored, why);
	if (!fault)
		fault = unlink_entry(&place, &stored, 0, why);
	return fault;
}

/* -- directories ---------------------------------------------------------------------------------- */

static bool is_not_empty(const struct why *why, enum fault fault)
{
	return fault == FAULT_SYSTEM && (why->error == ENOTEMPTY || why->error == EEXIST);
}

static enum fault not_empty(struct why *why)
{
	errno = ENOTEMPTY;
	return why_system(why, "the directory is not empty");
}

/* Long names whose entry is gone: what a crash leaves, and no program can see or remove. */
static void sweep_long_names(int directory, const struct stored_list *list)
{
	char entry[INODE_ENTRY_SIZE];
	struct stat stored;

	for (size_t i = 0; i < list->count; i++) {
		const char *name = stored_list_name(list, i);
		if (name_classify(name) != NAME_LONG_FILE)
			continue;
		(void)snprintf(entry, sizeof(entry), "%.*s", (int)(strlen(name) - strlen(FORMAT_LONG_SUFFIX)),
			       name);
		if (fstatat(directory, entry, &stored, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			(void)unlinkat(directory, name, 0);
	}
}

static bool holds_only_ours(const struct stored_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		enum name_kind kind = name_classify(stored_list_name(list, i));
		if (kind != NAME_OURS && kind != NAME_LONG_FILE)
			return false;
	}
	return true;
}

static enum fault close_folder(struct tree *tree, struct inode *inode, const struct access_place *at,
			       struct bytes *ret_text, struct why *why)
{
	AUTO(scope_leave) struct scope own = SCOPE_NONE;
	enum fault fault = scope_enter(tree, inode, PLACE_CHANGE, &own, why);

	if (!fault && (!own.view || own.view->role != ROLE_ADMIN))
		fault = why_set(why, FAULT_DENIED, "only an admin removes a folder");
	if (!fault)
		fault = folder_remove(at, ret_text, why);
	return fault;
}

/* A directory that the share says is not empty: a folder with nothing but our own files goes with a closing
 * record; anything else only loses what nobody can see. */
static enum fault remove_full(struct tree *tree, const struct place *place, const struct place_name *name,
			      struct inode *inode, struct why *why)
{
	AUTO(stored_list_done) struct stored_list list = STORED_LIST_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	char path[RING_PATH_MAX];
	bool changed;
	int fd;
	enum fault fault = place_look(tree, inode, &changed, why);

	if (!fault)
		fault = inode_lend(inode, &fd, why);
	if (fault)
		return fault;
	fault = stored_list_read(fd, &list, why);
	bool folder = inode_owns_folder(inode) && inode_path(inode, path);
	struct access_place at = {.share = tree->share, .directory = fd, .path = path};
	if (place->scope.folder)
		at.parent = *folder_id_of(place->scope.folder);
	if (!fault && !holds_only_ours(&list))
		fault = not_empty(why);
	if (!fault)
		sweep_long_names(fd, &list);
	if (!fault && folder)
		fault = close_folder(tree, inode, &at, &text, why);
	if (!fault)
		fault = unlink_entry(place, name, AT_REMOVEDIR, why);
	if (is_not_empty(why, fault) && text.size > 0)
		folder_remove_undo(&at, &text);
	inode_return(inode);
	return fault;
}

enum fault tree_remove_directory(struct tree *tree, struct inode *directory, const char *name,
				 struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	struct place_name stored;
	enum fault fault = place_enter(tree, directory, PLACE_CHANGE, &place, why);

	if (!fault)
		fault = tree_settle_name(&place, name, &stored, why);
	if (!fault)
		fault = unlink_entry(&place, &stored, AT_REMOVEDIR, why);
	if (!is_not_empty(why, fault))
		return fault;
	AUTO(inode_unref) struct inode *inode = inode_find_entry(place.directory, stored.entry);
	return inode && inode_type(inode) == S_IFDIR ? remove_full(tree, &place, &stored, inode, why) : fault;
}

/* -- renaming ------------------------------------------------------------------------------------- */

struct renaming {
	struct tree *tree;
	const struct place *from, *to;
	const struct place_name *from_name, *to_name;
	unsigned flags;
	char from_path[RING_PATH_MAX], to_path[RING_PATH_MAX];
	bool has_paths;
};

static bool join(char path[static RING_PATH_MAX], struct inode *directory, const char *entry)
{
	if (!inode_path(directory, path))
		return false;
	size_t length = strlen(path);
	return (size_t)snprintf(path + length, RING_PATH_MAX - length, "%s%s", length ? "/" : "", entry) <
	       RING_PATH_MAX - length;
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

struct move {
	const char *from, *to;
	bool found;
};

static bool note_pin(void *context, const char *path, const struct pin_folder *pin)
{
	struct move *move = context;

	(void)pin;
	move->found |= is_below(path, move->from);
	return !move->found;
}

static void move_folder(void *context, struct folder *folder)
{
	const struct move *move = context;
	char path[RING_PATH_MAX], moved[RING_PATH_MAX * 2];

	folder_path(folder, path);
	if (!is_below(path, move->from))
		return;
	(void)snprintf(moved, sizeof(moved), "%s%s", move->to, path + strlen(move->from));
	if (strlen(moved) < RING_PATH_MAX)
		folder_moved(folder, moved);
}

/* Folders below a renamed directory go with it, and so do their pins: else they would be alarms. */
static void move_folders(struct tree *tree, const char *from, const char *to)
{
	const struct share_id *share = &share_record_of(tree->share)->share;
	struct move move = {from, to, false};

	if (keyring_each_folder_pin(share_keyring(tree->share), share, note_pin, &move, NULL) == FAULT_NONE &&
	    move.found && keyring_move_pins(share_keyring(tree->share), share, from, to, NULL) != FAULT_NONE)
		log_warning("the keyring did not take note of renamed folders below '%s'", to);
	folder_each(tree->share, move_folder, &move);
}

#define SWAP_PATH FORMAT_PREFIX "-swap"

static void move_paths(const struct renaming *renaming)
{
	if (!renaming->has_paths)
		return;
	if (renaming->flags & RENAME_EXCHANGE) {
		move_folders(renaming->tree, renaming->to_path, SWAP_PATH);
		move_folders(renaming->tree, renaming->from_path, renaming->to_path);
		move_folders(renaming->tree, SWAP_PATH, renaming->from_path);
	} else {
		move_folders(renaming->tree, renaming->from_path, renaming->to_path);
	}
}

static enum fault rename_entry(struct renaming *renaming, struct why *why)
{
	const struct place *from = renaming->from, *to = renaming->to;
	const char *old = renaming->from_name->entry, *new = renaming->to_name->entry;
	bool exchange = renaming->flags & RENAME_EXCHANGE;
	AUTO(leaving_done) struct leaving moving = {inode_find_entry(from->directory, old), -1};
	AUTO(leaving_done) struct leaving target = leaving_of(to, new);
	enum fault fault = FAULT_NONE;

	renaming->has_paths = moving.inode && (inode_type(moving.inode) == S_IFDIR || exchange) &&
			      join(renaming->from_path, from->directory, old) &&
			      join(renaming->to_path, to->directory, new);
	inode_change_begin(from->directory);
	inode_change_begin(to->directory);
	if (renameat2(from->fd, old, to->fd, new, renaming->flags) != 0) {
		fault = why_system(why, "cannot rename an entry");
	} else if (moving.inode != target.inode || !moving.inode) {
		if (!exchange)
			left(&target, to, new);
		inode_renamed(moving.inode, to->directory, new);
		if (exchange)
			inode_renamed(target.inode, from->directory, old);
	}
	inode_change_end(to->directory);
	inode_change_end(from->directory);
	return fault;
}

static enum fault must_share_folder(const struct place *from, const struct place *to, struct why *why)
{
	if (from->scope.folder != to->scope.folder)
		return why_set(why, FAULT_CROSS_FOLDER, "the two directories belong to different folders");
	return FAULT_NONE;
}

enum fault tree_rename(struct tree *tree, const struct tree_rename *rename, struct why *why)
{
	AUTO(place_leave) struct place from = PLACE_NONE;
	AUTO(place_leave) struct place to = PLACE_NONE;
	struct place_name from_name, to_name;
	enum fault fault = place_enter(tree, rename->from, PLACE_CHANGE, &from, why);

	if (!fault)
		fault = place_enter(tree, rename->to, PLACE_MAKE, &to, why);
	if (!fault)
		fault = must_share_folder(&from, &to, why);
	if (!fault)
		fault = tree_settle_name(&from, rename->from_name, &from_name, why);
	if (!fault)
		fault = tree_settle_name(&to, rename->to_name, &to_name, why);
	if (!fault)
		fault = place_hold_name(&to, &to_name, why);
	if (fault)
		return fault;
	struct renaming renaming = {.tree = tree,
				    .from = &from,
				    .to = &to,
				    .from_name = &from_name,
				    .to_name = &to_name,
				    .flags = rename->flags};
	fault = rename_entry(&renaming, why);
	if (fault) {
		place_drop_name(&to, &to_name);
		return fault;
	}
	move_paths(&renaming);
	inode_set_made(from.directory);
	inode_set_made(to.directory);
	place_drop_name(&from, &from_name);
	return place_hold_name(&to, &to_name, why);
}
