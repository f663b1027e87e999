/* Making an empty directory a folder.
 *
 * A mount looks for `.fsenc` in a directory before it makes a name there, but not again within a second. So
 * what another client makes in this one, in the moment in which it becomes a folder, may still be of the
 * folder above, and in here nobody could read it. Hence, where the share is mounted: first `.fsenc`, then a
 * second's patience, and what is then found to be of the folder above goes up to where it belongs. */
#include "fs/folder_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fs/access_groups.h"
#include "fs/seal.h"
#include "fs/verify_state.h"
#include "keys/keyring_certified.h"

/* The look, and an operation that was on its way when it was due. */
#define PATIENCE_MS (LOOK_INTERVAL_MS + 100)

/* What goes up and finds its name taken. */
#define OTHER_NAMES 10000
#define OTHER_NAME_MAX 60
_Static_assert(BASE32_LENGTH(NAME_SIV_SIZE + OTHER_NAME_MAX + 6) < NAME_STORED_SIZE, "never stored long");

/* -- what is in the directory --------------------------------------------------------- */

static bool may_be_a_name(const char *entry)
{
	enum name_kind kind = name_classify(entry);

	return kind != NAME_OURS && kind != NAME_LEFTOVER && kind != NAME_LONG_FILE;
}

static enum fault check_empty(int directory, struct why *why)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	enum fault fault = file_list_names(directory, &names, why);

	for (size_t at = 0; !fault && at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (may_be_a_name(name))
			fault = why_set(why, FAULT_INVALID, "the directory is not empty");
	}
	return fault;
}

static bool is_of(int directory, const struct folder_view *view, const char *entry)
{
	char plain[NAME_MAX_PLAIN + 1];

	return verify_name(directory, view, entry, plain, NULL) == FAULT_NONE;
}

/* Where the share has no RENAME_NOREPLACE (NFS, sshfs): a second name instead, which is not made over
 * anything either; a directory has none, and replaces nothing but an empty one. */
