/* Killed at any moment: every block opens, and what was acknowledged is there. */
#include "base/log.h"
#include "tests/lib/stored_model.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define BLOCK SCENE_BLOCK
#define TEAR 512 /* where a write may be torn: a sector */

static const struct share_id share = {{3}};
static char ring_directory[200];

/* ---- a process that dies after so many bytes ---- */

static bool dies;
static int64_t life; /* bytes still to be written; other calls that change the file count as TEAR */

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __real_fallocate64(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	if (!dies || (int64_t)size <= life) {
		life -= (int64_t)size;
		return __real_pwrite64(fd, bytes, size, offset);
	}
	/* At a sector of the file, not of the write. */
	off_t end = (offset + life) / TEAR * TEAR;
	if (end > offset)
		(void)__real_pwrite64(fd, bytes, (size_t)(end - offset), offset);
	_exit(9);
}

static void one_step(void)
{
	if (dies && life < TEAR)
		_exit(9);
	life -= TEAR;
}

int __wrap_ftruncate64(int fd, off_t size)
{
	one_step();
	return __real_ftruncate64(fd, size);
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size)
{
	one_step();
	return __real_fallocate64(fd, mode, offset, size);
}

int __wrap_fdatasync(int fd)
{
	one_step();
	return __real_fdatasync(fd);
}

/* ---- the next mount ---- */

struct mending {
	struct stored *file;
	int slots;
	int mended;
};

static bool replay(void *context, const struct ring_entry *entry)
{
	struct mending *mending = context;
	struct why why = WHY_NONE;
	bool mended = false;
	assert_string_equal(entry->path, mending->file->path);
	assert_works(content_replay(mending->file->fd, &mending->file->terms, entry, &mended, &why));
	mending->slots++;
	mending->mended += mended;
	return true;
}

static struct mending next_mount(struct stored *file)
{
	struct why why = WHY_NONE;
	struct mending mending = {.file = file};
	assert_works(ring_each_left(ring_directory, &share, replay, &mending, &why));
	return mending;
}

static void assert_whole(const struct stored *file, bool may_be_unclean)
{
	struct why why = WHY_NONE;
	struct content_report report;
	assert_works(content_verify(file->fd, &file->terms, &report, &why));
	assert_int_equal(report.damaged, 0);
	assert_true(may_be_unclean || !report.unclean);
}

/* ---- torn at every sector ---- */

/* In a process of its own; true when it came to the end. */
static bool do_and_die(struct stored *file, const struct act *act, int64_t budget)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct why why = WHY_NONE;
		struct ring *ring = NULL;
		if (ring_create(ring_directory, &share, &ring, &why))
			_exit(1);
		struct stored mine = *file;
		mine.options.ring = ring;
		stored_open(&mine);
		life = budget;
		dies = true;
		enum fault fault = act_do(act, &mine, &why);
		dies = false;
		content_free(mine.content);
		ring_close(ring);
		_exit(fault ? 2 : 0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
	return WEXITSTATUS(status) == 0;
}

static void tear_everywhere(const struct scene *scene, bool local, unsigned log2)
{
	bool done = false;
	int step = scene->act.length > 64 * BLOCK || scene->act.offset > 64 * BLOCK ? 37 * TEAR : TEAR;
	if (log2 > 12)
		step *= 41;
	for (int64_t budget = 0; !done; budget += step) {
		struct stored file;
		stored_init(&file, &(struct stored_options){.local = local, .block_log2 = log2});
		scene_prepare(&file, scene);
		done = do_and_die(&file, &scene->act, budget);
		(void)next_mount(&file);
		assert_whole(&file, scene->twist == CUT && !done);
		if (done)
			old_model = new_model;
		model_assert_between(&file, &old_model, &new_model);
		stored_done(&file);
	}
}

static void content__torn_at_any_sector_is_mended_by_the_ring(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		print_message("%s\n", scenes[i].name);
		tear_everywhere(&scenes[i], false, 12);
	}
}

static void content__torn_large_blocks_are_mended_by_the_ring(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++)
		if (scenes[i].twist != CUT) /* it has no three blocks then */
			tear_everywhere(&scenes[i], true, 16);
}

