#include "fs/verify_state.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/seal.h"

#define STRANGE_WORDS \
	"of the folder above, from when this directory became a folder; 'fsenc verify --repair' puts it there"

/* -- names ---------------------------------------------------------------------------- */

static enum fault read_long(int directory, const char *entry, struct bytes *ret_text, struct why *why)
{
	char name[NAME_MAX + 1];
	if (snprintf(name, sizeof name, "%s%s", entry, FORMAT_LONG_SUFFIX) >= (int)sizeof name)
		return why_set(why, FAULT_MALFORMED, "no long-name file can belong to it");
	enum fault fault = file_read(directory, name, NAME_LONG_MAX, ret_text, why);
	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_DAMAGED, "its long-name file is missing");
	if (!fault && !name_long_matches(entry, (const char *)ret_text->data, ret_text->size))
		fault = why_set(why, FAULT_DAMAGED, "its long-name file is of another entry");
	return fault;
}

static enum fault decode(const struct folder_view *view, const char *text, size_t size,
			 char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why)
{
	enum fault fault = name_decode(view->names, text, size, ret_plain, why);

	if (fault && view->names_from)
		fault = name_decode(view->names_from, text, size, ret_plain, why);
	return fault;
}

static bool has_vanished(int directory, const char *entry)
{
	struct stat stat;

	return fstatat(directory, entry, &stat, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

enum fault verify_name(int directory, const struct folder_view *view, const char *entry,
		       char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	bool is_long = name_classify(entry) == NAME_LONG_ENTRY;
	enum fault fault = is_long ? read_long(directory, entry, &text, why)
				   : bytes_append_text(&text, entry, why);
	if (!fault)
		fault = decode(view, (const char *)text.data, text.size, ret_plain, why);
	if (fault && has_vanished(directory, entry))
		return why_set(why, FAULT_MISSING, "it vanished");
	return fault;
}

/* -- link targets --------------------------------------------------------------------- */

static enum fault open_target(int directory, const struct zone *zone, const char *entry, struct why *why)
{
	AUTO(bytes_done) struct bytes target = BYTES_EMPTY;
	char text[PATH_MAX];
	ssize_t size = readlinkat(directory, entry, text, sizeof text);
	if (size < 0 && (errno == ENOENT || errno == EINVAL))
		return FAULT_NONE;
	if (size < 0)
		return why_system(why, "the link cannot be read");
	const struct content_terms *terms = &zone->view->terms;
	return seal_open_symlink(terms->keys, terms->min_read, text, (size_t)size, &target, why);
}

static enum fault verify_symlink(struct verify *verify, int directory, struct zone *zone, const char *entry)
{
	struct why reason = WHY_NONE;
	enum fault fault = open_target(directory, zone, entry, &reason);

	verify->totals.symlinks++;
	if (fault) {
		zone_refresh(verify, zone);
		fault = open_target(directory, zone, entry, &reason);
	}
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault)
		verify_found(verify, FINDING_DAMAGED, "its target: %s", why_text(&reason, fault));
	return FAULT_NONE;
}

/* -- xattrs --------------------------------------------------------------------------- */

static enum fault read_value(int fd, const char *name, struct bytes *ret_value, bool *ret_gone,
			     struct why *why)
{
	enum fault fault = bytes_reserve(ret_value, XATTR_SIZE_MAX, why);
	if (fault)
		return fault;
	ssize_t size = fgetxattr(fd, name, ret_value->data, XATTR_SIZE_MAX);
	*ret_gone = size < 0 && errno == ENODATA;
	if (size < 0 && !*ret_gone)
		return why_system(why, "an extended attribute cannot be read");
	ret_value->size = size < 0 ? 0 : (size_t)size;
	return FAULT_NONE;
}

static enum fault open_xattr(int fd, const struct folder_view *view, const char *stored, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes value = BYTES_EMPTY;
	char plain[XATTR_NAME_MAX_PLAIN + 1];
	bool gone = false;
	enum fault fault = name_decode_xattr(view->xattr_names, stored, plain, why);
	/* While names move to a new generation, those of xattrs may still be of the one before. */
	if (fault && view->names_from)
		return FAULT_NONE;
	if (!fault)
		fault = read_value(fd, stored, &sealed, &gone, why);
	if (fault || gone)
		return fault;
	return seal_open_xattr(view->terms.keys, view->terms.min_read, plain, sealed.data, sealed.size,
			       &value, why);
}

static enum fault verify_xattr(struct verify *verify, int fd, struct zone *zone, const char *stored)
{
	struct why reason = WHY_NONE;
	enum fault fault = open_xattr(fd, zone->view, stored, &reason);

	if (fault) {
		zone_refresh(verify, zone);
		fault = open_xattr(fd, zone->view, stored, &reason);
	}
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault && fgetxattr(fd, stored, NULL, 0) >= 0)
		verify_found(verify, FINDING_DAMAGED, "an extended attribute: %s",
			     verify_finds_strange_attribute(zone, stored) ? STRANGE_WORDS
									  : why_text(&reason, fault));
	return FAULT_NONE;
}

