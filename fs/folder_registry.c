/* The folders of a share, as long as somebody uses them. */
#include "fs/folder_state.h"

#include <unistd.h>

#include "base/file.h"
#include "base/mutex.h"

/* -- the registry --------------------------------------------------------------------- */

enum fault folder_registry_new(struct folder_registry **ret_registry, struct why *why)
{
	struct folder_registry *registry = calloc(1, sizeof *registry);
	if (!registry)
		return why_set(why, FAULT_MEMORY, "no memory for the folders of a share");
	mutex_init_brief(&registry->mutex);
	*ret_registry = registry;
	return FAULT_NONE;
}

static void drop_view(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	folder_leave(TAKE(folder->view));
	group_access_take(folder, NULL);
	folder->fault = why_set(&folder->reason, FAULT_LOCKED, "the share is closed");
	(void)pthread_mutex_unlock(&folder->mutex);
}

void folder_registry_free(struct folder_registry *registry)
{
	bool held = false;
	if (!registry)
		return;
	for (size_t i = 0; i < FOLDER_BUCKETS; i++)
		for (struct folder *folder = registry->buckets[i]; folder; folder = folder->next) {
			drop_view(folder);
			held = true;
		}
	/* Its holder will come back to it: a leak is the lesser harm. */
	if (held)
		return;
	(void)pthread_mutex_destroy(&registry->mutex);
	free(registry);
}

static struct folder **bucket_of(struct folder_registry *registry, dev_t device, ino_t inode)
{
	return &registry->buckets[((uint64_t)device * 31 + (uint64_t)inode) % FOLDER_BUCKETS];
}

static struct folder *find_listed(struct folder_registry *registry, dev_t device, ino_t inode)
{
	struct folder *folder = *bucket_of(registry, device, inode);

	while (folder && (folder->device != device || folder->inode != inode))
		folder = folder->next;
	return folder;
}

/* With the registry's mutex. */
static void unlist(struct folder *folder)
{
	struct folder **place = bucket_of(folder->registry, folder->device, folder->inode);
	if (!folder->listed)
		return;
	while (*place != folder)
		place = &(*place)->next;
	*place = folder->next;
	folder->listed = false;
}

struct folder *folder_registry_get(struct folder_registry *registry, dev_t device, ino_t inode)
{
	(void)pthread_mutex_lock(&registry->mutex);
	struct folder *folder = find_listed(registry, device, inode);
	if (folder)
		folder->references++;
	(void)pthread_mutex_unlock(&registry->mutex);
	return folder;
}

struct folder *folder_registry_put(struct folder *folder)
{
	struct folder_registry *registry = folder->registry;
	(void)pthread_mutex_lock(&registry->mutex);
	struct folder *listed = find_listed(registry, folder->device, folder->inode);
	if (!listed) {
		struct folder **bucket = bucket_of(registry, folder->device, folder->inode);
		folder->next = *bucket;
		*bucket = folder;
		folder->listed = true;
		listed = folder;
	} else {
		listed->references++;
	}
	(void)pthread_mutex_unlock(&registry->mutex);
	return listed;
}

void folder_registry_forget(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->registry->mutex);
	unlist(folder);
	(void)pthread_mutex_unlock(&folder->registry->mutex);
}

/* -- life ----------------------------------------------------------------------------- */

static void folder_free(struct folder *folder)
{
	folder_leave(folder->view);
	group_access_done(&folder->group);
	folder_unref(folder->parent);
	file_close(folder->directory);
	free(folder->path);
	free(folder->recovery);
	(void)pthread_cond_destroy(&folder->looked);
	(void)pthread_mutex_destroy(&folder->mutex);
	free(folder);
}

struct folder *folder_ref(struct folder *folder)
{
	if (!folder)
		return NULL;
	(void)pthread_mutex_lock(&folder->registry->mutex);
	folder->references++;
	(void)pthread_mutex_unlock(&folder->registry->mutex);
	return folder;
}

void folder_unref(struct folder *folder)
{
	if (!folder)
		return;
	(void)pthread_mutex_lock(&folder->registry->mutex);
	bool last = --folder->references == 0;
	if (last)
		unlist(folder);
	(void)pthread_mutex_unlock(&folder->registry->mutex);
	if (last)
		folder_free(folder);
}

/* -- all of them ---------------------------------------------------------------------- */

void folder_on_change(struct share *share, folder_changed changed, folder_read_anew read_anew, void *context)
{
	struct folder_registry *registry = share_folders(share);

	(void)pthread_mutex_lock(&registry->mutex);
	registry->changed = changed;
	registry->read_anew = read_anew;
	registry->context = context;
	atomic_store(&registry->listened, changed != NULL);
	(void)pthread_mutex_unlock(&registry->mutex);
}

void folder_tell(struct folder *folder, bool open)
{
	struct folder_registry *registry = folder->registry;
	(void)pthread_mutex_lock(&registry->mutex);
	folder_changed changed = registry->changed;
	void *context = registry->context;
	(void)pthread_mutex_unlock(&registry->mutex);
	if (changed)
		changed(context, folder, open);
}

void folder_tell_read(struct folder *folder)
{
	struct folder_registry *registry = folder->registry;
	(void)pthread_mutex_lock(&registry->mutex);
	folder_read_anew read_anew = registry->read_anew;
	void *context = registry->context;
	(void)pthread_mutex_unlock(&registry->mutex);
	if (read_anew)
		read_anew(context, folder);
}

static size_t count_listed(const struct folder_registry *registry)
{
	size_t count = 0;

	for (size_t i = 0; i < FOLDER_BUCKETS; i++)
		for (const struct folder *folder = registry->buckets[i]; folder; folder = folder->next)
			count++;
	return count;
}

/* References, so that `each` may do what it likes without the mutex. */
static struct folder **collect(struct folder_registry *registry, size_t *ret_count)
{
	size_t count = 0;
	(void)pthread_mutex_lock(&registry->mutex);
	struct folder **list = calloc(count_listed(registry) + 1, sizeof(struct folder *));
	for (size_t i = 0; list && i < FOLDER_BUCKETS; i++)
		for (struct folder *folder = registry->buckets[i]; folder; folder = folder->next) {
			folder->references++;
			list[count++] = folder;
		}
	(void)pthread_mutex_unlock(&registry->mutex);
	*ret_count = count;
	return list;
}

void folder_each(struct share *share, void (*each)(void *context, struct folder *folder), void *context)
{
	size_t count;
	AUTO(free) struct folder **list = collect(share_folders(share), &count);

	for (size_t i = 0; i < count; i++) {
		each(context, list[i]);
		folder_unref(list[i]);
	}
}
