#include "fs/folder_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "keys/contact.h"

static enum fault folder_new_for(struct share *share, int directory, const struct stat *stat,
				 const char *path, struct folder *parent, struct folder **ret_folder,
				 struct why *why)
{
	struct folder *folder = calloc(1, sizeof *folder);
	if (!folder)
		return why_set(why, FAULT_MEMORY, "no memory for a folder");
	mutex_init_brief(&folder->mutex);
	(void)pthread_cond_init(&folder->looked, NULL);
	folder->share = share;
	folder->registry = share_folders(share);
	folder->parent = folder_ref(parent);
	folder->device = stat->st_dev;
	folder->inode = stat->st_ino;
	folder->references = 1;
	folder->path = strdup(path);
	folder->directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	*ret_folder = folder;
	if (!folder->path)
		return why_set(why, FAULT_MEMORY, "no memory for a folder");
	return folder->directory >= 0 ? FAULT_NONE : why_system(why, "cannot hold the directory of a folder");
}

/* -- looking -------------------------------------------------------------------------- */

static int64_t nanoseconds(const struct statx_timestamp *stamp)
{
	return stamp->tv_sec * 1000000000 + stamp->tv_nsec;
}

static enum fault take_look(int directory, struct folder_look *ret_look, struct why *why)
{
	struct statx info;
	unsigned wanted = STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
	/* Not what a client of a network share remembers: the look is there to see what others did. */
	int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC;
	if (statx(directory, FORMAT_FOLDER_FILE, flags, wanted, &info) == 0) {
		*ret_look = (struct folder_look){info.stx_ino, info.stx_size, nanoseconds(&info.stx_mtime),
						 nanoseconds(&info.stx_ctime)};
		return FAULT_NONE;
	}
	if (errno == ESTALE)
		return why_set(why, FAULT_MISSING, "the directory of the folder was removed");
	if (errno != ENOENT)
		return why_system(why, "cannot look at '%s'", FORMAT_FOLDER_FILE);
	*ret_look = (struct folder_look){0};
	return FAULT_NONE;
}

static bool same_look(const struct folder_look *one, const struct folder_look *other)
{
	return one->inode == other->inode && one->size == other->size &&
	       one->modified_ns == other->modified_ns && one->changed_ns == other->changed_ns;
}

static bool sees_nothing(const struct folder_look *look)
{
	return same_look(look, &(struct folder_look){0});
}

/* What reading `.fsenc` gave. */
struct news {
	enum fault fault;
	struct why reason;
	struct folder_view *view;
	struct folder_file *file; /* instead of a view: a group may open it */
	struct folder_id id;
	bool has_id;
	struct member_id *recovery;
	size_t recovery_count;
};

static enum fault parent_id_of(const struct folder *folder, struct folder_id *ret_id, struct why *why)
{
	struct folder *parent = folder->parent;
	if (!parent) {
		*ret_id = (struct folder_id){{0}};
		return FAULT_NONE;
	}
	(void)pthread_mutex_lock(&parent->mutex);
	bool known = parent->has_id;
	*ret_id = parent->id;
	(void)pthread_mutex_unlock(&parent->mutex);
	return known ? FAULT_NONE : why_set(why, FAULT_LOCKED, "the folder above it is not accepted");
}

/* An admin's client makes a new generation when somebody has left the group. */
static void watch_groups(struct share *share, const struct folder_file *file, const struct folder_view *view)
{
	if (view->role != ROLE_ADMIN || !share_contacts(share) || share_options_of(share)->read_only)
		return;
	for (size_t i = 0; i < file->record->entry_count; i++)
		if (file->record->entries[i].kind == MEMBER_GROUP)
			contacts_watch(share_contacts(share), &file->record->entries[i].id);
}

