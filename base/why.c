#include "base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum fault why_set(struct why *why, enum fault fault, const char *format, ...)
{
	if (!why)
		return fault;
	why->error = 0;
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(why->text, sizeof why->text, format, arguments);
	va_end(arguments);
	return fault;
}

enum fault why_in(struct why *why, enum fault fault, const char *format, ...)
{
	if (!why || !fault)
		return fault;
	char inner[WHY_TEXT_SIZE];
	(void)snprintf(inner, sizeof inner, "%s", why_text(why, fault));

	va_list arguments;
	va_start(arguments, format);
	int used = vsnprintf(why->text, sizeof why->text, format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used + 2 < sizeof why->text)
		(void)snprintf(why->text + used, sizeof why->text - (size_t)used, ": %.*s",
			       (int)(sizeof why->text - (size_t)used - 3), inner);
	return fault;
}

enum fault why_system(struct why *why, const char *format, ...)
{
	int error = errno;
	if (!why)
		return FAULT_SYSTEM;
	va_list arguments;
	va_start(arguments, format);
	int used = vsnprintf(why->text, sizeof why->text, format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used < sizeof why->text)
		(void)snprintf(why->text + used, sizeof why->text - (size_t)used, ": %s",
			       strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error");
	why->error = error;
	return FAULT_SYSTEM;
}

int why_errno(const struct why *why, enum fault fault)
{
	if (fault == FAULT_SYSTEM && why && why->error)
		return why->error;
	return fault_errno(fault);
}

const char *why_text(const struct why *why, enum fault fault)
{
	return why && why->text[0] ? why->text : fault_words(fault);
}
