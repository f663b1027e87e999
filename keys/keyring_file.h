/* keys/keyring_file.h - the keyring as a file: where it lies, who may read it, which layout it has.
 *
 * The layout is a number (sqlite's user_version); keyring_connect() brings an older one up by the
 * steps of a table that is only ever appended to.
 *
 * A file is never opened here but by sqlite3 itself: closing any other descriptor of it would drop
 * the locks that the process holds on it (POSIX record locks belong to the process).
 */
#ifndef FSENC_KEYS_KEYRING_FILE_H
#define FSENC_KEYS_KEYRING_FILE_H

#include "keys/keyring_store.h"

/* The real path of an existing keyring; FAULT_MISSING, or FAULT_KEYRING_READ when others may read it. */
MUST_CHECK enum fault keyring_file_find(const char *path, char **ret_real, struct why *why);

/* A file of that name may be made: FAULT_EXISTS when it, or what an earlier one left beside it, is there. */
MUST_CHECK enum fault keyring_file_is_free(const char *path, struct why *why);
/* An empty file beside `path` that only the user may read, for keyring_file_publish() or
 * keyring_file_drop(); directories on the way are made. */
MUST_CHECK enum fault keyring_file_claim(const char *path, char **ret_draft, struct why *why);
/* Gives the finished draft its name, durably; FAULT_EXISTS when somebody was faster. */
MUST_CHECK enum fault keyring_file_publish(const char *draft, const char *path, struct why *why);
void keyring_file_drop(const char *draft);

/* A connection; `fresh` for an empty file, which gets the newest layout. Refuses what is no keyring, and a
 * layout newer than ours, without changing a byte. */
MUST_CHECK enum fault keyring_connect(const char *path, bool fresh, struct keyring **ret_keyring,
				      struct why *why);

#endif
