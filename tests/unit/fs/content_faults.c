/* A share that refuses, runs full or stops half-way: older data stays readable, and all can be done again. */
#include "base/log.h"
#include "tests/lib/stored_model.h"

#include <errno.h>
#include <stdatomic.h>

#define BLOCK SCENE_BLOCK
#define SECTOR 512
#define FOR_EVER 1000000

static const struct share_id share = {{4}};
static char ring_directory[200];
static struct ring *ring;

/* ---- calls that fail ---- */

enum trouble {
	TROUBLE_NONE,
	TROUBLE_AFTER_BYTES, /* when `bytes` have been written, `times` calls fail */
	TROUBLE_BEYOND, /* no room beyond stored offset `bytes` */
	TROUBLE_SHORT, /* every write and read does less than it was asked for */
	TROUBLE_NO_LOCKS
};

static struct {
	enum trouble trouble;
	int64_t bytes;
	int times;
	int error;
	int64_t most_read; /* 0: no limit; else reads fail with EIO from this offset on */
} now;

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __real_pread64(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t offset);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __real_fallocate64(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fcntl64(int fd, int command, void *argument);
int __wrap_fcntl64(int fd, int command, void *argument);

static bool fails_now(void)
{
	if (now.trouble != TROUBLE_AFTER_BYTES || now.times == 0 || now.bytes >= SECTOR)
		return false;
	now.times--;
	errno = now.error;
	return true;
}

/* How much of a write goes through, at a sector of the file; 0: none. */
static size_t allowed(size_t size, off_t offset)
{
	off_t end = offset + (off_t)size;

	switch (now.trouble) {
	case TROUBLE_AFTER_BYTES:
		if (now.times > 0 && (int64_t)size > now.bytes)
			end = (offset + now.bytes) / SECTOR * SECTOR;
		break;
	case TROUBLE_BEYOND:
		if (end > now.bytes)
			end = now.bytes;
		break;
	case TROUBLE_SHORT:
		if (size > 1000)
			end = offset + 1000;
		break;
	default:
		break;
	}
	return end > offset ? (size_t)(end - offset) : 0;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	size_t some = allowed(size, offset);

	if (some == 0) {
		now.times -= now.trouble == TROUBLE_AFTER_BYTES;
		errno = now.error;
		return -1;
	}
	if (now.trouble == TROUBLE_AFTER_BYTES)
		now.bytes = some < size ? 0 : now.bytes - (int64_t)size;
	return __real_pwrite64(fd, bytes, some, offset);
}

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t offset)
{
	if (now.most_read && offset + (off_t)size > now.most_read) {
		errno = EIO;
		return -1;
	}
	if (now.trouble == TROUBLE_SHORT && size > 1000)
		size = 1000;
	return __real_pread64(fd, bytes, size, offset);
}

int __wrap_ftruncate64(int fd, off_t size)
{
	return fails_now() ? -1 : __real_ftruncate64(fd, size);
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size)
{
	return fails_now() ? -1 : __real_fallocate64(fd, mode, offset, size);
}

int __wrap_fdatasync(int fd)
{
	return fails_now() ? -1 : __real_fdatasync(fd);
}

int __wrap_fcntl64(int fd, int command, void *argument)
{
	if (now.trouble == TROUBLE_NO_LOCKS && command >= F_OFD_GETLK && command <= F_OFD_SETLKW) {
		errno = ENOLCK;
		return -1;
	}
	return __real_fcntl64(fd, command, argument);
}

static void all_is_well(void)
{
	memset(&now, 0, sizeof now);
}

/* ---- what must hold ---- */

static void new_file(struct stored *file, const struct scene *scene, bool local)
{
	all_is_well();
	stored_init(file, &(struct stored_options){.local = local, .ring = ring});
	scene_prepare(file, scene);
}

static void assert_whole(const struct stored *file, bool may_be_unclean)
{
	struct why why = WHY_NONE;
	struct content_report report;
	assert_works(content_verify(file->fd, &file->terms, &report, &why));
	assert_int_equal(report.damaged, 0);
	assert_true(may_be_unclean || !report.unclean);
}

/* While the share still refuses: all that was there is read by the one who failed, and nothing else. */
static void assert_still_readable(struct stored *file)
{
	static uint8_t bytes[MODEL_MAX];
	int64_t both = old_model.size < new_model.size ? old_model.size : new_model.size;
	int64_t size = (int64_t)stored_read_some(file, 0, bytes, sizeof bytes);
	assert_true(size >= both);
	for (int64_t at = 0; at < size; at++)
		assert_one_of(bytes[at], &old_model, &new_model, at);
}

