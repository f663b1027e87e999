#include "fs/content_state.h"

/* Writes that ended in the middle of a block. The entry is what the block, and the end of the file, shall be;
 * until it is, it answers reads of what does not open. A copy on the heap, so that it does not hang on the
 * ring (which may be full, or not there); the slot beside it is for the next mount should this process end.
 */

static struct ring_slot *protect_again(struct view *view, const struct ring_entry *entry,
				       struct ring_slot *slot)
{
	struct ring *ring = view->content->options.ring;
	struct ring_entry copy = *entry;
	struct ring_slot *next = view_protect(view, &copy);

	view_unprotect(view, slot);
	if (next && !ring_keep(ring, next)) {
		ring_free(ring, next);
		next = NULL;
	}
	return next;
}

void pending_add(struct view *view, const struct ring_entry *entry, struct ring_slot *slot)
{
	struct content *content = view->content;
	struct pending *pending = malloc(sizeof *pending + entry->size);

	if (!pending) { /* the slot alone then, for the next mount */
		if (slot && !ring_keep(content->options.ring, slot))
			view_unprotect(view, slot);
		return;
	}
	memcpy(pending->bytes, entry->bytes, entry->size);
	pending->entry = *entry;
	pending->entry.bytes = pending->bytes;
	pending->entry.path = NULL;
	pending->slot = protect_again(view, entry, slot);
	(void)pthread_mutex_lock(&content->mutex);
	pending->next = content->pending;
	content->pending = pending;
	(void)pthread_mutex_unlock(&content->mutex);
}

void view_after_failure(struct view *view, const struct ring_entry *entry, struct ring_slot *slot)
{
	bool mended;

	if (mend(view, entry, &mended, NULL))
		pending_add(view, entry, slot);
	else
		view_unprotect(view, slot);
}

bool content_has_pending(struct content *content)
{
	(void)pthread_mutex_lock(&content->mutex);
	bool has = content->pending != NULL;
	(void)pthread_mutex_unlock(&content->mutex);
	return has;
}

static void drop(struct content *content, struct pending *pending)
{
	(void)pthread_mutex_lock(&content->mutex);
	struct pending **link = &content->pending;
	while (*link != pending)
		link = &(*link)->next;
	*link = pending->next;
	(void)pthread_mutex_unlock(&content->mutex);
	if (pending->slot)
		ring_free(content->options.ring, pending->slot);
	free(pending);
}

void pending_drop_all(struct content *content)
{
	while (content_has_pending(content))
		drop(content, content->pending);
}

static enum fault retry_all(struct view *view, bool *ret_all_through, struct why *why)
{
	struct content *content = view->content;
	enum fault end_is_missing = FAULT_NONE;
	struct pending *next;

	*ret_all_through = true;
	/* Only a holder of [0, END] takes entries out, so the list below the first one stands still. */
	(void)pthread_mutex_lock(&content->mutex);
	struct pending *pending = content->pending;
	(void)pthread_mutex_unlock(&content->mutex);
	for (; pending; pending = next) {
		bool mended;
		next = pending->next;
		enum fault fault = mend(view, &pending->entry, &mended, why);
		if (!fault) {
			drop(content, pending);
			continue;
		}
		*ret_all_through = false;
		if (pending->entry.kind == RING_EXTEND)
			end_is_missing = fault;
	}
	return end_is_missing;
}

enum fault pending_retry(struct content *content, int fd, const struct content_terms *terms,
			 bool *ret_all_through, struct why *why)
{
	AUTO(range_release) struct range held = RANGE_NONE;
	struct scratch *scratch = scratch_get(why);

	*ret_all_through = true;
	if (!scratch)
		return FAULT_MEMORY;
	if (!content_has_pending(content))
		return FAULT_NONE;
	enum fault fault = range_take(&content->ranges, fd, RANGE_EXCLUSIVE, 0, RANGE_END, &held, why);
	if (fault)
		return fault;
	AUTO(view_done) struct view view = {.content = content, .fd = fd, .terms = terms, .scratch = scratch};
	fault = retry_all(&view, ret_all_through, why);
	content_distrust(content);
	return fault;
}

enum fault content_flush(struct content *content, int fd, const struct content_terms *terms, struct why *why)
{
	bool all_through;
	enum fault fault = pending_retry(content, fd, terms, &all_through, why);

	if (!fault && !all_through)
		return why_in(why, FAULT_FAILED, "an earlier write has not come through");
	return fault;
}

static bool image_of(const struct ring_entry *entry, unsigned log2, uint64_t index, const uint8_t **ret_image,
		     size_t *ret_size)
{
	int64_t at = cell_at(log2, index) - entry->offset;

	if (at < 0 || at >= (int64_t)entry->size)
		return false;
	*ret_image = (const uint8_t *)entry->bytes + at;
	*ret_size = entry->size - (size_t)at < cell_size(log2) ? entry->size - (size_t)at : cell_size(log2);
	return true;
}

static bool image_opens(const struct head *head, uint64_t index, const uint8_t *image, size_t size,
			uint8_t *plain)
{
	return size > SEAL_OVERHEAD && (cell_open(head, index, false, image, size, plain) != CELL_BAD ||
					cell_open(head, index, true, image, size, plain) != CELL_BAD);
}

enum pending_answer pending_find(struct content *content, const struct head *head, unsigned log2,
				 uint64_t index, uint8_t *plain, size_t *ret_size)
{
	enum pending_answer answer = PENDING_NOTHING;

	(void)pthread_mutex_lock(&content->mutex);
	for (const struct pending *pending = content->pending; pending && !answer; pending = pending->next) {
		const uint8_t *image;
		size_t size;
		if (image_of(&pending->entry, log2, index, &image, &size) &&
		    image_opens(head, index, image, size, plain)) {
			*ret_size = size - SEAL_OVERHEAD;
			answer = PENDING_BLOCK;
		} else if (entry_is_rollback(&pending->entry) &&
			   cell_at(log2, index) >= pending->entry.old_size) {
			answer = PENDING_END;
		}
	}
	(void)pthread_mutex_unlock(&content->mutex);
	return answer;
}
