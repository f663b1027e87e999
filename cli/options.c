#include "cli/options.h"

#include "base/nearest.h"
#include "cli/call.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 32
#define LONG_BASE 256 /* getopt_long's answers for rows; letters lie below */

static const struct option_row json_rows[] = {
	{"json", 0, NULL, "print JSON instead of text", OPTION_FLAG, OPTION_AT(json)},
	OPTION_ROWS_END,
};
static const struct option_row unlock_rows[] = {
	{"passfile", 0, "FILE", "the first line of FILE is the passphrase; refused if others can read it",
	 OPTION_TEXT, OPTION_AT(passfile)},
	{"extpass", 0, "WORD", "a program that prints the passphrase; once more for each of its arguments",
	 OPTION_LIST, OPTION_AT(extpass)},
	OPTION_ROWS_END,
};
static const struct option_row keyring_rows[] = {
	{"keyring", 0, "FILE", "another keyring than the default one", OPTION_TEXT, OPTION_AT(keyring)},
	OPTION_ROWS_END,
};
static const struct option_row always_rows[] = {
	{"no-input", 0, NULL, "never ask; fail instead", OPTION_FLAG, OPTION_AT(no_input)},
	{"yes", 'y', NULL, "answer every question with yes", OPTION_FLAG, OPTION_AT(yes)},
	{"quiet", 'q', NULL, "say only what failed", OPTION_FLAG, OPTION_AT(quiet)},
	{"verbose", 'v', NULL, "say more", OPTION_FLAG, OPTION_AT(verbose)},
	{"help", 'h', NULL, "show what this command does", OPTION_FLAG, OPTION_AT(help)},
	OPTION_ROWS_END,
};

static const struct {
	unsigned group;
	const struct option_row *rows;
} groups[] = {
	{OPTIONS_JSON, json_rows},
	{OPTIONS_UNLOCK, unlock_rows},
	{OPTIONS_KEYRING, keyring_rows},
	{OPTIONS_ALWAYS, always_rows},
};

static const struct option_row *row_at(const struct option_row *rows, size_t *index)
{
	for (; rows && rows->name; rows++) {
		if (*index == 0)
			return rows;
		(*index)--;
	}
	return NULL;
}

const struct option_row *options_row(const struct command *command, size_t index)
{
	const struct option_row *row = row_at(command->options, &index);

	for (size_t i = 0; !row && i < sizeof(groups) / sizeof(groups[0]); i++) {
		if ((command->shared & groups[i].group) == groups[i].group)
			row = row_at(groups[i].rows, &index);
	}
	return row;
}

/* What getopt_long wants: long options, and the letters (":" first: tell a missing value apart). */
struct getopt_tables {
	struct option longs[ROWS_MAX + 1];
	char letters[2 * ROWS_MAX + 2];
};

static void tables_fill(struct getopt_tables *tables, const struct command *command)
{
	const struct option_row *row;
	char *letter = tables->letters;

	*letter++ = ':';
	for (size_t i = 0; i < ROWS_MAX && (row = options_row(command, i)); i++) {
		tables->longs[i] = (struct option){
			.name = row->name,
			.has_arg = row->value ? required_argument : no_argument,
			.val = LONG_BASE + (int)i,
		};
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && row->value)
			*letter++ = ':';
	}
}

static const struct option_row *row_of_answer(const struct command *command, int answer)
{
	const struct option_row *row;

	if (answer >= LONG_BASE)
		return options_row(command, (size_t)(answer - LONG_BASE));
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (row->letter == answer)
			return row;
	}
	return NULL;
}

static enum fault store_number(unsigned *place, const struct option_row *row, const char *text,
			       struct why *why)
{
	char *end = NULL;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value > 1u << 30)
		return why_set(why, FAULT_USAGE, "option --%s wants a number, not '%s'", row->name, text);
	*place = (unsigned)value;
	return FAULT_NONE;
}

static enum fault store_word(struct option_list *list, const struct option_row *row, const char *text,
			     struct why *why)
{
	if (list->count == OPTION_LIST_MAX)
		return why_set(why, FAULT_USAGE, "option --%s is given too often", row->name);
	list->words[list->count++] = text;
	return FAULT_NONE;
}

static enum fault store(struct options *options, const struct option_row *row, const char *text,
			struct why *why)
{
	void *place = (char *)options + row->offset;

	switch (row->form) {
	case OPTION_FLAG:
		*(bool *)place = true;
		return FAULT_NONE;
	case OPTION_TEXT:
		*(const char **)place = text;
		return FAULT_NONE;
	case OPTION_NUMBER:
		return store_number(place, row, text, why);
	case OPTION_LIST:
		return store_word(place, row, text, why);
	}
	abort();
}

static enum fault unknown(const struct command *command, const char *text, struct why *why)
{
	struct nearest nearest = nearest_to(text + strspn(text, "-"));
	const struct option_row *row;

	if (text[0] != '-' || text[1] != '-')
		return why_set(why, FAULT_USAGE, "fsenc %s has no option '%s'", command->name, text);
	for (size_t i = 0; (row = options_row(command, i)); i++)
		nearest_look_at(&nearest, row->name);
	if (nearest_word(&nearest))
		return why_set(why, FAULT_USAGE, "fsenc %s has no option '%.*s'; did you mean '--%s'?",
			       command->name, (int)strcspn(text, "="), text, nearest_word(&nearest));
	return why_set(why, FAULT_USAGE, "fsenc %s has no option '%.*s'", command->name,
		       (int)strcspn(text, "="), text);
}

static enum fault refuse(const struct command *command, char **argv, int answer, struct why *why)
{
	const char *text = argv[optind - 1];
	char letter[] = {'-', (char)optopt, '\0'};

	if (answer == ':')
		return why_set(why, FAULT_USAGE, "option '%s' of fsenc %s wants a value", text,
			       command->name);
	if (optopt >= LONG_BASE)
		return why_set(why, FAULT_USAGE, "option '%.*s' of fsenc %s takes no value",
			       (int)strcspn(text, "="), text, command->name);
	return unknown(command, optopt ? letter : text, why);
}

enum fault options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
			 int *ret_first, struct why *why)
{
	struct getopt_tables tables = {0};
	struct options options = {0};
	enum fault fault;
	int answer;

	tables_fill(&tables, command);
	opterr = 0;
	optind = 0;
	while ((answer = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		const struct option_row *row = row_of_answer(command, answer);

		if (answer == '?' || answer == ':' || !row)
			return refuse(command, argv, answer, why);
		fault = store(&options, row, optarg, why);
		if (fault)
			return fault;
	}
	*ret_options = options;
	*ret_first = optind;
	return FAULT_NONE;
}
