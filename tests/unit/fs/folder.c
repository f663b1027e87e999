#include "base/clock.h"
#include "tests/lib/people.h"
#include "tests/lib/world.h"

static int64_t now_ms = 1000000;

/* Long enough for the next look. */
static void wait_a_second(void)
{
	now_ms += LOOK_INTERVAL_MS;
	clock_set_fake(now_ms, now_ms);
}

static int start(void **state)
{
	clock_set_fake(now_ms, now_ms);
	return world_start(state);
}

static struct folder *root_folder(struct share *share)
{
	struct why why = WHY_NONE;
	struct folder *folder;

	assert_works(folder_find(share, share_root(share), "", NULL, &folder, &why));
	return folder;
}

static enum fault enter(struct folder *folder, enum folder_want want, struct why *why)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	return folder_enter(folder, want, &view, why);
}

static struct {
	unsigned calls;
	bool open;
} told;

static void changed(void *context, struct folder *folder, bool open)
{
	/* No lock is held: asking the folder must not hang. */
	assert_int_equal(folder_is_open(folder), open);
	assert_ptr_equal(context, &told);
	told.calls++;
	told.open = open;
}

/* -- found ---------------------------------------------------------------------------- */

static void folder__is_the_same_for_the_same_directory(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("same", false);
	AUTO(folder_unref) struct folder *one = root_folder(share);
	AUTO(folder_unref) struct folder *two = root_folder(share);
	assert_ptr_equal(one, two);
	assert_int_equal(mkdir(world_path("same/plain"), 0755), 0);
	AUTO(file_close) int plain = open(world_path("same/plain"), O_PATH | O_DIRECTORY);
	struct folder *none = NULL;
	assert_fault(FAULT_MISSING, folder_find(share, plain, "plain", one, &none, &why));
	assert_null(none);
	assert_works(enter(one, FOLDER_WRITE, &why));
}

static void folder__view_says_what_the_record_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("view", false);
	AUTO(folder_file_free) struct folder_file *file = world_read(share);
	AUTO(folder_unref) struct folder *folder = root_folder(share);
	AUTO(folder_leave) const struct folder_view *view = NULL;
	assert_works(folder_enter(folder, FOLDER_READ, &view, &why));
	assert_int_equal(view->role, ROLE_ADMIN);
	assert_int_equal(view->version, 1);
	assert_int_equal(view->terms.generation, 1);
	assert_int_equal(view->terms.block_log2, BLOCK_LOG2_DEFAULT);
	assert_true(folder_id_equal(&view->terms.folder, &file->record->folder));
	assert_true(folder_id_equal(folder_id_of(folder), &file->record->folder));
	struct stored_name stored;
	char plain[NAME_MAX_PLAIN + 1];
	assert_works(name_encode(view->names, "letter.txt", &stored, &why));
	assert_works(name_decode(view->names, stored.entry, strlen(stored.entry), plain, &why));
	assert_string_equal(plain, "letter.txt");
	assert_null(view->names_from);
}

/* -- open and closed ------------------------------------------------------------------ */

static void folder__opens_by_itself_within_a_second_of_being_let_in(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[WHY_TEXT_SIZE];
	AUTO(share_close) struct share *alices = world_share("letin", false);
	AUTO(share_close) struct share *bobs = world_open(world_path("letin"), bob);
	AUTO(folder_unref) struct folder *folder = root_folder(bobs);
	told.calls = 0;
	folder_on_change(bobs, changed, NULL, &told);
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_READ, &why));
	folder_state(folder, text);
	assert_non_null(strstr(text, "locked: "));

	world_let_in(alices, bob, ROLE_WRITER);
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_READ, &why));
	wait_a_second();
	assert_works(enter(folder, FOLDER_WRITE, &why));
	folder_state(folder, text);
	assert_string_equal(text, "open");
	assert_int_equal(told.calls, 1);
	assert_true(told.open);

	world_take_out(alices, bob);
	assert_works(enter(folder, FOLDER_WRITE, &why));
	wait_a_second();
	AUTO(folder_leave) const struct folder_view *last = NULL;
	assert_works(folder_enter_as_last_seen(folder, FOLDER_WRITE, &last, &why));
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_WRITE, &why));
	assert_int_equal(told.calls, 2);
	assert_false(told.open);
	/* What was entered before stays whole until it is left. */
	struct wiped_key key;
	assert_true(folder_keys_subkey(last->terms.keys, 1, KDF_FILE_HEADER, &key));
}

