#include "fs/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

#define ANSWER_MAX (16 * 1024 * 1024)
#define PATIENCE_SECONDS 2
#define SOCKET_SUFFIX ".sock"
#define WORD_WAKE "wake"
#define WORD_STATUS "status"

struct control {
	char *path; /* of the socket */
	int listener;
	int end; /* eventfd */
	pthread_t thread;
	bool started;
	struct control_handler handler;
};

/* -- the directory ------------------------------------------------------------------------------ */

static enum fault make_directory(const char *path, struct why *why)
{
	struct stat found;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return why_system(why, "cannot make '%s'", path);
	if (lstat(path, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid())
		return why_set(why, FAULT_DENIED, "'%s' is not this user's directory", path);
	if ((found.st_mode & 077) != 0 && chmod(path, 0700) != 0)
		return why_system(why, "cannot close '%s' to others", path);
	return FAULT_NONE;
}

static bool is_usable(const char *path)
{
	return path && path[0] == '/' && access(path, W_OK | X_OK) == 0;
}

/* $XDG_RUNTIME_DIR/fsenc, or the same below /run/user, or below the home directory where neither is. */
static char *choose_directory(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *home = getenv("HOME");
	char *path = NULL;
	char usual[64];

	(void)snprintf(usual, sizeof(usual), "/run/user/%u", (unsigned)geteuid());
	if (!is_usable(runtime))
		runtime = is_usable(usual) ? usual : NULL;
	int length = runtime ? asprintf(&path, "%s/fsenc", runtime)
			     : asprintf(&path, "%s/.cache/fsenc/run", home ? home : "");
	return length < 0 ? NULL : path;
}

static void make_parents(const char *path)
{
	AUTO(free) char *copy = strdup(path);

	for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(copy, 0700);
		*slash = '/';
	}
}

enum fault control_directory(char **ret_directory, struct why *why)
{
	AUTO(free) char *path = choose_directory();

	if (!path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	make_parents(path);
	enum fault fault = make_directory(path, why);
	if (!fault)
		*ret_directory = TAKE(path);
	return fault;
}

/* -- sockets ------------------------------------------------------------------------------------ */

/* A path longer than a socket address may be is reached through its directory's descriptor. */
static enum fault address_of(int directory, const char *name, struct sockaddr_un *ret_address,
			     struct why *why)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int length = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s",
			      directory, name);
	if (length < 0 || (size_t)length >= sizeof(ret_address->sun_path))
		return why_set(why, FAULT_NAME_TOO_LONG, "'%s' is too long for a socket", name);
	return FAULT_NONE;
}

static int new_socket(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

static bool is_same_user(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* -- answering ------------------------------------------------------------------------------------ */

static void send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		text += sent;
		size -= (size_t)sent;
	}
}

/* Up to the end of what the other side has to say, which is no more than a word. */
static void hear_word(int fd, char word[static 16])
{
	size_t size = 0;
	ssize_t got;

	do {
		got = recv(fd, word + size, 15 - size, 0);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0 && size < 15);
	word[size] = '\0';
}

static void serve(struct control *control, int fd)
{
	char word[16];

	if (!is_same_user(fd))
		return;
	hear_word(fd, word);
	if (strcmp(word, WORD_WAKE) == 0) {
		control->handler.wake(control->handler.context);
		return;
	}
	json_t *object = control->handler.answer(control->handler.context);
	AUTO(free) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (text)
		send_all(fd, text, strlen(text));
}

