#include "fs/strangers.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/seal.h"
#include "fs/verify.h"
#include "tests/lib/world.h"

#define LONG_NAME \
	"a name of so many letters that what it is stored as does not fit into the name of a file any more, so that " \
	"it has a file of its own"

/* `dir` in the folder of the share's root, made a folder whose maker was killed right after `.fsenc`. */
struct scene {
	struct share *share;
	char name[64];
	struct folder *folder, *above;
	const struct folder_view *own, *outer;
	char entry[NAME_STORED_SIZE];
	int directory;
};

static void scene_done(struct scene *scene)
{
	folder_leave(scene->own);
	folder_leave(scene->outer);
	folder_unref(scene->folder);
	folder_unref(scene->above);
	file_close(scene->directory);
	share_close(scene->share);
}
AUTO_VALUE(struct scene, scene_done);

static struct scene scene_of(const char *name)
{
	struct why why = WHY_NONE;
	struct stored_name stored;
	struct scene scene = {.share = world_share(name, false)};
	bool own;
	int root;

	(void)snprintf(scene.name, sizeof scene.name, "%s", name);
	assert_works(folder_walk(scene.share, "", &scene.above, &own, &root, &why));
	file_close(root);
	assert_works(folder_enter(scene.above, FOLDER_WRITE, &scene.outer, &why));
	assert_works(name_encode(scene.outer->names, "dir", &stored, &why));
	(void)strcpy(scene.entry, stored.entry);
	assert_int_equal(mkdir(world_path("%s/%s", name, scene.entry), 0755), 0);
	assert_works(folder_protect(scene.share, scene.entry, &why));
	assert_works(folder_walk(scene.share, scene.entry, &scene.folder, &own, &scene.directory, &why));
	assert_works(folder_enter(scene.folder, FOLDER_WRITE, &scene.own, &why));
	return scene;
}

static struct stored_name stored_as(const struct folder_view *view, const char *plain)
{
	struct why why = WHY_NONE;
	struct stored_name name;

	assert_works(name_encode(view->names, plain, &name, &why));
	return name;
}

static void make_directory(const struct scene *scene, const struct folder_view *view, const char *plain)
{
	struct why why = WHY_NONE;
	struct stored_name name = stored_as(view, plain);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	if (name.is_long) {
		assert_works(bytes_append_text(&text, name.long_text, &why));
		text.size = strlen(name.long_text);
		assert_works(file_replace(scene->directory, name.long_file, 0644, &text, &why));
	}
	assert_int_equal(mkdirat(scene->directory, name.entry, 0755), 0);
}

static bool lies_above(const struct scene *scene, const char *plain)
{
	struct stored_name name = stored_as(scene->outer, plain);

	return access(world_path("%s/%s", scene->name, name.entry), F_OK) == 0 &&
	       (!name.is_long || access(world_path("%s/%s", scene->name, name.long_file), F_OK) == 0) &&
	       faccessat(scene->directory, name.entry, F_OK, 0) != 0;
}

static void hear(void *context, const struct finding *finding)
{
	char *words = context;

	(void)snprintf(words, WHY_TEXT_SIZE, "%s: %s", finding_kind_text(finding->kind), finding->words);
}

static enum fault verify(const struct scene *scene, bool repair, char words[static WHY_TEXT_SIZE],
			 struct why *why)
{
	const struct verify_options options = {.repair = repair, .found = hear, .context = words};
	struct verify_totals totals;

	words[0] = '\0';
	return verify_tree(scene->share, "", &options, &totals, why);
}

static void strangers__are_named_by_verify_and_go_up_when_it_repairs(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char words[WHY_TEXT_SIZE];
	AUTO(scene_done) struct scene scene = scene_of("repair");
	make_directory(&scene, scene.outer, "short");
	make_directory(&scene, scene.outer, LONG_NAME);
	make_directory(&scene, scene.own, "own");

	assert_fault(FAULT_DAMAGED, verify(&scene, false, words, &why));
	assert_non_null(strstr(words, "of the folder above"));
	assert_works(verify(&scene, true, words, &why));
	assert_non_null(strstr(words, "repaired"));
	assert_true(lies_above(&scene, "short"));
	assert_true(lies_above(&scene, LONG_NAME));
	assert_int_equal(faccessat(scene.directory, stored_as(scene.own, "own").entry, F_OK, 0), 0);
	assert_works(verify(&scene, false, words, &why));
	assert_string_equal(words, "");
}

static void strangers__go_up_when_the_folder_is_protected_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_of("again");
	make_directory(&scene, scene.outer, "short");

	assert_fault(FAULT_EXISTS, folder_protect(scene.share, scene.entry, &why));
	assert_non_null(strstr(why.text, "finished now"));
	assert_true(lies_above(&scene, "short"));
	assert_fault(FAULT_EXISTS, folder_protect(scene.share, scene.entry, &why));
	assert_null(strstr(why.text, "finished now"));
}

