/* fs/applock.h - locks of applications, passed on to the share so that other clients see them.
 *
 *   fcntl range [a, b)   bytes [2^61 + a, 2^61 + min(b, 2^61)) of the stored file
 *   flock                the one byte LOCK_FLOCK
 *
 * Each lock owner has an open file description of its own for each file, and so OFD locks of its own. It is
 * kept with the handle through which it was first used and closed when the owner flushes any descriptor of
 * the file, or that handle is released: the kernel sends no unlock for OFD locks then. docs/FORMAT.md,
 * "Locks".
 *
 * Whoever has to wait is parked on a thread of its own that tries again, soon after an unlock here and every
 * few milliseconds to 200 ms otherwise, and that an interrupt ends with EINTR: no FUSE worker ever waits for
 * a lock. In shared mode the kernel's pages and our cached blocks of the file are dropped before a granted
 * lock is answered, so that what is read under it is fresh; that, too, needs a thread that serves no
 * requests. Each request is answered exactly once. Any thread.
 */
#ifndef FSENC_FS_APPLOCK_H
#define FSENC_FS_APPLOCK_H

#include "fs/file.h"
#include "fs/fuse.h"

struct applocks;

MUST_CHECK enum fault applocks_new(struct tree *tree, struct applocks **ret_locks, struct why *why);
/* Interrupts everybody who waits, and waits for their answers. */
void applocks_free(struct applocks *locks);
AUTO_POINTER(struct applocks *, applocks_free);

struct applock_request {
	fuse_req_t request;
	struct open_file *file;
	uint64_t owner;
	bool waits;
	struct flock range; /* as the application gave it: l_type, l_start, l_len (0: to the end) */
	bool flock; /* the one byte; l_start and l_len do not count */
};
/* Answers the request, now or later. */
void applock_set(struct applocks *locks, const struct applock_request *request);
void applock_test(struct applocks *locks, const struct applock_request *request);

/* The owner closes a descriptor of the file. */
void applock_flushed(struct applocks *locks, struct open_file *file, uint64_t owner);
/* The handle goes, and with it every owner who took a lock through it. */
void applock_released(struct applocks *locks, struct open_file *file);

/* Where an application's range lies in the stored file. FAULT_SYSTEM with EOVERFLOW from 2^61 on. Exposed for
 * its test. */
MUST_CHECK enum fault applock_place(const struct flock *range, struct flock *ret_stored, struct why *why);
/* And back. */
void applock_shown(const struct flock *stored, struct flock *ret_range);

#endif
