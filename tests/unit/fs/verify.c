#include <stdatomic.h>
#include <sys/xattr.h>

#include "fs/access_state.h"
#include "fs/seal.h"
#include "fs/verify.h"
#include "tests/lib/world.h"

/* -- stored things, made without a mount ---------------------------------------------- */

struct room {
	struct share *share;
	struct folder *folder;
	const struct folder_view *view;
	int directory;
};

static void room_done(struct room *room)
{
	folder_leave(room->view);
	folder_unref(room->folder);
	file_close(room->directory);
}
AUTO_VALUE(struct room, room_done);

static struct room room_at(struct share *share, const char *stored_path)
{
	struct why why = WHY_NONE;
	struct room room = {.share = share};
	bool own;

	assert_works(folder_walk(share, stored_path, &room.folder, &own, &room.directory, &why));
	if (room.folder)
		assert_works(folder_enter(room.folder, FOLDER_WRITE, &room.view, &why));
	return room;
}

/* The last four stay valid. */
static const char *stored(const struct room *room, const char *plain)
{
	static char names[4][NAME_STORED_SIZE];
	static unsigned next;
	char *entry = names[next++ % 4];
	struct why why = WHY_NONE;
	struct stored_name name;

	assert_works(name_encode(room->view->names, plain, &name, &why));
	if (name.is_long) {
		struct bytes text = {(uint8_t *)name.long_text, strlen(name.long_text), 0};
		assert_works(file_replace(room->directory, name.long_file, 0644, &text, &why));
	}
	(void)snprintf(entry, NAME_STORED_SIZE, "%s", name.entry);
	return entry;
}

static enum fault write_file(const struct room *room, const char *plain, size_t size, uint8_t fill,
			     struct why *why)
{
	const struct content_options options = {.local = false};
	AUTO(content_free) struct content *content = NULL;
	AUTO(free) uint8_t *bytes = malloc(size + 1);
	const char *entry = stored(room, plain);
	AUTO(file_close) int fd = openat(room->directory, entry, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	memset(bytes, fill, size + 1);
	enum fault fault = content_new(&options, &content, why);
	return fault || size == 0
		       ? fault
		       : content_write(content, fd, &room->view->terms, 0, false, bytes, size, why);
}

static void put_file(const struct room *room, const char *plain, size_t size)
{
	struct why why = WHY_NONE;
	assert_works(write_file(room, plain, size, 'x', &why));
}

static void put_symlink(const struct room *room, const char *plain, const char *target)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(seal_symlink(room->view->terms.keys, target, &text, &why));
	assert_int_equal(symlinkat((char *)text.data, room->directory, stored(room, plain)), 0);
}

static void put_xattr(const struct room *room, const char *plain, const char *name, const char *value)
{
	struct why why = WHY_NONE;
	char stored_xattr[256];
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	const char *entry = plain ? stored(room, plain) : ".";
	AUTO(file_close) int fd = openat(room->directory, entry, O_RDONLY | O_CLOEXEC);
	assert_works(name_encode_xattr(room->view->xattr_names, name, stored_xattr, &why));
	assert_works(seal_xattr(room->view->terms.keys, name, value, strlen(value), &sealed, &why));
	assert_int_equal(fsetxattr(fd, stored_xattr, sealed.data, sealed.size, 0), 0);
}

static char *put_directory(const struct room *room, const char *plain)
{
	const char *entry = stored(room, plain);
	assert_int_equal(mkdirat(room->directory, entry, 0755), 0);
	return strdup(entry);
}

/* -- asking --------------------------------------------------------------------------- */

struct answer {
	struct verify_totals totals;
	char words[16][WHY_TEXT_SIZE];
	char plain[16][256];
	enum finding_kind kinds[16];
	unsigned count;
};

static void found(void *context, const struct finding *finding)
{
	struct answer *answer = context;
	if (answer->count == 16)
		return;
	(void)snprintf(answer->words[answer->count], WHY_TEXT_SIZE, "%s", finding->words);
	(void)snprintf(answer->plain[answer->count], 256, "%s", finding->plain_path);
	answer->kinds[answer->count++] = finding->kind;
}

