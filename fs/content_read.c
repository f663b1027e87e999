#include "fs/content_state.h"

#include <unistd.h>

/* One piece of a read: whole cells, at most STEP_MAX of plain bytes. */
struct reading {
	struct content *content;
	int fd;
	const struct content_terms *terms;
	struct scratch *scratch;
	struct head *head;
	int64_t offset;
	size_t size;
	uint8_t *buffer;
	uint64_t first, last; /* blocks that hold them */
	int64_t end; /* plain bytes up to here were opened */
};

static void reading_done(struct reading *reading)
{
	head_drop(reading->head);
	reading->head = NULL;
}
AUTO_VALUE(struct reading, reading_done);

static bool head_is_fit(const struct head *head, const struct content_terms *terms)
{
	return head->header.generation >= terms->min_read;
}

/* Where a block's plaintext goes: into the caller's memory when all of it is wanted. */
static uint8_t *place_for(const struct reading *reading, uint64_t index, size_t length)
{
	int64_t start = block_at(reading->terms->block_log2, index);

	if (start >= reading->offset && start + (int64_t)length <= reading->offset + (int64_t)reading->size)
		return reading->buffer + (start - reading->offset);
	return reading->scratch->first;
}

static void deliver(struct reading *reading, uint64_t index, const uint8_t *plain, size_t length)
{
	int64_t start = block_at(reading->terms->block_log2, index);
	int64_t from = start > reading->offset ? start : reading->offset;
	int64_t to = start + (int64_t)length;

	reading->end = to;
	if (to > reading->offset + (int64_t)reading->size)
		to = reading->offset + (int64_t)reading->size;
	if (plain == reading->scratch->first && to > from)
		memcpy(reading->buffer + (from - reading->offset), plain + (from - start),
		       (size_t)(to - from));
}

static size_t delivered(const struct reading *reading)
{
	int64_t end = reading->offset + (int64_t)reading->size;

	if (reading->end < end)
		end = reading->end;
	return end > reading->offset ? (size_t)(end - reading->offset) : 0;
}

/* ---- quickly: no lock, no fstat; whatever is not plainly right is left to the other way ---- */

/* `cells` starts with block `first`; `size` bytes came, and the file ends there if `all` is false. */
static bool open_quickly(struct reading *reading, const uint8_t *cells, size_t size, bool all)
{
	size_t whole = cell_size(reading->terms->block_log2);

	for (uint64_t index = reading->first; index <= reading->last && size > 0; index++) {
		size_t cell = size < whole ? size : whole;
		bool final = !all && size <= whole;
		if (cell <= SEAL_OVERHEAD || (!all && size > whole && size < whole + LOOK_BEYOND))
			return false;
		uint8_t *plain = place_for(reading, index, cell - SEAL_OVERHEAD);
		enum cell kind = cell_open(reading->head, index, final, cells, cell, plain);
		if (kind != CELL_REAL && kind != CELL_HOLE)
			return false;
		deliver(reading, index, plain, cell - SEAL_OVERHEAD);
		cells += cell;
		size -= cell;
	}
	return true;
}

/* A short count of a regular file means its end; should some file system mean something else, the last
 * block it gave does not open as the final one, and the other way finds out. */
