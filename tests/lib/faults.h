/* tests/lib/faults.h - tests/offline/faults.py as a child of a unit test, with TLS certificates of its own.
 *
 *     struct faults faults = faults_start(server.host);      before the key server: http
 *     faults_set(&faults, "mute-in-tls");
 *     faults.url, faults.authority                            for the client: https
 *     faults_end(&faults);
 */
#ifndef FSENC_TESTS_LIB_FAULTS_H
#define FSENC_TESTS_LIB_FAULTS_H

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

#define FAULTS_PATH_SIZE 128

extern char **environ;

struct faults {
	pid_t process;
	int input; /* it ends with this */
	char directory[FAULTS_PATH_SIZE];
	char url[64];
	unsigned port;
	char *authority; /* PEM */
};

static inline void faults_run(const char *const *words)
{
	pid_t process;
	int status;

	assert_int_equal(
		posix_spawnp(&process, words[0], NULL, NULL, (char *const *)(uintptr_t)words, environ), 0);
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_int_equal(status, 0);
}

static inline const char *faults_path(const struct faults *faults, const char *name, char path[static 256])
{
	(void)snprintf(path, 256, "%s/%s", faults->directory, name);
	return path;
}

static inline void faults_certificate(const struct faults *faults, const char *cert, const char *key,
				      const char *names)
{
	char cert_path[256], key_path[256];
	const char *const words[] = {"openssl",
				     "req",
				     "-x509",
				     "-newkey",
				     "ec",
				     "-pkeyopt",
				     "ec_paramgen_curve:P-256",
				     "-nodes",
				     "-days",
				     "2",
				     "-subj",
				     "/CN=keys.test",
				     "-addext",
				     names,
				     "-out",
				     faults_path(faults, cert, cert_path),
				     "-keyout",
				     faults_path(faults, key, key_path),
				     "-batch",
				     NULL};
	faults_run(words);
}

static inline void faults_ask(const struct faults *faults, const char *line, char answer[static 64])
{
	struct sockaddr_un there = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(there.sun_path, sizeof there.sun_path, "%.90s/control", faults->directory);
	assert_int_equal(connect(fd, (const struct sockaddr *)&there, sizeof there), 0);
	assert_int_equal(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	ssize_t size = read(fd, answer, 63);
	assert_true(size > 0);
	answer[size] = 0;
	file_close(fd);
}

static inline void faults_set(const struct faults *faults, const char *fault)
{
	char line[64], answer[64];

	(void)snprintf(line, sizeof line, "set %s", fault);
	faults_ask(faults, line, answer);
	assert_string_equal(answer, "ok\n");
}

struct faults_counts {
	unsigned connections, requests;
};

/* Since the fault was set. */
static inline struct faults_counts faults_count(const struct faults *faults)
{
	struct faults_counts counts;
	char answer[64];

	faults_ask(faults, "counts", answer);
	assert_int_equal(sscanf(answer, "%u %u", &counts.connections, &counts.requests), 2);
	return counts;
}

static inline void faults_spawn(struct faults *faults, const char *backend)
{
	char cert[256], key[256], other_cert[256], other_key[256], control[256];
	const char *const words[] = {"python3",
				     FAULTS,
				     "serve",
				     "--control",
				     faults_path(faults, "control", control),
				     "--cert",
				     faults_path(faults, "cert.pem", cert),
				     "--key",
				     faults_path(faults, "key.pem", key),
				     "--wrong-cert",
				     faults_path(faults, "other-cert.pem", other_cert),
				     "--wrong-key",
				     faults_path(faults, "other-key.pem", other_key),
				     "--backend",
				     backend,
				     "--backend-plain",
				     NULL};
	int input[2], output[2];
	char port[16] = "";
	posix_spawn_file_actions_t actions;

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, input[0], 0);
	(void)posix_spawn_file_actions_adddup2(&actions, output[1], 1);
	assert_int_equal(posix_spawnp(&faults->process, words[0], &actions, NULL,
				      (char *const *)(uintptr_t)words, environ),
			 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	file_close(input[0]);
	file_close(output[1]);
	faults->input = input[1];
	assert_true(read(output[0], port, sizeof port - 1) > 0); /* it listens now */
	file_close(output[0]);
	faults->port = (unsigned)atoi(port);
	(void)snprintf(faults->url, sizeof faults->url, "https://127.0.0.1:%u", faults->port);
}

static inline struct faults faults_start(const char *backend)
{
	struct why why = WHY_NONE;
	struct faults faults = {.process = 0};
	struct bytes authority = BYTES_EMPTY;
	char path[256];

	temporary_template(faults.directory, sizeof faults.directory, "faults");
	assert_non_null(mkdtemp(faults.directory));
	faults_certificate(&faults, "cert.pem", "key.pem",
			   "subjectAltName=IP:127.0.0.1,DNS:keys.test,DNS:localhost");
	faults_certificate(&faults, "other-cert.pem", "other-key.pem", "subjectAltName=IP:127.0.0.1");
	assert_works(file_read(AT_FDCWD, faults_path(&faults, "cert.pem", path), 1 << 16, &authority, &why));
	faults.authority = (char *)authority.data;
	faults_spawn(&faults, backend);
	return faults;
}

static inline void faults_end(struct faults *faults)
{
	static const char *const names[] = {"cert.pem", "key.pem", "other-cert.pem", "other-key.pem",
					    "control"};
	char path[256];

	file_close(faults->input);
	(void)waitpid(faults->process, NULL, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlink(faults_path(faults, names[i], path));
	(void)rmdir(faults->directory);
	free(faults->authority);
}

#endif
