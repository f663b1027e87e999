#include "server/http.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
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

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "(none)");
}

/* "/slow" waits until the test lets it go. */
static void handle(void *context, const struct http_request *request, struct http_answer *ret_answer)
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

static size_t body_limit(void *context, const char *method, const char *target)
{
	(void)context;
	if (strcmp(method, "GET") == 0)
		return 0;
	return strcmp(target, "/long") == 0 ? LONG_BODY_MAX : BODY_MAX;
}

static void open_at(const char *address)
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

static int set_up(void **state)
{
	(void)state;
	(void)sem_init(&may_answer, 0, 0);
	(void)sem_init(&has_arrived, 0, 0);
	test_directory_new(directory);
	open_at("127.0.0.1:0");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_close(http);
	http = NULL;
	test_directory_remove(directory);
	return 0;
}

static void open_unix(char address[static PATH_MAX + 32])
{
	http_close(http);
	(void)snprintf(address, PATH_MAX + 32, "unix:%s/socket", directory);
	open_at(address);
	assert_string_equal(http_address(http), address);
}

static int connection(void)
{
	return socket_to(http_address(http));
}

/* Sends all of it on a connection of its own; the status of the answer. */
static unsigned status_of(const char *request)
{
	AUTO(file_close) int fd = connection();

	(void)socket_send(fd, request);
	return socket_status(socket_answer(fd));
}

/* -- requests that are whole ------------------------------------------------------------------ */

static void http__gives_the_request_as_it_was_sent(void **state)
{
	(void)state;
	assert_int_equal(status_of("POST /v1/users?name=a%20b HTTP/1.1\r\nHost: x\r\nFsenc-Auth: v1 a b\r\n"
				   "Content-Length: 5\r\n\r\nhello"),
			 200);
	assert_string_equal(last_target, "/v1/users?name=a%20b");
	assert_string_equal(last_authorization, "v1 a b");
	assert_string_equal(last_body, "hello");
	assert_int_equal(last.body_size, 5);
	assert_string_equal(last.peer, "127.0.0.1");
	assert_true(last.is_local);
}

static void http__sends_what_the_handler_says(void **state)
{
	AUTO(file_close) int fd = connection();

	(void)state;
	assert_true(socket_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	const char *answer = socket_answer(fd);
	assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(answer, "\r\nFsenc-Signature: v1 signature\r\n"));
	assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\n{\"good\":true}"));
}

static void http__keeps_a_connection_for_further_requests(void **state)
{
	AUTO(file_close) int fd = connection();

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(socket_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
		assert_int_equal(socket_status(socket_answer(fd)), 200);
		assert_string_equal(last_body, "abc");
	}
	assert_int_equal(atomic_load(&handled), 100);
	assert_int_equal(atomic_load(&connected), 1);
}

static void http__takes_a_body_in_chunks(void **state)
{
	(void)state;
	assert_int_equal(status_of("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
			 200);
	assert_string_equal(last_body, "abcde");
}

static void http__does_not_call_a_proxys_client_local(void **state)
{
	(void)state;
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"), 200);
	assert_false(last.is_local);
	assert_string_equal(last.peer, "127.0.0.1");
}

/* -- framing: RFC 9112, section 6.3 -------------------------------------------------------------- */

static const char *const badly_framed[] = {
	/* the second length hides a request in the body */
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 60\r\n\r\nabc",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\ntRANSFER-encoding: Chunked\r\nCONTENT-length: 5\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\nFsenc-Auth: one\r\nFsenc-Auth: two\r\n\r\n",
};

/* Never a 200, and what stands behind it is never run as a request of its own. */
static void http__refuses_what_does_not_say_clearly_where_it_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof badly_framed / sizeof *badly_framed; i++) {
		AUTO(file_close) int fd = connection();
		atomic_store(&handled, 0);
		(void)socket_send(fd, badly_framed[i]);
		(void)socket_send(fd, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
		unsigned status = socket_status(socket_answer(fd));
		if (status != 400 + HTTP_FRAMING && status != 400)
			fail_msg("request %zu: status %u", i, status);
		assert_true(socket_is_closed(fd));
		assert_true(atomic_load(&handled) <= 1);
		assert_string_not_equal(last_target, "/smuggled");
	}
}

static const char *const nonsense[] = {
	"\r\n\r\n",
	"GET\r\n\r\n",
	"\x16\x03\x01\x02",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3 3\r\n\r\nabc",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
};

static void http__stays_up_whatever_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
		AUTO(file_close) int fd = connection();
		(void)socket_send(fd, nonsense[i]);
		(void)shutdown(fd, SHUT_WR);
		/* some wait for the rest, as long as an idle connection may */
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_usec = 200000},
				 sizeof(struct timeval));
		assert_int_not_equal(socket_status(socket_answer(fd)), 200);
	}
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

/* -- sizes --------------------------------------------------------------------------------------- */

