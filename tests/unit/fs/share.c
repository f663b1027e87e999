#include "fs/backing.h"
#include "tests/lib/world.h"

static enum fault open_as(const char *path, struct keyring *keyring, const struct share_options *options,
			  struct why *why)
{
	AUTO(share_close) struct share *share = NULL;

	return share_open(path, options, keyring, &share, why);
}

static const struct share_options plain;

static void share__is_made_in_an_empty_directory_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const char *path = world_path("made");
	assert_works(share_create(path, false, alice, &why));
	assert_fault(FAULT_EXISTS, share_create(path, false, alice, &why));
	AUTO(share_close) struct share *share = world_open(path, alice);
	assert_false(share_record_of(share)->lobby);
	assert_string_equal(share_path(share), path);

	assert_int_equal(mkdir(world_path("full"), 0755), 0);
	world_spill(world_path("full/letter"), &BYTES_EMPTY);
	assert_fault(FAULT_INVALID, share_create(world_path("full"), false, alice, &why));
	assert_fault(FAULT_INVALID, share_create(world_path("full/letter"), false, alice, &why));
	assert_int_equal(access(world_path("full/.fsenc-share"), F_OK), -1);
}

static void share__of_a_stranger_is_refused_until_he_is_trusted(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	assert_works(share_create(world_path("mallorys"), true, mallory, &why));
	assert_fault(FAULT_KEY_MISSING, open_as(world_path("mallorys"), alice, &plain, &why));
	const struct fingerprint fingerprint = world_fingerprint(mallory);
	char text[DIGEST_TEXT_SIZE];
	fingerprint_text(&fingerprint, text);
	assert_non_null(strstr(why.text, text));
	assert_non_null(strstr(why.text, "fsenc key import CERT --trust"));

	AUTO(keyring_close) struct keyring *carol = world_person("carol");
	world_introduce(carol, mallory, false);
	assert_fault(FAULT_KEY_MISSING, open_as(world_path("mallorys"), carol, &plain, &why));
	world_introduce(carol, mallory, true);
	assert_works(open_as(world_path("mallorys"), carol, &plain, &why));
}

static void share__put_in_the_place_of_another_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("victim", false));
	assert_works(share_create(world_path("other"), false, alice, &why));
	AUTO(bytes_done) struct bytes other = world_slurp(world_path("other/.fsenc-share"));
	world_spill(world_path("victim/.fsenc-share"), &other);
	assert_fault(FAULT_TAMPERED, open_as(world_path("victim"), alice, &plain, &why));
}

static void share__with_a_flipped_bit_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("flipped", true));
	AUTO(bytes_done) struct bytes text = world_slurp(world_path("flipped/.fsenc-share"));
	for (size_t i = 0; i < text.size; i += 7) {
		text.data[i] ^= 1;
		world_spill(world_path("flipped/.fsenc-share"), &text);
		enum fault fault = open_as(world_path("flipped"), alice, &plain, &why);
		if (fault != FAULT_TAMPERED && fault != FAULT_MALFORMED)
			fail_msg("byte %zu: %s: %s", i, fault_name(fault), why.text);
		text.data[i] ^= 1;
	}
	world_spill(world_path("flipped/.fsenc-share"), &text);
	assert_works(open_as(world_path("flipped"), alice, &plain, &why));
}

static void share__that_is_not_there_is_missing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("unmounted", false));
	assert_fault(FAULT_MISSING, open_as(world_path("nowhere"), alice, &plain, &why));
	/* An empty mount point where the network share is not mounted just now. */
	world_remove_tree(world_path("unmounted"));
	assert_int_equal(mkdir(world_path("unmounted"), 0755), 0);
	assert_fault(FAULT_MISSING, open_as(world_path("unmounted"), alice, &plain, &why));
	assert_works(share_create(world_path("unmounted"), false, alice, &why));
}

static void share__is_not_read_through_a_planted_link(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("linked", false));
	assert_int_equal(rename(world_path("linked/.fsenc-share"), world_path("elsewhere")), 0);
	assert_int_equal(symlink(world_path("elsewhere"), world_path("linked/.fsenc-share")), 0);
	assert_fault(FAULT_MALFORMED, open_as(world_path("linked"), alice, &plain, &why));
}

