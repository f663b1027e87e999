/* fs/errand.h - what a mount does when folders close or open, on a thread of its own.
 *
 * A folder that closes: every page, attribute and name of it that the kernel keeps is dropped, or plaintext
 * would outlive the key there; then the keys are wiped, and what the last operations brought is dropped as
 * well (fs/folder.h). The kernel may have to wait for our workers while it does so, so none of them may do
 * it, and no lock is held. The thread also sees to it that folders close when the lease of their group has
 * run out, also while the machine slept.
 *
 * A folder whose list was read, and of which we are admin: it gets the recovery groups that the policy has named since
 * (fs/completion.h).
 *
 * A folder that opens: what a killed mount left half written in it is written whole (fs/ring.h).
 */
#ifndef FSENC_FS_ERRAND_H
#define FSENC_FS_ERRAND_H

#include "fs/tree.h"

struct errands;

/* Hears of changes from now on (folder_on_change()). */
MUST_CHECK enum fault errands_start(struct tree *tree, struct errands **ret_errands, struct why *why);
/* After the session's connection is closed: nothing may be waiting for the kernel then. */
void errands_stop(struct errands *errands);
AUTO_POINTER(struct errands *, errands_stop);

/* A contact has ended: folders that no key server could be reached for are asked for again, and what a newer policy
 * requires is let in (fs/completion.h). */
void errands_settled(struct errands *errands);
/* Somebody has left the group: fs/rotation.h. */
void errands_rotate(struct errands *errands, const struct member_id *group);

/* Something in the directory may be of the folder above: fs/strangers.h. Not again within ten seconds when there was
 * nothing to be done. `errands` may be NULL. */
void errands_settle_strangers(struct errands *errands, struct folder *folder);

/* Deals with what dead mounts of the share have left; what lies in folders not open to us stays for later. */
void errand_replay(struct share *share);

#endif