/* Without memory for it none is known, and then none is missing: it is read again some day. */
static void note_recovery(const struct record *record, struct news *news)
{
	news->recovery = calloc(record->entry_count, sizeof *news->recovery);
	for (size_t i = 0; news->recovery && i < record->entry_count; i++)
		if (record->entries[i].kind == MEMBER_RECOVERY)
			news->recovery[news->recovery_count++] = record->entries[i].id;
}

static enum fault read_news(const struct folder *folder, const char *path, struct news *news)
{
	struct access_place place = {.share = folder->share, .directory = folder->directory, .path = path};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = parent_id_of(folder, &place.parent, &news->reason);
	if (!fault)
		fault = access_read(&place, &file, &news->reason);
	if (fault)
		return fault;
	news->id = file->record->folder;
	news->has_id = true;
	note_recovery(file->record, news);
	if (folder_is_of_group(folder->share, file)) {
		news->file = TAKE(file);
		return FAULT_NONE;
	}
	fault = folder_view_new(folder->share, file, &news->view, &news->reason);
	if (!fault)
		watch_groups(folder->share, file, news->view);
	return fault;
}

/* Passing trouble of the share or of this machine says nothing of the folder. */
static bool is_passing(enum fault fault)
{
	return fault == FAULT_SYSTEM || fault == FAULT_MEMORY || fault == FAULT_KEYRING_READ ||
	       fault == FAULT_KEYRING_WRITE;
}

/* With the mutex. The last good keys go as soon as what lies there now is not good. */
static void take_news(struct folder *folder, const struct folder_look *look, struct news *news, bool first)
{
	bool was_open = folder->view != NULL;
	if (news->has_id && folder->has_id && !folder_id_equal(&news->id, &folder->id)) {
		folder_leave(TAKE(news->view));
		folder_file_free(TAKE(news->file));
		news->fault = why_set(&news->reason, FAULT_MISSING, "another folder lies here now");
	}
	bool changed = was_open != (news->view != NULL) || strcmp(news->reason.text, folder->reason.text) != 0;
	if (!news->file && (first || changed))
		folder_say(folder, news->fault, &news->reason, was_open, first);
	if (news->has_id && !folder->has_id) {
		folder->id = news->id;
		folder->has_id = true;
	}
	folder_leave(folder->view);
	folder->view = TAKE(news->view);
	free(folder->recovery);
	folder->recovery = TAKE(news->recovery);
	folder->recovery_count = news->recovery_count;
	folder->has_list = folder->recovery && news->fault != FAULT_MISSING;
	folder->unread = folder->view && folder->view->role == ROLE_ADMIN;
	group_access_take(folder, TAKE(news->file));
	folder->fault = news->fault;
	folder->reason = news->fault ? news->reason : WHY_NONE;
	folder->look = *look;
	folder->looked_ms = clock_boot_ms();
}

/* One statx; `.fsenc` itself only if that shows a change, or if the folder is not open: then the reason may
 * lie elsewhere (trust, a locked keyring). */
static enum fault look_again(const struct folder *folder, const char *path, const struct folder_look *before,
			     bool open, struct folder_look *ret_look, struct news *news, bool *ret_changed,
			     struct why *why)
{
	enum fault fault = take_look(folder->directory, ret_look, &news->reason);
	*ret_changed = fault || !open || !same_look(ret_look, before);
	if (!*ret_changed)
		return FAULT_NONE;
	news->fault = fault ? fault : read_news(folder, path, news);
	if (!is_passing(news->fault))
		return FAULT_NONE;
	free(TAKE(news->recovery));
	if (why)
		*why = news->reason;
	return news->fault;
}

