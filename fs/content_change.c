#include "fs/content_state.h"

#include <unistd.h>

#include "base/file.h"

void view_done(struct view *view)
{
	head_drop(view->head);
	view->head = NULL;
}

enum fault view_read_size(struct view *view, struct why *why)
{
	return stored_size(view->fd, &view->stored, why);
}

/* The header, and as much behind it as is wanted, in one pread. */
static enum fault read_prefix(struct view *view, int64_t reads_to, struct why *why)
{
	int64_t size = HEADER_SIZE;

	if (reads_to > size && reads_to <= PREFIX_MAX)
		size = reads_to;
	if (size > view->stored)
		size = view->stored;
	enum fault fault = stored_read(view->fd, view->scratch->stored, (size_t)size, 0, why);
	if (fault)
		return fault;
	view->prefix = (size_t)size;
	struct head *known = content_head(view->content, NULL);
	if (known && memcmp(known->raw, view->scratch->stored, HEADER_SIZE) == 0 &&
	    known->header.generation >= view->terms->min_read) {
		view->head = known;
		return FAULT_NONE;
	}
	head_drop(known);
	fault = head_open(view->terms, view->scratch->stored, &view->head, why);
	if (!fault)
		content_set_head(view->content, view->head);
	return fault;
}

static enum fault look(struct view *view, const struct operation *operation, const void *what,
		       struct why *why)
{
	bool local = view->content->options.local;
	enum fault fault = FAULT_NONE;

	view->stored = local ? content_stored(view->content) : STORED_UNKNOWN;
	if (view->stored == STORED_UNKNOWN)
		fault = view_read_size(view, why);
	if (fault)
		return fault;
	/* Beside somebody who makes the file grow, the size seen here is a passing one. */
	if (view->owns_end || !local)
		content_set_stored(view->content, view->stored);
	if (view->stored < HEADER_SIZE || (operation && operation->is_blind))
		return FAULT_NONE;
	view->head = local ? content_head(view->content, NULL) : NULL;
	if (view->head && view->head->header.generation >= view->terms->min_read)
		return FAULT_NONE;
	head_drop(view->head);
	view->head = NULL;
	return read_prefix(view, operation ? operation->needs(view, what).reads_to : 0, why);
}

static enum fault view_init(struct view *view, struct content *content, int fd,
			    const struct content_terms *terms, struct why *why)
{
	*view = (struct view){.content = content, .fd = fd, .terms = terms, .scratch = scratch_get(why)};
	return view->scratch ? FAULT_NONE : FAULT_MEMORY;
}

enum fault view_take(struct view *view, struct content *content, int fd, const struct content_terms *terms,
		     struct why *why)
{
	enum fault fault = view_init(view, content, fd, terms, why);
	if (fault)
		return fault;
	return look(view, NULL, NULL, why);
}

/* From what was last seen: wrong as often as other clients are busy, and then put right under the range. */
static enum fault guess(struct content *content, int fd, const struct content_terms *terms,
			const struct operation *operation, const void *what, struct need *ret_need,
			struct why *why)
{
	AUTO(view_done) struct view view = {.fd = -1};
	enum fault fault = view_init(&view, content, fd, terms, why);
	if (fault)
		return fault;
	view.stored = content_stored(content);
	if (view.stored == STORED_UNKNOWN) /* everything is always right, and asks the share for nothing */
		return FAULT_NONE;
	view.head = content_head(content, NULL);
	*ret_need = operation->needs(&view, what);
	return FAULT_NONE;
}

static bool covers(const struct range *held, const struct need *need)
{
	return held->first <= need->first && held->last >= need->last;
}

/* Each round either ends, or somebody else has changed the file in between: it got its turn. */
enum fault content_change(struct content *content, int fd, const struct content_terms *terms,
			  const struct operation *operation, const void *what, struct why *why)
{
	struct need need = NEED_ALL;
	enum fault fault = guess(content, fd, terms, operation, what, &need, why);

	while (!fault) {
		AUTO(range_release) struct range held = RANGE_NONE;
		AUTO(view_done) struct view view = {.fd = -1};
		fault = range_take(&content->ranges, fd, RANGE_EXCLUSIVE, need.first, need.last, &held, why);
		if (!fault)
			fault = view_init(&view, content, fd, terms, why);
		view.owns_end = need.last == RANGE_END;
		if (!fault)
			fault = look(&view, operation, what, why);
		if (fault)
			break;
		need = operation->needs(&view, what);
		if (covers(&held, &need))
			return operation->act(&view, what, why);
	}
	return fault;
}

/* ---- blocks ---- */

/* The cell as it is stored: from what was read with the header, or on its own. */
static enum fault load_cell(struct view *view, uint64_t index, size_t size, const uint8_t **ret_cell,
			    struct why *why)
{
	int64_t at = cell_at(view_log2(view), index);

	if (at + (int64_t)size <= (int64_t)view->prefix) {
		*ret_cell = view->scratch->stored + at;
		return FAULT_NONE;
	}
	*ret_cell = view->scratch->cell;
	return stored_read(view->fd, view->scratch->cell, size, at, why);
}

enum fault view_read_block(struct view *view, uint64_t index, uint8_t *plain, enum cell *ret_kind,
			   struct why *why)
{
	struct shape shape = view_shape(view);
	size_t length = block_length(shape.size, shape.log2, index);
	const uint8_t *cell = NULL;

