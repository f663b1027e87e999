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
 *
 * A folder with an entry of our own opens by that, whose role alone counts, and no key server is ever asked.
 * Else a group may open it, through share_contacts(): then each entering looks whether the group's lease is
 * valid (a comparison; no lock, no round trip), and FAULT_PENDING says that the key servers are asked. In a
 * command (share_waits()) entering waits for them instead.
 *
 * When a lease ends, nothing enters any more (FAULT_UNREACHABLE, or FAULT_DENIED). What the kernel has of the
 * folder is dropped by whoever listens to folder_on_change(), in these steps:
 *
 *     drop what the kernel has; dirty pages come back through folder_enter_to_write_back()
 *     folder_wipe(folder)       waits for the last operations, five seconds at most; wipes the keys
 *     drop once more, what the last operations brought
 *     folder_closed(folder)     from now on it may be asked for again
 *
 * Any thread; no lock is held across I/O on the share.
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

/* FAULT_LOCKED, FAULT_DENIED (a reader writes; not a member), FAULT_TAMPERED, FAULT_MALFORMED,
 * FAULT_UNREACHABLE, FAULT_PENDING, FAULT_IDENTITY. */
MUST_CHECK enum fault folder_enter(struct folder *folder, enum folder_want want,
				   const struct folder_view **ret_view, struct why *why);
/* The same, with the look of the last second taken as good even if it is older: for what must cost no round
 * trip. Asks no key server. */
MUST_CHECK enum fault folder_enter_as_last_seen(struct folder *folder, enum folder_want want,
						const struct folder_view **ret_view, struct why *why);
/* For pages that the kernel brings back: also while the folder closes. */
MUST_CHECK enum fault folder_enter_to_write_back(struct folder *folder, const struct folder_view **ret_view,
						 struct why *why);
void folder_leave(const struct folder_view *view);
AUTO_POINTER(const struct folder_view *, folder_leave);
/* Looks now, however young the last look is: something was met that a later access list must explain. True
 * when entering now gives a later version than `view`, or is refused. */
bool folder_look_now(struct folder *folder, const struct folder_view *view);

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
/* ... and after the list of a folder of which we are admin was read: what the policy requires may be missing. */
typedef void (*folder_read_anew)(void *context, struct folder *folder);
void folder_on_change(struct share *share, folder_changed changed, folder_read_anew read_anew, void *context);

/* It was made within the last day, and never changed: its making may have been cut off. */
bool folder_is_young(struct folder *folder);
/* When it may be looked for strangers (fs/strangers.h) again, and whether that is now; asked and true, not again until
 * set. Boot time. */
void folder_set_settled(struct folder *folder, int64_t again_ms);
MUST_CHECK bool folder_may_settle(struct folder *folder, int64_t now_ms);

/* -- groups ----------------------------------------------------------------------------- */

struct group_lease;
/* Its folders close. */
void folder_lease_ended(struct share *share, struct group_lease *lease);
/* Folders close whose lease has run out. */
void folder_end_leases(struct share *share);
/* When the next one runs out, boot time; INT64_MAX: none. */
int64_t folder_next_end(struct share *share);
/* See above. The keys that are about to go, a reference; NULL when none are. */
const struct folder_view *folder_closing_view(struct folder *folder);
void folder_wipe(struct folder *folder);
void folder_closed(struct folder *folder);
/* Its group has a lease of length 0, so that each use is asked for: no page of it may be kept by the kernel.
 */
bool folder_confirms_each(struct folder *folder);
/* Those that were refused because no key server could be reached: it may be otherwise now. */
void folder_ask_again(struct share *share);

/* Every folder met so far. */
void folder_each(struct share *share, void (*each)(void *context, struct folder *folder), void *context);

/* Walks a stored path from the root, entering folders as they come. `ret_folder` is the folder the
 * last directory belongs to (NULL in a lobby), `ret_own` whether it is that folder's root. `ret_directory` is
 * an O_PATH descriptor. */
MUST_CHECK enum fault folder_walk(struct share *share, const char *stored_path, struct folder **ret_folder,
				  bool *ret_own, int *ret_directory, struct why *why);

/* Makes an empty directory below `stored_path` a folder of the keyring's user; its attributes come along.
 * Takes a second where the share is mounted. FAULT_EXISTS, FAULT_INVALID (not empty), FAULT_PARTIAL (a
 * folder, but something in it is not of it). */
MUST_CHECK enum fault folder_protect(struct share *share, const char *stored_path, struct why *why);

#endif
