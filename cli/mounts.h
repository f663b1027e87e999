/* cli/mounts.h - what the kernel says is mounted (/proc/self/mountinfo). */
#ifndef FSENC_CLI_MOUNTS_H
#define FSENC_CLI_MOUNTS_H

#include "base/why.h"

#include <stdbool.h>

/* The type of the topmost mount at exactly this absolute path ("fuse.fsenc"): *ret_type is heap, or NULL when
 * nothing is mounted there. */
MUST_CHECK enum fault mounts_type_at(const char *path, char **ret_type, struct why *why);

/* An absolute path for DIR that works when a dead mount is there, too. Heap. */
MUST_CHECK enum fault mounts_path(const char *directory, char **ret_path, struct why *why);

#endif