static enum fault ask(struct share *share, const char *path, bool repair, struct answer *answer,
		      struct why *why)
{
	const struct verify_options options = {.repair = repair, .found = found, .context = answer};
	*answer = (struct answer){.count = 0};
	enum fault fault = verify_tree(share, path, &options, &answer->totals, why);
	if (fault == FAULT_NONE && answer->count > 0 && answer->kinds[0] != FINDING_LOCKED)
		(void)why_set(why, FAULT_NONE, "%s: %s", finding_kind_text(answer->kinds[0]),
			      answer->words[0]);
	return fault;
}

static void assert_one(const struct answer *answer, enum finding_kind kind, const char *plain)
{
	if (answer->count != 1 || answer->kinds[0] != kind || strcmp(answer->plain[0], plain) != 0)
		fail_msg("%u findings, the first '%s' at '%s': %s", answer->count,
			 answer->count ? finding_kind_text(answer->kinds[0]) : "none", answer->plain[0],
			 answer->words[0]);
}

/* -- sound ---------------------------------------------------------------------------- */

static void fill(struct share *share)
{
	char long_name[NAME_MAX_PLAIN + 1];
	memset(long_name, 'n', NAME_MAX_PLAIN);
	long_name[NAME_MAX_PLAIN] = 0;
	AUTO(room_done) struct room root = room_at(share, "");
	put_file(&root, "empty", 0);
	put_file(&root, "small", 10);
	put_file(&root, "exact", 4096);
	put_file(&root, "large", 3 * 4096 + 5);
	put_file(&root, long_name, 100);
	put_symlink(&root, "link", "/etc/passwd");
	put_xattr(&root, "small", "comment", "hello");
	put_xattr(&root, NULL, "comment", "of the folder itself");
	assert_int_equal(linkat(root.directory, stored(&root, "small"), root.directory,
				stored(&root, "other name"), 0),
			 0);
	AUTO(free) char *below = put_directory(&root, "below");
	AUTO(room_done) struct room inner = room_at(share, below);
	put_file(&inner, "deep", 5000);
}

static void verify__of_a_healthy_share_finds_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("healthy", false);
	world_let_in(share, bob, ROLE_WRITER);
	fill(share);
	AUTO(room_done) struct room root = room_at(share, "");
	AUTO(free) char *entry = put_directory(&root, "Private");
	assert_works(folder_protect(share, entry, &why));
	{
		AUTO(room_done) struct room inner = room_at(share, entry);
		put_file(&inner, "secret", 42);
	}
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.totals.folders, 2);
	assert_int_equal(answer.totals.directories, 1);
	assert_int_equal(answer.totals.files, 7);
	assert_int_equal(answer.totals.symlinks, 1);
	assert_int_equal(answer.totals.blocks, 1 + 1 + 4 + 1 + 2 + 1);
	assert_int_equal(answer.totals.bytes, 10 + 4096 + 3 * 4096 + 5 + 100 + 5000 + 42);
	assert_works(ask(share, entry, false, &answer, &why));
	assert_int_equal(answer.totals.files, 1);
	assert_works(ask(share, "", true, &answer, &why));
	assert_int_equal(answer.count, 0);
	assert_fault(FAULT_MISSING, ask(share, "nothing", false, &answer, &why));
}

static void verify__does_not_look_into_what_is_locked(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("shut", false);
	fill(share);
	AUTO(share_close) struct share *bobs = world_open(world_path("shut"), bob);
	assert_works(ask(bobs, "", false, &answer, &why));
	assert_one(&answer, FINDING_LOCKED, "");
	assert_int_equal(answer.totals.files, 0);
}

/* -- files ---------------------------------------------------------------------------- */

