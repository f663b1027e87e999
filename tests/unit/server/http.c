/* Requests as they come, whole, badly framed, too large or nonsense. */
#include "tests/lib/listener.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, listener_begin, listener_end)
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