/* Well again: the file is whole for everybody, and the change can be made. */
static void assert_recovers(struct stored *file, const struct scene *scene)
{
	struct why why = WHY_NONE;
	assert_works(content_flush(file->content, file->fd, &file->terms, &why));
	assert_whole(file, scene->twist == CUT);
	model_assert_between(file, &old_model, &new_model);
	new_model = old_model;
	act_apply(&scene->act, &new_model);
	assert_works(act_do(&scene->act, file, &why));
	assert_whole(file, false);
	stored_assert(file, new_model.bytes, new_model.size);
}

static bool try_scene(const struct scene *scene, bool local, bool exact)
{
	struct stored file;
	struct why why = WHY_NONE;
	int error = now.error;
	struct {
		enum trouble trouble;
		int64_t bytes;
		int times;
	} wanted = {now.trouble, now.bytes, now.times};

	new_file(&file, scene, local);
	now.trouble = wanted.trouble;
	now.bytes = wanted.bytes;
	now.times = wanted.times;
	now.error = error;
	enum fault fault = act_do(&scene->act, &file, &why);
	if (fault) {
		assert_int_equal(why_errno(&why, fault), error);
		assert_still_readable(&file);
		if (exact) { /* the way back needed no room, so nothing is pending */
			struct why unused = WHY_NONE;
			assert_int_equal(stored_plain(&file), old_model.size);
			assert_works(content_flush(file.content, file.fd, &file.terms, &unused));
		}
		all_is_well();
		assert_recovers(&file, scene);
	} else {
		all_is_well();
		assert_whole(&file, false);
		stored_assert(&file, new_model.bytes, new_model.size);
	}
	stored_done(&file);
	return fault == FAULT_NONE;
}

/* ---- tests ---- */

/* Cut off at every few sectors; once, twice (the retry fails too), a third time (the way back fails), for
 * ever. */
static void run_all(int error, bool local)
{
	static const int times[] = {1, 2, 3, 4, FOR_EVER};

	for (size_t i = 0; i < SCENES; i++) {
		int64_t step = scenes[i].act.length > 64 * BLOCK || scenes[i].act.offset > 64 * BLOCK ? 67
												      : 3;
		for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
			bool done = false;
			for (int64_t bytes = 0; !done; bytes += step * SECTOR) {
				now.trouble = TROUBLE_AFTER_BYTES;
				now.bytes = bytes;
				now.times = times[t];
				now.error = error;
				done = try_scene(&scenes[i], local, false) && bytes > 32 * BLOCK;
				done = done || bytes > 3 << 20;
			}
		}
	}
}

static void content__survives_errors_at_any_sector(void **state)
{
	(void)state;
	run_all(EIO, false);
}

static void content__of_a_single_client_survives_errors_at_any_sector(void **state)
{
	(void)state;
	run_all(ENOSPC, true);
}

/* A full share: what lies below the limit can be written, nothing beyond. The size is what it was. */
static void content__is_as_before_when_the_share_is_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		int64_t stored = content_stored_size_of(scenes[i].size > 0 ? scenes[i].size : 1, 12);
		if (scenes[i].size < 0)
			stored = content_stored_size_of((2 << 20) + 100, 12);
		for (int64_t more = 0; more < 12 * BLOCK; more += 3 * SECTOR) {
			now.trouble = TROUBLE_BEYOND;
			now.bytes = (stored + SECTOR - 1) / SECTOR * SECTOR + more;
			now.error = ENOSPC;
			(void)try_scene(&scenes[i], i % 2 == 0, true);
		}
	}
}

static void content__goes_on_after_short_writes_and_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		now.trouble = TROUBLE_SHORT;
		assert_true(try_scene(&scenes[i], i % 2 == 0, false));
	}
}

static void content__works_where_there_are_no_locks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		now.trouble = TROUBLE_NO_LOCKS;
		assert_true(try_scene(&scenes[i], false, false));
	}
}

/* The zeros of the gap had room, the bytes behind it have not: the gap goes too. */
static void content__is_as_long_as_before_when_only_the_gap_has_room(void **state)
{
	(void)state;
	const struct scene scene = {"", 100, {ACT_WRITE, (1 << 20) - 5, 2 * BLOCK, 10}, AS_IT_IS};
	for (int64_t sectors = 0; sectors < 16; sectors++) {
		now.trouble = TROUBLE_BEYOND;
		now.bytes = (content_stored_size_of(1 << 20, 12) / SECTOR + 1 + sectors) * SECTOR;
		now.error = ENOSPC;
		(void)try_scene(&scene, sectors % 2, true);
	}
}

