#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static _Atomic enum log_level shown = LOG_LEVEL_INFO;
static atomic_bool to_syslog;

static const struct {
	const char *word;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"Error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"Warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"Info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"Debug", LOG_DEBUG},
};

void log_set_level(enum log_level level)
{
	atomic_store(&shown, level);
}

void log_to_syslog(const char *program)
{
	openlog(program, LOG_PID, LOG_USER);
	atomic_store(&to_syslog, true);
}

/* One write() a line, so that lines of several threads do not mix. */
void log_line(enum log_level level, const char *format, ...)
{
	if (level > atomic_load(&shown))
		return;
	char line[1024];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (atomic_load(&to_syslog)) {
		syslog(levels[level].priority, "%s: %s", levels[level].word, line);
		return;
	}
	char whole[1100];
	int size = snprintf(whole, sizeof whole, "%s: %s\n", levels[level].word, line);
	if (size > 0 && write(STDERR_FILENO, whole, (size_t)size) < 0)
		return;
}
