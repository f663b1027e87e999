/* fs/listing.h - an open directory: its plain names at positions that stay.
 *
 * The stored directory is read in one go at position 0 and again only when somebody comes back to 0, so a
 * position names the same entry as long as the handle is open, whatever is made or removed meanwhile:
 * telldir() and seekdir() hold. A name is listed once, also while `rekey --names` has it under two keys. "."
 * and ".." are not in it. One thread at a time a handle (the kernel sees to that).
 */
#ifndef FSENC_FS_LISTING_H
#define FSENC_FS_LISTING_H

#include "fs/tree.h"

struct listing;

/* Fails at once when the folder is locked. */
MUST_CHECK enum fault listing_open(struct tree *tree, struct inode *directory, struct listing **ret_listing,
				   struct why *why);
void listing_close(struct listing *listing);
AUTO_POINTER(struct listing *, listing_close);

/* Before each request: names read earlier are not shown any more once the folder is locked. */
MUST_CHECK enum fault listing_enter(struct listing *listing, struct why *why);

struct listing_entry {
	const char *name; /* until the next read at position 0 */
	ino_t number;
	unsigned char type; /* DT_* */
};
/* Position 0 is the first entry. False at the end. */
MUST_CHECK enum fault listing_read(struct listing *listing, size_t position, bool *ret_found,
				   struct listing_entry *ret_entry, struct why *why);
/* Reads the directory anew at the next listing_read(). */
void listing_rewind(struct listing *listing);
struct inode *listing_directory(const struct listing *listing); /* borrowed */

#endif
