#include "cli/terminal.h"

#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define CAUGHT_COUNT (sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t signal_seen;

static void remember(int number)
{
	signal_seen = number;
}

struct handlers {
	struct sigaction before[CAUGHT_COUNT];
};

static void handlers_set(struct handlers *handlers)
{
	struct sigaction action = {.sa_handler = remember}; /* no SA_RESTART: read() has to end */

	signal_seen = 0;
	for (size_t i = 0; i < CAUGHT_COUNT; i++)
		(void)sigaction(caught[i], &action, &handlers->before[i]);
}

static void handlers_restore(const struct handlers *handlers)
{
	for (size_t i = 0; i < CAUGHT_COUNT; i++)
		(void)sigaction(caught[i], &handlers->before[i], NULL);
	if (signal_seen)
		(void)raise(signal_seen);
}

static int terminal_open(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool terminal_exists(void)
{
	AUTO(file_close) int fd = terminal_open();

	/* A job in the background would be stopped instead of answered. */
	return fd >= 0 && tcgetpgrp(fd) == getpgrp();
}

static enum fault ask(int fd, const char *question, void *line, size_t room, size_t *ret_size,
		      struct why *why)
{
	ssize_t got;

	if (write(fd, question, strlen(question)) < 0)
		return why_system(why, "cannot write to the terminal");
	got = read(fd, line, room);
	if (got < 0 && errno == EINTR)
		return why_set(why, FAULT_FAILED, "interrupted");
	if (got < 0)
		return why_system(why, "cannot read from the terminal");
	*ret_size = (size_t)got;
	return FAULT_NONE;
}

enum fault terminal_ask_secret(const char *question, void *line, size_t room, size_t *ret_size,
			       struct why *why)
{
	AUTO(file_close) int fd = terminal_open();
	struct termios before, silent;
	struct handlers handlers;
	enum fault fault;

	if (fd < 0 || tcgetattr(fd, &before))
		return why_system(why, "cannot use the terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	handlers_set(&handlers);
	if (tcsetattr(fd, TCSAFLUSH, &silent))
		fault = why_system(why, "cannot turn the terminal's echo off");
	else
		fault = ask(fd, question, line, room, ret_size, why);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	(void)!write(fd, "\n", 1);
	handlers_restore(&handlers);
	return fault;
}

enum fault terminal_ask_yes(const char *question, bool *ret_yes, struct why *why)
{
	AUTO(file_close) int fd = terminal_open();
	char text[512];
	char line[64];
	size_t size;
	enum fault fault;

	if (fd < 0)
		return why_system(why, "cannot use the terminal");
	(void)snprintf(text, sizeof(text), "%s [y/N] ", question);
	fault = ask(fd, text, line, sizeof(line), &size, why);
	if (fault)
		return fault;
	*ret_yes = size > 0 && (line[0] == 'y' || line[0] == 'Y');
	return FAULT_NONE;
}
