/* oracle - a workload on a mount that knows afterwards what must be there.
 *
 *     oracle run DIR JOURNAL SEED [PID OPERATIONS]   until SIGTERM, or the mount's end; kills PID after so many operations
 *     oracle check DIR JOURNAL [FLUX]                after a kill: all that was acknowledged is there
 *     oracle mark JOURNAL MARKS                      how far it has come
 *     oracle progress JOURNAL                        prints how many operations were acknowledged
 *     oracle check-power DIR JOURNAL LOW HIGH FLUX   after a cut between two marks: all that was synced is there
 *     oracle fill FILE SIZE                          appends until SIZE is reached or an error comes, prints its name, and
 *                                                    checks that all that was acknowledged can be read
 *     oracle between OLD NEW FILE                    each block of FILE, and its size, is that of OLD or that of NEW
 *
 * FLUX gets the names of the files that may have been written to at the cut.
 * Exit status 1: the mount did not keep what it promised; 2: this program could not do its work.
 */
#include "tests/trust/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(void)
{
	(void)fputs("usage: see the head of tests/trust/oracle.c\n", stderr);
	return 2;
}

static void marks_load(const char *path, struct marks *marks)
{
	FILE *file = fopen(path, "re");

	if (!file || fread(marks, sizeof(*marks), 1, file) != 1) {
		perror(path);
		exit(2);
	}
	(void)fclose(file);
}

static int mark(const char *journal, const char *path)
{
	struct marks marks;
	FILE *file = fopen(path, "we");

	journal_mark(journal_map(journal, false), &marks);
	if (!file || fwrite(&marks, sizeof(marks), 1, file) != 1 || fclose(file)) {
		perror(path);
		return 2;
	}
	return 0;
}

static int progress(const char *journal)
{
	struct marks marks;
	uint64_t sum = 0;

	journal_mark(journal_map(journal, false), &marks);
	for (unsigned i = 0; i < LANES; i++)
		sum += marks.acked[i];
	(void)printf("%llu\n", (unsigned long long)sum);
	return 0;
}

/* -- between ------------------------------------------------------------------------------------ */

#define BLOCK 4096

struct side {
	int fd;
	int64_t size;
	uint8_t bytes[BLOCK];
	ssize_t got; /* of the present block */
};

static void side_open(struct side *side, const char *path)
{
	struct stat stat;

	side->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (side->fd < 0 || fstat(side->fd, &stat)) {
		perror(path);
		exit(2);
	}
	side->size = stat.st_size;
}

static void side_read(struct side *side, int64_t at)
{
	memset(side->bytes, 0, BLOCK);
	side->got = pread(side->fd, side->bytes, BLOCK, at);
}

/* As far as the file goes; a file of the size between has grown or shrunk by whole pieces. */
static bool is_like(const struct side *side, const struct side *file)
{
	return side->got >= 0 && file->got >= 0 && !memcmp(side->bytes, file->bytes, (size_t)file->got);
}

static int between(char **paths)
{
	static struct side old, new, file;

	side_open(&old, paths[0]);
	side_open(&new, paths[1]);
	side_open(&file, paths[2]);
	if (file.size < (old.size < new.size ? old.size : new.size) ||
	    file.size > (old.size > new.size ? old.size : new.size)) {
		(void)printf("the size is %lld\n", (long long)file.size);
		return 1;
	}
	for (int64_t at = 0; at < file.size; at += BLOCK) {
		side_read(&old, at);
		side_read(&new, at);
		side_read(&file, at);
		if (is_like(&old, &file) || is_like(&new, &file))
			continue;
		(void)printf("the block at %lld %s\n", (long long)at, file.got < 0 ? strerror(errno) : "is another");
		return 1;
	}
	return 0;
}

/* -- fill ----------------------------------------------------------------------------------------- */

#define FILL_CHUNK 30001 /* no multiple of anything */

static int fill_check(const char *path, int64_t acked, uint64_t seed)
{
	static uint8_t wanted[FILL_CHUNK], got[FILL_CHUNK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	for (int64_t at = 0; fd >= 0 && at < acked; at += FILL_CHUNK) {
		int64_t size = acked - at < FILL_CHUNK ? acked - at : FILL_CHUNK;

		pattern_fill(wanted, seed, at, size);
		if (pread(fd, got, (size_t)size, at) == size && !memcmp(wanted, got, (size_t)size))
			continue;
		(void)printf("%s: acknowledged bytes from %lld on cannot be read: %s\n", path, (long long)at,
			     strerror(errno));
		return 1;
	}
	return fd < 0 ? 2 : 0;
}

static int fill(const char *path, int64_t size)
{
	static uint8_t bytes[FILL_CHUNK];
	uint64_t seed = strlen(path) * 77 + 5;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	int64_t at = 0;
	int error = fd < 0 ? errno : 0;

	while (!error && at < size) {
		int64_t want = size - at < FILL_CHUNK ? size - at : FILL_CHUNK;
		ssize_t done;

		pattern_fill(bytes, seed, at, want);
		done = pwrite(fd, bytes, (size_t)want, at);
		error = done < 0 ? errno : 0;
		at += done > 0 ? done : 0;
	}
	if (fd >= 0 && close(fd) && !error)
		error = errno;
	(void)printf("%s %lld\n", error ? strerrorname_np(error) : "OK", (long long)at);
	return fd < 0 ? 0 : fill_check(path, at, seed);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	struct check_options check = {.directory = argc > 2 ? argv[2] : NULL};

	if (!strcmp(verb, "run") && (argc == 5 || argc == 7)) {
		struct run_options run = {.directory = argv[2], .seed = strtoull(argv[4], NULL, 10)};

		run.kill = argc == 7 ? atoi(argv[5]) : 0;
		run.after = argc == 7 ? strtoull(argv[6], NULL, 10) : 0;
		return oracle_run(journal_map(argv[3], true), &run);
	}
	if (!strcmp(verb, "mark") && argc == 4)
		return mark(argv[2], argv[3]);
	if (!strcmp(verb, "progress") && argc == 3)
		return progress(argv[2]);
	if (!strcmp(verb, "between") && argc == 5)
		return between(argv + 2);
	if (!strcmp(verb, "fill") && argc == 4)
		return fill(argv[2], strtoll(argv[3], NULL, 10));
	if (!strcmp(verb, "check") && (argc == 4 || argc == 5)) {
		struct journal *journal = journal_map(argv[3], false);

		journal_mark(journal, &check.low);
		check.high = check.low;
		check.flux = argc == 5 ? argv[4] : NULL;
		return oracle_check(journal, &check);
	}
	if (!strcmp(verb, "check-power") && argc == 7) {
		check.power = true;
		marks_load(argv[4], &check.low);
		marks_load(argv[5], &check.high);
		check.flux = argv[6];
		return oracle_check(journal_map(argv[3], false), &check);
	}
	return usage();
}
