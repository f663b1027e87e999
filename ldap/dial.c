#include "ldap/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "ldap/deadline.h"

#define ATTEMPTS_MAX 8
#define HEAD_START_MS 250
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_PROBES 3

AUTO_POINTER(struct addrinfo *, freeaddrinfo);

/* Connections under way; the first that stands wins. */
struct race {
	const struct addrinfo *next;
	struct pollfd tries[ATTEMPTS_MAX];
	nfds_t count;
	int error; /* of the last that failed */
	int64_t start_next;
};

static void race_done(struct race *race)
{
	for (nfds_t i = 0; i < race->count; i++)
		file_close(race->tries[i].fd);
}
AUTO_VALUE(struct race, race_done);

/* -- one attempt ------------------------------------------------------------------- */

static void set(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

static void set_manners(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/* -1: it failed at once, with errno. */
static int start(int family, const struct sockaddr *address, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, address, size) == 0 || errno == EINPROGRESS)
		return fd;
	int error = errno;
	file_close(fd);
	errno = error;
	return -1;
}

static void start_next(struct race *race)
{
	const struct addrinfo *address = race->next;
	int fd = start(address->ai_family, address->ai_addr, address->ai_addrlen);

	race->next = address->ai_next;
	race->start_next = clock_boot_ms() + HEAD_START_MS;
	if (fd < 0) {
		race->error = errno;
		race->start_next = 0;
	} else {
		race->tries[race->count++] = (struct pollfd){.fd = fd, .events = POLLOUT};
	}
}

/* -- the race ---------------------------------------------------------------------- */

static int wait_ms(const struct race *race, int64_t deadline)
{
	int64_t until = deadline;

	if (race->next && race->count < ATTEMPTS_MAX && race->start_next < until)
		until = race->start_next;
	return deadline_left_ms(until);
}

static void drop(struct race *race, nfds_t i, int error)
{
	file_close(race->tries[i].fd);
	race->tries[i] = race->tries[--race->count];
	race->error = error;
	race->start_next = 0;
}

/* The socket that stands, taken out of the race, or -1. */
static int take_winner(struct race *race)
{
	for (nfds_t i = 0; i < race->count;) {
		int error = 0;
		socklen_t size = sizeof error;
		int fd = race->tries[i].fd;
		if (!race->tries[i].revents) {
			i++;
			continue;
		}
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
			race->tries[i] = race->tries[--race->count];
			return fd;
		}
		drop(race, i, error);
	}
	return -1;
}

static enum directory_reason run(struct race *race, const struct ldap_server *server, int64_t deadline,
				 int *ret_fd, struct why *why)
{
	while (race->next || race->count) {
		int64_t now = clock_boot_ms();
		if (now >= deadline)
			return reason_set(why, DIRECTORY_REASON_TIMEOUT, "connecting to %s took too long",
					  server->uri);
		if (race->next && race->count < ATTEMPTS_MAX && now >= race->start_next)
			start_next(race);
		if (race->count && poll(race->tries, race->count, wait_ms(race, deadline)) <= 0)
			continue;
		int fd = take_winner(race);
		if (fd >= 0) {
			*ret_fd = fd;
			return DIRECTORY_REASON_NONE;
		}
	}
	return reason_set(why, DIRECTORY_REASON_UNREACHABLE, "cannot connect to %s: %s", server->uri,
			  strerrordesc_np(race->error));
}

static enum directory_reason dial_host(const struct ldap_server *server, int64_t deadline, int *ret_fd,
				       struct why *why)
{
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	AUTO(freeaddrinfo) struct addrinfo *found = NULL;
	int code = getaddrinfo(server->host, server->port, &wanted, &found);
	if (code)
		return reason_set(why, DIRECTORY_REASON_UNREACHABLE, "cannot find the host of %s: %s",
				  server->uri, gai_strerror(code));
	AUTO(race_done) struct race race = {.next = found};
	enum directory_reason reason = run(&race, server, deadline, ret_fd, why);
	if (!reason)
		set_manners(*ret_fd);
	return reason;
}

static enum directory_reason dial_socket(const struct ldap_server *server, int *ret_fd, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(server->host) >= sizeof address.sun_path)
		return reason_set(why, DIRECTORY_REASON_UNREACHABLE, "the path in %s is too long",
				  server->uri);
	strcpy(address.sun_path, server->host);
	int fd = start(AF_UNIX, (const struct sockaddr *)&address, sizeof address);
	if (fd < 0)
		return reason_set(why, DIRECTORY_REASON_UNREACHABLE, "cannot connect to %s: %s", server->uri,
				  strerrordesc_np(errno));
	*ret_fd = fd;
	return DIRECTORY_REASON_NONE;
}

enum directory_reason dial(const struct ldap_server *server, int64_t deadline, int *ret_fd, struct why *why)
{
	if (server->protection == PROTECTED_LOCAL)
		return dial_socket(server, ret_fd, why);
	return dial_host(server, deadline, ret_fd, why);
}
