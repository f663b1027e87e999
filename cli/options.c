#include "cli/options.h"

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

const struct option_group option_groups[OPTION_GROUP_COUNT] = {
	{OPTIONS_JSON, json_rows},
	{OPTIONS_UNLOCK, unlock_rows},
	{OPTIONS_KEYRING, keyring_rows},
	{0, options_always_rows},
};
