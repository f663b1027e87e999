/* fs/control.h - a mount answers questions: a socket in $XDG_RUNTIME_DIR/fsenc/.
 *
 * One UNIX stream socket a mount, 0600 in a 0700 directory, only for the same user
 * (SO_PEERCRED). Who connects says a word and shuts his side: "wake" has the mount look again whether the key
 * servers can be reached; anything else (or nothing) gets one JSON object:
 *   {"share": path, "dir": path, "pid": n, "mode": "shared"|"local", "backing": kind,
 *    "locks_trusted": bool, "keeps_writes": bool,
 *    "folders": [{"path": plain path, "state": "open"|"locked", "reason": words}],
 *    "organisation": {"name", "policy_version", "policy_received", "countdown_ms", "leases": [{"group", "left_ms"}]}}
 * `organisation` is null while the user has not enrolled.
 */
#ifndef FSENC_FS_CONTROL_H
#define FSENC_FS_CONTROL_H

#include <jansson.h>

#include "base/why.h"

struct control;

/* Both are called in the control's own thread; `answer` gives a new reference. */
struct control_handler {
	json_t *(*answer)(void *context);
	void (*wake)(void *context);
	void *context;
};
MUST_CHECK enum fault control_start(const struct control_handler *handler, struct control **ret_control,
				    struct why *why);
void control_stop(struct control *control);
AUTO_POINTER(struct control *, control_stop);

/* Asks every mount of this user; a JSON array (new reference). Sockets of dead mounts are removed. */
MUST_CHECK enum fault control_ask_all(json_t **ret_answers, struct why *why);
/* Wakes every mount of this user: after `fsenc sync`. What cannot be reached is passed over. */
void control_wake_all(void);
/* $XDG_RUNTIME_DIR/fsenc, or /run/user/UID/fsenc, or ~/.cache/fsenc/run; made 0700. Heap. */
MUST_CHECK enum fault control_directory(char **ret_directory, struct why *why);

#endif
