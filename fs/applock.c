#include "fs/applock_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* -- where a range lies --------------------------------------------------------------------------- */

enum fault applock_place(const struct flock *range, struct flock *ret_stored, struct why *why)
{
	struct flock stored = *range;

	stored.l_whence = SEEK_SET;
	stored.l_pid = 0;
	if (range->l_start < 0 || range->l_len < 0)
		return why_set(why, FAULT_INVALID, "a range before the beginning");
	if (range->l_start >= LOCK_APPLICATION) {
		errno = EOVERFLOW;
		return why_system(why, "a lock beyond 2^61");
	}
	int64_t room = LOCK_APPLICATION - range->l_start;
	stored.l_start = LOCK_APPLICATION + range->l_start;
	stored.l_len = range->l_len == 0 || range->l_len > room ? room : range->l_len;
	*ret_stored = stored;
	return FAULT_NONE;
}

void applock_shown(const struct flock *stored, struct flock *ret_range)
{
	*ret_range = *stored;
	ret_range->l_start = stored->l_start - LOCK_APPLICATION;
	if (ret_range->l_start < 0)
		ret_range->l_start = 0;
	if (stored->l_len == 0 || stored->l_start + stored->l_len >= 2 * LOCK_APPLICATION)
		ret_range->l_len = 0;
}

enum fault applock_place_of(const struct applock_request *request, struct flock *ret_stored, struct why *why)
{
	if (!request->flock)
		return applock_place(&request->range, ret_stored, why);
	*ret_stored = (struct flock){
		.l_type = request->range.l_type, .l_whence = SEEK_SET, .l_start = LOCK_FLOCK, .l_len = 1};
	return FAULT_NONE;
}

/* -- owners ------------------------------------------------------------------------------------ */

static struct applock_owner *find_locked(struct applocks *locks, const struct inode *inode, uint64_t owner)
{
	struct applock_owner *at = locks->owners;

	while (at && (at->inode != inode || at->owner != owner))
		at = at->next;
	return at;
}

/* A description of its own: locks of descriptors that share one do not exclude each other. */
static enum fault open_owner(const struct applock_request *request, struct applock_owner **ret_owner,
			     struct why *why)
{
	char path[REACH_PATH_SIZE];
	struct applock_owner *owner = calloc(1, sizeof(*owner));

	if (!owner)
		return why_set(why, FAULT_MEMORY, "no memory for a lock");
	reach_path(file_descriptor(request->file), path);
	owner->fd = open(path, O_RDWR | O_CLOEXEC);
	if (owner->fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
		owner->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (owner->fd < 0) {
		free(owner);
		return why_system(why, "cannot open a file for locking");
	}
	owner->inode = inode_ref(file_inode(request->file));
	owner->file = request->file;
	owner->owner = request->owner;
	owner->references = 1;
	*ret_owner = owner;
	return FAULT_NONE;
}

static void owner_free(struct applock_owner *owner)
{
	file_close(owner->fd);
	inode_unref(owner->inode);
	free(owner);
}

enum fault applock_owner_get(struct applocks *locks, const struct applock_request *request,
			     struct applock_owner **ret_owner, struct why *why)
{
	struct applock_owner *fresh = NULL;

	(void)pthread_mutex_lock(&locks->mutex);
	struct applock_owner *owner = find_locked(locks, file_inode(request->file), request->owner);
	if (owner)
		owner->references++;
	(void)pthread_mutex_unlock(&locks->mutex);
	if (owner) {
		*ret_owner = owner;
		return FAULT_NONE;
	}
	enum fault fault = open_owner(request, &fresh, why);
	if (fault)
		return fault;
	(void)pthread_mutex_lock(&locks->mutex);
	owner = find_locked(locks, file_inode(request->file), request->owner);
	if (!owner) {
		owner = fresh;
		owner->next = locks->owners;
		locks->owners = owner;
		fresh = NULL;
	}
	owner->references++;
	(void)pthread_mutex_unlock(&locks->mutex);
	if (fresh)
		owner_free(fresh);
	*ret_owner = owner;
	return FAULT_NONE;
}

void applock_owner_put(struct applocks *locks, struct applock_owner *owner)
{
	(void)pthread_mutex_lock(&locks->mutex);
	bool last = --owner->references == 0;
	(void)pthread_mutex_unlock(&locks->mutex);
	if (last)
		owner_free(owner);
}

/* Closing the description drops its locks on the share. */
static void drop_owners(struct applocks *locks,
			bool (*gone)(const struct applock_owner *owner, const void *context),
			const void *context)
{
	struct applock_owner *dropped = NULL;

	(void)pthread_mutex_lock(&locks->mutex);
	for (struct applock_owner **at = &locks->owners; *at;) {
		struct applock_owner *owner = *at;
		if (!gone(owner, context)) {
			at = &owner->next;
			continue;
		}
		*at = owner->next;
		owner->next = dropped;
		dropped = owner;
	}
	(void)pthread_mutex_unlock(&locks->mutex);
	bool any = dropped != NULL;
	while (dropped) {
		struct applock_owner *next = dropped->next;
		applock_owner_put(locks, dropped);
		dropped = next;
	}
	if (any)
		applock_wake(locks);
}

struct flushed {
	const struct inode *inode;
	uint64_t owner;
};

static bool is_flushed(const struct applock_owner *owner, const void *context)
{
	const struct flushed *flushed = context;

	return owner->inode == flushed->inode && owner->owner == flushed->owner;
}

static bool is_of_handle(const struct applock_owner *owner, const void *context)
{
	return owner->file == context;
}

static bool is_any(const struct applock_owner *owner, const void *context)
{
	(void)owner;
	(void)context;
	return true;
}

void applock_flushed(struct applocks *locks, struct open_file *file, uint64_t owner)
{
	const struct flushed flushed = {file_inode(file), owner};

	drop_owners(locks, is_flushed, &flushed);
}

void applock_released(struct applocks *locks, struct open_file *file)
{
	drop_owners(locks, is_of_handle, file);
}

void applock_drop_all(struct applocks *locks)
{
	drop_owners(locks, is_any, NULL);
}