static void folder__change_takes_effect_at_the_next_look(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("look", false);
	AUTO(folder_unref) struct folder *folder = root_folder(share);
	world_let_in(share, bob, ROLE_READER);
	world_take_out(share, bob);
	{
		AUTO(folder_leave) const struct folder_view *view = NULL;
		assert_works(folder_enter(folder, FOLDER_READ, &view, &why));
		assert_int_equal(view->version, 1);
	}
	wait_a_second();
	AUTO(folder_leave) const struct folder_view *view = NULL;
	assert_works(folder_enter(folder, FOLDER_READ, &view, &why));
	assert_int_equal(view->version, 3);
	assert_int_equal(view->terms.generation, 2);
	assert_int_equal(view->terms.min_write, 2);
}

static void folder__looks_at_once_when_something_newer_was_met(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *vera = world_person("vera");
	AUTO(share_close) struct share *alices = world_share("now", false);
	world_let_in(alices, bob, ROLE_READER);
	AUTO(share_close) struct share *bobs = world_open(world_path("now"), bob);
	AUTO(folder_unref) struct folder *folder = root_folder(bobs);
	AUTO(folder_leave) const struct folder_view *before = NULL;
	AUTO(folder_leave) const struct folder_view *after = NULL;
	assert_works(folder_enter(folder, FOLDER_READ, &before, &why));
	assert_false(folder_look_now(folder, before));
	world_let_in(alices, vera, ROLE_READER);
	assert_true(folder_look_now(folder, before));
	assert_true(folder_look_now(folder, before));
	assert_works(folder_enter(folder, FOLDER_READ, &after, &why));
	assert_int_equal(after->version, before->version + 1);
	assert_false(folder_look_now(folder, after));
	/* Another file with the same in it is no later version. */
	AUTO(bytes_done) struct bytes text = world_slurp(world_path("now/.fsenc"));
	world_spill(world_path("now/.fsenc"), &text);
	assert_false(folder_look_now(folder, after));
	world_take_out(alices, bob);
	assert_true(folder_look_now(folder, after));
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_READ, &why));
}

static void folder__is_not_written_by_a_reader_nor_read_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("reader", false);
	world_let_in(share, bob, ROLE_READER);
	AUTO(share_close) struct share *bobs = world_open(world_path("reader"), bob);
	AUTO(folder_unref) struct folder *folder = root_folder(bobs);
	assert_works(enter(folder, FOLDER_READ, &why));
	assert_fault(FAULT_DENIED, enter(folder, FOLDER_WRITE, &why));

	const struct share_options options = {.read_only = true};
	AUTO(share_close) struct share *read_only = NULL;
	assert_works(share_open(world_path("reader"), &options, alice, &read_only, &why));
	AUTO(folder_unref) struct folder *hers = root_folder(read_only);
	assert_works(enter(hers, FOLDER_READ, &why));
	assert_fault(FAULT_SYSTEM, enter(hers, FOLDER_WRITE, &why));
	assert_int_equal(why_errno(&why, FAULT_SYSTEM), EROFS);
}

