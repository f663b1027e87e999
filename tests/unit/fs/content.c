#include "tests/lib/stored.h"

#include "fs/header.h"

#define BLOCK 4096
#define CELL (BLOCK + SEAL_OVERHEAD)

static uint8_t buffer[4 << 20];
static uint8_t other[4 << 20];

static void stored_patch(const struct stored *file, int64_t at, const void *bytes, size_t size)
{
	assert_int_equal(pwrite(file->fd, bytes, size, at), (ssize_t)size);
}

static void stored_take(const struct stored *file, int64_t at, void *bytes, size_t size)
{
	assert_int_equal(pread(file->fd, bytes, size, at), (ssize_t)size);
}

/* Ten and a half blocks. */
static void fill_blocks(struct stored *file)
{
	stored_fill(buffer, 10 * BLOCK + BLOCK / 2, 7);
	stored_write(file, 0, buffer, 10 * BLOCK + BLOCK / 2);
}

static void assert_damaged(struct stored *file, int64_t offset, size_t size)
{
	struct why why = WHY_NONE;
	size_t got = 0;
	assert_fault(FAULT_DAMAGED, stored_try_read(file, offset, other, size, &got, &why));
}

/* -- sizes --------------------------------------------------------------------------- */

static void content__size_follows_from_the_stored_size_alone(void **state)
{
	(void)state;
	for (unsigned log2 = 12; log2 <= 16; log2 += 4) {
		int64_t block = 1 << log2;
		const int64_t sizes[] = {0,
					 1,
					 block - 1,
					 block,
					 block + 1,
					 2 * block,
					 7 * block + 5,
					 1000000007,
					 (int64_t)1 << 40,
					 FILE_SIZE_MAX};
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			assert_int_equal(content_size_of(content_stored_size_of(sizes[i], log2), log2),
					 sizes[i]);
	}
	assert_int_equal(content_size_of(0, 12), 0);
	assert_int_equal(content_size_of(191, 12), 0);
	assert_int_equal(content_size_of(192, 12), 0);
	assert_int_equal(content_size_of(192 + 40, 12), 0);
	assert_int_equal(content_size_of(192 + 41, 12), 1);
	assert_int_equal(content_size_of(192 + CELL + 40, 12), BLOCK);
}

/* -- reading what was written -------------------------------------------------------- */

static void content__an_empty_file_reads_as_nothing(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	assert_int_equal(stored_read_some(&file, 0, other, 100), 0);
	assert_int_equal(stored_read_some(&file, 1 << 20, other, 100), 0);
	stored_truncate(&file, 0);
	assert_int_equal(stored_physical(&file), 0);
}

static void content__a_small_file_goes_out_in_one_piece(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	stored_write(&file, 0, "abc", 3);
	assert_int_equal(stored_physical(&file), 192 + 43);
	stored_assert(&file, (const uint8_t *)"abc", 3);
}

static void content__stored_bytes_show_nothing_of_the_plain_ones(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	memset(buffer, 'x', 3 * BLOCK);
	stored_write(&file, 0, buffer, 3 * BLOCK);
	stored_take(&file, 0, other, (size_t)stored_physical(&file));
	assert_null(memmem(other, (size_t)stored_physical(&file), "xxxx", 4));
}

/* -- against a model ------------------------------------------------------------------ */

#define MODEL_MAX (12 << 20)
static uint8_t model[MODEL_MAX];
static int64_t model_size;

struct trial {
	struct stored files[2]; /* two clients in shared mode */
	unsigned clients;
	uint64_t random;
	int64_t block;
};

static int64_t below(struct trial *trial, int64_t limit)
{
	return limit > 0 ? (int64_t)(stored_random(&trial->random) % (uint64_t)limit) : 0;
}

static struct stored *some_client(struct trial *trial)
{
	return &trial->files[below(trial, trial->clients)];
}

