/* fs/fuse.h - libfuse's low-level interface, in the version we are written for.
 *
 * The version decides which functions <fuse_lowlevel.h> declares, so it is chosen here and nowhere else.
 */
#ifndef FSENC_FS_FUSE_H
#define FSENC_FS_FUSE_H

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <fuse_lowlevel.h>

#endif
