#include "base/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/answer.h"
#include "base/explain.h"
#include "base/help.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/secret.h"

/* The program itself, without a command. */
static const struct command nothing = {"", "", "", NULL, 0, 0, 0, NULL};

static enum fault unknown(struct call *call, const char *one, const char *two, struct why *why)
{
	const struct command *commands = call->program->commands;
	struct nearest nearest;
	char typed[128];
	bool pair = two && two[0] != '-' && command_is_prefix(commands, one);

	(void)snprintf(typed, sizeof(typed), pair ? "%s %s" : "%s", one, two);
	nearest = nearest_to(typed);
	for (const struct command *command = commands; command->name; command++)
		nearest_look_at(&nearest, command->name);
	if (!nearest_word(&nearest))
		return why_set(why, FAULT_USAGE, "there is no command '%s'", typed);
	(void)call_hint(call, FAULT_USAGE, "%s help %s", call->program->name, nearest_word(&nearest));
	return why_set(why, FAULT_USAGE, "there is no command '%s'; did you mean '%s'?", typed,
		       nearest_word(&nearest));
}

static enum fault check_arguments(struct call *call, struct why *why)
{
	const struct command *command = call->command;

	if (call->argument_count >= command->least && call->argument_count <= command->most)
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE, "usage: %s %s %s", call->program->name, command->name,
		       command->arguments[0] ? command->arguments : "(no arguments)");
}

static void set_log_level(const struct call *call)
{
	if (call_always(call)->quiet)
		log_set_level(LOG_LEVEL_ERROR);
	else
		log_set_level(call_always(call)->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
}

/* `argv` begins with the last word of the command's name. */
static enum fault run(struct call *call, const struct command *command, int argc, char **argv,
		      struct why *why)
{
	int first;
	enum fault fault;

	call->command = command;
	(void)call_hint(call, FAULT_USAGE, "%s help %s", call->program->name, command->name);
	fault = options_parse(call, argc, argv, &first, why);
	if (fault)
		return fault;
	if (call_always(call)->help)
		return help_one(call->program, command, why);
	call->arguments = argv + first;
	call->argument_count = (size_t)(argc - first);
	fault = check_arguments(call, why);
	if (fault)
		return fault;
	call->hint[0] = '\0';
	set_log_level(call);
	return command->run(call, why);
}

static enum fault dispatch(struct call *call, int argc, char **argv, struct why *why)
{
	const struct program *program = call->program;
	const struct command *command;
	unsigned words;

	if (argc < 2) {
		(void)call_hint(call, FAULT_USAGE, "%s help", program->name);
		return why_set(why, FAULT_USAGE, "which command?");
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_all(program, why);
	if (!strcmp(argv[1], "--version"))
		return program_version(call, why);
	command = command_find(program->commands, argv[1], argv[2], &words);
	if (command)
		return run(call, command, argc - (int)words, argv + words, why);
	if (argc == 2 && command_is_prefix(program->commands, argv[1]))
		return why_set(why, FAULT_USAGE, "'%s %s' is followed by one more word", program->name,
			       argv[1]);
	if (argv[2] && !strcmp(argv[2], "--help") && command_is_prefix(program->commands, argv[1]))
		return help_all(program, why);
	return unknown(call, argv[1], argv[2], why);
}

/* A closed stdin, stdout or stderr would give its number to a database. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

int program_main(const struct program *program, struct options *options, int argc, char **argv)
{
	struct call call = {.program = program, .command = &nothing, .options = options};
	struct why why = WHY_NONE;
	enum fault fault;

	fill_standard_descriptors();
	log_set_level(LOG_LEVEL_WARNING);
	fault = secret_start(&why);
	if (!fault)
		fault = dispatch(&call, argc, argv, &why);
	return explain(&call, fault, &why);
}

/* -- commands of every program ------------------------------------------------------------ */

enum fault program_version(struct call *call, struct why *why)
{
	(void)printf("%s %s\n", call->program->name, call->program->version);
	return answer_end(why);
}

enum fault program_completion(struct call *call, struct why *why)
{
	if (strcmp(call->arguments[0], "bash") != 0) {
		(void)call_hint(call, FAULT_USAGE, "%s completion bash", call->program->name);
		return why_set(why, FAULT_USAGE, "there is no completion for '%s'", call->arguments[0]);
	}
	return help_completion(call->program, why);
}

const struct option_row program_help_options[] = {
	{"table", 0, NULL, "print everything as lines for programs", OPTION_FLAG,
	 offsetof(struct options_always, table)},
	OPTION_ROWS_END,
};

enum fault program_help(struct call *call, struct why *why)
{
	const struct command *commands = call->program->commands;
	const char *one = call->argument_count > 0 ? call->arguments[0] : NULL;
	const char *two = call->argument_count > 1 ? call->arguments[1] : NULL;
	const struct command *command;
	unsigned words;

	if (call_always(call)->table)
		return help_table(call->program, why);
	if (!one || (!two && command_is_prefix(commands, one)))
		return help_all(call->program, why);
	command = command_find(commands, one, two, &words);
	if (!command)
		return why_set(why, FAULT_USAGE, "there is no command '%s%s%s'", one, two ? " " : "",
			       two ? two : "");
	return help_one(call->program, command, why);
}
