/* Connections: how many, how long, over what, and how they end. */
#include <poll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/lib/listener.h"

/* -- connections ---------------------------------------------------------------------------------- */

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
	listener_open_unix(address);
	for (size_t i = 0; i < CONNECTIONS; i++)
		fds[i] = connection();
	wait_for_connections(CONNECTIONS);
	AUTO(file_close) int more = connection();
	assert_true(socket_is_closed(more));
	for (size_t i = 0; i < CONNECTIONS; i++)
		(void)close(fds[i]);
	wait_for_connections(0);
}

/* -- time -------------------------------------------------------------------------------------------- */

#define BEGIN_MS ((int64_t)1000000)
#define PAST_HEADING_MS (HTTP_HEADING_MS + 1)
#define IDLE_MS (30 * MS_PER_SECOND) /* of the listener */

/* With a clock that the test sets, from the first connection on. */
static int begin_in_time(void **state)
{
	clock_set_fake(BEGIN_MS, BEGIN_MS);
	return listener_begin(state);
}

static int end_in_time(void **state)
{
	clock_set_real();
	return listener_end(state);
}

static void pass(int64_t ms)
{
	const int64_t now_ms = clock_boot_ms() + ms;

	clock_set_fake(now_ms, now_ms);
}

static void ask_again(int fd)
{
	assert_true(socket_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_int_equal(socket_status(socket_answer(fd)), 200);
}

/* One that has been answered once. */
static int idle(void)
{
	const int fd = connection();

	ask_again(fd);
	return fd;
}

/* Has it ended, or does so within a look or two of the server? */
static bool ends(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};

	return poll(&end, 1, 1500) > 0 && socket_is_closed(fd);
}

/* When its time began to run, only the server knows; not with the last look at the clock, anyway. */
static void http__ends_a_connection_that_says_nothing(void **state)
{
	AUTO(file_close) int fd = connection();
	int looks = 0;

	(void)state;
	do
		pass(PAST_HEADING_MS);
	while (!ends(fd) && ++looks < 10);
	assert_true(looks < 10);
	wait_for_connections(0);
}

/* A byte comes again and again, so to libmicrohttpd the connection is never idle. */
static void drip_until_closed(int fd)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	char byte;

	for (int tries = 0; tries < 500; tries++) {
		(void)socket_send(fd, "x");
		pass(1000);
		ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return;
		assert_true(got < 0); /* nothing is answered */
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("a heading may drip in for ever");
}

static void http__ends_a_heading_that_drips(void **state)
{
	static const char *const begun[] = {"", "GET /", "GET / HTTP/1.1\r\nHost: x\r\nDrip: "};

	(void)state;
	for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
		AUTO(file_close) int fd = connection();
		assert_true(socket_send(fd, begun[i]));
		drip_until_closed(fd);
		wait_for_connections(0);
	}
	assert_int_equal(atomic_load(&handled), 0);
}

static void http__ends_a_later_heading_that_drips(void **state)
{
	AUTO(file_close) int fd = idle();

	(void)state;
	assert_true(socket_send(fd, "GET / HTTP/1.1\r\nDrip: "));
	drip_until_closed(fd);
	assert_int_equal(atomic_load(&handled), 1);
}

/* The other has been idle for too long when this one has not. */
static void http__keeps_a_connection_that_waits_for_its_next_request(void **state)
{
	AUTO(file_close) int fd = idle();
	AUTO(file_close) int other = idle();
	int looks = 0;

	(void)state;
	do {
		pass(IDLE_MS * 3 / 4);
		ask_again(fd);
	} while (!ends(other) && ++looks < 10);
	assert_true(looks > 0 && looks < 10);
	ask_again(fd);
}

static void http__does_not_hurry_whoever_waits_for_the_handler(void **state)
{
	AUTO(file_close) int fd = connection();
	AUTO(file_close) int other = idle();
	int looks = 0;

	(void)state;
	assert_true(socket_send(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	(void)sem_wait(&has_arrived);
	do
		pass(20 * IDLE_MS);
	while (!ends(other) && ++looks < 10);
	(void)sem_post(&may_answer);
	assert_true(looks < 10);
	assert_int_equal(socket_status(socket_answer(fd)), 200);
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
	listener_open_unix(address);
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
	listener_open_unix(address);
	http_close(http);
	assert_int_equal(access(address + 5, F_OK), -1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(dead.sun_path, sizeof dead.sun_path, "%.107s", address + 5);
	assert_int_equal(bind(fd, (const struct sockaddr *)&dead, sizeof dead), 0);
	(void)close(fd);
	listener_open(address);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, listener_begin, listener_end)
#define TIMED(name) cmocka_unit_test_setup_teardown(name, begin_in_time, end_in_time)
	const struct CMUnitTest tests[] = {
		TEST(http__takes_so_many_connections_of_one_address),
		TEST(http__takes_so_many_connections_in_all),
		TEST(http__answers_what_is_under_way_before_it_ends),
		TEST(http__one_slow_request_does_not_hold_up_others),
		TEST(http__listens_on_a_unix_socket_behind_a_proxy),
		TEST(http__socket_goes_with_the_server_and_replaces_a_dead_ones),
		TEST(http__is_refused_an_address_that_is_taken_or_none),
		TEST(http__listens_on_one_port_of_both_families),
		TEST(http__does_not_serve_others_in_clear),
		TIMED(http__ends_a_connection_that_says_nothing),
		TIMED(http__ends_a_heading_that_drips),
		TIMED(http__ends_a_later_heading_that_drips),
		TIMED(http__keeps_a_connection_that_waits_for_its_next_request),
		TIMED(http__does_not_hurry_whoever_waits_for_the_handler),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
