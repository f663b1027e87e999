/* server/rounds.h - what a running server looks after by itself, in a thread of its own.
 *
 * Every ROUND_MS: is the directory there (for /readyz)? And for the next ROUND_LOOKUPS of those who ever
 * unlocked something and have not left: are they still members? So a leaver who never asks again is noticed
 * too (server/leavers.h). Few at a time: the directory has other work. An "unknown" ends the round and
 * changes nothing.
 */
#ifndef FSENC_SERVER_ROUNDS_H
#define FSENC_SERVER_ROUNDS_H

#include "server/server.h"

#define ROUND_MS 10000
#define ROUND_LOOKUPS 200

struct rounds;

/* The first round begins at once. */
MUST_CHECK enum fault rounds_start(struct server *server, struct rounds **ret_rounds, struct why *why);
/* Waits for the look-up under way. */
void rounds_stop(struct rounds *rounds);
AUTO_POINTER(struct rounds *, rounds_stop);

#endif