static bool move_without_flag(int directory, const char *from, int parent, const char *to)
{
	struct stat stat;
	if (fstatat(directory, from, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (S_ISDIR(stat.st_mode))
		return renameat(directory, from, parent, to) == 0;
	return linkat(directory, from, parent, to, 0) == 0 && unlinkat(directory, from, 0) == 0;
}

static bool move_entry(int directory, const char *from, int parent, const char *to)
{
	return renameat2(directory, from, parent, to, RENAME_NOREPLACE) == 0 ||
	       (errno == EINVAL && move_without_flag(directory, from, parent, to));
}

static bool name_is_taken(void)
{
	return errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR || errno == EISDIR;
}

/* `plain~number`, cut between characters to what is never stored as a long name. */
static enum fault other_name(const struct folder_view *above, const char *plain, unsigned number,
			     char ret_entry[static NAME_MAX_PLAIN + 1], struct why *why)
{
	char text[OTHER_NAME_MAX + 16];
	struct stored_name stored;
	size_t length = strnlen(plain, OTHER_NAME_MAX + 1);
	if (length > OTHER_NAME_MAX)
		for (length = OTHER_NAME_MAX; length > 1 && ((uint8_t)plain[length] & 0xc0) == 0x80;)
			length--;
	(void)snprintf(text, sizeof text, "%.*s~%u", (int)length, plain, number);
	enum fault fault = above ? name_encode(above->names, text, &stored, why) : FAULT_NONE;
	if (!fault)
		(void)snprintf(ret_entry, NAME_MAX_PLAIN + 1, "%s", above ? stored.entry : text);
	return fault;
}

/* Not over anything: where its name is taken, it gets another. A long name's file goes ahead; the same one
 * may be there already. */
static enum fault move_up(int directory, int parent, const struct folder_view *above, const char *entry,
			  struct why *why)
{
	char plain[NAME_MAX_PLAIN + 1], to[NAME_MAX_PLAIN + 1], file[NAME_FILE_SIZE];
	bool is_long = name_classify(entry) == NAME_LONG_ENTRY;
	enum fault fault = FAULT_NONE;
	(void)snprintf(plain, sizeof plain, "%s", entry);
	if (above && verify_name(directory, above, entry, plain, NULL))
		return FAULT_NONE;
	(void)snprintf(file, sizeof file, "%s" FORMAT_LONG_SUFFIX, is_long ? entry : "");
	if (is_long)
		(void)move_entry(directory, file, parent, file);
	bool moved = move_entry(directory, entry, parent, entry);
	for (unsigned i = 1; !moved && !fault && name_is_taken() && i <= OTHER_NAMES; i++) {
		fault = other_name(above, plain, i, to, why);
		moved = !fault && move_entry(directory, entry, parent, to);
	}
	if (moved && is_long)
		(void)unlinkat(directory, file, 0);
	if (fault || moved || errno == ENOENT)
		return fault;
	return why_set(why, FAULT_PARTIAL,
		       "it is a folder now, but '%s' in it is of the folder above: another client made it at "
		       "this moment",
		       entry);
}

/* `above` is NULL in a lobby, where names are in clear. */
static enum fault move_strangers_up(int directory, const struct folder_view *above,
				    const struct folder_view *own, struct why *why)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	AUTO(file_close) int parent = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum fault fault = parent < 0 ? why_system(why, "cannot open the directory above") : FAULT_NONE;

	if (!fault)
		fault = file_list_names(directory, &names, why);
	for (size_t at = 0; !fault && at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (may_be_a_name(name) && !is_of(directory, own, name) &&
		    (!above || is_of(directory, above, name)))
			fault = move_up(directory, parent, above, name, why);
	}
	return fault;
}

/* -- its attributes ------------------------------------------------------------------- */

/* They are sealed with the keys of the folder above until now. */
static enum fault move_attribute(int fd, const char *stored, const struct folder_view *above,
				 const struct folder_view *own, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes value = BYTES_EMPTY;
	char plain[XATTR_NAME_MAX_PLAIN + 1];
	char name[256];
	enum fault fault = bytes_reserve(&sealed, XATTR_SIZE_MAX, why);
	if (fault)
		return fault;
	ssize_t size = fgetxattr(fd, stored, sealed.data, XATTR_SIZE_MAX);
	if (size < 0)
		return errno == ENODATA ? FAULT_NONE : why_system(why, "an attribute cannot be read");
	fault = name_decode_xattr(above->xattr_names, stored, plain, why);
	if (!fault)
		fault = seal_open_xattr(above->terms.keys, above->terms.min_read, plain, sealed.data,
					(size_t)size, &value, why);
	if (!fault)
		fault = name_encode_xattr(own->xattr_names, plain, name, why);
	bytes_done(&sealed);
	if (!fault)
		fault = seal_xattr(own->terms.keys, plain, value.data, value.size, &sealed, why);
	if (!fault && fsetxattr(fd, name, sealed.data, sealed.size, 0) != 0)
		fault = why_system(why, "an attribute cannot be written");
	if (!fault && fremovexattr(fd, stored) != 0)
		fault = why_system(why, "an attribute cannot be removed");
	return fault;
}

static enum fault move_attributes(int directory, const struct folder_view *above,
				  const struct folder_view *own, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char names[XATTR_LIST_MAX];
	char plain[XATTR_NAME_MAX_PLAIN + 1];
	ssize_t size = fd < 0 ? 0 : flistxattr(fd, names, sizeof names);
	enum fault fault = FAULT_NONE;

	for (ssize_t at = 0; !fault && at < size; at += (ssize_t)strlen(names + at) + 1)
		if (strncmp(names + at, FORMAT_XATTR_PREFIX, strlen(FORMAT_XATTR_PREFIX)) == 0 &&
		    name_decode_xattr(own->xattr_names, names + at, plain, NULL))
			fault = move_attribute(fd, names + at, above, own, why);
	return fault;
}

/* -- the folder ----------------------------------------------------------------------- */

static enum fault make_folder(const struct access_place *place, struct folder_file **ret_file,
			      struct why *why)
{
	const struct share_record *share = share_record_of(place->share);
	const struct identity *identity = share_identity(place->share);
	if (!identity)
		return why_set(why, FAULT_LOCKED, "the keyring is locked; run 'fsenc unlock'");
	AUTO(certificate_free) struct certificate *creator = NULL;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = keyring_shown_certificate(share_keyring(place->share), &creator, why);
	if (fault)
		return fault;
	struct folder_new_options options = {
		.organisation = share->organisation,
		.share = share->share,
		.parent = place->parent,
		.suite = suite_default(),
		.creator = creator,
	};
	AUTO(access_recovery_done) struct access_recovery recovery = {.count = 0};
	fault = access_require_recovery(place->share, &recovery, &options, why);
	if (!fault)
		fault = folder_new(&options, identity, &file, &keys, why);
	if (!fault)
		fault = access_create(place, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

static void wait_for_looks(void)
{
	int64_t until = clock_boot_ms() + PATIENCE_MS;
	const struct timespec pause = {.tv_nsec = 10 * 1000000L};

	while (clock_boot_ms() < until)
		(void)nanosleep(&pause, NULL);
}

static enum fault settle(const struct access_place *place, const struct folder_view *above,
			 const struct folder_file *file, struct why *why)
{
	struct folder_view *made = NULL;
	enum fault fault = folder_view_new(place->share, file, &made, why);
	AUTO(folder_leave) const struct folder_view *own = made;
	if (!fault && above)
		fault = move_attributes(place->directory, above, own, why);
	if (fault || !share_is_mounted(place->share))
		return fault;
	wait_for_looks();
	fault = move_strangers_up(place->directory, above, own, why);
	return fault || !above ? fault : move_attributes(place->directory, above, own, why);
}

static enum fault protect(const struct access_place *place, const struct folder_view *above, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = check_empty(place->directory, why);

	if (!fault)
		fault = make_folder(place, &file, why);
	return fault ? fault : settle(place, above, file, why);
}

enum fault folder_protect(struct share *share, const char *stored_path, struct why *why)
{
	AUTO(folder_unref) struct folder *parent = NULL;
	AUTO(folder_leave) const struct folder_view *above = NULL;
	AUTO(file_close) int directory = -1;
	bool own;
	if (stored_path[0] == 0)
		return why_set(why, FAULT_INVALID,
			       "the root of a share is made a folder by 'fsenc init' only");
	enum fault fault = folder_walk(share, stored_path, &parent, &own, &directory, why);
	if (!fault && own)
		fault = why_set(why, FAULT_EXISTS, "the directory is a folder already");
	if (!fault && parent)
		fault = why_in(why, folder_enter(parent, FOLDER_WRITE, &above, why), "the folder it is in");
	if (fault)
		return fault;
	const struct access_place place = {
		.share = share,
		.directory = directory,
		.path = stored_path,
		.parent = parent ? *folder_id_of(parent) : (struct folder_id){{0}},
	};
	return protect(&place, above, why);
}
