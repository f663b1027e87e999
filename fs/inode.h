/* fs/inode.h - what the kernel knows by a number: the inodes of a mount.
 *
 * A number is never used twice. Two indexes find an inode, by number and by the device and
 * number of the stored file (hard links share one); a third finds it by its stored name, so that
 * a removal knows what it removes without asking the share.
 *
 * Files hold no descriptor: they are found again through their parent and stored name, and
 * what is found is compared with what was known. Directories lend an O_PATH descriptor from a bounded
 * cache, and are opened anew through their parents when it was closed meanwhile:
 *
 *     fault = inode_lend(directory, &fd, why);
 *     ...
 *     inode_return(directory);
 *
 * An inode lives as long as the kernel counts look-ups of it, a caller holds a reference, or a child
 * is there. Any thread. One mutex guards the table; it is never held across input or output.
 *
 * Changes of names: inode_change_begin() before the system call and inode_change_end() after it, on each
 * directory that changes. Whoever opened something by name meanwhile sees it with inode_name_is_stale().
 */
#ifndef FSENC_FS_INODE_H
#define FSENC_FS_INODE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/folder.h"
#include "fs/sight.h"

#define INODE_ENTRY_SIZE (NAME_MAX + 1)
#define INODE_ROOT 1 /* the kernel's number of the root */

struct inode_table;
struct inode;
struct open_file;

/* `root` is borrowed; at most `descriptors` directories stay open. */
MUST_CHECK enum fault inode_table_new(int root, const struct sight *stored, unsigned descriptors,
				      struct inode_table **ret_table, struct why *why);
void inode_table_free(struct inode_table *table);
AUTO_POINTER(struct inode_table *, inode_table_free);
size_t inode_count(struct inode_table *table);

struct inode *inode_ref(struct inode *inode);
void inode_unref(struct inode *inode);
AUTO_POINTER(struct inode *, inode_unref);
/* A new reference, or NULL: forgotten. */
struct inode *inode_find(struct inode_table *table, uint64_t node);
/* By stored name, if it is known; a new reference or NULL. */
struct inode *inode_find_entry(struct inode *directory, const char *entry);
/* One more look-up for the kernel, by number alone. */
void inode_count_lookup(struct inode *inode);
/* The kernel drops `lookups` of what inode_meet() counted. */
void inode_forget(struct inode_table *table, uint64_t node, uint64_t lookups);
/* Every inode there is now, with a reference held during the call. */
void inode_each(struct inode_table *table, void (*each)(void *context, struct inode *inode), void *context);

uint64_t inode_node(const struct inode *inode);
mode_t inode_type(const struct inode *inode); /* S_IFMT bits */
bool inode_is(const struct inode *inode, const struct sight *stored);
/* What was opened as this inode is another file, which another client has put under the name. From now on the inode is
 * that one, and whoever finds either by its number later is given an inode of its own. False when that cannot be: it is
 * open as what it was, or the kernel may have meant another of its names. */
MUST_CHECK bool inode_become(struct inode *inode, const struct sight *stored);
bool inode_is_root(const struct inode *inode);
/* The directory it is in (a new reference), also after its name is gone; NULL for the root. */
struct inode *inode_parent(struct inode *inode);

/* Attributes that the kernel is told, and whether it was last told these: it believes a file to end where it was
 * told, and reads no further, until it asks again. */
void inode_tell(struct inode *inode, const struct stat *shown);
bool inode_was_told(const struct inode *inode, const struct stat *shown);

/* -- names ---------------------------------------------------------------------------- */

/* How often names in a directory have changed: read before a look, given to inode_meet(). */
uint32_t inode_changes(struct inode *directory);

/* What a look found under `entry`: counts a look-up, and gives a reference. *ret_inode is NULL when
 * names have changed since `changes` was read: look again. `descriptor` (O_PATH) is taken over. */
