#include "fs/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "keys/kdf.h"

#define SOCKET_SUFFIX ".sock"
#define ANSWER_MAX (16 * 1024 * 1024)
#define PATIENCE_MS 5000

struct control {
	int listening;
	int wake[2]; /* a pipe: closing its end stops the thread */
	char *path;
	json_t *(*answer)(void *context);
	void *context;
	pthread_t thread;
	bool running;
};

/* -- where ------------------------------------------------------------------------------- */

static char *directory_text(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *home = getenv("HOME");
	char *text = NULL;
	char fallback[64];
	struct stat stat_now;
	int size;

	(void)snprintf(fallback, sizeof fallback, "/run/user/%u", (unsigned)getuid());
	if (runtime && runtime[0] == '/')
		size = asprintf(&text, "%s/fsenc", runtime);
	else if (stat(fallback, &stat_now) == 0 && stat_now.st_uid == getuid())
		size = asprintf(&text, "%s/fsenc", fallback);
	else
		size = asprintf(&text, "%s/.cache/fsenc/run", home && home[0] == '/' ? home : "/nonexistent");
	return size < 0 ? NULL : text;
}

static enum fault make_private(char *path, struct why *why)
{
	struct stat stat_now;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return why_system(why, "cannot make '%s'", path);
	if (lstat(path, &stat_now) != 0)
		return why_system(why, "cannot look at '%s'", path);
	if (!S_ISDIR(stat_now.st_mode) || stat_now.st_uid != getuid() || (stat_now.st_mode & 077))
		return why_set(why, FAULT_DENIED, "'%s' is not a directory of yours alone", path);
	return FAULT_NONE;
}

enum fault control_directory(char **ret_directory, struct why *why)
{
	AUTO(free) char *directory = directory_text();
	if (!directory)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	enum fault fault = make_private(directory, why);
	if (!fault)
		*ret_directory = TAKE(directory);
	return fault;
}

static enum fault socket_address(const char *path, struct sockaddr_un *ret_address, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return why_set(why, FAULT_NAME_TOO_LONG, "the path of the socket '%s' is too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	*ret_address = address;
	return FAULT_NONE;
}

/* -- answering ----------------------------------------------------------------------------- */

static bool is_same_user(int connection)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == getuid() || peer.uid == 0);
}

static void send_all(int connection, const char *text, size_t size)
{
	while (size) {
		ssize_t sent = send(connection, text, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return;
		text += sent;
		size -= (size_t)sent;
	}
}

static void serve(struct control *control, int connection)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};

	if (!is_same_user(connection))
		return;
	(void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	json_t *answer = control->answer(control->context);
	AUTO(free) char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(answer);
	if (text)
		send_all(connection, text, strlen(text));
}

static void *run(void *context)
{
	struct control *control = context;

	for (;;) {
		struct pollfd watched[] = {{control->listening, POLLIN, 0}, {control->wake[0], POLLIN, 0}};
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			break;
		if (watched[1].revents)
			break;
		if (!(watched[0].revents & POLLIN))
			continue;
		AUTO(file_close) int connection = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC);
		if (connection >= 0)
			serve(control, connection);
	}
	return NULL;
}

static enum fault listen_at(struct control *control, struct why *why)
{
	struct sockaddr_un address;
	enum fault fault = socket_address(control->path, &address, why);
	if (fault)
		return fault;
	control->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->listening < 0 || pipe2(control->wake, O_CLOEXEC) != 0)
		return why_system(why, "cannot make a socket");
	(void)unlink(control->path); /* of a mount that is gone: this directory is mounted now */
	if (bind(control->listening, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    chmod(control->path, 0600) != 0 || listen(control->listening, 8) != 0)
		return why_system(why, "cannot listen at '%s'", control->path);
	return FAULT_NONE;
}

enum fault control_start(const char *mount_directory, json_t *(*answer)(void *context), void *context,
			 struct control **ret_control, struct why *why)
{
	AUTO(control_stop) struct control *control = calloc(1, sizeof *control);
	AUTO(free) char *directory = NULL;
	if (!control)
		return why_set(why, FAULT_MEMORY, "no memory for a socket");
	*control = (struct control){.listening = -1, .wake = {-1, -1}, .answer = answer, .context = context};
	enum fault fault = control_directory(&directory, why);
	if (fault)
		return fault;
	struct digest name = kdf_hash(KDF_SESSION, mount_directory, strlen(mount_directory));
	char text[DIGEST_TEXT_SIZE];
	digest_text(&name, text);
	if (asprintf(&control->path, "%s/%.16s" SOCKET_SUFFIX, directory, text) < 0) {
		control->path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	fault = listen_at(control, why);
	if (fault)
		return fault;
	if (pthread_create(&control->thread, NULL, run, control) != 0)
		return why_set(why, FAULT_MEMORY, "no thread for the socket");
	control->running = true;
	*ret_control = TAKE(control);
	return FAULT_NONE;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	file_close(control->wake[1]);
	if (control->running)
		(void)pthread_join(control->thread, NULL);
	if (control->running && control->path)
		(void)unlink(control->path);
	file_close(control->wake[0]);
	file_close(control->listening);
	free(control->path);
	free(control);
}

/* -- asking ------------------------------------------------------------------------------- */

static enum fault read_answer(int connection, struct bytes *answer, struct why *why)
{
	char piece[4096];

	for (;;) {
		ssize_t got = recv(connection, piece, sizeof piece, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_system(why, "a mount does not answer");
		if (got == 0)
			return FAULT_NONE;
		if (answer->size + (size_t)got > ANSWER_MAX)
			return why_set(why, FAULT_MALFORMED, "the answer of a mount is too large");
		enum fault fault = bytes_append(answer, piece, (size_t)got, why);
		if (fault)
			return fault;
	}
}

/* A socket that nobody listens at is left over from a mount that was killed. */
static enum fault ask(const char *path, json_t *answers, struct why *why)
{
	struct sockaddr_un address;
	AUTO(bytes_done) struct bytes answer = BYTES_EMPTY;
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	enum fault fault = socket_address(path, &address, why);
	if (fault)
		return fault;
	AUTO(file_close) int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection < 0)
		return why_system(why, "cannot make a socket");
	(void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(connection, (const struct sockaddr *)&address, sizeof address) != 0) {
		if (errno == ECONNREFUSED)
			(void)unlink(path);
		return FAULT_NONE;
	}
	fault = read_answer(connection, &answer, why);
	if (fault)
		return fault;
	json_t *object = json_loadb((const char *)answer.data, answer.size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(object))
		(void)json_array_append(answers, object);
	json_decref(object);
	return FAULT_NONE;
}

static bool is_socket_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SOCKET_SUFFIX);

	return length > suffix && strcmp(name + length - suffix, SOCKET_SUFFIX) == 0;
}

enum fault control_ask_all(json_t **ret_answers, struct why *why)
{
	AUTO(free) char *directory = NULL;
	enum fault fault = control_directory(&directory, why);
	if (fault)
		return fault;
	DIR *listing = opendir(directory);
	if (!listing)
		return why_system(why, "cannot list '%s'", directory);
	json_t *answers = json_array();
	for (struct dirent *entry; !fault && (entry = readdir(listing));) {
		char path[4096];
		if (!is_socket_name(entry->d_name))
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		fault = ask(path, answers, why);
	}
	(void)closedir(listing);
	if (fault) {
		json_decref(answers);
		return fault;
	}
	*ret_answers = answers;
	return FAULT_NONE;
}