static void flip(const struct room *room, const char *entry, off_t at)
{
	uint8_t byte;
	AUTO(file_close) int fd = openat(room->directory, entry, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void verify__finds_a_flipped_bit_anywhere_in_a_file(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("bits", false);
	AUTO(room_done) struct room root = room_at(share, "");
	put_file(&root, "file", 5000);
	for (off_t at = 0; at < HEADER_SIZE; at += 5) {
		flip(&root, stored(&root, "file"), at);
		assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
		assert_one(&answer, FINDING_DAMAGED, "file");
		flip(&root, stored(&root, "file"), at);
	}
	for (off_t at = HEADER_SIZE; at < HEADER_SIZE + 5080; at += 331) {
		flip(&root, stored(&root, "file"), at);
		assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
		assert_one(&answer, FINDING_DAMAGED, "file");
		flip(&root, stored(&root, "file"), at);
	}
	assert_works(ask(share, "", false, &answer, &why));
}

static void verify__finds_a_file_cut_by_the_storage_and_mends_its_end(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("cut", false);
	AUTO(room_done) struct room root = room_at(share, "");
	put_file(&root, "file", 3 * 4096);
	AUTO(file_close) int fd = openat(root.directory, stored(&root, "file"), O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, content_stored_size_of(2 * 4096, 12)), 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_UNCLEAN, "file");
	assert_works(ask(share, "", true, &answer, &why));
	assert_one(&answer, FINDING_REPAIRED, "file");
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
}

static void verify__lists_plain_files_dropped_into_a_folder_as_foreign(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("foreign", false);
	const struct bytes text = {(uint8_t *)"plain text", 10, 10};
	world_spill(world_path("foreign/letter.txt"), &text);
	assert_works(ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_FOREIGN, "letter.txt");
	assert_int_equal(unlink(world_path("foreign/letter.txt")), 0);
	/* Even if its name looks like one of ours. */
	world_spill(world_path("foreign/0123456789abcdefghijklmnopqrstuv"), &text);
	assert_works(ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_FOREIGN, "0123456789abcdefghijklmnopqrstuv");
}

static void verify__lists_files_in_a_lobby_as_foreign(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("hall", true);
	assert_int_equal(mkdir(world_path("hall/open"), 0755), 0);
	assert_int_equal(mkdir(world_path("hall/Finance"), 0755), 0);
	assert_works(folder_protect(share, "Finance", &why));
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.totals.folders, 1);
	assert_int_equal(answer.totals.directories, 2);
	world_spill(world_path("hall/open/letter.txt"), &BYTES_EMPTY);
	assert_works(ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_FOREIGN, "open/letter.txt");
}

static void verify__finds_a_file_of_another_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("swap", true);
	assert_int_equal(mkdir(world_path("swap/one"), 0755), 0);
	assert_int_equal(mkdir(world_path("swap/two"), 0755), 0);
	assert_works(folder_protect(share, "one", &why));
	assert_works(folder_protect(share, "two", &why));
	AUTO(room_done) struct room one = room_at(share, "one");
	AUTO(room_done) struct room two = room_at(share, "two");
	put_file(&one, "file", 100);
	put_file(&two, "file", 100);
	/* Under its own name, which does not open here, and under a good one. */
	assert_int_equal(linkat(one.directory, stored(&one, "file"), two.directory, stored(&one, "file"), 0),
			 0);
	assert_fault(FAULT_DAMAGED, ask(share, "two", false, &answer, &why));
	assert_int_equal(answer.count, 1);
	assert_int_equal(unlinkat(two.directory, stored(&one, "file"), 0), 0);
	assert_int_equal(renameat(one.directory, stored(&one, "file"), two.directory, stored(&two, "file")),
			 0);
	assert_fault(FAULT_DAMAGED, ask(share, "two", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, "two/file");
}

/* What is sound under its first name need not be so under the second. */
static void verify__finds_a_file_linked_into_another_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("linked", true);
	assert_int_equal(mkdir(world_path("linked/one"), 0755), 0);
	assert_int_equal(mkdir(world_path("linked/two"), 0755), 0);
	assert_works(folder_protect(share, "one", &why));
	assert_works(folder_protect(share, "two", &why));
	AUTO(room_done) struct room one = room_at(share, "one");
	AUTO(room_done) struct room two = room_at(share, "two");
	put_file(&one, "file", 100);
	assert_int_equal(linkat(one.directory, stored(&one, "file"), two.directory, stored(&two, "file"), 0),
			 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, "two/file");
}