/* Without the ring the same tears lose blocks: the test above would see it. */
static void content__torn_without_the_ring_is_damage(void **state)
{
	(void)state;
	struct stored file;
	struct why why = WHY_NONE;
	struct content_report report;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[0]);
	assert_false(do_and_die(&file, &scenes[0].act, 1024));
	assert_works(content_verify(file.fd, &file.terms, &report, &why));
	assert_int_equal(report.damaged, 1);
	(void)next_mount(&file);
	assert_whole(&file, false);
	stored_done(&file);
}

/* ---- an old slot ---- */

struct kept {
	struct ring_entry entry;
	uint8_t bytes[64 * BLOCK];
};

static bool keep(void *context, const struct ring_entry *entry)
{
	struct kept *kept = context;
	kept->entry = *entry;
	memcpy(kept->bytes, entry->bytes, entry->size);
	kept->entry.bytes = kept->bytes;
	return true;
}

static void content_replay__leaves_what_was_written_since(void **state)
{
	(void)state;
	static struct kept kept;
	struct why why = WHY_NONE;
	bool mended = false;
	struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[0]);
	assert_false(do_and_die(&file, &scenes[0].act, 1024));
	assert_works(ring_each_left(ring_directory, &share, keep, &kept, &why));
	const struct act since = {ACT_WRITE, 0, 6 * BLOCK, 77};
	assert_works(act_do(&since, &file, &why));
	act_apply(&since, &old_model);
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_false(mended);
	stored_assert(&file, old_model.bytes, old_model.size);
	stored_done(&file);
}

static void content_replay__leaves_a_file_that_came_in_its_place(void **state)
{
	(void)state;
	static struct kept kept;
	struct why why = WHY_NONE;
	bool mended = false;
	struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[0]);
	assert_false(do_and_die(&file, &scenes[0].act, 1024));
	assert_works(ring_each_left(ring_directory, &share, keep, &kept, &why));
	stored_truncate(&file, 0);
	stored_write(&file, 0, old_model.bytes, 100);
	assert_int_equal(pwrite(file.fd, "torn", 4, HEADER_SIZE + 30), 4);
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_false(mended);
	assert_int_equal(stored_plain(&file), 100);
	stored_done(&file);
}

/* Its end is not mended either: that is for whoever is to write it next. */
static void content_replay__leaves_the_end_of_a_file_that_came_in_its_place(void **state)
{
	(void)state;
	static struct kept kept;
	struct why why = WHY_NONE;
	bool mended = false;
	struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[5]);
	assert_false(do_and_die(&file, &scenes[5].act, 1024));
	assert_works(ring_each_left(ring_directory, &share, keep, &kept, &why));
	assert_int_equal(kept.entry.kind, RING_EXTEND);
	stored_truncate(&file, 0);
	stored_write(&file, 0, kept.bytes, 9 * BLOCK);
	assert_int_equal(ftruncate(file.fd, stored_at(&file, 8)), 0);
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_false(mended);
	assert_works(content_is_unclean(file.content, file.fd, &file.terms, &mended, &why));
	assert_true(mended);
	stored_done(&file);
}

static void content_replay__writes_nothing_that_does_not_open(void **state)
{
	(void)state;
	static struct kept kept;
	static uint8_t before[10 * BLOCK];
	static uint8_t after[10 * BLOCK];
	struct why why = WHY_NONE;
	bool mended = true;
	struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[0]);
	assert_false(do_and_die(&file, &scenes[0].act, 1024));
	assert_works(ring_each_left(ring_directory, &share, keep, &kept, &why));
	size_t size = (size_t)stored_physical(&file);
	assert_int_equal(pread(file.fd, before, size, 0), (ssize_t)size);
	kept.bytes[100] ^= 1;
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_false(mended);
	assert_int_equal(pread(file.fd, after, sizeof after, 0), (ssize_t)size);
	assert_memory_equal(before, after, size);
	kept.bytes[100] ^= 1;
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_true(mended);
	stored_done(&file);
}

static void content_replay__of_another_folder_is_dropped(void **state)
{
	(void)state;
	static struct kept kept;
	struct why why = WHY_NONE;
	bool mended = false;
	struct stored file;
	stored_init(&file, &(struct stored_options){.local = false});
	scene_prepare(&file, &scenes[0]);
	assert_false(do_and_die(&file, &scenes[0].act, 1024));
	assert_works(ring_each_left(ring_directory, &share, keep, &kept, &why));
	kept.entry.folder.bytes[0] ^= 1;
	assert_works(content_replay(file.fd, &file.terms, &kept.entry, &mended, &why));
	assert_false(mended);
	stored_done(&file);
}

