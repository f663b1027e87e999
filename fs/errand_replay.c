#include "fs/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/control.h"

static const char *split(const char *path, char directory[static RING_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int length = slash ? (int)(slash - path) : 0;

	(void)snprintf(directory, RING_PATH_MAX, "%.*s", length, path);
	return slash ? slash + 1 : path;
}

static bool is_gone(enum fault fault)
{
	return fault == FAULT_MISSING;
}

static bool mend(int directory, const char *name, const struct folder_view *view,
		 const struct ring_entry *entry)
{
	struct why why = WHY_NONE;
	bool mended = false;
	AUTO(file_close) int fd = file_open_regular(directory, name, O_RDWR, 0);

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO;
	enum fault fault = content_replay(fd, &view->terms, entry, &mended, &why);
	if (fault)
		log_warning("a write that was cut off could not be finished: %s", why_text(&why, fault));
	else if (mended)
		log_info("a write that was cut off is finished");
	return !fault;
}

/* True when the slot is dealt with. A file that is no longer there, or in another folder now, needs nothing.
 */
static bool replay_one(void *context, const struct ring_entry *entry)
{
	struct share *share = context;
	AUTO(folder_unref) struct folder *folder = NULL;
	AUTO(folder_leave) const struct folder_view *view = NULL;
	AUTO(file_close) int directory = -1;
	char path[RING_PATH_MAX];
	bool own;
	const char *name = split(entry->path, path);
	enum fault fault = folder_walk(share, path, &folder, &own, &directory, NULL);

	if (fault || !folder || !folder_id_equal(folder_id_of(folder), &entry->folder))
		return is_gone(fault) || (!fault && (!folder || !folder_id_is_none(folder_id_of(folder))));
	fault = folder_enter(folder, FOLDER_WRITE, &view, NULL);
	return fault ? false : mend(directory, name, view, entry);
}

void errand_replay(struct share *share)
{
	AUTO(free) char *base = NULL;
	AUTO(free) char *directory = NULL;
	struct why why = WHY_NONE;
	enum fault fault = control_directory(&base, &why);

	if (share_options_of(share)->read_only)
		return;
	if (!fault && asprintf(&directory, "%s/ring", base) < 0) {
		directory = NULL;
		fault = FAULT_MEMORY;
	}
	if (!fault)
		fault = ring_each_left(directory, &share_record_of(share)->share, replay_one, share, &why);
	if (fault && fault != FAULT_MISSING)
		log_warning("writes that were cut off stay for later: %s", why_text(&why, fault));
}
