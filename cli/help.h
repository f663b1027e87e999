/* cli/help.h - the table of commands as text: help, `fsenc help --table`, bash completion.
 *
 * `fsenc help --table` is for programs; fields are separated by one tab:
 *
 *     command  NAME  ARGUMENTS  WORDS
 *     option   COMMAND  --NAME[,-LETTER]  VALUE  WORDS
 *     mount-option  NAME  VALUE  WORDS
 *     exit     STATUS  WORDS
 *     environment  NAME  WORDS
 */
#ifndef FSENC_CLI_HELP_H
#define FSENC_CLI_HELP_H

#include "cli/call.h"

/* The row whose name is `one`, or `one two`; *ret_words is how many words it took. NULL: there is none. */
const struct command *help_find(const struct command *table, const char *one, const char *two,
				unsigned *ret_words);
/* Is it the first word of two-word commands? */
bool help_is_prefix(const struct command *table, const char *word);

MUST_CHECK enum fault help_all(const struct command *table, struct why *why);
MUST_CHECK enum fault help_one(const struct command *command, struct why *why);
MUST_CHECK enum fault help_table(const struct command *table, struct why *why);
MUST_CHECK enum fault help_completion(const struct command *table, struct why *why);

#endif
