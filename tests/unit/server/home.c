#include <fcntl.h>
#include <sys/stat.h>

#include "server/code.h"
#include "server/founding.h"
#include "server/root_key.h"
#include "tests/lib/stores.h"

static char place[PATH_MAX];
static char path[PATH_MAX + 16]; /* of the server's directory */
static struct home *home;

static const struct option_list listen_at = {.words = {"127.0.0.1:1"}, .count = 1};

static struct fingerprint found(const char *directory, const char *root_key, struct home *join)
{
	const struct founding founding = {.path = directory,
					  .name = join ? "keys2.test" : "keys.test",
					  .organisation = "Example",
					  .listen = &listen_at,
					  .root_key = root_key,
					  .join = join};
	struct fingerprint organisation;
	struct why why = WHY_NONE;

	assert_works(founding_make(&founding, &organisation, &why));
	return organisation;
}

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	test_directory_new(place);
	(void)snprintf(path, sizeof path, "%s/S", place);
	(void)found(path, NULL, NULL);
	assert_works(home_open(path, &home, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	home_close(home);
	home = NULL;
	test_directory_remove(path);
	test_directory_remove(place);
	return 0;
}

static void home__knows_its_organisation_and_itself(void **state)
{
	const struct public_identity *self = identity_public(home->identity);

	(void)state;
	assert_string_equal(home->organisation.root.name, "Example");
	assert_int_equal(home->organisation.server_count, 1);
	assert_true(member_id_equal(&home->organisation.servers[0].id, &self->id));
	assert_memory_equal(home->organisation.servers[0].sign_public, self->sign_public, SIGN_PUBLIC_SIZE);
	assert_int_equal(home->policy.version, 1);
	assert_int_equal(home->policy.lease, 120);
}

static void home__gives_the_root_key_of_its_own_organisation_only(void **state)
{
	AUTO(identity_free) struct identity *root = NULL;
	AUTO(identity_free) struct identity *stranger = NULL;
	struct identity *none = NULL;
	struct why why = WHY_NONE;
	char file[PATH_MAX + 32];

	(void)state;
	assert_works(home_root(home, NULL, &root, &why));
	(void)snprintf(file, sizeof file, "%s/root.key", place);
	assert_works(root_key_create(file, root, &why));
	assert_fault(FAULT_EXISTS, root_key_create(file, root, &why));
	identity_free(TAKE(root));
	assert_works(home_root(home, file, &root, &why));
	assert_string_equal(identity_public(root)->name, "Example");
	assert_int_equal(unlink(file), 0);
	assert_fault(FAULT_MISSING, home_root(home, file, &none, &why));
	assert_works(identity_new("Stranger", &stranger, &why));
	assert_works(root_key_create(file, stranger, &why));
	assert_fault(FAULT_IDENTITY, home_root(home, file, &none, &why));
}

static void root_key__file_of_another_form_is_refused(void **state)
{
	static const char *const texts[] = {"", "fsenc root key 1\n", "fsenc root key 2\n0123"};
	struct identity *none = NULL;
	struct why why = WHY_NONE;
	char file[PATH_MAX + 32];

	(void)state;
	(void)snprintf(file, sizeof file, "%s/root.key", place);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		assert_int_equal(close(fd), 0);
		assert_fault(FAULT_KEYRING_READ, root_key_read(file, &none, &why));
	}
}

static void root_key__file_with_a_changed_byte_is_no_key_of_the_organisation(void **state)
{
	AUTO(identity_free) struct identity *root = NULL;
	struct why why = WHY_NONE;
	char file[PATH_MAX + 32], text[512];
	ssize_t size;
	int fd;

	(void)state;
	(void)snprintf(file, sizeof file, "%s/root.key", place);
	assert_works(home_root(home, NULL, &root, &why));
	assert_works(root_key_create(file, root, &why));
	fd = open(file, O_RDWR | O_CLOEXEC);
	size = pread(fd, text, sizeof text, 0);
	assert_true(size > 100);
	for (ssize_t i = 0; i < size - 9; i++) { /* the name at the end is nobody's key */
		AUTO(identity_free) struct identity *read = NULL;
		char changed = (char)(text[i] ^ 1);

		assert_int_equal(pwrite(fd, &changed, 1, i), 1);
		if (!home_root(home, file, &read, &why)) /* the id is not in the fingerprint */
			assert_memory_equal(identity_public(read)->sign_public,
					    identity_public(root)->sign_public, SIGN_PUBLIC_SIZE);
		assert_int_equal(pwrite(fd, &text[i], 1, i), 1);
	}
	assert_int_equal(close(fd), 0);
}

