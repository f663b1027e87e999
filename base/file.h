/* base/file.h - whole files, and input and output that does not stop half-way.
 *
 * Descriptors are plain ints owned by AUTO(file_close) int fd = -1. Everything is opened
 * O_CLOEXEC, and relative to a directory descriptor so that nobody can swap the path.
 */
#ifndef FSENC_BASE_FILE_H
#define FSENC_BASE_FILE_H

#include "base/bytes.h"

#include <sys/types.h>

/* Ignores what close() says: for descriptors that were only read. */
void file_close(int fd);
AUTO_POINTER(int, file_close);

/* Reads until `size` bytes or the end of the file; a short count means the end. */
MUST_CHECK enum fault file_pread(int fd, void *buffer, size_t size, off_t offset, size_t *ret_size,
				 struct why *why);
/* Writes everything, or fails; *ret_size (may be NULL) is how far it came, also on failure. */
MUST_CHECK enum fault file_pwrite(int fd, const void *buffer, size_t size, off_t offset, size_t *ret_size,
				  struct why *why);

/* openat() of a file whose name is anybody's to replace, as on a share: a link is not followed, and a pipe or
 * device that was put there makes nobody wait and is told nothing. -1 with the errno of openat(), or ENXIO
 * for what is no regular file. Asks the share no more than openat() does. `flags` without O_PATH; `mode`
 * counts with O_CREAT. */
MUST_CHECK int file_open_regular(int directory, const char *name, int flags, mode_t mode);

/* The whole of a regular file, never through a symlink. FAULT_MISSING when there is none,
 * FAULT_MALFORMED when it is larger than `limit`, or no regular file. Appends to *contents. */
MUST_CHECK enum fault file_read(int directory, const char *name, size_t limit, struct bytes *contents,
				struct why *why);

/* Puts a file in place of another so that at every moment, a power cut included, the name
 * shows all of the old or all of the new contents: temporary file, fsync, rename, fsync of
 * the directory. A rename refused because another SMB client has the file open (EBUSY,
 * EACCES, ETXTBSY) is tried again for 5 s. */
MUST_CHECK enum fault file_replace(int directory, const char *name, mode_t mode, const struct bytes *contents,
				   struct why *why);

/* Appends the names in a directory, each with its zero, without "." and "..": whoever walks down by them holds one
 * descriptor a level, not two. `directory` as for file_sync_directory(). */
MUST_CHECK enum fault file_list_names(int directory, struct bytes *ret_names, struct why *why);

/* fsync of a directory known by an O_PATH or ordinary descriptor. */
MUST_CHECK enum fault file_sync_directory(int directory, struct why *why);

#endif
