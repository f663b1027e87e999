#include "server/options.h"

static const struct option_row json_rows[] = {
	{"json", 0, NULL, "print JSON instead of text", OPTION_FLAG, OPTION_AT(json)},
	OPTION_ROWS_END,
};
static const struct option_row server_rows[] = {
	{"server", 0, "DIR", "another server of the organisation that gets the change; once for each",
	 OPTION_LIST, OPTION_AT(server)},
	OPTION_ROWS_END,
};
static const struct option_row root_rows[] = {
	{"root-key", 0, "FILE", "the organisation's root key, when it is not kept in DIR", OPTION_TEXT,
	 OPTION_AT(root_key)},
	OPTION_ROWS_END,
};

const struct option_group option_groups[OPTION_GROUP_COUNT] = {
	{OPTIONS_SERVER, server_rows},
	{OPTIONS_ROOT, root_rows},
	{OPTIONS_JSON, json_rows},
	{0, options_always_rows},
};
