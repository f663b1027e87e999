/* fs/range.h - one writer at a time in a range of a stored file's blocks.
 *
 * Every operation that changes stored bytes takes ONE exclusive range: first in the lock
 * table of this process (our threads share open file descriptions, so OFD locks do not
 * keep them apart), then, in shared mode, as an OFD byte-range lock on the stored file at
 * LOCK_BLOCKS + i, where no data is (SMB locks are mandatory on their range). Never two at
 * once by one thread, so there is no deadlock. Released with exactly the range it was taken
 * with, after the pwrite has returned (NFS and SMB clients flush at the unlock).
 *
 *     AUTO(range_release) struct range held = RANGE_NONE;
 *     fault = range_take(table, fd, RANGE_EXCLUSIVE, first, last, &held, why);
 *
 * Another client may be stopped while it holds a range, and then nobody gets it for as long. A thread that serves
 * requests says so (range_serve()), and never waits for that: range_take() tries for RANGE_TRY_MS, and only in
 * RANGE_TRYING threads at a time, then gives FAULT_TURN with nothing taken. Other threads of ours are quick, so
 * for them it waits, unless they are behind another client themselves.
 *
 * A lock file system that has no locks (ENOLCK, EOPNOTSUPP, ENOSYS) counts as granted: share.h says once what
 * that means.
 */
#ifndef FSENC_FS_RANGE_H
#define FSENC_FS_RANGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "fs/format.h"

/* One table an inode. Waiters of other files never meet. */
struct range_table {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct range *held; /* list */
	bool local; /* no OFD locks: this client is the only one */
};

enum range_kind { RANGE_SHARED, RANGE_EXCLUSIVE };

struct range {
	struct range_table *table; /* NULL: nothing is held */
	struct range *next;
	int fd; /* -1 when no OFD lock belongs to it */
	bool stuck; /* waits, or may come to wait, for another client */
	enum range_kind kind;
	uint64_t first, last; /* blocks; RANGE_END is "from first on" */
};

#define RANGE_END UINT64_MAX
#define RANGE_TRY_MS 50
#define RANGE_TRYING 3
#define RANGE_NONE ((struct range){.table = NULL, .next = NULL, .fd = -1})

void range_table_init(struct range_table *table, bool local);
void range_table_done(struct range_table *table);

/* From now on this thread serves requests. */
void range_serve(void);
/* Blocks `first` to `last` inclusive; last == RANGE_END reaches to LOCK_BLOCKS_LAST. first == 0
 * with RANGE_END is also the header lock. Waits, or FAULT_TURN. `held` must stay where it is until released. */
MUST_CHECK enum fault range_take(struct range_table *table, int fd, enum range_kind kind, uint64_t first,
				 uint64_t last, struct range *held, struct why *why);
void range_release(struct range *held);
AUTO_VALUE(struct range, range_release);

#endif