	if (ret_kind)
		*ret_kind = CELL_REAL;
	if (content_get_last(view->content, index, plain, length))
		return FAULT_NONE;
	enum fault fault = load_cell(view, index, length + SEAL_OVERHEAD, &cell, why);
	if (fault)
		return fault;
	enum cell kind = cell_open(view->head, index, block_is_last(&shape, index), cell,
				   length + SEAL_OVERHEAD, plain);
	size_t found = 0;
	if (kind == CELL_BAD &&
	    (pending_find(view->content, view->head, shape.log2, index, plain, &found) != PENDING_BLOCK ||
	     found != length))
		return block_damaged(why, index);
	if (kind == CELL_UNCLEAN)
		fault = content_say_unclean(view->content, why);
	if (ret_kind)
		*ret_kind = kind == CELL_BAD ? CELL_REAL : kind;
	return fault;
}

/* ---- the ring ---- */

struct ring_slot *view_protect(struct view *view, struct ring_entry *entry)
{
	const struct content_options *options = &view->content->options;
	char path[RING_PATH_MAX];

	entry->folder = view->head->header.folder;
	entry->file = view->head->header.file;
	if (!options->ring || !options->place || !options->place(options->context, path))
		return NULL;
	entry->path = path;
	struct ring_slot *slot = ring_put(options->ring, entry);
	entry->path = NULL;
	return slot;
}

void view_unprotect(struct view *view, struct ring_slot *slot)
{
	if (slot)
		ring_free(view->content->options.ring, slot);
}

/* ---- headers ---- */

/* Nothing new may be written under a seed that somebody who left may know. A file still MIXED has no room
 * for a third pair: it goes on under its present seed until the pass has cleared it. */
bool head_must_turn(const struct view *view)
{
	return view->head && view->head->header.seed_generation < view->terms->min_write &&
	       !(view->head->header.flags & HEADER_MIXED);
}

static enum fault make_head(struct view *view, unsigned flags, struct why *why)
{
	AUTO(header_wipe) struct header header = {.flags = 0};

	if (view->stored > 0) { /* a stub: nothing of it was ever acknowledged */
		enum fault fault = stored_cut(view->fd, 0, why);
		if (fault)
			return fault;
	}
	view->stored = 0;
	header_new(&header, view->terms->suite, view_log2(view), &view->terms->folder,
		   view->terms->generation);
	header.flags |= flags;
	return head_make(view->terms, &header, &view->head, why);
}

/* Both headers open every block there is, so either may stay, but not half of each: then it is pending. */
static void put_back(struct view *view, struct head *before, struct ring_slot *slot)
{
	const struct ring_entry entry = {.kind = RING_OVERWRITE,
					 .folder = before->header.folder,
					 .file = before->header.file,
					 .old_size = view->stored,
					 .new_size = view->stored,
					 .bytes = before->raw,
					 .size = HEADER_SIZE};
	bool emptied = view->stored == 0 && stored_cut(view->fd, 0, NULL) == FAULT_NONE;
	bool written = view->stored > 0 &&
		       file_pwrite(view->fd, before->raw, HEADER_SIZE, 0, NULL, NULL) == FAULT_NONE;

	content_distrust(view->content);
	if (emptied || written)
		view_unprotect(view, slot);
	else
		view_after_failure(view, &entry, slot);
}

/* Over the present header, and durable before any block depends on it. */
static enum fault put_head(struct view *view, struct head *head, struct why *why)
{
	struct ring_entry entry = {.kind = view->stored ? RING_OVERWRITE : RING_EXTEND,
				   .old_size = view->stored,
				   .new_size = view->stored ? view->stored : HEADER_SIZE,
				   .bytes = head->raw,
				   .size = HEADER_SIZE};
	struct head *before = view->head;

	view->head = head;
	struct ring_slot *slot = view_protect(view, &entry);
	view->head = before;
	enum fault fault = file_pwrite(view->fd, head->raw, HEADER_SIZE, 0, NULL, why);
	if (!fault && fdatasync(view->fd) != 0)
		fault = why_system(why, "cannot sync a header");
	if (fault) {
		put_back(view, before, slot);
		return fault;
	}
	view_unprotect(view, slot);
	atomic_fetch_add(&head->references, 1);
	head_drop(before);
	view->head = head;
	if (view->stored == 0)
		view->stored = HEADER_SIZE;
	content_set_head(view->content, head);
	content_set_stored(view->content, view->stored);
	return FAULT_NONE;
}

static enum fault turn_head(struct view *view, bool sparse, struct why *why)
{
	uint8_t raw[HEADER_SIZE];
	AUTO(head_drop) struct head *present = NULL;
	AUTO(head_drop) struct head *next = NULL;
	/* Read anew also where the cache is trusted: a new generation may have re-wrapped it since. */
	enum fault fault = stored_read(view->fd, raw, sizeof raw, 0, why);
	if (!fault)
		fault = head_open(view->terms, raw, &present, why);
	if (fault)
		return fault;
	head_drop(view->head);
	view->head = TAKE(present);
	AUTO(header_wipe) struct header header = view->head->header;
	if (head_must_turn(view))
		header_turn_mixed(&header, view->terms->generation);
	if (sparse)
		header.flags |= HEADER_SPARSE;
	fault = head_make(view->terms, &header, &next, why);
	if (!fault)
		fault = put_head(view, next, why);
	return fault;
}

enum fault view_prepare_head(struct view *view, bool sparse, struct why *why)
{
	if (!view->head) {
		enum fault fault = make_head(view, sparse ? HEADER_SPARSE : 0, why);
		if (fault || !sparse)
			return fault;
		return put_head(view, view->head, why);
	}
	if (head_must_turn(view) || (sparse && !head_is_sparse(view->head)))
		return turn_head(view, sparse, why);
	return FAULT_NONE;
}
