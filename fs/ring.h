/* fs/ring.h - the redo ring: stored bytes that a kill -9 cannot tear.
 *
 * A process killed in the middle of a pwrite() leaves half an old and half a new block.
 * So stored bytes that overwrite existing ones are first copied into a slot of a file
 * mapped from $XDG_RUNTIME_DIR (plain memory writes: no system call); the slot is freed when the pwrite
 * has returned. The mapping outlives the process. At the next mount ring_each() gives
 * every slot still in use; fs/content.h replays it if its bytes authenticate and the block
 * is damaged.
 *
 * One ring a mount, named after the share id and the process; ring_open_left() takes over the rings of dead
 * processes (their file lock is free). Slots belong to one thread between ring_put() and
 * ring_free(). When every slot is busy, ring_put() waits for one. A durable journal against power loss would
 * stand in the same place.
 */
#ifndef FSENC_FS_RING_H
#define FSENC_FS_RING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"
#include "keys/id.h"

#define RING_SLOTS 16
#define RING_PATH_MAX 4096
#define RING_BYTES_MAX (1024 * 1024 + 512 * 1024) /* stored bytes of one change */

enum ring_kind {
	RING_OVERWRITE, /* bytes at offset */
	RING_EXTEND, /* the same, and the file grows from old_size: what lies beyond may be torn */
	RING_SHRINK /* bytes at offset, then the file ends after them */
};

struct ring_entry {
	enum ring_kind kind;
	struct folder_id folder;
	struct file_id file; /* of the header: a replaced file is not touched */
	const char *path; /* stored path below the share's root */
	off_t offset;
	off_t old_size; /* physical size before */
	off_t new_size; /* and after */
	const void *bytes;
	size_t size;
};

struct ring;
struct ring_slot;

/* Makes `directory` (0700) and a ring in it. */
MUST_CHECK enum fault ring_create(const char *directory, const struct share_id *share, struct ring **ret_ring,
				  struct why *why);
void ring_close(struct ring *ring); /* removes the file when no slot is in use */
AUTO_POINTER(struct ring *, ring_close);

/* NULL when the runtime directory has no room (logged once): the change then goes on unprotected. Waits for a
 * slot when all are busy. */
struct ring_slot *ring_put(struct ring *ring, const struct ring_entry *entry);
void ring_free(struct ring *ring, struct ring_slot *slot);
/* The writer gives up for now, the slot stays for a later ring_free() or the next mount. false when half of
 * the slots are kept already, so that a share that fails for long cannot stop all writing: the caller then
 * frees it. */
MUST_CHECK bool ring_keep(struct ring *ring, struct ring_slot *slot);

/* Every used slot of every ring of this share whose process is gone: `each` returns true when the slot is
 * dealt with (replayed or dropped), false to keep it (its folder is locked). A ring all of whose slots
 * are dealt with is removed. */
MUST_CHECK enum fault ring_each_left(const char *directory, const struct share_id *share,
				     bool (*each)(void *context, const struct ring_entry *entry),
				     void *context, struct why *why);

#endif