static ssize_t read_once(int fd, uint8_t *buffer, size_t size, int64_t offset)
{
	ssize_t got;

	do
		got = pread(fd, buffer, size, offset);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool take_head(struct reading *reading, const uint8_t *raw, uint64_t heads)
{
	if (head_open(reading->terms, raw, &reading->head, NULL))
		return false;
	content_offer_head(reading->content, reading->head, heads);
	return true;
}

/* With a header known, one pread of the cells; else one of header and cells, unless they lie far apart. */
static bool read_quickly(struct reading *reading)
{
	uint64_t heads;
	unsigned log2 = reading->terms->block_log2;
	uint8_t *stored = reading->scratch->stored;
	int64_t from = cell_at(log2, reading->first);
	reading->head = content_head(reading->content, &heads);
	if (reading->head && !head_is_fit(reading->head, reading->terms))
		return false;
	if (!reading->head && from > PREFIX_MAX) {
		ssize_t got = read_once(reading->fd, stored, HEADER_SIZE, 0);
		if (got == 0)
			return true;
		if (got < HEADER_SIZE || !take_head(reading, stored, heads))
			return false;
	}
	int64_t start = reading->head ? from : 0;
	size_t wanted = (size_t)(cell_at(log2, reading->last + 1) - start) + LOOK_BEYOND;
	ssize_t got = read_once(reading->fd, stored, wanted, start);
	if (got <= 0)
		return got == 0;
	if (!reading->head && (got < HEADER_SIZE || !take_head(reading, stored, heads)))
		return false;
	if (got <= from - start)
		return true;
	return open_quickly(reading, stored + (from - start), (size_t)(got - (from - start)),
			    (size_t)got == wanted);
}

/* ---- carefully: once more, from scratch, while nobody changes these blocks ---- */

static enum fault fresh_head(struct reading *reading, struct why *why)
{
	uint8_t raw[HEADER_SIZE];

	reading_done(reading);
	enum fault fault = stored_read(reading->fd, raw, sizeof raw, 0, why);
	if (!fault)
		fault = head_open(reading->terms, raw, &reading->head, why);
	if (!fault)
		content_set_head(reading->content, reading->head);
	return fault;
}

/* A cell that does not open may be one whose write has not come through yet. */
static enum fault open_pending(struct reading *reading, uint64_t index, bool *ret_end, struct why *why)
{
	size_t length;

	switch (pending_find(reading->content, reading->head, reading->terms->block_log2, index,
			     reading->scratch->first, &length)) {
	case PENDING_BLOCK:
		deliver(reading, index, reading->scratch->first, length);
		return FAULT_NONE;
	case PENDING_END:
		*ret_end = true;
		return FAULT_NONE;
	case PENDING_NOTHING:
		break;
	}
	return block_damaged(why, index);
}

static enum fault open_carefully(struct reading *reading, const struct shape *shape, uint64_t last,
				 struct why *why)
{
	const uint8_t *cell = reading->scratch->stored;
	bool end = false;

	for (uint64_t index = reading->first; index <= last && !end; index++) {
		size_t length = block_length(shape->size, shape->log2, index);
		bool final = block_is_last(shape, index);
		uint8_t *plain = place_for(reading, index, length);
		enum cell kind = cell_open(reading->head, index, final, cell, length + SEAL_OVERHEAD, plain);
		enum fault fault = FAULT_NONE;
		if (kind == CELL_BAD)
			fault = open_pending(reading, index, &end, why);
		else
			deliver(reading, index, plain, length);
		if (kind == CELL_UNCLEAN)
			fault = content_say_unclean(reading->content, why);
		if (fault)
			return fault;
		cell += length + SEAL_OVERHEAD;
	}
	return FAULT_NONE;
}

static enum fault read_carefully(struct reading *reading, struct why *why)
{
	AUTO(range_release) struct range held = RANGE_NONE;
	int64_t stored = 0;
	enum fault fault = range_take(&reading->content->ranges, reading->fd, RANGE_SHARED, reading->first,
				      reading->last, &held, why);
	if (!fault)
		fault = stored_size(reading->fd, &stored, why);
	if (fault)
		return fault;
	reading->end = 0;
	struct shape shape = shape_of(stored, reading->terms->block_log2);
	if (shape.stub && reading->last >= shape.blocks)
		fault = content_say_unclean(reading->content, why);
	if (fault || stored < HEADER_SIZE)
		return fault;
	fault = fresh_head(reading, why);
	if (fault || reading->first >= shape.blocks)
		return fault;
	uint64_t last = reading->last < shape.blocks ? reading->last : shape.blocks - 1;
	int64_t from = cell_at(shape.log2, reading->first);
	int64_t to = cell_at(shape.log2, last) + (int64_t)block_length(shape.size, shape.log2, last) +
		     SEAL_OVERHEAD;
	fault = stored_read(reading->fd, reading->scratch->stored, (size_t)(to - from), from, why);
	if (fault)
		return fault;
	return open_carefully(reading, &shape, last, why);
}

static enum fault read_piece(struct reading *reading, size_t *ret_size, struct why *why)
{
	unsigned log2 = reading->terms->block_log2;

	reading->first = (uint64_t)reading->offset >> log2;
	reading->last = (uint64_t)(reading->offset + (int64_t)reading->size - 1) >> log2;
	reading->end = 0;
	if (!read_quickly(reading)) {
		enum fault fault = read_carefully(reading, why);
		if (fault)
			return fault;
	}
	*ret_size = delivered(reading);
	return FAULT_NONE;
}

enum fault content_read(struct content *content, int fd, const struct content_terms *terms, int64_t offset,
			size_t size, uint8_t *buffer, size_t *ret_size, struct why *why)
{
	struct scratch *scratch = scratch_get(why);
	if (!scratch)
		return FAULT_MEMORY;
	if (offset < 0)
		return why_set(why, FAULT_INVALID, "an offset is negative");
	if (offset >= FILE_SIZE_MAX)
		size = 0;
	else if ((uint64_t)size > (uint64_t)(FILE_SIZE_MAX - offset))
		size = (size_t)(FILE_SIZE_MAX - offset);
	size_t done = 0;
	while (done < size) {
		size_t piece = size - done < STEP_MAX ? size - done : STEP_MAX;
		size_t got = 0;
		AUTO(reading_done)
		struct reading reading = {
			.content = content,
			.fd = fd,
			.terms = terms,
			.scratch = scratch,
			.offset = offset + (int64_t)done,
			.size = piece,
			.buffer = buffer + done,
		};
		enum fault fault = read_piece(&reading, &got, why);
		if (fault)
			return fault;
		done += got;
		if (got < piece)
			break;
	}
	*ret_size = done;
	return FAULT_NONE;
}
