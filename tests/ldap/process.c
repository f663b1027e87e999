#include "tests/ldap/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 20000

void process_must(bool works, const char *what)
{
	if (works)
		return;
	(void)fprintf(stderr, "a process for the tests: %s: %s\n", what, strerror(errno));
	abort();
}

/* -- life -------------------------------------------------------------------------- */

pid_t process_start(char *const argv[], const char *log)
{
	pid_t pid = fork();

	process_must(pid >= 0, "fork");
	if (pid)
		return pid;
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)execv(argv[0], argv);
	_exit(127);
}

void process_run(const char *what, char *const argv[], const char *log)
{
	int status = -1;
	pid_t pid = process_start(argv, log);

	process_must(waitpid(pid, &status, 0) == pid, what);
	if (status == 0)
		return;
	(void)fprintf(stderr, "a process for the tests: %s failed; see %s\n", what, log);
	abort();
}

void process_kill(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGCONT);
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

void process_freeze(pid_t pid)
{
	int status = 0;

	process_must(kill(pid, SIGSTOP) == 0, "SIGSTOP");
	process_must(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "SIGSTOP");
}

void process_thaw(pid_t pid)
{
	process_must(kill(pid, SIGCONT) == 0, "SIGCONT");
}

/* -- ports ------------------------------------------------------------------------- */

static bool listens(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

	(void)close(fd);
	return connected;
}

static bool all_listen(const int *ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!listens(ports[i]))
			return false;
	return true;
}

void process_wait_for_ports(pid_t pid, const int *ports, size_t count, const char *what)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	for (int waited = 0; !all_listen(ports, count); waited += 10) {
		process_must(waited < START_MS && waitpid(pid, NULL, WNOHANG) != pid, what);
		(void)nanosleep(&pause, NULL);
	}
}

int process_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	process_must(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
			     getsockname(fd, (struct sockaddr *)&address, &size) == 0,
		     "a free port");
	(void)close(fd);
	return ntohs(address.sin_port);
}

/* -- files ------------------------------------------------------------------------- */

void process_remove_folder(const char *folder)
{
	char *argv[] = {(char *)"/bin/rm", (char *)"-rf", (char *)folder, NULL};

	process_run("rm", argv, "/dev/null");
}
