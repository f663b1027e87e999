/* base/log.h - one line for people who run fsenc.
 *
 * A line goes to standard error, or after log_to_syslog() to the system log (and so to the
 * journal). It holds no secret and no plain file name. Any thread may log.
 */
#ifndef FSENC_BASE_LOG_H
#define FSENC_BASE_LOG_H

#include "base/auto.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The least important level still shown; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);
void log_to_syslog(const char *program);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