/* ---- killed for real ---- */

/* Shared with the child: what it does now, and how many it has done. */
struct log {
	_Atomic uint32_t begun;
	_Atomic uint32_t done;
	struct act acts[1 << 16];
};

static void work(struct stored *file, struct log *log, uint64_t seed)
{
	struct why why = WHY_NONE;
	struct ring *ring = NULL;
	if (ring_create(ring_directory, &share, &ring, &why))
		_exit(1);
	file->options.ring = ring;
	stored_open(file);
	for (uint32_t i = 0; i < sizeof log->acts / sizeof *log->acts; i++) {
		log->acts[i] = act_random(&seed, &old_model, BLOCK);
		atomic_store(&log->begun, i + 1);
		if (act_do(&log->acts[i], file, &why))
			_exit(2);
		act_apply(&log->acts[i], &old_model);
		atomic_store(&log->done, i + 1);
	}
	_exit(0);
}

/* The moment is random on purpose. */
static void kill_at_some_moment(pid_t child, const struct log *log, uint64_t *random)
{
	uint32_t acts = 1 + (uint32_t)(stored_random(random) % 12);
	while (atomic_load(&log->done) < acts && atomic_load(&log->begun) < acts + 1)
		(void)sched_yield();
	for (volatile uint64_t spin = stored_random(random) % 300000; spin > 0; spin--)
		continue;
	assert_int_equal(kill(child, SIGKILL), 0);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static struct mending one_kill(struct stored *file, struct log *log, uint64_t *random)
{
	atomic_store(&log->begun, 0);
	atomic_store(&log->done, 0);
	uint64_t seed = stored_random(random);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct stored mine = *file;
		work(&mine, log, seed);
	}
	kill_at_some_moment(child, log, random);
	uint32_t done = atomic_load(&log->done);
	for (uint32_t i = 0; i < done; i++)
		act_apply(&log->acts[i], &old_model);
	new_model = old_model;
	if (atomic_load(&log->begun) > done)
		act_apply(&log->acts[done], &new_model);
	struct mending mending = next_mount(file);
	assert_whole(file, false);
	model_assert_between(file, &old_model, &new_model);
	return mending;
}

static void kill_often(const char *directory, bool local, int times, uint64_t seed)
{
	struct log *log = mmap(NULL, sizeof *log, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(log != MAP_FAILED);
	struct stored file;
	uint64_t random = seed;
	int mended = 0;
	int slots = 0;
	stored_init(&file, &(struct stored_options){.local = local, .directory = directory});
	old_model.size = 0;
	for (int i = 0; i < times; i++) {
		struct mending mending = one_kill(&file, log, &random);
		mended += mending.mended;
		slots += mending.slots;
	}
	print_message("%d kills: %d slots in use, %d mended\n", times, slots, mended);
	assert_true(slots > 0);
	stored_done(&file);
	(void)munmap(log, sizeof *log);
}

static void content__killed_at_any_moment_loses_nothing_acknowledged(void **state)
{
	(void)state;
	kill_often(temporary(), false, 200, 11);
}

static void content__killed_in_memory_loses_nothing_acknowledged(void **state)
{
	(void)state;
	if (access("/dev/shm", W_OK) != 0)
		skip();
	kill_often("/dev/shm", true, 200, 12);
}

static int start(void **state)
{
	(void)state;
	stored_start();
	temporary_template(ring_directory, sizeof ring_directory, "crash");
	return mkdtemp(ring_directory) ? 0 : 1;
}

static int finish(void **state)
{
	return rmdir(ring_directory) + stored_finish(state);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content__torn_at_any_sector_is_mended_by_the_ring),
		cmocka_unit_test(content__torn_large_blocks_are_mended_by_the_ring),
		cmocka_unit_test(content__torn_without_the_ring_is_damage),
		cmocka_unit_test(content_replay__leaves_what_was_written_since),
		cmocka_unit_test(content_replay__leaves_a_file_that_came_in_its_place),
		cmocka_unit_test(content_replay__leaves_the_end_of_a_file_that_came_in_its_place),
		cmocka_unit_test(content_replay__writes_nothing_that_does_not_open),
		cmocka_unit_test(content_replay__of_another_folder_is_dropped),
		cmocka_unit_test(content__killed_at_any_moment_loses_nothing_acknowledged),
		cmocka_unit_test(content__killed_in_memory_loses_nothing_acknowledged),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
