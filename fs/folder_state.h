/* fs/folder_state.h - what the parts of fs/folder.h share.
 *
 *   folder.c       the folders of a share: found once, looked at once a second
 *   folder_view.c  one moment of a folder: keys, names, role, terms
 *   folder_walk.c  from the root to a place, and making a place a folder
 *
 * Two mutexes, never held together: the registry's guards the list and the counts of
 * references, a folder's own guards its state. Neither is held across I/O.
 */
#ifndef FSENC_FS_FOLDER_STATE_H
#define FSENC_FS_FOLDER_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "fs/folder.h"

#define FOLDER_BUCKETS 256

struct folder_registry {
	pthread_mutex_t mutex;
	struct folder *buckets[FOLDER_BUCKETS];
	folder_changed changed;
	void *context;
};

MUST_CHECK enum fault folder_registry_new(struct folder_registry **ret_registry, struct why *why);
/* Every reference has been given back by now. Of a folder that somebody still holds, the keys go all the
 * same. */
void folder_registry_free(struct folder_registry *registry);
AUTO_POINTER(struct folder_registry *, folder_registry_free);
/* In fs/share.c: the share owns it. */
struct folder_registry *share_folders(const struct share *share);

/* What one statx of `.fsenc` says; all zero when there is none. */
struct folder_look {
	uint64_t inode;
	uint64_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

struct folder {
	struct share *share;
	struct folder_registry *registry;
	struct folder *parent; /* a reference */
	int directory;
	dev_t device;
	ino_t inode;
	struct folder *next; /* in its bucket; the registry's mutex */
	bool listed; /* likewise */
	unsigned references; /* likewise */

	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t looked;
	char *path;
	struct folder_id id;
	bool has_id;
	struct folder_view *view; /* NULL: not open to us, for this reason */
	enum fault fault;
	struct why reason;
	struct folder_look look;
	int64_t looked_ms;
	bool looking; /* a thread is at it */
};

/* The view of an accepted folder file for the share's user. FAULT_LOCKED, FAULT_TAMPERED, FAULT_UNSUPPORTED.
 */
MUST_CHECK enum fault folder_view_new(struct share *share, const struct folder_file *file,
				      struct folder_view **ret_view, struct why *why);
const struct folder_view *folder_view_ref(const struct folder_view *view);

#endif
