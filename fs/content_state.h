/* fs/content_state.h - what the files of fs/content*.c share; nobody else includes it.
 *
 * Words used here: a *cell* is a block as stored (nonce || ciphertext || tag); the *shape* of a file
 * is what its physical size says; a *head* is its header, opened, with the keys of its blocks; a
 * *view* is what a change finds under its range; a *stub* is 1..40 bytes at the end (or 1..191 in
 * all) that are no block.
 *
 * The mutex of a struct content guards what is marked so and is never held over input or output.
 * Everything else that changes does so under a range of fs/range.h.
 *
 *   content.c          life, caches, heads            content_replay.c   mending after kill or failure
 *   content_cell.c     one block <-> one cell         content_pending.c  writes that did not come through
 *   content_read.c     reading without a lock         content_resize.c   truncation, growth, the end
 *   content_change.c   one change under its range     content_holes.c    allocate, punch, seek
 *   content_write.c    images and their pwrite        content_verify.c   every block, for fsenc verify
 */
#ifndef FSENC_FS_CONTENT_STATE_H
#define FSENC_FS_CONTENT_STATE_H

#include <stdatomic.h>
#include <string.h>

#include "fs/content.h"

/* Plain bytes of one pwrite, gap included. With the two edge blocks it fits a ring slot. */
#define STEP_MAX (1024 * 1024)
/* A header and cells that end before this are read in one pread. */
#define PREFIX_MAX (72 * 1024)
/* A block behind the wanted ones shows by this many bytes: fewer are a stub. */
#define LOOK_BEYOND (SEAL_OVERHEAD + 1)
#define CELL_SIZE_MAX (BLOCK_SIZE_MAX + SEAL_OVERHEAD)
#define STORED_UNKNOWN (-1)

_Static_assert(HEADER_SIZE + (STEP_MAX / 4096 + 2) * (4096 + SEAL_OVERHEAD) <= RING_BYTES_MAX,
	       "blocks of 4096");
_Static_assert(HEADER_SIZE + (STEP_MAX / BLOCK_SIZE_MAX + 2) * CELL_SIZE_MAX <= RING_BYTES_MAX,
	       "largest blocks");
_Static_assert(PREFIX_MAX + STEP_MAX + STEP_MAX / 64 <= RING_BYTES_MAX, "a first read with its prefix");

/* ---- arithmetic ---- */

static inline size_t block_size(unsigned log2)
{
	return (size_t)1 << log2;
}

static inline size_t cell_size(unsigned log2)
{
	return block_size(log2) + SEAL_OVERHEAD;
}

static inline int64_t cell_at(unsigned log2, uint64_t index)
{
	return HEADER_SIZE + (int64_t)index * (int64_t)cell_size(log2);
}

static inline int64_t block_at(unsigned log2, uint64_t index)
{
	return (int64_t)(index << log2);
}

struct shape {
	unsigned log2;
	int64_t size; /* plain */
	uint64_t blocks; /* the last one is number blocks - 1 */
	size_t stub;
};
struct shape shape_of(int64_t stored, unsigned log2);
/* Plain bytes of a block in a file of `size`; 0 when it has no such block. */
size_t block_length(int64_t size, unsigned log2, uint64_t index);

static inline bool block_is_last(const struct shape *shape, uint64_t index)
{
	return index + 1 == shape->blocks;
}

/* ---- heads ---- */

struct head {
	atomic_uint references;
	uint8_t raw[HEADER_SIZE];
	struct header header;
	struct cipher_key key;
	struct cipher_key old_key; /* if MIXED */
};
/* FAULT_DAMAGED; FAULT_LOCKED for a generation newer than the terms. */
MUST_CHECK enum fault head_open(const struct content_terms *terms, const uint8_t raw[static HEADER_SIZE],
				struct head **ret_head, struct why *why);
/* Seals a header made here. FAULT_LOCKED when its generation's key is not there. */
MUST_CHECK enum fault head_make(const struct content_terms *terms, const struct header *header,
				struct head **ret_head, struct why *why);
void head_drop(struct head *head);
AUTO_POINTER(struct head *, head_drop);

static inline bool head_is_sparse(const struct head *head)
{
	return head->header.flags & HEADER_SPARSE;
}

/* ---- cells ---- */

enum cell {
	CELL_REAL,
	CELL_HOLE, /* zeros in a SPARSE file; never the last one */
	CELL_UNCLEAN, /* the last one, without its final flag */
	CELL_BAD
};
/* Opens a cell into `plain` (size - SEAL_OVERHEAD bytes). */
enum cell cell_open(const struct head *head, uint64_t index, bool final, const uint8_t *cell, size_t size,
		    uint8_t *plain);
