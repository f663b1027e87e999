/* The kernel's side of /dev/fuse is played over a socket that keeps messages apart. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "base/clock.h"
#include "fs/loop.h"
#include "fs/parked.h"
#include "tests/lib/unit.h"

#define NODE_PLAIN 1
#define NODE_GROUP 2 /* pending until the server has answered */
#define NODE_BUSY 3 /* another client is at it until then */
#define LONG_MS 60000
#define SHORT_MS 60
#define PATIENT_MS 10000

static struct {
	int kernel;
	struct fuse_session *session;
	struct loop *loop;
	pthread_t thread;
	uint64_t last_unique;
	bool running;
} side;
static atomic_bool answered;
static atomic_uint asked; /* how often an operation met that there is no answer */
static atomic_bool nameless;

/* -- the file system --------------------------------------------------------------------------- */

static void answer_or_park(fuse_req_t req, fuse_ino_t node)
{
	if (node != NODE_PLAIN && !atomic_load(&answered)) {
		atomic_fetch_add(&asked, 1);
		if (node == NODE_BUSY ? loop_park_for_turn(req) : loop_park(req))
			return;
		(void)fuse_reply_err(req, EHOSTUNREACH);
		return;
	}
	(void)fuse_reply_err(req, ENOENT);
}

static void getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)fi;
	answer_or_park(req, node);
}

static void write_to(fuse_req_t req, fuse_ino_t node, const char *bytes, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	(void)fi;
	(void)offset;
	if (node == NODE_GROUP && !atomic_load(&answered)) {
		answer_or_park(req, node);
		return;
	}
	/* What was parked comes again as it was. */
	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], 'w');
	(void)fuse_reply_write(req, size);
}

static void create(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	(void)mode;
	(void)fi;
	assert_string_equal(name, "/");
	atomic_store(&nameless, loop_makes_nameless());
	answer_or_park(req, node);
}

static const struct fuse_lowlevel_ops ops = {.getattr = getattr, .write = write_to, .create = create};

/* -- the kernel ------------------------------------------------------------------------------------ */

static ssize_t io_read(int fd, void *buffer, size_t size, void *context)
{
	(void)context;
	ssize_t got = recv(fd, buffer, size, 0);
	if (got == 0) {
		errno = ENODEV;
		return -1;
	}
	return got;
}

static ssize_t io_writev(int fd, struct iovec *parts, int count, void *context)
{
	(void)context;
	return writev(fd, parts, count);
}

static uint64_t ask(uint32_t opcode, uint64_t node, const void *arguments, size_t size)
{
	static uint8_t message[sizeof(struct fuse_in_header) + 256 * 1024];
	const struct fuse_in_header header = {.len = (uint32_t)(sizeof(header) + size),
					      .opcode = opcode,
					      .unique = side.last_unique += 2,
					      .nodeid = node};
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), arguments, size);
	assert_int_equal(send(side.kernel, message, header.len, 0), header.len);
	return header.unique;
}

static uint64_t ask_attributes(uint64_t node)
{
	const struct fuse_getattr_in arguments = {0};

	return ask(FUSE_GETATTR, node, &arguments, sizeof(arguments));
}

static void interrupt(uint64_t unique)
{
	const struct fuse_interrupt_in arguments = {.unique = unique};

	(void)ask(FUSE_INTERRUPT, 0, &arguments, sizeof(arguments));
}

/* The next answer, whosever it is; 0 when none comes for so long. */
static uint64_t hear(int patience_ms, int *ret_error)
{
	struct {
		struct fuse_out_header header;
		uint8_t rest[4096];
	} answer;
	struct pollfd wait = {.fd = side.kernel, .events = POLLIN};

	if (poll(&wait, 1, patience_ms) != 1)
		return 0;
	assert_true(recv(side.kernel, &answer, sizeof(answer), 0) >= (ssize_t)sizeof(answer.header));
	*ret_error = -answer.header.error;
	return answer.header.unique;
}

static void wait_for_asked(unsigned count)
{
	while (atomic_load(&asked) < count)
		(void)sched_yield();
}

static void *serve(void *context)
{
	struct why why = WHY_NONE;

	(void)context;
	return (void *)(uintptr_t)loop_run(side.loop, &why);
}

static void begin(int64_t patience_ms)
{
	static const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	const struct fuse_init_in init = {.major = 7, .minor = 38, .max_readahead = 4096};
	char *words[] = {(char *)(uintptr_t) "loop"};
	struct fuse_args args = FUSE_ARGS_INIT(1, words);
	struct why why = WHY_NONE;
	int ends[2], error;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	side.kernel = ends[0];
	side.last_unique = 0;
	side.session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	assert_non_null(side.session);
	assert_int_equal(fuse_session_custom_io(side.session, &io, ends[1]), 0);
	atomic_store(&answered, false);
	atomic_store(&asked, 0);
	assert_works(loop_new(side.session, patience_ms, &side.loop, &why));
	assert_int_equal(pthread_create(&side.thread, NULL, serve, NULL), 0);
	side.running = true;
	uint64_t unique = ask(FUSE_INIT, 0, &init, sizeof(init));
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	fuse_opt_free_args(&args);
}

