/* server/commands.h - what the table in server/main.c points at: a function and its options each.
 *
 * server/cmd_NOUN.c holds the commands about one noun. Commands without options of their own have no rows.
 */
#ifndef FSENC_SERVER_COMMANDS_H
#define FSENC_SERVER_COMMANDS_H

#include "server/options.h"

#define COMMAND_LIST(X) \
	X(init) \
	X(run) \
	X(status) \
	X(completion) \
	X(help) \
	X(version)

#define X(name) MUST_CHECK enum fault cmd_##name(struct call *call, struct why *why);
COMMAND_LIST(X)
#undef X

extern const struct option_row options_init[];
extern const struct option_row options_status[];
extern const struct option_row options_help[];

#endif