/* Mostly small, often at the edge of a block. */
static int64_t some_length(struct trial *trial)
{
	switch (below(trial, 8)) {
	case 0:
		return trial->block * (1 + below(trial, 4));
	case 1:
		return 1 + below(trial, 1 << 20);
	case 2:
		return trial->block + below(trial, 3) - 1;
	default:
		return 1 + below(trial, 2 * trial->block);
	}
}

static int64_t some_offset(struct trial *trial)
{
	int64_t offset = below(trial, model_size + 1);

	switch (below(trial, 8)) {
	case 0:
		return offset - offset % trial->block;
	case 1:
		return model_size;
	case 2:
		return model_size + below(trial, 3 * trial->block);
	case 3:
		return below(trial, 8) == 0 ? model_size + below(trial, 4 << 20) : offset;
	default:
		return offset;
	}
}

static void model_resize(int64_t size)
{
	if (size > model_size)
		memset(model + model_size, 0, (size_t)(size - model_size));
	model_size = size;
}

static void try_write(struct trial *trial, bool append)
{
	int64_t offset = append ? model_size : some_offset(trial);
	int64_t length = some_length(trial);
	if (offset + length > MODEL_MAX)
		return;
	stored_fill(buffer, (size_t)length, stored_random(&trial->random));
	if (append)
		stored_append(some_client(trial), buffer, (size_t)length);
	else
		stored_write(some_client(trial), offset, buffer, (size_t)length);
	if (offset + length > model_size)
		model_resize(offset + length);
	memcpy(model + offset, buffer, (size_t)length);
}

static void try_truncate(struct trial *trial)
{
	int64_t size = below(trial, 4) ? some_offset(trial) : below(trial, model_size + 1);
	if (below(trial, 20) == 0)
		size = 0;
	if (size > MODEL_MAX)
		return;
	stored_truncate(some_client(trial), size);
	model_resize(size);
}

static void try_allocate(struct trial *trial)
{
	static const int modes[] = {0,
				    FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};
	struct why why = WHY_NONE;
	struct stored *file = some_client(trial);
	int mode = modes[below(trial, sizeof modes / sizeof *modes)];
	int64_t offset = some_offset(trial);
	int64_t length = some_length(trial) + below(trial, 2) * below(trial, 8 * trial->block);
	if (offset + length > MODEL_MAX)
		return;
	assert_works(content_allocate(file->content, file->fd, &file->terms, mode, offset, length, &why));
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + length > model_size)
		model_resize(offset + length);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		for (int64_t at = offset; at < offset + length && at < model_size; at++)
			model[at] = 0;
}

static void try_read(struct trial *trial)
{
	struct stored *file = some_client(trial);
	int64_t offset = some_offset(trial);
	int64_t length = below(trial, 10) ? some_length(trial) : 3 << 20;
	int64_t there = offset >= model_size	       ? 0
			: model_size - offset < length ? model_size - offset
						       : length;
	size_t got = stored_read_some(file, offset, other, (size_t)length);
	assert_int_equal(got, there);
	assert_true(there == 0 || memcmp(other, model + offset, (size_t)there) == 0);
}

/* A hole found is zeros; data that is not zeros is never passed over. */
static void try_seek(struct trial *trial)
{
	struct why why = WHY_NONE;
	struct stored *file = some_client(trial);
	int64_t offset = some_offset(trial);
	int64_t found = 0;
	if (offset >= model_size) {
		assert_fault(FAULT_SYSTEM, content_seek(file->content, file->fd, &file->terms, offset,
							SEEK_DATA, &found, &why));
		assert_int_equal(why.error, ENXIO);
		return;
	}
	assert_works(content_seek(file->content, file->fd, &file->terms, offset, SEEK_DATA, &found, &why));
	assert_true(found >= offset && found < model_size);
	for (int64_t at = offset; at < found; at++)
		assert_int_equal(model[at], 0);
	assert_works(content_seek(file->content, file->fd, &file->terms, offset, SEEK_HOLE, &found, &why));
	assert_true(found >= offset && found <= model_size);
	assert_true(found == model_size || model[found] == 0);
}

