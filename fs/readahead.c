#include "fs/readahead.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* What the kernel knows by itself: a request would wait for this very thread. */
static bool find_device(const char *directory, char path[static 64])
{
	struct statx found;

	if (statx(AT_FDCWD, directory, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW, STATX_TYPE, &found) != 0)
		return false;
	(void)snprintf(path, 64, "/sys/class/bdi/%u:%u/read_ahead_kb", found.stx_dev_major,
		       found.stx_dev_minor);
	return true;
}

bool readahead_widen(const char *directory)
{
	char path[64], text[16];

	if (geteuid() != 0 || !find_device(directory, path))
		return false;
	AUTO(file_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
	int length = snprintf(text, sizeof(text), "%d", READAHEAD_WINDOW / 1024);
	return fd >= 0 && write(fd, text, (size_t)length) == length;
}
