#include "cli/answer.h"

#include "keys/fields.h"

#include <stdio.h>

static enum fault dump(const json_t *object, struct why *why)
{
	AUTO(json_decref) json_t *answer = json_pack("{s:i}", "schema", ANSWER_SCHEMA);

	if (!object || !answer || json_object_update((json_t *)answer, (json_t *)object))
		return why_set(why, FAULT_MEMORY, "no memory for the answer");
	if (json_dumpf(answer, stdout, JSON_COMPACT) || fputc('\n', stdout) == EOF)
		return why_system(why, "cannot write the answer");
	return answer_end(why);
}

enum fault answer_print(json_t *object, struct why *why)
{
	AUTO(json_decref) json_t *mine = object;

	return dump(mine, why);
}

enum fault answer_end(struct why *why)
{
	if (fflush(stdout) || ferror(stdout))
		return why_system(why, "cannot write the answer");
	return FAULT_NONE;
}
