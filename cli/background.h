/* cli/background.h - work that goes on after the command has returned.
 *
 * The process forks first, before there is any secret (locked memory is not inherited); the child
 * does everything, asking for the passphrase included, and says through a pipe that it is ready, or what
 * failed. The parent returns when it knows. When ready the child leaves the terminal: own
 * session, stdio to /dev/null, working directory /, log to the system log, and no descriptor
 * that it did not open itself.
 *
 *     static enum fault serve(struct background *background, void *context, struct why *why)
 *     {
 *             ...                             // may fail: the parent gets the words
 *             background_ready(background);   // the parent returns FAULT_NONE now
 *             ...                             // failures go to the log
 *     }
 *     fault = background_run(call, serve, &context, why);
 */
#ifndef FSENC_CLI_BACKGROUND_H
#define FSENC_CLI_BACKGROUND_H

#include "cli/options.h"

struct background;

typedef enum fault (*background_work)(struct background *background, void *context, struct why *why);

/* In the parent: what became of the work until it was ready. The child never returns. */
MUST_CHECK enum fault background_run(struct call *call, background_work work, void *context, struct why *why);

/* Any thread of the child, once. NULL (work in the foreground) does nothing. */
void background_ready(struct background *background);

#endif
