#include "base/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct command *command_find(const struct command *commands, const char *one, const char *two,
				   unsigned *ret_words)
{
	size_t length = strlen(one);

	for (const struct command *command = commands; command->name; command++) {
		const char *name = command->name;

		if (!strcmp(name, one)) {
			*ret_words = 1;
			return command;
		}
		if (two && !strncmp(name, one, length) && name[length] == ' ' &&
		    !strcmp(name + length + 1, two)) {
			*ret_words = 2;
			return command;
		}
	}
	return NULL;
}

bool command_is_prefix(const struct command *commands, const char *word)
{
	size_t length = strlen(word);

	for (const struct command *command = commands; command->name; command++) {
		if (!strncmp(command->name, word, length) && command->name[length] == ' ')
			return true;
	}
	return false;
}

/* Its first member, whatever else the program has. */
const struct options_always *call_always(const struct call *call)
{
	return (const struct options_always *)call->options;
}

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

	if (call_always(call)->quiet)
		return;
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
}
