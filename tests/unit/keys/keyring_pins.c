#include <stdio.h>
#include <sys/wait.h>

#include "tests/lib/keyrings.h"

static struct keyring *keyring;

/* -- making and looking --------------------------------------------------------------- */

static struct share_id new_share(void)
{
	struct share_id share;

	share_id_random(&share);
	return share;
}

/* Its file says which version it is of; the digest follows from `variant`. */
static struct pin_folder pin_of(const struct folder_id *folder, uint64_t version, uint8_t variant)
{
	struct why why = WHY_NONE;
	char text[32];
	struct pin_folder pin = {
		.folder = *folder, .version = version, .digest = {{(uint8_t)version, variant}}};

	(void)snprintf(text, sizeof text, "{\"version\":%d}", (int)version);
	assert_works(bytes_append_text(&pin.file, text, &why));
	return pin;
}

static enum fault set(const struct share_id *share, const char *path, const struct folder_id *folder,
		      uint64_t version, uint8_t variant, struct why *why)
{
	AUTO(pin_folder_done) struct pin_folder pin = pin_of(folder, version, variant);

	return keyring_set_folder_pin(keyring, share, path, &pin, why);
}

static struct folder_id put(const struct share_id *share, const char *path, uint64_t version)
{
	struct why why = WHY_NONE;
	struct folder_id folder;

	folder_id_random(&folder);
	assert_works(set(share, path, &folder, version, 0, &why));
	return folder;
}

/* The version pinned at a path, 0 for none; checks that the rest came along. */
static uint64_t version_at(const struct share_id *share, const char *path, const struct folder_id *folder)
{
	struct why why = WHY_NONE;
	AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
	enum fault fault = keyring_folder_pin(keyring, share, path, &pin, &why);

	if (fault == FAULT_MISSING)
		return 0;
	assert_works(fault);
	AUTO(pin_folder_done)
	struct pin_folder wanted = pin_of(&pin.folder, pin.version, pin.digest.bytes[1]);
	assert_true(folder_id_equal(&pin.folder, folder));
	assert_true(digest_equal(&pin.digest, &wanted.digest));
	assert_string_equal((const char *)pin.file.data, (const char *)wanted.file.data);
	return pin.version;
}

static char *path_of(const struct share_id *share, const struct folder_id *folder)
{
	struct why why = WHY_NONE;
	AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
	char *path = NULL;

	assert_works(keyring_folder_pin_by_id(keyring, share, folder, &pin, &path, &why));
	return path;
}

static void assert_path_of(const struct share_id *share, const struct folder_id *folder, const char *wanted)
{
	AUTO(free) char *path = path_of(share, folder);

	assert_string_equal(path, wanted);
}

/* -- one folder ----------------------------------------------------------------------- */

static void pin__is_found_by_path_and_by_id(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct share_id elsewhere = new_share();
	const struct folder_id root = put(&share, "", 1);
	const struct folder_id deep = put(&share, "a/b", 5);

	assert_int_equal(version_at(&share, "", &root), 1);
	assert_int_equal(version_at(&share, "a/b", &deep), 5);
	assert_int_equal(version_at(&share, "a", &deep), 0);
	assert_int_equal(version_at(&elsewhere, "a/b", &deep), 0);
	assert_path_of(&share, &root, "");
	assert_path_of(&share, &deep, "a/b");
	AUTO(pin_folder_done) struct pin_folder none = {.version = 77};
	char *path = NULL;
	assert_fault(FAULT_MISSING, keyring_folder_pin_by_id(keyring, &elsewhere, &deep, &none, &path, &why));
	assert_int_equal(none.version, 77);
	assert_null(path);
}

static void pin__goes_forward_and_never_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 5);

	assert_works(set(&share, "a", &folder, 5, 0, &why));
	assert_fault(FAULT_TAMPERED, set(&share, "a", &folder, 4, 0, &why));
	assert_non_null(strstr(why.text, "version 4"));
	assert_fault(FAULT_TAMPERED, set(&share, "a", &folder, 5, 1, &why));
	assert_fault(FAULT_TAMPERED, set(&share, "elsewhere", &folder, 4, 0, &why));
	assert_int_equal(version_at(&share, "a", &folder), 5);
	assert_works(set(&share, "a", &folder, 9, 3, &why));
	assert_int_equal(version_at(&share, "a", &folder), 9);
}

