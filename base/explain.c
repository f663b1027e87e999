#include "base/explain.h"

#include "base/table.h"

#include <stdio.h>

static void line(const char *prefix, const char *colon, const char *words)
{
	char text[WHY_TEXT_SIZE];

	table_clean(text, sizeof(text), words);
	(void)fprintf(stderr, "%s%s%s\n", prefix, colon, text);
}

int explain(const struct call *call, enum fault fault, const struct why *why)
{
	if (!fault)
		return 0;
	line(call->program->name, ": ", why_text(why, fault));
	if (call->hint[0])
		line("try", ": ", call->hint);
	else if (call->program->hints[fault])
		line("try", ": ", call->program->hints[fault]);
	return fault_exit_status(fault);
}