/* With the mutex, which is let go meanwhile. */
static enum fault look(struct folder *folder, struct why *why)
{
	struct folder_look before = folder->look;
	struct folder_look now = {0};
	struct news news = {.fault = FAULT_NONE, .reason = WHY_NONE};
	bool open = folder->view != NULL || folder->group.file;
	bool changed = false;
	AUTO(free) char *path = strdup(folder->path);
	if (!path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	folder->looking = true;
	(void)pthread_mutex_unlock(&folder->mutex);
	enum fault fault = look_again(folder, path, &before, open, &now, &news, &changed, why);
	if (!fault && news.fault == FAULT_MISSING)
		folder_registry_forget(folder);
	(void)pthread_mutex_lock(&folder->mutex);
	if (!fault && changed)
		take_news(folder, &now, &news, false);
	else if (!fault)
		folder->looked_ms = clock_boot_ms();
	folder->looking = false;
	(void)pthread_cond_broadcast(&folder->looked);
	return fault;
}

static bool look_is_due(const struct folder *folder)
{
	return folder->fault != FAULT_MISSING && clock_boot_ms() - folder->looked_ms >= LOOK_INTERVAL_MS;
}

/* With the mutex. Who comes while another thread looks needs its answer, and waits for it. */
static enum fault look_if_due(struct folder *folder, struct why *why)
{
	while (look_is_due(folder)) {
		if (!folder->looking)
			return look(folder, why);
		(void)pthread_cond_wait(&folder->looked, &folder->mutex);
	}
	return FAULT_NONE;
}

/* -- entering ------------------------------------------------------------------------- */

static enum fault may_write(const struct folder *folder, struct why *why)
{
	if (share_options_of(folder->share)->read_only) {
		errno = EROFS;
		return why_system(why, "the share is used read-only");
	}
	if (folder->view->role < ROLE_WRITER)
		return why_set(why, FAULT_DENIED, "you are a reader of this folder");
	return FAULT_NONE;
}

/* With the mutex. */
static enum fault admit(const struct folder *folder, enum folder_want want,
			const struct folder_view **ret_view, struct why *why)
{
	if (!folder->view) {
		if (why)
			*why = folder->reason;
		return folder->fault;
	}
	enum fault fault = want == FOLDER_WRITE ? may_write(folder, why) : FAULT_NONE;
	if (!fault)
		*ret_view = folder_view_ref(folder->view);
	return fault;
}

/* With the mutex. */
static enum fault enter(struct folder *folder, enum folder_want want, const struct folder_view **ret_view,
			struct why *why)
{
	enum fault fault = look_if_due(folder, why);

	if (!fault && folder->group.file)
		fault = group_access_open(folder, why);
	return fault ? fault : admit(folder, want, ret_view, why);
}

/* With the mutex: has it opened or closed? While an answer is awaited it is neither. */
static bool tells(struct folder *folder, enum fault fault)
{
	bool open = folder->view != NULL;

	if (open == folder->told || fault == FAULT_PENDING)
		return false;
	folder->told = open;
	return true;
}

/* With the mutex: is there a list that the listener has not heard of? */
static bool take_unread(struct folder *folder)
{
	bool unread = folder->unread;

	folder->unread = false;
	return unread;
}

enum fault folder_enter(struct folder *folder, enum folder_want want, const struct folder_view **ret_view,
			struct why *why)
{
	int64_t since = clock_boot_ms();
	enum fault fault;

