#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/inode.h"
#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

#define DIRECTORIES_OPEN 2

/* A directory of files on disk, and a table over it. */
struct world {
	char path[256];
	int root;
	struct inode_table *table;
	struct inode *top; /* the root's inode */
};

static int make_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct sight stored;

	temporary_template(world->path, sizeof(world->path), "inode");
	if (!mkdtemp(world->path))
		return -1;
	world->root = open(world->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sight_of(world->root, &stored) != 0 ||
	    inode_table_new(world->root, &stored, DIRECTORIES_OPEN, &world->table, NULL) != FAULT_NONE)
		return -1;
	world->top = inode_find(world->table, INODE_ROOT);
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;
	char command[300];

	inode_unref(world->top);
	inode_table_free(world->table);
	(void)close(world->root);
	(void)snprintf(command, sizeof(command), "rm -rf %s", world->path);
	free(world);
	return system(command);
}

static void make_directory(const struct world *world, const char *path)
{
	assert_int_equal(mkdirat(world->root, path, 0700), 0);
}

static void make_file(const struct world *world, const char *path)
{
	int fd = openat(world->root, path, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

static struct sight look_at(const struct world *world, const char *path)
{
	AUTO(file_close) int fd = openat(world->root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct sight stored;

	assert_true(fd >= 0);
	assert_int_equal(sight_of(fd, &stored), 0);
	return stored;
}

/* What a look-up does. The caller has one reference and the kernel one look-up. */
static struct inode *meet(struct world *world, struct inode *directory, const char *entry, const char *path)
{
	struct why why = WHY_NONE;
	struct sight stored;
	struct inode *inode = NULL;

	stored = look_at(world, path);
	assert_works(inode_meet(directory, entry, inode_changes(directory), &stored, -1, &inode, &why));
	assert_non_null(inode);
	return inode;
}

static void inode__hard_links_share_one(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	assert_int_equal(linkat(world->root, "a", world->root, "b", 0), 0);
	AUTO(inode_unref) struct inode *one = meet(world, world->top, "a", "a");
	AUTO(inode_unref) struct inode *other = meet(world, world->top, "b", "b");

	assert_ptr_equal(one, other);
	assert_int_equal(inode_count(world->table), 2);
}

static void inode__a_number_that_the_storage_uses_again_is_another_file(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	struct sight stored = look_at(world, "a");
	AUTO(inode_unref) struct inode *before = meet(world, world->top, "a", "a");
	struct inode *after = NULL;
	struct why why = WHY_NONE;

	stored.birth += 1;
	assert_false(inode_is(before, &stored));
	assert_works(inode_meet(world->top, "b", inode_changes(world->top), &stored, -1, &after, &why));
	assert_ptr_not_equal(before, after);
	inode_unref(after);
}

static void inode__becomes_the_file_that_was_opened_in_its_place(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	make_file(world, "b");
	AUTO(inode_unref) struct inode *inode = meet(world, world->top, "a", "a");
	const struct sight other = look_at(world, "b");
	AUTO(file_close) int fd = openat(world->root, "b", O_RDONLY | O_CLOEXEC);

	assert_false(inode_become(inode, &other)); /* nothing is open */
	inode_add_handle(inode, fd);
	assert_true(inode_become(inode, &other));
	assert_true(inode_is(inode, &other));
	/* Whoever finds the new file by its number, or the old one, gets an inode of its own. */
	AUTO(inode_unref) struct inode *found = meet(world, world->top, "b", "b");
	AUTO(inode_unref) struct inode *old = meet(world, world->top, "c", "a");
	assert_ptr_not_equal(found, inode);
	assert_ptr_not_equal(old, inode);
	inode_drop_handle(inode, fd);
}

static void inode__of_several_names_or_handles_becomes_nothing_else(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	make_file(world, "b");
	assert_int_equal(linkat(world->root, "a", world->root, "c", 0), 0);
	AUTO(inode_unref) struct inode *inode = meet(world, world->top, "a", "a");
	const struct sight other = look_at(world, "b");
	AUTO(file_close) int fd = openat(world->root, "b", O_RDONLY | O_CLOEXEC);
	AUTO(file_close) int more = openat(world->root, "a", O_RDONLY | O_CLOEXEC);

	inode_add_handle(inode, fd);
	inode_add_handle(inode, more);
	assert_false(inode_become(inode, &other));
	inode_drop_handle(inode, more);
	inode_unref(meet(world, world->top, "c", "c"));
	assert_false(inode_become(inode, &other));
	inode_drop_handle(inode, fd);
}

static void inode__knows_what_the_kernel_was_told(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	AUTO(inode_unref) struct inode *inode = meet(world, world->top, "a", "a");
	struct stat shown = look_at(world, "a").stat;

	assert_false(inode_was_told(inode, &shown));
	inode_tell(inode, &shown);
	assert_true(inode_was_told(inode, &shown));
	shown.st_size++;
	assert_false(inode_was_told(inode, &shown));
	shown.st_size--;
	shown.st_mtim.tv_nsec ^= 1;
	assert_false(inode_was_told(inode, &shown));
}

static void inode__numbers_are_never_used_again(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	struct inode *inode = meet(world, world->top, "a", "a");
	uint64_t before = inode_node(inode);
	inode_unref(inode);
	inode_forget(world->table, before, 1);
	assert_null(inode_find(world->table, before));

	inode = meet(world, world->top, "a", "a");
	assert_true(inode_node(inode) > before);
	inode_unref(inode);
}

static void inode__lives_until_every_lookup_is_forgotten(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	inode_unref(meet(world, world->top, "a", "a"));
	struct inode *inode = meet(world, world->top, "a", "a");
	uint64_t node = inode_node(inode);
	inode_unref(inode);

	inode_forget(world->table, node, 1);
	inode = inode_find(world->table, node);
	assert_non_null(inode);
	inode_unref(inode);
	inode_forget(world->table, node, 1);
	assert_int_equal(inode_count(world->table), 1);
}

static void inode__a_forgotten_directory_lives_while_a_child_does(void **state)
{
	struct world *world = *state;
	char path[RING_PATH_MAX];
	make_directory(world, "d");
	make_file(world, "d/f");
	struct inode *directory = meet(world, world->top, "d", "d");
	AUTO(inode_unref) struct inode *file = meet(world, directory, "f", "d/f");
	uint64_t node = inode_node(directory);
	inode_unref(directory);

	inode_forget(world->table, node, 1);
	assert_int_equal(inode_count(world->table), 3);
	assert_true(inode_path(file, path));
	assert_string_equal(path, "d/f");
	inode_forget(world->table, inode_node(file), 1);
	assert_int_equal(inode_count(world->table), 3); /* our own reference */
}

static void inode__ten_thousand_are_found_and_forgotten(void **state)
{
	struct world *world = *state;
	struct why why = WHY_NONE;
	struct sight stored = {.stat = {.st_mode = S_IFREG | 0600, .st_dev = 77}};
	uint64_t first = 0;

	for (unsigned i = 0; i < 10000; i++) {
		char entry[16];
		struct inode *inode = NULL;
		(void)snprintf(entry, sizeof(entry), "f%u", i);
		stored.stat.st_ino = 1000 + i;
		assert_works(inode_meet(world->top, entry, 0, &stored, -1, &inode, &why));
		first = first ? first : inode_node(inode);
		inode_unref(inode);
	}
	AUTO(inode_unref) struct inode *found = inode_find_entry(world->top, "f4321");
	assert_int_equal(inode_node(found), first + 4321);
	for (unsigned i = 0; i < 10000; i++)
		inode_forget(world->table, first + i, 1);
	assert_int_equal(inode_count(world->table), 2);
}

static void inode__a_rename_moves_everything_below(void **state)
{
	struct world *world = *state;
	char path[RING_PATH_MAX];
	make_directory(world, "d");
	make_file(world, "d/f");
	AUTO(inode_unref) struct inode *directory = meet(world, world->top, "d", "d");
	AUTO(inode_unref) struct inode *file = meet(world, directory, "f", "d/f");

	inode_renamed(directory, world->top, "e");
	assert_true(inode_path(file, path));
	assert_string_equal(path, "e/f");
	assert_null(inode_find_entry(world->top, "d"));
}

static void inode__a_removed_name_is_no_path_and_is_reached_by_its_pin(void **state)
{
	struct world *world = *state;
	char path[RING_PATH_MAX];
	struct sight stored;
	make_file(world, "a");
	AUTO(inode_unref) struct inode *inode = meet(world, world->top, "a", "a");
	int pin = openat(world->root, "a", O_PATH | O_CLOEXEC);
	assert_int_equal(inode_spare(inode), -1);

	assert_int_equal(unlinkat(world->root, "a", 0), 0);
	inode_removed(inode, world->top, "a", pin);
	assert_false(inode_path(inode, path));
	AUTO(file_close) int spare = inode_spare(inode);
	assert_int_equal(sight_of(spare, &stored), 0);
	assert_true(inode_is(inode, &stored));
}

static void inode__what_takes_over_a_name_leaves_the_other_without(void **state)
{
	struct world *world = *state;
	char path[RING_PATH_MAX];
	make_file(world, "a");
	make_file(world, "b");
	AUTO(inode_unref) struct inode *old = meet(world, world->top, "a", "a");
	AUTO(inode_unref) struct inode *new = meet(world, world->top, "b", "b");

	assert_int_equal(renameat(world->root, "b", world->root, "a"), 0);
	inode_unref(meet(world, world->top, "a", "a"));
	assert_false(inode_path(old, path));
	assert_true(inode_path(new, path));
	assert_string_equal(path, "a");
}

static void inode__a_look_from_before_a_change_of_names_does_not_count(void **state)
{
	struct world *world = *state;
	struct why why = WHY_NONE;
	struct sight stored;
	struct inode *inode = world->top;
	make_file(world, "a");
	uint32_t changes = inode_changes(world->top);
	stored = look_at(world, "a");

	inode_change_begin(world->top);
	inode_change_end(world->top);
	assert_works(inode_meet(world->top, "a", changes, &stored, -1, &inode, &why));
	assert_null(inode);
}

static void inode__a_name_under_change_is_stale(void **state)
{
	struct world *world = *state;
	make_file(world, "a");
	AUTO(inode_unref) struct inode *inode = meet(world, world->top, "a", "a");
	AUTO(inode_name_done) struct inode_name name = {.parent = NULL};
	inode_name(inode, &name);
	assert_false(inode_name_is_stale(inode, &name));

	inode_change_begin(world->top);
	assert_true(inode_name_is_stale(inode, &name));
	inode_change_end(world->top);
	assert_true(inode_name_is_stale(inode, &name));
}

static void inode__a_directory_below_itself_is_refused(void **state)
{
	struct world *world = *state;
	struct why why = WHY_NONE;
	struct sight stored;
	struct inode *inode = NULL;
	make_directory(world, "d");
	make_directory(world, "d/e");
	AUTO(inode_unref) struct inode *directory = meet(world, world->top, "d", "d");
	AUTO(inode_unref) struct inode *below = meet(world, directory, "e", "d/e");
	stored = look_at(world, "d");

	assert_fault(FAULT_SYSTEM, inode_meet(below, "x", 0, &stored, -1, &inode, &why));
	assert_int_equal(why.error, ELOOP);
}

static void lend(struct inode *directory, int *ret_fd)
{
	struct why why = WHY_NONE;

	assert_works(inode_lend(directory, ret_fd, &why));
}

static void inode__directories_beyond_the_limit_are_opened_again(void **state)
{
	struct world *world = *state;
	struct inode *directories[5];
	struct sight stored;

	for (int i = 0; i < 5; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "d%d", i);
		make_directory(world, name);
		directories[i] = meet(world, world->top, name, name);
	}
	for (int i = 0; i < 20; i++) {
		int fd;
		lend(directories[i % 5], &fd);
		assert_int_equal(sight_of(fd, &stored), 0);
		assert_true(inode_is(directories[i % 5], &stored));
		inode_return(directories[i % 5]);
	}
	for (int i = 0; i < 5; i++)
		inode_unref(directories[i]);
}

static void inode__another_directory_in_its_place_is_stale(void **state)
{
	struct world *world = *state;
	struct why why = WHY_NONE;
	make_directory(world, "d");
	AUTO(inode_unref) struct inode *directory = meet(world, world->top, "d", "d");
	int fd;

	assert_int_equal(renameat(world->root, "d", world->root, "e"), 0);
	make_directory(world, "d");
	assert_fault(FAULT_SYSTEM, inode_lend(directory, &fd, &why));
	assert_int_equal(why.error, ESTALE);
}

static void inode__names_made_during_a_sync_count_for_the_next(void **state)
{
	struct world *world = *state;

	assert_int_equal(inode_made(world->top), 0);
	inode_set_made(world->top);
	uint32_t made = inode_made(world->top);
	assert_int_not_equal(made, 0);
	inode_set_made(world->top);
	inode_set_synced(world->top, made);
	assert_int_not_equal(inode_made(world->top), 0);
	inode_set_synced(world->top, inode_made(world->top));
	assert_int_equal(inode_made(world->top), 0);
}

static void inode__names_made_in_a_forgotten_directory_are_still_synced(void **state)
{
	struct world *world = *state;
	make_directory(world, "d");
	struct inode *directory = meet(world, world->top, "d", "d");
	inode_set_made(directory);
	uint64_t node = inode_node(directory);
	inode_unref(directory);
	inode_forget(world->table, node, 1);

	AUTO(inode_unref) struct inode *again = meet(world, world->top, "d", "d");
	assert_int_not_equal(inode_node(again), node);
	assert_int_not_equal(inode_made(again), 0);
}

static void inode__what_lies_in_a_directory_that_becomes_a_folder_counts_as_lying_above(void **state)
{
	struct world *world = *state;
	make_directory(world, "d");
	make_file(world, "d/f");
	make_file(world, "d/taken");
	make_file(world, "taken");
	AUTO(inode_unref) struct inode *directory = meet(world, world->top, "d", "d");
	AUTO(inode_unref) struct inode *above = meet(world, world->top, "taken", "taken");
	AUTO(inode_unref) struct inode *file = meet(world, directory, "f", "d/f");
	AUTO(inode_unref) struct inode *taken = meet(world, directory, "taken", "d/taken");
	uint32_t changes = inode_changes(directory);
	char path[RING_PATH_MAX];

	inode_set_folder(directory, NULL);
	AUTO(inode_unref) struct inode *parent = inode_parent(file);
	AUTO(inode_unref) struct inode *other_parent = inode_parent(taken);
	assert_ptr_equal(parent, world->top);
	assert_ptr_equal(other_parent, world->top);
	assert_true(inode_path(file, path));
	assert_string_equal(path, "f");
	assert_false(inode_path(taken, path));
	assert_true(inode_path(above, path));
	assert_int_not_equal(inode_changes(directory), changes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(inode__hard_links_share_one),
		TEST(inode__a_number_that_the_storage_uses_again_is_another_file),
		TEST(inode__becomes_the_file_that_was_opened_in_its_place),
		TEST(inode__of_several_names_or_handles_becomes_nothing_else),
		TEST(inode__knows_what_the_kernel_was_told),
		TEST(inode__numbers_are_never_used_again),
		TEST(inode__lives_until_every_lookup_is_forgotten),
		TEST(inode__a_forgotten_directory_lives_while_a_child_does),
		TEST(inode__ten_thousand_are_found_and_forgotten),
		TEST(inode__a_rename_moves_everything_below),
		TEST(inode__a_removed_name_is_no_path_and_is_reached_by_its_pin),
		TEST(inode__what_takes_over_a_name_leaves_the_other_without),
		TEST(inode__a_look_from_before_a_change_of_names_does_not_count),
		TEST(inode__a_name_under_change_is_stale),
		TEST(inode__a_directory_below_itself_is_refused),
		TEST(inode__directories_beyond_the_limit_are_opened_again),
		TEST(inode__another_directory_in_its_place_is_stale),
		TEST(inode__what_lies_in_a_directory_that_becomes_a_folder_counts_as_lying_above),
		TEST(inode__names_made_during_a_sync_count_for_the_next),
		TEST(inode__names_made_in_a_forgotten_directory_are_still_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