static void *run(void *context)
{
	struct control *control = context;
	struct pollfd both[2] = {{.fd = control->listener, .events = POLLIN},
				 {.fd = control->end, .events = POLLIN}};

	for (;;) {
		if (poll(both, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (both[1].revents)
			return NULL;
		AUTO(file_close) int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
		const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		serve(control, fd);
	}
}

static enum fault listen_at(struct control *control, const char *directory, struct why *why)
{
	char name[64];
	struct sockaddr_un address;
	AUTO(file_close) int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* The number alone is not enough where several process spaces share the directory. */
	(void)snprintf(name, sizeof(name), "%ld-%08x" SOCKET_SUFFIX, (long)getpid(), randombytes_random());
	if (fd < 0)
		return why_system(why, "cannot open '%s'", directory);
	enum fault fault = address_of(fd, name, &address, why);
	if (fault)
		return fault;
	if (asprintf(&control->path, "%s/%s", directory, name) < 0) {
		control->path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	control->listener = new_socket();
	if (control->listener < 0 ||
	    bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(control->path, 0600) != 0 || listen(control->listener, 16) != 0)
		return why_system(why, "cannot listen at '%s'", control->path);
	/* A client that goes away between poll and accept must not hold us up. */
	(void)fcntl(control->listener, F_SETFL, O_NONBLOCK);
	return FAULT_NONE;
}

enum fault control_start(const struct control_handler *handler, struct control **ret_control, struct why *why)
{
	AUTO(free) char *directory = NULL;
	AUTO(control_stop) struct control *control = calloc(1, sizeof(*control));
	enum fault fault = control_directory(&directory, why);

	if (!control)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	*control = (struct control){.listener = -1, .end = eventfd(0, EFD_CLOEXEC), .handler = *handler};
	if (!fault && control->end < 0)
		fault = why_system(why, "cannot make an event");
	if (!fault)
		fault = listen_at(control, directory, why);
	if (fault)
		return fault;
	control->started = pthread_create(&control->thread, NULL, run, control) == 0;
	if (!control->started)
		return why_set(why, FAULT_MEMORY, "no thread for a mount");
	*ret_control = TAKE(control);
	return FAULT_NONE;
}

void control_stop(struct control *control)
{
	const uint64_t one = 1;

	if (!control)
		return;
	if (control->started) {
		(void)!write(control->end, &one, sizeof(one));
		(void)pthread_join(control->thread, NULL);
	}
	if (control->path)
		(void)unlink(control->path);
	file_close(control->listener);
	file_close(control->end);
	free(control->path);
	free(control);
}

/* -- asking ----------------------------------------------------------------------------------------- */

static json_t *receive(int fd)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	char part[4096];

	for (;;) {
		ssize_t got = recv(fd, part, sizeof(part), 0);
		if (got < 0)
			return NULL;
		if (got == 0)
			return json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
		if (text.size > ANSWER_MAX || bytes_append(&text, part, (size_t)got, NULL) != FAULT_NONE)
			return NULL;
	}
}

/* Connected, with the word said; -1 when nobody is there. */
static int say(int directory, const char *name, const char *word)
{
	struct sockaddr_un address;
	AUTO(file_close) int fd = new_socket();

	if (fd < 0 || address_of(directory, name, &address, NULL) != FAULT_NONE)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == ECONNREFUSED)
			(void)unlinkat(directory, name, 0);
		return -1;
	}
	if (!is_same_user(fd))
		return -1;
	send_all(fd, word, strlen(word));
	(void)shutdown(fd, SHUT_WR);
	int connected = fd;
	fd = -1;
	return connected;
}

static bool is_socket_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SOCKET_SUFFIX);

	return length > suffix && strcmp(name + length - suffix, SOCKET_SUFFIX) == 0;
}

static void auto_closedir(DIR **listing)
{
	if (*listing)
		(void)closedir(*listing);
}

/* One after the other; NULL in `answers`: nothing is waited for. */
static enum fault say_to_all(const char *word, json_t *answers, struct why *why)
{
	AUTO(free) char *directory = NULL;
	enum fault fault = control_directory(&directory, why);

	if (fault)
		return fault;
	AUTO(closedir) DIR *listing = opendir(directory);
	if (!listing)
		return why_system(why, "cannot list '%s'", directory);
	for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		if (!is_socket_name(entry->d_name))
			continue;
		AUTO(file_close) int fd = say(dirfd(listing), entry->d_name, word);
		json_t *answer = fd >= 0 && answers ? receive(fd) : NULL;
		if (answer)
			(void)json_array_append_new(answers, answer);
	}
	return FAULT_NONE;
}

enum fault control_ask_all(json_t **ret_answers, struct why *why)
{
	json_t *answers = json_array();
	enum fault fault = say_to_all(WORD_STATUS, answers, why);

	if (fault)
		json_decref(answers);
	else
		*ret_answers = answers;
	return fault;
}

void control_wake_all(void)
{
	(void)!say_to_all(WORD_WAKE, NULL, NULL);
}