/* -- names, links, attributes --------------------------------------------------------- */

static void verify__does_not_follow_a_planted_link(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("planted", false);
	AUTO(room_done) struct room root = room_at(share, "");
	assert_int_equal(symlinkat(world, root.directory, "escape"), 0);
	assert_works(ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_FOREIGN, "escape");
	assert_int_equal(unlinkat(root.directory, "escape", 0), 0);
	/* Under a name that a member knows: its target is not sealed. */
	assert_int_equal(symlinkat(world, root.directory, stored(&root, "escape")), 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, "escape");
	assert_fault(FAULT_SYSTEM, ask(share, stored(&root, "escape"), false, &answer, &why));
}

static void verify__finds_a_long_name_without_its_file(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	char name[221];
	AUTO(share_close) struct share *share = world_share("long", false);
	AUTO(room_done) struct room root = room_at(share, "");
	memset(name, 'a', 220);
	name[220] = 0;
	put_file(&root, name, 10);
	const char *entry = stored(&root, name);
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(unlink(world_path("long/%s.n", entry)), 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, entry);
}

static void verify__finds_an_xattr_and_a_link_that_were_moved(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	uint8_t value[512];
	char one[256], two[256];
	AUTO(share_close) struct share *share = world_share("attrs", false);
	AUTO(room_done) struct room root = room_at(share, "");
	put_file(&root, "file", 10);
	put_xattr(&root, "file", "one", "1");
	put_xattr(&root, "file", "two", "2");
	assert_works(ask(share, "", false, &answer, &why));
	assert_works(name_encode_xattr(root.view->xattr_names, "one", one, &why));
	assert_works(name_encode_xattr(root.view->xattr_names, "two", two, &why));
	AUTO(file_close) int fd = openat(root.directory, stored(&root, "file"), O_RDONLY | O_CLOEXEC);
	ssize_t size = fgetxattr(fd, one, value, sizeof value);
	assert_int_equal(fsetxattr(fd, two, value, (size_t)size, 0), 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, "file");
}

/* -- access lists --------------------------------------------------------------------- */

static void verify__finds_a_list_that_was_rolled_back_and_puts_it_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("rolled", false);
	fill(share);
	AUTO(bytes_done) struct bytes old = world_slurp(world_path("rolled/.fsenc"));
	world_let_in(share, bob, ROLE_READER);
	world_spill(world_path("rolled/.fsenc"), &old);
	assert_fault(FAULT_TAMPERED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_TAMPERED, "");
	assert_works(ask(share, "", true, &answer, &why));
	assert_one(&answer, FINDING_REPAIRED, "");
	assert_int_equal(answer.totals.files, 6);
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
}

static void verify__finds_a_list_that_is_lost_and_puts_it_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("missing", false);
	assert_int_equal(unlink(world_path("missing/.fsenc")), 0);
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_int_equal(answer.kinds[0], FINDING_DAMAGED);
	assert_int_equal(access(world_path("missing/.fsenc"), F_OK), -1);
	assert_works(ask(share, "", true, &answer, &why));
	assert_one(&answer, FINDING_REPAIRED, "");
	/* The second copy is looked after, too. */
	world_remove_tree(world_path("missing/.fsenc-backup"));
	assert_works(ask(share, "", true, &answer, &why));
	assert_one(&answer, FINDING_REPAIRED, "");
	assert_works(ask(share, "", true, &answer, &why));
	assert_int_equal(answer.count, 0);
}

static enum fault close_folder(void *context, const struct folder_file *present,
			       const struct folder_keys *keys, struct folder_file **ret_next, struct why *why)
{
	const struct identity *identity;
	enum fault fault = keyring_identity(context, &identity, why);

	return fault ? fault : folder_change_close(present, keys, identity, ret_next, why);
}

