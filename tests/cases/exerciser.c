/* exerciser SEED STEPS FILE [FILE] - does to a file, at random, all that programs do to files, and knows at
 * each step what must be in it.
 *
 * FILE is on a mount and is made anew. With a second FILE, the same one as another mount shows it, every step
 * is done on one of both, and what the step before opened is closed: what close-to-open promises. The same
 * seed does the same. Prints the last steps and exits with 1 where something else is read than was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (300 * 1024)
#define PIECE_MAX (70 * 1024)
#define TOLD 40
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *paths[2];
static size_t path_count, path;
static uint8_t model[SIZE_MAX_BYTES], buffer[SIZE_MAX_BYTES];
static size_t size;
static int file = -1; /* O_RDWR */
static int maker = -1; /* O_WRONLY, what made the file, or an appending one */
static uint64_t state;
static unsigned long step;
static char told[TOLD][160];

static _Noreturn void wrong(const char *what, size_t at)
{
	for (unsigned long i = step < TOLD ? 1 : step - TOLD + 1; i <= step; i++)
		fprintf(stderr, "%lu %s\n", i, told[i % TOLD]);
	fprintf(stderr, "step %lu: %s at %zu (%s)\n", step, what, at, strerror(errno));
	exit(1);
}

/* splitmix64: Steele, Lea, Flood 2014 */
static uint64_t next(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static size_t below(size_t limit)
{
	return limit ? (size_t)(next() % limit) : 0;
}

/* Borders of blocks and pages are where mistakes are. */
static size_t somewhere(size_t limit)
{
	size_t at = below(limit);

	if (below(3) == 0)
		at = at / 4096 * 4096 + below(3);
	return at > limit ? limit : at;
}

static void tell(const char *what, size_t at, size_t length)
{
	(void)snprintf(told[step % TOLD], sizeof(told[0]), "%s [%zu, %zu) of %zu on %zu", what, at,
		       at + length, size, path);
}

static void fill(size_t length)
{
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = next() | 1;
		memcpy(buffer + i, &word, length - i < 8 ? length - i : 8);
	}
}

/* -- the descriptors ------------------------------------------------------------------------------- */

static void close_one(int *fd)
{
	if (*fd >= 0 && close(*fd) != 0)
		wrong("close", 0);
	*fd = -1;
}

static void close_all(void)
{
	close_one(&maker);
	close_one(&file);
}

static void look_at_size(void)
{
	struct stat seen;

	if (fstat(file, &seen) != 0 || (size_t)seen.st_size != size)
		wrong("another size", (size_t)seen.st_size);
}

/* fstat() comes before mmap(), copy_file_range() and sendfile() in programs, and it has to: they go as far as
 * the kernel thinks that the file does. */
static void open_file(void)
{
	if (file >= 0)
		return;
	file = open(paths[path], O_RDWR | O_CLOEXEC);
	if (file < 0)
		wrong("open", 0);
	look_at_size();
}

static void write_all(int fd, size_t at, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t wrote = pwrite(fd, buffer + done, length - done, (off_t)(at + done));
		if (wrote <= 0)
			wrong("write", at + done);
		done += (size_t)wrote;
	}
}

/* -- the steps ------------------------------------------------------------------------------------- */

static void wrote(size_t at, size_t length)
{
	memcpy(model + at, buffer, length);
	if (at + length > size)
		size = at + length;
}

static size_t piece(size_t at)
{
	size_t length = 1 + somewhere(below(4) ? 9000 : PIECE_MAX);

	return at + length > SIZE_MAX_BYTES ? SIZE_MAX_BYTES - at : length;
}

static void compare(const uint8_t *got, size_t at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (got[i] != model[at + i])
			wrong("another byte", at + i);
}

