/* Many threads and two clients on one file: neighbours in one block never touch each other's bytes. */
#include "tests/lib/stored.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"

#define BLOCK 4096
#define WRITERS 4
#define READERS 2
#define RECORD 100
#define RECORDS 400 /* of each writer; they lie one beside the other, about ten to a block */

struct crowd {
	struct stored files[2];
	unsigned clients;
	atomic_bool over;
	atomic_int appended;
};

struct worker {
	struct crowd *crowd;
	unsigned number;
	int rounds;
};

/* cmocka's asserts belong to the main thread. */
static void must(enum fault fault, const struct why *why)
{
	if (!fault)
		return;
	(void)fprintf(stderr, "%s: %s\n", fault_name(fault), why->text);
	abort();
}

static struct stored *file_of(const struct worker *worker)
{
	return &worker->crowd->files[worker->number % worker->crowd->clients];
}

static int64_t record_at(unsigned number, uint64_t record)
{
	return (int64_t)(record * WRITERS + number) * RECORD;
}

static void *write_records(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	uint64_t random = worker->number + 1;
	uint8_t mine[RECORD];
	uint8_t back[RECORD];

	for (int i = 0; i < worker->rounds; i++) {
		struct why why = WHY_NONE;
		size_t got = 0;
		int64_t at = record_at(worker->number, stored_random(&random) % RECORDS);
		memset(mine, (int)(1 + worker->number * 60 + stored_random(&random) % 60), RECORD);
		must(content_write(file->content, file->fd, &file->terms, at, false, mine, RECORD, &why),
		     &why);
		must(stored_try_read(file, at, back, RECORD, &got, &why), &why);
		if (got != RECORD || memcmp(mine, back, RECORD) != 0)
			abort();
	}
	return NULL;
}

/* A record is of one writer, and never a mixture of two of his: he writes each in one call. */
static void check_records(const uint8_t *bytes, int64_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *record = bytes + i * RECORD;
		unsigned number = (unsigned)((uint64_t)(first + (int64_t)i) % WRITERS);
		if (record[0] != 0 && (unsigned)(record[0] - 1) / 60 != number)
			abort();
	}
}

static void *read_records(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	static _Thread_local uint8_t bytes[200 * RECORD];
	uint64_t random = worker->number + 100;

	while (!atomic_load(&worker->crowd->over)) {
		struct why why = WHY_NONE;
		size_t got = 0;
		int64_t first = (int64_t)(stored_random(&random) % (RECORDS * WRITERS - 200));
		must(stored_try_read(file, first * RECORD, bytes, sizeof bytes, &got, &why), &why);
		if (got != sizeof bytes)
			abort();
		check_records(bytes, first, got / RECORD);
	}
	return NULL;
}

static void crowd_start(struct crowd *crowd, bool local, struct ring *ring)
{
	*crowd = (struct crowd){.clients = local ? 1 : 2};
	stored_init(&crowd->files[0], &(struct stored_options){.local = local, .ring = ring});
	if (!local)
		stored_client(&crowd->files[1], &crowd->files[0]);
}

static void crowd_done(struct crowd *crowd)
{
	if (crowd->clients > 1)
		stored_done(&crowd->files[1]);
	stored_done(&crowd->files[0]);
}

static void start(pthread_t *thread, void *(*run)(void *), struct worker *worker)
{
	assert_int_equal(pthread_create(thread, NULL, run, worker), 0);
}

