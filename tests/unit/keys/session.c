#include <keyutils.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "keys/session.h"
#include "tests/lib/keyrings.h"

#define SKIPPED 77

static char one[300];
static char other[300];

static struct secret *key_of(uint8_t first)
{
	struct why why = WHY_NONE;
	struct secret *key = NULL;

	assert_works(secret_new(KEY_SIZE, &key, &why));
	secret_bytes_to_fill(key)[0] = first;
	return key;
}

static void store(const char *path, uint8_t first, unsigned seconds)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *key = key_of(first);

	assert_works(session_store(path, key, seconds, &why));
}

static int load(const char *path)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *key = NULL;
	enum fault fault = session_load(path, &key, &why);

	if (fault == FAULT_MISSING)
		return -1;
	assert_works(fault);
	assert_int_equal(secret_size(key), KEY_SIZE);
	return secret_bytes(key)[0];
}

static void session__keeps_a_key_until_it_is_told_to_forget(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	assert_int_equal(load(one), -1);
	store(one, 7, 60);
	assert_int_equal(load(one), 7);
	assert_works(session_forget(one, &why));
	assert_int_equal(load(one), -1);
	assert_works(session_forget(one, &why));
}

static void session__replaces_the_key_of_the_same_keyring_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	store(one, 1, 60);
	store(other, 2, 60);
	store(one, 3, 60);
	assert_int_equal(load(one), 3);
	assert_int_equal(load(other), 2);
	assert_works(session_forget(one, &why));
	assert_int_equal(load(one), -1);
	assert_int_equal(load(other), 2);
	assert_works(session_forget(other, &why));
}

static void session__knows_a_keyring_by_its_real_path(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char link[320];
	(void)snprintf(link, sizeof link, "%s/link", keyrings);
	assert_int_equal(symlink("one", link), 0);
	store(link, 4, 60);
	assert_int_equal(load(one), 4);
	assert_works(session_forget(link, &why));
	assert_int_equal(load(one), -1);
}

static void session__forgets_when_its_time_is_over(void **state)
{
	(void)state;
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	store(one, 5, 1);
	for (int i = 0; i < 500 && load(one) == 5; i++)
		(void)nanosleep(&pause, NULL);
	assert_int_equal(load(one), -1);
}

static void session__refuses_to_keep_a_key_for_ever(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *key = key_of(6);
	assert_fault(FAULT_INVALID, session_store(one, key, 0, &why));
	assert_int_equal(load(one), -1);
}

static void session__serves_the_users_other_processes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	store(one, 8, 60);
	pid_t child = fork();
	if (child == 0) {
		/* A session that does not possess the user's keyring, as a service has. */
		bool fresh = keyctl_join_session_keyring(NULL) >= 0;
		_exit(fresh && load(one) == 8 && session_forget(one, &why) == FAULT_NONE ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(load(one), -1);
}

static void *store_nine(void *unused)
{
	(void)unused;
	store(one, 9, 60);
	return NULL;
}

static void session__keeps_a_key_longer_than_the_thread_that_stored_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, store_nine, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(load(one), 9);
	assert_works(session_forget(one, &why));
}

static void session__does_not_tell_where_the_keyring_lies(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char line[1024];
	bool listed = false;
	store(one, 10, 60);
	FILE *keys = fopen("/proc/keys", "re");
	while (keys && fgets(line, sizeof line, keys)) {
		assert_null(strstr(line, keyrings));
		listed = listed || strstr(line, " fsenc:");
	}
	if (keys)
		(void)fclose(keys);
	assert_true(listed || !keys);
	assert_works(session_forget(one, &why));
}

static bool kernel_keeps_keys(void)
{
	struct why why = WHY_NONE;
	AUTO(secret_free) struct secret *key = key_of(0);
	enum fault fault = session_store(".", key, 1, &why);

	if (fault)
		(void)fprintf(stderr, "skipped: %s\n", why_text(&why, fault));
	else
		fault = session_forget(".", &why);
	return !fault;
}

static int start(void **state)
{
	int failed = keyrings_start(state);

	(void)snprintf(one, sizeof one, "%s/one", keyrings);
	(void)snprintf(other, sizeof other, "%s/other", keyrings);
	file_put(one, "", 0);
	file_put(other, "", 0);
	return failed;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session__keeps_a_key_until_it_is_told_to_forget),
		cmocka_unit_test(session__replaces_the_key_of_the_same_keyring_only),
		cmocka_unit_test(session__knows_a_keyring_by_its_real_path),
		cmocka_unit_test(session__forgets_when_its_time_is_over),
		cmocka_unit_test(session__refuses_to_keep_a_key_for_ever),
		cmocka_unit_test(session__serves_the_users_other_processes),
		cmocka_unit_test(session__keeps_a_key_longer_than_the_thread_that_stored_it),
		cmocka_unit_test(session__does_not_tell_where_the_keyring_lies),
	};
	struct why why = WHY_NONE;

	assert_works(secret_start(&why));
	if (!kernel_keeps_keys())
		return SKIPPED;
	return cmocka_run_group_tests(tests, start, keyrings_end);
}
