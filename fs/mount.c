#include "fs/mount.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/applock.h"
#include "fs/complaint.h"
#include "fs/control.h"
#include "fs/device.h"
#include "fs/errand.h"
#include "fs/group_news.h"
#include "fs/loop.h"
#include "fs/ops.h"
#include "fs/readahead.h"
#include "fs/ring.h"
#include "fs/status.h"
#include "fs/watch.h"
#include "keys/contact.h"

#define BUSY_PATIENCE_MS 2000
#define BUSY_PAUSE_NS 50000000L

/* -- the mount point -------------------------------------------------------------------------------- */

static bool lies_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/' || directory[length - 1] == '/');
}

static void auto_closedir(DIR **listing)
{
	if (*listing)
		(void)closedir(*listing);
}

static enum fault check_empty(const char *directory, struct why *why)
{
	AUTO(closedir) DIR *listing = opendir(directory);
	size_t count = 0;

	if (!listing)
		return why_set(why, FAULT_MOUNT_POINT, "'%s' cannot be read: %s", directory, strerror(errno));
	while (readdir(listing))
		count++;
	if (count > 2)
		return why_set(why, FAULT_MOUNT_POINT, "'%s' is not empty", directory);
	return FAULT_NONE;
}

static enum fault check_mount_point(const char *directory, const char *share, char **ret_path,
				    struct why *why)
{
	struct stat found;
	AUTO(free) char *path = realpath(directory, NULL);

	if (!path && errno == ENOTCONN)
		return why_set(why, FAULT_MOUNT_POINT, "a mount that died is still at '%s'", directory);
	if (!path || stat(path, &found) != 0)
		return why_set(why, FAULT_MOUNT_POINT, "'%s': %s", directory, strerror(errno));
	if (!S_ISDIR(found.st_mode))
		return why_set(why, FAULT_MOUNT_POINT, "'%s' is not a directory", directory);
	if (lies_below(path, share))
		return why_set(why, FAULT_MOUNT_POINT, "'%s' lies inside the share", directory);
	if (getxattr(path, FORMAT_XATTR_PREFIX "share", NULL, 0) >= 0)
		return why_set(why, FAULT_MOUNT_POINT, "a share is mounted at '%s' already", directory);
	enum fault fault = check_empty(path, why);
	if (!fault)
		*ret_path = TAKE(path);
	return fault;
}

/* -- the session ------------------------------------------------------------------------------------ */

struct session {
	struct fuse_args args;
	struct fuse_session *fuse;
	bool mounted;
};

/* Closes the connection: whoever waits for the kernel comes back. */
static void session_unmount(struct session *session)
{
	if (session->mounted)
		fuse_session_unmount(session->fuse);
	session->mounted = false;
}
AUTO_POINTER(struct session *, session_unmount);

static void session_done(struct session *session)
{
	session_unmount(session);
	if (session->fuse)
		fuse_session_destroy(session->fuse);
	fuse_opt_free_args(&session->args);
}
AUTO_VALUE(struct session, session_done);

/* What our options mean to libfuse. The storage is not trusted: its set-user-id bits and device files never
 * count. */
static char *session_options(const struct mount_options *options, const char *share)
{
	char max_read[32];
	const struct {
		bool wanted;
		const char *text;
	} rows[] = {
		{true, "nosuid,nodev,subtype=fsenc"},
		{true, max_read},
		{options->read_only, "ro"},
		{options->noexec, "noexec"},
		{options->allow_other, "allow_other"},
		{options->auto_unmount, "auto_unmount"},
		/* Whoever else may come in is checked by the kernel: to the storage all are the user who
		   mounted. */
		{options->default_permissions || options->allow_other, "default_permissions"},
	};
	AUTO(free) char *name = NULL;
	char *text = NULL;
	(void)snprintf(max_read, sizeof(max_read), "max_read=%d", READAHEAD_REQUEST);
	int failed = asprintf(&name, "fsname=%s", options->fsname ? options->fsname : share) < 0;

	for (size_t i = 0; !failed && i < sizeof(rows) / sizeof(rows[0]); i++)
		failed = rows[i].wanted && fuse_opt_add_opt(&text, rows[i].text) != 0;
	if (!failed)
		failed = fuse_opt_add_opt_escaped(&text, name) != 0;
	if (!failed)
		return text;
	free(text);
	return NULL;
}