static void step(struct trial *trial)
{
	switch (below(trial, 16)) {
	case 0:
	case 1:
		try_truncate(trial);
		break;
	case 2:
	case 3:
		try_allocate(trial);
		break;
	case 4:
	case 5:
		try_write(trial, true);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		try_read(trial);
		break;
	case 10:
		try_seek(trial);
		break;
	default:
		try_write(trial, false);
	}
}

static void run_trial(const struct stored_options *options, int steps, uint64_t seed)
{
	struct trial trial = {.clients = options->local ? 1 : 2, .random = seed};
	stored_init(&trial.files[0], options);
	if (!options->local)
		stored_client(&trial.files[1], &trial.files[0]);
	trial.block = 1 << trial.files[0].terms.block_log2;
	model_size = 0;
	for (int i = 0; i < steps; i++) {
		step(&trial);
		assert_int_equal(stored_plain(&trial.files[0]), model_size);
		if (i % 50 == 0)
			stored_assert(&trial.files[0], model, model_size);
	}
	stored_assert(&trial.files[0], model, model_size);
	if (!options->local)
		stored_done(&trial.files[1]);
	stored_done(&trial.files[0]);
}

static void content__two_clients_agree_with_a_model(void **state)
{
	(void)state;
	run_trial(&(struct stored_options){.local = false}, 3000, 1);
	run_trial(&(struct stored_options){.local = false, .suite = SUITE_XCHACHA20_POLY1305}, 1000, 2);
}

static void content__two_clients_agree_with_a_model_in_large_blocks(void **state)
{
	(void)state;
	run_trial(&(struct stored_options){.local = false, .block_log2 = 16}, 2000, 3);
}

static void content__a_single_client_agrees_with_a_model(void **state)
{
	(void)state;
	run_trial(&(struct stored_options){.local = true}, 3000, 4);
	run_trial(&(struct stored_options){.local = true, .block_log2 = 16}, 2000, 5);
}

/* -- what the storage may try --------------------------------------------------------- */

static void content__a_swapped_block_is_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	static uint8_t one[CELL], two[CELL];
	stored_take(&file, stored_at(&file, 2), one, CELL);
	stored_take(&file, stored_at(&file, 5), two, CELL);
	stored_patch(&file, stored_at(&file, 2), two, CELL);
	stored_patch(&file, stored_at(&file, 5), one, CELL);
	assert_damaged(&file, 2 * BLOCK, 1);
	assert_damaged(&file, 5 * BLOCK, 1);
	assert_int_equal(stored_read_some(&file, 3 * BLOCK, other, 2 * BLOCK), 2 * BLOCK);
}

static void content__a_doubled_block_is_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	static uint8_t one[CELL];
	stored_take(&file, stored_at(&file, 2), one, CELL);
	stored_patch(&file, stored_at(&file, 3), one, CELL);
	assert_damaged(&file, 0, 10 * BLOCK);
}

static void content__a_zeroed_block_is_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	static const uint8_t zeros[CELL];
	stored_patch(&file, stored_at(&file, 4), zeros, CELL);
	assert_damaged(&file, 4 * BLOCK, BLOCK);
}

static void content__a_flipped_bit_anywhere_is_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	stored_write(&file, 0, "only a few bytes", 16);
	for (int64_t at = 0; at < stored_physical(&file); at++) {
		uint8_t byte;
		stored_take(&file, at, &byte, 1);
		byte ^= 0x10;
		stored_patch(&file, at, &byte, 1);
		content_forget(file.content);
		struct why why = WHY_NONE;
		size_t got = 0;
		if (stored_try_read(&file, 0, other, 16, &got, &why) == FAULT_NONE)
			fail_msg("byte %lld may be changed", (long long)at);
		byte ^= 0x10;
		stored_patch(&file, at, &byte, 1);
	}
}

