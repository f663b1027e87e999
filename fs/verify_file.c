#include "fs/verify_state.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/content_state.h"

/* -- files with several names --------------------------------------------------------- */

static bool same_inode(const struct verify_inode *one, const struct verify_inode *other)
{
	return one->inode == other->inode && one->device == other->device &&
	       folder_id_equal(&one->folder, &other->folder);
}

static size_t slot_of(const struct verify *verify, const struct verify_inode *inode)
{
	size_t at = ((size_t)inode->inode * 31 + (size_t)inode->device) % verify->linked_room;

	while (verify->linked[at].inode && !same_inode(&verify->linked[at], inode))
		at = (at + 1) % verify->linked_room;
	return at;
}

static enum fault grow_table(struct verify *verify, struct why *why)
{
	struct verify_inode *before = verify->linked;
	size_t room = verify->linked_room;
	struct verify_inode *larger = calloc(room ? 2 * room : 256, sizeof *larger);
	if (!larger)
		return why_set(why, FAULT_MEMORY, "no memory for the files with several names");
	verify->linked = larger;
	verify->linked_room = room ? 2 * room : 256;
	for (size_t i = 0; i < room; i++)
		if (before[i].inode)
			verify->linked[slot_of(verify, &before[i])] = before[i];
	free(before);
	return FAULT_NONE;
}

/* Contents are looked at under the first name only. */
static enum fault is_seen(struct verify *verify, const struct zone *zone, const struct stat *stat,
			  bool *ret_seen, struct why *why)
{
	const struct verify_inode inode = {stat->st_dev, stat->st_ino, zone->id};
	*ret_seen = false;
	if (stat->st_nlink < 2)
		return FAULT_NONE;
	enum fault fault = 2 * verify->linked_count >= verify->linked_room ? grow_table(verify, why)
									   : FAULT_NONE;
	if (fault)
		return fault;
	size_t at = slot_of(verify, &inode);
	*ret_seen = verify->linked[at].inode != 0;
	verify->linked_count += !*ret_seen;
	verify->linked[at] = inode;
	return FAULT_NONE;
}

/* -- the end -------------------------------------------------------------------------- */

static struct need end_needs(const struct view *view, const void *what)
{
	(void)view;
	(void)what;
	return NEED_ALL;
}

static enum fault mend_act(struct view *view, const void *what, struct why *why)
{
	(void)what;
	return view_mend_end(view, why);
}

/* Not a truncation to the size just seen: somebody may have made the file longer since. */
static const struct operation mend_operation = {end_needs, mend_act, .is_blind = false};

static bool mend_end(struct verify *verify, int directory, const struct zone *zone, const char *entry)
{
	const struct content_options options = {.local = false};
	AUTO(content_free) struct content *content = NULL;
	bool may = verify->options->repair && zone->view->role >= ROLE_WRITER &&
		   !share_options_of(verify->share)->read_only;
	AUTO(file_close) int fd = may ? file_open_regular(directory, entry, O_RDWR, 0) : -1;

	return fd >= 0 && !content_new(&options, &content, NULL) &&
	       !content_change(content, fd, &zone->view->terms, &mend_operation, NULL, NULL) &&
	       fsync(fd) == 0;
}

static void tell_unclean(struct verify *verify, int directory, const struct zone *zone, const char *entry)
{
	bool mended = mend_end(verify, directory, zone, entry);

	verify_found(verify, mended ? FINDING_REPAIRED : FINDING_UNCLEAN,
		     mended ? "it ended without a final block and was given one"
			    : "it ends without a final block: a crash, or cut by the storage");
}

/* -- the contents --------------------------------------------------------------------- */

static bool is_unlinked(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) != 0 || stat.st_nlink == 0;
}

static enum fault read_contents(struct verify *verify, int fd, struct zone *zone,
				struct content_report *ret_report, struct why *why)
{
	enum fault fault = content_verify(fd, &zone->view->terms, ret_report, why);
	if (!fault && ret_report->damaged == 0)
		return FAULT_NONE;
	/* A generation begun since we came by is no damage. */
	uint64_t version = zone->view->version;
	zone_refresh(verify, zone);
	if (zone->view->version != version)
		fault = content_verify(fd, &zone->view->terms, ret_report, why);
	return fault;
}

static enum fault verify_contents(struct verify *verify, int directory, int fd, struct zone *zone,
				  const char *entry, struct why *why)
{
	struct content_report report = {.blocks = 0};
	struct why reason = WHY_NONE;
	enum fault fault = read_contents(verify, fd, zone, &report, &reason);
	if (fault == FAULT_MEMORY)
		return why_set(why, fault, "%s", why_text(&reason, fault));
	if (is_unlinked(fd))
		return FAULT_NONE;
	verify->totals.blocks += (uint64_t)report.blocks;
	if (fault)
		verify_found(verify, FINDING_DAMAGED, "%s", why_text(&reason, fault));
	else if (report.damaged)
		verify_found(verify, FINDING_DAMAGED, "%lld of %lld blocks do not authenticate",
			     (long long)report.damaged, (long long)report.blocks);
	else if (report.unclean)
		tell_unclean(verify, directory, zone, entry);
	return FAULT_NONE;
}

enum fault verify_file(struct verify *verify, int directory, struct zone *zone, const char *entry,
		       const struct stat *stat, struct why *why)
{
	bool seen;
	enum fault fault = is_seen(verify, zone, stat, &seen, why);
	if (fault || seen)
		return fault;
	AUTO(file_close) int fd = file_open_regular(directory, entry, O_RDONLY, 0);
	if (fd < 0) {
		if (errno != ENOENT && errno != ELOOP && errno != ENXIO)
			verify_found(verify, FINDING_LOCKED, "the file cannot be opened: %s",
				     strerror(errno));
		return FAULT_NONE;
	}
	verify->totals.files++;
	verify->totals.bytes += (uint64_t)content_size_of(stat->st_size, zone->view->terms.block_log2);
	fault = verify_contents(verify, directory, fd, zone, entry, why);
	return fault ? fault : verify_xattrs(verify, fd, zone, why);
}
