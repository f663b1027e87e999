/* fs/device.h - /dev/fuse as libfuse reads and writes it, and what libfuse 3.14 leaves out of its answer to
 * INIT.
 *
 * That version knows FUSE_PARALLEL_DIROPS but does not tell the kernel that it is wanted. Without it the
 * kernel holds a mutex of the directory during every look-up and listing in it, so that one slow look-up, or
 * one that waits for a key server, holds up all others in that directory, and nobody can interrupt those. So
 * we say it: the kernel's first request is INIT, and until that is answered it sends no other. It does not know
 * FUSE_HANDLE_KILLPRIV_V2 at all, which we keep in fs/killpriv.h.
 */
#ifndef FSENC_FS_DEVICE_H
#define FSENC_FS_DEVICE_H

#include "base/why.h"
#include "fs/fuse.h"

/* After the session is mounted, before it is served. */
MUST_CHECK enum fault device_prepare(struct fuse_session *session, struct why *why);

#endif
