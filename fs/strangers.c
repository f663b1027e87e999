#include "fs/strangers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/access_state.h"
#include "fs/seal.h"
#include "fs/verify_state.h"

/* What goes up and finds its name taken. */
#define OTHER_NAMES 10000
#define OTHER_NAME_MAX 60
_Static_assert(BASE32_LENGTH(NAME_SIV_SIZE + OTHER_NAME_MAX + 6) < NAME_STORED_SIZE, "never stored long");

#define FILE_MODE 0644

/* -- which they are ------------------------------------------------------------------- */

bool stranger_may_be(const char *entry)
{
	enum name_kind kind = name_classify(entry);

	return kind != NAME_OURS && kind != NAME_LEFTOVER && kind != NAME_LONG_FILE;
}

static bool is_of(int directory, const struct folder_view *view, const char *entry)
{
	char plain[NAME_MAX_PLAIN + 1];

	return verify_name(directory, view, entry, plain, NULL) == FAULT_NONE;
}

static bool is_directory(int directory, const char *entry)
{
	struct stat stat;

	return fstatat(directory, entry, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode);
}

static bool holds_only_directories(int directory)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;

	if (file_list_names(directory, &names, NULL) != FAULT_NONE)
		return false;
	for (size_t at = 0; at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (stranger_may_be(name) && !is_directory(directory, name))
			return false;
	}
	return true;
}

/* A folder's access list names the folder that it lies in, and is no good anywhere else. */
static bool may_lie_above(const struct strangers *strangers, int directory)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = file_read(directory, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &text, NULL);

	if (fault == FAULT_MISSING)
		return true;
	if (fault || folder_file_parse(text.data, text.size, &file, NULL) != FAULT_NONE)
		return false;
	return folder_id_equal(&file->record->parent, &strangers->place->parent);
}

