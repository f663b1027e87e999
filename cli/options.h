/* cli/options.h - GNU long options from tables.
 *
 * Each command has rows of its own, and shares groups of rows with others. The same rows
 * make the parser, the help, the completion and `fsenc help --table`. All values lie in one
 * plain struct; texts are borrowed from argv.
 *
 *     static const struct option_row rows[] = {
 *             {"role", 0, "ROLE", "reader, writer or admin", OPTION_TEXT, OPTION_AT(role)},
 *             OPTION_ROWS_END,
 *     };
 */
#ifndef FSENC_CLI_OPTIONS_H
#define FSENC_CLI_OPTIONS_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTION_LIST_MAX 64

enum option_form {
	OPTION_FLAG,   /* a bool */
	OPTION_TEXT,   /* a const char *; the last one counts */
	OPTION_NUMBER, /* an unsigned */
	OPTION_LIST    /* a struct option_list; each use adds one */
};

struct option_list {
	const char *words[OPTION_LIST_MAX + 1]; /* ends with NULL */
	size_t count;
};

struct options {
	/* every command */
	bool help, quiet, verbose, no_input, yes;
	/* groups */
	bool json;
	const char *keyring, *passfile;
	struct option_list extpass;
	/* of single commands */
	bool version, table, recovery_token, lobby, foreground, dry_run, repair, renew, lazy;
	const char *name, *trust, *folder, *new_passfile, *role, *duration, *token;
	unsigned kdf_mib;
	struct option_list mount;
};

struct option_row {
	const char *name;  /* without the two dashes */
	char letter;	   /* or 0 */
	const char *value; /* "FILE"; NULL for a flag */
	const char *words;
	enum option_form form;
	size_t offset;
};

#define OPTION_AT(member) offsetof(struct options, member)
#define OPTION_ROWS_END                                                                                      \
	{                                                                                                    \
		NULL, 0, NULL, NULL, OPTION_FLAG, 0                                                          \
	}

/* Groups of rows that many commands have; every command has those of OPTIONS_ALWAYS. */
#define OPTIONS_ALWAYS 0u
#define OPTIONS_KEYRING 1u /* --keyring */
#define OPTIONS_UNLOCK 3u  /* --passfile and --extpass, too */
#define OPTIONS_JSON 4u

struct command;

/* The rows of a command one after another, its own first; NULL after the last. */
const struct option_row *options_row(const struct command *command, size_t index);

/* Reads argv[0..argc-1], argv[0] being the command's last word. Options may stand anywhere; "--" ends them.
 * The arguments are then argv[*ret_first..]. FAULT_USAGE names the nearest option; words in `hint` too. */
MUST_CHECK enum fault options_parse(const struct command *command, int argc, char **argv,
				    struct options *ret_options, int *ret_first, struct why *why);

#endif