static void pin__has_a_version_that_can_be_stored(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 1);

	assert_fault(FAULT_INVALID, set(&share, "a", &folder, 0, 0, &why));
	assert_fault(FAULT_INVALID, set(&share, "a", &folder, (uint64_t)INT64_MAX + 1, 0, &why));
	assert_fault(FAULT_INVALID, set(&share, "a", &folder, UINT64_MAX, 0, &why));
	assert_int_equal(version_at(&share, "a", &folder), 1);
}

static void pin__takes_the_file_of_the_same_record_anew(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 5);
	AUTO(pin_folder_done) struct pin_folder pin = pin_of(&folder, 5, 0);
	AUTO(pin_folder_done) struct pin_folder found = {.file = BYTES_EMPTY};

	assert_works(bytes_append_text(&pin.file, " with another envelope", &why));
	assert_works(keyring_set_folder_pin(keyring, &share, "a", &pin, &why));
	assert_works(keyring_folder_pin(keyring, &share, "a", &found, &why));
	assert_string_equal((const char *)found.file.data, "{\"version\":5} with another envelope");
}

static void pin__may_be_dropped_and_made_anew(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 5);

	assert_works(keyring_drop_folder_pin(keyring, &share, &folder, &why));
	assert_int_equal(version_at(&share, "a", &folder), 0);
	assert_works(set(&share, "a", &folder, 2, 0, &why));
	assert_int_equal(version_at(&share, "a", &folder), 2);
}

/* -- several folders ------------------------------------------------------------------ */

static void pin__of_a_folder_never_seen_does_not_take_anothers_place(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 5);
	struct folder_id stranger;
	folder_id_random(&stranger);

	assert_fault(FAULT_TAMPERED, set(&share, "a", &stranger, 100, 0, &why));
	assert_int_equal(version_at(&share, "a", &folder), 5);
	assert_works(keyring_drop_folder_pin(keyring, &share, &folder, &why));
	assert_works(set(&share, "a", &stranger, 100, 0, &why));
}

static void pin__follows_its_folder_to_another_place(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a", 5);

	assert_works(set(&share, "b", &folder, 5, 0, &why));
	assert_int_equal(version_at(&share, "a", &folder), 0);
	assert_int_equal(version_at(&share, "b", &folder), 5);
}

/* Somebody exchanges two folders on the server: neither becomes unseen. */
static void pin__of_a_displaced_folder_still_guards_its_version(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id one = put(&share, "one", 5);
	const struct folder_id two = put(&share, "two", 8);

	assert_works(set(&share, "one", &two, 8, 0, &why));
	assert_int_equal(version_at(&share, "one", &two), 8);
	assert_path_of(&share, &one, "one");
	assert_fault(FAULT_TAMPERED, set(&share, "two", &one, 4, 0, &why));
	assert_works(set(&share, "two", &one, 5, 0, &why));
	assert_int_equal(version_at(&share, "two", &one), 5);
	assert_int_equal(version_at(&share, "one", &two), 8);
}

struct walk {
	const struct share_id *share;
	char seen[256];
	int stop_after;
};

/* Drops what it sees: so it uses the keyring that calls it. */
static bool note(void *context, const char *path, const struct pin_folder *pin)
{
	struct walk *walk = context;
	struct why why = WHY_NONE;

	strcat(strcat(walk->seen, path), ";");
	assert_true(pin->file.size > 0);
	assert_works(keyring_drop_folder_pin(keyring, walk->share, &pin->folder, &why));
	return --walk->stop_after != 0;
}

static void pin__is_listed_with_all_others_of_its_share(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct share_id other = new_share();
	struct walk first = {.share = &share, .stop_after = 2};
	struct walk rest = {.share = &share};
	const struct folder_id lost = put(&share, "c", 1);
	(void)put(&share, "b", 1);
	(void)put(&share, "a", 1);
	(void)put(&share, "", 1);
	(void)put(&other, "other", 1);
	const struct folder_id winner = put(&share, "d", 1);
	assert_works(set(&share, "c", &winner, 1, 0, &why));

	assert_works(keyring_each_folder_pin(keyring, &share, note, &first, &why));
	assert_string_equal(first.seen, ";a;");
	assert_works(keyring_each_folder_pin(keyring, &share, note, &rest, &why));
	assert_string_equal(rest.seen, "b;c;");
	assert_path_of(&share, &lost, "c");
}

/* -- renamed directories -------------------------------------------------------------- */

