/* fs/sight.h - a file on the share as it was seen at one moment: its attributes, and when it was born.
 *
 * A file system gives the number of a removed file to the next one, on ext4 at once. Where it says when a file was
 * made (statx(2), STATX_BTIME), two files of one number are told apart by that; elsewhere they are not. Any thread.
 */
#ifndef FSENC_FS_SIGHT_H
#define FSENC_FS_SIGHT_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/auto.h"

struct sight {
	struct stat stat;
	uint64_t birth; /* 0: the share does not say */
};

/* Of an open descriptor, O_PATH or not: one system call. 0, or -1 with errno, as fstat(2). */
MUST_CHECK int sight_of(int fd, struct sight *ret_sight);

#endif
