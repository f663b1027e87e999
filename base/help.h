/* base/help.h - the table of commands as text: help, `help --table`, bash completion.
 *
 * `help --table` is for programs; fields are separated by one tab:
 *
 *     command  NAME  ARGUMENTS  WORDS
 *     option   COMMAND  --NAME[,-LETTER]  VALUE  WORDS
 *     KIND  NAME  VALUE  WORDS                  more about a command, as "mount-option"
 *     exit     STATUS  WORDS
 *     environment  NAME  WORDS
 */
#ifndef FSENC_BASE_HELP_H
#define FSENC_BASE_HELP_H

#include "base/call.h"

MUST_CHECK enum fault help_all(const struct program *program, struct why *why);
MUST_CHECK enum fault help_one(const struct program *program, const struct command *command, struct why *why);
MUST_CHECK enum fault help_table(const struct program *program, struct why *why);
MUST_CHECK enum fault help_completion(const struct program *program, struct why *why);

#endif
