#include "fs/sight.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#define NS_PER_SECOND 1000000000u

static struct timespec time_of(const struct statx_timestamp *stamp)
{
	return (struct timespec){.tv_sec = stamp->tv_sec, .tv_nsec = stamp->tv_nsec};
}

int sight_of(int fd, struct sight *ret_sight)
{
	struct statx seen;

	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &seen) != 0)
		return -1;
	ret_sight->stat = (struct stat){
		.st_dev = makedev(seen.stx_dev_major, seen.stx_dev_minor),
		.st_ino = seen.stx_ino,
		.st_nlink = seen.stx_nlink,
		.st_mode = seen.stx_mode,
		.st_uid = seen.stx_uid,
		.st_gid = seen.stx_gid,
		.st_rdev = makedev(seen.stx_rdev_major, seen.stx_rdev_minor),
		.st_size = (off_t)seen.stx_size,
		.st_blksize = seen.stx_blksize,
		.st_blocks = (blkcnt_t)seen.stx_blocks,
		.st_atim = time_of(&seen.stx_atime),
		.st_mtim = time_of(&seen.stx_mtime),
		.st_ctim = time_of(&seen.stx_ctime),
	};
	ret_sight->birth = seen.stx_mask & STATX_BTIME
				   ? (uint64_t)seen.stx_btime.tv_sec * NS_PER_SECOND + seen.stx_btime.tv_nsec
				   : 0;
	return 0;
}
