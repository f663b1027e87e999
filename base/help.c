#include "base/help.h"

#include "base/answer.h"
#include "base/table.h"

#include <stdio.h>
#include <string.h>

#define CELL_MAX 160

enum fault help_all(const struct program *program, struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	char cell[CELL_MAX];

	(void)printf("usage: %s COMMAND [OPTION...] [ARGUMENT...]\n%s\n\n", program->name, program->words);
	for (const struct command *command = program->commands; command->name; command++) {
		(void)snprintf(cell, sizeof(cell), "  %s %s", command->name, command->arguments);
		table_add(&lines, (const char *[]){cell, command->words});
	}
	if (table_print(&lines, stdout, why))
		return FAULT_SYSTEM;
	(void)printf("\n'%s help COMMAND' shows its options; the manual is %s.\n", program->name,
		     program->manual);
	return answer_end(why);
}

static void add_option(struct table *lines, const struct option_row *row)
{
	char letter[8] = "   ";
	char cell[CELL_MAX];

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c,", row->letter);
	(void)snprintf(cell, sizeof(cell), "  %s --%s%s%s", letter, row->name, row->value ? " " : "",
		       row->value ? row->value : "");
	table_add(lines, (const char *[]){cell, row->words});
}

static enum fault print_more(const struct help_more *more, struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	char cell[CELL_MAX];

	(void)printf("\n%s:\n", more->title);
	for (const char *const *line = more->lines(); *line; line++) {
		size_t name = strcspn(*line, "\t");
		const char *value = *line + name + ((*line)[name] == '\t');
		size_t value_length = strcspn(value, "\t");

		(void)snprintf(cell, sizeof(cell), "  %.*s%s%.*s", (int)name, *line, value_length ? "=" : "",
			       (int)value_length, value);
		value += value_length + (value[value_length] == '\t');
		table_add(&lines, (const char *[]){cell, value});
	}
	return table_print(&lines, stdout, why);
}

enum fault help_one(const struct program *program, const struct command *command, struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	const struct option_row *row;
	enum fault fault;

	(void)printf("usage: %s %s [OPTION...]%s%s\n%s\n\noptions:\n", program->name, command->name,
		     command->arguments[0] ? " " : "", command->arguments, command->words);
	for (size_t i = 0; (row = option_row_of(program, command, i)); i++)
		add_option(&lines, row);
	fault = table_print(&lines, stdout, why);
	if (!fault && program->more && !strcmp(command->name, program->more->command))
		fault = print_more(program->more, why);
	return fault;
}

static void print_options(const struct program *program, const struct command *command)
{
	const struct option_row *row;

	for (size_t i = 0; (row = option_row_of(program, command, i)); i++) {
		char letter[] = {row->letter ? ',' : '\0', '-', row->letter, '\0'};

		(void)printf("option\t%s\t--%s%s\t%s\t%s\n", command->name, row->name, letter,
			     row->value ? row->value : "", row->words);
	}
}

static void print_lines(const char *kind, const struct help_line *lines)
{
	for (; lines->name; lines++)
		(void)printf("%s\t%s\t%s\n", kind, lines->name, lines->words);
}

enum fault help_table(const struct program *program, struct why *why)
{
	for (const struct command *command = program->commands; command->name; command++) {
		(void)printf("command\t%s\t%s\t%s\n", command->name, command->arguments, command->words);
		print_options(program, command);
	}
	if (program->more)
		for (const char *const *line = program->more->lines(); *line; line++)
			(void)printf("%s\t%s\n", program->more->kind, *line);
	print_lines("exit", program->exits);
	print_lines("environment", program->environment);
	return answer_end(why);
}

static void print_first_words(const struct command *table)
{
	for (const struct command *command = table; command->name; command++) {
		int length = (int)strcspn(command->name, " ");
		bool again = command != table &&
			     !strncmp(command[-1].name, command->name, (size_t)length + 1);

		if (!again)
			(void)printf("%.*s ", length, command->name);
	}
}

static void print_case(const struct program *program, const struct command *command)
{
	const struct option_row *row;

	(void)printf("\t'%s') words='", command->name);
	for (size_t i = 0; (row = option_row_of(program, command, i)); i++)
		(void)printf("--%s ", row->name);
	(void)printf("' ;;\n");
}

static void print_second_words(const struct command *table)
{
	(void)printf("\tcase $1 in\n");
	for (const struct command *command = table; command->name; command++) {
		const char *blank = strchr(command->name, ' ');

		if (blank)
			(void)printf("\t'%.*s') second+=' %s' ;;&\n", (int)(blank - command->name),
				     command->name, blank + 1);
	}
	(void)printf("\tesac\n");
}

/* A program's name as a part of a shell function's. */
static void print_word(const char *name)
{
	for (; *name; name++)
		(void)putchar(*name == '-' ? '_' : *name);
}

static void print_function(const char *before, const struct program *program, const char *after)
{
	(void)printf("%s_", before);
	print_word(program->name);
	(void)printf("%s", after);
}

enum fault help_completion(const struct program *program, struct why *why)
{
	(void)printf("# bash completion for %s; put it into /usr/share/bash-completion/completions/%s\n",
		     program->name, program->name);
	print_function("", program, "_second() {\n\tsecond=\n");
	print_second_words(program->commands);
	print_function(
		"}\n", program,
		"() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words= second\n");
	print_function("\t", program,
		       "_second \"$command\"\n"
		       "\tif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY=($(compgen -W '");
	print_first_words(program->commands);
	(void)printf("' -- \"$word\")); return\n\tfi\n"
		     "\tif [[ $second ]] && ((COMP_CWORD == 2)); then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$second\" -- \"$word\")); return\n\tfi\n"
		     "\t[[ $second ]] && command+=\" ${COMP_WORDS[2]}\"\n"
		     "\tcase $command in\n");
	for (const struct command *command = program->commands; command->name; command++)
		print_case(program, command);
	(void)printf("\tesac\n"
		     "\t[[ $word == -* ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
		     "}\n");
	print_function("complete -o default -F ", program, "");
	(void)printf(" %s\n", program->name);
	return answer_end(why);
}
