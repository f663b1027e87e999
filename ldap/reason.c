#include "ldap/reason.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* What is not in this table is unknown. */
static const enum directory_answer answers[DIRECTORY_REASON_COUNT] = {
	[DIRECTORY_REASON_NONE] = DIRECTORY_YES,      [DIRECTORY_REASON_NO_USER] = DIRECTORY_NO,
	[DIRECTORY_REASON_NO_GROUP] = DIRECTORY_NO,   [DIRECTORY_REASON_AMBIGUOUS] = DIRECTORY_NO,
	[DIRECTORY_REASON_DISABLED] = DIRECTORY_NO,   [DIRECTORY_REASON_EXPIRED] = DIRECTORY_NO,
	[DIRECTORY_REASON_NOT_MEMBER] = DIRECTORY_NO, [DIRECTORY_REASON_PASSWORD] = DIRECTORY_NO,
};

enum directory_answer reason_answer(enum directory_reason reason)
{
	assert(reason < DIRECTORY_REASON_COUNT);
	return answers[reason];
}

bool reason_is_of_server(enum directory_reason reason)
{
	return reason == DIRECTORY_REASON_UNREACHABLE || reason == DIRECTORY_REASON_TIMEOUT;
}

enum directory_reason reason_set(struct why *why, enum directory_reason reason, const char *format, ...)
{
	char words[WHY_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	(void)why_set(why, FAULT_FAILED, "%s", words);
	return reason;
}

enum directory_reason reason_in(struct why *why, enum directory_reason reason, const char *format, ...)
{
	char words[WHY_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	if (reason)
		(void)why_in(why, FAULT_FAILED, "%s", words);
	return reason;
}

enum directory_reason reason_no_memory(struct why *why)
{
	return reason_set(why, DIRECTORY_REASON_FAILED, "no memory for the directory's answer");
}
