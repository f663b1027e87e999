/* fs/stored_list.h - the stored entries of a directory, read in one go.
 *
 * Without "." and "..". A plain value: start with STORED_LIST_EMPTY, end with stored_list_done(). Whoever
 * reads a directory while it changes gets each entry that stays exactly once.
 */
#ifndef FSENC_FS_STORED_LIST_H
#define FSENC_FS_STORED_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"

struct stored_entry {
	size_t name; /* where it starts in `names` */
	ino_t number;
	unsigned char type; /* DT_* */
};

struct stored_list {
	struct stored_entry *entries;
	size_t count, room;
	struct bytes names;
};
#define STORED_LIST_EMPTY ((struct stored_list){NULL, 0, 0, BYTES_EMPTY})

/* `directory`: O_PATH or ordinary. */
MUST_CHECK enum fault stored_list_read(int directory, struct stored_list *list, struct why *why);
void stored_list_done(struct stored_list *list);
AUTO_VALUE(struct stored_list, stored_list_done);

/* Adds one; for lists of plain names, too. */
MUST_CHECK enum fault stored_list_add(struct stored_list *list, const char *name, ino_t number,
				      unsigned char type, struct why *why);
const char *stored_list_name(const struct stored_list *list, size_t at);

#endif
