/* Storage that fails, for LD_PRELOAD: see shim.h. Touches nothing but the one file whose inode number is given. */
#include "tests/trust/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define GATE_SECONDS 60 /* should a test die, its mount goes on */

/* What calls become that are checked against the size of the buffer. */
ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);

static struct shim none, *shim = &none;
static __thread int64_t owed; /* the error that comes after a short write */

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("FSENC_SHIM");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	if (map != MAP_FAILED)
		shim = map;
}

static bool is_meant(int fd)
{
	int64_t inode = atomic_load(&shim->inode);
	struct stat stat;

	return inode && !fstat(fd, &stat) && (int64_t)stat.st_ino == inode;
}

static void pass_gate(void)
{
	struct timespec pause = {.tv_nsec = 5000000};

	if (!atomic_load(&shim->shut))
		return;
	(void)atomic_fetch_add(&shim->waiting, 1);
	for (int i = 0; i < GATE_SECONDS * 200 && atomic_load(&shim->shut); i++)
		(void)nanosleep(&pause, NULL);
	(void)atomic_fetch_sub(&shim->waiting, 1);
}

/* Takes one of a number that is left; a negative one does not end. */
static bool take(_Atomic int64_t *left)
{
	int64_t now = atomic_load(left);

	while (now != 0)
		if (now < 0 || atomic_compare_exchange_weak(left, &now, now - 1))
			return true;
	return false;
}

static bool fails(size_t *size, ssize_t *ret_result)
{
	int64_t keep = atomic_load(&shim->keep), error = owed;

	owed = 0;
	if (!error && take(&shim->skip))
		return false;
	if (!error && !take(&shim->times))
		return false;
	(void)atomic_fetch_add(&shim->failed, 1);
	if (!error && keep > 0) { /* short now; the error, if any, at the next call */
		*size = (size_t)keep < *size ? (size_t)keep : *size;
		owed = atomic_load(&shim->error);
		return false;
	}
	errno = (int)(error ? error : atomic_load(&shim->error));
	*ret_result = -1;
	return true;
}

static ssize_t real_pread(int fd, void *bytes, size_t size, off_t offset)
{
	if (is_meant(fd))
		pass_gate();
	return syscall(SYS_pread64, fd, bytes, size, offset);
}

static ssize_t real_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	ssize_t result;

	if (is_meant(fd)) {
		pass_gate();
		if (fails(&size, &result))
			return result;
	}
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

/* Every name under which a program may know them. */
#define HOOK __attribute__((visibility("default")))

HOOK ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
	return real_pread(fd, bytes, size, offset);
}

HOOK ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset)
{
	return real_pread(fd, bytes, size, offset);
}

HOOK ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return real_pwrite(fd, bytes, size, offset);
}

HOOK ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	return real_pwrite(fd, bytes, size, offset);
}

HOOK ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room)
{
	(void)room;
	return real_pread(fd, bytes, size, offset);
}

HOOK ssize_t __pread64_chk(int fd, void *bytes, size_t size, off_t offset, size_t room)
{
	(void)room;
	return real_pread(fd, bytes, size, offset);
}
