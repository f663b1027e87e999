#include "fs/content_state.h"

#include <assert.h>

#include "base/file.h"

/* What one contiguous pwrite will do. */
struct step {
	struct view *view;
	int64_t from, to; /* plain bytes [from, to) become `bytes` */
	const uint8_t *bytes;
	struct shape old;
	int64_t new_size;
	uint64_t first, last; /* blocks written */
	bool far; /* a hole lies between the old end and `first` */
};

static int64_t block_end(const struct step *step, uint64_t index)
{
	return block_at(step->old.log2, index) + (int64_t)block_length(step->new_size, step->old.log2, index);
}

/* Does the block keep bytes that were there before? If not, it is not read: a full overwrite mends a torn
 * block. */
static bool keeps_old(const struct step *step, uint64_t index)
{
	int64_t start = block_at(step->old.log2, index);
	int64_t end = start + (int64_t)block_length(step->old.size, step->old.log2, index);

	return end > start && (step->from > start || step->to < end);
}

static bool is_covered(const struct step *step, uint64_t index)
{
	return step->from <= block_at(step->old.log2, index) && step->to >= block_end(step, index);
}

static bool extends(const struct step *step)
{
	return step->new_size > step->old.size;
}

bool gap_is_large(const struct shape *shape, int64_t offset)
{
	return offset - shape->size > GAP_FILL_MAX;
}

static uint64_t first_of(const struct shape *old, int64_t from, int64_t to)
{
	uint64_t first = (uint64_t)from >> old->log2;

	if (to <= old->size)
		return first;
	uint64_t old_last = old->blocks ? old->blocks - 1 : 0;
	return first < old_last ? first : old_last;
}

static struct step step_plan(struct view *view, const struct change *change, bool far)
{
	struct step step = {.view = view, .bytes = change->bytes, .old = view_shape(view), .far = far};

	step.from = change->offset;
	step.to = change->offset + (int64_t)change->size;
	step.new_size = step.to > step.old.size ? step.to : step.old.size;
	step.first = far ? (uint64_t)step.from >> step.old.log2 : first_of(&step.old, step.from, step.to);
	step.last = (uint64_t)(step.to - 1) >> step.old.log2;
	return step;
}

/* ---- plain bytes ---- */

/* Old bytes, then zeros, then the new ones on top. */
static enum fault merge(const struct step *step, uint64_t index, uint8_t *plain, struct why *why)
{
	int64_t start = block_at(step->old.log2, index);
	int64_t end = block_end(step, index);
	size_t old = block_length(step->old.size, step->old.log2, index);
	int64_t from = step->from > start ? step->from : start;
	int64_t to = step->to < end ? step->to : end;

	if (!keeps_old(step, index)) {
		old = 0;
	} else {
		enum fault fault = view_read_block(step->view, index, plain, NULL, why);
		if (fault)
			return fault;
	}
	memset(plain + old, 0, block_size(step->old.log2) - old);
	if (to > from && step->bytes)
		memcpy(plain + (from - start), step->bytes + (from - step->from), (size_t)(to - from));
	else if (to > from)
		memset(plain + (from - start), 0, (size_t)(to - from));
	return FAULT_NONE;
}

static bool lies_in_gap(const struct step *step, uint64_t index)
{
	return block_at(step->old.log2, index) >= step->old.size && block_end(step, index) <= step->from;
}

/* The one block behind `first` that is neither all new nor all gap: where the new bytes start behind a gap,
 * or the last one if old bytes follow in it. Never both: behind a gap there are no old bytes. */
static uint64_t second_edge(const struct step *step)
{
	uint64_t start = (uint64_t)step->from >> step->old.log2;

	return step->from > step->old.size && start > step->first ? start : step->last;
}

static const uint8_t *plain_of(const struct step *step, uint64_t index)
{
	const struct scratch *scratch = step->view->scratch;

	if (lies_in_gap(step, index))
		return zero_block;
	if (is_covered(step, index))
		return step->bytes ? step->bytes + (block_at(step->old.log2, index) - step->from)
				   : zero_block;
	return index == step->first ? scratch->first : scratch->last;
}

/* All that is read is read before the buffer of images is filled: the file's beginning may lie in it. */
static enum fault merge_edges(const struct step *step, struct why *why)
{
	uint64_t second = second_edge(step);
	enum fault fault = FAULT_NONE;

