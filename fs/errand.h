/* fs/errand.h - what a mount does when a folder closes or opens, on a thread of its own.
 *
 * A folder that closes: every page, attribute and name of it that the kernel keeps is dropped, or plaintext
 * would outlive the key there. The kernel may have to wait for our workers while it does so, so none of them
 * may do it. A folder that opens: what a killed mount left half written in it is written whole (fs/ring.h).
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

/* Deals with what dead mounts of the share have left; what lies in folders not open to us stays for later. */
void errand_replay(struct share *share);

#endif
