#include "cli/call.h"

#include <stdarg.h>
#include <stdio.h>

enum fault call_hint(struct call *call, enum fault fault, const char *format, ...)
{
	va_list arguments;

	if (!fault)
		return fault;
	va_start(arguments, format);
	(void)vsnprintf(call->hint, sizeof(call->hint), format, arguments);
	va_end(arguments);
	return fault;
}

void call_say(const struct call *call, const char *format, ...)
{
	va_list arguments;

	if (call->options.quiet)
		return;
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
}
