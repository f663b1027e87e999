/* fs/reach.h - from an inode to its stored file: by name, or by what is still open.
 *
 * What stands under the stored name is compared with the inode; another file there, or none, is ESTALE,
 * unless a pin or an open handle still reaches the right one. A name that this mount is just changing is
 * asked for again. Descriptors for reading attributes are O_PATH.
 */
#ifndef FSENC_FS_REACH_H
#define FSENC_FS_REACH_H

#include "fs/inode.h"

struct reach {
	int fd;
	struct inode *lender; /* the directory whose cached descriptor it is, or NULL: our own */
	struct sight stored;
};
#define REACH_NONE ((struct reach){.fd = -1, .lender = NULL})
MUST_CHECK enum fault reach_open(struct inode *inode, struct reach *ret_reach, struct why *why);
void reach_close(struct reach *reach);
AUTO_VALUE(struct reach, reach_close);

/* "/proc/self/fd/N": for calls that take no O_PATH descriptor. */
#define REACH_PATH_SIZE 32
void reach_path(int fd, char path[static REACH_PATH_SIZE]);
/* chmod(2) of a descriptor, O_PATH too; the kind among `mode` is left out. */
MUST_CHECK enum fault reach_set_mode(int fd, mode_t mode, struct why *why);

struct reach_file {
	int fd; /* the caller's */
	bool looked;
	struct sight stored; /* if looked: seen through the descriptor, after it was opened */
};
/* Opens a file itself. `certain`: nobody but this mount changes names, so only our own changes are checked
 * for. */
MUST_CHECK enum fault reach_open_file(struct inode *inode, int flags, bool certain, struct reach_file *ret_file,
				      struct why *why);

#endif
