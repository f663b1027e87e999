/* fsenc help, version, completion */
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

const struct option_row options_help[] = {
	{"table", 0, NULL, "print everything as lines for programs", OPTION_FLAG, OPTION_AT(table)},
	OPTION_ROWS_END,
};

enum fault cmd_help(struct call *call, struct why *why)
{
	const char *one = call->argument_count > 0 ? call->arguments[0] : NULL;
	const char *two = call->argument_count > 1 ? call->arguments[1] : NULL;
	const struct command *command;
	unsigned words;

	if (call->options.table)
		return help_table(call->table, why);
	if (!one || (!two && help_is_prefix(call->table, one)))
		return help_all(call->table, why);
	command = help_find(call->table, one, two, &words);
	if (!command)
		return why_set(why, FAULT_USAGE, "there is no command '%s%s%s'", one, two ? " " : "",
			       two ? two : "");
	return help_one(command, why);
}

enum fault cmd_version(struct call *call, struct why *why)
{
	(void)call;
	(void)printf("fsenc %s\n", FSENC_VERSION);
	return answer_end(why);
}

enum fault cmd_completion(struct call *call, struct why *why)
{
	if (strcmp(call->arguments[0], "bash") != 0) {
		(void)call_hint(call, FAULT_USAGE, "fsenc completion bash");
		return why_set(why, FAULT_USAGE, "there is no completion for '%s'", call->arguments[0]);
	}
	return help_completion(call->table, why);
}