void cell_seal(const struct head *head, uint64_t index, bool final, const uint8_t *plain, size_t size,
	       uint8_t *cell);
bool bytes_are_zero(const uint8_t *bytes, size_t size);
extern const uint8_t zero_block[BLOCK_SIZE_MAX];

/* ---- a thread's buffers ---- */

struct scratch {
	uint8_t stored[RING_BYTES_MAX]; /* what is read, then the images to be written */
	uint8_t cell[CELL_SIZE_MAX];
	uint8_t first[BLOCK_SIZE_MAX]; /* plain: the first block of a change, if only a part of it changes */
	uint8_t last[BLOCK_SIZE_MAX]; /* plain: the last one */
	uint8_t spare[BLOCK_SIZE_MAX]; /* plain: for whoever looks whether a cell opens */
};
/* Made at a thread's first call, wiped and freed when it ends. NULL when there is no memory. */
struct scratch *scratch_get(struct why *why);

/* ---- state of one inode ---- */

struct last_block {
	bool known;
	uint64_t index;
	size_t size;
	uint8_t *bytes; /* BLOCK_SIZE_MAX at most, made at first use */
};

struct pending {
	struct pending *next;
	struct ring_slot *slot; /* NULL: none */
	struct ring_entry entry;
	uint8_t bytes[];
};

struct content {
	struct content_options options;
	struct range_table ranges;
	atomic_bool unclean; /* seen to end without a final block: the next change mends it */
	atomic_bool unclean_said;
	pthread_mutex_t mutex;
	/* guarded by mutex: */
	struct head *head; /* NULL: unknown */
	uint64_t heads; /* counts changes of `head`, so that a slow reader does not put an old one back */
	int64_t stored; /* a guess; the truth in local mode */
	struct last_block last; /* local mode only */
	struct pending *pending;
};

/* A counted reference, or NULL. *ret_heads is for content_offer_head. */
struct head *content_head(struct content *content, uint64_t *ret_heads);
/* Keeps a head that was read without a lock, unless heads have changed meanwhile. */
void content_offer_head(struct content *content, struct head *head, uint64_t heads);
/* Keeps a head that was read or written under a range; NULL forgets. */
void content_set_head(struct content *content, struct head *head);
int64_t content_stored(struct content *content);
void content_set_stored(struct content *content, int64_t stored);
/* The plaintext of the last block; no bytes: forget it. */
void content_set_last(struct content *content, uint64_t index, const uint8_t *bytes, size_t size);
bool content_get_last(struct content *content, uint64_t index, uint8_t *bytes, size_t size);
/* A failed change: nothing that is kept can be trusted. */
void content_distrust(struct content *content);
/* FAULT_DAMAGED if strict; else logs it once. */
MUST_CHECK enum fault content_say_unclean(struct content *content, struct why *why);

/* ---- a change under its range ---- */

struct view {
	struct content *content;
	int fd;
	const struct content_terms *terms;
	struct scratch *scratch;
	struct head *head; /* NULL: the file has none */
	int64_t stored; /* physical size */
	size_t prefix; /* so many bytes of the file lie in scratch->stored */
	bool owns_end; /* the range held reaches to the end: nobody else changes the size */
};
void view_done(struct view *view);
AUTO_VALUE(struct view, view_done);

static inline unsigned view_log2(const struct view *view)
{
	return view->terms->block_log2;
}

static inline struct shape view_shape(const struct view *view)
{
	return shape_of(view->stored, view->terms->block_log2);
}

/* What a change needs: blocks to lock, and how far the file is worth reading at once with its header. */
struct need {
	uint64_t first, last;
	int64_t reads_to;
};
#define NEED_ALL ((struct need){.first = 0, .last = RANGE_END})

struct operation {
	/* From view->stored and view->head (NULL may also mean: not known yet). */
	struct need (*needs)(const struct view *view, const void *what);
	/* Under the range. */
	enum fault (*act)(struct view *view, const void *what, struct why *why);
	bool is_blind; /* the header is not even read */
};
/* Guesses the range, takes it, looks again, and starts over until the range held is the one needed. */
MUST_CHECK enum fault content_change(struct content *content, int fd, const struct content_terms *terms,
				     const struct operation *operation, const void *what, struct why *why);
/* A view without a change: the caller holds a range. Fresh in shared mode. */
MUST_CHECK enum fault view_take(struct view *view, struct content *content, int fd,
				const struct content_terms *terms, struct why *why);
