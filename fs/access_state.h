/* fs/access_state.h - what the parts of fs/access.h share: a place, what was seen there, and copies.
 *
 *   access_rules.c   may these bytes stand at this place? chain, pins, trust
 *   access.c         reading, and reading again before anything is called tampered with
 *   access_copies.c  the second copy, and putting `.fsenc` back from it
 *   access_repair.c  the same as a command: both copies made good
 *   access_write.c   making and changing an access list
 *
 * The pin is always read before `.fsenc`: another thread may accept a newer version in
 * between, and an older pin is no alarm where a newer one would be.
 */
#ifndef FSENC_FS_ACCESS_STATE_H
#define FSENC_FS_ACCESS_STATE_H

#include "fs/access.h"
#include "fs/access_log.h"

/* A worker of a mount comes this way: it gives up on a lock rather than wait for it. */
#define ACCESS_PATIENCE_MS 500

struct access_seen {
	bool pinned;
	bool elsewhere; /* the pin is of this folder at another path: it was moved */
	struct pin_folder pin;
};
#define ACCESS_SEEN_NOTHING ((struct access_seen){.pinned = false})
void access_seen_done(struct access_seen *seen);
AUTO_VALUE(struct access_seen, access_seen_done);

/* One look at a place. */
struct access_reading {
	struct access_seen seen;
	struct bytes text; /* of `.fsenc` */
	struct folder_file *file; /* once accepted */
};
#define ACCESS_READING_EMPTY ((struct access_reading){.file = NULL})
void access_reading_done(struct access_reading *reading);
AUTO_VALUE(struct access_reading, access_reading_done);

/* "the folder 'path'" for words and log lines; the stored path is no secret. */
const char *access_words(const struct access_place *place);

/* What the keyring knows of this path. */
MUST_CHECK enum fault access_recall(const struct access_place *place, struct access_seen *ret_seen,
				    struct why *why);
/* May `text` stand here? Looks up a pin by the folder's id when there is none for the path. */
MUST_CHECK enum fault access_accept(const struct access_place *place, struct access_seen *seen,
				    const struct bytes *text, struct folder_file **ret_file, struct why *why);
/* Moves the pin on, if it has to move. FAULT_TAMPERED: another process has pinned a later version meanwhile.
 */
MUST_CHECK enum fault access_pin(const struct access_place *place, const struct access_seen *seen,
				 const struct folder_file *file, const struct bytes *text, struct why *why);

/* Pin, `.fsenc`, rules, pin: once, without lock. FAULT_MISSING: no `.fsenc`; reading->seen says whether
 * there was one. */
MUST_CHECK enum fault access_read_once(const struct access_place *place, struct access_reading *reading,
				       struct why *why);

/* Was there a folder whose `.fsenc` is now missing or no access list? */
bool access_is_lost(const struct access_reading *reading, enum fault fault);

/* O_PATH descriptor of `.fsenc-backup/<id>`. FAULT_MISSING when there is none and `make` is false. */
MUST_CHECK enum fault access_backup_open(const struct access_place *place, const struct folder_id *folder,
					 bool make, int *ret_directory, struct why *why);
/* The second copy of `.fsenc` (and log); best effort, one line in the log when there is no place for it. */
void access_backup(const struct access_place *place, const struct folder_id *folder,
		   const struct bytes *text);

/* The best copy that the rules accept; *ret_whence names it. FAULT_MISSING: none. */
MUST_CHECK enum fault access_best_copy(const struct access_place *place, struct access_seen *seen,
				       struct folder_file **ret_file, struct bytes *ret_text,
				       const char **ret_whence, struct why *why);
/* A pinned place without a readable `.fsenc`: gives the folder from its best copy and puts that back.
 * FAULT_MISSING: it was closed by an admin, or the directory itself is gone. */
MUST_CHECK enum fault access_restore(const struct access_place *place, struct access_seen *seen,
				     struct folder_file **ret_file, struct why *why);
/* FAULT_TAMPERED when the pinned folder lies in a directory beside this one: somebody renamed it, and
 * this is another directory. */
MUST_CHECK enum fault access_refuse_moved(const struct access_place *place, const struct access_seen *seen,
					  struct why *why);
/* Appends to the log, locked as `lock`, what only the second copy still has of the way from `file` back to
 * version 1. Sets *repaired if there was something. */
MUST_CHECK enum fault access_mend_log(const struct access_place *place, int lock,
				      const struct folder_file *file, bool *repaired, struct why *why);
/* Did an admin close it? Then the pin is dropped. */
MUST_CHECK enum fault access_was_closed(const struct access_place *place, struct access_seen *seen,
					bool *ret_closed, struct why *why);

#endif
