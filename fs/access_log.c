#include "fs/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define LOCK_PAUSE_MS 10

struct access_line {
	struct digest digest;
	size_t offset;
	size_t size;
};

void access_log_done(struct access_log *log)
{
	bytes_done(&log->text);
	free(log->lines);
	*log = ACCESS_LOG_EMPTY;
}

/* -- reading -------------------------------------------------------------------------- */

static enum fault add_line(struct access_log *log, size_t offset, size_t size, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	const char *text = (const char *)log->text.data + offset;
	enum fault fault = signed_parse_text(text, size, RECORD_TYPE, &object, NULL);
	if (fault == FAULT_MEMORY)
		return why_set(why, fault, "no memory for the log of a folder");
	if (fault)
		return FAULT_NONE;
	struct access_line *lines = reallocarray(log->lines, log->count + 1, sizeof *lines);
	if (!lines)
		return why_set(why, FAULT_MEMORY, "no memory for the log of a folder");
	log->lines = lines;
	lines[log->count++] = (struct access_line){signed_digest(object), offset, size};
	return FAULT_NONE;
}

static int by_digest(const void *one, const void *other)
{
	return memcmp(((const struct access_line *)one)->digest.bytes,
		      ((const struct access_line *)other)->digest.bytes, DIGEST_SIZE);
}

static enum fault add_lines(struct access_log *log, size_t start, struct why *why)
{
	while (start < log->text.size) {
		const uint8_t *from = log->text.data + start;
		const uint8_t *end = memchr(from, '\n', log->text.size - start);
		size_t size = end ? (size_t)(end - from) : log->text.size - start;
		enum fault fault = size > 0 ? add_line(log, start, size, why) : FAULT_NONE;
		if (fault)
			return fault;
		start += size + 1;
	}
	if (log->count > 0)
		qsort(log->lines, log->count, sizeof *log->lines, by_digest);
	return FAULT_NONE;
}

enum fault access_log_add(struct access_log *log, const void *text, size_t size, struct why *why)
{
	size_t start = log->text.size;
	enum fault fault = bytes_append(&log->text, text, size, why);
	if (!fault)
		fault = add_lines(log, start, why);
	return fault;
}

enum fault access_log_read(struct access_log *log, int directory, struct why *why)
{
	size_t start = log->text.size;
	enum fault fault = file_read(directory, FORMAT_LOG_FILE, ACCESS_LOG_MAX, &log->text, why);
	if (fault == FAULT_MISSING || fault == FAULT_MALFORMED)
		return FAULT_NONE;
	return fault ? fault : add_lines(log, start, why);
}

/* -- finding -------------------------------------------------------------------------- */

static const struct access_line *find_line(const struct access_log *log, const struct digest *digest)
{
	const struct access_line wanted = {.digest = *digest};

	return log->count > 0 ? bsearch(&wanted, log->lines, log->count, sizeof wanted, by_digest) : NULL;
}

bool access_log_has(const struct access_log *log, const struct digest *digest)
{
	return find_line(log, digest) != NULL;
}

enum fault access_log_find(const struct access_log *log, const struct digest *digest,
			   struct record **ret_record, struct signed_object **ret_object, struct why *why)
{
	const struct access_line *line = find_line(log, digest);
	if (!line)
		return why_set(why, FAULT_MISSING, "the log does not hold this record");
	AUTO(signed_free) struct signed_object *object = NULL;
	const char *text = (const char *)log->text.data + line->offset;
	enum fault fault = signed_parse_text(text, line->size, RECORD_TYPE, &object, why);
	if (!fault)
		fault = record_read(object, ret_record, why);
	if (!fault)
		*ret_object = TAKE(object);
	return fault;
}

/* -- locking -------------------------------------------------------------------------- */

static int open_existing(int directory, enum access_lock kind)
{
	int access = kind == ACCESS_LOCK_EXCLUSIVE ? O_RDWR : O_RDONLY;

	return file_open_regular(directory, FORMAT_LOG_FILE, access, 0);
}

/* Whoever may write the directory may change the access list, so he must be able to lock it:
 * a umask of the first one must not shut the others out. */
static int make(int directory)
{
	struct stat stat;
	int fd = openat(directory, FORMAT_LOG_FILE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd >= 0 && fstat(directory, &stat) == 0)
		(void)fchmod(fd, (stat.st_mode & 0666) | 0600);
	return fd;
}

