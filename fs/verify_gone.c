/* Pinned folders that are not at their place any more. An admin who removes one leaves its closing record,
 * and whoever renames it, or a directory above it, may do so where we cannot look; so a folder counts as gone
 * only when nothing says that it was closed and it lies nowhere on the share where it may lie. */
#include "fs/verify_state.h"

#include <fcntl.h>

#include "base/file.h"
#include "fs/access_state.h"

/* Names change while we look: what was not met in one walk may be met in the next. */
#define SEARCHES 3

struct missing {
	char *path; /* where it was; NULL: found */
	struct folder_id folder;
};

struct missing_list {
	struct missing *folders;
	size_t count;
	size_t unfound;
};

static void missing_list_done(struct missing_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->folders[i].path);
	free(list->folders);
}
AUTO_VALUE(struct missing_list, missing_list_done);

static void strike_out(struct missing_list *list, size_t which)
{
	free(TAKE(list->folders[which].path));
	list->unfound--;
}

/* -- the pins ------------------------------------------------------------------------- */

/* The keyring is not to be asked while it lists them. */
struct pins {
	const char *below;
	struct bytes paths; /* each ends with a zero */
	enum fault fault;
};

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return length == 0 ||
	       (strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0));
}

static bool collect(void *context, const char *path, const struct pin_folder *pin)
{
	struct pins *pins = context;
	(void)pin;
	if (is_below(path, pins->below))
		pins->fault = bytes_append(&pins->paths, path, strlen(path) + 1, NULL);
	return pins->fault == FAULT_NONE;
}

static enum fault list_pins(struct verify *verify, struct pins *pins, struct why *why)
{
	enum fault fault = keyring_each_folder_pin(
		share_keyring(verify->share), &share_record_of(verify->share)->share, collect, pins, why);

	return fault ? fault : pins->fault;
}

/* By descriptors, never through a link; anything but "not there" counts as there. */
static bool is_gone(struct verify *verify, const char *path)
{
	AUTO(free) char *copy = strdup(path);
	AUTO(file_close) int fd = fcntl(share_root(verify->share), F_DUPFD_CLOEXEC, 0);
	char *rest = copy;

	for (char *name = rest ? strsep(&rest, "/") : NULL; name && *name; name = strsep(&rest, "/")) {
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return errno == ENOENT || errno == ENOTDIR;
		file_close(fd);
		fd = next;
	}
	return false;
}

/* The second copy stands for the directory that is no more: its log leads from our pin to the closing record.
 */
static enum fault was_closed(struct verify *verify, const char *path, struct access_seen *seen,
			     bool *ret_closed, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *last = NULL;
	AUTO(file_close) int backup = -1;
	struct access_place place = {.share = verify->share, .path = path};

	*ret_closed = false;
	if (folder_file_parse(seen->pin.file.data, seen->pin.file.size, &last, NULL) ||
	    access_backup_open(&place, &seen->pin.folder, false, &backup, NULL))
		return FAULT_NONE;
	place.directory = backup;
	place.parent = last->record->parent;
	return access_was_closed(&place, seen, ret_closed, why);
}

static enum fault add(struct missing_list *list, const char *path, const struct folder_id *folder,
		      struct why *why)
{
	struct missing *larger = reallocarray(list->folders, list->count + 1, sizeof *larger);
	if (larger)
		list->folders = larger;
	char *copy = larger ? strdup(path) : NULL;
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	list->folders[list->count++] = (struct missing){copy, *folder};
	list->unfound++;
	return FAULT_NONE;
}

static enum fault add_if_gone(struct verify *verify, const char *path, struct missing_list *list,
			      struct why *why)
{
	const struct access_place place = {.share = verify->share, .directory = -1, .path = path};
	AUTO(access_seen_done) struct access_seen seen = ACCESS_SEEN_NOTHING;
	bool closed = false;
	if (!is_gone(verify, path))
		return FAULT_NONE;
	enum fault fault = access_recall(&place, &seen, why);
	if (fault || !seen.pinned)
		return fault;
	fault = was_closed(verify, path, &seen, &closed, why);
	return fault || closed ? fault : add(list, path, &seen.pin.folder, why);
}

static enum fault find_missing(struct verify *verify, const char *below, struct missing_list *list,
			       struct why *why)
{
	struct pins pins = {.below = below};
	enum fault fault = list_pins(verify, &pins, why);

	for (size_t at = 0; !fault && at < pins.paths.size;) {
		const char *path = (const char *)pins.paths.data + at;
		at += strlen(path) + 1;
		fault = add_if_gone(verify, path, list, why);
	}
	bytes_done(&pins.paths);
	return fault;
}

/* -- the search ----------------------------------------------------------------------- */

static struct folder_id look_into(int directory, const struct folder_id *above, struct missing_list *list)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	if (file_read(directory, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &text, NULL) ||
	    folder_file_parse(text.data, text.size, &file, NULL))
		return *above;
	const struct record *record = file->record;
	for (size_t i = 0; i < list->count; i++)
		if (list->folders[i].path && folder_id_equal(&list->folders[i].folder, &record->folder) &&
		    folder_id_equal(&record->parent, above))
			strike_out(list, i);
	return record->folder;
}

static void search(int directory, const struct folder_id *above, unsigned depth, struct missing_list *list)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	const struct folder_id own = look_into(directory, above, list);
	if (depth >= VERIFY_DEPTH_MAX || file_list_names(directory, &names, NULL))
		return;
	for (size_t at = 0; list->unfound > 0 && at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (name_classify(name) == NAME_OURS)
			continue;
		AUTO(file_close)
		int below = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			search(below, &own, depth + 1, list);
	}
}

static enum fault tell(struct verify *verify, const char *path, struct why *why)
{
	struct verify_mark mark, start = {0, 0};

	verify_pop(verify, &start);
	enum fault fault = verify_push(verify, path, path, &mark, why);
	if (!fault)
		verify_found(verify, FINDING_DAMAGED, "a folder seen here before is gone");
	return fault;
}

enum fault verify_gone(struct verify *verify, const char *below, struct why *why)
{
	const struct folder_id none = {{0}};
	AUTO(missing_list_done) struct missing_list list = {.count = 0};
	enum fault fault = find_missing(verify, below, &list, why);

	for (unsigned i = 0; !fault && i < SEARCHES && list.unfound > 0; i++)
		search(share_root(verify->share), &none, 0, &list);
	for (size_t i = 0; !fault && i < list.count; i++)
		if (list.folders[i].path)
			fault = tell(verify, list.folders[i].path, why);
	return fault;
}
