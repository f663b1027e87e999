#include "fs/content_state.h"

#include "base/file.h"

/* ---- growing ---- */

/* The last block is always a real one, also behind a hole. */
static enum fault grow_far(struct view *view, int64_t size, struct why *why)
{
	int64_t start = block_at(view_log2(view), (uint64_t)(size - 1) >> view_log2(view));
	const struct change zeros = {.offset = start, .size = (size_t)(size - start)};

	return step_write_far(view, &zeros, why);
}

enum fault view_grow(struct view *view, int64_t size, struct why *why)
{
	struct shape shape = view_shape(view);
	int64_t before = shape.size;
	enum fault fault = FAULT_NONE;

	if (gap_is_large(&shape, size))
		return grow_far(view, size, why);
	while (!fault && shape.size < size) {
		int64_t left = size - shape.size;
		const struct change zeros = {.offset = shape.size,
					     .size = left < STEP_MAX ? (size_t)left : (size_t)STEP_MAX};
		fault = step_write(view, &zeros, why);
		shape = view_shape(view);
	}
	if (fault && shape.size > before && view_shrink(view, before, NULL))
		content_distrust(view->content); /* longer than asked for, in zeros: whole and readable */
	return fault;
}

/* ---- shrinking ---- */

static enum fault empty(struct view *view, struct why *why)
{
	enum fault fault = view->stored ? stored_cut(view->fd, 0, why) : FAULT_NONE;
	if (fault)
		return fault;
	pending_drop_all(view->content);
	content_forget(view->content);
	atomic_store(&view->content->unclean, false);
	content_set_stored(view->content, 0);
	head_drop(TAKE(view->head));
	view->stored = 0;
	view->prefix = 0;
	return FAULT_NONE;
}

/* The old cell again; a hole as zeros. */
static void put_back_cell(struct view *view, const struct shape *old, uint64_t index, enum cell kind,
			  struct ring_slot *slot)
{
	size_t length = block_length(old->size, old->log2, index);
	uint8_t *image = view->scratch->stored;
	const struct ring_entry entry = {.kind = RING_OVERWRITE,
					 .folder = view->head->header.folder,
					 .file = view->head->header.file,
					 .offset = cell_at(old->log2, index),
					 .old_size = view->stored,
					 .new_size = view->stored,
					 .bytes = image,
					 .size = length + SEAL_OVERHEAD};

	if (kind == CELL_HOLE)
		memset(image, 0, entry.size);
	else
		cell_seal(view->head, index, block_is_last(old, index), view->scratch->first, length, image);
	content_distrust(view->content);
	view_after_failure(view, &entry, slot);
}

/* First the new last block, then the end behind it. Between the two the block does not open, and a process
 * killed there leaves the slot, from which both are done again. */
static enum fault cut_behind(struct view *view, const struct ring_entry *entry, struct why *why)
{
	enum fault fault = file_pwrite(view->fd, entry->bytes, entry->size, entry->offset, NULL, why);
	if (!fault)
		fault = stored_cut(view->fd, entry->new_size, why);
	return why_in(why, fault, "a stored file");
}

enum fault view_shrink(struct view *view, int64_t size, struct why *why)
{
	struct shape old = view_shape(view);
	if (size == 0)
		return empty(view, why);
	uint64_t index = (uint64_t)(size - 1) >> old.log2;
	size_t length = block_length(size, old.log2, index);
	enum cell kind;
	enum fault fault = view_read_block(view, index, view->scratch->first, &kind, why);
	if (fault)
		return fault;
	struct ring_entry entry = {.kind = RING_SHRINK,
				   .offset = cell_at(old.log2, index),
				   .old_size = view->stored,
				   .new_size = content_stored_size_of(size, old.log2),
				   .bytes = view->scratch->stored,
				   .size = length + SEAL_OVERHEAD};
	cell_seal(view->head, index, true, view->scratch->first, length, view->scratch->stored);
	view->prefix = 0;
	struct ring_slot *slot = view_protect(view, &entry);
	fault = cut_behind(view, &entry, why);
	if (fault) {
		put_back_cell(view, &old, index, kind, slot);
		return fault;
	}
	view->stored = entry.new_size;
	content_set_stored(view->content, view->stored);
	content_set_last(view->content, index, view->scratch->first, length);
	view_unprotect(view, slot);
	return FAULT_NONE;
}

/* ---- the end ---- */