enum fault verify_xattrs(struct verify *verify, int fd, struct zone *zone, struct why *why)
{
	char names[XATTR_LIST_MAX];
	ssize_t size = flistxattr(fd, names, sizeof names);
	enum fault fault = FAULT_NONE;

	for (ssize_t at = 0; !fault && at < size; at += (ssize_t)strlen(names + at) + 1)
		if (strncmp(names + at, FORMAT_XATTR_PREFIX, strlen(FORMAT_XATTR_PREFIX)) == 0)
			fault = verify_xattr(verify, fd, zone, names + at);
	return fault ? why_set(why, fault, "no memory for an extended attribute") : FAULT_NONE;
}

/* -- one entry ------------------------------------------------------------------------ */

static const char *sort_of(mode_t mode)
{
	return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "link" : "special file";
}

static enum fault verify_subdirectory(struct verify *verify, int directory, struct zone *zone,
				      const char *entry, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, entry, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return verify_arrive(verify, fd, zone, NULL, why);
	if (errno != ENOENT && errno != ENOTDIR)
		verify_found(verify, FINDING_LOCKED, "the directory cannot be opened: %s", strerror(errno));
	return FAULT_NONE;
}

/* What the entry is, now that its name is known (or is in clear). */
static enum fault verify_kind(struct verify *verify, int directory, struct zone *zone, const char *entry,
			      const struct stat *stat, struct why *why)
{
	if (S_ISDIR(stat->st_mode))
		return verify_subdirectory(verify, directory, zone, entry, why);
	if (!zone)
		verify_found(verify, FINDING_FOREIGN, "a %s in a lobby", sort_of(stat->st_mode));
	else if (S_ISREG(stat->st_mode))
		return verify_file(verify, directory, zone, entry, stat, why);
	else if (S_ISLNK(stat->st_mode))
		return verify_symlink(verify, directory, zone, entry);
	return FAULT_NONE;
}

/* Is it one of ours by its first bytes, or did somebody drop in a file whose name only looks like ours? */
static bool looks_foreign(int directory, const char *entry, const struct stat *stat)
{
	char magic[sizeof HEADER_MAGIC - 1];
	AUTO(file_close)
	int fd = !S_ISREG(stat->st_mode) || stat->st_size == 0
			 ? -1
			 : file_open_regular(directory, entry, O_RDONLY, 0);

	return fd >= 0 && (pread(fd, magic, sizeof magic, 0) != (ssize_t)sizeof magic ||
			   memcmp(magic, HEADER_MAGIC, sizeof magic) != 0);
}

static enum fault verify_bad_name(struct verify *verify, int directory, struct zone *zone, const char *entry,
				  const struct stat *stat, const char *words, struct why *why)
{
	struct verify_mark mark;
	bool strange = verify_finds_stranger(directory, zone, entry);
	if (has_vanished(directory, entry))
		return FAULT_NONE;
	enum fault fault = verify_push(verify, entry, entry, &mark, why);
	if (fault)
		return fault;
	if (strange)
		verify_found(verify, FINDING_DAMAGED, "its name: " STRANGE_WORDS);
	else if (looks_foreign(directory, entry, stat))
		verify_found(verify, FINDING_FOREIGN, "a plain file inside a folder");
	else
		verify_found(verify, FINDING_DAMAGED, "its name: %s", words);
	verify_pop(verify, &mark);
	return FAULT_NONE;
}

