/* cli/child.h - run another program and read what it prints.
 *
 * The program is found in PATH and gets exactly these words; no shell sees them.
 */
#ifndef FSENC_CLI_CHILD_H
#define FSENC_CLI_CHILD_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum child_stream { CHILD_STDOUT = 1, CHILD_STDERR = 2 };

/* Waits for the end. `output` gets the first `room` bytes of the stream, the rest is dropped.
 * FAULT_MISSING: no such program; FAULT_FAILED: it ended with a status other than 0, the output is
 * filled in all the same. */
MUST_CHECK enum fault child_run(const char *const *argv, enum child_stream stream, void *output, size_t room,
				size_t *ret_size, struct why *why);

/* Is there such a program in PATH? */
bool child_exists(const char *program);

#endif
