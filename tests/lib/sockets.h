/* tests/lib/sockets.h - bytes to a server on this machine, as they are, and what it answers to them.
 *
 *     AUTO(file_close) int fd = socket_to("127.0.0.1:8443");
 *     socket_send(fd, "GET / HTTP/1.1\r\n\r\n");
 *     char *answer = socket_answer(fd);         // one whole answer, or what came before the connection ended
 */
#ifndef FSENC_TESTS_LIB_SOCKETS_H
#define FSENC_TESTS_LIB_SOCKETS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/lib/unit.h"

#define SOCKET_ANSWER_MAX 65536

static inline int socket_to(const char *address)
{
	const struct timeval patience = {.tv_sec = 10};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	const bool is_unix = strncmp(address, "unix:", 5) == 0;
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (is_unix) {
		(void)snprintf(local.sun_path, sizeof local.sun_path, "%s", address + 5);
		assert_int_equal(connect(fd, (const struct sockaddr *)&local, sizeof local), 0);
	} else {
		four.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
		assert_int_equal(connect(fd, (const struct sockaddr *)&four, sizeof four), 0);
	}
	return fd;
}

/* false: the other side has closed. */
static inline bool socket_send_bytes(int fd, const void *bytes, size_t size)
{
	const char *rest = bytes;

	while (size > 0) {
		ssize_t sent = send(fd, rest, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		rest += sent;
		size -= (size_t)sent;
	}
	return true;
}

static inline bool socket_send(int fd, const char *text)
{
	return socket_send_bytes(fd, text, strlen(text));
}

/* Is it all there: the heading, and as much after it as its Content-Length says? */
static inline bool socket_is_whole(const char *text, size_t size)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length:");

	if (!end)
		return false;
	size_t body = length && length < end ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	return size >= (size_t)(end + 4 - text) + body;
}

/* Of a connection that ended without a word it is "". Lives until the next call. */
static inline char *socket_answer(int fd)
{
	static char text[SOCKET_ANSWER_MAX];
	size_t size = 0;
	ssize_t got;

	text[0] = '\0';
	while (!socket_is_whole(text, size) && size < sizeof text - 1) {
		got = recv(fd, text + size, sizeof text - 1 - size, 0);
		if (got <= 0)
			break;
		size += (size_t)got;
		text[size] = '\0';
	}
	return text;
}

static inline unsigned socket_status(const char *answer)
{
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(answer + 9, NULL, 10) : 0;
}

/* The other side closes, and sends nothing more before it does. */
static inline bool socket_is_closed(int fd)
{
	char more;
	ssize_t got = recv(fd, &more, 1, 0);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

#endif
