#include "tests/lib/server_link.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

#define HEAD_MAX 3072
#define SMALL_MAX ((size_t)4096) /* a body that goes out with its heading */
#define ROOM ((size_t)256 * 1024)

struct link {
	int fd;
	SSL *ssl;
	uint8_t *answer; /* only while one is awaited: ten thousand idle ones must not need it */
	size_t size;
};

static SSL_CTX *context;
static struct link_server server;

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "server link: %s\n", what);
	_exit(1);
}

void link_start(const struct link_server *wanted)
{
	server = *wanted;
	context = SSL_CTX_new(TLS_client_method());
	if (!context || SSL_CTX_load_verify_locations(context, server.certificate, NULL) != 1)
		die("cannot read the server's certificate");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

struct link *link_open(void)
{
	const int yes = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
	struct link *link = calloc(1, sizeof *link);

	if (!link || inet_pton(AF_INET, server.host, &address.sin_addr) != 1)
		die("no address");
	link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd < 0 || connect(link->fd, (const struct sockaddr *)&address, sizeof address) != 0)
		die("cannot connect");
	(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	link->ssl = SSL_new(context);
	if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1 || SSL_connect(link->ssl) != 1)
		die("no TLS");
	return link;
}

void link_close(struct link *link)
{
	SSL_free(link->ssl);
	(void)close(link->fd);
	free(link->answer);
	free(link);
}

/* -- an answer ------------------------------------------------------------------------------ */

static void receive(struct link *link)
{
	if (link->size >= ROOM)
		die("the answer is too long");
	int got = SSL_read(link->ssl, link->answer + link->size, (int)(ROOM - link->size));
	if (got <= 0)
		die("the connection ended");
	link->size += (size_t)got;
	link->answer[link->size] = '\0';
}

/* The value of a line, up to its end; NULL without it. */
static const char *line_of(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	return line ? line + strlen(name) + strspn(line + strlen(name), " ") : NULL;
}

static void verify(const char *head, unsigned status, const struct digest *request, const uint8_t *body,
		   size_t body_size)
{
	const char *signature = line_of(head, "\r\n" ANSWER_HEADER ":");
	const struct answer_subject subject = {
		.status = status, .request = *request, .body = body, .body_size = body_size};
	char value[ANSWER_HEADER_SIZE];

	if (!signature || strcspn(signature, "\r") >= sizeof value)
		die("the answer is not signed");
	(void)snprintf(value, sizeof value, "%.*s", (int)strcspn(signature, "\r"), signature);
	if (answer_verify(value, &subject, server.sign_public, NULL))
		die("the signature of the answer is wrong");
}

static unsigned take(struct link *link, const struct digest *request, const uint8_t **ret_body,
		     size_t *ret_body_size)
{
	const char *head = (const char *)link->answer, *end;

	link->size = 0;
	do
		receive(link);
	while (!(end = strstr(head, "\r\n\r\n")));
	const uint8_t *body = (const uint8_t *)end + 4;
	const char *length = line_of(head, "\r\nContent-Length:");
	const size_t body_size = length ? strtoul(length, NULL, 10) : 0;
	while (link->size < (size_t)(body - link->answer) + body_size)
		receive(link);
	if (strncmp(head, "HTTP/1.1 ", 9) != 0)
		die("the answer is no HTTP");
	const unsigned status = (unsigned)strtoul(head + 9, NULL, 10);
	if (request)
		verify(head, status, request, body, body_size);
	*ret_body = body;
	*ret_body_size = body_size;
	return status;
}

/* -- a request ------------------------------------------------------------------------------ */

static void put(struct link *link, const void *bytes, size_t size)
{
	/* A server that refuses a body has closed before it was all sent; its answer is there to be read. */
	if (SSL_write(link->ssl, bytes, (int)size) != (int)size && size <= SMALL_MAX)
		die("the connection ended");
}

static size_t write_head(const struct link_request *request, char head[static HEAD_MAX])
{
	const char *authorization = request->authorization;
	int size = snprintf(head, HEAD_MAX,
			    "%s %s HTTP/1.1\r\nHost: keys\r\nContent-Type: application/json\r\n%s%s%s"
			    "Content-Length: %zu\r\n\r\n",
			    request->method, request->target, authorization ? REQUEST_HEADER ": " : "",
			    authorization ? authorization : "", authorization ? "\r\n" : "",
			    request->body_size);

	if (size < 0 || size >= HEAD_MAX)
		die("the heading is too long");
	return (size_t)size;
}

unsigned link_send(struct link *link, const struct link_request *request, const uint8_t **ret_body,
		   size_t *ret_body_size)
{
	char head[HEAD_MAX + SMALL_MAX];
	size_t size = write_head(request, head);

	if (!link->answer && !(link->answer = malloc(ROOM + 1)))
		die("no memory");
	if (request->body_size <= SMALL_MAX) {
		if (request->body_size)
			memcpy(head + size, request->body, request->body_size);
		put(link, head, size + request->body_size);
	} else {
		put(link, head, size);
		put(link, request->body, request->body_size);
	}
	return take(link, request->digest, ret_body, ret_body_size);
}

unsigned link_ask(struct link *link, const struct identity *user, const char *method, const char *target,
		  const void *body, size_t body_size, const uint8_t **ret_body, size_t *ret_body_size)
{
	const struct request_subject subject = {.method = method,
						.target = target,
						.server = server.id,
						.body = body,
						.body_size = body_size};
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;

	if (request_sign(&subject, user, clock_wall_ms(), header, &digest, NULL))
		die("cannot sign");
	const struct link_request request = {.method = method,
					     .target = target,
					     .authorization = header,
					     .body = body,
					     .body_size = body_size,
					     .digest = &digest};
	return link_send(link, &request, ret_body, ret_body_size);
}
