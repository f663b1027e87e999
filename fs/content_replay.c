#include "fs/content_state.h"

#include <assert.h>
#include <unistd.h>

#include "base/file.h"

/* Mending, after a kill (content_replay) and after a failure (view_after_failure). Claims, by letters:
 *
 *  A. Nothing that opens is ever replaced. A slot may be old: another client, or we after a failure, may
 *     have written the same block since, and then that is what counts.
 *  B. Nothing is written that does not open itself under the keys of the file as it is now.
 *  C. The end is cut only when the last block does not open, or is not final: a change that was
 *     acknowledged to anybody has left a final block.
 */

static size_t stored_cell(const struct view *view, uint64_t index)
{
	int64_t left = view->stored - cell_at(view_log2(view), index);

	if (left <= 0)
		return 0;
	return left < (int64_t)cell_size(view_log2(view)) ? (size_t)left : cell_size(view_log2(view));
}

enum fault view_judge(struct view *view, uint64_t index, enum cell *ret_kind, struct why *why)
{
	struct shape shape = view_shape(view);
	size_t size = stored_cell(view, index);

	*ret_kind = CELL_BAD;
	if (size <= SEAL_OVERHEAD)
		return FAULT_NONE;
	enum fault fault = stored_read(view->fd, view->scratch->cell, size, cell_at(shape.log2, index), why);
	if (fault)
		return fault;
	*ret_kind = cell_open(view->head, index, block_is_last(&shape, index), view->scratch->cell, size,
			      view->scratch->spare);
	return FAULT_NONE;
}

static enum fault reread_size(struct view *view, struct why *why)
{
	view->prefix = 0;
	return view_read_size(view, why);
}

/* ---- images ---- */

struct image {
	uint64_t index;
	const uint8_t *bytes;
	size_t size;
};

static bool image_opens(const struct view *view, const struct image *image)
{
	uint8_t *spare = view->scratch->spare;
	size_t whole = cell_size(view_log2(view));

	if (image->size <= SEAL_OVERHEAD || image->size > whole)
		return false;
	enum cell kind = cell_open(view->head, image->index, false, image->bytes, image->size, spare);
	if (kind == CELL_BAD)
		kind = cell_open(view->head, image->index, true, image->bytes, image->size, spare);
	return kind == CELL_REAL || (kind == CELL_HOLE && image->size == whole);
}

/* A cell that ends in zeros over a whole tag, and does not open, is the beginning of a new one over a hole:
 * no real cell ends like that. When the share has no room for the rest, the hole is made whole again. */
static enum fault make_hole_again(struct view *view, const struct image *image, struct why *why)
{
	const uint8_t *cell = view->scratch->cell;
	size_t used = stored_cell(view, image->index);

	if (!head_is_sparse(view->head) || used != cell_size(view_log2(view)))
		return FAULT_SYSTEM;
	enum fault fault = stored_read(view->fd, view->scratch->cell, used,
				       cell_at(view_log2(view), image->index), why);
	if (fault)
		return fault;
	while (used > 0 && cell[used - 1] == 0)
		used--;
	if (cell_size(view_log2(view)) - used < TAG_SIZE)
		return FAULT_SYSTEM;
	memset(view->scratch->cell, 0, used);
	return file_pwrite(view->fd, cell, used, cell_at(view_log2(view), image->index), NULL, why);
}

static enum fault put_image(struct view *view, const struct image *image, struct why *why)
{
	enum fault fault = file_pwrite(view->fd, image->bytes, image->size,
				       cell_at(view_log2(view), image->index), NULL, why);
	if (fault && make_hole_again(view, image, NULL) == FAULT_NONE)
		return FAULT_NONE;
	return fault;
}

/* A change in place fits the cell it was made for, and one that makes the file longer or shorter need not. */
static bool image_fits(const struct view *view, const struct ring_entry *entry, const struct image *image)
{
	return entry->kind != RING_OVERWRITE || image->size == stored_cell(view, image->index);
}

static enum fault mend_image(struct view *view, const struct ring_entry *entry, const struct image *image,
			     bool *ret_mended, struct why *why)
{
	enum cell kind;
	if (stored_cell(view, image->index) <= SEAL_OVERHEAD)
		return FAULT_NONE; /* the file has become shorter since */
	enum fault fault = view_judge(view, image->index, &kind, why);
	if (fault || kind != CELL_BAD)
		return fault; /* A */
	if (!image_fits(view, entry, image) || !image_opens(view, image))
		return FAULT_NONE; /* B */
	fault = put_image(view, image, why);
	if (fault)
		return fault;
	*ret_mended = true;
	if (entry->kind == RING_SHRINK)
		fault = stored_cut(view->fd, entry->new_size, why);
	return fault ? fault : reread_size(view, why);
}

static enum fault mend_images(struct view *view, const struct ring_entry *entry, bool *ret_mended,
			      struct why *why)
{
	size_t whole = cell_size(view_log2(view));
	const uint8_t *bytes = entry->bytes;
	size_t left = entry->size;
	int64_t at = entry->offset;

