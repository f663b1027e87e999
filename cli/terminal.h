/* cli/terminal.h - ask the person at the terminal.
 *
 * Talks to /dev/tty, so that stdin and stdout stay free for data. A signal while echo is
 * off turns echo on again before it takes effect.
 */
#ifndef FSENC_CLI_TERMINAL_H
#define FSENC_CLI_TERMINAL_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

/* Is there one that this process may use? */
bool terminal_exists(void);

/* A line without echo, up to `room` bytes, newline included. FAULT_FAILED when it was interrupted. */
MUST_CHECK enum fault terminal_ask_secret(const char *question, void *line, size_t room, size_t *ret_size,
					  struct why *why);
/* "QUESTION [y/N]" */
MUST_CHECK enum fault terminal_ask_yes(const char *question, bool *ret_yes, struct why *why);

#endif
