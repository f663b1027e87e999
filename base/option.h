/* base/option.h - GNU long options from tables.
 *
 * Each command has rows of its own, and shares groups of rows with others. The same rows make the
 * parser, the help, the completion and `help --table`. All values lie in one plain struct, a program's
 * `struct options`, whose first member is a struct options_always; texts are borrowed from argv.
 *
 *     struct options { struct options_always always; const char *role; };
 *     #define OPTION_AT(member) offsetof(struct options, member)
 *
 *     static const struct option_row rows[] = {
 *             {"role", 0, "ROLE", "reader, writer or admin", OPTION_TEXT, OPTION_AT(role)},
 *             OPTION_ROWS_END,
 *     };
 */
#ifndef FSENC_BASE_OPTION_H
#define FSENC_BASE_OPTION_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTION_LIST_MAX 64

enum option_form {
	OPTION_FLAG, /* a bool */
	OPTION_TEXT, /* a const char *; the last one counts */
	OPTION_NUMBER, /* an unsigned */
	OPTION_LIST /* a struct option_list; each use adds one */
};

struct option_list {
	const char *words[OPTION_LIST_MAX + 1]; /* ends with NULL */
	size_t count;
};

/* What every command of every program has. */
struct options_always {
	bool help, quiet, verbose, no_input, yes;
	bool table; /* of `help` alone: base/program.h */
};

struct option_row {
	const char *name; /* without the two dashes */
	char letter; /* or 0 */
	const char *value; /* "FILE"; NULL for a flag */
	const char *words;
	enum option_form form;
	size_t offset; /* in the program's struct options */
};

#define OPTION_ROWS_END \
	{ \
		NULL, 0, NULL, NULL, OPTION_FLAG, 0 \
	}

/* Rows that commands share: those whose bits a command has. 0 are every command's. */
struct option_group {
	unsigned bits;
	const struct option_row *rows;
};

/* The rows of struct options_always: for the last group of a program, with bits 0. */
extern const struct option_row options_always_rows[];

struct program;
struct command;
struct call;

/* The rows of a command one after another, its own first; NULL after the last. */
const struct option_row *option_row_of(const struct program *program, const struct command *command,
				       size_t index);

/* Reads argv[0..argc-1], argv[0] being the command's last word, into the call's options. They
 * may stand anywhere; "--" ends them. A fingerprint (32 bytes as base64url) is none, though it may begin with a
 * dash. The arguments are then argv[*ret_first..]. FAULT_USAGE names the
 * nearest option. */
MUST_CHECK enum fault options_parse(struct call *call, int argc, char **argv, int *ret_first,
				    struct why *why);

#endif