	if (!is_covered(step, step->first))
		fault = merge(step, step->first, step->view->scratch->first, why);
	if (!fault && second != step->first && !is_covered(step, second))
		fault = merge(step, second, step->view->scratch->last, why);
	return fault;
}

/* ---- images ---- */

/* Seals blocks `first` to `last` of a file that will be `size` long; returns the bytes filled. */
static size_t seal_blocks(const struct step *step, uint64_t first, uint64_t last, int64_t size,
			  uint8_t *images)
{
	uint8_t *image = images;

	for (uint64_t index = first; index <= last; index++) {
		size_t length = block_length(size, step->old.log2, index);
		bool final = block_at(step->old.log2, index) + (int64_t)length == size;
		cell_seal(step->view->head, index, final, plain_of(step, index), length, image);
		image += length + SEAL_OVERHEAD;
	}
	return (size_t)(image - images);
}

static bool makes_file(const struct step *step)
{
	return step->view->stored < HEADER_SIZE;
}

/* The part that lies over stored bytes of today: all that a torn pwrite could lose. */
static size_t overwritten(const struct step *step, size_t total)
{
	if (makes_file(step))
		return HEADER_SIZE;
	if (step->old.blocks <= step->first)
		return 0;
	if (step->old.blocks > step->last)
		return total;
	return (size_t)(step->old.blocks - step->first) * cell_size(step->old.log2) < total
		       ? (size_t)(step->old.blocks - step->first) * cell_size(step->old.log2)
		       : total;
}

static struct ring_entry entry_of(const struct step *step, size_t total)
{
	return (struct ring_entry){
		.kind = extends(step) ? RING_EXTEND : RING_OVERWRITE,
		.offset = makes_file(step) ? 0 : cell_at(step->old.log2, step->first),
		.old_size = step->view->stored,
		.new_size = content_stored_size_of(step->new_size, step->old.log2),
		.bytes = step->view->scratch->stored,
		.size = overwritten(step, total),
	};
}

/* The file shall end where it ended. What the failed write already put over old bytes stays: any mixture of
 * old and new is what a failed write may leave, as long as every block opens. */
static void roll_back(const struct step *step, struct ring_entry *entry, struct ring_slot *slot)
{
	struct view *view = step->view;

	entry->old_size = entry->new_size = makes_file(step)
						    ? 0
						    : content_stored_size_of(step->old.size, step->old.log2);
	entry->size = 0;
	if (step->old.blocks > step->first)
		entry->size = seal_blocks(step, step->first, step->old.blocks - 1, step->old.size,
					  view->scratch->stored);
	content_distrust(view->content);
	view_after_failure(view, entry, slot);
}

static void step_failed(const struct step *step, struct ring_entry *entry, struct ring_slot *slot)
{
	if (extends(step)) {
		roll_back(step, entry, slot);
		return;
	}
	content_distrust(step->view->content);
	view_after_failure(step->view, entry, slot);
}

static void step_done(const struct step *step)
{
	struct view *view = step->view;
	uint64_t new_last = (uint64_t)(step->new_size - 1) >> step->old.log2;

	if (makes_file(step))
		content_set_head(view->content, view->head);
	if (extends(step)) {
		view->stored = content_stored_size_of(step->new_size, step->old.log2);
		content_set_stored(view->content, view->stored);
	}
	if (step->last == new_last)
		content_set_last(view->content, new_last, plain_of(step, new_last),
				 block_length(step->new_size, step->old.log2, new_last));
	view->prefix = 0; /* its place holds images now */
}

/* Tries the rest once more: what stopped half-way was perhaps a passing thing. */
static enum fault put(const struct step *step, size_t total, struct why *why)
{
	const uint8_t *bytes = step->view->scratch->stored;
	int64_t at = makes_file(step) ? 0 : cell_at(step->old.log2, step->first);
	size_t done = 0;

	enum fault fault = file_pwrite(step->view->fd, bytes, total, at, &done, why);
	if (fault && done > 0)
		fault = file_pwrite(step->view->fd, bytes + done, total - done, at + (int64_t)done, NULL,
				    why);
	return why_in(why, fault, "a stored file");
}

