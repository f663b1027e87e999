/* fsenc umount */
#include "base/file.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/mounts.h"
#include "fs/control.h"
#include "keys/fields.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNT_TYPE "fuse.fsenc"
#define GONE_WITHIN_MS 60000 /* what the daemon may need to write back */

const struct option_row options_umount[] = {
	{"lazy", 'z', NULL, "let go now, although it is in use; it ends when nobody uses it any more",
	 OPTION_FLAG, OPTION_AT(lazy)},
	OPTION_ROWS_END,
};

static enum fault check_is_ours(struct call *call, const char *path, struct why *why)
{
	AUTO(free) char *type = NULL;
	enum fault fault = mounts_type_at(path, &type, why);

	if (!fault && !type)
		fault = why_set(why, FAULT_MOUNT_POINT, "nothing is mounted at '%s'", path);
	else if (!fault && strcmp(type, MOUNT_TYPE) != 0)
		fault = why_set(why, FAULT_MOUNT_POINT, "what is mounted at '%s' is no share (%s)", path,
				type);
	return call_hint(call, fault, "'fsenc status' lists the mounts");
}

static int process_open(json_int_t process)
{
	return process > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)process, 0) : -1;
}

/* A descriptor of the mount's process, that becomes readable when it ends; -1 when it is not known. */
static int watch(const char *path)
{
	AUTO(json_decref) json_t *mounts = NULL;
	const json_t *mount;
	size_t i;

	if (control_ask_all(&mounts, NULL))
		return -1;
	json_array_foreach(mounts, i, mount)
	{
		const char *directory = json_string_value(json_object_get(mount, "dir"));

		if (directory && !strcmp(directory, path))
			return process_open(json_integer_value(json_object_get(mount, "pid")));
	}
	return -1;
}

static enum fault let_go(struct call *call, const char *path, struct why *why)
{
	const char *const argv[] = {"fusermount3", "-u", call->options->lazy ? "-qz" : "-q",
				    "--",	   path, NULL};
	char words[256];
	size_t size = 0;
	enum fault fault = child_run(argv, CHILD_STDERR, words, sizeof(words) - 1, &size, why);
	AUTO(free) char *type = NULL;

	if (!fault)
		return FAULT_NONE;
	if (fault == FAULT_MISSING)
		return call_hint(call, fault, "apt install fuse3");
	if (mounts_type_at(path, &type, NULL) == FAULT_NONE && !type)
		return FAULT_NONE; /* somebody else was faster */
	words[size] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return call_hint(call, why_set(why, FAULT_BUSY, "'%s' is in use%s%s", path, size ? ": " : "", words),
			 "'fuser -vm %s' shows by whom; 'fsenc umount --lazy' does not wait for them", path);
}

static enum fault wait_until_gone(const char *path, int process, struct why *why)
{
	struct pollfd wait = {.fd = process, .events = POLLIN};
	AUTO(free) char *type = NULL;
	enum fault fault;
	int ready = 1;

	if (process >= 0) {
		do
			ready = poll(&wait, 1, GONE_WITHIN_MS);
		while (ready < 0 && errno == EINTR);
	}
	if (!ready)
		return why_set(why, FAULT_BUSY, "the mount at '%s' is gone, but its process still writes",
			       path);
	fault = mounts_type_at(path, &type, why);
	if (!fault && type && !strcmp(type, MOUNT_TYPE))
		return why_set(why, FAULT_BUSY, "another mount lies at '%s'", path);
	return fault;
}

enum fault cmd_umount(struct call *call, struct why *why)
{
	AUTO(free) char *path = NULL;
	AUTO(file_close) int process = -1;
	enum fault fault = mounts_path(call->arguments[0], &path, why);

	if (!fault)
		fault = check_is_ours(call, path, why);
	if (fault)
		return fault;
	process = watch(path);
	fault = let_go(call, path, why);
	if (fault || call->options->lazy)
		return fault;
	return wait_until_gone(path, process, why);
}
