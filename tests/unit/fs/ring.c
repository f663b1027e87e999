#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/ring.h"

static char directory[200];
static const struct share_id share = {{9, 9}};
static const struct share_id other_share = {{7}};

static int make_directory(void **state)
{
	(void)state;
	temporary_template(directory, sizeof directory, "ring");
	return mkdtemp(directory) ? 0 : 1;
}

static int count_files(void)
{
	int count = 0;
	DIR *list = opendir(directory);
	if (!list)
		return 0;
	for (const struct dirent *found; (found = readdir(list));)
		count += found->d_name[0] != '.';
	(void)closedir(list);
	return count;
}

static int remove_directory(void **state)
{
	(void)state;
	DIR *list = opendir(directory);
	for (const struct dirent *found; list && (found = readdir(list));)
		(void)unlinkat(dirfd(list), found->d_name, 0);
	if (list)
		(void)closedir(list);
	return rmdir(directory);
}

static struct ring_entry entry(const char *path, const void *bytes, size_t size)
{
	return (struct ring_entry){.kind = RING_OVERWRITE,
				   .folder = {{1}},
				   .file = {{2}},
				   .path = path,
				   .offset = 192,
				   .old_size = 5000,
				   .new_size = 6000,
				   .bytes = bytes,
				   .size = size};
}

static struct ring *new_ring(void)
{
	struct why why = WHY_NONE;
	struct ring *ring = NULL;
	assert_works(ring_create(directory, &share, &ring, &why));
	return ring;
}

struct seen {
	int count;
	bool deal;
	char path[100];
	char bytes[100];
	struct ring_entry entry;
};

static bool see(void *context, const struct ring_entry *left)
{
	struct seen *seen = context;
	seen->count++;
	seen->entry = *left;
	(void)snprintf(seen->path, sizeof seen->path, "%s", left->path);
	memcpy(seen->bytes, left->bytes, left->size < sizeof seen->bytes ? left->size : sizeof seen->bytes);
	return seen->deal;
}

static struct seen look(const struct share_id *of, bool deal)
{
	struct why why = WHY_NONE;
	struct seen seen = {.deal = deal};
	assert_works(ring_each_left(directory, of, see, &seen, &why));
	return seen;
}

/* A process that is killed with a slot in use. */
static void leave(const char *path, const char *bytes, bool is_free)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct ring *ring = new_ring();
		const struct ring_entry one = entry(path, bytes, strlen(bytes));
		struct ring_slot *slot = ring_put(ring, &one);
		if (is_free)
			ring_free(ring, slot);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void ring__leaves_no_file_when_all_went_well(void **state)
{
	(void)state;
	AUTO(ring_close) struct ring *ring = new_ring();
	struct stat stat;
	assert_int_equal(lstat(directory, &stat), 0);
	assert_int_equal(count_files(), 1);
	const struct ring_entry one = entry("a/b", "x", 1);
	ring_free(ring, ring_put(ring, &one));
	ring_close(TAKE(ring));
	assert_int_equal(count_files(), 0);
}

static void ring__makes_a_directory_for_its_owner_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char path[300];
	struct stat stat;
	(void)snprintf(path, sizeof path, "%s/new", directory);
	struct ring *ring = NULL;
	assert_works(ring_create(path, &share, &ring, &why));
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 0777, 0700);
	ring_close(ring);
	assert_int_equal(rmdir(path), 0);
}

static void ring__gives_what_a_killed_process_had_in_use(void **state)
{
	(void)state;
	leave("stored/path", "the bytes", false);
	struct seen seen = look(&share, true);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.path, "stored/path");
	assert_memory_equal(seen.bytes, "the bytes", 9);
	assert_int_equal(seen.entry.kind, RING_OVERWRITE);
	assert_int_equal(seen.entry.offset, 192);
	assert_int_equal(seen.entry.old_size, 5000);
	assert_int_equal(seen.entry.new_size, 6000);
	assert_int_equal(seen.entry.size, 9);
	assert_int_equal(seen.entry.folder.bytes[0], 1);
	assert_int_equal(seen.entry.file.bytes[0], 2);
	assert_int_equal(count_files(), 0);
}

static void ring__forgets_what_was_freed(void **state)
{
	(void)state;
	leave("stored/path", "the bytes", true);
	assert_int_equal(look(&share, true).count, 0);
	assert_int_equal(count_files(), 0);
}

static void ring__keeps_what_is_not_dealt_with(void **state)
{
	(void)state;
	leave("one", "1", false);
	leave("two", "2", false);
	assert_int_equal(look(&share, false).count, 2);
	assert_int_equal(count_files(), 2);
	assert_int_equal(look(&share, true).count, 2);
	assert_int_equal(count_files(), 0);
}

static void ring__of_another_share_is_left_alone(void **state)
{
	(void)state;
	leave("one", "1", false);
	assert_int_equal(look(&other_share, true).count, 0);
	assert_int_equal(look(&share, true).count, 1);
}

static void ring__of_a_living_process_is_left_alone(void **state)
{
	(void)state;
	AUTO(ring_close) struct ring *ring = new_ring();
	const struct ring_entry one = entry("a", "x", 1);
	struct ring_slot *slot = ring_put(ring, &one);
	assert_int_equal(look(&share, true).count, 0);
	assert_int_equal(count_files(), 1);
	ring_free(ring, slot);
}