/* No room for a block in a hole: the zeros that were there are there again. */
static void content__a_hole_without_room_stays_a_hole(void **state)
{
	(void)state;
	struct scene in_hole = {"", -1, {ACT_WRITE, 1 << 20, 3 * BLOCK, 21}, AS_IT_IS};
	for (int64_t sectors = 1; sectors < 24; sectors++) {
		int64_t cell = HEADER_SIZE + (1 << 20) / BLOCK * (BLOCK + SEAL_OVERHEAD);
		now.trouble = TROUBLE_BEYOND;
		now.bytes = (cell / SECTOR + sectors) * SECTOR;
		now.error = ENOSPC;
		(void)try_scene(&in_hole, false, true);
	}
}

/* The share neither writes nor reads any more: the errors are its own, nothing is called damage. */
static void content__reports_the_error_of_the_share(void **state)
{
	(void)state;
	struct stored file;
	struct why why = WHY_NONE;
	size_t got = 0;
	uint8_t bytes[10];
	new_file(&file, &scenes[0], false);
	content_forget(file.content);
	now.most_read = 1;
	enum fault fault = stored_try_read(&file, 0, bytes, sizeof bytes, &got, &why);
	assert_int_equal(fault, FAULT_SYSTEM);
	assert_int_equal(why.error, EIO);
	now.trouble = TROUBLE_AFTER_BYTES;
	now.times = FOR_EVER;
	now.error = EIO;
	fault = act_do(&scenes[0].act, &file, &why);
	assert_int_equal(why_errno(&why, fault), EIO);
	all_is_well();
	assert_recovers(&file, &scenes[0]);
	stored_done(&file);
}

static bool replay(void *context, const struct ring_entry *entry)
{
	struct stored *file = context;
	struct why why = WHY_NONE;
	bool mended = false;
	assert_works(content_replay(file->fd, &file->terms, entry, &mended, &why));
	assert_true(mended);
	return true;
}

/* The failed write is pending, the process ends: the next mount has the slot. */
static void content__hands_what_is_pending_to_the_next_mount(void **state)
{
	(void)state;
	struct stored file;
	struct why why = WHY_NONE;
	new_file(&file, &scenes[0], false);
	now.trouble = TROUBLE_AFTER_BYTES;
	now.bytes = 3 * SECTOR;
	now.times = FOR_EVER;
	now.error = EIO;
	assert_fault(FAULT_SYSTEM, act_do(&scenes[0].act, &file, &why));
	assert_fault(FAULT_FAILED, content_flush(file.content, file.fd, &file.terms, &why));
	all_is_well();
	struct content_report report;
	assert_works(content_verify(file.fd, &file.terms, &report, &why));
	assert_int_equal(report.damaged, 1);
	stored_close(&file);
	ring_close(ring);
	ring = NULL;
	file.fd = open(file.path, O_RDWR | O_CLOEXEC);
	file.options.ring = NULL;
	assert_works(ring_each_left(ring_directory, &share, replay, &file, &why));
	(void)close(file.fd);
	stored_open(&file);
	assert_whole(&file, false);
	model_assert_between(&file, &old_model, &new_model);
	stored_done(&file);
	assert_works(ring_create(ring_directory, &share, &ring, &why));
}

static int start(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	stored_start();
	temporary_template(ring_directory, sizeof ring_directory, "faults");
	if (!mkdtemp(ring_directory))
		return 1;
	return ring_create(ring_directory, &share, &ring, &why) ? 1 : 0;
}

/* Every slot was freed in the end, so nothing is left behind. */
static int finish(void **state)
{
	ring_close(ring);
	return rmdir(ring_directory) + stored_finish(state);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content__survives_errors_at_any_sector),
		cmocka_unit_test(content__of_a_single_client_survives_errors_at_any_sector),
		cmocka_unit_test(content__is_as_before_when_the_share_is_full),
		cmocka_unit_test(content__goes_on_after_short_writes_and_reads),
		cmocka_unit_test(content__works_where_there_are_no_locks),
		cmocka_unit_test(content__is_as_long_as_before_when_only_the_gap_has_room),
		cmocka_unit_test(content__a_hole_without_room_stays_a_hole),
		cmocka_unit_test(content__reports_the_error_of_the_share),
		cmocka_unit_test(content__hands_what_is_pending_to_the_next_mount),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