MUST_CHECK enum fault view_read_size(struct view *view, struct why *why);
/* The old plaintext of a block that exists. *ret_kind (may be NULL) never says CELL_BAD. */
MUST_CHECK enum fault view_read_block(struct view *view, uint64_t index, uint8_t *plain, enum cell *ret_kind,
				      struct why *why);
/* Copies an entry into the ring; NULL when there is no ring, no place or no room. */
struct ring_slot *view_protect(struct view *view, struct ring_entry *entry);
void view_unprotect(struct view *view, struct ring_slot *slot);

/* A header that lets this change begin: made, found and fit, turned MIXED, turned SPARSE. A file without
 * header gets view->head alone; the header then goes out with the first blocks. */
bool head_must_turn(const struct view *view);
MUST_CHECK enum fault view_prepare_head(struct view *view, bool sparse, struct why *why);

/* ---- writing ---- */

/* Bytes [offset, offset + size) become `bytes`; NULL: zeros. */
struct change {
	int64_t offset;
	size_t size;
	const uint8_t *bytes;
	bool append;
};
/* An in-place change to a file that ends without a final block mends that too. */
bool view_must_mend_end(const struct view *view, const struct shape *shape, int64_t to);
/* One contiguous pwrite: in place, or growing, also over a gap as far as both fit in STEP_MAX. */
MUST_CHECK enum fault step_write(struct view *view, const struct change *change, struct why *why);
/* Beyond the end by more than GAP_FILL_MAX: the old last block, then far off the new ones, nothing between.
 */
MUST_CHECK enum fault step_write_far(struct view *view, const struct change *change, struct why *why);

/* ---- resizing ---- */

/* what: int64_t, the size a file has afterwards if it was smaller. */
extern const struct operation content_grow_operation;
MUST_CHECK enum fault view_grow(struct view *view, int64_t size, struct why *why);
MUST_CHECK enum fault view_shrink(struct view *view, int64_t size, struct why *why);
/* Gives the file a final block if it ends without, and removes a stub. */
MUST_CHECK enum fault view_mend_end(struct view *view, struct why *why);
bool gap_is_large(const struct shape *shape, int64_t offset);

/* ---- mending ---- */

/* An extension that failed is an entry whose file is to end at old_size again. */
static inline bool entry_is_rollback(const struct ring_entry *entry)
{
	return entry->kind == RING_EXTEND && entry->new_size == entry->old_size;
}

/* How a cell stands on the share, which is then in scratch->cell, and its plaintext in scratch->spare.
 * CELL_BAD also when there is none. */
MUST_CHECK enum fault view_judge(struct view *view, uint64_t index, enum cell *ret_kind, struct why *why);
/* Where stored data begins at or after `at`, as far as the share can tell; the end if there is none. */
int64_t view_data_from(const struct view *view, int64_t at);
/* Each image of the entry where what is stored does not open, then the end. The caller holds [0, END] or
 * knows that it holds all that the entry touches. */
MUST_CHECK enum fault mend(struct view *view, const struct ring_entry *entry, bool *ret_mended,
			   struct why *why);
/* After a failed pwrite: mends at once, or keeps the entry as pending. Frees or keeps the slot. */
void view_after_failure(struct view *view, const struct ring_entry *entry, struct ring_slot *slot);

/* Tries what is pending again. FAULT_NONE also when only whole blocks in the middle are still missing. */
MUST_CHECK enum fault pending_retry(struct content *content, int fd, const struct content_terms *terms,
				    bool *ret_all_through, struct why *why);
void pending_add(struct view *view, const struct ring_entry *entry, struct ring_slot *slot);
/* The file was emptied. */
void pending_drop_all(struct content *content);
/* A cell that does not open: what a pending write has for it. `plain` gets at most a block. */
enum pending_answer { PENDING_NOTHING, PENDING_BLOCK, PENDING_END };
enum pending_answer pending_find(struct content *content, const struct head *head, unsigned log2,
				 uint64_t index, uint8_t *plain, size_t *ret_size);

/* `size` bytes at `offset` are there and are read, or it is a fault. */
MUST_CHECK enum fault stored_read(int fd, uint8_t *buffer, size_t size, int64_t offset, struct why *why);
MUST_CHECK enum fault stored_size(int fd, int64_t *ret_size, struct why *why);
MUST_CHECK enum fault stored_cut(int fd, int64_t size, struct why *why);
enum fault block_damaged(struct why *why, uint64_t index);

#endif