static void folder__that_was_rolled_back_is_refused_until_it_is_good_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("back", false);
	AUTO(bytes_done) struct bytes old = world_slurp(world_path("back/.fsenc"));
	world_let_in(share, bob, ROLE_READER);
	AUTO(bytes_done) struct bytes good = world_slurp(world_path("back/.fsenc"));
	AUTO(folder_unref) struct folder *folder = root_folder(share);
	assert_works(enter(folder, FOLDER_READ, &why));
	world_spill(world_path("back/.fsenc"), &old);
	wait_a_second();
	assert_fault(FAULT_TAMPERED, enter(folder, FOLDER_READ, &why));
	AUTO(folder_leave) const struct folder_view *view = NULL;
	assert_fault(FAULT_TAMPERED, folder_enter_as_last_seen(folder, FOLDER_READ, &view, &why));
	world_spill(world_path("back/.fsenc"), &good);
	wait_a_second();
	assert_works(enter(folder, FOLDER_READ, &why));
}

static void folder__is_locked_while_the_keyring_is(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("asleep", false));
	AUTO(secret_free) struct secret *words = world_passphrase();
	AUTO(keyring_close) struct keyring *asleep = NULL;
	assert_works(keyring_open(world_path("alice/keyring.db"), &asleep, &why));
	AUTO(share_close) struct share *share = world_open(world_path("asleep"), asleep);
	AUTO(folder_unref) struct folder *folder = root_folder(share);
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_READ, &why));
	assert_non_null(strstr(why.text, "fsenc unlock"));
	assert_works(keyring_unlock(asleep, words, &why));
	wait_a_second();
	assert_works(enter(folder, FOLDER_READ, &why));
}

/* -- lost and moved ------------------------------------------------------------------- */

static struct folder *make_folder(struct share *share, const char *share_name, const char *path)
{
	struct why why = WHY_NONE;
	struct folder *folder;
	bool own;
	AUTO(file_close) int directory = -1;

	assert_int_equal(mkdir(world_path("%s/%s", share_name, path), 0755), 0);
	assert_works(folder_protect(share, path, &why));
	assert_works(folder_walk(share, path, &folder, &own, &directory, &why));
	assert_true(own);
	return folder;
}

static enum fault walk(struct share *share, const char *path, struct folder **ret_folder, bool *ret_own,
		       struct why *why)
{
	AUTO(file_close) int directory = -1;

	return folder_walk(share, path, ret_folder, ret_own, &directory, why);
}

static void folder__at_a_pinned_path_is_never_a_plain_directory(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("pinned", true);
	struct folder *made = make_folder(share, "pinned", "Finance");
	const struct folder_id id = *folder_id_of(made);
	folder_unref(made);
	share_close(TAKE(share));
	world_remove_tree(world_path("pinned/.fsenc-backup"));
	assert_int_equal(unlink(world_path("pinned/Finance/.fsenc")), 0);
	assert_int_equal(unlink(world_path("pinned/Finance/.fsenc.log")), 0);
	share = world_open(world_path("pinned"), alice);
	AUTO(folder_unref) struct folder *folder = NULL;
	bool own;
	assert_works(walk(share, "Finance", &folder, &own, &why));
	assert_true(own);
	assert_true(folder_id_equal(folder_id_of(folder), &id));
	assert_works(enter(folder, FOLDER_WRITE, &why));
	assert_int_equal(access(world_path("pinned/Finance/.fsenc"), F_OK), 0);
}

static void folder__is_never_the_root_of_a_lobby(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("hall", true);
	folder_unref(make_folder(share, "hall", "Finance"));
	AUTO(bytes_done) struct bytes list = world_slurp(world_path("hall/Finance/.fsenc"));
	world_spill(world_path("hall/.fsenc"), &list);
	struct folder *folder = NULL;
	bool own = true;
	assert_works(walk(share, "", &folder, &own, &why));
	assert_false(own);
	assert_null(folder);
}