static void home__sees_what_others_changed_when_it_refreshes(void **state)
{
	AUTO(identity_free) struct identity *root = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(home_close) struct home *other = NULL;
	AUTO(free) char *text = NULL;
	struct policy policy = home->policy;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(home_open(path, &other, &why));
	assert_works(home_root(other, NULL, &root, &why));
	policy.version = 2;
	policy.lease = 7;
	assert_works(policy_sign(&policy, root, &object, &why));
	assert_works(signed_text(object, &text, &why));
	assert_works(store_document_write(other->store, STORE_POLICY, 2, text, &why));
	assert_int_equal(home->policy.lease, 120);
	assert_works(home_refresh(home, &why));
	assert_int_equal(home->policy.lease, 7);
}

static void home__believes_no_policy_of_another_organisation(void **state)
{
	AUTO(identity_free) struct identity *stranger = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(free) char *text = NULL;
	struct organisation_id id;
	struct policy policy;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(identity_new("Stranger", &stranger, &why));
	memcpy(id.bytes, identity_public(stranger)->id.bytes, ID_SIZE);
	policy = policy_default(&id, 1);
	policy.version = 2;
	assert_works(policy_sign(&policy, stranger, &object, &why));
	assert_works(signed_text(object, &text, &why));
	assert_works(store_document_write(home->store, STORE_POLICY, 2, text, &why));
	assert_fault(FAULT_REFUSED, home_refresh(home, &why));
	assert_int_equal(home->policy.version, 1);
}

static void founding__joins_a_server_to_the_organisation_in_both_stores(void **state)
{
	AUTO(home_close) struct home *second = NULL;
	struct fingerprint organisation;
	struct why why = WHY_NONE;
	char directory[PATH_MAX + 16];

	(void)state;
	(void)snprintf(directory, sizeof directory, "%s/S2", place);
	organisation = found(directory, NULL, home);
	assert_true(fingerprint_equal(&organisation, &home->fingerprint));
	assert_works(home_refresh(home, &why));
	assert_int_equal(home->organisation.server_count, 2);
	assert_works(home_open(directory, &second, &why));
	assert_int_equal(second->organisation.server_count, 2);
	assert_int_equal(second->organisation.version, home->organisation.version);
	assert_fault(FAULT_MISSING,
		     store_key_read(second->store, STORE_KEY_ROOT, &(struct stored_identity){0}, &why));
	home_close(TAKE(second));
	test_directory_remove(directory);
}

static void code__opens_once_and_a_mistyped_one_takes_nothing_away(void **state)
{
	struct member_id alice = id_of(1);
	char text[TOKEN_TEXT_SIZE], mistyped[TOKEN_TEXT_SIZE];
	struct why why = WHY_NONE;

	(void)state;
	assert_works(code_new(home->store, &alice, 1000, text, &why));
	memcpy(mistyped, text, sizeof text);
	mistyped[3] = mistyped[3] == 'A' ? 'B' : 'A';
	assert_fault(FAULT_DENIED, code_use(home->store, &alice, mistyped, 1000, &why));
	assert_fault(FAULT_DENIED, code_use(home->store, &alice, "", 1000, &why));
	assert_fault(FAULT_DENIED, code_use(home->store, &alice, text, 1000 + STORE_CODE_LIFE, &why));
	for (char *letter = text; *letter; letter++) /* as somebody types it */
		*letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter + 32 : *letter);
	assert_works(code_use(home->store, &alice, text, 1001, &why));
	assert_fault(FAULT_DENIED, code_use(home->store, &alice, text, 1001, &why));
}

int main(void)
{
	struct why why = WHY_NONE;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(home__knows_its_organisation_and_itself),
		TEST(home__gives_the_root_key_of_its_own_organisation_only),
		TEST(root_key__file_of_another_form_is_refused),
		TEST(root_key__file_with_a_changed_byte_is_no_key_of_the_organisation),
		TEST(home__sees_what_others_changed_when_it_refreshes),
		TEST(home__believes_no_policy_of_another_organisation),
		TEST(founding__joins_a_server_to_the_organisation_in_both_stores),
		TEST(code__opens_once_and_a_mistyped_one_takes_nothing_away),
	};
#undef TEST

	if (secret_start(&why))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
