/* fs/folder_state.h - what the parts of fs/folder.h share.
 *
 *   folder_registry.c  the folders of a share, counted
 *   folder.c           one that is found, looked at once a second, entered
 *   group_access.c     one that only a group opens: asking, leases, their end
 *   folder_view.c      one moment of a folder: keys, names, role, terms
 *   folder_facts.c     what may be asked without entering
 *   folder_walk.c      from the root to a place, and making a place a folder
 *   folder_amend.c     a mount of an admin that signs the next version of a list by itself
 *
 * Two mutexes, never held together: the registry's guards the list and the counts of
 * references, a folder's own guards its state. Neither is held across I/O on the share, nor while a key
 * server is waited for.
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
	folder_read_anew read_anew;
	void *context;
	atomic_bool listened; /* there is such a listener */
};

MUST_CHECK enum fault folder_registry_new(struct folder_registry **ret_registry, struct why *why);
/* Every reference has been given back by now. Of a folder that somebody still holds, the keys go all the
 * same. */
void folder_registry_free(struct folder_registry *registry);
AUTO_POINTER(struct folder_registry *, folder_registry_free);
/* In fs/share.c: the share owns it. */
struct folder_registry *share_folders(const struct share *share);
struct folder *folder_registry_get(struct folder_registry *registry, dev_t device, ino_t inode);
/* The one that is listed afterwards: somebody else may have been faster. */
struct folder *folder_registry_put(struct folder *folder);
/* This directory is no folder any more, or another one: who looks for it next starts afresh. */
void folder_registry_forget(struct folder *folder);
/* Tells the listener, with no lock held. */
void folder_tell(struct folder *folder, bool open);

/* Tells the listener that an access list was read which an entry of ours makes us admin of. */
void folder_tell_read(struct folder *folder);

/* What one statx of `.fsenc` says; all zero when there is none. */
struct folder_look {
	uint64_t inode;
	uint64_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

/* Of a folder that is opened to us by no entry of our own. */
struct group_access {
	struct folder_file *file; /* its accepted list; NULL: groups do not matter here */
	bool wanted; /* somebody was refused: it is asked for again when that may have changed */
	struct folder_view *closing; /* its lease has ended: good for pages on their way back, until then */
	int64_t closing_until_ms;
	bool refusing; /* until the kernel has forgotten what it knew */
	int64_t stale_ms; /* since when the servers know a newer list; 0: they do not */
	int64_t asked_ms;
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
	bool told; /* what the listener knows: it is open */
	bool unread; /* the listener has not heard of the list that was read last */
	bool complained; /* a line says why its recovery groups cannot be made whole */
	struct member_id *recovery; /* of the list that is accepted */
	size_t recovery_count;
	bool has_list;
	struct group_access group;
	int64_t settle_ms; /* not before is it looked for strangers again */
};

/* The view of an accepted folder file for the share's user, by his own entry. FAULT_LOCKED, FAULT_TAMPERED,
 * FAULT_UNSUPPORTED. */
MUST_CHECK enum fault folder_view_new(struct share *share, const struct folder_file *file,
				      struct folder_view **ret_view, struct why *why);
/* ... through a group; keys and lease are taken over. */
struct contact_opened;
MUST_CHECK enum fault folder_view_of_group(const struct folder_file *file, struct contact_opened *opened,
					   struct folder_view **ret_view, struct why *why);
/* For a command: by our own entry or a group, for which it waits. FAULT_MISSING: the list is stale. */
MUST_CHECK enum fault folder_view_open(struct share *share, const struct folder_file *file,
				       struct folder_view **ret_view, struct why *why);
const struct folder_view *folder_view_ref(const struct folder_view *view);
/* Borrowed; NULL when our own entry opened it. */
struct group_lease *folder_view_lease(const struct folder_view *view);
/* Waits until the caller's reference is the last one, or until then. */
void folder_view_drain(const struct folder_view *view, int64_t until_ms);

/* -- a mount that signs by itself: rotation.c, completion.c ------------------------------------- */

/* An entry of our own opens it, and makes us its admin. */
bool folder_is_administered(struct folder *folder);
/* access_change(), with the patience of ACCESS_PATIENCE_MS. */
MUST_CHECK enum fault folder_amend(struct folder *folder, access_edit edit, void *context,
				   struct folder_file **ret_next, struct why *why);
/* Is the list known, and without this recovery group? */
bool folder_lacks_recovery(struct folder *folder, const struct member_id *group);
/* True once. */
bool folder_complains_once(struct folder *folder);

/* -- group_access.c; with the folder's mutex, unless said otherwise ------------------------ */

#define FOLDER_STALE_MS 60000 /* as long a newer list may be on its way through the storage */

/* Is it for groups to open this? An entry of our own decides alone. */
bool folder_is_of_group(struct share *share, const struct folder_file *file);
/* What lies there now; taken over, or NULL. */
void group_access_take(struct folder *folder, struct folder_file *file);
void group_access_done(struct group_access *group);
/* Has a view that may be used, after asking if it must be. Else FAULT_PENDING, or the refusal, which stays in the
 * folder. */
MUST_CHECK enum fault group_access_open(struct folder *folder, struct why *why);
/* The same without asking. */
bool group_access_is_open(const struct folder *folder);
/* For a command: waits for what `fault` is about, without the mutex. False: there is nothing to wait for any more. */
MUST_CHECK bool group_access_wait(struct folder *folder, enum fault fault, int64_t since_ms);
void group_access_words(const struct folder *folder, char text[static WHY_TEXT_SIZE]);
/* A line in the log when it opens or closes, or is refused for another reason. */
void folder_say(const struct folder *folder, enum fault fault, const struct why *reason, bool was_open,
		bool first);

#endif