static void share__is_mounted_alone_or_by_many(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("locked", false));
	const char *path = world_path("locked");
	const struct share_options local = {.local = true, .mounted = true};
	const struct share_options shared = {.mounted = true};
	{
		AUTO(share_close) struct share *one = NULL;
		assert_works(share_open(path, &shared, alice, &one, &why));
		assert_works(open_as(path, alice, &shared, &why));
		assert_fault(FAULT_BUSY, open_as(path, alice, &local, &why));
	}
	AUTO(share_close) struct share *alone = NULL;
	assert_works(share_open(path, &local, alice, &alone, &why));
	assert_fault(FAULT_BUSY, open_as(path, alice, &local, &why));
	assert_fault(FAULT_BUSY, open_as(path, alice, &shared, &why));
	assert_works(open_as(path, alice, &plain, &why));
}

static void share__locate_climbs_to_the_share(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	share_close(world_share("located", true));
	assert_int_equal(mkdir(world_path("located/a"), 0755), 0);
	assert_int_equal(mkdir(world_path("located/a/b"), 0755), 0);
	world_spill(world_path("located/a/b/file"), &BYTES_EMPTY);
	const struct {
		const char *path;
		const char *stored;
	} rows[] = {
		{"located", ""},
		{"located/", ""},
		{"located/a", "a"},
		{"located/a/../a/b", "a/b"},
		{"located/a/b/file", "a/b"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(free) char *share = NULL;
		AUTO(free) char *stored = NULL;
		assert_works(share_locate(world_path("%s", rows[i].path), &share, &stored, &why));
		assert_string_equal(share, world_path("located"));
		assert_string_equal(stored, rows[i].stored);
	}
	char *share, *stored;
	assert_fault(FAULT_MISSING, share_locate(world, &share, &stored, &why));
	assert_fault(FAULT_MISSING, share_locate(world_path("located/typo"), &share, &stored, &why));
}

static void share__locks_are_trusted_where_they_reach_everybody(void **state)
{
	(void)state;
	assert_true(backing_options_keep_locks_here("rw,vers=3,nolock,addr=10.0.0.1"));
	assert_true(backing_options_keep_locks_here("rw,local_lock=all"));
	assert_true(backing_options_keep_locks_here("rw,nobrl"));
	assert_false(backing_options_keep_locks_here("rw,vers=4.2,local_lock=none"));
	assert_false(backing_options_keep_locks_here(""));
	AUTO(share_close) struct share *share = world_share("kind", false);
	assert_true(strlen(share_backing_kind(share)) > 0);
	assert_string_not_equal(share_backing_kind(share), "unknown");
}

static void share__on_storage_that_keeps_writes_to_itself_is_known_by_its_name(void **state)
{
	(void)state;
	assert_true(backing_keeps_writes("fuse.rclone", "remote:share"));
	assert_true(backing_keeps_writes("fuse", "http://127.0.0.1:8080/share"));
	assert_true(backing_keeps_writes("fuse", "https://dav.example.com"));
	assert_false(backing_keeps_writes("fuse.sshfs", "alice@example.com:/srv"));
	assert_false(backing_keeps_writes("fuse.smbnetfs", "smbnetfs"));
	assert_false(backing_keeps_writes("fuse", "/dev/fuse"));
	assert_false(backing_keeps_writes("nfs4", "http://127.0.0.1"));
	assert_false(backing_keeps_writes("ext4", "/dev/sda1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(share__is_made_in_an_empty_directory_only),
		cmocka_unit_test(share__of_a_stranger_is_refused_until_he_is_trusted),
		cmocka_unit_test(share__put_in_the_place_of_another_is_an_alarm),
		cmocka_unit_test(share__with_a_flipped_bit_is_refused),
		cmocka_unit_test(share__that_is_not_there_is_missing),
		cmocka_unit_test(share__is_not_read_through_a_planted_link),
		cmocka_unit_test(share__is_mounted_alone_or_by_many),
		cmocka_unit_test(share__locate_climbs_to_the_share),
		cmocka_unit_test(share__locks_are_trusted_where_they_reach_everybody),
		cmocka_unit_test(share__on_storage_that_keeps_writes_to_itself_is_known_by_its_name),
	};
	return cmocka_run_group_tests(tests, world_start, world_end);
}