	if (at == 0) { /* the header was looked at already */
		size_t header = left < HEADER_SIZE ? left : HEADER_SIZE;
		at = HEADER_SIZE;
		bytes += header;
		left -= header;
	}
	if (at < HEADER_SIZE || (uint64_t)(at - HEADER_SIZE) % whole != 0)
		return FAULT_NONE;
	for (uint64_t index = (uint64_t)(at - HEADER_SIZE) / whole; left > 0; index++) {
		const struct image image = {index, bytes, left < whole ? left : whole};
		enum fault fault = mend_image(view, entry, &image, ret_mended, why);
		if (fault)
			return fault;
		bytes += image.size;
		left -= image.size;
	}
	return FAULT_NONE;
}

/* ---- the end ---- */

static enum fault end_is_good(struct view *view, bool *ret_good, struct why *why)
{
	struct shape shape = view_shape(view);
	enum cell kind = CELL_REAL;
	enum fault fault = FAULT_NONE;

	if (shape.blocks)
		fault = view_judge(view, shape.blocks - 1, &kind, why);
	*ret_good = kind == CELL_REAL && shape.stub == 0;
	return fault;
}

/* The last image, which is the old last block as the file shall end with it. */
static struct image last_image(const struct view *view, const struct ring_entry *entry)
{
	size_t whole = cell_size(view_log2(view));
	size_t last = entry->size ? (entry->size - 1) / whole : 0;

	return (struct image){
		.index = (uint64_t)(entry->offset - HEADER_SIZE) / whole + last,
		.bytes = (const uint8_t *)entry->bytes + last * whole,
		.size = entry->size - last * whole,
	};
}

static enum fault finish_rollback(struct view *view, const struct ring_entry *entry, struct why *why)
{
	if (view->stored < entry->old_size)
		return FAULT_NONE;
	if (entry->size) {
		const struct image image = last_image(view, entry);
		if (!image_opens(view, &image))
			return FAULT_NONE;
		enum fault fault = put_image(view, &image, why);
		if (fault)
			return fault;
	}
	enum fault fault = stored_cut(view->fd, entry->old_size, why);
	return fault ? fault : reread_size(view, why);
}

int64_t view_data_from(const struct view *view, int64_t at)
{
	off_t found = lseek(view->fd, at, SEEK_DATA);

	if (found >= 0)
		return found;
	return errno == ENXIO ? view->stored : at;
}

/* The last block from `floor` on that opens and is no hole. Holes may be huge: they are leapt over. */
static enum fault last_good(struct view *view, uint64_t floor, uint64_t *ret_index, bool *ret_found,
			    struct why *why)
{
	size_t whole = cell_size(view_log2(view));
	struct shape shape = view_shape(view);

	*ret_found = false;
	for (uint64_t index = floor; index < shape.blocks; index++) {
		enum cell kind;
		int64_t data = view_data_from(view, cell_at(shape.log2, index));
		if (data >= view->stored)
			break;
		if (data > cell_at(shape.log2, index))
			index = (uint64_t)(data - HEADER_SIZE) / whole;
		enum fault fault = view_judge(view, index, &kind, why);
		if (fault)
			return fault;
		if (kind == CELL_REAL || kind == CELL_UNCLEAN) {
			*ret_index = index;
			*ret_found = true;
		}
	}
	return FAULT_NONE;
}

/* The block becomes the final one. Its plaintext is whatever opens there, so nothing of it can be lost, and a
 * kill right here finds the slot still in use. */
static enum fault end_after(struct view *view, uint64_t index, struct why *why)
{
	enum cell kind;
	enum fault fault = view_judge(view, index, &kind, why);
	if (fault || kind == CELL_BAD || kind == CELL_HOLE)
		return fault;
	size_t size = stored_cell(view, index);
	cell_seal(view->head, index, true, view->scratch->spare, size - SEAL_OVERHEAD, view->scratch->cell);
	const struct ring_entry entry = {.kind = RING_SHRINK,
					 .offset = cell_at(view_log2(view), index),
					 .bytes = view->scratch->cell,
					 .size = size};
	fault = file_pwrite(view->fd, entry.bytes, entry.size, entry.offset, NULL, why);
	if (!fault)
		fault = stored_cut(view->fd, entry.offset + (int64_t)size, why);
	return fault ? fault : reread_size(view, why);
}

static enum fault mend_end(struct view *view, const struct ring_entry *entry, bool *ret_mended,
			   struct why *why)
{
	struct shape old = shape_of(entry->old_size, view_log2(view));
	uint64_t floor = old.blocks ? old.blocks - 1 : 0;
	uint64_t last = 0;
	bool good = false;
	bool found = false;
	enum fault fault = end_is_good(view, &good, why);

	if (fault || good)
		return fault; /* C */
	*ret_mended = true;
	if (entry_is_rollback(entry))
		return finish_rollback(view, entry, why);
	fault = last_good(view, floor, &last, &found, why);
	if (fault)
		return fault;
	if (found)
		return end_after(view, last, why);
	if (old.blocks) { /* not even the old last block: nothing here may be cut */
		*ret_mended = false;
		return FAULT_NONE;
	}
	fault = stored_cut(view->fd, HEADER_SIZE, why);
	return fault ? fault : reread_size(view, why);
}