static enum fault seal_last(struct view *view, const struct shape *shape, struct why *why)
{
	uint64_t last = shape->blocks - 1;
	size_t length = block_length(shape->size, shape->log2, last);
	struct ring_entry entry = {.kind = RING_OVERWRITE,
				   .offset = cell_at(shape->log2, last),
				   .old_size = view->stored,
				   .new_size = view->stored,
				   .bytes = view->scratch->stored,
				   .size = length + SEAL_OVERHEAD};
	enum fault fault = view_prepare_head(view, false, why);
	if (fault)
		return fault;
	view->prefix = 0;
	cell_seal(view->head, last, true, view->scratch->first, length, view->scratch->stored);
	struct ring_slot *slot = view_protect(view, &entry);
	fault = file_pwrite(view->fd, entry.bytes, entry.size, entry.offset, NULL, why);
	if (!fault) {
		view_unprotect(view, slot);
		return FAULT_NONE;
	}
	content_distrust(view->content);
	view_after_failure(view, &entry, slot);
	return fault;
}

static enum fault cut_stub(struct view *view, const struct shape *shape, struct why *why)
{
	int64_t end = shape->blocks ? content_stored_size_of(shape->size, shape->log2) : HEADER_SIZE;
	if (view->stored < HEADER_SIZE)
		end = 0;
	enum fault fault = stored_cut(view->fd, end, why);
	if (!fault)
		view->stored = end;
	return fault;
}

enum fault view_mend_end(struct view *view, struct why *why)
{
	struct shape shape = view_shape(view);
	enum cell kind = CELL_REAL;
	enum fault fault = shape.stub ? content_say_unclean(view->content, why) : FAULT_NONE;

	if (!fault && shape.blocks)
		fault = view_read_block(view, shape.blocks - 1, view->scratch->first, &kind, why);
	if (!fault && kind == CELL_UNCLEAN)
		fault = seal_last(view, &shape, why);
	if (!fault && shape.stub)
		fault = cut_stub(view, &shape, why);
	if (fault)
		return fault;
	content_set_stored(view->content, view->stored);
	atomic_store(&view->content->unclean, false);
	return FAULT_NONE;
}

/* ---- the operation ---- */

static struct need truncate_needs(const struct view *view, const void *what)
{
	int64_t size = *(const int64_t *)what;
	struct shape shape = view_shape(view);
	bool turns_sparse = gap_is_large(&shape, size) && (!view->head || !head_is_sparse(view->head));

	if (shape.blocks == 0 || head_must_turn(view) || turns_sparse)
		return NEED_ALL;
	int64_t shorter = size < shape.size ? size : shape.size;
	uint64_t first = (uint64_t)(shorter - 1) >> shape.log2;
	return (struct need){.first = first, .last = RANGE_END, .reads_to = cell_at(shape.log2, first + 1)};
}

static enum fault truncate_act(struct view *view, const void *what, struct why *why)
{
	int64_t size = *(const int64_t *)what;
	struct shape shape = view_shape(view);

	if (size == shape.size)
		return view_mend_end(view, why);
	enum fault fault = view_prepare_head(view, gap_is_large(&shape, size), why);
	if (fault)
		return fault;
	return size < shape.size ? view_shrink(view, size, why) : view_grow(view, size, why);
}

static const struct operation truncate_operation = {truncate_needs, truncate_act, .is_blind = false};

static enum fault grow_act(struct view *view, const void *what, struct why *why)
{
	if (*(const int64_t *)what <= view_shape(view).size)
		return FAULT_NONE;
	return truncate_act(view, what, why);
}

const struct operation content_grow_operation = {truncate_needs, grow_act, .is_blind = false};

static struct need empty_needs(const struct view *view, const void *what)
{
	(void)view;
	(void)what;
	return NEED_ALL;
}

static enum fault empty_act(struct view *view, const void *what, struct why *why)
{
	(void)what;
	return empty(view, why);
}

/* Needs nothing of what is there, so it also works on a file that is past help. */
static const struct operation empty_operation = {empty_needs, empty_act, .is_blind = true};

enum fault content_truncate(struct content *content, int fd, const struct content_terms *terms, int64_t size,
			    struct why *why)
{
	bool all_through;

	if (size < 0)
		return why_set(why, FAULT_INVALID, "a size is negative");
	if (size > FILE_SIZE_MAX) {
		errno = EFBIG;
		return why_system(why, "a file cannot be larger");
	}
	if (size == 0)
		return content_change(content, fd, terms, &empty_operation, NULL, why);
	enum fault fault = pending_retry(content, fd, terms, &all_through, why);
	if (fault)
		return fault;
	return content_change(content, fd, terms, &truncate_operation, &size, why);
}
