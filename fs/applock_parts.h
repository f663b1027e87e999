/* fs/applock_parts.h - owners and waiters, for applock*.c alone. */
#ifndef FSENC_FS_APPLOCK_PARTS_H
#define FSENC_FS_APPLOCK_PARTS_H

#include <pthread.h>

#include "fs/applock.h"

/* Guarded by locks->mutex: next, references. */
struct applock_owner {
	struct applock_owner *next;
	struct inode *inode; /* reference */
	const struct open_file *file; /* the handle it goes with; only compared */
	uint64_t owner;
	int fd;
	unsigned references;
};

struct applocks {
	struct tree *tree;
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* an unlock, an interrupt, the end */
	struct applock_owner *owners;
	unsigned parked; /* threads under way */
	uint64_t wakes;
	bool ending;
};

MUST_CHECK enum fault applock_place_of(const struct applock_request *request, struct flock *ret_stored,
				       struct why *why);
MUST_CHECK enum fault applock_owner_get(struct applocks *locks, const struct applock_request *request,
					struct applock_owner **ret_owner, struct why *why);
void applock_owner_put(struct applocks *locks, struct applock_owner *owner);
void applock_drop_all(struct applocks *locks);
/* Something was unlocked here: whoever waits tries again at once. */
void applock_wake(struct applocks *locks);

#endif
