/* fsenc-server help, version, completion */
#include "base/program.h"
#include "server/commands.h"

const struct option_row options_help[] = {
	{"table", 0, NULL, "print everything as lines for programs", OPTION_FLAG, OPTION_AT(table)},
	OPTION_ROWS_END,
};

enum fault cmd_help(struct call *call, struct why *why)
{
	return program_help(call, call->options->table, why);
}

enum fault cmd_version(struct call *call, struct why *why)
{
	return program_version(call, why);
}

enum fault cmd_completion(struct call *call, struct why *why)
{
	return program_completion(call, why);
}