static void content__a_file_that_the_storage_cut_shows(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false, .strict = true});
	fill_blocks(&file);
	assert_int_equal(ftruncate(file.fd, stored_at(&file, 6)), 0);
	assert_damaged(&file, 5 * BLOCK, 1);
	assert_int_equal(stored_read_some(&file, 0, other, 5 * BLOCK), 5 * BLOCK);
	struct why why = WHY_NONE;
	bool unclean = false;
	assert_works(content_is_unclean(file.content, file.fd, &file.terms, &unclean, &why));
	assert_true(unclean);
}

static void content__an_unclean_file_is_served_and_mended_by_the_next_write(void **state)
{
	(void)state;
	for (int stub = 0; stub <= 40; stub += 20) {
		AUTO(stored_done) struct stored file;
		stored_init(&file, &(struct stored_options){.local = false});
		fill_blocks(&file);
		assert_int_equal(ftruncate(file.fd, stored_at(&file, 6) + stub), 0);
		assert_int_equal(stored_read_some(&file, 0, other, 10 * BLOCK), 6 * BLOCK);
		stored_write(&file, 0, buffer, 10);
		struct why why = WHY_NONE;
		bool unclean = true;
		assert_works(content_is_unclean(file.content, file.fd, &file.terms, &unclean, &why));
		assert_false(unclean);
		stored_assert(&file, buffer, 6 * BLOCK);
	}
}

static void content__blocks_put_back_behind_a_cut_file_are_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	static uint8_t tail[5 * CELL];
	size_t size = (size_t)(stored_physical(&file) - stored_at(&file, 6));
	stored_take(&file, stored_at(&file, 6), tail, size);
	stored_truncate(&file, 6 * BLOCK);
	stored_patch(&file, stored_at(&file, 6), tail, size);
	assert_damaged(&file, 5 * BLOCK, 2 * BLOCK);
}

static void content__a_file_of_another_folder_is_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	content_forget(file.content);
	file.terms.folder.bytes[3] ^= 1;
	assert_damaged(&file, 0, 1);
}

static void content__a_full_overwrite_mends_a_torn_block(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	stored_patch(&file, stored_at(&file, 4) + 1000, "torn", 4);
	assert_damaged(&file, 4 * BLOCK, 1);
	stored_write(&file, 4 * BLOCK, buffer + 4 * BLOCK, BLOCK);
	stored_assert(&file, buffer, 10 * BLOCK + BLOCK / 2);
}

static void content__a_torn_last_block_does_not_keep_others_from_being_written(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	stored_patch(&file, stored_at(&file, 10) + 100, "torn", 4);
	struct why why = WHY_NONE;
	assert_fault(FAULT_DAMAGED,
		     content_write(file.content, file.fd, &file.terms, 0, true, buffer, 5, &why));
	stored_write(&file, 3 * BLOCK + 5, buffer + 3 * BLOCK + 5, 100);
	stored_truncate(&file, 10 * BLOCK);
	stored_assert(&file, buffer, 10 * BLOCK);
}

/* -- headers -------------------------------------------------------------------------- */

static struct header header_of(const struct stored *file)
{
	struct why why = WHY_NONE;
	uint8_t raw[HEADER_SIZE];
	struct header header;
	stored_take(file, 0, raw, sizeof raw);
	assert_works(header_peek(raw, &header, &why));
	return header;
}

static void content__the_first_write_after_a_rotation_turns_a_file_mixed(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	struct header before = header_of(&file);
	file.terms.generation = file.terms.min_write = 2;
	stored_write(&file, 2 * BLOCK + 7, buffer + 2 * BLOCK + 7, 3);
	struct header mixed = header_of(&file);
	assert_true(mixed.flags & HEADER_MIXED);
	assert_int_equal(mixed.seed_generation, 2);
	assert_memory_not_equal(before.file.bytes, mixed.file.bytes, ID_SIZE);
	stored_assert(&file, buffer, 10 * BLOCK + BLOCK / 2);
	file.terms.generation = file.terms.min_write = 3; /* no room for a third pair */
	stored_append(&file, "end", 3);
	assert_int_equal(header_of(&file).seed_generation, 2);
	memcpy(buffer + 10 * BLOCK + BLOCK / 2, "end", 3);
	stored_assert(&file, buffer, 10 * BLOCK + BLOCK / 2 + 3);
}