	(void)pthread_mutex_lock(&folder->mutex);
	do
		fault = enter(folder, want, ret_view, why);
	while (group_access_wait(folder, fault, since));
	if (fault == FAULT_PENDING && share_waits(folder->share))
		fault = why_set(why, FAULT_UNREACHABLE, "the key servers have not answered in time");
	bool news = tells(folder, fault);
	bool open = folder->told;
	bool unread = take_unread(folder);
	(void)pthread_mutex_unlock(&folder->mutex);
	if (news)
		folder_tell(folder, open);
	if (unread)
		folder_tell_read(folder);
	return fault;
}

enum fault folder_enter_as_last_seen(struct folder *folder, enum folder_want want,
				     const struct folder_view **ret_view, struct why *why)
{
	(void)pthread_mutex_lock(&folder->mutex);
	enum fault fault = folder->group.file && !group_access_is_open(folder)
				   ? why_set(why, FAULT_UNREACHABLE, "its group is not open just now")
				   : admit(folder, want, ret_view, why);
	(void)pthread_mutex_unlock(&folder->mutex);
	return fault;
}

/* Whoever enters next tells what has changed. */
bool folder_look_now(struct folder *folder, const struct folder_view *view)
{
	(void)pthread_mutex_lock(&folder->mutex);
	/* A look that has begun may have read what was there before. */
	while (folder->looking)
		(void)pthread_cond_wait(&folder->looked, &folder->mutex);
	if (folder->view && folder->view->version <= view->version)
		(void)!look(folder, NULL);
	/* A closing view is given again, whatever was read of the list. */
	bool newer = folder->view ? folder->view->version > view->version : folder->group.closing != view;
	(void)pthread_mutex_unlock(&folder->mutex);
	return newer;
}

/* -- finding -------------------------------------------------------------------------- */

static enum fault is_pinned(struct share *share, const char *path, struct why *why)
{
	AUTO(pin_folder_done) struct pin_folder pin = {.version = 0};

	return keyring_folder_pin(share_keyring(share), &share_record_of(share)->share, path, &pin, why);
}

static enum fault load(struct folder *folder, const struct folder_look *look, struct why *why)
{
	struct news news = {.fault = FAULT_NONE, .reason = WHY_NONE};
	news.fault = read_news(folder, folder->path, &news);
	if (news.fault == FAULT_MISSING || news.fault == FAULT_MEMORY) {
		free(news.recovery);
		if (why)
			*why = news.reason;
		return news.fault;
	}
	(void)pthread_mutex_lock(&folder->mutex);
	take_news(folder, look, &news, true);
	folder->told = folder->view != NULL;
	(void)pthread_mutex_unlock(&folder->mutex);
	return FAULT_NONE;
}

static enum fault find_known(struct share *share, const struct stat *stat, const char *path,
			     struct folder **ret_folder)
{
	struct folder_registry *registry = share_folders(share);
	AUTO(folder_unref) struct folder *folder = folder_registry_get(registry, stat->st_dev, stat->st_ino);
	char before[RING_PATH_MAX];
	if (!folder)
		return FAULT_MISSING;
	folder_path(folder, before);
	if (strcmp(before, path) != 0)
		folder_moved(folder, path);
	*ret_folder = TAKE(folder);
	return FAULT_NONE;
}

enum fault folder_find(struct share *share, int directory, const char *path, struct folder *parent,
		       struct folder **ret_folder, struct why *why)
{
	struct folder_look look = {0};
	struct stat stat;
	bool lobby = path[0] == 0 && share_record_of(share)->lobby;
	enum fault fault = lobby ? why_set(why, FAULT_MISSING, "the root of a lobby is no folder")
				 : take_look(directory, &look, why);
	/* A pinned path is always a folder: without its `.fsenc` it is damaged, never plain. */
	if (!fault && sees_nothing(&look))
		fault = is_pinned(share, path, why);
	if (fault)
		return fault;
	if (fstat(directory, &stat) != 0)
		return why_system(why, "cannot stat the directory of a folder");
	if (find_known(share, &stat, path, ret_folder) == FAULT_NONE)
		return FAULT_NONE;
	AUTO(folder_unref) struct folder *folder = NULL;
	fault = folder_new_for(share, directory, &stat, path, parent, &folder, why);
	if (!fault)
		fault = load(folder, &look, why);
	if (fault)
		return fault;
	struct folder *listed = folder_registry_put(folder);
	if (listed == folder)
		folder = NULL;
	(void)pthread_mutex_lock(&listed->mutex);
	bool unread = take_unread(listed);
	(void)pthread_mutex_unlock(&listed->mutex);
	if (unread)
		folder_tell_read(listed);
	*ret_folder = listed;
	return FAULT_NONE;
}
