#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "server/master.h"
#include "tests/lib/stores.h"

static char directory[PATH_MAX];
static int fd = -1;
static struct master *master;

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	test_directory_new(directory);
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_works(master_create(fd, &master, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	master_free(master);
	master = NULL;
	file_close(fd);
	test_directory_remove(directory);
	return 0;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int file = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(file, mode), 0);
	file_close(file);
}

static void master__opens_again_what_it_sealed(void **state)
{
	AUTO(master_free) struct master *again = NULL;
	AUTO(identity_free) struct identity *identity = NULL;
	AUTO(identity_free) struct identity *opened = NULL;
	struct stored_identity stored;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(identity_new("keys.test", &identity, &why));
	master_seal_identity(master, identity, &stored);
	assert_works(master_open(fd, &again, &why));
	assert_works(master_open_identity(again, &stored, &opened, &why));
	assert_memory_equal(identity_private_bytes(opened), identity_private_bytes(identity),
			    IDENTITY_PRIVATE_SIZE);
}

static void master__opens_no_changed_seal_and_nothing_in_another_place(void **state)
{
	AUTO(identity_free) struct identity *identity = NULL;
	AUTO(identity_free) struct identity *opened = NULL;
	struct stored_identity stored, changed;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(identity_new("keys.test", &identity, &why));
	master_seal_identity(master, identity, &stored);
	for (size_t i = 0; i < sizeof stored.sealed; i++) {
		changed = stored;
		changed.sealed[i] ^= 1;
		assert_fault(FAULT_REFUSED, master_open_identity(master, &changed, &opened, &why));
	}
	changed = stored;
	member_id_random(&changed.public.id);
	assert_fault(FAULT_REFUSED, master_open_identity(master, &changed, &opened, &why));
}

static void master__ties_a_share_to_its_group_epoch_and_index(void **state)
{
	AUTO(scalar_wipe) struct scalar value = {{7}};
	struct group_share share = {.index = 3, .value = value}, opened;
	struct stored_group group = {.id = id_of(1), .epoch = 2, .name = "finance"}, changed;
	struct why why = WHY_NONE;

	(void)state;
	assert_fault(FAULT_MISSING, master_open_share(master, &group, &opened, &why));
	master_seal_share(master, &share, &group);
	assert_works(master_open_share(master, &group, &opened, &why));
	assert_int_equal(opened.index, 3);
	assert_memory_equal(opened.value.bytes, value.bytes, sizeof value.bytes);
	changed = group;
	changed.id = id_of(2);
	assert_fault(FAULT_REFUSED, master_open_share(master, &changed, &opened, &why));
	changed = group;
	changed.epoch++;
	assert_fault(FAULT_REFUSED, master_open_share(master, &changed, &opened, &why));
	changed = group;
	changed.index++;
	assert_fault(FAULT_REFUSED, master_open_share(master, &changed, &opened, &why));
}

static void master__file_is_private_and_made_once(void **state)
{
	struct master *again = NULL;
	struct stat status;
	struct why why = WHY_NONE;

	(void)state;
	assert_int_equal(fstatat(fd, MASTER_FILE, &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_fault(FAULT_EXISTS, master_create(fd, &again, &why));
	assert_int_equal(fchmodat(fd, MASTER_FILE, 0640, 0), 0);
	assert_fault(FAULT_KEYRING_READ, master_open(fd, &again, &why));
	assert_non_null(strstr(why.text, "chmod 600"));
	assert_int_equal(unlinkat(fd, MASTER_FILE, 0), 0);
	assert_fault(FAULT_KEYRING_READ, master_open(fd, &again, &why));
}

static void master__file_that_holds_no_key_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"AAAA\n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", /* 33 bytes */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n",
	};
	struct master *again = NULL;
	struct why why = WHY_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_file(MASTER_FILE, texts[i], 0600);
		assert_fault(FAULT_KEYRING_READ, master_open(fd, &again, &why));
	}
}

static void master__takes_the_credential_of_the_service_manager_first(void **state)
{
	AUTO(master_free) struct master *given = NULL;
	AUTO(identity_free) struct identity *identity = NULL;
	AUTO(identity_free) struct identity *opened = NULL;
	struct stored_identity stored;
	struct why why = WHY_NONE;

	(void)state;
	write_file(MASTER_CREDENTIAL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE", 0440);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
	assert_works(master_open(fd, &given, &why));
	assert_works(identity_new("keys.test", &identity, &why));
	master_seal_identity(given, identity, &stored);
	assert_fault(FAULT_REFUSED, master_open_identity(master, &stored, &opened, &why));
	assert_works(master_open_identity(given, &stored, &opened, &why));
	write_file(MASTER_CREDENTIAL, "no key", 0440);
	assert_fault(FAULT_KEYRING_READ, master_open(fd, &given, &why));
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

int main(void)
{
	struct why why = WHY_NONE;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(master__opens_again_what_it_sealed),
		TEST(master__opens_no_changed_seal_and_nothing_in_another_place),
		TEST(master__ties_a_share_to_its_group_epoch_and_index),
		TEST(master__file_is_private_and_made_once),
		TEST(master__file_that_holds_no_key_is_refused),
		TEST(master__takes_the_credential_of_the_service_manager_first),
	};
#undef TEST

	if (secret_start(&why))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
