/* fs/readahead.h - how much the kernel asks for ahead of a program that reads on and on.
 *
 * Left alone it asks for 128 KiB, in one request: while that is read and decrypted there is nothing for the
 * other processors to do, and a share far away is waited for at every step. Four such requests on their way
 * at once bring half as much again from a fast share, and up to four times from one whose answers take their
 * time; each request stays as large as before, so the share is not asked more often. The kernel lets only
 * root widen the window (docs/PERFORMANCE.md says how to do it by hand).
 *
 * To be called while the kernel's first request is answered: what is said there must not be below.
 */
#ifndef FSENC_FS_READAHEAD_H
#define FSENC_FS_READAHEAD_H

#include <stdbool.h>

#define READAHEAD_REQUEST (128 * 1024)
#define READAHEAD_WINDOW (4 * READAHEAD_REQUEST)

/* False when this process may not, or `directory` is on a file system that has no window. Asks the mount
 * nothing. */
bool readahead_widen(const char *directory);

#endif
