#include "fs/content_state.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"

int64_t content_size_of(int64_t stored, unsigned block_log2)
{
	return shape_of(stored, block_log2).size;
}

int64_t content_stored_size_of(int64_t size, unsigned block_log2)
{
	if (size <= 0)
		return 0;
	uint64_t last = (uint64_t)(size - 1) >> block_log2;

	return cell_at(block_log2, last) + (size - block_at(block_log2, last)) + SEAL_OVERHEAD;
}

struct shape shape_of(int64_t stored, unsigned log2)
{
	struct shape shape = {.log2 = log2};

	if (stored < HEADER_SIZE) {
		shape.stub = (size_t)stored;
		return shape;
	}
	uint64_t whole = (uint64_t)(stored - HEADER_SIZE) / cell_size(log2);
	size_t rest = (size_t)((uint64_t)(stored - HEADER_SIZE) % cell_size(log2));
	shape.size = block_at(log2, whole);
	shape.blocks = whole;
	if (rest > SEAL_OVERHEAD) {
		shape.size += (int64_t)(rest - SEAL_OVERHEAD);
		shape.blocks++;
	} else {
		shape.stub = rest;
	}
	return shape;
}

size_t block_length(int64_t size, unsigned log2, uint64_t index)
{
	int64_t left = size - block_at(log2, index);

	if (left <= 0)
		return 0;
	return left < (int64_t)block_size(log2) ? (size_t)left : block_size(log2);
}

enum fault content_new(const struct content_options *options, struct content **ret_content, struct why *why)
{
	struct content *content = calloc(1, sizeof *content);
	if (!content)
		return why_set(why, FAULT_MEMORY, "no memory for an open file");
	content->options = *options;
	content->stored = STORED_UNKNOWN;
	range_table_init(&content->ranges, options->local);
	mutex_init_brief(&content->mutex);
	*ret_content = content;
	return FAULT_NONE;
}

void content_free(struct content *content)
{
	if (!content)
		return;
	/* What is still pending stays in the ring, for the next mount. */
	while (content->pending) {
		struct pending *next = content->pending->next;
		free(content->pending);
		content->pending = next;
	}
	content_forget(content);
	free(content->last.bytes);
	(void)pthread_mutex_destroy(&content->mutex);
	range_table_done(&content->ranges);
	free(content);
}

static void forget_last(struct content *content)
{
	if (content->last.known)
		secret_wipe(content->last.bytes, content->last.size);
	content->last.known = false;
}

void content_forget(struct content *content)
{
	(void)pthread_mutex_lock(&content->mutex);
	struct head *head = content->head;
	content->head = NULL;
	content->heads++;
	content->stored = STORED_UNKNOWN;
	forget_last(content);
	(void)pthread_mutex_unlock(&content->mutex);
	head_drop(head);
}

void content_distrust(struct content *content)
{
	content_forget(content);
	atomic_store(&content->unclean, true);
}

struct head *content_head(struct content *content, uint64_t *ret_heads)
{
	(void)pthread_mutex_lock(&content->mutex);
	struct head *head = content->head;
	if (head)
		atomic_fetch_add(&head->references, 1);
	if (ret_heads)
		*ret_heads = content->heads;
	(void)pthread_mutex_unlock(&content->mutex);
	return head;
}

/* Returns the one that must be dropped, outside the mutex. */
static struct head *exchange_head(struct content *content, struct head *head)
{
	struct head *before = content->head;

	if (head)
		atomic_fetch_add(&head->references, 1);
	content->head = head;
	content->heads++;
	return before;
}

void content_offer_head(struct content *content, struct head *head, uint64_t heads)
{
	struct head *before = NULL;

	(void)pthread_mutex_lock(&content->mutex);
	if (content->heads == heads)
		before = exchange_head(content, head);
	(void)pthread_mutex_unlock(&content->mutex);
	head_drop(before);
}

void content_set_head(struct content *content, struct head *head)
{
	(void)pthread_mutex_lock(&content->mutex);
	struct head *before = exchange_head(content, head);
	(void)pthread_mutex_unlock(&content->mutex);
	head_drop(before);
}

int64_t content_stored(struct content *content)
{
	(void)pthread_mutex_lock(&content->mutex);
	int64_t stored = content->stored;
	(void)pthread_mutex_unlock(&content->mutex);
	return stored;
}

void content_set_stored(struct content *content, int64_t stored)
{
	(void)pthread_mutex_lock(&content->mutex);
	content->stored = stored;
	(void)pthread_mutex_unlock(&content->mutex);
}

void content_set_last(struct content *content, uint64_t index, const uint8_t *bytes, size_t size)
{
	if (!content->options.local)
		return;
	(void)pthread_mutex_lock(&content->mutex);
	struct last_block *last = &content->last;
	if (!last->bytes && bytes)
		last->bytes = malloc(BLOCK_SIZE_MAX);
	if (bytes && last->bytes) {
		memcpy(last->bytes, bytes, size);
		last->index = index;
		last->size = size;
		last->known = true;
	} else {
		forget_last(content);
	}
	(void)pthread_mutex_unlock(&content->mutex);
}

bool content_get_last(struct content *content, uint64_t index, uint8_t *bytes, size_t size)
{
	if (!content->options.local)
		return false;
	(void)pthread_mutex_lock(&content->mutex);
	const struct last_block *last = &content->last;
	bool known = last->known && last->index == index && last->size == size;
	if (known)
		memcpy(bytes, last->bytes, size);
	(void)pthread_mutex_unlock(&content->mutex);
	return known;
}

enum fault content_say_unclean(struct content *content, struct why *why)
{
	atomic_store(&content->unclean, true);
	if (content->options.strict)
		return why_set(why, FAULT_DAMAGED, "a stored file ends without a final block");
	if (!atomic_exchange(&content->unclean_said, true)) {
		char path[RING_PATH_MAX];
		bool known = content->options.place && content->options.place(content->options.context, path);
		log_warning("stored file '%.200s' ends without a final block: a crash, or the storage cut it",
			    known ? path : "(no name)");
	}
	return FAULT_NONE;
}

enum fault block_damaged(struct why *why, uint64_t index)
{
	return why_set(why, FAULT_DAMAGED, "block %llu does not authenticate", (unsigned long long)index);
}

enum fault stored_read(int fd, uint8_t *buffer, size_t size, int64_t offset, struct why *why)
{
	size_t got = 0;
	enum fault fault = file_pread(fd, buffer, size, offset, &got, why);
	if (fault)
		return why_in(why, fault, "a stored file");
	if (got < size)
		return why_set(why, FAULT_DAMAGED, "a stored file is shorter than it was a moment ago");
	return FAULT_NONE;
}

enum fault stored_size(int fd, int64_t *ret_size, struct why *why)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return why_system(why, "cannot see the size of a stored file");
	*ret_size = stat.st_size;
	return FAULT_NONE;
}

enum fault stored_cut(int fd, int64_t size, struct why *why)
{
	while (ftruncate(fd, size) != 0)
		if (errno != EINTR)
			return why_system(why, "cannot set the size of a stored file");
	return FAULT_NONE;
}