static void await_end(void)
{
	void *fault;

	side.running = false;
	assert_int_equal(pthread_join(side.thread, &fault), 0);
	assert_null(fault);
}

static void end(void)
{
	loop_end(side.loop);
	await_end();
}

static int finish(void **state)
{
	(void)state;
	if (side.running)
		end(); /* the test has failed */
	loop_free(side.loop);
	fuse_session_destroy(side.session);
	(void)close(side.kernel);
	return 0;
}

/* -- tests -------------------------------------------------------------------------------------------- */

static void loop__does_a_parked_request_once_more_when_it_is_settled(void **state)
{
	int error;
	(void)state;

	begin(LONG_MS);
	uint64_t unique = ask_attributes(NODE_GROUP);
	wait_for_asked(1);
	loop_settled(side.loop); /* still not there: it waits on */
	wait_for_asked(2);
	atomic_store(&answered, true);
	loop_settled(side.loop);
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	assert_int_equal(error, ENOENT);
	end();
}

static void loop__serves_others_while_more_requests_wait_than_there_are_workers(void **state)
{
	enum { WAITING = 5 * LOOP_WORKERS };
	int error;
	(void)state;

	begin(LONG_MS);
	for (unsigned i = 0; i < WAITING; i++)
		(void)ask_attributes(NODE_GROUP);
	wait_for_asked(WAITING);
	uint64_t unique = ask_attributes(NODE_PLAIN);
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	atomic_store(&answered, true);
	loop_settled(side.loop);
	for (unsigned i = 0; i < WAITING; i++)
		assert_true(hear(PATIENT_MS, &error) != 0 && error == ENOENT);
	end();
}

static void loop__refuses_what_is_pending_for_too_long(void **state)
{
	int error;
	(void)state;

	begin(SHORT_MS);
	uint64_t unique = ask_attributes(NODE_GROUP);
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	assert_int_equal(error, EHOSTUNREACH);
	assert_int_equal(atomic_load(&asked), 2); /* it was tried once more before */
	end();
}

static void loop__does_what_waits_for_its_turn_again_and_again(void **state)
{
	int error;
	(void)state;

	begin(SHORT_MS);
	uint64_t unique = ask_attributes(NODE_BUSY);
	int64_t start = clock_boot_ms();
	/* Nobody says when it is free, and no patience ends it. */
	while (clock_boot_ms() < start + 2 * SHORT_MS)
		(void)sched_yield();
	wait_for_asked(atomic_load(&asked) + 2);
	atomic_store(&answered, true);
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	assert_int_equal(error, ENOENT);
	end();
}

static void loop__who_waits_for_his_turn_is_not_interrupted_at_first(void **state)
{
	int error;
	(void)state;

	begin(LONG_MS);
	uint64_t unique = ask_attributes(NODE_BUSY);
	wait_for_asked(1);
	interrupt(unique);
	wait_for_asked(atomic_load(&asked) + 3);
	atomic_store(&answered, true);
	uint64_t heard = hear(PATIENT_MS, &error);
	while (error == EAGAIN) /* the interrupt came while somebody was at it */
		heard = hear(PATIENT_MS, &error);
	assert_int_equal(heard, unique);
	assert_int_equal(error, ENOENT);
	end();
}

static void loop__who_waits_long_for_his_turn_is_interrupted(void **state)
{
	int error;
	(void)state;

	begin(SHORT_MS);
	uint64_t unique = ask_attributes(NODE_BUSY);
	wait_for_asked(1);
	interrupt(unique);
	uint64_t heard = hear(PATIENT_MS, &error);
	while (heard != unique) {
		assert_int_equal(error, EAGAIN);
		interrupt(unique);
		heard = hear(PATIENT_MS, &error);
	}
	assert_int_equal(error, EINTR);
	assert_true(atomic_load(&asked) > 1);
	end();
}

static void loop__an_interrupt_ends_a_parked_request_and_no_other(void **state)
{
	int error;
	(void)state;

	begin(LONG_MS);
	uint64_t first = ask_attributes(NODE_GROUP);
	uint64_t second = ask_attributes(NODE_GROUP);
	wait_for_asked(2);
	interrupt(first);
	/* The kernel asks again for one that came too early. */
	uint64_t heard = hear(PATIENT_MS, &error);
	while (heard != first) {
		assert_int_equal(error, EAGAIN);
		interrupt(first);
		heard = hear(PATIENT_MS, &error);
	}
	assert_int_equal(error, EINTR);
	atomic_store(&answered, true);
	loop_settled(side.loop);
	assert_int_equal(hear(PATIENT_MS, &error), second);
	assert_int_equal(error, ENOENT);
	end();
}

