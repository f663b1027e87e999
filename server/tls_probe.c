#include "server/tls_probe.h"

#include <gnutls/gnutls.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define REQUEST "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define ANSWER_MAX 64 /* the status line's beginning is enough */
#define HOST_MAX 256

AUTO_POINTER(struct addrinfo *, freeaddrinfo);

static enum fault down(const char *address, const char *what, struct why *why)
{
	return why_set(why, FAULT_UNREACHABLE, "nothing answers at '%s': %s", address, what);
}

/* -- connecting ----------------------------------------------------------------------------- */

static void set_timeouts(int fd)
{
	const struct timeval timeout = {.tv_sec = TLS_PROBE_MS / MS_PER_SECOND};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

static enum fault connect_to(const char *address, int family, const struct sockaddr *name, socklen_t size,
			     int *ret_fd, struct why *why)
{
	AUTO(file_close) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return why_system(why, "cannot make a socket");
	set_timeouts(fd);
	if (connect(fd, name, size) != 0)
		return down(address, strerror(errno), why);
	*ret_fd = fd;
	fd = -1;
	return FAULT_NONE;
}

static enum fault connect_unix(const char *address, int *ret_fd, struct why *why)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const char *path = address + strlen("unix:");

	if (strlen(path) >= sizeof name.sun_path)
		return down(address, "the path is too long", why);
	memcpy(name.sun_path, path, strlen(path) + 1);
	return connect_to(address, AF_UNIX, (const struct sockaddr *)&name, sizeof name, ret_fd, why);
}

/* "[::1]:8443" as host and port; all addresses at once are reached at the loopback one. */
static bool split(const char *address, char host[static HOST_MAX], const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	bool bracket = address[0] == '[';
	int length = (int)(colon ? colon - address : 0) - (bracket ? 2 : 0);

	if (!colon || length < 0 || length >= HOST_MAX)
		return false;
	(void)snprintf(host, HOST_MAX, "%.*s", length, address + bracket);
	if (!strcmp(host, "0.0.0.0") || !strcmp(host, "*") || !*host)
		(void)snprintf(host, HOST_MAX, "127.0.0.1");
	if (!strcmp(host, "::"))
		(void)snprintf(host, HOST_MAX, "::1");
	*ret_port = colon + 1;
	return true;
}

static enum fault connect_tcp(const char *address, int *ret_fd, struct why *why)
{
	AUTO(freeaddrinfo) struct addrinfo *found = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char host[HOST_MAX];
	const char *port;
	int failed;

	if (!split(address, host, &port))
		return down(address, "it is no address", why);
	failed = getaddrinfo(host, port, &hints, &found);
	if (failed)
		return down(address, gai_strerror(failed), why);
	return connect_to(address, found->ai_family, found->ai_addr, found->ai_addrlen, ret_fd, why);
}

/* -- asking -------------------------------------------------------------------------------------- */

static enum fault judge(const char *address, const char *answer, size_t size, struct why *why)
{
	static const char ready[] = "HTTP/1.1 200 ";

	if (size >= sizeof ready - 1 && !memcmp(answer, ready, sizeof ready - 1))
		return FAULT_NONE;
	if (size >= sizeof ready - 1 && !memcmp(answer, ready, sizeof "HTTP/1.1"))
		return why_set(why, FAULT_BUSY, "the server at '%s' is not ready (%.3s)", address,
			       answer + sizeof "HTTP/1.1");
	return down(address, "no answer of a key server", why);
}

static enum fault ask_plain(const char *address, int fd, struct why *why)
{
	char answer[ANSWER_MAX];
	ssize_t got;

	if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof REQUEST - 1))
		return down(address, strerror(errno), why);
	got = recv(fd, answer, sizeof answer, MSG_WAITALL);
	return judge(address, answer, got > 0 ? (size_t)got : 0, why);
}

struct tls_call {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

static void tls_call_done(struct tls_call *call)
{
	if (call->session)
		gnutls_deinit(call->session);
	if (call->credentials)
		gnutls_certificate_free_credentials(call->credentials);
}
AUTO_VALUE(struct tls_call, tls_call_done);

static int shake_hands(struct tls_call *call, int fd)
{
	int result = gnutls_init(&call->session, GNUTLS_CLIENT);

	if (result >= 0)
		result = gnutls_certificate_allocate_credentials(&call->credentials);
	if (result >= 0)
		result = gnutls_set_default_priority(call->session);
	if (result >= 0)
		result = gnutls_credentials_set(call->session, GNUTLS_CRD_CERTIFICATE, call->credentials);
	if (result < 0)
		return result;
	gnutls_transport_set_int(call->session, fd);
	gnutls_handshake_set_timeout(call->session, TLS_PROBE_MS);
	do
		result = gnutls_handshake(call->session);
	while (result < 0 && !gnutls_error_is_fatal(result));
	return result;
}

static enum fault ask_tls(const char *address, int fd, struct why *why)
{
	AUTO(tls_call_done) struct tls_call call = {NULL, NULL};
	char answer[ANSWER_MAX];
	ssize_t got = shake_hands(&call, fd);

	if (got >= 0)
		got = gnutls_record_send(call.session, REQUEST, sizeof REQUEST - 1);
	if (got >= 0)
		do
			got = gnutls_record_recv(call.session, answer, sizeof answer);
		while (got == GNUTLS_E_INTERRUPTED);
	if (got < 0)
		return down(address, gnutls_strerror((int)got), why);
	return judge(address, answer, (size_t)got, why);
}

enum fault tls_probe(const char *address, struct why *why)
{
	AUTO(file_close) int fd = -1;
	bool local = !strncmp(address, "unix:", 5);
	enum fault fault = local ? connect_unix(address, &fd, why) : connect_tcp(address, &fd, why);

	if (fault)
		return fault;
	return local ? ask_plain(address, fd, why) : ask_tls(address, fd, why);
}
