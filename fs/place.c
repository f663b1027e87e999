#include "fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fs/errand.h"
#include "fs/tree.h"

/* -- looking for `.fsenc` ------------------------------------------------------------------------ */

static bool is_pinned(struct tree *tree, const char *path)
{
	AUTO(pin_folder_done) struct pin_folder pin = {.version = 0};

	return keyring_folder_pin(share_keyring(tree->share), &share_record_of(tree->share)->share, path,
				  &pin, NULL) == FAULT_NONE;
}

/* The first look costs no read of the share when there is nothing to find. */
static bool may_be_folder(struct tree *tree, int fd, const char *path)
{
	AUTO(file_close) int found = openat(fd, FORMAT_FOLDER_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return found >= 0 || errno != ENOENT || is_pinned(tree, path);
}

static struct folder *folder_above(struct inode *directory)
{
	AUTO(inode_unref) struct inode *parent = inode_parent(directory);

	return parent ? inode_folder(parent) : NULL;
}

static enum fault find_folder(struct tree *tree, struct inode *directory, int fd, const char *path,
			      bool *ret_changed, struct why *why)
{
	AUTO(folder_unref) struct folder *parent = folder_above(directory);
	AUTO(folder_unref) struct folder *found = NULL;
	enum fault fault = folder_find(tree->share, fd, path, parent, &found, why);

	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_changed = !fault;
	if (fault)
		return FAULT_NONE;
	inode_set_folder(directory, found);
	if (folder_is_young(found))
		errands_settle_strangers(tree->errands, found);
	return FAULT_NONE;
}

/* A directory without a path (removed, or too deep for any path) cannot be a folder. */
static enum fault look(struct tree *tree, struct inode *directory, bool sure, bool *ret_changed,
		       struct why *why)
{
	char path[RING_PATH_MAX];
	int64_t now = clock_boot_ms();
	enum fault fault = FAULT_NONE;
	int fd;

	*ret_changed = false;
	if (inode_path(directory, path)) {
		fault = inode_lend(directory, &fd, why);
		if (fault)
			return fault;
		if (sure || may_be_folder(tree, fd, path))
			fault = find_folder(tree, directory, fd, path, ret_changed, why);
		inode_return(directory);
	}
	if (!fault)
		inode_set_looked(directory, now > 0 ? now : 1);
	return fault;
}

static bool look_is_due(struct inode *directory, bool once)
{
	int64_t looked = inode_looked(directory);

	return looked == 0 || (!once && clock_boot_ms() - looked > LOOK_INTERVAL_MS);
}

/* From the top: what a directory belongs to is known once those above it are. */
static enum fault look_down(struct tree *tree, struct inode *directory, bool once, bool *ret_changed,
			    struct why *why)
{
	AUTO(inode_unref) struct inode *parent = inode_parent(directory);
	enum fault fault = FAULT_NONE;

	*ret_changed = false;
	if (!parent || inode_owns_folder(directory) || !look_is_due(directory, once))
		return FAULT_NONE;
	if (inode_looked(parent) == 0)
		fault = look_down(tree, parent, true, ret_changed, why);
	bool above = *ret_changed;
	if (!fault)
		fault = look(tree, directory, false, ret_changed, why);
	*ret_changed |= above;
	return fault;
}

enum fault place_look(struct tree *tree, struct inode *directory, bool *ret_changed, struct why *why)
{
	return look_down(tree, directory, false, ret_changed, why);
}

enum fault place_seen(struct tree *tree, struct inode *directory, bool seen, bool *ret_changed,
		      struct why *why)
{
	char path[RING_PATH_MAX];

	*ret_changed = false;
	if (inode_owns_folder(directory) || inode_is_root(directory))
		return FAULT_NONE;
	if (!seen && (!inode_path(directory, path) || !is_pinned(tree, path))) {
		inode_set_looked(directory, clock_boot_ms());
		return FAULT_NONE;
	}
	return look(tree, directory, true, ret_changed, why);
}

/* -- folder and view ------------------------------------------------------------------------------ */

/* What was closed at the last look may be open by now; only then is a look worth its trip. */
static enum fault enter(struct folder *folder, enum place_want want, const struct folder_view **ret_view,
			struct why *why)
{
	if (want == PLACE_SEEN && folder_enter_as_last_seen(folder, FOLDER_READ, ret_view, why) == FAULT_NONE)
		return FAULT_NONE;
	if (want == PLACE_WRITE_BACK)
		return folder_enter_to_write_back(folder, ret_view, why);
	return folder_enter(folder, want < PLACE_CHANGE ? FOLDER_READ : FOLDER_WRITE, ret_view, why);
}

static enum fault scope_enter_once(struct tree *tree, struct inode *directory, enum place_want want,
				   struct scope *ret_scope, bool *ret_again, struct why *why)
{
	AUTO(folder_unref) struct folder *folder = inode_folder(directory);
	bool changed = false;
	enum fault fault = FAULT_NONE;

	*ret_again = false;
	if (!folder || want == PLACE_MAKE)
		fault = look_down(tree, directory, false, &changed, why);
	if (!fault && changed) {
		folder_unref(folder);
		folder = inode_folder(directory);
	}
	if (!fault && folder)
		fault = enter(folder, want, &ret_scope->view, why);
	/* Closed by an admin: the directory counts as its parent's again. */
	if (fault == FAULT_MISSING && folder)
		*ret_again = inode_disown(directory, folder);
	if (!fault)
		ret_scope->folder = TAKE(folder);
	return fault;
}

enum fault scope_enter(struct tree *tree, struct inode *directory, enum place_want want,
		       struct scope *ret_scope, struct why *why)
{
	bool again = true;
	enum fault fault = FAULT_NONE;

	while (again)
		fault = scope_enter_once(tree, directory, want, ret_scope, &again, why);
	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_TAMPERED, "the share's root has lost its access list");
	return fault;
}