static void content__an_old_header_planted_in_an_empty_file_gives_no_seed(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	stored_write(&file, 0, "x", 1);
	assert_int_equal(ftruncate(file.fd, HEADER_SIZE), 0);
	content_forget(file.content);
	struct header planted = header_of(&file);
	file.terms.generation = file.terms.min_write = 2;
	stored_write(&file, 0, "secret", 6);
	struct header header = header_of(&file);
	assert_int_equal(header.seed_generation, 2);
	assert_memory_not_equal(planted.file.bytes, header.file.bytes, ID_SIZE);
	stored_assert(&file, (const uint8_t *)"secret", 6);
}

static void content__a_foreign_header_in_an_empty_file_is_refused(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	memset(buffer, 'h', HEADER_SIZE);
	stored_patch(&file, 0, buffer, HEADER_SIZE);
	struct why why = WHY_NONE;
	assert_fault(FAULT_DAMAGED,
		     content_write(file.content, file.fd, &file.terms, 0, false, buffer, 5, &why));
	stored_truncate(&file, 0);
	stored_write(&file, 0, "abc", 3);
	stored_assert(&file, (const uint8_t *)"abc", 3);
}

static void content__a_stub_of_a_header_counts_as_nothing(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	stored_patch(&file, 0, "FSE1", 4);
	assert_int_equal(stored_read_some(&file, 0, other, 10), 0);
	stored_write(&file, 0, "abc", 3);
	stored_assert(&file, (const uint8_t *)"abc", 3);
}

static void content__a_header_below_min_read_is_refused(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	file.terms.generation = 2;
	file.terms.min_read = 2;
	assert_damaged(&file, 0, 10);
}

static void content__a_header_of_a_later_generation_is_not_called_damage(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	file.terms.generation = 3;
	fill_blocks(&file);
	content_forget(file.content);
	file.terms.generation = 2;
	struct why why = WHY_NONE;
	size_t got = 0;
	assert_fault(FAULT_LOCKED, stored_try_read(&file, 0, other, 10, &got, &why));
}

/* -- holes ---------------------------------------------------------------------------- */

static void content__a_far_write_leaves_a_hole(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	int64_t far = (int64_t)1 << 33;
	stored_write(&file, 0, "near", 4);
	stored_write(&file, far, "far", 3);
	assert_int_equal(stored_plain(&file), far + 3);
	assert_true(header_of(&file).flags & HEADER_SPARSE);
	struct stat stat;
	assert_int_equal(fstat(file.fd, &stat), 0);
	assert_true(stat.st_blocks < 200);
	assert_int_equal(stored_read_some(&file, far - 5, other, 100), 8);
	assert_memory_equal(other, "\0\0\0\0\0far", 8);
	struct why why = WHY_NONE;
	int64_t found = 0;
	assert_works(content_seek(file.content, file.fd, &file.terms, 0, SEEK_HOLE, &found, &why));
	assert_int_equal(found, BLOCK);
	assert_works(content_seek(file.content, file.fd, &file.terms, found, SEEK_DATA, &found, &why));
	assert_int_equal(found, far);
	assert_works(content_seek(file.content, file.fd, &file.terms, found, SEEK_HOLE, &found, &why));
	assert_int_equal(found, far + 3);
}

static void content__an_empty_file_grows_far_in_no_time(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = true});
	int64_t size = ((int64_t)1 << 40) + 77;
	stored_truncate(&file, size);
	assert_int_equal(stored_plain(&file), size);
	assert_int_equal(stored_read_some(&file, size - 10, other, 100), 10);
	struct content_report report;
	struct why why = WHY_NONE;
	assert_works(content_verify(file.fd, &file.terms, &report, &why));
	assert_int_equal(report.damaged, 0);
	assert_false(report.unclean);
}

