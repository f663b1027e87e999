/* fs/durable.h - fsync means: this file is there after a power cut, whole, under its name.
 *
 * So not only what is in it is synced, but every stored entry on the way to it that this mount made since it
 * was last synced, and the files that hold long names on that way. Works on descriptors: a file without a
 * name is synced like any other. Access lists (`.fsenc*`) are synced when they are written.
 */
#ifndef FSENC_FS_DURABLE_H
#define FSENC_FS_DURABLE_H

#include "fs/file.h"

MUST_CHECK enum fault durable_file(struct open_file *file, bool data_only, struct why *why);
MUST_CHECK enum fault durable_directory(struct inode *directory, struct why *why);

#endif
