/* fs/control.h - a mount answers questions: a socket in $XDG_RUNTIME_DIR/fsenc/.
 *
 * One UNIX stream socket a mount, 0600 in a 0700 directory, only for the same user
 * (SO_PEERCRED). A connection gets one JSON object and is closed:
 *   {"share": path, "dir": path, "pid": n, "mode": "shared"|"local", "backing": kind,
 *    "locks_trusted": bool, "folders": [{"path": plain path, "state": "open"|"locked", "reason": words}]}
 */
#ifndef FSENC_FS_CONTROL_H
#define FSENC_FS_CONTROL_H

#include <jansson.h>

#include "base/why.h"

struct control;

/* `answer` gives a new reference; called in the control's own thread. */
MUST_CHECK enum fault control_start(const char *mount_directory, json_t *(*answer)(void *context),
				    void *context, struct control **ret_control, struct why *why);
void control_stop(struct control *control);
AUTO_POINTER(struct control *, control_stop);

/* Asks every mount of this user; a JSON array (new reference). Sockets of dead mounts are removed. */
MUST_CHECK enum fault control_ask_all(json_t **ret_answers, struct why *why);
/* $XDG_RUNTIME_DIR/fsenc, or /run/user/UID/fsenc, or ~/.cache/fsenc/run; made 0700. Heap. */
MUST_CHECK enum fault control_directory(char **ret_directory, struct why *why);

#endif