static void ring__closed_with_a_slot_in_use_stays_for_the_next_mount(void **state)
{
	(void)state;
	struct ring *ring = new_ring();
	const struct ring_entry one = entry("a", "x", 1);
	struct ring_slot *slot = ring_put(ring, &one);
	assert_true(ring_keep(ring, slot));
	ring_close(ring);
	assert_int_equal(look(&share, true).count, 1);
	assert_int_equal(count_files(), 0);
}

static void ring__keeps_half_of_its_slots_free_of_failed_writes(void **state)
{
	(void)state;
	AUTO(ring_close) struct ring *ring = new_ring();
	const struct ring_entry one = entry("a", "x", 1);
	struct ring_slot *slots[RING_SLOTS / 2 + 1];
	for (int i = 0; i < RING_SLOTS / 2; i++) {
		slots[i] = ring_put(ring, &one);
		assert_true(ring_keep(ring, slots[i]));
	}
	slots[RING_SLOTS / 2] = ring_put(ring, &one);
	assert_false(ring_keep(ring, slots[RING_SLOTS / 2]));
	for (int i = 0; i <= RING_SLOTS / 2; i++)
		ring_free(ring, slots[i]);
}

static void ring__takes_the_largest_change(void **state)
{
	(void)state;
	AUTO(ring_close) struct ring *ring = new_ring();
	static uint8_t bytes[RING_BYTES_MAX];
	const struct ring_entry one = entry("a", bytes, sizeof bytes);
	struct ring_slot *slots[RING_SLOTS];
	for (int i = 0; i < RING_SLOTS; i++)
		assert_non_null(slots[i] = ring_put(ring, &one));
	for (int i = 0; i < RING_SLOTS; i++)
		ring_free(ring, slots[i]);
}

struct user {
	struct ring *ring;
	atomic_int *most;
	atomic_int *now;
};

static void *use(void *context)
{
	const struct user *user = context;
	const struct ring_entry one = entry("a", "x", 1);
	for (int i = 0; i < 300; i++) {
		struct ring_slot *slot = ring_put(user->ring, &one);
		int now = atomic_fetch_add(user->now, 1) + 1;
		int most = atomic_load(user->most);
		while (now > most && !atomic_compare_exchange_weak(user->most, &most, now))
			continue;
		(void)atomic_fetch_sub(user->now, 1);
		ring_free(user->ring, slot);
	}
	return NULL;
}

static void ring__lets_threads_wait_for_a_slot(void **state)
{
	(void)state;
	AUTO(ring_close) struct ring *ring = new_ring();
	atomic_int most = 0;
	atomic_int now = 0;
	struct user user = {ring, &most, &now};
	pthread_t threads[RING_SLOTS + 8];
	for (unsigned i = 0; i < RING_SLOTS + 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, &user), 0);
	for (unsigned i = 0; i < RING_SLOTS + 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_in_range(atomic_load(&most), 1, RING_SLOTS);
}

/* -- what may lie there -------------------------------------------------------------------- */

static void put_file(const char *name, const void *bytes, size_t size, off_t end)
{
	char path[500];
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	AUTO(file_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	assert_int_equal(ftruncate(fd, end), 0);
}

static void ring__is_not_misled_by_other_files(void **state)
{
	(void)state;
	char name[100];
	char text[ID_TEXT_SIZE];
	share_id_text(&share, text);
	(void)snprintf(name, sizeof name, "%s-1-2.ring", text);
	put_file(name, "junk", 4, 4096);
	put_file("control.socket", "", 0, 0);
	assert_int_equal(look(&share, true).count, 0);
	assert_int_equal(count_files(), 2);
}

static void ring__removes_one_whose_process_died_while_making_it(void **state)
{
	(void)state;
	char name[100];
	char text[ID_TEXT_SIZE];
	share_id_text(&share, text);
	(void)snprintf(name, sizeof name, "%s-1-3.ring", text);
	put_file(name, "", 0, 0);
	assert_int_equal(look(&share, true).count, 0);
	assert_int_equal(count_files(), 0);
}

/* Every field of a slot set to 0xff in turn: it is dropped or given as it is, and nobody reads beyond it. */
static void ring__drops_a_slot_that_cannot_be(void **state)
{
	(void)state;
	for (int at = 4; at < 88; at += 4) {
		leave("one", "1", false);
		DIR *list = opendir(directory);
		for (const struct dirent *found; (found = readdir(list));) {
			static const uint8_t ones[4] = {255, 255, 255, 255};
			if (found->d_name[0] == '.')
				continue;
			AUTO(file_close) int fd = openat(dirfd(list), found->d_name, O_RDWR | O_CLOEXEC);
			assert_int_equal(pwrite(fd, ones, 4, 4096 + at), 4);
		}
		(void)closedir(list);
		assert_in_range(look(&share, true).count, 0, 1);
		assert_int_equal(count_files(), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ring__leaves_no_file_when_all_went_well),
		TEST(ring__makes_a_directory_for_its_owner_alone),
		TEST(ring__gives_what_a_killed_process_had_in_use),
		TEST(ring__forgets_what_was_freed),
		TEST(ring__keeps_what_is_not_dealt_with),
		TEST(ring__of_another_share_is_left_alone),
		TEST(ring__of_a_living_process_is_left_alone),
		TEST(ring__closed_with_a_slot_in_use_stays_for_the_next_mount),
		TEST(ring__keeps_half_of_its_slots_free_of_failed_writes),
		TEST(ring__takes_the_largest_change),
		TEST(ring__lets_threads_wait_for_a_slot),
		TEST(ring__is_not_misled_by_other_files),
		TEST(ring__removes_one_whose_process_died_while_making_it),
		TEST(ring__drops_a_slot_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
