/* tests/trust/journal.h - what a workload asked of a mount, and what it was promised.
 *
 * A file mapped into memory, outside of the mount. Each thread has a lane of its own: it writes down an operation
 * before it begins (`begun`), and counts it after the mount has answered (`acked`). Contents follow from a seed, so a
 * record holds none. The journal outlives the mount, and the process.
 */
#ifndef FSENC_TESTS_TRUST_JOURNAL_H
#define FSENC_TESTS_TRUST_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 4
#define SLOTS 6 /* files of a lane: three kinds of name, small and large */
#define RECORDS (1u << 16) /* of a lane; then it stops */
#define CONTENT_MAX (4 * 1024 * 1024)
#define PLACE_SIZE 300

enum operation {
	OPERATION_CREATE, /* with a directory of its own, for some slots */
	OPERATION_WRITE,
	OPERATION_TRUNCATE,
	OPERATION_FSYNC, /* of the file; of its lane's directory when there is none */
	OPERATION_REPLACE, /* write a new file, sync it, rename it over this one */
	OPERATION_UNLINK
};

struct record {
	uint32_t operation;
	uint32_t slot;
	uint64_t name; /* tells the directories of one slot from each other */
	uint64_t seed;
	int64_t offset; /* the new size, for OPERATION_TRUNCATE */
	int64_t size;
};

struct lane {
	_Atomic uint64_t begun; /* records that count */
	_Atomic uint64_t acked;
	struct record records[RECORDS];
};

struct journal {
	struct lane lanes[LANES];
};

/* Maps `path`, made anew with `create`. Ends the process when that fails. */
struct journal *journal_map(const char *path, bool create);

/* What a file should be. */
struct model {
	bool exists;
	uint64_t name;
	int64_t size;
	uint8_t *bytes; /* CONTENT_MAX */
};
void model_apply(struct model *model, const struct record *record);

/* Never zero, so that a hole shows. */
uint8_t pattern_byte(uint64_t seed, int64_t offset);
void pattern_fill(uint8_t *bytes, uint64_t seed, int64_t offset, int64_t size);

/* Below the workload's directory; `suffix` is put behind. */
void slot_place(unsigned lane, unsigned slot, uint64_t name, const char *suffix, char place[PLACE_SIZE]);
bool slot_has_directory(unsigned slot);

/* oracle_run.c, oracle_check.c: the two halves. Exit statuses. */
struct run_options {
	const char *directory;
	uint64_t seed;
	int kill; /* this process, with SIGKILL, or 0 */
	uint64_t after; /* when so many operations have begun */
};
int oracle_run(struct journal *journal, const struct run_options *options);

struct marks {
	uint64_t acked[LANES], begun[LANES];
};
void journal_mark(struct journal *journal, struct marks *marks);

struct check_options {
	const char *directory;
	/* A power cut: what was synced by `low` is there; what began before `high` may be, whole or torn. Without: a
	 * kill, and all that was acknowledged is there. */
	bool power;
	struct marks low, high;
	const char *flux; /* file that gets the paths of files that may have been written to at the cut; or NULL */
};
int oracle_check(struct journal *journal, const struct check_options *options);

#endif
