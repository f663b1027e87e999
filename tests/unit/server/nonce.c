#include "server/nonce.h"

#include <pthread.h>

#include "tests/lib/stores.h"

#define NOW INT64_C(1700000000000)

static char directory[PATH_MAX];
static int directory_fd;

static int set_up(void **state)
{
	(void)state;
	test_directory_new(directory);
	directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(directory_fd);
	test_directory_remove(directory);
	return 0;
}

static struct nonces *opened(int where, int64_t now_ms)
{
	struct why why = WHY_NONE;
	struct nonces *nonces = NULL;

	assert_works(nonces_open(where, now_ms, &nonces, &why));
	return nonces;
}

static struct request_claim claim_of(uint32_t number, int64_t time_ms)
{
	struct request_claim claim = {.time_ms = time_ms, .fingerprint = {{1}}};

	le32_put(claim.nonce, number);
	return claim;
}

static enum nonce_answer take(struct nonces *nonces, uint32_t number, int64_t time_ms, int64_t now_ms)
{
	const struct request_claim claim = claim_of(number, time_ms);

	return nonces_take(nonces, &claim, now_ms);
}

static void nonce__counts_once(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW);

	(void)state;
	assert_int_equal(take(nonces, 1, NOW, NOW), NONCE_FRESH);
	assert_int_equal(take(nonces, 1, NOW, NOW), NONCE_SEEN);
	assert_int_equal(take(nonces, 2, NOW, NOW), NONCE_FRESH);
	assert_int_equal(nonces_count(nonces), 2);
}

static void nonce__of_another_key_is_another(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW);
	struct request_claim claim = claim_of(1, NOW);

	(void)state;
	assert_int_equal(nonces_take(nonces, &claim, NOW), NONCE_FRESH);
	claim.fingerprint.bytes[31] ^= 1;
	assert_int_equal(nonces_take(nonces, &claim, NOW), NONCE_FRESH);
}

static void nonce__is_not_used_up_by_a_look(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW);
	const struct request_claim claim = claim_of(1, NOW);

	(void)state;
	assert_int_equal(nonces_look(nonces, &claim, NOW), NONCE_FRESH);
	assert_int_equal(nonces_look(nonces, &claim, NOW), NONCE_FRESH);
	assert_int_equal(nonces_take(nonces, &claim, NOW), NONCE_FRESH);
	assert_int_equal(nonces_look(nonces, &claim, NOW), NONCE_SEEN);
}

/* Every moment at which a request of this time is good, in steps that meet no boundary twice. */
static void nonce__is_remembered_as_long_as_its_time_is_good(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW - REQUEST_CLOCK_MS);

	(void)state;
	assert_int_equal(take(nonces, 1, NOW, NOW - REQUEST_CLOCK_MS), NONCE_FRESH);
	for (int64_t now = NOW - REQUEST_CLOCK_MS; now <= NOW + REQUEST_CLOCK_MS; now += 997) {
		assert_int_equal(take(nonces, 1, NOW, now), NONCE_SEEN);
		/* traffic of all times that are good then */
		assert_int_equal(take(nonces, (uint32_t)(now % 1000003) + 10, now - REQUEST_CLOCK_MS, now),
				 NONCE_FRESH);
		assert_int_equal(take(nonces, (uint32_t)(now % 1000003) + 10, now + REQUEST_CLOCK_MS, now),
				 NONCE_FRESH);
	}
	assert_int_equal(take(nonces, 1, NOW, NOW + REQUEST_CLOCK_MS), NONCE_SEEN);
}

static void nonce__memory_is_given_back(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW);
	int64_t now = NOW;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++, now += 100)
		assert_int_equal(take(nonces, i, now, now), NONCE_FRESH);
	assert_true(nonces_count(nonces) <= (REQUEST_CLOCK_MS + NONCE_SPAN_MS) / 100);
}

static void nonce__is_refused_when_there_is_no_room(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(-1, NOW);

	(void)state;
	for (uint32_t i = 0; i < NONCES_MAX; i++)
		if (take(nonces, i, NOW, NOW) != NONCE_FRESH)
			fail_msg("nonce %u was not fresh", i);
	assert_int_equal(take(nonces, NONCES_MAX, NOW, NOW), NONCE_FULL);
	assert_int_equal(take(nonces, 7, NOW, NOW), NONCE_SEEN);
	/* another span has room */
	assert_int_equal(take(nonces, NONCES_MAX, NOW + NONCE_SPAN_MS, NOW), NONCE_FRESH);
}

