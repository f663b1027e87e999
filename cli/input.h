/* cli/input.h - files that a command reads or makes by name; "-" is stdin or stdout. */
#ifndef FSENC_CLI_INPUT_H
#define FSENC_CLI_INPUT_H

#include "base/bytes.h"

/* Appends the whole of it to *contents; FAULT_INVALID when it is larger than `limit`. */
MUST_CHECK enum fault input_read(const char *path, size_t limit, struct bytes *contents, struct why *why);

/* A new file, 0600, synced; FAULT_EXISTS when there is one of that name. */
MUST_CHECK enum fault output_create(const char *path, const struct bytes *contents, struct why *why);

/* An absolute path without links. FAULT_MISSING. Heap. */
MUST_CHECK enum fault input_real_path(const char *path, char **ret_path, struct why *why);

#endif
