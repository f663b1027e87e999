/* cli/target.h - the folder that a DIR argument means.
 *
 * DIR is a path on the share or the same place seen through a mount. The commands about an
 * access list want the folder's own directory; for one below it the words name the folder.
 *
 *     AUTO(target_done) struct target target = TARGET_NONE;
 *     fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);
 *     ... target.access goes to fs/access.h
 */
#ifndef FSENC_CLI_TARGET_H
#define FSENC_CLI_TARGET_H

#include "cli/options.h"
#include "fs/folder.h"

enum target_want { TARGET_LOCKED, TARGET_UNLOCKED };

struct target {
	struct keyring *keyring;
	bool borrows_keyring;
	struct share *share;
	struct folder *folder;
	int directory; /* O_PATH, or -1 */
	char *stored; /* stored path below the share's root */
	struct access_place access; /* borrows from the others */
};

#define TARGET_NONE ((struct target){.directory = -1})
void target_done(struct target *target);
AUTO_VALUE(struct target, target_done);

/* FAULT_MISSING: in no share, or in a lobby where no folder is. FAULT_INVALID: inside a folder, not the
 * folder. */
MUST_CHECK enum fault target_open(struct call *call, enum target_want want, const char *path,
				  struct target *ret_target, struct why *why);

/* The same in a keyring that is open already, which stays the caller's and outlives the target. */
MUST_CHECK enum fault target_open_in(struct call *call, struct keyring *keyring, const char *path,
				     struct target *ret_target, struct why *why);
/* Before a server is asked for anything: FAULT_DENIED unless the user is an admin of the folder; FAULT_TAMPERED
 * and the others of access_read(). */
MUST_CHECK enum fault target_check_admin(const struct target *target, struct why *why);

/* The share that `path` lies in, opened for a command, and the stored path below its root. */
MUST_CHECK enum fault target_share(struct keyring *keyring, const char *path, struct share **ret_share,
				   char **ret_stored, struct why *why);

#endif
