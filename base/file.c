#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RENAME_PATIENCE_MS 5000
#define RENAME_PAUSE_NS 50000000L

void file_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* An answer from what the open itself has brought: no round trip. */
static bool is_regular(int fd)
{
	struct statx found;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &found) == 0 &&
	       S_ISREG(found.stx_mode);
}

static int take_regular(int fd)
{
	if (fd < 0 || is_regular(fd))
		return fd;
	(void)close(fd);
	errno = ENXIO;
	return -1;
}

/* A lease that a file server on this machine holds must be waited for; only regular files have one. */
static int open_waiting(int directory, const char *name, int flags)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	AUTO(file_close) int fd = take_regular(openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));

	if (fd < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, (flags & ~(O_CREAT | O_EXCL)) | O_CLOEXEC);
}

int file_open_regular(int directory, const char *name, int flags, mode_t mode)
{
	int fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);

	if (fd < 0 && errno == EWOULDBLOCK)
		return open_waiting(directory, name, flags);
	return take_regular(fd);
}

enum fault file_pread(int fd, void *buffer, size_t size, off_t offset, size_t *ret_size, struct why *why)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (uint8_t *)buffer + done, size - done, offset + (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_system(why, "cannot read");
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*ret_size = done;
	return FAULT_NONE;
}

enum fault file_pwrite(int fd, const void *buffer, size_t size, off_t offset, size_t *ret_size,
		       struct why *why)
{
	size_t done = 0;
	enum fault fault = FAULT_NONE;

	while (done < size) {
		ssize_t put = pwrite(fd, (const uint8_t *)buffer + done, size - done, offset + (off_t)done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = EIO;
		if (put <= 0) {
			fault = why_system(why, "cannot write");
			break;
		}
		done += (size_t)put;
	}
	if (ret_size)
		*ret_size = done;
	return fault;
}

enum fault file_read(int directory, const char *name, size_t limit, struct bytes *contents, struct why *why)
{
	AUTO(file_close) int fd = file_open_regular(directory, name, O_RDONLY, 0);
	if (fd < 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "'%s' does not exist", name);
	if (fd < 0 && errno == ELOOP)
		return why_set(why, FAULT_MALFORMED, "'%s' is a symbolic link", name);
	if (fd < 0 && errno == ENXIO)
		return why_set(why, FAULT_MALFORMED, "'%s' is not a regular file", name);
	if (fd < 0)
		return why_system(why, "cannot open '%s'", name);
	struct stat stat;
	if (fstat(fd, &stat) != 0)
		return why_system(why, "cannot stat '%s'", name);
	if ((uint64_t)stat.st_size > limit)
		return why_set(why, FAULT_MALFORMED, "'%s' is too large", name);
	enum fault fault = bytes_reserve(contents, contents->size + (size_t)stat.st_size, why);
	if (fault)
		return fault;
	size_t got;
	fault = file_pread(fd, contents->data + contents->size, (size_t)stat.st_size, 0, &got, why);
	if (fault)
		return why_in(why, fault, "'%s'", name);
	contents->size += got;
	contents->data[contents->size] = 0;
	return FAULT_NONE;
}

static bool another_client_holds_it(int error)
{
	return error == EBUSY || error == EACCES || error == ETXTBSY;
}

static enum fault rename_patiently(int directory, const char *from, const char *to, struct why *why)
{
	int64_t until = clock_boot_ms() + RENAME_PATIENCE_MS;

	while (renameat(directory, from, directory, to) != 0) {
		if (!another_client_holds_it(errno) || clock_boot_ms() >= until)
			return why_system(why, "cannot replace '%s'", to);
		const struct timespec pause = {0, RENAME_PAUSE_NS};
		(void)nanosleep(&pause, NULL);
	}
	return FAULT_NONE;
}

static enum fault write_and_sync(int fd, const struct bytes *contents, struct why *why)
{
	enum fault fault = file_pwrite(fd, contents->data, contents->size, 0, NULL, why);
	if (fault)
		return fault;
	if (fsync(fd) != 0)
		return why_system(why, "cannot sync");
	return FAULT_NONE;
}

enum fault file_replace(int directory, const char *name, mode_t mode, const struct bytes *contents,
			struct why *why)
{
	char temporary[300];
	(void)snprintf(temporary, sizeof temporary, "%s.new-%08x%08x", name, randombytes_random(),
		       randombytes_random());
	int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return why_system(why, "cannot create '%s'", temporary);
	enum fault fault = write_and_sync(fd, contents, why);
	if (close(fd) != 0 && !fault)
		fault = why_system(why, "cannot close '%s'", temporary);
	if (!fault)
		fault = rename_patiently(directory, temporary, name, why);
	if (fault) {
		(void)unlinkat(directory, temporary, 0);
		return why_in(why, fault, "'%s'", name);
	}
	return file_sync_directory(directory, why);
}

enum fault file_sync_directory(int directory, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_system(why, "cannot open a directory to sync it");
	/* Some network file systems cannot sync a directory; their renames are durable at once. */
	if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		return why_system(why, "cannot sync a directory");
	return FAULT_NONE;
}

/* -- directories --------------------------------------------------------------------------- */

static void auto_closedir(DIR **listing)
{
	if (*listing)
		(void)closedir(*listing);
}

enum fault file_list_names(int directory, struct bytes *ret_names, struct why *why)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	if (!listing) {
		enum fault fault = why_system(why, "the directory cannot be read");
		file_close(fd);
		return fault;
	}
	errno = 0;
	for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
		enum fault fault = dots ? FAULT_NONE
					: bytes_append(ret_names, entry->d_name, strlen(entry->d_name) + 1,
						       why);
		if (fault)
			return fault;
		errno = 0;
	}
	return errno == 0 ? FAULT_NONE : why_system(why, "the directory cannot be read");
}