static void do_read(void)
{
	size_t at = somewhere(SIZE_MAX_BYTES - 1), length = piece(at);
	size_t expected = at >= size ? 0 : size - at < length ? size - at : length;

	tell("read", at, length);
	ssize_t got = pread(file, buffer, length, (off_t)at);
	if (got < 0 || (size_t)got != expected)
		wrong("a read of another length", at);
	compare(buffer, at, expected);
}

static void do_write(void)
{
	size_t at = somewhere(SIZE_MAX_BYTES - 1), length = piece(at);

	tell("write", at, length);
	fill(length);
	write_all(file, at, length);
	wrote(at, length);
}

static void do_write_by_maker(void)
{
	size_t at = somewhere(SIZE_MAX_BYTES - 1), length = piece(at);

	if (maker < 0)
		maker = open(paths[path], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (maker < 0)
		wrong("open to write", 0);
	tell("write by the other", at, length);
	fill(length);
	write_all(maker, at, length);
	wrote(at, length);
}

static void do_append(void)
{
	size_t length = piece(size);
	int fd = open(paths[path], O_WRONLY | O_APPEND | O_CLOEXEC);

	tell("append", size, length);
	fill(length);
	for (size_t done = 0; done < length;) {
		ssize_t got = write(fd, buffer + done, length - done);
		if (got <= 0)
			wrong("append", size + done);
		done += (size_t)got;
	}
	close_one(&fd);
	wrote(size, length);
}

static void do_truncate(void)
{
	size_t to = somewhere(SIZE_MAX_BYTES);

	tell("truncate", to, 0);
	if ((below(2) ? ftruncate(file, (off_t)to) : truncate(paths[path], (off_t)to)) != 0)
		wrong("truncate", to);
	if (to > size)
		memset(model + size, 0, to - size);
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

static void do_map(bool change)
{
	size_t at = below(size), length = 1 + below(size - at < PIECE_MAX ? size - at : PIECE_MAX);

	tell(change ? "write by a mapping" : "read by a mapping", at, length);
	if (!size)
		return;
	uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (map == MAP_FAILED)
		wrong("mmap", 0);
	if (change) {
		fill(length);
		memcpy(map + at, buffer, length);
		wrote(at, length);
	} else {
		compare(map + at, at, length);
	}
	if (change && below(2) && msync(map, size, MS_SYNC) != 0)
		wrong("msync", at);
	if (munmap(map, size) != 0)
		wrong("munmap", 0);
}

static void do_read_mapped(void)
{
	do_map(false);
}

static void do_write_mapped(void)
{
	do_map(true);
}

/* mode of fallocate(2): what a share cannot do is refused, and nothing is changed then. */
static void allocate(const char *what, int mode, bool clears)
{
	size_t at = somewhere(SIZE_MAX_BYTES - 1), length = piece(at), end = at + length;

	tell(what, at, length);
	if (fallocate(file, mode, (off_t)at, (off_t)length) != 0) {
		if (errno != EOPNOTSUPP)
			wrong(what, at);
		return;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		size = end;
	if (clears)
		memset(model + at, 0, length);
}

static void do_punch(void)
{
	allocate("punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, true);
}

static void do_zero(void)
{
	bool keep = below(2);

	allocate("zero", FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), true);
}

static void do_allocate(void)
{
	bool keep = below(2);

	allocate("allocate", keep ? FALLOC_FL_KEEP_SIZE : 0, false);
}

/* Within the file, from one place to another that does not touch it. */
static void do_copy(void)
{
	size_t from = somewhere(size), length = piece(from), to = from + length;
	off_t in = (off_t)from, out;

	if (from + length > size)
		length = size - from;
	if (!length || to + length > SIZE_MAX_BYTES)
		return;
	to += below(SIZE_MAX_BYTES - to - length + 1);
	out = (off_t)to;
	tell("copy to", to, length);
	memcpy(buffer, model + from, length);
	for (size_t left = length; left;) {
		ssize_t got = copy_file_range(file, &in, file, &out, left, 0);
		if (got <= 0)
			wrong("copy", to);
		left -= (size_t)got;
	}
	wrote(to, length);
}

static void do_sync(void)
{
	tell("fsync", 0, 0);
	if ((below(2) ? fsync(file) : fdatasync(file)) != 0)
		wrong("fsync", 0);
}

static void do_forget(void)
{
	tell("forget pages", 0, 0);
	(void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

static void do_reopen(void)
{
	tell("close", 0, 0);
	close_all();
}

/* Another file in its place, by the handle that made it. */
static void do_replace(void)
{
	char name[4096];
	bool rename_over = below(2);

	tell(rename_over ? "make and rename over" : "remove and make", 0, 0);
	close_all();
	(void)snprintf(name, sizeof(name), "%s%s", paths[path], rename_over ? ".new" : "");
	if (!rename_over && unlink(paths[path]) != 0)
		wrong("unlink", 0);
	maker = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (maker < 0 || (rename_over && rename(name, paths[path]) != 0))
		wrong("replace", 0);
	memset(model, 0, sizeof(model));
	size = 0;
}

static void do_empty(void)
{
	tell("open with O_TRUNC", 0, 0);
	close_one(&maker);
	maker = open(paths[path], O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (maker < 0)
		wrong("open with O_TRUNC", 0);
	memset(model, 0, sizeof(model));
	size = 0;
}

static void do_stat(void)
{
	tell("stat", 0, 0);
	look_at_size();
}

static void do_move(void)
{
	char name[4096];

	tell("rename away and back", 0, 0);
	(void)snprintf(name, sizeof(name), "%s.moved", paths[path]);
	if (rename(paths[path], name) != 0 || rename(name, paths[path]) != 0)
		wrong("rename", 0);
}

static const struct {
	void (*run)(void);
	unsigned weight;
} steps[] = {
	{do_read, 20},	       {do_write, 20},	 {do_write_by_maker, 14},
	{do_append, 6},	       {do_truncate, 8}, {do_read_mapped, 10},
	{do_write_mapped, 10}, {do_punch, 4},	 {do_zero, 3},
	{do_allocate, 3},      {do_copy, 4},	 {do_sync, 3},
	{do_forget, 3},	       {do_reopen, 6},	 {do_replace, 2},
	{do_empty, 1},	       {do_stat, 4},	 {do_move, 1},
};

static void (*some_step(void))(void)
{
	size_t all = 0;

	for (size_t i = 0; i < COUNT(steps); i++)
		all += steps[i].weight;
	size_t drawn = below(all);
	for (size_t i = 0; i < COUNT(steps); i++) {
		if (drawn < steps[i].weight)
			return steps[i].run;
		drawn -= steps[i].weight;
	}
	abort();
}

/* -- all of it ------------------------------------------------------------------------------------- */

static void look_at_all(void)
{
	close_all();
	for (path = 0; path < path_count; path++) {
		open_file();
		tell("read all", 0, size);
		ssize_t got = pread(file, buffer, sizeof(buffer), 0);
		if (got < 0 || (size_t)got != size)
			wrong("the end is elsewhere", (size_t)got);
		compare(buffer, 0, size);
		close_all();
	}
	path = 0;
}

int main(int count, char **words)
{
	if (count < 4 || count > 5) {
		fputs("exerciser SEED STEPS FILE [FILE]\n", stderr);
		return 2;
	}
	state = strtoull(words[1], NULL, 10);
	unsigned long end = strtoul(words[2], NULL, 10);
	path_count = (size_t)count - 3;
	for (size_t i = 0; i < path_count; i++)
		paths[i] = words[3 + i];
	file = open(paths[0], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		wrong("make", 0);
	for (step = 1; step <= end; step++) {
		if (path_count > 1 && below(4) == 0) {
			close_all();
			path = below(path_count);
		}
		open_file();
		some_step()();
		if (step % 500 == 0)
			look_at_all();
	}
	look_at_all();
	printf("seed %s: %lu steps, %zu bytes at the end\n", words[1], end, size);
	return 0;
}