MUST_CHECK enum fault inode_meet(struct inode *directory, const char *entry, uint32_t changes,
				 const struct sight *stored, int descriptor, struct inode **ret_inode,
				 struct why *why);

/* Where an inode was when it was asked. */
struct inode_name {
	struct inode *parent; /* reference, NULL for the root */
	char entry[INODE_ENTRY_SIZE];
	uint32_t changes;
	bool gone; /* the name was removed or taken over */
};
void inode_name_done(struct inode_name *name);
AUTO_VALUE(struct inode_name, inode_name_done);
void inode_name(struct inode *inode, struct inode_name *ret_name);
/* May what was found under that name be something else by now? */
bool inode_name_is_stale(struct inode *inode, const struct inode_name *name);
/* Waits until a change of names under way in that directory has ended, or one has since `name` was asked. */
void inode_name_settle(const struct inode_name *name);

void inode_change_begin(struct inode *directory);
void inode_change_end(struct inode *directory);
/* Results of a change, told before inode_change_end(). `inode` may be NULL: nobody knew it. A pin is an
 * O_PATH descriptor (or -1), taken over, by which what has no name any more is still reached. */
void inode_removed(struct inode *inode, struct inode *directory, const char *entry, int pin);
void inode_renamed(struct inode *inode, struct inode *directory, const char *entry);

/* The stored path below the share's root, "" for the root; false when it has none any more or it is too long.
 */
bool inode_path(struct inode *inode, char path[static RING_PATH_MAX]);

/* -- descriptors ---------------------------------------------------------------------- */

/* Directories only. FAULT_SYSTEM with ESTALE when another one stands there now. */
MUST_CHECK enum fault inode_lend(struct inode *directory, int *ret_fd, struct why *why);
void inode_return(struct inode *directory);
/* A duplicate of the pin, or of a handle open for it; -1 when there is neither. */
int inode_spare(struct inode *inode);

/* -- directories: folder, names made but not yet synced --------------------------------- */

/* The folder whose rules hold inside the directory: its own, or the nearest above; a new reference, or NULL
 * in a lobby. */
struct folder *inode_folder(struct inode *directory);
bool inode_owns_folder(struct inode *directory);
/* Takes a reference of its own. What was found in the directory before is of the folder above, or it would not have
 * been found: it counts as lying there from now on, where it is put (fs/strangers.h), with its keys. */
void inode_set_folder(struct inode *directory, struct folder *own);
/* The folder is no more: the directory above that owned it is its parent's again. False when none does, or it
 * is the root, which has no parent. */
bool inode_disown(struct inode *directory, const struct folder *folder);
/* When `.fsenc` was last looked for in it, milliseconds since boot; 0: never. */
int64_t inode_looked(struct inode *directory);
void inode_set_looked(struct inode *directory, int64_t boot_ms);

/* A name was made in it, which the fsync of whatever lies below has to make durable. */
void inode_set_made(struct inode *directory);
/* 0 when everything is synced; else what to say to inode_set_synced() afterwards. */
uint32_t inode_made(struct inode *directory);
void inode_set_synced(struct inode *directory, uint32_t made);

/* -- open files ----------------------------------------------------------------------- */

/* The state that all handles of one file share; the first makes it, the last frees it. It outlives the last one when a
 * write has not come through: until a handle brings it through, it answers for the blocks that the storage has not. */
MUST_CHECK enum fault inode_open_content(struct inode *inode, const struct content_options *options,
					 struct content **ret_content, struct why *why);
void inode_close_content(struct inode *inode);
bool inode_is_open(struct inode *inode);
/* Drops what is cached of the contents, if the file is open. */
void inode_forget_content(struct inode *inode);
/* Handles, so that a file without a name can be reached through one. */
void inode_add_handle(struct inode *inode, int fd);
/* A duplicate of an open handle, or -1. */
int inode_handle(struct inode *inode);
void inode_drop_handle(struct inode *inode, int fd);

#endif
