/* fs/killpriv.h - set-user-ID and set-group-ID go when somebody else writes: we see to it, not the kernel.
 *
 * Unless a file system promises this (FUSE_HANDLE_KILLPRIV_V2), the kernel asks before each single write
 * whether the file has a "security.capability", and that costs as much as the write. libfuse 3.14 can neither
 * promise it nor pass on the flags with which the kernel then says when it is due. So our
 * answer to FUSE_INIT makes the promise (fs/device.h), and the bytes of requests are looked at. linux/fuse.h.
 *
 * Any thread; none of it keeps anything.
 */
#ifndef FSENC_FS_KILLPRIV_H
#define FSENC_FS_KILLPRIV_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/fuse.h>

#include "base/why.h"

/* For the process's life: what processes other than root's write, the storage takes the bits away from by
 * itself. */
bool killpriv_is_ours(void);
/* A write, truncation or opening that takes the bits away: whoever asks has no CAP_FSETID. */
bool killpriv_is_due(const struct fuse_in_header *request, size_t size);
/* From the stored file, `fd` of any kind, O_PATH too. */
MUST_CHECK enum fault killpriv_do(int fd, bool *ret_changed, struct why *why);

#endif
