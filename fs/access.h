/* fs/access.h - a folder's `.fsenc`, `.fsenc.log` and backup copy on the share.
 *
 * Reading applies every acceptance rule: keys/record.h for the chain, the keyring's pins for what was
 * seen before, trust for the first contact. Writing happens under an exclusive OFD lock on
 * `.fsenc.log`: the present record is appended to the log and synced, the new file put in
 * place (temporary file, fsync, rename, fsync of the directory), then the backup copy. A
 * lost race is read again and applied again, never overwritten. docs/FORMAT.md, "Records".
 */
#ifndef FSENC_FS_ACCESS_H
#define FSENC_FS_ACCESS_H

#include "fs/share.h"
#include "keys/folder.h"

/* Where a folder is, and what its record must say. */
struct access_place {
	struct share *share;
	int directory; /* O_PATH descriptor of the folder's directory */
	const char *path; /* stored path, "" for the root */
	struct folder_id parent; /* none for the root and in a lobby */
	unsigned patience_ms; /* of access_change() with a lock that somebody else has; 0: for ever */
};

/* The present, accepted folder file; the pin moves on to it. FAULT_MISSING: plain directory (no `.fsenc`, no
 * pin). FAULT_TAMPERED, FAULT_KEY_MISSING (first contact, signer of version 1 not trusted), FAULT_MALFORMED.
 * A missing or damaged `.fsenc` at a pinned place is restored from the backup copy or the keyring (one log
 * line) unless the share is read-only. */
MUST_CHECK enum fault access_read(const struct access_place *place, struct folder_file **ret_file,
				  struct why *why);
/* For `fsenc verify`: the same without restoring anything; what is lost is then FAULT_DAMAGED. */
MUST_CHECK enum fault access_check(const struct access_place *place, struct folder_file **ret_file,
				   struct why *why);

/* Puts version 1 into a directory without one. FAULT_EXISTS. */
MUST_CHECK enum fault access_create(const struct access_place *place, const struct folder_file *file,
				    struct why *why);

/* Makes the next version of what is there; may be called again when somebody else was faster. The groups of the
 * keyring's organisation in `present` are trusted, by the newest descriptors known, so that a new generation
 * can be wrapped to them. The key servers are told of each version that is put in place (contacts_report()). */
typedef enum fault (*access_edit)(void *context, const struct folder_file *present,
				  const struct folder_keys *keys, struct folder_file **ret_next,
				  struct why *why);
MUST_CHECK enum fault access_change(const struct access_place *place, access_edit edit, void *context,
				    struct folder_file **ret_file, struct why *why);

/* Restores `.fsenc` from backup copy or keyring, and the copy from `.fsenc`. *ret_repaired says whether it
 * had to. */
MUST_CHECK enum fault access_repair(const struct access_place *place, bool *ret_repaired, struct why *why);

#endif