/* ---- the header ---- */

/* Has the entry an image of this header? What stands in the place of the folder's and the file's id must be
 * theirs: another file that has come to this path since is none of our business. */
static bool has_header_image(const struct view *view, const struct ring_entry *entry, const uint8_t *raw)
{
	AUTO(head_drop) struct head *image = NULL;

	if (entry->offset != 0 || entry->size < HEADER_SIZE ||
	    head_open(view->terms, entry->bytes, &image, NULL))
		return false;
	const uint8_t *file = raw + HEADER_OFF_FILE_ID;
	return memcmp(raw + HEADER_OFF_FOLDER, image->header.folder.bytes, ID_SIZE) == 0 &&
	       (memcmp(file, image->header.file.bytes, ID_SIZE) == 0 ||
		memcmp(file, image->header.old_file.bytes, ID_SIZE) == 0);
}

/* A header that does not open is put right from the entry. */
static enum fault mend_header(struct view *view, const struct ring_entry *entry, bool *ret_mended,
			      struct why *why)
{
	uint8_t raw[HEADER_SIZE];
	enum fault fault = stored_read(view->fd, raw, sizeof raw, 0, why);
	if (fault)
		return fault;
	head_drop(TAKE(view->head));
	fault = head_open(view->terms, raw, &view->head, why);
	if (fault != FAULT_DAMAGED || !has_header_image(view, entry, raw))
		return fault;
	fault = head_open(view->terms, entry->bytes, &view->head, why);
	if (!fault)
		fault = file_pwrite(view->fd, entry->bytes, HEADER_SIZE, 0, NULL, why);
	*ret_mended = !fault;
	return fault;
}

static bool is_of_this_file(const struct view *view, const struct ring_entry *entry)
{
	const struct header *header = &view->head->header;

	return file_id_equal(&header->file, &entry->file) ||
	       ((header->flags & HEADER_MIXED) && file_id_equal(&header->old_file, &entry->file));
}

/* A stub of a header was never acknowledged; only the slot that began the file may take it away. */
static enum fault mend_beginning(struct view *view, const struct ring_entry *entry, bool *ret_mended,
				 struct why *why)
{
	if (view->stored == 0 || entry->old_size != 0 || entry->kind != RING_EXTEND)
		return FAULT_NONE;
	enum fault fault = stored_cut(view->fd, 0, why);
	*ret_mended = !fault;
	return fault ? fault : reread_size(view, why);
}

enum fault mend(struct view *view, const struct ring_entry *entry, bool *ret_mended, struct why *why)
{
	*ret_mended = false;
	enum fault fault = reread_size(view, why);
	if (fault)
		return fault;
	if (view->stored < HEADER_SIZE)
		return mend_beginning(view, entry, ret_mended, why);
	fault = mend_header(view, entry, ret_mended, why);
	if (fault)
		return fault;
	if (!is_of_this_file(view, entry))
		return FAULT_NONE;
	fault = mend_images(view, entry, ret_mended, why);
	if (!fault && entry->kind == RING_EXTEND && view->stored >= HEADER_SIZE)
		fault = mend_end(view, entry, ret_mended, why);
	return fault;
}

/* ---- after a kill ---- */

/* The sizes in an entry come from a file that a crash may have left half written. */
static bool entry_is_sane(const struct ring_entry *entry, const struct content_terms *terms)
{
	return folder_id_equal(&entry->folder, &terms->folder) && entry->offset >= 0 &&
	       entry->offset < 2 * FILE_SIZE_MAX && entry->size <= RING_BYTES_MAX && entry->old_size >= 0 &&
	       entry->new_size >= 0 && (entry->offset == 0 || entry->offset >= HEADER_SIZE);
}

enum fault content_replay(int fd, const struct content_terms *terms, const struct ring_entry *entry,
			  bool *ret_mended, struct why *why)
{
	const struct content_options options = {.local = false};
	AUTO(content_free) struct content *content = NULL;
	AUTO(range_release) struct range held = RANGE_NONE;
	struct scratch *scratch = scratch_get(why);
	bool mended = false;

	*ret_mended = false;
	if (!entry_is_sane(entry, terms))
		return FAULT_NONE;
	enum fault fault = scratch ? content_new(&options, &content, why) : FAULT_MEMORY;
	if (!fault)
		fault = range_take(&content->ranges, fd, RANGE_EXCLUSIVE, 0, RANGE_END, &held, why);
	if (fault)
		return fault;
	AUTO(view_done) struct view view = {.content = content, .fd = fd, .terms = terms, .scratch = scratch};
	fault = mend(&view, entry, &mended, why);
	if (fault == FAULT_DAMAGED) /* its header is past help, or another file's: there is nothing to mend */
		fault = FAULT_NONE;
	if (!fault)
		*ret_mended = mended;
	return fault;
}