enum fault scope_enter_of(struct tree *tree, struct inode *inode, enum place_want want,
			  struct scope *ret_scope, struct why *why)
{
	AUTO(inode_unref) struct inode *parent = inode_parent(inode);

	return parent ? scope_enter(tree, parent, want, ret_scope, why) : FAULT_NONE;
}

void scope_leave(struct scope *scope)
{
	folder_leave(scope->view);
	folder_unref(scope->folder);
	*scope = SCOPE_NONE;
}

bool scope_was_behind(struct scope *scope, enum fault *fault)
{
	if (*fault != FAULT_LOCKED || !scope->view)
		return false;
	if (folder_look_now(scope->folder, scope->view)) {
		scope_leave(scope);
		return true;
	}
	if (folder_is_open(scope->folder))
		*fault = FAULT_DAMAGED;
	return false;
}

enum fault place_enter(struct tree *tree, struct inode *directory, enum place_want want,
		       struct place *ret_place, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault = FAULT_NONE;
	int fd;

	if (inode_type(directory) != S_IFDIR) {
		errno = ENOTDIR;
		return why_system(why, "no directory");
	}
	fault = scope_enter(tree, directory, want, &scope, why);
	if (!fault)
		fault = inode_lend(directory, &fd, why);
	if (fault)
		return fault;
	*ret_place = (struct place){tree, inode_ref(directory), fd, scope};
	scope = SCOPE_NONE;
	return FAULT_NONE;
}

void place_leave(struct place *place)
{
	if (!place->directory)
		return;
	scope_leave(&place->scope);
	inode_return(place->directory);
	inode_unref(place->directory);
	place->directory = NULL;
}

void place_doubt(const struct place *place)
{
	if (place->scope.folder && inode_owns_folder(place->directory))
		errands_settle_strangers(place->tree->errands, place->scope.folder);
}

bool place_is_lobby(const struct place *place)
{
	return !place->scope.view;
}

/* -- names ------------------------------------------------------------------------------------ */

static enum fault lobby_name(const char *name, struct place_name *ret_name, struct why *why)
{
	if (strlen(name) > NAME_MAX_PLAIN)
		return why_set(why, FAULT_NAME_TOO_LONG, "a name of over %d bytes", NAME_MAX_PLAIN);
	if (strncmp(name, FORMAT_PREFIX, strlen(FORMAT_PREFIX)) == 0)
		return why_set(why, FAULT_FORBIDDEN, "names that begin with " FORMAT_PREFIX " are ours");
	(void)strcpy(ret_name->entry, name);
	ret_name->is_long = false;
	return FAULT_NONE;
}

static enum fault stored_name(const struct name_key *key, const char *name, struct place_name *ret_name,
			      struct why *why)
{
	enum fault fault = name_encode(key, name, &ret_name->stored, why);

	if (fault)
		return fault;
	(void)strcpy(ret_name->entry, ret_name->stored.entry);
	ret_name->is_long = ret_name->stored.is_long;
	return FAULT_NONE;
}

enum fault place_name(const struct place *place, const char *name, struct place_name *ret_name,
		      struct why *why)
{
	if (place_is_lobby(place))
		return lobby_name(name, ret_name, why);
	return stored_name(place->scope.view->names, name, ret_name, why);
}

