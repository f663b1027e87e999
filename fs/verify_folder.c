#include "fs/verify_state.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

void zone_done(struct zone *zone)
{
	folder_leave(zone->view);
	free(zone->path);
	*zone = (struct zone){.path = NULL};
}

/* -- the access list ------------------------------------------------------------------ */

static enum fault accept(struct verify *verify, struct zone *zone, struct folder_view **ret_view,
			 bool *ret_stale, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = access_check(&zone->place, &file, why);

	*ret_stale = false;
	if (fault)
		return fault;
	zone->id = file->record->folder;
	fault = folder_view_open(verify->share, file, ret_view, why);
	*ret_stale = fault == FAULT_MISSING;
	return fault;
}

/* Accepts it, and opens it if it is open to us. A list newer than this one, of which the key servers know, gets a
 * minute to arrive. */
static enum fault enter(struct verify *verify, struct zone *zone, struct why *why)
{
	const struct timespec pause = {.tv_sec = 1};
	int64_t until = clock_boot_ms() + FOLDER_STALE_MS;
	struct folder_view *view = NULL;
	bool stale;

	if (zone->path[0] == 0 && share_record_of(verify->share)->lobby)
		return FAULT_MISSING;
	enum fault fault = accept(verify, zone, &view, &stale, why);
	while (stale && clock_boot_ms() < until) {
		(void)nanosleep(&pause, NULL);
		fault = accept(verify, zone, &view, &stale, why);
	}
	if (stale)
		return why_set(why, FAULT_TAMPERED, "its access list is older than one that the key servers know");
	if (fault)
		return fault;
	folder_leave(zone->view);
	zone->view = view;
	return FAULT_NONE;
}

void zone_refresh(struct verify *verify, struct zone *zone)
{
	if (zone)
		(void)!enter(verify, zone, NULL);
}

static bool is_damage(enum fault fault)
{
	return fault == FAULT_TAMPERED || fault == FAULT_MALFORMED || fault == FAULT_DAMAGED ||
	       fault == FAULT_REFUSED;
}

static bool is_gone(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) != 0 || stat.st_nlink == 0;
}

/* Puts back what was lost; also looks after the second copy of a list that is sound. */
static enum fault mend(struct verify *verify, struct zone *zone, enum fault fault, struct why *why)
{
	bool repaired = false;
	if (!verify->options->repair || (fault && !is_damage(fault) && fault != FAULT_LOCKED))
		return fault;
	if (access_repair(&zone->place, &repaired, NULL) || !repaired)
		return fault;
	verify_found(verify, FINDING_REPAIRED, "%s",
		     is_damage(fault) ? why_text(why, fault) : "the second copy of its access list");
	return is_damage(fault) ? enter(verify, zone, why) : fault;
}

/* What cannot be looked into is told and passed over; only trouble of this machine ends the walk. */
static enum fault tell(struct verify *verify, const struct zone *zone, enum fault fault, struct why *why)
{
	if (fault == FAULT_MEMORY || fault == FAULT_KEYRING_READ || fault == FAULT_KEYRING_WRITE)
		return fault;
	if (is_gone(zone->place.directory))
		return FAULT_NONE;
	enum finding_kind kind = fault == FAULT_TAMPERED ? FINDING_TAMPERED
				 : is_damage(fault)	 ? FINDING_DAMAGED
							 : FINDING_LOCKED;
	verify_found(verify, kind, "%s", why_text(why, fault));
	return FAULT_NONE;
}

/* -- going on ------------------------------------------------------------------------- */

static enum fault go_on(struct verify *verify, int fd, struct zone *zone, const char *rest, struct why *why)
{
	struct verify_mark mark;
	char plain[NAME_MAX_PLAIN + 1];
	if (!rest)
		return verify_entries(verify, fd, zone, why);
	AUTO(free) char *name = strndup(rest, strcspn(rest, "/"));
	if (!name)
		return why_set(why, FAULT_MEMORY, "no memory for a name");
	if (name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return why_set(why, FAULT_INVALID, "'%s' is no stored path", rest);
	AUTO(file_close) int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "'%s' does not exist", name);
	if (next < 0)
		return why_system(why, "cannot open '%s'", name);
	bool readable = zone && zone->view && verify_name(fd, zone->view, name, plain, NULL) == FAULT_NONE;
	enum fault fault = verify_push(verify, name, readable ? plain : name, &mark, why);
	const char *slash = strchr(rest, '/');
	if (!fault)
		fault = verify_arrive(verify, next, zone, slash ? slash + 1 : NULL, why);
	verify_pop(verify, &mark);
	return fault;
}

static enum fault in_no_folder(struct verify *verify, int fd, struct zone *above, const char *rest,
			       struct why *why)
{
	bool is_root = verify->stored.size == 0;
	if (is_root && !share_record_of(verify->share)->lobby) {
		verify_found(verify, FINDING_DAMAGED, "the access list of the share's root is missing");
		return FAULT_NONE;
	}
	if (!rest && above && !above->view) {
		verify_found(verify, FINDING_LOCKED, "it lies in a folder that no key of yours opens");
		return FAULT_NONE;
	}
	verify->totals.directories += rest == NULL;
	return go_on(verify, fd, above, rest, why);
}

static enum fault arrive(struct verify *verify, int fd, struct zone *above, const char *rest, struct why *why)
{
	struct why reason = WHY_NONE;
	AUTO(zone_done) struct zone zone = {.path = strdup((const char *)verify->stored.data)};
	if (!zone.path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	zone.place = (struct access_place){
		.share = verify->share,
		.directory = fd,
		.path = zone.path,
		.parent = above ? above->id : (struct folder_id){{0}},
	};
	zone.above = above;
	enum fault fault = enter(verify, &zone, &reason);
	if (fault == FAULT_MISSING)
		return in_no_folder(verify, fd, above, rest, why);
	fault = mend(verify, &zone, fault, &reason);
	/* Below a folder that is closed to us may lie one that is not. */
	if (!fault || (fault == FAULT_LOCKED && rest)) {
		verify->totals.folders += rest == NULL;
		return go_on(verify, fd, &zone, rest, why);
	}
	fault = tell(verify, &zone, fault, &reason);
	if (fault && why)
		*why = reason;
	return fault;
}

enum fault verify_arrive(struct verify *verify, int fd, struct zone *above, const char *rest, struct why *why)
{
	if (verify->depth >= VERIFY_DEPTH_MAX) {
		verify_found(verify, FINDING_LOCKED, "deeper than %d directories: not looked into",
			     VERIFY_DEPTH_MAX);
		return FAULT_NONE;
	}
	verify->depth++;
	enum fault fault = arrive(verify, fd, above, rest, why);
	verify->depth--;
	return fault;
}
