/* fs/strangers.h - what is of the folder above in a directory that has become a folder.
 *
 * A mount looks for `.fsenc` in a directory before it makes a name there, but not again within a second. So
 * what another client makes in one, in the moment in which it becomes a folder, may still be of the folder
 * above, and in here nobody could read it: strangers. So may be the attributes that the directory had. Names
 * go up to where they belong, attributes are sealed anew with the folder's own keys.
 *
 * Whoever makes a folder does so after a second's patience. Should he be killed, or the other client have
 * stood still for longer, any later client does it that may write in both folders: a mount that meets a
 * young folder or lists such a name, `fsenc protect` said again, `fsenc verify --repair`. The strangers
 * themselves say that there is something to do, so a folder without any costs no look.
 *
 * The keys tell a stranger: those of the folder above open its name, the folder's own do not. In a lobby,
 * where names are in clear, nothing tells it from what a file server puts everywhere: only `fsenc protect`,
 * said again, takes directories there that hold nothing but directories, since a mount makes nothing else in
 * a lobby. A directory that is a folder itself is one if its access list says that it lies above.
 *
 * At each moment a killed process leaves every name in one of both places, long ones with their file.
 */
#ifndef FSENC_FS_STRANGERS_H
#define FSENC_FS_STRANGERS_H

#include "fs/folder_state.h"

/* How long it may take until another client has looked, and made what it was about to make. */
#define STRANGERS_PATIENCE_MS (LOOK_INTERVAL_MS + 100)

struct strangers {
	const struct access_place *place; /* of the folder */
	const struct folder_view *own;
	const struct folder_view *above; /* NULL: in a lobby */
	bool asked; /* by a person, about this folder */
	bool fresh; /* the directory was empty when it became a folder just now: all that is not of it is a
		       stranger, and of two attributes the stranger is the newer one */
};

/* Could an entry be a name that a mount has made: neither a file of ours nor left over? */
bool stranger_may_be(const char *entry);
bool stranger_is_one(const struct strangers *strangers, const char *entry);
/* ... or a stored attribute of the directory one? */
bool stranger_is_attribute(const struct strangers *strangers, const char *stored);
/* Puts all of them where they belong, under the lock of the log; *ret_count, also after a failure, says how
 * many there were. Where there is none it only reads. FAULT_PARTIAL: one cannot be moved; FAULT_BUSY. */
MUST_CHECK enum fault strangers_settle(const struct strangers *strangers, size_t *ret_count, struct why *why);
/* The same of a folder in use, as far as its user may write in it and above. For commands, and a thread of a
 * mount that serves no request. */
MUST_CHECK enum fault strangers_settle_folder(struct folder *folder, bool asked, size_t *ret_count,
					      struct why *why);

#endif