static enum fault session_open(struct tree *tree, const char *directory, struct session *session,
			       struct why *why)
{
	AUTO(free) char *options = session_options(tree->options, share_path(tree->share));

	if (!options || fuse_opt_add_arg(&session->args, "fsenc") != 0 ||
	    fuse_opt_add_arg(&session->args, "-o") != 0 || fuse_opt_add_arg(&session->args, options) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	session->fuse = fuse_session_new(&session->args, &ops_table, sizeof(ops_table), tree);
	if (!session->fuse)
		return why_set(why, FAULT_FAILED, "FUSE does not start");
	if (fuse_session_mount(session->fuse, directory) != 0)
		return why_set(why, FAULT_MOUNT_POINT, "FUSE cannot mount at '%s'", directory);
	session->mounted = true;
	tree->session = session->fuse;
	return device_prepare(session->fuse, why);
}

/* -- everything together ------------------------------------------------------------------------------ */

struct mounted {
	struct tree *tree;
	const char *directory;
};

static json_t *answer(void *context)
{
	const struct mounted *mounted = context;

	return status_of(mounted->tree, mounted->directory);
}

static void wake(void *context)
{
	const struct mounted *mounted = context;
	struct contacts *contacts = share_contacts(mounted->tree->share);

	if (contacts)
		contacts_wake(contacts);
}

static void start_control(struct mounted *mounted, struct control **ret_control)
{
	const struct control_handler handler = {.answer = answer, .wake = wake, .context = mounted};
	struct why why = WHY_NONE;
	enum fault fault = control_start(&handler, ret_control, &why);

	if (fault)
		log_warning("'fsenc status' will not show this mount: %s", why_text(&why, fault));
}

static void warn_of_locks(const struct share *share, const struct mount_options *options)
{
	if (!options->local && !share_trusts_locks(share))
		log_warning(
			"locks on this backing (%s) may not reach other clients: only one client may write at a time",
			share_backing_kind(share));
}

static void warn_of_writes(const struct share *share)
{
	if (share_keeps_writes(share) && !share_options_of(share)->read_only)
		log_warning("writes to this backing (%s) are trusted: what it loses is lost, synced or not",
			    share_backing_kind(share));
}

/* A mount without it still keeps what is synced; it may lose a block to a kill -9. */
static struct ring *open_ring(struct share *share)
{
	AUTO(free) char *base = NULL;
	AUTO(free) char *directory = NULL;
	struct ring *ring = NULL;
	struct why why = WHY_NONE;
	enum fault fault = control_directory(&base, &why);

	if (share_options_of(share)->read_only)
		return NULL;
	if (!fault && asprintf(&directory, "%s/ring", base) < 0) {
		directory = NULL;
		return NULL;
	}
	if (!fault)
		fault = ring_create(directory, &share_record_of(share)->share, &ring, &why);
	if (fault)
		log_warning("no protection of writes against a killed process: %s", why_text(&why, fault));
	return ring;
}

/* What is started last ends first: threads that talk to the kernel end once its connection is closed. */
static enum fault serve(struct tree *tree, const char *directory, struct why *why)
{
	AUTO(complaints_free) struct complaints *complaints = NULL;
	AUTO(session_done) struct session session = {.fuse = NULL};
	AUTO(loop_free) struct loop *loop = NULL;
	AUTO(applocks_free) struct applocks *locks = NULL;
	AUTO(errands_stop) struct errands *errands = NULL;
	AUTO(group_news_stop) struct group_news *news = NULL;
	AUTO(watch_stop) struct watch *watch = NULL;
	AUTO(session_unmount) struct session *connection = &session;
	AUTO(control_stop) struct control *control = NULL;
	struct mounted mounted = {tree, directory};
	enum fault fault = complaints_new(&complaints, why);