static void folder__that_was_renamed_takes_its_pin_along(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("renamed", true);
	folder_unref(make_folder(share, "renamed", "Old"));
	/* By another client, which then makes a new directory of the old name. */
	assert_int_equal(rename(world_path("renamed/Old"), world_path("renamed/New")), 0);
	assert_int_equal(mkdir(world_path("renamed/Old"), 0755), 0);
	AUTO(folder_unref) struct folder *old = NULL;
	AUTO(folder_unref) struct folder *new = NULL;
	bool own;
	assert_works(walk(share, "Old", &old, &own, &why));
	assert_fault(FAULT_TAMPERED, enter(old, FOLDER_READ, &why));
	assert_int_equal(access(world_path("renamed/Old/.fsenc"), F_OK), -1);

	assert_works(walk(share, "New", &new, &own, &why));
	assert_works(enter(new, FOLDER_READ, &why));
	wait_a_second();
	assert_fault(FAULT_MISSING, enter(old, FOLDER_READ, &why));
	folder_unref(TAKE(old));
	assert_works(walk(share, "Old", &old, &own, &why));
	assert_false(own);
}

static void folder__moved_by_ourselves_keeps_its_pin(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("moved", true);
	AUTO(folder_unref) struct folder *folder = make_folder(share, "moved", "a");
	assert_int_equal(rename(world_path("moved/a"), world_path("moved/b")), 0);
	folder_moved(folder, "b");
	char path[RING_PATH_MAX];
	folder_path(folder, path);
	assert_string_equal(path, "b");
	const struct share_id *id = &share_record_of(share)->share;
	AUTO(pin_folder_done) struct pin_folder pin = {.version = 0};
	assert_fault(FAULT_MISSING, keyring_folder_pin(alice, id, "a", &pin, &why));
	assert_works(keyring_folder_pin(alice, id, "b", &pin, &why));
}

/* -- walking and protecting ----------------------------------------------------------- */

