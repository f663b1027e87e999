/* tests/lib/stored.h - a stored file to try fs/content.h on.
 *
 *     stored_start();                              // once: a folder with three generations
 *     AUTO(stored_done) struct stored file = stored_new(&(struct stored_options){.local = true});
 *     assert_works(content_write(file.content, file.fd, &file.terms, ...));
 *
 * The file lies in $TMPDIR or /var/tmp and is gone afterwards. stored_client() is another
 * client of the same file: a description and a struct content of its own.
 */
#ifndef FSENC_TESTS_LIB_STORED_H
#define FSENC_TESTS_LIB_STORED_H

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/content.h"
#include "tests/lib/people.h"
#include "tests/lib/temporary.h"

#define STORED_GENERATIONS 3
#define STORED_PATH_SIZE 200

struct stored_options {
	bool local;
	bool strict;
	unsigned block_log2; /* 0: 12 */
	enum suite suite; /* 0: 1 */
	struct ring *ring;
	const char *directory; /* NULL: $TMPDIR or /var/tmp */
};

struct stored {
	char path[STORED_PATH_SIZE];
	int fd;
	struct content_options options;
	struct content_terms terms;
	struct content *content;
	bool is_client;
};

static struct folder_keys *stored_keys;
static struct folder_id stored_folder;

static inline void stored_start(void)
{
	struct why why = WHY_NONE;
	assert_works(secret_start(&why));
	AUTO(person_done) struct person alice = person_new("Alice");
	AUTO(folder_file_free) struct folder_file *file = NULL;
	const struct folder_new_options options = {
		.share = {{1}}, .parent = {{2}}, .suite = 1, .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &file, &stored_keys, &why));
	stored_folder = file->record->folder;
	for (int generation = 2; generation <= STORED_GENERATIONS; generation++) {
		struct folder_file *next = NULL;
		assert_works(
			folder_change_rekey(file, stored_keys, alice.identity, REASON_REKEY, &next, &why));
		folder_file_free(file);
		folder_keys_free(stored_keys);
		file = next;
		assert_works(folder_keys_open(file, alice.identity, &stored_keys, &why));
	}
}

static inline int stored_finish(void **state)
{
	(void)state;
	folder_keys_free(stored_keys);
	stored_keys = NULL;
	return 0;
}

static inline bool stored_place(void *context, char path[static RING_PATH_MAX])
{
	(void)snprintf(path, RING_PATH_MAX, "%s", (const char *)context);
	return true;
}

/* The context of place() is the path: the struct must not move once content is in use. */
static inline void stored_open(struct stored *file)
{
	struct why why = WHY_NONE;
	file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file->fd >= 0);
	file->options.place = stored_place;
	file->options.context = file->path;
	assert_works(content_new(&file->options, &file->content, &why));
}

static inline void stored_close(struct stored *file)
{
	content_free(file->content);
	file->content = NULL;
	(void)close(file->fd);
}

static inline void stored_init(struct stored *file, const struct stored_options *options)
{
	static int count;
	const char *directory = options->directory ? options->directory : temporary();
	*file = (struct stored){
		.options = {.local = options->local, .strict = options->strict, .ring = options->ring},
		.terms = {.folder = stored_folder,
			  .suite = options->suite ? options->suite : SUITE_XAES_256_GCM,
			  .block_log2 = options->block_log2 ? options->block_log2 : BLOCK_LOG2_DEFAULT,
			  .generation = 1,
			  .min_write = 1,
			  .min_read = 1,
			  .keys = stored_keys},
	};
	(void)snprintf(file->path, sizeof file->path, "%s/fsenc-stored-%d-%d", directory,
		       (int)getpid(), count++);
	(void)unlink(file->path);
	stored_open(file);
}

static inline void stored_client(struct stored *client, const struct stored *file)
{
	*client = *file;
	client->is_client = true;
	stored_open(client);
}

static inline void stored_done(struct stored *file)
{
	stored_close(file);
	if (!file->is_client)
		(void)unlink(file->path);
}
AUTO_VALUE(struct stored, stored_done);

static inline int64_t stored_physical(const struct stored *file)
{
	struct stat stat;
	assert_int_equal(fstat(file->fd, &stat), 0);
	return stat.st_size;
}

static inline int64_t stored_plain(const struct stored *file)
{
	return content_size_of(stored_physical(file), file->terms.block_log2);
}

/* Where block `index` lies. */
static inline int64_t stored_at(const struct stored *file, int64_t index)
{
	return HEADER_SIZE + index * ((1 << file->terms.block_log2) + SEAL_OVERHEAD);
}

static inline void stored_write(struct stored *file, int64_t offset, const void *bytes, size_t size)
{
	struct why why = WHY_NONE;
	assert_works(content_write(file->content, file->fd, &file->terms, offset, false, bytes, size, &why));
}

static inline void stored_append(struct stored *file, const void *bytes, size_t size)
{
	struct why why = WHY_NONE;
	assert_works(content_write(file->content, file->fd, &file->terms, 0, true, bytes, size, &why));
}

static inline enum fault stored_try_read(struct stored *file, int64_t offset, void *bytes, size_t size,
					 size_t *ret_size, struct why *why)
{
	return content_read(file->content, file->fd, &file->terms, offset, size, bytes, ret_size, why);
}

static inline size_t stored_read_some(struct stored *file, int64_t offset, void *bytes, size_t size)
{
	struct why why = WHY_NONE;
	size_t got = 0;
	assert_works(stored_try_read(file, offset, bytes, size, &got, &why));
	return got;
}

static inline void stored_truncate(struct stored *file, int64_t size)
{
	struct why why = WHY_NONE;
	assert_works(content_truncate(file->content, file->fd, &file->terms, size, &why));
}

/* The whole file, by a client that has nothing cached, is exactly this. */
static inline void stored_assert(const struct stored *file, const uint8_t *bytes, int64_t size)
{
	AUTO(stored_done) struct stored fresh;
	static uint8_t piece[1 << 20];
	stored_client(&fresh, file);
	assert_int_equal(stored_plain(&fresh), size);
	for (int64_t at = 0; at < size; at += (int64_t)sizeof piece) {
		size_t want = size - at < (int64_t)sizeof piece ? (size_t)(size - at) : sizeof piece;
		assert_int_equal(stored_read_some(&fresh, at, piece, sizeof piece), want);
		if (memcmp(piece, bytes + at, want) != 0)
			fail_msg("the bytes from %lld on are not what they should be", (long long)at);
	}
}

/* Small, fast, and the same on every machine. */
static inline uint64_t stored_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545F4914F6CDD1DULL >> 11;
}

static inline void stored_fill(uint8_t *bytes, size_t size, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;
	for (size_t i = 0; i < size; i += sizeof state) {
		uint64_t eight = stored_random(&state) * 0x9E3779B97F4A7C15ULL | 0x0101010101010101ULL;
		memcpy(bytes + i, &eight, size - i < sizeof eight ? size - i : sizeof eight);
	} /* never zero: a hole shows */
}

#endif