static void content__a_hole_at_the_end_is_a_real_block(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	struct why why = WHY_NONE;
	assert_works(content_allocate(file.content, file.fd, &file.terms,
				      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK, 20 * BLOCK, &why));
	static const uint8_t zeros[CELL];
	stored_take(&file, stored_at(&file, 3), other, CELL);
	assert_memory_equal(other, zeros, CELL);
	stored_take(&file, stored_at(&file, 10), other, BLOCK / 2 + SEAL_OVERHEAD);
	assert_memory_not_equal(other, zeros, BLOCK / 2 + SEAL_OVERHEAD);
	memset(buffer + BLOCK, 0, 10 * BLOCK);
	stored_assert(&file, buffer, 10 * BLOCK + BLOCK / 2);
	stored_patch(&file, stored_at(&file, 10), zeros, BLOCK / 2 + SEAL_OVERHEAD);
	assert_damaged(&file, 10 * BLOCK, 1);
}

/* -- verify ---------------------------------------------------------------------------- */

static void content_verify__counts_what_is_damaged(void **state)
{
	(void)state;
	AUTO(stored_done) struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	fill_blocks(&file);
	stored_patch(&file, stored_at(&file, 2) + 60, "x", 1);
	stored_patch(&file, stored_at(&file, 9) + 60, "x", 1);
	struct content_report report;
	struct why why = WHY_NONE;
	assert_works(content_verify(file.fd, &file.terms, &report, &why));
	assert_int_equal(report.blocks, 11);
	assert_int_equal(report.damaged, 2);
	assert_int_equal(report.generation, 1);
	assert_false(report.mixed || report.unclean);
}

static int start(void **state)
{
	(void)state;
	stored_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content__size_follows_from_the_stored_size_alone),
		cmocka_unit_test(content__an_empty_file_reads_as_nothing),
		cmocka_unit_test(content__a_small_file_goes_out_in_one_piece),
		cmocka_unit_test(content__stored_bytes_show_nothing_of_the_plain_ones),
		cmocka_unit_test(content__a_swapped_block_is_damage),
		cmocka_unit_test(content__a_doubled_block_is_damage),
		cmocka_unit_test(content__a_zeroed_block_is_damage),
		cmocka_unit_test(content__a_flipped_bit_anywhere_is_damage),
		cmocka_unit_test(content__a_file_that_the_storage_cut_shows),
		cmocka_unit_test(content__an_unclean_file_is_served_and_mended_by_the_next_write),
		cmocka_unit_test(content__blocks_put_back_behind_a_cut_file_are_damage),
		cmocka_unit_test(content__a_file_of_another_folder_is_damage),
		cmocka_unit_test(content__a_full_overwrite_mends_a_torn_block),
		cmocka_unit_test(content__a_torn_last_block_does_not_keep_others_from_being_written),
		cmocka_unit_test(content__the_first_write_after_a_rotation_turns_a_file_mixed),
		cmocka_unit_test(content__an_old_header_planted_in_an_empty_file_gives_no_seed),
		cmocka_unit_test(content__a_foreign_header_in_an_empty_file_is_refused),
		cmocka_unit_test(content__a_stub_of_a_header_counts_as_nothing),
		cmocka_unit_test(content__a_header_below_min_read_is_refused),
		cmocka_unit_test(content__a_header_of_a_later_generation_is_not_called_damage),
		cmocka_unit_test(content__a_far_write_leaves_a_hole),
		cmocka_unit_test(content__an_empty_file_grows_far_in_no_time),
		cmocka_unit_test(content__a_hole_at_the_end_is_a_real_block),
		cmocka_unit_test(content_verify__counts_what_is_damaged),
		cmocka_unit_test(content__two_clients_agree_with_a_model),
		cmocka_unit_test(content__two_clients_agree_with_a_model_in_large_blocks),
		cmocka_unit_test(content__a_single_client_agrees_with_a_model),
	};
	return cmocka_run_group_tests(tests, start, stored_finish);
}