static void verify__misses_a_folder_that_is_gone_unless_it_was_closed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("gone", true);
	assert_int_equal(mkdir(world_path("gone/one"), 0755), 0);
	assert_int_equal(mkdir(world_path("gone/two"), 0755), 0);
	assert_works(folder_protect(share, "one", &why));
	assert_works(folder_protect(share, "two", &why));
	AUTO(file_close) int two = open(world_path("gone/two"), O_PATH | O_DIRECTORY);
	const struct access_place place = {.share = share, .directory = two, .path = "two"};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	assert_works(access_change(&place, close_folder, alice, &file, &why));
	world_remove_tree(world_path("gone/one"));
	world_remove_tree(world_path("gone/two"));
	assert_fault(FAULT_DAMAGED, ask(share, "", false, &answer, &why));
	assert_one(&answer, FINDING_DAMAGED, "one");
}

/* up/.../inner, which bob knows; in `up` he knows nothing. */
static struct access_place nested(struct share *share, const char *name, char **ret_path)
{
	struct why why = WHY_NONE;
	assert_int_equal(mkdir(world_path("%s/up", name), 0755), 0);
	assert_works(folder_protect(share, "up", &why));
	AUTO(room_done) struct room up = room_at(share, "up");
	AUTO(free) char *entry = put_directory(&up, "inner");
	assert_true(asprintf(ret_path, "up/%s", entry) > 0);
	assert_works(folder_protect(share, *ret_path, &why));
	AUTO(folder_unref) struct folder *folder = NULL;
	bool own;
	struct access_place place = {.share = share, .path = *ret_path, .parent = *folder_id_of(up.folder)};
	assert_works(folder_walk(share, *ret_path, &folder, &own, &place.directory, &why));
	assert_works(world_change(&place, (struct world_change){alice, bob, NULL, ROLE_READER}, &why));
	return place;
}

static void verify__does_not_miss_a_nested_folder_that_was_closed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("closed", true);
	AUTO(free) char *path = NULL;
	const struct access_place place = nested(share, "closed", &path);
	AUTO(file_close) int directory = place.directory;
	(void)directory;
	AUTO(share_close) struct share *bobs = world_open(world_path("closed"), bob);
	AUTO(folder_file_free) struct folder_file *file = NULL;
	assert_works(ask(bobs, path, false, &answer, &why));
	assert_int_equal(answer.count, 0);
	/* Two versions bob has not seen, then the last one. */
	assert_works(world_change(&place, (struct world_change){alice, bob, NULL, 0}, &why));
	assert_works(world_change(&place, (struct world_change){alice, bob, NULL, ROLE_WRITER}, &why));
	assert_works(access_change(&place, close_folder, alice, &file, &why));
	world_remove_tree(world_path("closed/%s", path));
	assert_works(ask(bobs, "", false, &answer, &why));
	assert_one(&answer, FINDING_LOCKED, "up");
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
}

static void verify__does_not_miss_a_folder_that_was_moved_where_we_cannot_look(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("away", true);
	AUTO(free) char *path = NULL;
	const struct access_place place = nested(share, "away", &path);
	AUTO(file_close) int directory = place.directory;
	(void)directory;
	AUTO(share_close) struct share *bobs = world_open(world_path("away"), bob);
	assert_works(ask(bobs, path, false, &answer, &why));
	AUTO(room_done) struct room up = room_at(share, "up");
	AUTO(free) char *below = put_directory(&up, "below");
	AUTO(free) char *there = NULL;
	assert_true(asprintf(&there, "away/up/%s/%s", below, stored(&up, "inner")) > 0);
	AUTO(free) char *here = strdup(world_path("away/%s", path));
	assert_int_equal(rename(here, world_path("%s", there)), 0);
	assert_works(ask(bobs, "", false, &answer, &why));
	assert_one(&answer, FINDING_LOCKED, "up");
	/* Below another folder than its own it is not where it may lie. */
	assert_int_equal(rename(world_path("%s", there), world_path("away/elsewhere")), 0);
	assert_fault(FAULT_TAMPERED, ask(bobs, "", false, &answer, &why));
	world_remove_tree(world_path("away/elsewhere"));
	assert_fault(FAULT_DAMAGED, ask(bobs, "", false, &answer, &why));
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.kinds[1], FINDING_DAMAGED);
}

