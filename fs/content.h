/* fs/content.h - plain bytes of a file <-> header and blocks on the share.
 *
 * A struct content is the shared state of one inode while it is open: header and keys once
 * read, the last block's plaintext, the lock table. Every call takes the caller's own
 * descriptor of the stored file (opened for reading and writing when anything is written,
 * never O_APPEND or O_DIRECT) and the terms of the folder at this moment. Any thread, all
 * at once: reads take no lock, changes take one range of fs/range.h, and no lock is held
 * that a call for another range waits for.
 *
 * Guarantees (docs/FORMAT.md, "A file"; docs/THREATS.md):
 *  - every byte returned authenticated at its position in this file of this folder; else
 *    FAULT_DAMAGED and nothing is returned;
 *  - what fails is read once more under a shared lock before it is called damage;
 *  - a full-block overwrite does not read the old block;
 *  - a change that fails leaves older data and neighbouring blocks readable;
 *  - a process killed at any moment leaves no unreadable block (fs/ring.h).
 *
 * Sizes are plain bytes unless called "stored".
 */
#ifndef FSENC_FS_CONTENT_H
#define FSENC_FS_CONTENT_H

#include "fs/header.h"
#include "fs/range.h"
#include "fs/ring.h"
#include "keys/folder.h"

/* What the folder's record says now. Borrowed for the duration of a call. */
struct content_terms {
	struct folder_id folder;
	enum suite suite; /* for new files */
	unsigned block_log2;
	uint32_t generation; /* newest: for new headers */
	uint32_t min_write;
	uint32_t min_read;
	const struct folder_keys *keys;
};

struct content_options {
	bool local; /* the only client: no OFD locks, sizes and headers may be kept */
	bool strict; /* an unclean file is FAULT_DAMAGED */
	struct ring *ring; /* NULL: none */
	/* The stored path for the ring; false when the file has none any more. Called when a slot is filled.
	 */
	bool (*place)(void *context, char path[static RING_PATH_MAX]);
	void *context;
};

struct content;

MUST_CHECK enum fault content_new(const struct content_options *options, struct content **ret_content,
				  struct why *why);
void content_free(struct content *content); /* wipes the keys */
AUTO_POINTER(struct content *, content_free);

/* size <-> stored size, from arithmetic alone. n, r = (stored - 192) divmod (B + 40). */
int64_t content_size_of(int64_t stored_size, unsigned block_log2);
int64_t content_stored_size_of(int64_t size, unsigned block_log2);

/* Up to `size` bytes at `offset`; a short count is the end of the file. */
MUST_CHECK enum fault content_read(struct content *content, int fd, const struct content_terms *terms,
				   int64_t offset, size_t size, uint8_t *buffer, size_t *ret_size,
				   struct why *why);

/* All bytes or a failure. With `append` the bytes go to the real end, whatever `offset` says. At most 1 MiB a
 * call. */
MUST_CHECK enum fault content_write(struct content *content, int fd, const struct content_terms *terms,
				    int64_t offset, bool append, const uint8_t *bytes, size_t size,
				    struct why *why);

/* Either way. */
MUST_CHECK enum fault content_truncate(struct content *content, int fd, const struct content_terms *terms,
				       int64_t size, struct why *why);

/* fallocate(2) modes: 0 and KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE, ZERO_RANGE (with or without KEEP_SIZE); others
 * FAULT_UNSUPPORTED. Room is reserved where the share can; stored bytes never grow beyond the plain size. */
MUST_CHECK enum fault content_allocate(struct content *content, int fd, const struct content_terms *terms,
				       int mode, int64_t offset, int64_t length, struct why *why);

/* lseek SEEK_DATA / SEEK_HOLE in plain offsets; FAULT_SYSTEM with ENXIO past the end. */
MUST_CHECK enum fault content_seek(struct content *content, int fd, const struct content_terms *terms,
				   int64_t offset, int whence, int64_t *ret_offset, struct why *why);

/* Ends without a final block? What user.fsenc.state shows. */
MUST_CHECK enum fault content_is_unclean(struct content *content, int fd, const struct content_terms *terms,
					 bool *ret_unclean, struct why *why);

/* A write that failed in the middle of a block is tried again by the next change, and here: before fsync and
 * at flush. A failure as long as something has not come through; reads are answered meanwhile. */
MUST_CHECK enum fault content_flush(struct content *content, int fd, const struct content_terms *terms,
				    struct why *why);

/* Is there something that content_flush() has to try again? Whoever frees such a content gives up its answers. */
bool content_has_pending(struct content *content);

/* Forgets cached header, size and last block: after open in shared mode, and under an application's lock. */
void content_forget(struct content *content);

/* Deals with a slot left by a killed process: writes it if its bytes authenticate and what is stored does
 * not, mends the end of the file, else leaves it. `fd` is the stored file, read-write. A failure keeps the
 * slot for later; a file that is another one now is none. With `local` no OFD lock stands between this and
 * writers of the same process: replay before the folder's files are served. */
MUST_CHECK enum fault content_replay(int fd, const struct content_terms *terms,
				     const struct ring_entry *entry, bool *ret_mended, struct why *why);

/* Reads every block and says what is wrong: for fsenc verify. */
struct content_report {
	int64_t blocks;
	int64_t damaged;
	bool unclean;
	bool mixed;
	uint32_t generation;
	uint32_t seed_generation;
};
MUST_CHECK enum fault content_verify(int fd, const struct content_terms *terms,
				     struct content_report *ret_report, struct why *why);

#endif
