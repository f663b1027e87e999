#include "server/private_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum fault private_file_create(int directory, const char *name, const void *bytes, size_t size,
			       struct why *why)
{
	AUTO(file_close)
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum fault fault;

	if (fd < 0 && errno == EEXIST)
		return why_set(why, FAULT_EXISTS, "there is already a file '%s'", name);
	if (fd < 0)
		return why_system(why, "cannot make '%s'", name);
	fault = file_pwrite(fd, bytes, size, 0, NULL, why);
	if (!fault && fsync(fd))
		fault = why_system(why, "cannot write '%s'", name);
	if (!fault)
		fault = file_sync_directory(directory, why);
	if (fault)
		(void)unlinkat(directory, name, 0);
	return fault;
}

static enum fault check(int fd, const char *name, bool guarded, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return why_system(why, "cannot look at '%s'", name);
	if (!S_ISREG(status.st_mode))
		return why_set(why, FAULT_KEYRING_READ, "'%s' is no file", name);
	if (guarded)
		return FAULT_NONE;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return why_set(why, FAULT_KEYRING_READ, "others can read '%s' (mode %04o); 'chmod 600' it",
			       name, (unsigned)status.st_mode & 07777);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return why_set(why, FAULT_KEYRING_READ, "'%s' belongs to somebody else", name);
	return FAULT_NONE;
}

static size_t without_line_end(const uint8_t *bytes, size_t size)
{
	if (size && bytes[size - 1] == '\n')
		size--;
	if (size && bytes[size - 1] == '\r')
		size--;
	return size;
}

enum fault private_file_read(int directory, const char *name, bool guarded, struct secret **ret_contents,
			     struct why *why)
{
	AUTO(secret_free) struct secret *buffer = NULL;
	AUTO(file_close) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size;
	enum fault fault;

	if (fd < 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "there is no file '%s'", name);
	if (fd < 0)
		return why_set(why, FAULT_KEYRING_READ, "cannot open '%s': %s", name, strerror(errno));
	fault = check(fd, name, guarded, why);
	if (!fault)
		fault = secret_new(PRIVATE_FILE_MAX + 1, &buffer, why);
	if (!fault)
		fault = file_pread(fd, secret_bytes_to_fill(buffer), PRIVATE_FILE_MAX + 1, 0, &size, why);
	if (fault)
		return fault;
	if (size > PRIVATE_FILE_MAX)
		return why_set(why, FAULT_KEYRING_READ, "'%s' is too large for a key", name);
	return secret_copy(secret_bytes(buffer), without_line_end(secret_bytes(buffer), size), ret_contents,
			   why);
}
