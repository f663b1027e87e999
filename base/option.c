#include "base/option.h"

#include "base/call.h"
#include "base/nearest.h"
#include "base/text.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 32
#define LONG_BASE 256 /* getopt_long's answers for rows; letters lie below */

#define ALWAYS_AT(member) offsetof(struct options_always, member)

const struct option_row options_always_rows[] = {
	{"no-input", 0, NULL, "never ask; fail instead", OPTION_FLAG, ALWAYS_AT(no_input)},
	{"yes", 'y', NULL, "answer every question with yes", OPTION_FLAG, ALWAYS_AT(yes)},
	{"quiet", 'q', NULL, "say only what failed", OPTION_FLAG, ALWAYS_AT(quiet)},
	{"verbose", 'v', NULL, "say more", OPTION_FLAG, ALWAYS_AT(verbose)},
	{"help", 'h', NULL, "show what this command does", OPTION_FLAG, ALWAYS_AT(help)},
	OPTION_ROWS_END,
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

const struct option_row *option_row_of(const struct program *program, const struct command *command,
				       size_t index)
{
	const struct option_row *row = row_at(command->options, &index);

	for (size_t i = 0; !row && i < program->group_count; i++) {
		const struct option_group *group = &program->groups[i];

		if ((command->shared & group->bits) == group->bits)
			row = row_at(group->rows, &index);
	}
	return row;
}

/* What getopt_long wants: long options, and the letters (":" first: tell a missing value apart). */
struct getopt_tables {
	struct option longs[ROWS_MAX + 1];
	char letters[2 * ROWS_MAX + 2];
};

static const struct option_row *row_of(const struct call *call, size_t index)
{
	return option_row_of(call->program, call->command, index);
}

static void tables_fill(struct getopt_tables *tables, const struct call *call)
{
	const struct option_row *row;
	char *letter = tables->letters;

	*letter++ = ':';
	for (size_t i = 0; i < ROWS_MAX && (row = row_of(call, i)); i++) {
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

static const struct option_row *row_of_answer(const struct call *call, int answer)
{
	const struct option_row *row;

	if (answer >= LONG_BASE)
		return row_of(call, (size_t)(answer - LONG_BASE));
	for (size_t i = 0; (row = row_of(call, i)); i++) {
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

static enum fault unknown(const struct call *call, const char *text, struct why *why)
{
	struct nearest nearest = nearest_to(text + strspn(text, "-"));
	const struct option_row *row;

	if (text[0] != '-' || text[1] != '-')
		return why_set(why, FAULT_USAGE, "%s %s has no option '%s'", call->program->name,
			       call->command->name, text);
	for (size_t i = 0; (row = row_of(call, i)); i++)
		nearest_look_at(&nearest, row->name);
	if (nearest_word(&nearest))
		return why_set(why, FAULT_USAGE, "%s %s has no option '%.*s'; did you mean '--%s'?",
			       call->program->name, call->command->name, (int)strcspn(text, "="), text,
			       nearest_word(&nearest));
	return why_set(why, FAULT_USAGE, "%s %s has no option '%.*s'", call->program->name,
		       call->command->name, (int)strcspn(text, "="), text);
}

static enum fault refuse(const struct call *call, char **argv, int answer, struct why *why)
{
	const char *text = argv[optind - 1];
	char letter[] = {'-', (char)optopt, '\0'};

	if (answer == ':')
		return why_set(why, FAULT_USAGE, "option '%s' of %s %s wants a value", text,
			       call->program->name, call->command->name);
	if (optopt >= LONG_BASE)
		return why_set(why, FAULT_USAGE, "option '%.*s' of %s %s takes no value",
			       (int)strcspn(text, "="), text, call->program->name, call->command->name);
	return unknown(call, optopt ? letter : text, why);
}

/* -- what only looks like an option ------------------------------------------------------- */

#define DASHED_MAX 64
#define DASHED_LENGTH BASE64_LENGTH(32)

/* Words of argv that begin with a dash and are no options, each with something in its place that getopt
 * leaves alone: its address says which it was. */
struct dashed {
	char *words[DASHED_MAX];
	char places[DASHED_MAX][2];
	size_t count;
};

/* One fingerprint in 64 begins with a dash. */
static bool is_fingerprint(const char *word)
{
	uint8_t bytes[32];

	return word[0] == '-' && strlen(word) == DASHED_LENGTH &&
	       text_from_base64_exact(word, bytes, sizeof bytes);
}

static void hide(struct dashed *dashed, int argc, char **argv)
{
	for (int i = 1; i < argc && dashed->count < DASHED_MAX; i++) {
		if (strcmp(argv[i], "--") == 0)
			return;
		if (!is_fingerprint(argv[i]))
			continue;
		char *place = dashed->places[dashed->count];
		place[0] = '=';
		dashed->words[dashed->count++] = argv[i];
		argv[i] = place;
	}
}

/* The word that stands behind `word`, if it is a place; else itself. */
static char *shown(const struct dashed *dashed, char *word)
{
	for (size_t i = 0; i < dashed->count; i++)
		if (word == dashed->places[i])
			return dashed->words[i];
	return word;
}

static enum fault parse(struct call *call, int argc, char **argv, const struct dashed *dashed,
			struct why *why)
{
	struct getopt_tables tables = {0};
	enum fault fault = FAULT_NONE;
	int answer;

	tables_fill(&tables, call);
	opterr = 0;
	optind = 0;
	while (!fault && (answer = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		const struct option_row *row = row_of_answer(call, answer);

		if (answer == '?' || answer == ':' || !row)
			return refuse(call, argv, answer, why);
		fault = store(call->options, row, shown(dashed, optarg), why);
	}
	return fault;
}

enum fault options_parse(struct call *call, int argc, char **argv, int *ret_first, struct why *why)
{
	struct dashed dashed = {.count = 0};

	hide(&dashed, argc, argv);
	enum fault fault = parse(call, argc, argv, &dashed, why);
	for (int i = 1; i < argc; i++)
		argv[i] = shown(&dashed, argv[i]);
	if (!fault)
		*ret_first = optind;
	return fault;
}