static void move__takes_what_is_at_and_below_a_directory(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct share_id other = new_share();
	const struct folder_id at = put(&share, "a", 1);
	const struct folder_id below = put(&share, "a/b/c", 2);
	const struct folder_id alike = put(&share, "ab", 3);
	const struct folder_id wild = put(&share, "%", 4);
	const struct folder_id elsewhere = put(&other, "a", 5);

	assert_works(keyring_move_pins(keyring, &share, "a", "x/y", &why));
	assert_int_equal(version_at(&share, "x/y", &at), 1);
	assert_int_equal(version_at(&share, "x/y/b/c", &below), 2);
	assert_int_equal(version_at(&share, "ab", &alike), 3);
	assert_int_equal(version_at(&share, "%", &wild), 4);
	assert_int_equal(version_at(&other, "a", &elsewhere), 5);
	assert_int_equal(version_at(&share, "a", &at), 0);
	assert_works(keyring_move_pins(keyring, &share, "%", "b", &why));
	assert_int_equal(version_at(&share, "b", &wild), 4);
	assert_int_equal(version_at(&share, "ab", &alike), 3);
}

static void move__keeps_paths_that_are_no_text(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "\xff\xfe/\xc3(/\x80", 1);

	assert_int_equal(version_at(&share, "\xff\xfe/\xc3(/\x80", &folder), 1);
	assert_works(keyring_move_pins(keyring, &share, "\xff\xfe", "\xed\xa0\x80", &why));
	assert_int_equal(version_at(&share, "\xed\xa0\x80/\xc3(/\x80", &folder), 1);
	assert_path_of(&share, &folder, "\xed\xa0\x80/\xc3(/\x80");
}

static void move__exchanges_two_directories_by_way_of_a_third(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id one = put(&share, "one/in", 1);
	const struct folder_id two = put(&share, "two/in", 2);

	assert_works(keyring_move_pins(keyring, &share, "two", ".swap", &why));
	assert_works(keyring_move_pins(keyring, &share, "one", "two", &why));
	assert_works(keyring_move_pins(keyring, &share, ".swap", "one", &why));
	assert_int_equal(version_at(&share, "two/in", &one), 1);
	assert_int_equal(version_at(&share, "one/in", &two), 2);
}

static void move__onto_another_folder_keeps_that_ones_version(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id from = put(&share, "from", 1);
	const struct folder_id replaced = put(&share, "to", 7);

	assert_works(keyring_move_pins(keyring, &share, "from", "to", &why));
	assert_int_equal(version_at(&share, "to", &from), 1);
	assert_fault(FAULT_TAMPERED, set(&share, "back", &replaced, 6, 0, &why));
	assert_works(set(&share, "back", &replaced, 7, 0, &why));
}

static void move__refuses_to_move_a_directory_into_itself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "a/b", 1);
	static const char *const pairs[][2] = {{"a", "a/b"}, {"a/b", "a"}, {"", "a"}, {"a", ""}};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_fault(FAULT_INVALID,
			     keyring_move_pins(keyring, &share, pairs[i][0], pairs[i][1], &why));
	assert_works(keyring_move_pins(keyring, &share, "a", "a", &why));
	assert_int_equal(version_at(&share, "a/b", &folder), 1);
}

/* -- shares --------------------------------------------------------------------------- */

static struct pin_share share_pin(const struct share_id *share, uint64_t version, uint8_t variant)
{
	return (struct pin_share){.share = *share, .version = version, .digest = {{variant}}};
}

static void share_pin__goes_forward_and_never_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct share_id share = new_share();
	const struct share_id next = new_share();
	const struct pin_share pins[] = {
		share_pin(&share, 3, 0), share_pin(&share, 2, 0), share_pin(&share, 3, 1),
		share_pin(&share, 0, 0), share_pin(&share, 4, 9), share_pin(&next, 1, 0),
	};
	static const enum fault wanted[] = {FAULT_NONE,	   FAULT_TAMPERED, FAULT_TAMPERED,
					    FAULT_INVALID, FAULT_NONE,	   FAULT_NONE};
	static const uint64_t versions[] = {3, 3, 3, 3, 4, 1};
	struct pin_share found;

	assert_fault(FAULT_MISSING, keyring_share_pin(keyring, "/mnt/\xff", &found, &why));
	for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
		assert_fault(wanted[i], keyring_set_share_pin(keyring, "/mnt/\xff", &pins[i], &why));
		assert_works(keyring_share_pin(keyring, "/mnt/\xff", &found, &why));
		assert_int_equal(found.version, versions[i]);
	}
	assert_true(share_id_equal(&found.share, &next));
	assert_works(keyring_drop_share_pin(keyring, "/mnt/\xff", &why));
	assert_fault(FAULT_MISSING, keyring_share_pin(keyring, "/mnt/\xff", &found, &why));
}

/* -- several processes, hostile rows -------------------------------------------------- */

#define PROCESSES 4
#define ROUNDS 40