/* -- restarts ------------------------------------------------------------------------------ */

static void nonce__is_known_after_a_crash(void **state)
{
	struct nonces *before = opened(directory_fd, NOW);

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(take(before, i, NOW + i, NOW + i), NONCE_FRESH);
	nonces_close(before); /* writes nothing: a crash leaves the same */
	AUTO(nonces_close) struct nonces *after = opened(directory_fd, NOW + 4000);
	assert_int_equal(nonces_count(after), 3000);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(take(after, i, NOW + i, NOW + 4000), NONCE_SEEN);
	/* a client whose clock is behind is not refused for the restart's sake */
	assert_int_equal(take(after, 9999, NOW + 1, NOW + 4000), NONCE_FRESH);
}

static void nonce__is_known_after_several_crashes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		AUTO(nonces_close) struct nonces *nonces = opened(directory_fd, NOW + i);
		for (uint32_t known = 0; known < i; known++)
			assert_int_equal(take(nonces, known, NOW, NOW + i), NONCE_SEEN);
		assert_int_equal(take(nonces, i, NOW, NOW + i), NONCE_FRESH);
	}
}

/* Another boot: what the file said may not be all. */
static void nonce__from_before_the_machine_restarted_is_early(void **state)
{
	struct nonces *before = opened(directory_fd, NOW);
	char path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(take(before, 1, NOW + 5, NOW + 5), NONCE_FRESH);
	nonces_close(before);
	(void)snprintf(path, sizeof path, "%s/" NONCE_FILE, directory);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "00000000-0000-4000-8000-000000000000", 36, 16), 36);
	(void)close(fd);
	AUTO(nonces_close) struct nonces *after = opened(directory_fd, NOW + 10);
	assert_int_equal(take(after, 1, NOW + 5, NOW + 11), NONCE_EARLY);
	assert_int_equal(take(after, 2, NOW + 9, NOW + 11), NONCE_EARLY);
	assert_int_equal(take(after, 2, NOW + 10, NOW + 11), NONCE_FRESH);
}

static void nonce__file_that_is_cut_is_read_as_far_as_it_goes(void **state)
{
	struct nonces *before = opened(directory_fd, NOW);
	char path[PATH_MAX + 16];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(take(before, i, NOW, NOW), NONCE_FRESH);
	nonces_close(before);
	(void)snprintf(path, sizeof path, "%s/" NONCE_FILE, directory);
	assert_int_equal(truncate(path, 80 + 2 * 16 + 7), 0);
	AUTO(nonces_close) struct nonces *after = opened(directory_fd, NOW);
	assert_int_equal(nonces_count(after), 2);
}

static void nonce__file_is_for_one_server(void **state)
{
	AUTO(nonces_close) struct nonces *first = opened(directory_fd, NOW);
	(void)first;
	struct nonces *second = NULL;
	struct why why = WHY_NONE;

	(void)state;
	assert_fault(FAULT_BUSY, nonces_open(directory_fd, NOW, &second, &why));
}

/* -- threads ----------------------------------------------------------------------------------- */

#define THREADS 8
#define EACH 5000

struct taker {
	struct nonces *nonces;
	unsigned fresh;
};

static void *take_all(void *context)
{
	struct taker *taker = context;

	for (uint32_t i = 0; i < EACH; i++)
		taker->fresh += take(taker->nonces, i, NOW, NOW) == NONCE_FRESH;
	return NULL;
}

static void nonce__is_fresh_for_one_of_many_threads(void **state)
{
	AUTO(nonces_close) struct nonces *nonces = opened(directory_fd, NOW);
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	unsigned fresh = 0;

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){.nonces = nonces};
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		fresh += takers[i].fresh;
	}
	assert_int_equal(fresh, EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonce__counts_once),
		cmocka_unit_test(nonce__of_another_key_is_another),
		cmocka_unit_test(nonce__is_not_used_up_by_a_look),
		cmocka_unit_test(nonce__is_remembered_as_long_as_its_time_is_good),
		cmocka_unit_test(nonce__memory_is_given_back),
		cmocka_unit_test(nonce__is_refused_when_there_is_no_room),
		cmocka_unit_test_setup_teardown(nonce__is_known_after_a_crash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonce__is_known_after_several_crashes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonce__from_before_the_machine_restarted_is_early, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nonce__file_that_is_cut_is_read_as_far_as_it_goes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nonce__file_is_for_one_server, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonce__is_fresh_for_one_of_many_threads, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
