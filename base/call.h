/* base/call.h - one call of a command line: which program, which command, with which words.
 *
 * A program is a table of commands (and what help says beside them); a command is a row of it. Its
 * function gets the call and returns a fault; base/program.c explains it. What a command finds out goes to
 * stdout as data, what it says to people goes to stderr with call_say().
 *
 *     enum fault cmd_lock(struct call *call, struct why *why)
 *     {
 *             ...
 *             return call_hint(call, why_set(why, FAULT_MISSING, "..."), "fsenc unlock");
 *     }
 */
#ifndef FSENC_BASE_CALL_H
#define FSENC_BASE_CALL_H

#include "base/option.h"

#define CALL_HINT_SIZE 256
#define CALL_MANY 4096 /* as many arguments as one likes */

struct call;

struct command {
	const char *name; /* one or two words: "mount", "key import" */
	const char *arguments; /* as help shows them; "" for none */
	const char *words; /* one line, no full stop */
	const struct option_row *options; /* its own; ends with a row without name; NULL for none */
	unsigned shared; /* bits of the groups of options that it has as well */
	unsigned least, most; /* arguments */
	enum fault (*run)(struct call *call, struct why *why);
};

/* Lines of help beside the commands: an exit status or a variable, and what it means. */
struct help_line {
	const char *name;
	const char *words;
};

/* More about one command, in its help and as lines "KIND<tab>LINE" of `help --table`. */
struct help_more {
	const char *command;
	const char *title; /* a line above them */
	const char *kind;
	/* "NAME<tab>VALUE<tab>WORDS" each; ends with NULL. */
	const char *const *(*lines)(void);
};

struct program {
	const char *name; /* as it is called */
	const char *words; /* what it is, one sentence */
	const char *manual; /* "fsenc(1)" */
	const char *version;
	const struct command *commands; /* every one; ends with a row without name */
	const struct option_group *groups; /* in the order of help; the last has bits 0 */
	size_t group_count;
	const struct help_line *exits; /* every exit status, lowest first; ends with a line without name */
	const struct help_line *environment; /* likewise */
	const struct help_more *more; /* or NULL */
	const char *const *hints; /* by fault: what to do next when the command knows nothing better */
};

struct call {
	const struct program *program;
	const struct command *command;
	struct options *options; /* the program's own struct */
	char *const *arguments;
	size_t argument_count;
	char hint[CALL_HINT_SIZE]; /* what to do next, when it fails; "" leaves it to the fault */
};

/* The row whose name is `one`, or `one two`; *ret_words is how many words it took. NULL: there is none. */
const struct command *command_find(const struct command *commands, const char *one, const char *two,
				   unsigned *ret_words);
/* Is it the first word of two-word commands? */
bool command_is_prefix(const struct command *commands, const char *word);

const struct options_always *call_always(const struct call *call);

/* Sets the hint that goes with a failure and returns `fault`; FAULT_NONE changes nothing. */
enum fault call_hint(struct call *call, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* A line for people, on stderr, unless --quiet. */
void call_say(const struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
