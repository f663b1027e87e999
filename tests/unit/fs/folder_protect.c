#include "fs/folder_state.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fs/seal.h"
#include "fs/verify.h"
#include "tests/lib/world.h"

/* NFS and sshfs know no flags of renameat2(2). */
static bool has_flags = true;

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	if (flags && !has_flags) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

static struct share *mounted(const char *path)
{
	struct why why = WHY_NONE;
	const struct share_options options = {.mounted = true};
	struct share *share;

	assert_works(share_open(path, &options, bob, &share, &why));
	return share;
}

static void found(void *context, const struct finding *finding)
{
	if (finding->kind != FINDING_LOCKED)
		(void)strcpy(context, finding->words);
}

static void assert_sound(struct share *share)
{
	struct why why = WHY_NONE;
	char words[WHY_TEXT_SIZE] = "";
	const struct verify_options options = {.found = found, .context = words};
	struct verify_totals totals;

	assert_works(verify_tree(share, "", &options, &totals, &why));
	if (words[0])
		fail_msg("%s", words);
}

/* -- attributes ----------------------------------------------------------------------- */

static struct folder *walk(struct share *share, const char *path, int *ret_directory)
{
	struct why why = WHY_NONE;
	struct folder *folder;
	bool own;

	assert_works(folder_walk(share, path, &folder, &own, ret_directory, &why));
	return folder;
}

static void protect__takes_the_attributes_of_the_directory_along(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char stored[256];
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes value = BYTES_EMPTY;
	struct stored_name name;
	AUTO(share_close) struct share *share = world_share("tags", false);
	AUTO(file_close) int before = -1;
	AUTO(folder_unref) struct folder *above = walk(share, "", &before);
	AUTO(folder_leave) const struct folder_view *outer = NULL;
	assert_works(folder_enter(above, FOLDER_WRITE, &outer, &why));
	assert_works(name_encode(outer->names, "inner", &name, &why));
	AUTO(free) char *path = strdup(world_path("tags/%s", name.entry));
	assert_int_equal(mkdir(path, 0755), 0);
	assert_works(name_encode_xattr(outer->xattr_names, "tag", stored, &why));
	assert_works(seal_xattr(outer->terms.keys, "tag", "value", 5, &sealed, &why));
	assert_int_equal(setxattr(path, stored, sealed.data, sealed.size, 0), 0);
	assert_int_equal(setxattr(path, "user.other", "x", 1, 0), 0);

	assert_works(folder_protect(share, name.entry, &why));
	assert_int_equal(getxattr(path, stored, NULL, 0), -1);
	assert_int_equal(getxattr(path, "user.other", NULL, 0), 1);
	AUTO(file_close) int after = -1;
	AUTO(folder_unref) struct folder *own = walk(share, name.entry, &after);
	AUTO(folder_leave) const struct folder_view *inner = NULL;
	assert_works(folder_enter(own, FOLDER_WRITE, &inner, &why));
	assert_works(name_encode_xattr(inner->xattr_names, "tag", stored, &why));
	bytes_done(&sealed);
	assert_works(bytes_reserve(&sealed, 100, &why));
	ssize_t size = getxattr(path, stored, sealed.data, 100);
	assert_true(size > 0);
	assert_works(seal_open_xattr(inner->terms.keys, 1, "tag", sealed.data, (size_t)size, &value, &why));
	assert_int_equal(value.size, 5);
	assert_memory_equal(value.data, "value", 5);
	assert_sound(share);
}

/* -- beside others -------------------------------------------------------------------- */

/* A mount that has looked for `.fsenc` just before it came. */
struct maker {
	char directory[WORLD_PATH];
	bool file;
	pthread_t thread;
};

static void *make_a_name(void *context)
{
	const struct maker *maker = context;
	char list[WORLD_PATH + 8];
	char name[WORLD_PATH + 8];

	(void)snprintf(list, sizeof list, "%s/.fsenc", maker->directory);
	(void)snprintf(name, sizeof name, "%s/reports", maker->directory);
	while (access(list, F_OK) != 0)
		(void)sched_yield();
	return (maker->file ? mknod(name, S_IFREG | 0644, 0) : mkdir(name, 0755)) == 0 ? NULL : context;
}

static enum fault protect_beside(struct share *share, const char *name, const char *path, bool file,
				 struct why *why)
{
	void *failed;
	struct maker maker = {.file = file};

	(void)snprintf(maker.directory, sizeof maker.directory, "%s", world_path("%s/%s", name, path));
	assert_int_equal(mkdir(maker.directory, 0755), 0);
	assert_int_equal(pthread_create(&maker.thread, NULL, make_a_name, &maker), 0);
	enum fault fault = folder_protect(share, path, why);
	assert_int_equal(pthread_join(maker.thread, &failed), 0);
	assert_null(failed);
	return fault;
}

static bool is_there(const char *path)
{
	return access(world_path("%s", path), F_OK) == 0;
}

static void protect__puts_beside_it_what_another_client_made_in_it_meanwhile(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("race", true);
	AUTO(share_close) struct share *mount = mounted(world_path("race"));
	assert_true(share_is_mounted(share));
	assert_works(protect_beside(share, "race", "dir", false, &why));
	assert_true(is_there("race/dir/.fsenc"));
	assert_false(is_there("race/dir/reports"));
	assert_true(is_there("race/reports"));
	assert_sound(share);
	assert_sound(mount);
	/* Not over what is there. */
	assert_works(protect_beside(share, "race", "again", false, &why));
	assert_works(protect_beside(share, "race", "once more", false, &why));
	assert_false(is_there("race/again/reports"));
	assert_true(is_there("race/reports"));
	assert_true(is_there("race/reports~1"));
	assert_true(is_there("race/reports~2"));
	assert_sound(share);
}

static void protect__does_so_where_the_share_renames_without_flags(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("plain", true);
	AUTO(share_close) struct share *mount = mounted(world_path("plain"));
	(void)mount;
	has_flags = false;
	enum fault of_directory = protect_beside(share, "plain", "dir", false, &why);
	bool moved_directory = !is_there("plain/dir/reports") && rmdir(world_path("plain/reports")) == 0;
	enum fault of_file = protect_beside(share, "plain", "second", true, &why);
	bool moved_file = !is_there("plain/second/reports") && is_there("plain/reports");
	enum fault over = protect_beside(share, "plain", "third", true, &why);
	has_flags = true;
	assert_works(of_directory);
	assert_works(of_file);
	assert_works(over);
	assert_true(moved_directory);
	assert_true(moved_file);
	assert_false(is_there("plain/third/reports"));
	assert_true(is_there("plain/reports~1"));
}

static void protect__is_at_once_where_nobody_has_the_share_mounted(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("alone", true);
	assert_false(share_is_mounted(share));
	int64_t began = clock_boot_ms();
	for (unsigned i = 0; i < 8; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "dir-%u", i);
		assert_int_equal(mkdir(world_path("alone/%s", name), 0755), 0);
		assert_works(folder_protect(share, name, &why));
	}
	assert_true(clock_boot_ms() - began < 8 * LOOK_INTERVAL_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protect__takes_the_attributes_of_the_directory_along),
		cmocka_unit_test(protect__puts_beside_it_what_another_client_made_in_it_meanwhile),
		cmocka_unit_test(protect__does_so_where_the_share_renames_without_flags),
		cmocka_unit_test(protect__is_at_once_where_nobody_has_the_share_mounted),
	};
	return cmocka_run_group_tests(tests, world_start, world_end);
}