static void loop__answers_what_is_parked_when_it_ends(void **state)
{
	int error;
	(void)state;

	begin(LONG_MS);
	uint64_t unique = ask_attributes(NODE_GROUP);
	wait_for_asked(1);
	end();
	assert_int_equal(hear(0, &error), unique);
	assert_int_equal(error, EHOSTUNREACH);
}

static void loop__ends_when_the_kernel_lets_go(void **state)
{
	(void)state;

	begin(LONG_MS);
	assert_int_equal(shutdown(side.kernel, SHUT_RDWR), 0);
	await_end();
}

static void loop__keeps_a_bounded_amount_of_bytes(void **state)
{
	static uint8_t body[sizeof(struct fuse_write_in) + 128 * 1024];
	const struct fuse_write_in write = {.size = 128 * 1024};
	const unsigned kept = PARKED_BYTES_MAX / (sizeof(struct fuse_in_header) + sizeof(body));
	const unsigned count = kept + 4;
	int error;
	(void)state;

	begin(LONG_MS);
	memset(body, 'w', sizeof(body));
	memcpy(body, &write, sizeof(write));
	for (unsigned i = 0; i < count; i++)
		(void)ask(FUSE_WRITE, NODE_GROUP, body, sizeof(body));
	for (unsigned i = kept; i < count; i++)
		assert_true(hear(PATIENT_MS, &error) != 0 && error == EHOSTUNREACH);
	wait_for_asked(count);
	atomic_store(&answered, true);
	loop_settled(side.loop);
	for (unsigned i = 0; i < kept; i++)
		assert_true(hear(PATIENT_MS, &error) != 0 && error == 0);
	end();
}

static void loop__takes_a_nameless_file_for_a_create_also_after_it_waited(void **state)
{
	struct {
		struct fuse_create_in create;
		char name[2];
	} body = {.name = "/"};
	int error;
	(void)state;

	begin(LONG_MS);
	atomic_store(&nameless, false);
	uint64_t unique = ask(FUSE_TMPFILE, NODE_GROUP, &body, sizeof(body));
	wait_for_asked(1);
	assert_true(atomic_exchange(&nameless, false));
	atomic_store(&answered, true);
	loop_settled(side.loop);
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	assert_true(atomic_load(&nameless));
	unique = ask(FUSE_CREATE, NODE_PLAIN, &body, sizeof(body));
	assert_int_equal(hear(PATIENT_MS, &error), unique);
	assert_false(atomic_load(&nameless));
	end();
}

static void loop__many_at_once_are_each_answered_once(void **state)
{
	enum { ROUNDS = 200, EACH = 20 };
	unsigned heard = 0;
	int error;
	(void)state;

	begin(LONG_MS);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned j = 0; j < EACH; j++) {
			/* The socket holds few answers, and who cannot answer reads no request. */
			while (hear(0, &error))
				heard++;
			(void)ask_attributes(NODE_GROUP);
		}
		atomic_store(&answered, i % 2 == 0);
		loop_settled(side.loop);
		while (hear(0, &error))
			heard++;
	}
	atomic_store(&answered, true);
	loop_settled(side.loop);
	while (heard < ROUNDS * EACH) {
		assert_true(hear(PATIENT_MS, &error) != 0);
		heard++;
	}
	assert_int_equal(hear(0, &error), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(loop__does_a_parked_request_once_more_when_it_is_settled, finish),
		cmocka_unit_test_teardown(loop__serves_others_while_more_requests_wait_than_there_are_workers,
					  finish),
		cmocka_unit_test_teardown(loop__refuses_what_is_pending_for_too_long, finish),
		cmocka_unit_test_teardown(loop__does_what_waits_for_its_turn_again_and_again, finish),
		cmocka_unit_test_teardown(loop__who_waits_for_his_turn_is_not_interrupted_at_first, finish),
		cmocka_unit_test_teardown(loop__who_waits_long_for_his_turn_is_interrupted, finish),
		cmocka_unit_test_teardown(loop__an_interrupt_ends_a_parked_request_and_no_other, finish),
		cmocka_unit_test_teardown(loop__answers_what_is_parked_when_it_ends, finish),
		cmocka_unit_test_teardown(loop__ends_when_the_kernel_lets_go, finish),
		cmocka_unit_test_teardown(loop__keeps_a_bounded_amount_of_bytes, finish),
		cmocka_unit_test_teardown(loop__takes_a_nameless_file_for_a_create_also_after_it_waited,
					  finish),
		cmocka_unit_test_teardown(loop__many_at_once_are_each_answered_once, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
