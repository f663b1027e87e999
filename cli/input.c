#include "cli/input.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 65536

static enum fault read_all(int fd, const char *path, size_t limit, struct bytes *contents, struct why *why)
{
	enum fault fault;
	ssize_t got;

	do {
		if (contents->size > limit)
			return why_set(why, FAULT_INVALID, "'%s' is too large", path);
		fault = bytes_reserve(contents, contents->size + READ_SIZE + 1, why);
		if (fault)
			return fault;
		got = read(fd, contents->data + contents->size, READ_SIZE);
		if (got < 0 && errno != EINTR)
			return why_system(why, "cannot read '%s'", path);
		contents->size += got > 0 ? (size_t)got : 0;
	} while (got);
	return bytes_append(contents, "", 0, why);
}

enum fault input_read(const char *path, size_t limit, struct bytes *contents, struct why *why)
{
	AUTO(file_close) int fd = -1;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, path, limit, contents, why);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return why_system(why, "cannot open '%s'", path);
	return read_all(fd, path, limit, contents, why);
}

static enum fault write_and_sync(int fd, const struct bytes *contents, struct why *why)
{
	enum fault fault = file_pwrite(fd, contents->data, contents->size, 0, NULL, why);

	if (!fault && fsync(fd))
		return why_system(why, "cannot sync");
	return fault;
}

enum fault output_create(const char *path, const struct bytes *contents, struct why *why)
{
	AUTO(file_close) int fd = -1;
	enum fault fault;

	if (!strcmp(path, "-")) {
		if (fwrite(contents->data, 1, contents->size, stdout) != contents->size || fflush(stdout))
			return why_system(why, "cannot write the answer");
		return FAULT_NONE;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return why_set(why, FAULT_EXISTS, "there is a file '%s' already", path);
	if (fd < 0)
		return why_system(why, "cannot make '%s'", path);
	fault = why_in(why, write_and_sync(fd, contents, why), "'%s'", path);
	if (fault)
		(void)unlink(path);
	return fault;
}

enum fault input_real_path(const char *path, char **ret_path, struct why *why)
{
	char *real = realpath(path, NULL);

	if (!real && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "'%s' does not exist", path);
	if (!real)
		return why_system(why, "cannot use '%s'", path);
	*ret_path = real;
	return FAULT_NONE;
}