static void run_neighbours(bool local)
{
	struct crowd crowd;
	pthread_t threads[WRITERS + READERS];
	struct worker workers[WRITERS + READERS];
	crowd_start(&crowd, local, NULL);
	stored_truncate(&crowd.files[0], RECORDS * WRITERS * RECORD);
	for (unsigned i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){&crowd, i, 300};
		start(&threads[i], i < WRITERS ? write_records : read_records, &workers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	atomic_store(&crowd.over, true);
	for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	crowd_done(&crowd);
}

static void content__neighbours_in_a_block_keep_their_bytes(void **state)
{
	(void)state;
	run_neighbours(true);
}

static void content__neighbours_at_two_clients_keep_their_bytes(void **state)
{
	(void)state;
	run_neighbours(false);
}

/* -- appending -------------------------------------------------------------------------- */

static void *append_records(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	uint8_t mine[RECORD];

	memset(mine, (int)(worker->number + 1), RECORD);
	for (int i = 0; i < worker->rounds; i++) {
		struct why why = WHY_NONE;
		must(content_write(file->content, file->fd, &file->terms, 0, true, mine, RECORD, &why), &why);
		(void)atomic_fetch_add(&worker->crowd->appended, 1);
	}
	return NULL;
}

/* Whatever is acknowledged before the read begins is in it. */
static void *read_growing(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	static _Thread_local uint8_t bytes[WRITERS * 300 * RECORD];

	while (!atomic_load(&worker->crowd->over)) {
		struct why why = WHY_NONE;
		size_t got = 0;
		int least = atomic_load(&worker->crowd->appended);
		must(stored_try_read(file, 0, bytes, sizeof bytes, &got, &why), &why);
		if (got % RECORD != 0 || got < (size_t)least * RECORD)
			abort();
	}
	return NULL;
}

static void run_appends(bool local)
{
	struct crowd crowd;
	pthread_t threads[WRITERS + READERS];
	struct worker workers[WRITERS + READERS];
	static uint8_t bytes[WRITERS * 300 * RECORD];
	unsigned counts[WRITERS + 1] = {0};
	crowd_start(&crowd, local, NULL);
	for (unsigned i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){&crowd, i, 200};
		start(&threads[i], i < WRITERS ? append_records : read_growing, &workers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	atomic_store(&crowd.over, true);
	for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(stored_read_some(&crowd.files[0], 0, bytes, sizeof bytes), WRITERS * 200 * RECORD);
	for (int i = 0; i < WRITERS * 200; i++) {
		assert_in_range(bytes[i * RECORD], 1, WRITERS);
		for (int j = 1; j < RECORD; j++)
			assert_int_equal(bytes[i * RECORD + j], bytes[i * RECORD]);
		counts[bytes[i * RECORD]]++;
	}
	for (unsigned i = 1; i <= WRITERS; i++)
		assert_int_equal(counts[i], 200);
	crowd_done(&crowd);
}

static void content__appends_of_many_threads_all_arrive(void **state)
{
	(void)state;
	run_appends(true);
}

static void content__appends_of_two_clients_all_arrive(void **state)
{
	(void)state;
	run_appends(false);
}

/* -- everything at once ------------------------------------------------------------------- */

/* The file grows, shrinks, is emptied, punched and rotated under the readers; they may see any length, but
 * never damage, and never a byte that nobody wrote. */
static void *change_shape(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	struct content_terms terms = file->terms;
	uint64_t random = worker->number + 9;

	static _Thread_local uint8_t bytes[20 * BLOCK];

	terms.generation = 2;
	memset(bytes, 'w', sizeof bytes);
	for (int i = 0; i < worker->rounds; i++) {
		struct why why = WHY_NONE;
		int64_t at = (int64_t)(stored_random(&random) % (40 * BLOCK));
		size_t size = 1 + (size_t)(stored_random(&random) % sizeof bytes);
		if (i == worker->rounds / 2)
			terms.min_write = 2;
		switch (stored_random(&random) % 8) {
		case 0:
			must(content_truncate(file->content, file->fd, &terms, at, &why), &why);
			break;
		case 1:
			must(content_truncate(file->content, file->fd, &terms, 0, &why), &why);
			break;
		case 2:
			must(content_allocate(file->content, file->fd, &terms,
					      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (int64_t)size,
					      &why),
			     &why);
			break;
		case 3:
			must(content_write(file->content, file->fd, &terms, 0, true, bytes, size, &why),
			     &why);
			break;
		default:
			must(content_write(file->content, file->fd, &terms, at, false, bytes, size, &why),
			     &why);
		}
	}
	return NULL;
}

static void *read_anything(void *context)
{
	struct worker *worker = context;
	struct stored *file = file_of(worker);
	struct content_terms terms = file->terms;
	static _Thread_local uint8_t bytes[60 * BLOCK];
	uint64_t random = worker->number + 55;

	terms.generation = 2;
	while (!atomic_load(&worker->crowd->over)) {
		struct why why = WHY_NONE;
		size_t got = 0;
		int64_t at = (int64_t)(stored_random(&random) % (40 * BLOCK));
		must(content_read(file->content, file->fd, &terms, at, sizeof bytes, bytes, &got, &why),
		     &why);
		for (size_t i = 0; i < got; i++)
			if (bytes[i] != 0 && bytes[i] != 'w')
				abort();
	}
	return NULL;
}

static void run_shapes(bool local)
{
	struct crowd crowd;
	pthread_t threads[WRITERS + READERS];
	struct worker workers[WRITERS + READERS];
	struct why why = WHY_NONE;
	struct content_report report;
	struct ring *ring = NULL;
	char directory[200];
	const struct share_id share = {{6}};
	temporary_template(directory, sizeof directory, "threads");
	assert_non_null(mkdtemp(directory));
	assert_works(ring_create(directory, &share, &ring, &why));
	crowd_start(&crowd, local, ring);
	stored_write(&crowd.files[0], 0, "w", 1); /* in the first generation */
	for (unsigned i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){&crowd, i, 200};
		start(&threads[i], i < WRITERS ? change_shape : read_anything, &workers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	atomic_store(&crowd.over, true);
	for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	crowd.files[0].terms.generation = 2;
	assert_works(content_verify(crowd.files[0].fd, &crowd.files[0].terms, &report, &why));
	assert_int_equal(report.damaged, 0);
	assert_false(report.unclean);
	crowd_done(&crowd);
	ring_close(ring);
	assert_int_equal(rmdir(directory), 0);
}

static void content__of_any_shape_is_never_damage_to_its_readers(void **state)
{
	(void)state;
	run_shapes(true);
}

static void content__of_two_clients_is_never_damage_to_its_readers(void **state)
{
	(void)state;
	run_shapes(false);
}

static int start_all(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	stored_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content__neighbours_in_a_block_keep_their_bytes),
		cmocka_unit_test(content__neighbours_at_two_clients_keep_their_bytes),
		cmocka_unit_test(content__appends_of_many_threads_all_arrive),
		cmocka_unit_test(content__appends_of_two_clients_all_arrive),
		cmocka_unit_test(content__of_any_shape_is_never_damage_to_its_readers),
		cmocka_unit_test(content__of_two_clients_is_never_damage_to_its_readers),
	};
	return cmocka_run_group_tests(tests, start_all, stored_finish);
}
