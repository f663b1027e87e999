/* One keyring, several processes and threads. */
#include <pthread.h>
#include <sys/wait.h>

#include "tests/lib/keyrings.h"

#define WORKERS 4
#define EACH 20

static void add_some(struct keyring *keyring, const struct share_id *share, unsigned worker)
{
	struct why why = WHY_NONE;

	for (unsigned i = 0; i < EACH; i++) {
		AUTO(person_done) struct person person = person_new("somebody");
		AUTO(pin_folder_done) struct pin_folder pin = {.version = i + 1, .file = BYTES_EMPTY};
		char path[32];
		folder_id_random(&pin.folder);
		(void)snprintf(path, sizeof path, "%u/%u", worker, i);
		assert_works(keyring_add_certificate(keyring, person.certificate, i % 2, &why));
		assert_works(keyring_set_folder_pin(keyring, share, path, &pin, &why));
	}
}

static bool count_pin(void *count, const char *path, const struct pin_folder *pin)
{
	assert_int_equal((unsigned)atoi(strchr(path, '/') + 1) + 1, pin->version);
	++*(unsigned *)count;
	return true;
}

static void assert_holds_all(struct keyring *keyring, const struct share_id *share)
{
	struct why why = WHY_NONE;
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	unsigned pins = 0;

	assert_works(keyring_people(keyring, &people, &why));
	assert_int_equal(people.count, WORKERS * EACH + 1);
	assert_works(keyring_each_folder_pin(keyring, share, count_pin, &pins, &why));
	assert_int_equal(pins, WORKERS * EACH);
}

static void keyring__loses_nothing_when_several_processes_write(void **state)
{
	(void)state;
	pid_t children[WORKERS];
	struct share_id share;
	share_id_random(&share);
	keyring_close(keyring_of("processes"));
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((children[i] = fork()) != 0)
			continue;
		struct keyring *keyring = keyring_again("processes");
		add_some(keyring, &share, i);
		keyring_close(keyring);
		_exit(0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("processes");
	assert_holds_all(keyring, &share);
}

struct work {
	struct keyring *keyring;
	struct share_id share;
	unsigned worker;
};

static void *work_on(void *context)
{
	const struct work *work = context;
	struct why why = WHY_NONE;

	add_some(work->keyring, &work->share, work->worker);
	assert_works(keyring_unlock_by(work->keyring, WORDS, &why));
	return NULL;
}

static void keyring__serves_several_threads(void **state)
{
	(void)state;
	pthread_t threads[WORKERS];
	struct work works[WORKERS];
	struct share_id share;
	share_id_random(&share);
	keyring_close(keyring_of("threads"));
	AUTO(keyring_close) struct keyring *keyring = keyring_again("threads");
	for (unsigned i = 0; i < WORKERS; i++) {
		works[i] = (struct work){keyring, share, i};
		assert_int_equal(pthread_create(&threads[i], NULL, work_on, &works[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_holds_all(keyring, &share);
	assert_true(keyring_is_unlocked(keyring));
}

/* Of several that make a keyring at one place, one does. */
static void keyring__is_made_once_when_several_try(void **state)
{
	(void)state;
	pid_t children[WORKERS];
	unsigned made = 0;
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((children[i] = fork()) != 0)
			continue;
		struct why why = WHY_NONE;
		struct keyring *keyring = NULL;
		enum fault fault = keyring_try("contested", WORDS, 64, &keyring, &why);
		keyring_close(keyring);
		_exit(!fault ? 0 : fault == FAULT_EXISTS ? 1 : 2);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		made += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(made, 1);
	AUTO(keyring_close) struct keyring *keyring = keyring_again("contested");
	struct why why = WHY_NONE;
	assert_works(keyring_unlock_by(keyring, WORDS, &why));
	keyring_close(TAKE(keyring));
	assert_int_equal(entries_beside("contested"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyring__loses_nothing_when_several_processes_write),
		cmocka_unit_test(keyring__serves_several_threads),
		cmocka_unit_test(keyring__is_made_once_when_several_try),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