static void http__refuses_a_body_that_is_too_large_before_it_comes(void **state)
{
	AUTO(file_close) int fd = connection();

	(void)state;
	assert_true(socket_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n"));
	assert_int_equal(socket_status(socket_answer(fd)), 400 + HTTP_TOO_LARGE);
	assert_true(socket_is_closed(fd));
	assert_int_equal(last.body_size, 0);
}

static void http__takes_the_largest_body(void **state)
{
	char request[BODY_MAX + 200];
	int size = snprintf(request, sizeof request,
			    "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", BODY_MAX);

	(void)state;
	memset(request + size, 'x', BODY_MAX);
	request[size + BODY_MAX] = '\0';
	assert_int_equal(status_of(request), 200);
	assert_int_equal(last.body_size, BODY_MAX);
	assert_int_equal(status_of("GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"),
			 400 + HTTP_TOO_LARGE);
}

static void http__drops_a_body_of_chunks_that_does_not_end(void **state)
{
	AUTO(file_close) int fd = connection();
	bool sent = socket_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");

	(void)state;
	for (int i = 0; sent && i < 10000; i++)
		sent = socket_send(fd, "10\r\n0123456789abcdef\r\n");
	assert_false(sent);
	assert_int_equal(atomic_load(&handled), 0);
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

static void http__holds_only_so_many_long_bodies_at_once(void **state)
{
	int fds[HTTP_LARGE_MOST + 1];
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i <= HTTP_LARGE_MOST; i++) {
		fds[i] = connection();
		assert_true(socket_send(
			fds[i], "POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegun"));
	}
	/* one of them is answered, whichever came last */
	fd_set answered;
	FD_ZERO(&answered);
	for (size_t i = 0; i <= HTTP_LARGE_MOST; i++)
		FD_SET(fds[i], &answered);
	assert_int_equal(select(fds[HTTP_LARGE_MOST] + 1, &answered, NULL, NULL, &(struct timeval){10, 0}),
			 1);
	for (size_t i = 0; i <= HTTP_LARGE_MOST; i++) {
		if (FD_ISSET(fds[i], &answered))
			refused += socket_status(socket_answer(fds[i])) == 400 + HTTP_CROWDED;
		(void)close(fds[i]);
	}
	assert_int_equal(refused, 1);
}

static void http__refuses_a_target_that_is_too_long(void **state)
{
	char request[HTTP_TARGET_MAX + 200];

	(void)state;
	(void)snprintf(request, sizeof request, "GET /%0*d HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_TARGET_MAX, 0);
	assert_int_not_equal(status_of(request), 200);
	assert_int_equal(atomic_load(&handled), 0);
}

/* -- connections ---------------------------------------------------------------------------------- */

/* It waits until the server has noticed. */
static void wait_for_connections(unsigned count)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int tries = 0; tries < 10000 && atomic_load(&connected) != count; tries++)
		(void)nanosleep(&pause, NULL);
	assert_int_equal(atomic_load(&connected), count);
}

