/* tests/ldap/process.h - programs that a test runs beside itself: servers on free loopback ports, and their
 * folders.
 *
 * Whatever fails here ends the test with words on stderr.
 */
#ifndef FSENC_TESTS_LDAP_PROCESS_H
#define FSENC_TESTS_LDAP_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

void process_must(bool works, const char *what);

/* argv[0] is a path. What it says is added to `log`. */
pid_t process_start(char *const argv[], const char *log);
/* ... and waits for it; it must succeed. */
void process_run(const char *what, char *const argv[], const char *log);
/* 0 or less: there is none. Waits until it is gone, and makes it 0. */
void process_kill(pid_t *pid);
/* SIGSTOP, in force when it returns, and SIGCONT. */
void process_freeze(pid_t pid);
void process_thaw(pid_t pid);

/* Until all of `ports` take connections; fails when the process has ended, or after a while. */
void process_wait_for_ports(pid_t pid, const int *ports, size_t count, const char *what);
int process_free_port(void);

void process_remove_folder(const char *folder);

#endif
