#include "fs/content_state.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- allocating ---- */

static bool cannot_reserve(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

/* Room on the share for these plain bytes. The stored file keeps its size: bytes that only lie there would be
 * a stub, or blocks that do not open. A share that cannot do it has promised nothing, and neither do we. */
static enum fault reserve(int fd, unsigned log2, int64_t offset, int64_t length, struct why *why)
{
	int64_t from = cell_at(log2, (uint64_t)offset >> log2);
	int64_t to = cell_at(log2, ((uint64_t)(offset + length - 1) >> log2) + 1);

	while (fallocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from) != 0) {
		if (errno == EINTR)
			continue;
		return cannot_reserve(errno) ? FAULT_NONE
					     : why_system(why, "cannot reserve room for a stored file");
	}
	return FAULT_NONE;
}

/* ---- zeros ---- */

struct hole {
	int64_t offset;
	int64_t length;
};

/* Within the file; `first` > `last` when no whole block is in it. The last block of the file never is: it
 * stays a real one. */
struct zeros {
	int64_t from, to;
	uint64_t first, end; /* whole blocks [first, end) */
};

static struct zeros zeros_of(const struct hole *hole, const struct shape *shape)
{
	struct zeros zeros = {.from = hole->offset, .to = hole->offset + hole->length};
	uint64_t mask = block_size(shape->log2) - 1;

	if (zeros.to > shape->size)
		zeros.to = shape->size;
	if (zeros.from >= zeros.to)
		return (struct zeros){.from = 0};
	zeros.first = ((uint64_t)zeros.from + mask) >> shape->log2;
	zeros.end = (uint64_t)zeros.to >> shape->log2;
	if (zeros.end > shape->blocks - 1)
		zeros.end = shape->blocks - 1;
	if (zeros.end < zeros.first)
		zeros.end = zeros.first;
	return zeros;
}

static bool has_whole(const struct zeros *zeros)
{
	return zeros->end > zeros->first;
}

static struct need zero_needs(const struct view *view, const void *what)
{
	struct shape shape = view_shape(view);
	struct zeros zeros = zeros_of(what, &shape);

	if (zeros.to == 0)
		return (struct need){.first = 0, .last = 0};
	if (head_must_turn(view) || (has_whole(&zeros) && (!view->head || !head_is_sparse(view->head))))
		return NEED_ALL;
	struct need need = {.first = (uint64_t)zeros.from >> shape.log2,
			    .last = (uint64_t)(zeros.to - 1) >> shape.log2};
	if (view_must_mend_end(view, &shape, zeros.to))
		need.last = RANGE_END;
	return need;
}

static enum fault write_zeros(struct view *view, int64_t from, int64_t to, struct why *why)
{
	while (from < to) {
		const struct change zeros = {.offset = from,
					     .size = to - from < STEP_MAX ? (size_t)(to - from)
									  : (size_t)STEP_MAX};
		enum fault fault = step_write(view, &zeros, why);
		if (fault)
			return fault;
		from += (int64_t)zeros.size;
	}
	return FAULT_NONE;
}

/* Punching makes exactly these stored bytes zeros, which in a SPARSE file are zeros. Should it fail, perhaps
 * half-way, full overwrites put every block right without reading it. */
static enum fault punch(struct view *view, const struct zeros *zeros, struct why *why)
{
	int64_t from = cell_at(view_log2(view), zeros->first);
	int64_t to = cell_at(view_log2(view), zeros->end);

	view->prefix = 0;
	if (fallocate(view->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from) == 0)
		return FAULT_NONE;
	return write_zeros(view, block_at(view_log2(view), zeros->first),
			   block_at(view_log2(view), zeros->end), why);
}

static enum fault zero_act(struct view *view, const void *what, struct why *why)
{
	struct shape shape = view_shape(view);
	struct zeros zeros = zeros_of(what, &shape);

	if (zeros.to == 0)
		return FAULT_NONE;
	enum fault fault = view_prepare_head(view, has_whole(&zeros), why);
	if (!fault && view->owns_end && view_must_mend_end(view, &shape, zeros.to))
		fault = view_mend_end(view, why);
	if (fault)
		return fault;
	if (!has_whole(&zeros))
		return write_zeros(view, zeros.from, zeros.to, why);
	fault = write_zeros(view, zeros.from, block_at(shape.log2, zeros.first), why);
	if (!fault)
		fault = punch(view, &zeros, why);
	if (!fault)
		fault = write_zeros(view, block_at(shape.log2, zeros.end), zeros.to, why);
	return fault;
}

static const struct operation zero_operation = {zero_needs, zero_act, .is_blind = false};

/* ---- fallocate ---- */

static enum fault check_range(int64_t offset, int64_t length, struct why *why)
{
	if (offset < 0 || length <= 0)
		return why_set(why, FAULT_INVALID, "a range is empty or negative");
	if (offset > FILE_SIZE_MAX - length || length > FILE_SIZE_MAX) {
		errno = EFBIG;
		return why_system(why, "a file cannot be larger");
	}
	return FAULT_NONE;
}

