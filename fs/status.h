/* fs/status.h - what a mount says of itself: the JSON object of fs/control.h. */
#ifndef FSENC_FS_STATUS_H
#define FSENC_FS_STATUS_H

#include <jansson.h>

#include "fs/tree.h"

/* A new reference, or NULL without memory. */
json_t *status_of(struct tree *tree, const char *mount_directory);

#endif
