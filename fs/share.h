/* fs/share.h - a share: its root directory, its signed record, and how far its locks are trusted.
 *
 * One struct share a process and backing directory; it owns the root's descriptor and
 * the folders met below (fs/folder.h). The keyring is borrowed and must outlive it. Any thread.
 */
#ifndef FSENC_FS_SHARE_H
#define FSENC_FS_SHARE_H

#include "keys/folder.h"
#include "keys/keyring.h"
#include "keys/share_record.h"

struct share;
struct folder;
struct contacts;

struct share_options {
	bool local; /* take the exclusive lock on .fsenc-share; FAULT_BUSY when somebody mounts it */
	bool mounted; /* a mount, not a command: takes the shared lock, so that a local mount is refused */
	bool read_only;
	bool strict;
	bool locks_trusted; /* -o locks=trusted */
	bool writes_trusted; /* -o writes=trusted */
};

/* Makes DIR a share: `.fsenc-share`, and unless `lobby` the root's folder. FAULT_EXISTS when it is one,
 * FAULT_INVALID when it is not an empty directory (it is created if missing), FAULT_STORAGE on a backing
 * that keeps writes to itself. The keyring is unlocked. */
MUST_CHECK enum fault share_create(const char *path, bool lobby, struct keyring *keyring, struct why *why);

/* Read-only also where share_refuse_writes() refuses. FAULT_MISSING: no share; FAULT_TAMPERED: not the one pinned
 * here; FAULT_KEY_MISSING: first contact, and the maker is not trusted in the keyring (the words name fingerprint
 * and command). */
MUST_CHECK enum fault share_open(const char *path, const struct share_options *options,
				 struct keyring *keyring, struct share **ret_share, struct why *why);
void share_close(struct share *share);
AUTO_POINTER(struct share *, share_close);

int share_root(const struct share *share); /* O_PATH descriptor, borrowed */
const char *share_path(const struct share *share); /* real path */
const struct share_record *share_record_of(const struct share *share);
const struct share_options *share_options_of(const struct share *share);
struct keyring *share_keyring(const struct share *share);
/* The unlocked identity, or NULL while the keyring is locked. */
const struct identity *share_identity(const struct share *share);
/* Who opens what only a group may read (keys/contact.h); borrowed, and outlives every use of the share's
 * folders. Without it such folders are locked. `waits`: a command, which wants an answer; entering a folder
 * then waits for the key servers. In a mount nobody waits: entering gives FAULT_PENDING. Before the first
 * folder is found. */
void share_set_contacts(struct share *share, struct contacts *contacts, bool waits);
struct contacts *share_contacts(const struct share *share); /* or NULL */
bool share_waits(const struct share *share);
/* A folder whose key officers gave back (keys/recovery.h): whoever has it reads, and nothing more, in a share
 * that is opened read-only. `key` is of this generation; copied. Before the first folder is found. */
struct share_recovered {
	struct folder_id folder;
	uint32_t generation;
	const uint8_t *key; /* KEY_SIZE */
};
MUST_CHECK enum fault share_set_recovered(struct share *share, const struct share_recovered *recovered,
					  struct why *why);
/* The keys of `record`'s folder, if it is the one, at that generation; false: it is not. */
MUST_CHECK bool share_recovered_keys(const struct share *share, const struct record *record,
				     struct folder_keys **ret_keys);
/* "ext4", "nfs", "cifs", "fuse" ...; and do its locks reach other clients? */
const char *share_backing_kind(const struct share *share);
bool share_trusts_locks(const struct share *share);
/* The backing says too early that something is written (fs/backing.h). */
bool share_keeps_writes(const struct share *share);
/* FAULT_STORAGE then, unless it is trusted all the same. */
MUST_CHECK enum fault share_refuse_writes(const struct share *share, struct why *why);
/* Has anybody mounted it, as far as locks tell? Where they are not trusted: perhaps. Not of a mount itself.
 */
bool share_is_mounted(const struct share *share);

/* Where is this? A path on the share, or seen through a mount (user.fsenc.share, user.fsenc.stored).
 * Both answers are heap text; the stored path is "" for the root. FAULT_MISSING when it is in no share. */
MUST_CHECK enum fault share_locate(const char *path, char **ret_share_path, char **ret_stored_path,
				   struct why *why);

#endif