static enum fault open_log(int directory, enum access_lock kind, int *ret_fd, struct why *why)
{
	AUTO(file_close) int fd = open_existing(directory, kind);
	if (fd < 0 && errno == ENOENT && kind == ACCESS_LOCK_SHARED)
		return why_set(why, FAULT_MISSING, "there is no '%s'", FORMAT_LOG_FILE);
	if (fd < 0 && errno == ENOENT)
		fd = make(directory);
	if (fd < 0 && errno == EEXIST)
		fd = open_existing(directory, kind);
	if (fd < 0 && errno == ENXIO)
		return why_set(why, FAULT_MALFORMED, "'%s' is not a regular file", FORMAT_LOG_FILE);
	if (fd < 0)
		return why_system(why, "cannot open '%s'", FORMAT_LOG_FILE);
	*ret_fd = fd;
	fd = -1;
	return FAULT_NONE;
}

/* The share has no locks at all: share_trusts_locks() has said what that means. */
static bool has_no_locks(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS;
}

static enum fault take(int fd, enum access_lock kind, int64_t patience_ms, struct why *why)
{
	int64_t pauses = patience_ms / LOCK_PAUSE_MS;
	int command = patience_ms == ACCESS_LOCK_FOR_EVER ? F_OFD_SETLKW : F_OFD_SETLK;
	struct flock lock = {
		.l_type = kind == ACCESS_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BLOCKS,
		.l_len = LOCK_BLOCKS_LAST - LOCK_BLOCKS + 1,
	};

	while (fcntl(fd, command, &lock) != 0) {
		if (has_no_locks(errno))
			return FAULT_NONE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return why_system(why, "cannot lock '%s'", FORMAT_LOG_FILE);
		if (pauses-- <= 0)
			return why_set(why, FAULT_BUSY, "somebody else is changing the access list");
		const struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
		(void)nanosleep(&pause, NULL);
	}
	return FAULT_NONE;
}

/* A lock on a file that no longer bears the name keeps nobody out. */
static bool still_bears_the_name(int directory, int fd)
{
	struct stat here;
	struct stat held;

	return fstat(fd, &held) == 0 &&
	       fstatat(directory, FORMAT_LOG_FILE, &here, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_dev == held.st_dev && here.st_ino == held.st_ino;
}

enum fault access_log_lock(int directory, enum access_lock kind, int64_t patience_ms, int *ret_fd,
			   struct why *why)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		AUTO(file_close) int fd = -1;
		enum fault fault = open_log(directory, kind, &fd, why);
		if (!fault)
			fault = take(fd, kind, patience_ms, why);
		if (fault)
			return fault;
		if (!still_bears_the_name(directory, fd))
			continue;
		*ret_fd = fd;
		fd = -1;
		return FAULT_NONE;
	}
	return why_set(why, FAULT_BUSY, "'%s' is replaced again and again", FORMAT_LOG_FILE);
}

/* -- appending ------------------------------------------------------------------------ */

/* A writer that died left half a line: what follows must not become part of it. */
static enum fault ends_torn(int fd, off_t size, bool *ret_torn, struct why *why)
{
	char last = '\n';
	size_t got = 0;
	enum fault fault = size > 0 ? file_pread(fd, &last, 1, size - 1, &got, why) : FAULT_NONE;
	if (!fault)
		*ret_torn = last != '\n';
	return fault;
}

enum fault access_log_append(int fd, const struct signed_object *record, struct why *why)
{
	struct stat stat;
	if (fstat(fd, &stat) != 0)
		return why_system(why, "cannot stat '%s'", FORMAT_LOG_FILE);
	AUTO(free) char *text = NULL;
	AUTO(bytes_done) struct bytes line = BYTES_EMPTY;
	bool torn;
	enum fault fault = ends_torn(fd, stat.st_size, &torn, why);
	if (!fault)
		fault = signed_text(record, &text, why);
	if (!fault && torn)
		fault = bytes_append_text(&line, "\n", why);
	if (!fault)
		fault = bytes_append_text(&line, text, why);
	if (!fault)
		fault = bytes_append_text(&line, "\n", why);
	if (!fault)
		fault = file_pwrite(fd, line.data, line.size, stat.st_size, NULL, why);
	if (fault)
		return why_in(why, fault, "'%s'", FORMAT_LOG_FILE);
	return fsync(fd) == 0 ? FAULT_NONE : why_system(why, "cannot sync '%s'", FORMAT_LOG_FILE);
}
