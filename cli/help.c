#include "cli/help.h"

#include "cli/answer.h"
#include "cli/table.h"
#include "fs/mount.h"

#include <stdio.h>
#include <string.h>

#define CELL_MAX 160

static const struct {
	const char *name;
	const char *words;
} environment[] = {
	{"FSENC_PASSFILE", "a file whose first line is the passphrase; refused if others can read it"},
	{"CREDENTIALS_DIRECTORY", "of systemd: fsenc.passphrase in it is the passphrase"},
	{"XDG_DATA_HOME", "fsenc/keyring.db in it is the keyring; else ~/.local/share"},
	{"XDG_RUNTIME_DIR", "fsenc/ in it holds the sockets of the mounts and their redo rings"},
};
#define ENVIRONMENT_COUNT (sizeof(environment) / sizeof(environment[0]))

/* The names of the last columns of every exit status, lowest first, each once. */
static const struct {
	int status;
	const char *words;
} exits[] = {
	{0, "done"},
	{1, "failed"},
	{2, "the command was not understood"},
	{3, "only a part was done"},
	{10, "the mount point is not usable"},
	{12, "the passphrase is wrong, or there is none"},
	{13, "not allowed: not a member, or not an admin"},
	{20, "the key server cannot be reached"},
	{21, "the server is not who it should be"},
	{22, "the passphrase is empty"},
	{23, "the keyring or configuration cannot be read"},
	{24, "the keyring or configuration cannot be written"},
	{25, "a needed key is not in the keyring"},
	{26, "damage was found"},
	{27, "an access list was tampered with or rolled back"},
};
#define EXIT_COUNT (sizeof(exits) / sizeof(exits[0]))

const struct command *help_find(const struct command *table, const char *one, const char *two,
				unsigned *ret_words)
{
	size_t length = strlen(one);

	for (const struct command *command = table; command->name; command++) {
		const char *name = command->name;

		if (!strcmp(name, one)) {
			*ret_words = 1;
			return command;
		}
		if (two && !strncmp(name, one, length) && name[length] == ' ' &&
		    !strcmp(name + length + 1, two)) {
			*ret_words = 2;
			return command;
		}
	}
	return NULL;
}

bool help_is_prefix(const struct command *table, const char *word)
{
	size_t length = strlen(word);

	for (const struct command *command = table; command->name; command++) {
		if (!strncmp(command->name, word, length) && command->name[length] == ' ')
			return true;
	}
	return false;
}

enum fault help_all(const struct command *table, struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	char cell[CELL_MAX];

	(void)printf("usage: fsenc COMMAND [OPTION...] [ARGUMENT...]\n"
		     "An encrypted network-share file system.\n\n");
	for (const struct command *command = table; command->name; command++) {
		(void)snprintf(cell, sizeof(cell), "  %s %s", command->name, command->arguments);
		table_add(&lines, (const char *[]){cell, command->words});
	}
	if (table_print(&lines, stdout, why))
		return FAULT_SYSTEM;
	(void)printf("\n'fsenc help COMMAND' shows its options; the manual is fsenc(1).\n");
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

static enum fault print_mount_options(struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	char cell[CELL_MAX];

	(void)printf("\nmount options, after -o, separated by commas:\n");
	for (const char *const *line = mount_option_lines(); *line; line++) {
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

enum fault help_one(const struct command *command, struct why *why)
{
	AUTO(table_done) struct table lines = TABLE(2);
	const struct option_row *row;
	enum fault fault;

	(void)printf("usage: fsenc %s [OPTION...]%s%s\n%s\n\noptions:\n", command->name,
		     command->arguments[0] ? " " : "", command->arguments, command->words);
	for (size_t i = 0; (row = options_row(command, i)); i++)
		add_option(&lines, row);
	fault = table_print(&lines, stdout, why);
	if (!fault && !strcmp(command->name, "mount"))
		fault = print_mount_options(why);
	return fault;
}

static void print_options(const struct command *command)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(command, i)); i++) {
		char letter[] = {row->letter ? ',' : '\0', '-', row->letter, '\0'};

		(void)printf("option\t%s\t--%s%s\t%s\t%s\n", command->name, row->name, letter,
			     row->value ? row->value : "", row->words);
	}
}

enum fault help_table(const struct command *table, struct why *why)
{
	for (const struct command *command = table; command->name; command++) {
		(void)printf("command\t%s\t%s\t%s\n", command->name, command->arguments, command->words);
		print_options(command);
	}
	for (const char *const *line = mount_option_lines(); *line; line++)
		(void)printf("mount-option\t%s\n", *line);
	for (size_t i = 0; i < EXIT_COUNT; i++)
		(void)printf("exit\t%d\t%s\n", exits[i].status, exits[i].words);
	for (size_t i = 0; i < ENVIRONMENT_COUNT; i++)
		(void)printf("environment\t%s\t%s\n", environment[i].name, environment[i].words);
	return answer_end(why);
}

static void print_first_words(const struct command *table)
{
	for (const struct command *command = table; command->name; command++) {
		int length = (int)strcspn(command->name, " ");
		bool again =
			command != table && !strncmp(command[-1].name, command->name, (size_t)length + 1);

		if (!again)
			(void)printf("%.*s ", length, command->name);
	}
}

static void print_case(const struct command *command)
{
	const struct option_row *row;

	(void)printf("\t'%s') words='", command->name);
	for (size_t i = 0; (row = options_row(command, i)); i++)
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

enum fault help_completion(const struct command *table, struct why *why)
{
	(void)printf("# bash completion for fsenc; put it into /usr/share/bash-completion/completions/fsenc\n"
		     "_fsenc_second() {\n\tsecond=\n");
	print_second_words(table);
	(void)printf("}\n_fsenc() {\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words= second\n"
		     "\t_fsenc_second \"$command\"\n"
		     "\tif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY=($(compgen -W '");
	print_first_words(table);
	(void)printf("' -- \"$word\")); return\n\tfi\n"
		     "\tif [[ $second ]] && ((COMP_CWORD == 2)); then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$second\" -- \"$word\")); return\n\tfi\n"
		     "\t[[ $second ]] && command+=\" ${COMP_WORDS[2]}\"\n"
		     "\tcase $command in\n");
	for (const struct command *command = table; command->name; command++)
		print_case(command);
	(void)printf("\tesac\n"
		     "\t[[ $word == -* ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
		     "}\ncomplete -o default -F _fsenc fsenc\n");
	return answer_end(why);
}