static bool may_go_up(const struct strangers *strangers, const char *entry)
{
	int above = strangers->place->directory;
	AUTO(file_close) int fd = openat(above, entry, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? strangers->above || strangers->fresh : false;
	return may_lie_above(strangers, fd) &&
	       (strangers->above || strangers->fresh || (strangers->asked && holds_only_directories(fd)));
}

bool stranger_is_one(const struct strangers *strangers, const char *entry)
{
	int directory = strangers->place->directory;

	return stranger_may_be(entry) && !is_of(directory, strangers->own, entry) &&
	       (!strangers->above || is_of(directory, strangers->above, entry)) &&
	       may_go_up(strangers, entry);
}

/* -- moving a name -------------------------------------------------------------------- */

static bool is_the_same(const struct stat *stat, int parent, const char *entry)
{
	struct stat other;
	int error = errno;
	bool same = fstatat(parent, entry, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		    other.st_dev == stat->st_dev && other.st_ino == stat->st_ino;

	errno = error;
	return same;
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
	/* A process that died between the two has left both. */
	if (linkat(directory, from, parent, to, 0) != 0 && !is_the_same(&stat, parent, to))
		return false;
	return unlinkat(directory, from, 0) == 0;
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

/* A long name's file goes ahead, as a copy: at no moment is the name without it. */
static enum fault copy_name_file(int directory, int parent, const char *file, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = file_read(directory, file, NAME_LONG_MAX, &text, why);

	return fault ? fault : file_replace(parent, file, FILE_MODE, &text, why);
}

/* Not over anything: where its name is taken, it gets another. */
static enum fault move_or_rename(const struct strangers *strangers, int parent, const char *entry,
				 const char *plain, struct why *why)
{
	int directory = strangers->place->directory;
	char to[NAME_MAX_PLAIN + 1];
	enum fault fault = FAULT_NONE;
	bool moved = move_entry(directory, entry, parent, entry);

	for (unsigned i = 1; !moved && !fault && name_is_taken() && i <= OTHER_NAMES; i++) {
		fault = other_name(strangers->above, plain, i, to, why);
		moved = !fault && move_entry(directory, entry, parent, to);
	}
	if (fault || moved || errno == ENOENT)
		return fault;
	return why_set(why, FAULT_PARTIAL,
		       "it is a folder now, but '%s' in it is of the folder above: another client made it at "
		       "this moment",
		       entry);
}

static enum fault move_up(const struct strangers *strangers, int parent, const char *entry, struct why *why)
{
	int directory = strangers->place->directory;
	char plain[NAME_MAX_PLAIN + 1], file[NAME_FILE_SIZE] = "";
	enum fault fault = FAULT_NONE;

	(void)snprintf(plain, sizeof plain, "%s", entry);
	if (strangers->above && verify_name(directory, strangers->above, entry, plain, NULL))
		return FAULT_NONE;
	if (strangers->above && name_classify(entry) == NAME_LONG_ENTRY)
		(void)snprintf(file, sizeof file, "%s" FORMAT_LONG_SUFFIX, entry);
	if (file[0])
		fault = copy_name_file(directory, parent, file, why);
	if (!fault)
		fault = move_or_rename(strangers, parent, entry, plain, why);
	if (!fault && file[0])
		(void)unlinkat(directory, file, 0);
	return fault;
}

/* -- its attributes ------------------------------------------------------------------- */

/* They are sealed with the keys of the folder above until now. */
static enum fault move_attribute(int fd, const char *stored, const struct strangers *strangers,
				 struct why *why)
{
	const struct folder_view *above = strangers->above, *own = strangers->own;
	int flags = strangers->fresh ? 0 : XATTR_CREATE;
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
	if (!fault && fsetxattr(fd, name, sealed.data, sealed.size, flags) != 0 && errno != EEXIST)
		fault = why_system(why, "an attribute cannot be written");
	if (!fault && fremovexattr(fd, stored) != 0)
		fault = why_system(why, "an attribute cannot be removed");
	return fault;
}

bool stranger_is_attribute(const struct strangers *strangers, const char *stored)
{
	char plain[XATTR_NAME_MAX_PLAIN + 1];

	return strangers->above && strncmp(stored, FORMAT_XATTR_PREFIX, strlen(FORMAT_XATTR_PREFIX)) == 0 &&
	       name_decode_xattr(strangers->own->xattr_names, stored, plain, NULL) != FAULT_NONE &&
	       name_decode_xattr(strangers->above->xattr_names, stored, plain, NULL) == FAULT_NONE;
}

/* -- all of them ---------------------------------------------------------------------- */

static enum fault each_name(const struct strangers *strangers, int parent, size_t *count, struct why *why)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	enum fault fault = file_list_names(strangers->place->directory, &names, why);

	for (size_t at = 0; !fault && at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (!stranger_is_one(strangers, name))
			continue;
		if (parent >= 0)
			fault = move_up(strangers, parent, name, why);
		*count += !fault;
	}
	return fault;
}

static enum fault each_attribute(const struct strangers *strangers, bool move, size_t *count, struct why *why)
{
	AUTO(file_close)
	int fd = openat(strangers->place->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char names[XATTR_LIST_MAX];
	ssize_t size = fd < 0 ? 0 : flistxattr(fd, names, sizeof names);
	enum fault fault = FAULT_NONE;

	for (ssize_t at = 0; !fault && at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (!stranger_is_attribute(strangers, names + at))
			continue;
		if (move)
			fault = move_attribute(fd, names + at, strangers, why);
		*count += !fault;
	}
	return fault;
}

static enum fault sync_both(int directory, int parent, struct why *why)
{
	enum fault fault = file_sync_directory(parent, why);

	return fault ? fault : file_sync_directory(directory, why);
}

static enum fault move_all(const struct strangers *strangers, size_t *ret_count, struct why *why)
{
	AUTO(file_close) int lock = -1;
	AUTO(file_close)
	int parent = openat(strangers->place->directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum fault fault = share_refuse_writes(strangers->place->share, why);

	if (!fault && parent < 0)
		fault = why_system(why, "cannot open the directory above");
	if (!fault)
		fault = access_log_lock(strangers->place->directory, ACCESS_LOCK_EXCLUSIVE,
					ACCESS_PATIENCE_MS, &lock, why);
	if (!fault)
		fault = each_attribute(strangers, true, ret_count, why);
	if (!fault)
		fault = each_name(strangers, parent, ret_count, why);
	return fault ? fault : sync_both(strangers->place->directory, parent, why);
}

enum fault strangers_settle(const struct strangers *strangers, size_t *ret_count, struct why *why)
{
	size_t found = 0;
	enum fault fault = each_name(strangers, -1, &found, why);

	*ret_count = 0;
	if (!fault)
		fault = each_attribute(strangers, false, &found, why);
	return fault || found == 0 ? fault : move_all(strangers, ret_count, why);
}

enum fault strangers_settle_folder(struct folder *folder, bool asked, size_t *ret_count, struct why *why)
{
	AUTO(folder_leave) const struct folder_view *own = NULL;
	AUTO(folder_leave) const struct folder_view *above = NULL;
	char path[RING_PATH_MAX];
	struct access_place place = {.share = folder->share, .directory = folder->directory, .path = path};

	*ret_count = 0;
	folder_path(folder, path);
	if (path[0] == 0 || share_options_of(folder->share)->read_only || (!folder->parent && !asked))
		return FAULT_NONE;
	enum fault fault = folder_enter(folder, FOLDER_WRITE, &own, why);
	if (!fault && folder->parent)
		fault = folder_enter(folder->parent, FOLDER_WRITE, &above, why);
	if (fault)
		return fault;
	if (folder->parent)
		place.parent = *folder_id_of(folder->parent);
	const struct strangers strangers = {.place = &place, .own = own, .above = above, .asked = asked};
	fault = strangers_settle(&strangers, ret_count, why);
	if (*ret_count > 0)
		log_info("folder '%s': what was made in it as it became one is where it belongs now", path);
	return fault;
}
