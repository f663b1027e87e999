/* fs/loop.h - the threads that serve the kernel's requests; none of them ever waits for a key server, nor for
 * another client that is slow or stopped.
 *
 * At most LOOP_WORKERS threads read requests and do them. One is added when all are at work; none ends before
 * the mount. An operation that meets FAULT_PENDING calls loop_park(): nothing is answered, the worker goes on
 * to the next request, and the operation is done once more from its beginning when loop_settled() was called,
 * by threads for that alone. What is still pending LOOP_PATIENCE_MS after it came must be refused:
 * loop_park() is false. An operation that meets FAULT_TURN (fs/range.h) calls loop_park_for_turn() and comes once
 * more every few milliseconds, for as long as it takes. So an operation that may meet either must not have
 * changed anything before it does.
 *
 * A parked request that its program gives up (FUSE_INTERRUPT) is answered EINTR; one for its turn only when it has
 * waited LOOP_PATIENCE_MS, as every signal interrupts. At the end of the mount, what is parked is answered
 * EHOSTUNREACH. Memory for it is bounded (fs/parked.h).
 *
 * The loop also knows one request that libfuse 3.14 does not: FUSE_TMPFILE comes as a create operation
 * with loop_makes_nameless() true; and the flags of fs/killpriv.h. linux/fuse.h; docs/ARCHITECTURE.md,
 * "Requests that wait".
 */
#ifndef FSENC_FS_LOOP_H
#define FSENC_FS_LOOP_H

#include <stdbool.h>

#include "base/why.h"
#include "fs/fuse.h"

#define LOOP_WORKERS 10
#define LOOP_PATIENCE_MS 5000

struct loop;

/* `session` is borrowed. `patience_ms` is LOOP_PATIENCE_MS, except in tests. */
MUST_CHECK enum fault loop_new(struct fuse_session *session, int64_t patience_ms, struct loop **ret_loop,
			       struct why *why);
void loop_free(struct loop *loop);
AUTO_POINTER(struct loop *, loop_free);

/* Serves until loop_end(), or until the kernel has let go of the mount. */
MUST_CHECK enum fault loop_run(struct loop *loop, struct why *why);
/* Any thread; requests under way are done first. */
void loop_end(struct loop *loop);

/* What was pending may be there, or refused, now. Any thread, also while no loop runs. */
void loop_settled(struct loop *loop);

/* For an operation, in its thread. True: the request is none of its business any more. */
MUST_CHECK bool loop_park(fuse_req_t req);
MUST_CHECK bool loop_park_for_turn(fuse_req_t req);
bool loop_makes_nameless(void);
bool loop_kills_privileges(void); /* fs/killpriv.h: now is the time */

#endif