enum fault content_allocate(struct content *content, int fd, const struct content_terms *terms, int mode,
			    int64_t offset, int64_t length, struct why *why)
{
	bool zeros = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ||
		     (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
	const struct hole hole = {offset, length};
	int64_t size = offset + length;
	bool all_through;

	if (!zeros && (mode & ~FALLOC_FL_KEEP_SIZE) != 0)
		return why_set(why, FAULT_UNSUPPORTED, "this kind of fallocate is not supported");
	enum fault fault = check_range(offset, length, why);
	if (!fault)
		fault = pending_retry(content, fd, terms, &all_through, why);
	if (!fault && zeros)
		fault = content_change(content, fd, terms, &zero_operation, &hole, why);
	else if (!fault)
		fault = reserve(fd, terms->block_log2, offset, length, why);
	if (!fault && !(mode & FALLOC_FL_KEEP_SIZE))
		fault = content_change(content, fd, terms, &content_grow_operation, &size, why);
	return fault;
}

/* ---- seeking ---- */

static enum fault is_hole(struct view *view, uint64_t index, bool *ret_hole, struct why *why)
{
	size_t size = cell_size(view_log2(view));
	enum fault fault = stored_read(view->fd, view->scratch->cell, size, cell_at(view_log2(view), index),
				       why);

	*ret_hole = !fault && bytes_are_zero(view->scratch->cell, size);
	return fault;
}

static uint64_t block_with(const struct view *view, int64_t at, uint64_t least)
{
	uint64_t index = at > HEADER_SIZE ? (uint64_t)(at - HEADER_SIZE) / cell_size(view_log2(view)) : 0;

	return index > least ? index : least;
}

/* The share's own holes say where to look; what counts are cells of zeros. */
static enum fault find_data(struct view *view, uint64_t *index, struct why *why)
{
	struct shape shape = view_shape(view);
	bool hole = true;

	for (;; ++*index) {
		*index = block_with(view, view_data_from(view, cell_at(shape.log2, *index)), *index);
		if (*index + 1 >= shape.blocks)
			return FAULT_NONE;
		enum fault fault = is_hole(view, *index, &hole, why);
		if (fault || !hole)
			return fault;
	}
}

static enum fault find_hole(struct view *view, uint64_t *index, struct why *why)
{
	struct shape shape = view_shape(view);
	bool hole = false;

	while (*index + 1 < shape.blocks) {
		enum fault fault = is_hole(view, *index, &hole, why);
		if (fault || hole)
			return fault;
		off_t at = lseek(view->fd, cell_at(shape.log2, *index), SEEK_HOLE);
		*index = block_with(view, at < 0 ? view->stored : at, *index + 1);
	}
	return FAULT_NONE;
}

static enum fault seek(struct view *view, int64_t offset, int whence, int64_t *ret_offset, struct why *why)
{
	struct shape shape = view_shape(view);
	uint64_t index = (uint64_t)offset >> shape.log2;
	bool sparse = view->head && head_is_sparse(view->head);
	enum fault fault = FAULT_NONE;

	if (offset >= shape.size) {
		errno = ENXIO;
		return why_system(why, "there is nothing at this offset");
	}
	if (!sparse) {
		*ret_offset = whence == SEEK_DATA ? offset : shape.size;
		return FAULT_NONE;
	}
	fault = whence == SEEK_DATA ? find_data(view, &index, why) : find_hole(view, &index, why);
	if (fault)
		return fault;
	if (index >= shape.blocks)
		index = shape.blocks - 1;
	bool at_end = whence == SEEK_HOLE && index + 1 >= shape.blocks; /* the last block is no hole */
	int64_t start = at_end ? shape.size : block_at(shape.log2, index);
	*ret_offset = start > offset ? start : offset;
	return FAULT_NONE;
}

enum fault content_seek(struct content *content, int fd, const struct content_terms *terms, int64_t offset,
			int whence, int64_t *ret_offset, struct why *why)
{
	AUTO(range_release) struct range held = RANGE_NONE;
	AUTO(view_done) struct view view = {.fd = -1};

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return why_set(why, FAULT_INVALID, "this kind of seek is not for here");
	if (offset < 0 || offset >= FILE_SIZE_MAX) {
		errno = ENXIO;
		return why_system(why, "there is nothing at this offset");
	}
	/* One block's range keeps the header as it is; blocks beside it may change, as they may right after.
	 */
	uint64_t index = (uint64_t)offset >> terms->block_log2;
	enum fault fault = range_take(&content->ranges, fd, RANGE_SHARED, index, index, &held, why);
	if (!fault)
		fault = view_take(&view, content, fd, terms, why);
	if (!fault)
		fault = seek(&view, offset, whence, ret_offset, why);
	return fault;
}
