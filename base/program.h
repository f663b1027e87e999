/* base/program.h - what main() of a program with commands does.
 *
 *     int main(int argc, char **argv)
 *     {
 *             struct options options = {0};
 *             return program_main(&program, &options, argc, argv);
 *     }
 *
 * Finds the row of the table, reads its options, runs it, explains what failed.
 */
#ifndef FSENC_BASE_PROGRAM_H
#define FSENC_BASE_PROGRAM_H

#include "base/call.h"

/* `options` is the program's own struct, zeros. Returns the exit status. */
int program_main(const struct program *program, struct options *options, int argc, char **argv);

/* The commands help, version and completion: rows of every program's table. */
MUST_CHECK enum fault program_help(struct call *call, struct why *why);
MUST_CHECK enum fault program_version(struct call *call, struct why *why);
MUST_CHECK enum fault program_completion(struct call *call, struct why *why);
extern const struct option_row program_help_options[];

#endif
