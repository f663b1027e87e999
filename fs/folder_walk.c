/* From a share's root to a place. */
#include "fs/folder_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

/* Where the walk is. */
struct step {
	struct share *share;
	int directory;
	struct folder *folder;
	bool own;
	char path[RING_PATH_MAX];
	size_t length;
};

static void step_done(struct step *step)
{
	file_close(step->directory);
	folder_unref(step->folder);
}
AUTO_VALUE(struct step, step_done);

/* Is the directory we stand in a folder of its own? */
static enum fault arrive(struct step *step, struct why *why)
{
	struct folder *found = NULL;
	enum fault fault = folder_find(step->share, step->directory, step->path, step->folder, &found, why);
	step->own = !fault;
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	folder_unref(step->folder);
	step->folder = found;
	return FAULT_NONE;
}

static enum fault start(struct step *step, struct why *why)
{
	step->directory = fcntl(share_root(step->share), F_DUPFD_CLOEXEC, 0);
	if (step->directory < 0)
		return why_system(why, "cannot hold the root of the share");
	enum fault fault = arrive(step, why);
	if (!fault && !step->folder && !share_record_of(step->share)->lobby)
		fault = why_set(why, FAULT_DAMAGED, "the access list of the root is missing");
	return fault;
}

static enum fault check_component(const char *name, struct why *why)
{
	bool ours = strncmp(name, FORMAT_PREFIX, strlen(FORMAT_PREFIX)) == 0 &&
		    strncmp(name, FORMAT_LONG_PREFIX, strlen(FORMAT_LONG_PREFIX)) != 0;
	if (name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return why_set(why, FAULT_INVALID, "'%s' is no name of a directory", name);
	if (ours)
		return why_set(why, FAULT_FORBIDDEN, "'%s' is none of the share's directories", name);
	return FAULT_NONE;
}

static enum fault descend(struct step *step, const char *name, struct why *why)
{
	enum fault fault = check_component(name, why);
	if (fault)
		return fault;
	int next = openat(step->directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "'%s' does not exist", name);
	if (next < 0)
		return why_system(why, "cannot open '%s'", name);
	file_close(step->directory);
	step->directory = next;
	int added = snprintf(step->path + step->length, sizeof step->path - step->length, "%s%s",
			     step->length > 0 ? "/" : "", name);
	if ((size_t)added >= sizeof step->path - step->length)
		return why_set(why, FAULT_NAME_TOO_LONG, "the path is too long");
	step->length += (size_t)added;
	return arrive(step, why);
}

enum fault folder_walk(struct share *share, const char *stored_path, struct folder **ret_folder,
		       bool *ret_own, int *ret_directory, struct why *why)
{
	AUTO(step_done) struct step step = {.share = share, .directory = -1};
	AUTO(free) char *copy = strdup(stored_path);
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	enum fault fault = start(&step, why);
	char *rest = copy[0] ? copy : NULL;
	while (rest && !fault)
		fault = descend(&step, strsep(&rest, "/"), why);
	if (fault)
		return fault;
	*ret_folder = TAKE(step.folder);
	*ret_own = step.own;
	*ret_directory = step.directory;
	step.directory = -1;
	return FAULT_NONE;
}
