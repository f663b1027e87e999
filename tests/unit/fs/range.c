#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fs/range.h"

/* A file that two clients have open: two descriptions, two tables. */
struct clients {
	int fd[2];
	struct range_table table[2];
};

static void clients_init(struct clients *clients, bool local)
{
	char path[200];
	temporary_template(path, sizeof path, "range");
	clients->fd[0] = mkostemp(path, O_CLOEXEC);
	clients->fd[1] = open(path, O_RDWR | O_CLOEXEC);
	assert_true(clients->fd[0] >= 0 && clients->fd[1] >= 0);
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < 2; i++)
		range_table_init(&clients->table[i], local);
}

static void clients_done(struct clients *clients)
{
	for (int i = 0; i < 2; i++) {
		range_table_done(&clients->table[i]);
		(void)close(clients->fd[i]);
	}
}
AUTO_VALUE(struct clients, clients_done);

static void take(struct clients *clients, int who, enum range_kind kind, uint64_t first, uint64_t last,
		 struct range *held)
{
	struct why why = WHY_NONE;
	assert_works(range_take(&clients->table[who], clients->fd[who], kind, first, last, held, &why));
}

/* Could the second client lock this byte now? */
static bool is_free(const struct clients *clients, short type, int64_t offset)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
	assert_int_equal(fcntl(clients->fd[1], F_OFD_GETLK, &lock), 0);
	return lock.l_type == F_UNLCK;
}

static void range__locks_exactly_the_bytes_of_its_blocks(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(range_release) struct range held = RANGE_NONE;
	take(&clients, 0, RANGE_EXCLUSIVE, 3, 5, &held);
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 2));
	assert_false(is_free(&clients, F_RDLCK, LOCK_BLOCKS + 3));
	assert_false(is_free(&clients, F_RDLCK, LOCK_BLOCKS + 5));
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 6));
}

static void range__to_the_end_stops_before_the_byte_of_flock(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(range_release) struct range held = RANGE_NONE;
	take(&clients, 0, RANGE_EXCLUSIVE, 7, RANGE_END, &held);
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 6));
	assert_false(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 7));
	assert_false(is_free(&clients, F_WRLCK, LOCK_BLOCKS_LAST));
	assert_true(is_free(&clients, F_WRLCK, LOCK_FLOCK));
}

static void range__shared_ones_of_two_clients_go_together(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(range_release) struct range one = RANGE_NONE;
	AUTO(range_release) struct range two = RANGE_NONE;
	take(&clients, 0, RANGE_SHARED, 0, 9, &one);
	take(&clients, 1, RANGE_SHARED, 0, 9, &two);
	range_release(&two);
	assert_false(is_free(&clients, F_WRLCK, LOCK_BLOCKS));
	assert_true(is_free(&clients, F_RDLCK, LOCK_BLOCKS));
}

static void range__released_beside_another_leaves_that_one_locked(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(range_release) struct range left = RANGE_NONE;
	AUTO(range_release) struct range right = RANGE_NONE;
	take(&clients, 0, RANGE_EXCLUSIVE, 0, 4, &left);
	take(&clients, 0, RANGE_EXCLUSIVE, 5, RANGE_END, &right);
	range_release(&left);
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 4));
	assert_false(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 5));
	range_release(&right);
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS + 5));
}

static void range__of_a_single_client_asks_the_share_for_nothing(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, true);
	AUTO(range_release) struct range held = RANGE_NONE;
	take(&clients, 0, RANGE_EXCLUSIVE, 0, RANGE_END, &held);
	assert_true(is_free(&clients, F_WRLCK, LOCK_BLOCKS));
}

/* A lock needs a description that may write; what is refused is not held by half. */
static void range__that_is_refused_is_not_held(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(file_close) int fd = open("/dev/null", O_PATH | O_CLOEXEC);
	struct range held = RANGE_NONE;
	assert_fault(FAULT_SYSTEM, range_take(&clients.table[0], fd, RANGE_EXCLUSIVE, 0, 0, &held, &why));
	assert_null(held.table);
	assert_null(clients.table[0].held);
}

/* -- threads --------------------------------------------------------------------------- */

struct crowd {
	struct clients clients;
	atomic_int inside[8];
	atomic_int rounds;
};

struct member {
	struct crowd *crowd;
	int who;
	unsigned random;
};

/* Each range owner is alone in each of its blocks. */
static void *member_run(void *context)
{
	struct member *member = context;
	struct crowd *crowd = member->crowd;

	for (int i = 0; i < 500; i++) {
		struct why why = WHY_NONE;
		AUTO(range_release) struct range held = RANGE_NONE;
		int first = (int)(rand_r(&member->random) % 8);
		int last = first + (int)(rand_r(&member->random) % (unsigned)(8 - first));
		bool to_end = rand_r(&member->random) % 4 == 0;
		if (range_take(&crowd->clients.table[member->who], crowd->clients.fd[member->who],
			       RANGE_EXCLUSIVE, (uint64_t)first, to_end ? RANGE_END : (uint64_t)last, &held,
			       &why))
			abort();
		for (int block = first; block <= (to_end ? 7 : last); block++)
			if (atomic_fetch_add(&crowd->inside[block], 1) != 0)
				abort();
		for (int block = first; block <= (to_end ? 7 : last); block++)
			(void)atomic_fetch_sub(&crowd->inside[block], 1);
		(void)atomic_fetch_add(&crowd->rounds, 1);
	}
	return NULL;
}

