#include "cli/background.h"

#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INHERITED_MAX 256

/* One message goes through the pipe: at ready or at the end. Both processes are the same program. */
struct report {
	enum fault fault;
	struct why why;
	char hint[CALL_HINT_SIZE];
};
_Static_assert(sizeof(struct report) <= PIPE_BUF, "a report is written in one piece");

struct background {
	int pipe; /* -1 when the report is out */
	bool inherited[INHERITED_MAX];
};

/* Descriptors that whoever started us left open: an open pipe of his would wait for our end. They are
 * closed when ready, not now: --passfile may name one of them. */
static void note_inherited(struct background *background)
{
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_MAX; fd++)
		background->inherited[fd] = fd != background->pipe && fcntl(fd, F_GETFD) >= 0;
}

static void close_inherited(const struct background *background)
{
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_MAX; fd++) {
		if (background->inherited[fd])
			(void)close(fd);
	}
}

static void send_report(struct background *background, const struct report *report)
{
	if (background->pipe < 0)
		return;
	while (write(background->pipe, report, sizeof(*report)) < 0 && errno == EINTR)
		continue;
	(void)close(background->pipe);
	background->pipe = -1;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)!chdir("/");
	log_to_syslog("fsenc");
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		(void)close(null);
}

void background_ready(struct background *background)
{
	struct report report;

	if (!background || background->pipe < 0)
		return;
	memset(&report, 0, sizeof(report));
	leave_terminal();
	close_inherited(background);
	send_report(background, &report);
}

static _Noreturn void run_child(struct call *call, int pipe, background_work work, void *context)
{
	struct background background = {.pipe = pipe};
	struct report report;

	memset(&report, 0, sizeof(report));
	note_inherited(&background);
	report.fault = work(&background, context, &report.why);
	memcpy(report.hint, call->hint, sizeof(report.hint));
	if (report.fault && background.pipe < 0)
		log_error("%s", why_text(&report.why, report.fault));
	send_report(&background, &report);
	exit(fault_exit_status(report.fault));
}

static enum fault hear(struct call *call, int pipe, pid_t child, struct why *why)
{
	struct report report;
	ssize_t got;
	int status = 0;

	do
		got = read(pipe, &report, sizeof(report));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(report)) {
		(void)waitpid(child, &status, 0);
		return why_set(why, FAULT_FAILED,
			       "the background process ended before it was ready (status %d)",
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	if (report.fault)
		(void)waitpid(child, &status, 0);
	*why = report.why;
	memcpy(call->hint, report.hint, sizeof(call->hint));
	return report.fault;
}

enum fault background_run(struct call *call, background_work work, void *context, struct why *why)
{
	AUTO(file_close) int from = -1;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return why_system(why, "cannot make a pipe");
	from = ends[0];
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)close(from);
		run_child(call, ends[1], work, context);
	}
	(void)close(ends[1]);
	if (child < 0)
		return why_system(why, "cannot start a process in the background");
	return hear(call, from, child, why);
}
