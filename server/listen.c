#include "server/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define UNIX_PREFIX "unix:"
#define UNIX_MODE 0660
#define BACKLOG 1024

bool listen_is_unix(const char *address)
{
	return strncmp(address, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0;
}

static const char *unix_path(const char *address)
{
	return address + sizeof UNIX_PREFIX - 1;
}

/* -- UNIX ------------------------------------------------------------------------------------ */

static bool is_answered(const struct sockaddr_un *address)
{
	AUTO(file_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

static enum fault make_way(const struct sockaddr_un *address, struct why *why)
{
	struct stat status;

	if (lstat(address->sun_path, &status) != 0)
		return FAULT_NONE;
	if (!S_ISSOCK(status.st_mode))
		return why_set(why, FAULT_EXISTS, "'%s' is there and is no socket", address->sun_path);
	if (is_answered(address))
		return why_set(why, FAULT_BUSY, "another server listens on '%s'", address->sun_path);
	if (unlink(address->sun_path) != 0)
		return why_system(why, "cannot remove the old socket '%s'", address->sun_path);
	return FAULT_NONE;
}

static enum fault open_unix(const char *path, int *ret_socket, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path[0] != '/' || strlen(path) >= sizeof address.sun_path)
		return why_set(why, FAULT_USAGE, "'%s' is no absolute path of at most %zu bytes", path,
			       sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	enum fault fault = make_way(&address, why);
	if (fault)
		return fault;
	AUTO(file_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_system(why, "no socket");
	/* fchmod() first: the name never exists with a wider mode than this. */
	if (fchmod(fd, UNIX_MODE) != 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    chmod(path, UNIX_MODE) != 0 || listen(fd, BACKLOG) != 0)
		return why_system(why, "cannot listen on '%s'", path);
	*ret_socket = fd;
	fd = -1;
	return FAULT_NONE;
}

void listen_forget(const char *address)
{
	if (listen_is_unix(address))
		(void)unlink(unix_path(address));
}

/* -- TCP ------------------------------------------------------------------------------------- */

/* "host:port" or "[host]:port". */
static bool split(const char *address, char host[static NI_MAXHOST], const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	const char *begin = address, *end = colon;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	if (strlen(colon + 1) > 5 || strtoul(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	if (*begin == '[') {
		begin++;
		if (end == address || *--end != ']')
			return false;
	} else if (memchr(begin, ':', (size_t)(end - begin))) {
		return false;
	}
	if (end <= begin || end - begin >= NI_MAXHOST)
		return false;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*ret_port = colon + 1;
	return true;
}

static enum fault open_tcp(const struct addrinfo *info, const char *address, int *ret_socket, struct why *why)
{
	const int yes = 1;
	AUTO(file_close)
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);

	if (fd < 0)
		return why_system(why, "no socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	/* "[::]:8443, 0.0.0.0:8443" are two sockets: the first must not take the second's place. */
	if (info->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
	if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		if (errno != EADDRINUSE)
			return why_system(why, "cannot listen on '%s'", address);
		return why_set(why, FAULT_BUSY, "another program listens on '%s'", address);
	}
	*ret_socket = fd;
	fd = -1;
	return FAULT_NONE;
}

enum fault listen_open(const char *address, int *ret_socket, struct why *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char host[NI_MAXHOST];
	const char *port;

	if (listen_is_unix(address))
		return open_unix(unix_path(address), ret_socket, why);
	if (!split(address, host, &port))
		return why_set(why, FAULT_USAGE,
			       "'%s' is no address: say HOST:PORT, [HOST]:PORT or unix:PATH", address);
	int error = getaddrinfo(host, port, &hints, &list);
	if (error)
		return why_set(why, FAULT_USAGE, "'%s' is no address here: %s", address, gai_strerror(error));
	enum fault fault = open_tcp(list, address, ret_socket, why);
	freeaddrinfo(list);
	return fault;
}

/* -- what it has become ---------------------------------------------------------------------- */

union any_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un local;
	struct sockaddr_storage room;
};

static union any_address address_of(int listening)
{
	union any_address address = {.room = {0}};
	socklen_t size = sizeof address;

	if (getsockname(listening, &address.any, &size) != 0)
		address.any.sa_family = AF_UNSPEC;
	return address;
}

static bool is_loopback(const union any_address *address)
{
	switch (address->any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(address->four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address->six.sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&address->six.sin6_addr) &&
			address->six.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
	default:
		return false;
	}
}

static unsigned host_of(const union any_address *address, char host[static INET6_ADDRSTRLEN])
{
	const bool is_six = address->any.sa_family == AF_INET6;
	const void *bytes = is_six ? (const void *)&address->six.sin6_addr : &address->four.sin_addr;

	if (!inet_ntop(is_six ? AF_INET6 : AF_INET, bytes, host, INET6_ADDRSTRLEN))
		host[0] = '\0';
	return ntohs(is_six ? address->six.sin6_port : address->four.sin_port);
}

void listen_address(int listening, char text[static LISTEN_TEXT_SIZE])
{
	const union any_address address = address_of(listening);
	char host[INET6_ADDRSTRLEN];

	if (address.any.sa_family == AF_UNIX) {
		(void)snprintf(text, LISTEN_TEXT_SIZE, UNIX_PREFIX "%s", address.local.sun_path);
		return;
	}
	unsigned port = host_of(&address, host);
	(void)snprintf(text, LISTEN_TEXT_SIZE, address.any.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		       port);
}

bool listen_is_local(int listening)
{
	const union any_address address = address_of(listening);

	return is_loopback(&address);
}

bool listen_peer(const struct sockaddr *peer, char text[static LISTEN_PEER_SIZE])
{
	union any_address address = {.room = {0}};
	char host[INET6_ADDRSTRLEN];

	memcpy(&address, peer, peer->sa_family == AF_INET6 ? sizeof address.six : sizeof address.four);
	(void)host_of(&address, host);
	(void)snprintf(text, LISTEN_PEER_SIZE, "%s", host);
	return is_loopback(&address);
}