static void folder__walk_stays_inside_the_share(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("inside", true);
	assert_int_equal(symlink(world, world_path("inside/out")), 0);
	assert_int_equal(mkdir(world_path("inside/real"), 0755), 0);
	struct folder *folder = NULL;
	bool own = true;
	static const struct {
		const char *path;
		enum fault fault;
	} rows[] = {
		{"out", FAULT_SYSTEM},
		{"out/alice", FAULT_SYSTEM},
		{"..", FAULT_INVALID},
		{"real/../..", FAULT_INVALID},
		{"/etc", FAULT_INVALID},
		{"real//x", FAULT_INVALID},
		{".fsenc-backup", FAULT_FORBIDDEN},
		{"nothing", FAULT_MISSING},
		{"real/.fsenc", FAULT_FORBIDDEN},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_fault(rows[i].fault, walk(share, rows[i].path, &folder, &own, &why));
	assert_works(walk(share, "real", &folder, &own, &why));
	assert_null(folder);
	assert_false(own);
}

static void folder__is_made_of_an_empty_directory_by_a_writer_of_the_one_above(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("nested", false);
	assert_fault(FAULT_INVALID, folder_protect(share, "", &why));
	AUTO(folder_unref) struct folder *root = root_folder(share);
	AUTO(folder_unref) struct folder *inner = make_folder(share, "nested", "inner");
	assert_ptr_equal(folder_parent(inner), root);
	assert_fault(FAULT_EXISTS, folder_protect(share, "inner", &why));
	AUTO(file_close) int directory = open(world_path("nested/inner"), O_PATH | O_DIRECTORY);
	const struct access_place place = {
		.share = share, .directory = directory, .path = "inner", .parent = *folder_id_of(root)};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	assert_works(access_read(&place, &file, &why));
	assert_true(folder_id_equal(&file->record->parent, folder_id_of(root)));

	assert_int_equal(mkdir(world_path("nested/full"), 0755), 0);
	world_spill(world_path("nested/full/letter"), &BYTES_EMPTY);
	assert_fault(FAULT_INVALID, folder_protect(share, "full", &why));

	world_let_in(share, bob, ROLE_READER);
	AUTO(share_close) struct share *bobs = world_open(world_path("nested"), bob);
	assert_int_equal(mkdir(world_path("nested/bobs"), 0755), 0);
	assert_fault(FAULT_DENIED, folder_protect(bobs, "bobs", &why));
}

static void folder__is_refused_below_another_parent(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("parents", false);
	folder_unref(make_folder(share, "parents", "one"));
	folder_unref(make_folder(share, "parents", "two"));
	folder_unref(make_folder(share, "parents", "one/child"));
	assert_int_equal(rename(world_path("parents/one/child"), world_path("parents/two/child")), 0);
	AUTO(folder_unref) struct folder *child = NULL;
	bool own;
	assert_works(walk(share, "two/child", &child, &own, &why));
	assert_fault(FAULT_TAMPERED, enter(child, FOLDER_READ, &why));
}

static void count(void *context, struct folder *folder)
{
	(void)folder;
	(*(unsigned *)context)++;
}

static void folder__each_names_those_in_use(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("each", false);
	AUTO(folder_unref) struct folder *root = root_folder(share);
	AUTO(folder_unref) struct folder *inner = make_folder(share, "each", "inner");
	assert_ptr_equal(folder_parent(inner), root);
	unsigned found = 0;
	folder_each(share, count, &found);
	assert_int_equal(found, 2);
	folder_unref(TAKE(inner));
	found = 0;
	folder_each(share, count, &found);
	assert_int_equal(found, 1);
}

/* -- threads -------------------------------------------------------------------------- */

static void *enter_often(void *context)
{
	struct share *share = context;
	for (int i = 0; i < 200; i++) {
		struct why why = WHY_NONE;
		AUTO(folder_unref) struct folder *folder = NULL;
		AUTO(folder_leave) const struct folder_view *view = NULL;
		if (folder_find(share, share_root(share), "", NULL, &folder, &why) ||
		    folder_enter(folder, FOLDER_WRITE, &view, &why))
			return (void *)"refused";
		struct stored_name stored;
		if (name_encode(view->names, "x", &stored, &why))
			return (void *)"no name";
	}
	return NULL;
}

static void folder__is_entered_by_many_threads_while_it_changes(void **state)
{
	(void)state;
	AUTO(share_close) struct share *share = world_share("threads", false);
	pthread_t threads[4];
	clock_set_real();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, enter_often, share), 0);
	for (int i = 0; i < 3; i++) {
		world_let_in(share, bob, ROLE_READER);
		world_take_out(share, bob);
	}
	for (int i = 0; i < 4; i++) {
		void *words;
		assert_int_equal(pthread_join(threads[i], &words), 0);
		assert_null(words);
	}
	clock_set_fake(now_ms, now_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folder__is_the_same_for_the_same_directory),
		cmocka_unit_test(folder__view_says_what_the_record_says),
		cmocka_unit_test(folder__opens_by_itself_within_a_second_of_being_let_in),
		cmocka_unit_test(folder__change_takes_effect_at_the_next_look),
		cmocka_unit_test(folder__looks_at_once_when_something_newer_was_met),
		cmocka_unit_test(folder__is_not_written_by_a_reader_nor_read_only),
		cmocka_unit_test(folder__that_was_rolled_back_is_refused_until_it_is_good_again),
		cmocka_unit_test(folder__is_locked_while_the_keyring_is),
		cmocka_unit_test(folder__at_a_pinned_path_is_never_a_plain_directory),
		cmocka_unit_test(folder__is_never_the_root_of_a_lobby),
		cmocka_unit_test(folder__that_was_renamed_takes_its_pin_along),
		cmocka_unit_test(folder__moved_by_ourselves_keeps_its_pin),
		cmocka_unit_test(folder__walk_stays_inside_the_share),
		cmocka_unit_test(folder__is_made_of_an_empty_directory_by_a_writer_of_the_one_above),
		cmocka_unit_test(folder__is_refused_below_another_parent),
		cmocka_unit_test(folder__each_names_those_in_use),
		cmocka_unit_test(folder__is_entered_by_many_threads_while_it_changes),
	};
	return cmocka_run_group_tests(tests, start, world_end);
}
