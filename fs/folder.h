/* fs/folder.h - a folder while it is in use: is it open to us, with which keys, at this moment.
 *
 * A struct folder is found once for a directory that has its own `.fsenc` and then shared
 * by everything below it. Each operation inside enters it:
 *
 *     AUTO(folder_leave) const struct folder_view *view = NULL;
 *     fault = folder_enter(folder, FOLDER_WRITE, &view, why);
 *
 * Entering looks at `.fsenc` (one statx) when the last look is older than a second, loads what has
 * changed, and gives an immutable view: keys and role as of now. A view stays valid until it is
 * left, even when the folder changes meanwhile; the keys are wiped when the last view goes.
 * Any thread; no lock is held across I/O.
 */
#ifndef FSENC_FS_FOLDER_H
#define FSENC_FS_FOLDER_H

#include "fs/access.h"
#include "fs/content.h"
#include "fs/name.h"

enum folder_want { FOLDER_READ, FOLDER_WRITE };

struct folder_view {
	struct content_terms terms;
	enum role role;
	uint64_t version;
	const struct name_key *names;
	const struct name_key *names_from; /* while `rekey --names` runs, else NULL */
	const struct name_key *xattr_names;
};

struct folder;

/* The folder of a directory, the same object for the same directory. `parent` NULL at the root and in a
 * lobby. FAULT_MISSING when the directory is not a folder. A folder that is locked or refused is found all
 * the same: entering it says why. `directory` is duplicated, `path` copied. The caller holds one reference.
 * Every reference goes back before share_close(). */
MUST_CHECK enum fault folder_find(struct share *share, int directory, const char *path, struct folder *parent,
				  struct folder **ret_folder, struct why *why);
struct folder *folder_ref(struct folder *folder);
void folder_unref(struct folder *folder);
AUTO_POINTER(struct folder *, folder_unref);

/* FAULT_LOCKED, FAULT_DENIED (a reader writes), FAULT_TAMPERED, FAULT_MALFORMED, FAULT_UNREACHABLE (later).
 */
MUST_CHECK enum fault folder_enter(struct folder *folder, enum folder_want want,
				   const struct folder_view **ret_view, struct why *why);
/* The same, with the look of the last second taken as good even if it is older: for what must cost no round
 * trip. */
MUST_CHECK enum fault folder_enter_as_last_seen(struct folder *folder, enum folder_want want,
						const struct folder_view **ret_view, struct why *why);
void folder_leave(const struct folder_view *view);
AUTO_POINTER(const struct folder_view *, folder_leave);

const struct folder_id *folder_id_of(const struct folder *folder);
struct folder *folder_parent(const struct folder *folder); /* borrowed, or NULL */
/* The path changes when a directory above is renamed. */
void folder_path(const struct folder *folder, char path[static RING_PATH_MAX]);
void folder_moved(struct folder *folder, const char *path);
/* What user.fsenc.state and `fsenc status` show: "open", or "locked: ..." with the reason. */
void folder_state(struct folder *folder, char text[static WHY_TEXT_SIZE]);
bool folder_is_open(struct folder *folder);

/* Called (from the thread that noticed, no lock held) when a folder that was open closes or opens again. */
typedef void (*folder_changed)(void *context, struct folder *folder, bool open);
void folder_on_change(struct share *share, folder_changed changed, void *context);

/* Every folder met so far. */
void folder_each(struct share *share, void (*each)(void *context, struct folder *folder), void *context);

/* Walks a stored path from the root, entering folders as they come. `ret_folder` is the folder the
 * last directory belongs to (NULL in a lobby), `ret_own` whether it is that folder's root. `ret_directory` is
 * an O_PATH descriptor. */
MUST_CHECK enum fault folder_walk(struct share *share, const char *stored_path, struct folder **ret_folder,
				  bool *ret_own, int *ret_directory, struct why *why);

/* Makes an empty directory below `stored_path` a folder of the keyring's user. FAULT_EXISTS, FAULT_INVALID
 * (not empty). */
MUST_CHECK enum fault folder_protect(struct share *share, const char *stored_path, struct why *why);

#endif