bool place_name_before(const struct place *place, const char *name, struct place_name *ret_name)
{
	if (place_is_lobby(place) || !place->scope.view->names_from)
		return false;
	return stored_name(place->scope.view->names_from, name, ret_name, NULL) == FAULT_NONE;
}

/* The name under the present key, else under the one before. */
static enum fault decode(const struct folder_view *view, const char *text, size_t length,
			 char ret_plain[static INODE_ENTRY_SIZE], struct why *why)
{
	enum fault fault = name_decode(view->names, text, length, ret_plain, why);

	if (fault && view->names_from)
		fault = name_decode(view->names_from, text, length, ret_plain, why);
	return fault ? why_set(why, FAULT_MISSING, "a name that does not authenticate") : FAULT_NONE;
}

static enum fault decode_long(const struct place *place, const char *entry,
			      char ret_plain[static INODE_ENTRY_SIZE], struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	char file[INODE_ENTRY_SIZE + sizeof(FORMAT_LONG_SUFFIX)];

	(void)snprintf(file, sizeof(file), "%s" FORMAT_LONG_SUFFIX, entry);
	enum fault fault = file_read(place->fd, file, NAME_LONG_MAX, &text, why);
	if (fault)
		return fault;
	if (!name_long_matches(entry, (const char *)text.data, text.size))
		return why_set(why, FAULT_MISSING, "a long name that belongs to another entry");
	return decode(place->scope.view, (const char *)text.data, text.size, ret_plain, why);
}

enum fault place_plain(const struct place *place, const char *entry, char ret_plain[static INODE_ENTRY_SIZE],
		       struct why *why)
{
	struct place_name clear;

	if (place_is_lobby(place)) {
		if (lobby_name(entry, &clear, NULL) != FAULT_NONE)
			return why_set(why, FAULT_MISSING, "a file of ours");
		(void)strcpy(ret_plain, entry);
		return FAULT_NONE;
	}
	switch (name_classify(entry)) {
	case NAME_ENTRY:
		return decode(place->scope.view, entry, strlen(entry), ret_plain, why);
	case NAME_LONG_ENTRY:
		return decode_long(place, entry, ret_plain, why);
	case NAME_LONG_FILE:
	case NAME_OURS:
	case NAME_LEFTOVER:
	case NAME_FOREIGN:
		break;
	}
	return why_set(why, FAULT_MISSING, "no name of a program's file");
}

static bool holds_name(const struct place *place, const struct stored_name *stored)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	return file_read(place->fd, stored->long_file, NAME_LONG_MAX, &text, NULL) == FAULT_NONE &&
	       name_long_matches(stored->entry, (const char *)text.data, text.size);
}

/* What a server may have put there instead of a file bears nobody's name: it is taken away. */
static int open_name_file(const struct place *place, const struct stored_name *stored)
{
	int fd = file_open_regular(place->fd, stored->long_file, O_WRONLY | O_CREAT, 0666);

	if (fd >= 0 || (errno != ELOOP && errno != ENXIO) || unlinkat(place->fd, stored->long_file, 0) != 0)
		return fd;
	return file_open_regular(place->fd, stored->long_file, O_WRONLY | O_CREAT, 0666);
}

/* One pwrite of less than a page: nobody sees half of it, except after a crash; then the file does not match,
 * and is replaced. */
static enum fault write_name(const struct place *place, const struct stored_name *stored, struct why *why)
{
	size_t length = strlen(stored->long_text);
	AUTO(file_close) int fd = open_name_file(place, stored);

	if (fd < 0)
		return why_system(why, "cannot make a long-name file");
	enum fault fault = file_pwrite(fd, stored->long_text, length, 0, NULL, why);
	if (!fault && ftruncate(fd, (off_t)length) != 0)
		fault = why_system(why, "cannot make a long-name file");
	return fault;
}

enum fault place_hold_name(const struct place *place, const struct place_name *name, struct why *why)
{
	if (!name->is_long || holds_name(place, &name->stored))
		return FAULT_NONE;
	return write_name(place, &name->stored, why);
}

void place_drop_name(const struct place *place, const struct place_name *name)
{
	struct stat stored;

	if (!name->is_long || fstatat(place->fd, name->entry, &stored, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	(void)unlinkat(place->fd, name->stored.long_file, 0);
	if (fstatat(place->fd, name->entry, &stored, AT_SYMLINK_NOFOLLOW) == 0)
		(void)write_name(place, &name->stored, NULL);
}
