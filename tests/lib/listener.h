/* tests/lib/listener.h - a listener of server/http.h whose handler says what it got.
 *
 *     cmocka_unit_test_setup_teardown(test, listener_begin, listener_end)
 *     ...
 *     assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
 */
#ifndef FSENC_TESTS_LIB_LISTENER_H
#define FSENC_TESTS_LIB_LISTENER_H

#include "server/http.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "tests/lib/sockets.h"
#include "tests/lib/stores.h"

#define CONNECTIONS 70
#define CONNECTIONS_PER_ADDRESS 60
#define BODY_MAX 1000
#define LONG_BODY_MAX ((size_t)1 << 20)

static char directory[PATH_MAX];
static struct http *http;
static atomic_uint handled, connected;
static struct http_request last; /* strings are copied below */
static char last_target[HTTP_TARGET_MAX + 1], last_body[BODY_MAX + 1], last_authorization[400];
static sem_t may_answer, has_arrived;

static inline void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "(none)");
}

/* "/slow" waits until the test lets it go. */
static inline void handle(void *context, const struct http_request *request, struct http_answer *ret_answer)
{
	struct why why = WHY_NONE;

	assert_string_equal(context, "context");
	if (strcmp(request->target, "/slow") == 0) {
		(void)sem_post(&has_arrived);
		(void)sem_wait(&may_answer);
	}
	last = *request;
	copy(last_target, sizeof last_target, request->target);
	copy(last_authorization, sizeof last_authorization, request->authorization);
	copy(last_body, sizeof last_body,
	     request->body_size < BODY_MAX ? (const char *)request->body : "long");
	(void)atomic_fetch_add(&handled, 1);
	ret_answer->status = request->refusal ? 400 + (unsigned)request->refusal : 200;
	ret_answer->type = "application/json";
	(void)snprintf(ret_answer->signature, sizeof ret_answer->signature, "v1 signature");
	assert_works(bytes_append_text(&ret_answer->body, "{\"good\":true}", &why));
}

static inline size_t body_limit(void *context, const char *method, const char *target)
{
	(void)context;
	if (strcmp(method, "GET") == 0)
		return 0;
	return strcmp(target, "/long") == 0 ? LONG_BODY_MAX : BODY_MAX;
}

static inline void listener_open(const char *address)
{
	static char context[] = "context";
	struct why why = WHY_NONE;
	const struct http_options options = {.address = address,
					     .threads = 4,
					     .connections = CONNECTIONS,
					     .connections_per_address = CONNECTIONS_PER_ADDRESS,
					     .idle_seconds = 30,
					     .connected = &connected,
					     .handle = handle,
					     .body_limit = body_limit,
					     .context = context};

	atomic_store(&handled, 0);
	assert_works(http_open(&options, &http, &why));
}

static inline int listener_begin(void **state)
{
	(void)state;
	(void)sem_init(&may_answer, 0, 0);
	(void)sem_init(&has_arrived, 0, 0);
	test_directory_new(directory);
	listener_open("127.0.0.1:0");
	return 0;
}

static inline int listener_end(void **state)
{
	(void)state;
	http_close(http);
	http = NULL;
	test_directory_remove(directory);
	return 0;
}

static inline void listener_open_unix(char address[static PATH_MAX + 32])
{
	http_close(http);
	(void)snprintf(address, PATH_MAX + 32, "unix:%s/socket", directory);
	listener_open(address);
	assert_string_equal(http_address(http), address);
}

static inline int connection(void)
{
	return socket_to(http_address(http));
}

/* Sends all of it on a connection of its own; the status of the answer. */
static inline unsigned status_of(const char *request)
{
	AUTO(file_close) int fd = connection();

	(void)socket_send(fd, request);
	return socket_status(socket_answer(fd));
}

/* It waits until the server has noticed. */
static inline void wait_for_connections(unsigned count)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int tries = 0; tries < 10000 && atomic_load(&connected) != count; tries++)
		(void)nanosleep(&pause, NULL);
	assert_int_equal(atomic_load(&connected), count);
}

#endif