/* Some come too late: that is said, and nothing is lost. */
static void race(const struct share_id *share, const struct folder_id *folder, unsigned stride)
{
	struct why why = WHY_NONE;

	keyring = keyring_again("pins");
	for (unsigned i = 1; i <= ROUNDS; i++) {
		enum fault fault = set(share, "raced", folder, 1 + i * stride % 41, 0, &why);
		if (fault && fault != FAULT_TAMPERED)
			_exit(1);
	}
	keyring_close(keyring);
	_exit(0);
}

static void pin__does_not_go_back_between_processes_that_race(void **state)
{
	(void)state;
	const struct share_id share = new_share();
	const struct folder_id folder = put(&share, "raced", 1);
	static const unsigned strides[PROCESSES] = {1, 3, 7, 40};
	pid_t children[PROCESSES];

	for (size_t i = 0; i < PROCESSES; i++)
		if ((children[i] = fork()) == 0)
			race(&share, &folder, strides[i]);
	for (uint64_t last = 0, now; last < 41; last = now) {
		now = version_at(&share, "raced", &folder);
		assert_true(now >= last);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(version_at(&share, "raced", &folder), 41);
}

static void pin__that_cannot_be_ours_is_damage(void **state)
{
	(void)state;
	static const char *const spoilt[] = {
		"UPDATE folder_pins SET version = -1",
		"UPDATE folder_pins SET version = 0",
		"UPDATE folder_pins SET digest = x'00'",
		"UPDATE folder_pins SET digest = zeroblob(33)",
		"UPDATE folder_pins SET folder = x''",
		"UPDATE folder_pins SET path = CAST(path || x'0041' AS BLOB)",
		"UPDATE share_pins SET share = x'01'",
		"UPDATE share_pins SET version = -9",
	};
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *mine = keyring_of("spoilt");
	struct keyring *others = keyring;
	keyring = mine;
	const struct share_id share = new_share();
	const struct pin_share pin = share_pin(&share, 1, 1);
	struct folder_id folder;
	folder_id_random(&folder);

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct pin_share found_share;
		AUTO(free) char *path = NULL;
		AUTO(pin_folder_done) struct pin_folder found = {.version = 77};
		assert_works(set(&share, "a", &folder, 1, 0, &why));
		assert_works(keyring_set_share_pin(mine, "/a", &pin, &why));
		keyring_spoil(mine, spoilt[i]);
		enum fault of_share = keyring_share_pin(mine, "/a", &found_share, &why);
		enum fault of_folder = keyring_folder_pin(mine, &share, "a", &found, &why);
		if (of_folder == FAULT_MISSING) /* the path was spoilt: found by id alone */
			of_folder = keyring_folder_pin_by_id(mine, &share, &folder, &found, &path, &why);
		assert_true(of_share == FAULT_KEYRING_READ || of_folder == FAULT_KEYRING_READ);
		assert_true(!of_folder || found.version == 77);
		keyring_spoil(mine, "DELETE FROM folder_pins; DELETE FROM share_pins");
	}
	keyring = others;
}

static int start(void **state)
{
	int failed = keyrings_start(state);

	keyring = keyring_of("pins");
	return failed;
}

static int end(void **state)
{
	keyring_close(keyring);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pin__is_found_by_path_and_by_id),
		cmocka_unit_test(pin__goes_forward_and_never_back),
		cmocka_unit_test(pin__has_a_version_that_can_be_stored),
		cmocka_unit_test(pin__takes_the_file_of_the_same_record_anew),
		cmocka_unit_test(pin__may_be_dropped_and_made_anew),
		cmocka_unit_test(pin__of_a_folder_never_seen_does_not_take_anothers_place),
		cmocka_unit_test(pin__follows_its_folder_to_another_place),
		cmocka_unit_test(pin__of_a_displaced_folder_still_guards_its_version),
		cmocka_unit_test(pin__is_listed_with_all_others_of_its_share),
		cmocka_unit_test(move__takes_what_is_at_and_below_a_directory),
		cmocka_unit_test(move__keeps_paths_that_are_no_text),
		cmocka_unit_test(move__exchanges_two_directories_by_way_of_a_third),
		cmocka_unit_test(move__onto_another_folder_keeps_that_ones_version),
		cmocka_unit_test(move__refuses_to_move_a_directory_into_itself),
		cmocka_unit_test(share_pin__goes_forward_and_never_back),
		cmocka_unit_test(pin__does_not_go_back_between_processes_that_race),
		cmocka_unit_test(pin__that_cannot_be_ours_is_damage),
	};
	return cmocka_run_group_tests(tests, start, end);
}