static void set_attribute(const struct scene *scene, const struct folder_view *view, const char *value)
{
	struct why why = WHY_NONE;
	char stored[256];
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;

	assert_works(name_encode_xattr(view->xattr_names, "tag", stored, &why));
	assert_works(seal_xattr(view->terms.keys, "tag", value, strlen(value), &sealed, &why));
	assert_int_equal(
		setxattr(world_path("%s/%s", scene->name, scene->entry), stored, sealed.data, sealed.size, 0),
		0);
}

static void assert_attribute(const struct scene *scene, const char *value)
{
	struct why why = WHY_NONE;
	char stored[256];
	uint8_t sealed[200];
	AUTO(bytes_done) struct bytes found = BYTES_EMPTY;

	assert_works(name_encode_xattr(scene->own->xattr_names, "tag", stored, &why));
	ssize_t size = getxattr(world_path("%s/%s", scene->name, scene->entry), stored, sealed,
				sizeof sealed);
	assert_true(size > 0);
	assert_works(seal_open_xattr(scene->own->terms.keys, 1, "tag", sealed, (size_t)size, &found, &why));
	assert_int_equal(found.size, strlen(value));
	assert_memory_equal(found.data, value, found.size);
}

static void strangers__among_attributes_are_sealed_anew_unless_there_is_one_by_now(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char words[WHY_TEXT_SIZE];
	size_t count;
	AUTO(scene_done) struct scene scene = scene_of("attributes");
	set_attribute(&scene, scene.outer, "from before");
	assert_fault(FAULT_DAMAGED, verify(&scene, false, words, &why));
	assert_works(strangers_settle_folder(scene.folder, false, &count, &why));
	assert_int_equal(count, 1);
	assert_attribute(&scene, "from before");

	set_attribute(&scene, scene.outer, "from before");
	set_attribute(&scene, scene.own, "newer");
	assert_works(strangers_settle_folder(scene.folder, false, &count, &why));
	assert_attribute(&scene, "newer");
	assert_works(verify(&scene, false, words, &why));
}

static void strangers__are_no_folders_whose_list_says_that_they_lie_here(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	size_t count;
	AUTO(scene_done) struct scene scene = scene_of("nested");
	make_directory(&scene, scene.outer, "inner");
	AUTO(free) char *path = NULL;
	assert_true(asprintf(&path, "%s/%s", scene.entry, stored_as(scene.outer, "inner").entry) > 0);
	assert_works(folder_protect(scene.share, path, &why));

	assert_works(strangers_settle_folder(scene.folder, false, &count, &why));
	assert_int_equal(count, 0);
}

static void strangers__in_a_lobby_are_directories_of_directories_when_somebody_asks(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	size_t count;
	bool own;
	AUTO(share_close) struct share *share = world_share("lobby", true);
	AUTO(folder_unref) struct folder *folder = NULL;
	AUTO(file_close) int directory = -1;
	assert_int_equal(mkdir(world_path("lobby/dir"), 0755), 0);
	assert_works(folder_protect(share, "dir", &why));
	assert_int_equal(mkdir(world_path("lobby/dir/made"), 0755), 0);
	assert_int_equal(mkdir(world_path("lobby/dir/made/below"), 0755), 0);
	assert_int_equal(mkdir(world_path("lobby/dir/dropped"), 0755), 0);
	assert_int_equal(mknod(world_path("lobby/dir/dropped/plain"), S_IFREG | 0644, 0), 0);
	assert_int_equal(mknod(world_path("lobby/dir/file"), S_IFREG | 0644, 0), 0);

	assert_works(folder_walk(share, "dir", &folder, &own, &directory, &why));
	assert_works(strangers_settle_folder(folder, false, &count, &why));
	assert_int_equal(count, 0);
	assert_int_equal(access(world_path("lobby/dir/made/below"), F_OK), 0);
	assert_works(strangers_settle_folder(folder, true, &count, &why));
	assert_int_equal(count, 1);
	assert_int_equal(access(world_path("lobby/made/below"), F_OK), 0);
	assert_int_equal(access(world_path("lobby/dir/dropped/plain"), F_OK), 0);
	assert_int_equal(access(world_path("lobby/dir/file"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers__are_named_by_verify_and_go_up_when_it_repairs),
		cmocka_unit_test(strangers__go_up_when_the_folder_is_protected_again),
		cmocka_unit_test(strangers__among_attributes_are_sealed_anew_unless_there_is_one_by_now),
		cmocka_unit_test(strangers__are_no_folders_whose_list_says_that_they_lie_here),
		cmocka_unit_test(strangers__in_a_lobby_are_directories_of_directories_when_somebody_asks),
	};
	return cmocka_run_group_tests(tests, world_start, world_end);
}