static void range__keeps_threads_and_clients_apart(void **state)
{
	(void)state;
	struct crowd crowd = {.rounds = 0};
	clients_init(&crowd.clients, false);
	pthread_t threads[6];
	struct member members[6];
	for (unsigned i = 0; i < 6; i++) {
		members[i] = (struct member){&crowd, (int)(i % 2), i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, member_run, &members[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&crowd.rounds), 6 * 500);
	clients_done(&crowd.clients);
}

struct waiter {
	struct clients *clients;
	uint64_t first, last;
	atomic_int *order;
	int place;
};

static void *waiter_run(void *context)
{
	struct waiter *waiter = context;
	struct why why = WHY_NONE;
	AUTO(range_release) struct range held = RANGE_NONE;
	if (range_take(&waiter->clients->table[0], waiter->clients->fd[0], RANGE_EXCLUSIVE, waiter->first,
		       waiter->last, &held, &why))
		abort();
	waiter->place = atomic_fetch_add(waiter->order, 1);
	return NULL;
}

static unsigned in_line(struct range_table *table)
{
	unsigned count = 0;
	(void)pthread_mutex_lock(&table->mutex);
	for (const struct range *range = table->held; range; range = range->next)
		count++;
	(void)pthread_mutex_unlock(&table->mutex);
	return count;
}

static void range__are_granted_in_the_order_of_arrival(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	struct range first = RANGE_NONE;
	take(&clients, 0, RANGE_EXCLUSIVE, 0, 0, &first);
	atomic_int order = 0;
	struct waiter wide = {&clients, 0, RANGE_END, &order, -1};
	struct waiter small = {&clients, 5, 5, &order, -1}; /* free by itself, but the wide one came first */
	pthread_t threads[2];
	assert_int_equal(pthread_create(&threads[0], NULL, waiter_run, &wide), 0);
	while (in_line(&clients.table[0]) < 2)
		(void)sched_yield();
	assert_int_equal(pthread_create(&threads[1], NULL, waiter_run, &small), 0);
	while (in_line(&clients.table[0]) < 3)
		(void)sched_yield();
	range_release(&first);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(wide.place, 0);
	assert_int_equal(small.place, 1);
}

/* -- threads that serve requests ----------------------------------------------------------- */

struct server {
	struct clients *clients;
	enum fault fault;
	int64_t took_ms;
};

static void *server_run(void *context)
{
	struct server *server = context;
	AUTO(range_release) struct range held = RANGE_NONE;
	struct why why = WHY_NONE;

	range_serve();
	int64_t start = clock_boot_ms();
	server->fault = range_take(&server->clients->table[0], server->clients->fd[0], RANGE_EXCLUSIVE, 3, 3,
				   &held, &why);
	server->took_ms = clock_boot_ms() - start;
	return NULL;
}

/* What a thread that serves requests gets for block 3 of the first client. */
static struct server serve(struct clients *clients)
{
	struct server server = {.clients = clients};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, server_run, &server), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return server;
}

static void range__of_another_client_is_tried_for_a_while_by_who_serves(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	AUTO(range_release) struct range held = RANGE_NONE;
	take(&clients, 1, RANGE_EXCLUSIVE, 0, RANGE_END, &held);
	struct server server = serve(&clients);
	assert_int_equal(server.fault, FAULT_TURN);
	assert_true(server.took_ms >= RANGE_TRY_MS);
	assert_int_equal(in_line(&clients.table[0]), 0);
	range_release(&held);
	assert_int_equal(serve(&clients).fault, FAULT_NONE);
}

static bool somebody_is_stuck(struct range_table *table)
{
	bool stuck = false;
	(void)pthread_mutex_lock(&table->mutex);
	for (const struct range *range = table->held; range; range = range->next)
		stuck |= range->stuck;
	(void)pthread_mutex_unlock(&table->mutex);
	return stuck;
}

static void range__behind_who_waits_for_another_client_is_left_by_who_serves(void **state)
{
	(void)state;
	AUTO(clients_done) struct clients clients;
	clients_init(&clients, false);
	struct range held = RANGE_NONE;
	take(&clients, 1, RANGE_EXCLUSIVE, 9, 9, &held);
	atomic_int order = 0;
	struct waiter patient = {&clients, 0, RANGE_END, &order, -1};
	struct waiter behind = {&clients, 3, 3, &order, -1};
	pthread_t threads[2];
	assert_int_equal(pthread_create(&threads[0], NULL, waiter_run, &patient), 0);
	while (!somebody_is_stuck(&clients.table[0]))
		(void)sched_yield();
	assert_int_equal(pthread_create(&threads[1], NULL, waiter_run, &behind), 0);
	while (in_line(&clients.table[0]) < 2)
		(void)sched_yield();
	assert_int_equal(serve(&clients).fault, FAULT_TURN);
	assert_int_equal(in_line(&clients.table[0]), 2);
	range_release(&held);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(patient.place, 0);
	assert_int_equal(serve(&clients).fault, FAULT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range__locks_exactly_the_bytes_of_its_blocks),
		cmocka_unit_test(range__to_the_end_stops_before_the_byte_of_flock),
		cmocka_unit_test(range__shared_ones_of_two_clients_go_together),
		cmocka_unit_test(range__released_beside_another_leaves_that_one_locked),
		cmocka_unit_test(range__of_a_single_client_asks_the_share_for_nothing),
		cmocka_unit_test(range__that_is_refused_is_not_held),
		cmocka_unit_test(range__keeps_threads_and_clients_apart),
		cmocka_unit_test(range__are_granted_in_the_order_of_arrival),
		cmocka_unit_test(range__of_another_client_is_tried_for_a_while_by_who_serves),
		cmocka_unit_test(range__behind_who_waits_for_another_client_is_left_by_who_serves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
