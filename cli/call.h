/* cli/call.h - one call of the command line: which command, with which words.
 *
 * A command is a row of the table in cli/main.c. Its function gets the call and returns a fault;
 * main() explains it (cli/explain.h). What a command finds out goes to stdout as data, what it
 * says to people goes to stderr with call_say().
 *
 *     enum fault cmd_lock(struct call *call, struct why *why)
 *     {
 *             ...
 *             return call_hint(call, why_set(why, FAULT_MISSING, "..."), "fsenc unlock");
 *     }
 */
#ifndef FSENC_CLI_CALL_H
#define FSENC_CLI_CALL_H

#include "base/why.h"
#include "cli/options.h"

#define CALL_HINT_SIZE 256
#define CALL_MANY 4096 /* as many arguments as one likes */

struct call;

struct command {
	const char *name;		  /* one or two words: "mount", "key import" */
	const char *arguments;		  /* as help shows them; "" for none */
	const char *words;		  /* one line, no full stop */
	const struct option_row *options; /* its own; ends with a row without name; NULL for none */
	unsigned shared;		  /* OPTIONS_* groups that it has as well */
	unsigned least, most;		  /* arguments */
	enum fault (*run)(struct call *call, struct why *why);
};

struct call {
	const struct command *command;
	const struct command *table; /* all commands; ends with a row without name */
	struct options options;
	char *const *arguments;
	size_t argument_count;
	char hint[CALL_HINT_SIZE]; /* what to do next, when it fails; "" leaves it to the fault */
};

/* Sets the hint that goes with a failure and returns `fault`; FAULT_NONE changes nothing. */
enum fault call_hint(struct call *call, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* A line for people, on stderr, unless --quiet. */
void call_say(const struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
