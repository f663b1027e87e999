/* fs/watch.h - the thread that ends a mount: on a signal, or when nobody uses it.
 *
 * SIGTERM, SIGINT and SIGHUP are taken by this thread alone: it has what the kernel still holds written back
 * and then ends the session. With `idle=MIN` it unmounts once no request came for so long; the kernel refuses
 * while a file is open or a process stands in it, which is what "unused" means.
 */
#ifndef FSENC_FS_WATCH_H
#define FSENC_FS_WATCH_H

#include "fs/tree.h"

struct watch;

/* Blocks the signals in the calling thread and in all that are started later: call it first. */
MUST_CHECK enum fault watch_start(struct tree *tree, const char *directory, struct watch **ret_watch,
				  struct why *why);
/* Gives the signals back. */
void watch_stop(struct watch *watch);
AUTO_POINTER(struct watch *, watch_stop);

#endif
