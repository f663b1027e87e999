#include "keys/notice.h"

#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

/* The shell leaves it to init, which reaps it: a mount that runs for months gathers no zombies. What is to be
 * shown are arguments, never a part of the script. */
void notice_show(const char *title, const char *words)
{
	const char *const command[] = {
		"sh", "-c",	     "exec >/dev/null 2>&1 </dev/null; \"$@\" &",
		"sh", "notify-send", "--app-name=fsenc",
		"--", title,	     words,
		NULL,
	};
	pid_t shell;

	if (!getenv("DBUS_SESSION_BUS_ADDRESS"))
		return;
	if (posix_spawnp(&shell, command[0], NULL, NULL, (char *const *)(uintptr_t)command, environ) == 0)
		(void)waitpid(shell, NULL, 0);
}
