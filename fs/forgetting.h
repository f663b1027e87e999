/* fs/forgetting.h - the kernel forgets what it knows of folders that have closed.
 *
 * Pages, attributes and names are dropped; dirty pages come back first, and are taken while the folder
 * closes. Then the keys are wiped, and once more is dropped what operations brought that were under way
 * (fs/folder.h). Afterwards nothing of the folders can be read through the mount: a mapping faults.
 *
 * Names of directories stay, for they are where processes stand; they lead to nothing but refusals. So do
 * names that are stored in a file of their own: finding those out would ask the share, which may not answer.
 */
#ifndef FSENC_FS_FORGETTING_H
#define FSENC_FS_FORGETTING_H

#include "fs/tree.h"

/* The thread holds no lock and serves no request: the kernel waits for our workers meanwhile. */
void forget_folders(struct tree *tree, struct folder *const *folders, size_t count);

#endif