static size_t seal_images(const struct step *step)
{
	uint8_t *stored = step->view->scratch->stored;
	size_t header = 0;

	if (makes_file(step)) {
		memcpy(stored, step->view->head->raw, HEADER_SIZE);
		header = HEADER_SIZE;
	}
	return header + seal_blocks(step, step->first, step->last, step->new_size, stored + header);
}

static void assert_fits(const struct step *step)
{
	assert(HEADER_SIZE + (step->last - step->first + 1) * cell_size(step->old.log2) <= RING_BYTES_MAX);
}

enum fault step_write(struct view *view, const struct change *change, struct why *why)
{
	struct step step = step_plan(view, change, false);
	assert_fits(&step);
	enum fault fault = merge_edges(&step, why);
	if (fault)
		return fault;
	size_t total = seal_images(&step);
	struct ring_entry entry = entry_of(&step, total);
	struct ring_slot *slot = view_protect(view, &entry);
	fault = put(&step, total, why);
	if (fault) {
		step_failed(&step, &entry, slot);
		return fault;
	}
	step_done(&step);
	view_unprotect(view, slot);
	return FAULT_NONE;
}

/* ---- far off ---- */

/* The old last block, whole and no longer final; its plaintext stays in scratch->last for the way back. */
static enum fault seal_old_last(struct view *view, const struct shape *old, struct why *why)
{
	uint8_t *plain = view->scratch->last;
	size_t length = block_length(old->size, old->log2, old->blocks - 1);
	enum fault fault = view_read_block(view, old->blocks - 1, plain, NULL, why);

	if (fault)
		return fault;
	memset(plain + length, 0, block_size(old->log2) - length);
	cell_seal(view->head, old->blocks - 1, false, plain, block_size(old->log2), view->scratch->stored);
	return FAULT_NONE;
}

static void far_failed(const struct step *step, struct ring_entry *entry, struct ring_slot *slot)
{
	struct view *view = step->view;
	uint64_t last = step->old.blocks - 1;

	entry->old_size = entry->new_size = HEADER_SIZE;
	if (step->old.blocks > 0) {
		size_t length = block_length(step->old.size, step->old.log2, last);
		cell_seal(view->head, last, true, view->scratch->last, length, view->scratch->stored);
		entry->size = length + SEAL_OVERHEAD;
		entry->old_size = entry->new_size = content_stored_size_of(step->old.size, step->old.log2);
	}
	entry->bytes = view->scratch->stored;
	content_distrust(view->content);
	view_after_failure(view, entry, slot);
}

/* Old last block first: from then on the file ends without a final block, which is readable; the other way
 * round its last real block would stand in the middle as the final one. */
static enum fault put_far(const struct step *step, const struct ring_entry *entry, struct why *why)
{
	struct view *view = step->view;
	enum fault fault = FAULT_NONE;

	if (entry->size)
		fault = file_pwrite(view->fd, entry->bytes, entry->size, entry->offset, NULL, why);
	if (fault)
		return fault;
	view->prefix = 0;
	size_t total = seal_blocks(step, step->first, step->last, step->new_size, view->scratch->stored);
	return put(step, total, why);
}

enum fault step_write_far(struct view *view, const struct change *change, struct why *why)
{
	struct step step = step_plan(view, change, true);
	assert_fits(&step);
	enum fault fault = FAULT_NONE;
	uint64_t old_last = step.old.blocks ? step.old.blocks - 1 : 0;
	struct ring_entry entry = {.kind = RING_EXTEND,
				   .offset = cell_at(step.old.log2, old_last),
				   .old_size = view->stored,
				   .new_size = content_stored_size_of(step.new_size, step.old.log2),
				   .bytes = view->scratch->stored,
				   .size = step.old.blocks ? cell_size(step.old.log2) : 0};
	if (step.old.blocks)
		fault = seal_old_last(view, &step.old, why);
	if (!fault && !is_covered(&step, step.first))
		fault = merge(&step, step.first, view->scratch->first, why);
	if (fault)
		return fault;
	struct ring_slot *slot = view_protect(view, &entry);
	fault = put_far(&step, &entry, why);
	if (fault) {
		far_failed(&step, &entry, slot);
		return why_in(why, fault, "a stored file");
	}
	step_done(&step);
	view_unprotect(view, slot);
	return FAULT_NONE;
}

