#include <fcntl.h>

#include "server/config.h"
#include "tests/lib/stores.h"

#define ORGANISATION "organisation = Gf8bDdW4OU3wckejZPoSDapf8lHEzB4C7WN14MCDdck\n"
#define START "[server]\nname = keys.test\n" ORGANISATION

static char home[PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	test_directory_new(home);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_directory_remove(home);
	return 0;
}

static enum fault read_text(const char *text, struct config **ret_config, struct why *why)
{
	char path[PATH_MAX + 32];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", home, CONFIG_FILE);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return config_read(home, ret_config, why);
}

static void assert_refused(const char *text, const char *words)
{
	struct config *config = NULL;
	struct why why = WHY_NONE;

	assert_fault(FAULT_KEYRING_READ, read_text(text, &config, &why));
	if (!strstr(why.text, words))
		fail_msg("'%s' is not in: %s", words, why.text);
}

static void config__says_little_and_the_rest_is_sensible(void **state)
{
	AUTO(config_free) struct config *config = NULL;
	struct why why = WHY_NONE;
	char path[PATH_MAX + 32];

	(void)state;
	assert_works(read_text(START, &config, &why));
	assert_string_equal(config->name, "keys.test");
	assert_int_equal(config->listen_count, 2);
	assert_null(config->listen[2]);
	assert_int_equal(config->directory, CONFIG_BUILTIN);
	assert_null(config->metrics_listen);
	assert_int_equal(config->threads, 0);
	assert_true(config->connections > 0 && config->connections_per_address > 0 &&
		    config->idle_timeout > 0);
	(void)snprintf(path, sizeof path, "%s/tls-cert.pem", home);
	assert_string_equal(config->tls_cert, path);
}

static void config__takes_addresses_and_paths_as_they_are_written(void **state)
{
	AUTO(config_free) struct config *config = NULL;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(read_text(START "listen = 127.0.0.1:1, [::1]:2,unix:/run/x\ntls_cert = /etc/c.pem\n"
				     "metrics_listen = 127.0.0.1:9\nthreads = 4\nidle_timeout = 1\n",
			       &config, &why));
	assert_int_equal(config->listen_count, 3);
	assert_string_equal(config->listen[1], "[::1]:2");
	assert_string_equal(config->listen[2], "unix:/run/x");
	assert_string_equal(config->tls_cert, "/etc/c.pem");
	assert_string_equal(config->metrics_listen, "127.0.0.1:9");
	assert_int_equal(config->threads, 4);
	assert_int_equal(config->idle_timeout, 1);
}

static void config__mistakes_are_told_with_their_line(void **state)
{
	(void)state;
	assert_refused("[server]\n" ORGANISATION, "name: it is missing");
	assert_refused("[server]\nname = x\n", "organisation: it is missing");
	assert_refused("[server]\nname = x\norganisation = y\n", ":3: organisation");
	assert_refused(START "lisen = 127.0.0.1:1\n", ":4: ");
	assert_refused(START "lisen = 127.0.0.1:1\n", "listen");
	assert_refused(START "name = other\n", ":4: ");
	assert_refused(START "listen = 127.0.0.1\n", "neither ADDRESS:PORT");
	assert_refused(START "listen = a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9\n", "at most 8");
	assert_refused(START "threads = many\n", "threads");
	assert_refused(START "idle_timeout = 0\n", "idle_timeout");
	assert_refused(START "connections = 0\n", "connections");
	assert_refused(START "directory = nis\n", "directory");
	assert_refused(START "[srver]\n", "server");
}

static void config__with_ldap_wants_its_section_and_knows_its_keys(void **state)
{
	AUTO(config_free) struct config *config = NULL;
	struct why why = WHY_NONE;

	(void)state;
	assert_refused(START "directory = ldap\n", "[ldap]");
	assert_refused(START "directory = ldap\n[ldap]\nldap_url = ldap://x\n", "ldap_uri");
	assert_works(read_text(START "directory = ldap\n[ldap]\nldap_uri = ldap://x\n", &config, &why));
	assert_int_equal(config->directory, CONFIG_LDAP);
}

static void config__that_is_not_there_is_missing(void **state)
{
	struct config *config = NULL;
	struct why why = WHY_NONE;

	(void)state;
	assert_fault(FAULT_MISSING, config_read(home, &config, &why));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(config__says_little_and_the_rest_is_sensible),
		TEST(config__takes_addresses_and_paths_as_they_are_written),
		TEST(config__mistakes_are_told_with_their_line),
		TEST(config__with_ldap_wants_its_section_and_knows_its_keys),
		TEST(config__that_is_not_there_is_missing),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
