/* fs/file.h - open files: a handle over the contents that all handles of a file share.
 *
 * Each call enters the folder of the file first, so a handle stops working when access ends, and works again
 * when it comes back. It works on descriptors only: a file without a name any more is as good as any other.
 * Any thread, many at once on one handle.
 */
#ifndef FSENC_FS_FILE_H
#define FSENC_FS_FILE_H

#include "fs/tree.h"

#define FILE_WRITE_MAX (1024 * 1024)

struct open_file;

/* `flags` as open(2) got them: access mode, O_APPEND and O_TRUNC count. */
MUST_CHECK enum fault file_open(struct tree *tree, struct inode *inode, int flags,
				struct open_file **ret_file, struct why *why);
/* Over a descriptor of tree_make_file(), which is taken over. */
MUST_CHECK enum fault file_adopt(struct tree *tree, struct inode *inode, int fd, int flags,
				 struct open_file **ret_file, struct why *why);
/* What the storage says at close, but the handle is gone in any case. */
MUST_CHECK enum fault file_end(struct open_file *file, struct why *why);
/* What a close of one of several descriptors asks: did everything written so far get through? */
MUST_CHECK enum fault file_flush(struct open_file *file, struct why *why);

/* Tries again what of earlier writes the storage has not taken; a failure as long as something is missing. */
MUST_CHECK enum fault file_bring_through(struct open_file *file, struct why *why);

int file_descriptor(const struct open_file *file); /* borrowed */
bool file_is_writable(const struct open_file *file);
/* At its opening it was not as the kernel was last told (shared mode). */
bool file_is_news(const struct open_file *file);
struct inode *file_inode(const struct open_file *file); /* borrowed */
/* May the kernel keep pages of it? */
bool file_may_be_kept(const struct open_file *file);

MUST_CHECK enum fault file_attributes(struct open_file *file, struct stat *ret_shown, struct why *why);
MUST_CHECK enum fault file_read_at(struct open_file *file, int64_t offset, size_t size, uint8_t *buffer,
				   size_t *ret_size, struct why *why);
struct file_bytes {
	int64_t offset;
	const uint8_t *bytes;
	size_t size;
};
/* At the end, whatever the offset says, if the handle is for appending. */
MUST_CHECK enum fault file_write_at(struct open_file *file, const struct file_bytes *bytes, struct why *why);
/* A page of a mapping belongs where it is, whatever handle it comes through. */
MUST_CHECK enum fault file_write_page(struct open_file *file, const struct file_bytes *bytes, struct why *why);
MUST_CHECK enum fault file_truncate(struct open_file *file, int64_t size, struct why *why);
MUST_CHECK enum fault file_allocate(struct open_file *file, int mode, int64_t offset, int64_t length,
				    struct why *why);
MUST_CHECK enum fault file_seek(struct open_file *file, int64_t offset, int whence, int64_t *ret_offset,
				struct why *why);
MUST_CHECK enum fault file_is_unclean(struct open_file *file, bool *ret_unclean, struct why *why);

#endif
