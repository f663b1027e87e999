#include "base/answer.h"

#include <stdio.h>

static enum fault dump(json_t *answer, json_t *object, struct why *why)
{
	if (!object || !answer || json_object_update(answer, object))
		return why_set(why, FAULT_MEMORY, "no memory for the answer");
	if (json_dumpf(answer, stdout, JSON_COMPACT) || fputc('\n', stdout) == EOF)
		return why_system(why, "cannot write the answer");
	return answer_end(why);
}

enum fault answer_print(json_t *object, struct why *why)
{
	json_t *answer = json_pack("{s:i}", "schema", ANSWER_SCHEMA);
	enum fault fault = dump(answer, object, why);

	json_decref(answer);
	json_decref(object);
	return fault;
}

enum fault answer_end(struct why *why)
{
	if (fflush(stdout) || ferror(stdout))
		return why_system(why, "cannot write the answer");
	return FAULT_NONE;
}