static void http__takes_so_many_connections_of_one_address(void **state)
{
	int fds[CONNECTIONS_PER_ADDRESS];

	(void)state;
	for (size_t i = 0; i < CONNECTIONS_PER_ADDRESS; i++)
		fds[i] = connection();
	wait_for_connections(CONNECTIONS_PER_ADDRESS);
	AUTO(file_close) int more = connection();
	assert_true(socket_is_closed(more));
	(void)close(fds[0]);
	wait_for_connections(CONNECTIONS_PER_ADDRESS - 1);
	fds[0] = connection();
	assert_true(socket_send(fds[0], "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_int_equal(socket_status(socket_answer(fds[0])), 200);
	for (size_t i = 0; i < CONNECTIONS_PER_ADDRESS; i++)
		(void)close(fds[i]);
	wait_for_connections(0);
}

static void http__takes_so_many_connections_in_all(void **state)
{
	char address[PATH_MAX + 32];
	int fds[CONNECTIONS];

	(void)state;
	open_unix(address);
	for (size_t i = 0; i < CONNECTIONS; i++)
		fds[i] = connection();
	wait_for_connections(CONNECTIONS);
	AUTO(file_close) int more = connection();
	assert_true(socket_is_closed(more));
	for (size_t i = 0; i < CONNECTIONS; i++)
		(void)close(fds[i]);
	wait_for_connections(0);
}

/* -- the end ----------------------------------------------------------------------------------------- */

static void *close_http(void *context)
{
	(void)context;
	http_close(http);
	http = NULL;
	return NULL;
}

static void http__answers_what_is_under_way_before_it_ends(void **state)
{
	AUTO(file_close) int fd = connection();
	char address[LISTEN_TEXT_SIZE];
	pthread_t closer;

	(void)state;
	(void)snprintf(address, sizeof address, "%s", http_address(http));
	assert_true(socket_send(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	(void)sem_wait(&has_arrived);
	assert_int_equal(pthread_create(&closer, NULL, close_http, NULL), 0);
	(void)sem_post(&may_answer);
	const char *answer = socket_answer(fd);
	assert_int_equal(socket_status(answer), 200);
	assert_int_equal(pthread_join(closer, NULL), 0);
	assert_null(http);
	assert_true(socket_is_closed(fd));
}

static void http__one_slow_request_does_not_hold_up_others(void **state)
{
	AUTO(file_close) int slow = connection();
	unsigned good = 0;

	(void)state;
	assert_true(socket_send(slow, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	(void)sem_wait(&has_arrived);
	for (int i = 0; i < 50; i++)
		good += status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == 200;
	(void)sem_post(&may_answer);
	assert_int_equal(socket_status(socket_answer(slow)), 200);
	assert_int_equal(good, 50);
}

/* -- addresses ------------------------------------------------------------------------------------------- */

static void http__listens_on_a_unix_socket_behind_a_proxy(void **state)
{
	char address[PATH_MAX + 32];
	struct stat status;

	(void)state;
	open_unix(address);
	assert_int_equal(stat(address + 5, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_string_equal(last.peer, "unix");
	assert_false(last.is_local);
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n"
				   "X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n\r\n"),
			 200);
	assert_string_equal(last.peer, "192.0.2.7");
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: <script>\r\n\r\n"), 200);
	assert_string_equal(last.peer, "unix");
}

static void http__socket_goes_with_the_server_and_replaces_a_dead_ones(void **state)
{
	char address[PATH_MAX + 32];
	struct sockaddr_un dead = {.sun_family = AF_UNIX};

	(void)state;
	open_unix(address);
	http_close(http);
	assert_int_equal(access(address + 5, F_OK), -1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(dead.sun_path, sizeof dead.sun_path, "%.107s", address + 5);
	assert_int_equal(bind(fd, (const struct sockaddr *)&dead, sizeof dead), 0);
	(void)close(fd);
	open_at(address);
	assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

static void http__is_refused_an_address_that_is_taken_or_none(void **state)
{
	static const struct {
		const char *address;
		enum fault fault;
	} wrong[] = {
		{"127.0.0.1", FAULT_USAGE},
		{"127.0.0.1:", FAULT_USAGE},
		{":80", FAULT_USAGE},
		{"::1:8443", FAULT_USAGE},
		{"[::1:8443", FAULT_USAGE},
		{"127.0.0.1:http", FAULT_USAGE},
		{"unix:relative", FAULT_USAGE},
		{"127.0.0.1:70000", FAULT_USAGE},
		{"", FAULT_USAGE},
	};
	struct why why = WHY_NONE;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_fault(wrong[i].fault, listen_open(wrong[i].address, &fd, &why));
	assert_fault(FAULT_BUSY, listen_open(http_address(http), &fd, &why));
}

/* What `init` configures where nothing else is said. */
static void http__listens_on_one_port_of_both_families(void **state)
{
	struct why why = WHY_NONE;
	char text[LISTEN_TEXT_SIZE], four[LISTEN_TEXT_SIZE + 16];
	AUTO(file_close) int six_fd = -1, four_fd = -1;

	(void)state;
	if (listen_open("[::]:0", &six_fd, &why))
		skip();
	listen_address(six_fd, text);
	(void)snprintf(four, sizeof four, "0.0.0.0%s", strrchr(text, ':'));
	assert_works(listen_open(four, &four_fd, &why));
	assert_false(listen_is_local(six_fd));
	assert_false(listen_is_local(four_fd));
}

/* Without TLS only this machine may be served. */
static void http__does_not_serve_others_in_clear(void **state)
{
	const struct http_options options = {.address = "0.0.0.0:0",
					     .threads = 1,
					     .connections = 10,
					     .idle_seconds = 1,
					     .handle = handle,
					     .body_limit = body_limit};
	struct http *open = NULL;
	struct why why = WHY_NONE;

	(void)state;
	assert_fault(FAULT_USAGE, http_open(&options, &open, &why));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(http__gives_the_request_as_it_was_sent),
		TEST(http__sends_what_the_handler_says),
		TEST(http__keeps_a_connection_for_further_requests),
		TEST(http__takes_a_body_in_chunks),
		TEST(http__does_not_call_a_proxys_client_local),
		TEST(http__refuses_what_does_not_say_clearly_where_it_ends),
		TEST(http__stays_up_whatever_comes),
		TEST(http__refuses_a_body_that_is_too_large_before_it_comes),
		TEST(http__takes_the_largest_body),
		TEST(http__drops_a_body_of_chunks_that_does_not_end),
		TEST(http__holds_only_so_many_long_bodies_at_once),
		TEST(http__refuses_a_target_that_is_too_long),
		TEST(http__takes_so_many_connections_of_one_address),
		TEST(http__takes_so_many_connections_in_all),
		TEST(http__answers_what_is_under_way_before_it_ends),
		TEST(http__one_slow_request_does_not_hold_up_others),
		TEST(http__listens_on_a_unix_socket_behind_a_proxy),
		TEST(http__socket_goes_with_the_server_and_replaces_a_dead_ones),
		TEST(http__is_refused_an_address_that_is_taken_or_none),
		TEST(http__listens_on_one_port_of_both_families),
		TEST(http__does_not_serve_others_in_clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