	tree->complaints = complaints;
	tree->used_ms = clock_boot_ms();
	tree->directory = directory;
	if (!fault)
		fault = applocks_new(tree, &locks, why);
	tree->locks = locks;
	if (!fault)
		fault = session_open(tree, directory, connection, why);
	if (!fault)
		fault = loop_new(session.fuse, LOOP_PATIENCE_MS, &loop, why);
	tree->loop = loop;
	if (!fault)
		fault = watch_start(tree, directory, &watch, why);
	if (!fault)
		fault = errands_start(tree, &errands, why);
	tree->errands = errands;
	if (!fault)
		fault = group_news_start(tree, errands, &news, why);
	if (!fault)
		start_control(&mounted, &control);
	if (!fault)
		fault = loop_run(loop, why);
	return fault;
}

/* A mount that was just taken away may still be letting go of the share. */
static enum fault share_open_patiently(const struct mount_request *request, const struct share_options *wanted,
				       struct share **ret_share, struct why *why)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_NS};
	int64_t end = clock_boot_ms() + BUSY_PATIENCE_MS;
	enum fault fault = share_open(request->share_path, wanted, request->keyring, ret_share, why);

	while (fault == FAULT_BUSY && clock_boot_ms() < end) {
		(void)nanosleep(&pause, NULL);
		fault = share_open(request->share_path, wanted, request->keyring, ret_share, why);
	}
	return fault;
}

static enum fault open_share(const struct mount_request *request, struct share **ret_share, struct why *why)
{
	const struct mount_options *options = request->options;
	const struct share_options wanted = {
		.local = options->local,
		.mounted = true,
		.read_only = options->read_only,
		.strict = options->strict,
		.locks_trusted = options->locks_trusted,
		.writes_trusted = options->writes_trusted,
	};

	if (options->writeback && !options->local)
		return why_set(
			why, FAULT_USAGE,
			"option 'writeback' needs 'local': the kernel would hide other clients' changes");
	enum fault fault = share_open_patiently(request, &wanted, ret_share, why);
	if (!fault && !options->read_only)
		fault = share_refuse_writes(*ret_share, why);
	return fault;
}

/* Without it the folders of users are served all the same. */
static void open_contacts(const struct mount_request *request, struct share *share, struct contacts **ret_contacts)
{
	const struct contacts_options options = {.keyring = request->keyring, .background = true};
	struct why why = WHY_NONE;
	enum fault fault = service_global_start(&why);

	if (!fault)
		fault = contacts_new(&options, ret_contacts, &why);
	if (fault)
		log_warning("folders of groups stay locked: %s", why_text(&why, fault));
	else
		share_set_contacts(share, *ret_contacts, false);
}

enum fault mount_run(const struct mount_request *request, struct why *why)
{
	AUTO(contacts_free) struct contacts *contacts = NULL;
	AUTO(share_close) struct share *share = NULL;
	AUTO(ring_close) struct ring *ring = NULL;
	AUTO(tree_close) struct tree *tree = NULL;
	AUTO(free) char *directory = NULL;
	enum fault fault = open_share(request, &share, why);

	if (!fault)
		fault = check_mount_point(request->directory, share_path(share), &directory, why);
	if (!fault && request->recovered)
		fault = share_set_recovered(share, request->recovered, why);
	if (!fault)
		open_contacts(request, share, &contacts);
	if (!fault)
		fault = tree_open(share, request->options, &tree, why);
	if (fault)
		return fault;
	(void)umask(0);
	errand_replay(share);
	ring = open_ring(share);
	tree->ring = ring;
	tree->ready = request->ready;
	tree->ready_context = request->context;
	warn_of_locks(share, request->options);
	warn_of_writes(share);
	return serve(tree, directory, why);
}