/* ---- the operation ---- */

static int64_t real_offset(const struct change *change, const struct shape *shape)
{
	return change->append ? shape->size : change->offset;
}

static bool must_turn_sparse(const struct view *view, const struct shape *shape, int64_t offset)
{
	return gap_is_large(shape, offset) && (!view->head || !head_is_sparse(view->head));
}

/* An extension gives the file a new end anyway. */
bool view_must_mend_end(const struct view *view, const struct shape *shape, int64_t to)
{
	return shape->blocks && to <= shape->size && (shape->stub || atomic_load(&view->content->unclean));
}

static bool reads_edges(const struct shape *shape, int64_t from, int64_t to)
{
	int64_t part = (int64_t)block_size(shape->log2) - 1;

	if (to > shape->size)
		return (from & part) != 0 || from > block_at(shape->log2, shape->blocks - 1);
	return (from & part) != 0 || ((to & part) != 0 && to < shape->size);
}

static bool is_too_large(const struct change *change)
{
	return change->offset > FILE_SIZE_MAX - (int64_t)change->size;
}

static enum fault too_large(struct why *why)
{
	errno = EFBIG;
	return why_system(why, "a file cannot be larger");
}

static struct need write_needs(const struct view *view, const void *what)
{
	const struct change *change = what;
	struct shape shape = view_shape(view);
	int64_t from = real_offset(change, &shape);
	int64_t to = from + (int64_t)change->size;

	if (shape.blocks == 0 || head_must_turn(view) || must_turn_sparse(view, &shape, from))
		return NEED_ALL;
	struct need need = {.first = first_of(&shape, from, to), .last = (uint64_t)(to - 1) >> shape.log2};
	uint64_t read_last = need.last < shape.blocks ? need.last : shape.blocks - 1;
	if (reads_edges(&shape, from, to))
		need.reads_to = cell_at(shape.log2, read_last + 1);
	if (to > shape.size || view_must_mend_end(view, &shape, to))
		need.last = RANGE_END;
	return need;
}

/* The gap in front in pieces, then the bytes. Each piece leaves a whole file. */
static enum fault write_behind_gap(struct view *view, const struct change *change, struct why *why)
{
	int64_t before = view_shape(view).size;
	enum fault fault = FAULT_NONE;

	if (change->offset > before && change->offset + (int64_t)change->size - before > STEP_MAX)
		fault = view_grow(view, change->offset, why);
	if (fault)
		return fault;
	fault = step_write(view, change, why);
	if (fault && view_shape(view).size > before && view_shrink(view, before, NULL))
		content_distrust(view->content); /* it ends in zeros then, whole and readable */
	return fault;
}

static enum fault write_act(struct view *view, const void *what, struct why *why)
{
	struct change change = *(const struct change *)what;
	struct shape shape = view_shape(view);

	change.offset = real_offset(&change, &shape);
	if (is_too_large(&change))
		return too_large(why);
	enum fault fault = view_prepare_head(view, gap_is_large(&shape, change.offset), why);
	if (fault)
		return fault;
	if (view->owns_end && view_must_mend_end(view, &shape, change.offset + (int64_t)change.size))
		fault = view_mend_end(view, why);
	/* A torn last block, of a power cut, does not keep others from being written. */
	if (fault && (fault != FAULT_DAMAGED || view->content->options.strict))
		return fault;
	if (gap_is_large(&shape, change.offset))
		return step_write_far(view, &change, why);
	return write_behind_gap(view, &change, why);
}

static const struct operation write_operation = {write_needs, write_act, .is_blind = false};

enum fault content_write(struct content *content, int fd, const struct content_terms *terms, int64_t offset,
			 bool append, const uint8_t *bytes, size_t size, struct why *why)
{
	const struct change change = {
		.offset = append ? 0 : offset, .size = size, .bytes = bytes, .append = append};
	bool all_through;

	if (change.offset < 0 || size > STEP_MAX)
		return why_set(why, FAULT_INVALID, "a write is outside of what is allowed");
	if (is_too_large(&change))
		return too_large(why);
	if (size == 0)
		return FAULT_NONE;
	enum fault fault = pending_retry(content, fd, terms, &all_through, why);
	if (fault)
		return fault;
	return content_change(content, fd, terms, &write_operation, &change, why);
}