static void verify__takes_a_renamed_folder_for_what_it_is(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	AUTO(share_close) struct share *share = world_share("mv", true);
	assert_int_equal(mkdir(world_path("mv/one"), 0755), 0);
	assert_works(folder_protect(share, "one", &why));
	assert_int_equal(rename(world_path("mv/one"), world_path("mv/two")), 0);
	assert_int_equal(mkdir(world_path("mv/one"), 0755), 0);
	assert_works(ask(share, "", false, &answer, &why));
	assert_int_equal(answer.count, 0);
}

/* -- beside others -------------------------------------------------------------------- */

static atomic_bool enough;

static void *keep_writing(void *context)
{
	const struct room *room = context;
	struct why why = WHY_NONE;
	for (unsigned i = 0; !enough; i++) {
		if (write_file(room, "growing", 1 + (i * 977) % 30000, (uint8_t)i, &why) ||
		    write_file(room, "new", 100, 1, &why))
			return (void *)"a write failed";
		(void)renameat(room->directory, stored(room, "new"), room->directory,
			       stored(room, "renamed"));
		(void)unlinkat(room->directory, stored(room, i % 2 ? "renamed" : "growing"), 0);
	}
	return NULL;
}

static void verify__beside_a_writer_raises_no_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct answer answer;
	pthread_t writer;
	AUTO(share_close) struct share *share = world_share("busy", false);
	AUTO(share_close) struct share *second = world_open(world_path("busy"), alice);
	fill(share);
	AUTO(room_done) struct room root = room_at(second, "");
	enough = false;
	assert_int_equal(pthread_create(&writer, NULL, keep_writing, &root), 0);
	for (int i = 0; i < 60; i++) {
		if (i % 10 == 5)
			world_let_in(share, bob, ROLE_WRITER);
		if (i % 10 == 9)
			world_take_out(share, bob);
		enum fault fault = ask(share, "", false, &answer, &why);
		if (fault || answer.count > 0)
			fail_msg("round %d: %s at '%s': %s", i, fault_name(fault), answer.plain[0],
				 answer.words[0]);
	}
	enough = true;
	void *words;
	assert_int_equal(pthread_join(writer, &words), 0);
	assert_null(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify__of_a_healthy_share_finds_nothing),
		cmocka_unit_test(verify__does_not_look_into_what_is_locked),
		cmocka_unit_test(verify__finds_a_flipped_bit_anywhere_in_a_file),
		cmocka_unit_test(verify__finds_a_file_cut_by_the_storage_and_mends_its_end),
		cmocka_unit_test(verify__lists_plain_files_dropped_into_a_folder_as_foreign),
		cmocka_unit_test(verify__lists_files_in_a_lobby_as_foreign),
		cmocka_unit_test(verify__finds_a_file_of_another_folder),
		cmocka_unit_test(verify__finds_a_file_linked_into_another_folder),
		cmocka_unit_test(verify__does_not_follow_a_planted_link),
		cmocka_unit_test(verify__finds_a_long_name_without_its_file),
		cmocka_unit_test(verify__finds_an_xattr_and_a_link_that_were_moved),
		cmocka_unit_test(verify__finds_a_list_that_was_rolled_back_and_puts_it_back),
		cmocka_unit_test(verify__finds_a_list_that_is_lost_and_puts_it_back),
		cmocka_unit_test(verify__misses_a_folder_that_is_gone_unless_it_was_closed),
		cmocka_unit_test(verify__does_not_miss_a_nested_folder_that_was_closed),
		cmocka_unit_test(verify__does_not_miss_a_folder_that_was_moved_where_we_cannot_look),
		cmocka_unit_test(verify__takes_a_renamed_folder_for_what_it_is),
		cmocka_unit_test(verify__beside_a_writer_raises_no_alarm),
	};
	return cmocka_run_group_tests(tests, world_start, world_end);
}
