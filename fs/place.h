/* fs/place.h - a directory that an operation works in: its descriptor, its folder entered, its names.
 *
 *     AUTO(place_leave) struct place place = PLACE_NONE;
 *     fault = place_enter(tree, directory, PLACE_MAKE, &place, why);
 *     fault = place_name(&place, "plan.txt", &name, why);
 *     fd = openat(place.fd, name.entry, ...);
 *
 * A directory counts as its parent's until `.fsenc` is seen in it. It is looked for before the first name
 * is made in it (and, once, in every directory above it up to the folder's own), when a name is not found,
 * and when a listing shows it; in a lobby, where no name proves anything, before anything else. A path that
 * is pinned as a folder is never a plain directory. So nothing is ever made under the key of a folder above,
 * whatever the server has put where. docs/FORMAT.md, "When a client looks".
 */
#ifndef FSENC_FS_PLACE_H
#define FSENC_FS_PLACE_H

#include "fs/folder.h"
#include "fs/inode.h"

struct tree;

enum place_want {
	PLACE_SEEN, /* for reading names and attributes: costs no look */
	PLACE_READ, /* for reading contents and listings: the folder looks once a second */
	PLACE_CHANGE, /* for changing or removing what is there */
	PLACE_MAKE, /* for making a name: `.fsenc` is looked for, too */
	PLACE_WRITE_BACK /* for pages that the kernel brings back, also while the folder closes */
};

/* The folder that things in a directory belong to, entered. Both NULL in a lobby. */
struct scope {
	struct folder *folder; /* reference */
	const struct folder_view *view;
};
#define SCOPE_NONE ((struct scope){NULL, NULL})
MUST_CHECK enum fault scope_enter(struct tree *tree, struct inode *directory, enum place_want want,
				  struct scope *ret_scope, struct why *why);
/* The scope of an inode itself: of the directory it is in; at the root, none. */
MUST_CHECK enum fault scope_enter_of(struct tree *tree, struct inode *inode, enum place_want want,
				     struct scope *ret_scope, struct why *why);
void scope_leave(struct scope *scope);
AUTO_VALUE(struct scope, scope_leave);
/* After an operation inside met something sealed under a generation that the view does not have
 * (FAULT_LOCKED): another client may have begun it since the last look. True: there is a newer list, the
 * scope is left, do it all again. Else there is no such generation, and *fault becomes FAULT_DAMAGED. Other
 * faults stay.
 *
 *     do {
 *             fault = scope_enter_of(tree, inode, PLACE_READ, &scope, why);
 *             ...
 *     } while (scope_was_behind(&scope, &fault));
 */
MUST_CHECK bool scope_was_behind(struct scope *scope, enum fault *fault);

struct place {
	struct tree *tree;
	struct inode *directory; /* reference */
	int fd; /* O_PATH, lent */
	struct scope scope;
};
#define PLACE_NONE ((struct place){.directory = NULL, .fd = -1})
MUST_CHECK enum fault place_enter(struct tree *tree, struct inode *directory, enum place_want want,
				  struct place *ret_place, struct why *why);
void place_leave(struct place *place);
AUTO_VALUE(struct place, place_leave);
bool place_is_lobby(const struct place *place);

/* Looks for `.fsenc` unless that was done in the last second; *ret_changed says that the directory has become
 * a folder. */
MUST_CHECK enum fault place_look(struct tree *tree, struct inode *directory, bool *ret_changed,
				 struct why *why);
/* The same for a listing that has seen, or not seen, `.fsenc` by itself. */
MUST_CHECK enum fault place_seen(struct tree *tree, struct inode *directory, bool seen, bool *ret_changed,
				 struct why *why);

/* Something in it does not authenticate: it may have been made as the directory became a folder. */
void place_doubt(const struct place *place);

/* How a name is stored here. */
struct place_name {
	char entry[INODE_ENTRY_SIZE];
	bool is_long;
	struct stored_name stored; /* if is_long */
};
/* FAULT_FORBIDDEN for `.fsenc*`, FAULT_NAME_TOO_LONG. */
MUST_CHECK enum fault place_name(const struct place *place, const char *name, struct place_name *ret_name,
				 struct why *why);
/* How it was stored under the name key before, while `rekey --names` runs; false when there is none. */
bool place_name_before(const struct place *place, const char *name, struct place_name *ret_name);
/* The plain name of an entry. FAULT_MISSING for what is not shown: files of ours, left-overs, foreign files,
 * names that do not authenticate. */
MUST_CHECK enum fault place_plain(const struct place *place, const char *entry,
				  char ret_plain[static INODE_ENTRY_SIZE], struct why *why);

/* The file that holds a long name: made before the entry, looked at again after it, removed after the entry
 * unless that is there again. A name that is not long has none. */
MUST_CHECK enum fault place_hold_name(const struct place *place, const struct place_name *name,
				      struct why *why);
void place_drop_name(const struct place *place, const struct place_name *name);

#endif