static enum fault find_name(struct verify *verify, int directory, struct zone *zone, const char *entry,
			    char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why)
{
	enum fault fault = verify_name(directory, zone->view, entry, ret_plain, why);

	if (fault && fault != FAULT_MISSING) {
		zone_refresh(verify, zone);
		fault = verify_name(directory, zone->view, entry, ret_plain, why);
	}
	return fault;
}

static enum fault verify_named(struct verify *verify, int directory, struct zone *zone, const char *entry,
			       const struct stat *stat, struct why *why)
{
	char plain[NAME_MAX_PLAIN + 1];
	struct why reason = WHY_NONE;
	struct verify_mark mark;
	enum fault fault = zone ? find_name(verify, directory, zone, entry, plain, &reason) : FAULT_NONE;
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (fault == FAULT_MEMORY)
		return why_set(why, fault, "no memory for a name");
	if (fault)
		return verify_bad_name(verify, directory, zone, entry, stat, why_text(&reason, fault), why);
	fault = verify_push(verify, entry, zone ? plain : entry, &mark, why);
	if (!fault)
		fault = verify_kind(verify, directory, zone, entry, stat, why);
	verify_pop(verify, &mark);
	return fault;
}

static enum fault verify_foreign(struct verify *verify, const char *entry, const struct stat *stat,
				 struct why *why)
{
	struct verify_mark mark;
	enum fault fault = verify_push(verify, entry, entry, &mark, why);
	if (!fault)
		verify_found(verify, FINDING_FOREIGN, "a plain %s inside a folder", sort_of(stat->st_mode));
	verify_pop(verify, &mark);
	return fault;
}

static enum fault verify_entry(struct verify *verify, int directory, struct zone *zone, const char *entry,
			       struct why *why)
{
	enum name_kind kind = name_classify(entry);
	struct stat stat;
	if (kind == NAME_OURS || kind == NAME_LEFTOVER || (kind == NAME_LONG_FILE && zone))
		return FAULT_NONE;
	if (fstatat(directory, entry, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return FAULT_NONE;
	if (zone && kind == NAME_FOREIGN && !verify_finds_stranger(directory, zone, entry))
		return has_vanished(directory, entry) ? FAULT_NONE
						      : verify_foreign(verify, entry, &stat, why);
	return verify_named(verify, directory, zone, entry, &stat, why);
}

/* -- a directory ---------------------------------------------------------------------- */

static enum fault verify_own_xattrs(struct verify *verify, int directory, struct zone *zone, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || !zone ? FAULT_NONE : verify_xattrs(verify, fd, zone, why);
}

static enum fault verify_each(struct verify *verify, int fd, struct zone *zone, const struct bytes *names,
			      struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t at = 0; !fault && at < names->size;) {
		const char *name = (const char *)names->data + at;
		at += strlen(name) + 1;
		fault = verify_entry(verify, fd, zone, name, why);
		if (verify->options->progress)
			verify->options->progress(verify->options->context, &verify->totals);
	}
	return fault;
}

enum fault verify_entries(struct verify *verify, int fd, struct zone *zone, struct why *why)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	struct why reason = WHY_NONE;
	enum fault fault = zone && fd == zone->place.directory ? verify_settle(verify, zone, why)
							       : FAULT_NONE;
	if (fault)
		return fault;
	fault = file_list_names(fd, &names, &reason);
	if (fault == FAULT_MEMORY)
		return why_set(why, fault, "no memory for a listing");
	/* A directory removed meanwhile lists nothing, or is not there. */
	if (fault && reason.error != ENOENT && reason.error != ESTALE)
		verify_found(verify, FINDING_LOCKED, "%s", why_text(&reason, fault));
	if (!fault)
		fault = verify_own_xattrs(verify, fd, zone, why);
	else
		fault = FAULT_NONE;
	return fault ? fault : verify_each(verify, fd, zone, &names, why);
}
