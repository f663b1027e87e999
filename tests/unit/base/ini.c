#include "base/ini.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

static const char *const server_keys[] = {"listen", "name", "limit", "fast", "mode"};
static const char *const ldap_keys[] = {"ldap_uri", "ldap_search_base", "ldap_group_search_base"};
static const struct ini_section server = {"server", server_keys, 5};
static const struct ini_section ldap = {"ldap", ldap_keys, 3};

static enum fault parse_bytes(const char *text, size_t size, struct ini **ret_ini, struct why *why)
{
	const struct ini_section *known[] = {&server, &ldap};

	return ini_parse("x.conf", text, size, known, 2, ret_ini, why);
}

static enum fault parse(const char *text, struct ini **ret_ini, struct why *why)
{
	return parse_bytes(text, strlen(text), ret_ini, why);
}

static void ini__gives_values_and_says_what_is_not_there(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(ini_free) struct ini *ini = NULL;
	assert_works(parse(
		"# comment\n\n  ; another = one\n[server]\r\nname=keys.test\r\n\tlimit  =  7 # not a comment\n"
		"[ ldap ]\nldap_search_base = dc=example,dc=com",
		&ini, &why));
	assert_string_equal(ini_text(ini, "server", "name", NULL), "keys.test");
	assert_string_equal(ini_text(ini, "server", "limit", NULL), "7 # not a comment");
	assert_string_equal(ini_text(ini, "ldap", "ldap_search_base", NULL), "dc=example,dc=com");
	assert_null(ini_text(ini, "server", "listen", NULL));
	assert_string_equal(ini_text(ini, "server", "listen", "[::]:1"), "[::]:1");
	assert_true(ini_has(ini, "server", "name") && !ini_has(ini, "ldap", "ldap_uri"));
	assert_true(ini_has_section(ini, "ldap"));
}

static void ini__knows_which_sections_are_there(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(ini_free) struct ini *ini = NULL;
	assert_works(parse("[server]\n", &ini, &why));
	assert_true(ini_has_section(ini, "server"));
	assert_false(ini_has_section(ini, "ldap"));
}

static void ini__takes_lines_of_any_length(void **state)
{
	(void)state;
	enum { LONG = 300000 };
	struct why why = WHY_NONE;
	AUTO(free) char *text = malloc(LONG + 64);
	AUTO(ini_free) struct ini *ini = NULL;
	assert_non_null(text);
	char *value = text + sprintf(text, "[server]\nname = ");
	memset(value, 'n', LONG);
	strcpy(value + LONG, "\nlimit = 3\n");
	assert_works(parse(text, &ini, &why));
	assert_int_equal(strlen(ini_text(ini, "server", "name", "")), LONG);
	assert_string_equal(ini_text(ini, "server", "limit", ""), "3");
}

static void ini__refuses_what_it_does_not_know_and_names_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *words;
	} rows[] = {
		{"[server]\nlisten = a\nlissten = b\n",
		 "x.conf:3: unknown key 'lissten'; the nearest is 'listen'"},
		{"[ldap]\nldap_serach_base = a",
		 "x.conf:2: unknown key 'ldap_serach_base'; the nearest is 'ldap_search_base'"},
		{"[server]\nquite_another = b\n", "x.conf:2: section [server] has no key 'quite_another'"},
		{"[server]\n\nldap_uri = b\n",
		 "x.conf:3: 'ldap_uri' belongs in section [ldap], not in [server]"},
		{"[server]\nname = a\nname = a\n", "x.conf:3: 'name' was there already, on line 2"},
		{"[server]\n[ldap]\n[server]\n", "x.conf:3: 'server' was there already, on line 1"},
		{"[sever]\n", "x.conf:1: unknown section [sever]; the nearest is [server]"},
		{"[printers]\n", "x.conf:1: unknown section [printers]"},
		{"[server\n", "x.conf:1: a section is written [name]"},
		{"[server] # why\n", "x.conf:1: a section is written [name]"},
		{"[]\n", "x.conf:1: unknown section []"},
		{"name = a\n[server]\n", "x.conf:1: 'name' stands before the first [section]"},
		{"[server]\nname\n", "x.conf:2: a line is 'key = value', [section] or # comment"},
		{"[server]\n= a\n", "x.conf:2: a line is 'key = value', [section] or # comment"},
		{"[server]\nname =  \n", "x.conf:2: 'name' has no value"},
		{"[server]\nNAME = a\n", "x.conf:2: section [server] has no key 'NAME'"},
		{"[server]\nname = a\rb\n", "x.conf:2: a control character"},
		{"[server]\nname = \x1b[1m\n", "x.conf:2: a control character"},
		{"\xef\xbb\xbf[server]\n", "x.conf:1: a line is 'key = value'"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct why why = WHY_NONE;
		struct ini *ini = NULL;
		assert_fault(FAULT_KEYRING_READ, parse(rows[i].text, &ini, &why));
		assert_null(ini);
		if (strncmp(why.text, rows[i].words, strlen(rows[i].words)) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, why.text, rows[i].words);
	}
}

static void ini__refuses_a_zero_byte_wherever_it_stands(void **state)
{
	(void)state;
	static const char text[] = "[server]\nname = abc\nlimit = 3\n";
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char bytes[sizeof text];
		struct why why = WHY_NONE;
		struct ini *ini = NULL;
		memcpy(bytes, text, sizeof text);
		bytes[i] = 0;
		assert_fault(FAULT_KEYRING_READ, parse_bytes(bytes, sizeof text - 1, &ini, &why));
	}
}

static void ini__reads_numbers_within_their_range_only(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"0", "101", "-1", "3s", "0x10", "1e2", "", "1 0", "+ 1", "99999999999999999999", "1-1", "-"};
	const struct ini_range range = {1, 100, 42};
	struct why why = WHY_NONE;
	int64_t number = 0;
	{
		AUTO(ini_free) struct ini *ini = NULL;
		assert_works(parse("[server]\nlimit = 100\n", &ini, &why));
		assert_works(ini_number(ini, "server", "limit", range, &number, &why));
		assert_int_equal(number, 100);
		assert_works(ini_number(ini, "server", "listen", range, &number, &why));
		assert_int_equal(number, 42);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[100];
		AUTO(ini_free) struct ini *ini = NULL;
		(void)snprintf(text, sizeof text, "[server]\nlimit = %s.\n", bad[i]);
		if (*bad[i])
			text[strlen(text) - 2] = '\n';
		assert_works(parse(text, &ini, &why));
		number = 5;
		assert_fault(FAULT_KEYRING_READ, ini_number(ini, "server", "limit", range, &number, &why));
		assert_int_equal(number, 5);
	}
	assert_string_equal(why.text, "x.conf:2: limit: '-' is no number from 1 to 100");
}

static void ini__reads_flags_and_words_and_lists_the_words_there_are(void **state)
{
	(void)state;
	static const char *const modes[] = {"rfc2307", "rfc2307bis", "ad"};
	struct why why = WHY_NONE;
	bool flag = false;
	size_t choice = 0;
	AUTO(ini_free) struct ini *ini = NULL;
	assert_works(parse("[server]\nfast = True\nmode = AD\nname = maybe\n", &ini, &why));
	assert_works(ini_flag(ini, "server", "fast", false, &flag, &why));
	assert_true(flag);
	assert_works(ini_flag(ini, "server", "listen", false, &flag, &why));
	assert_false(flag);
	assert_works(ini_flag(ini, "server", "listen", true, &flag, &why));
	assert_true(flag);
	assert_works(ini_choice(ini, "server", "mode", modes, 3, 0, &choice, &why));
	assert_int_equal(choice, 2);
	assert_works(ini_choice(ini, "server", "listen", modes, 3, 1, &choice, &why));
	assert_int_equal(choice, 1);
	assert_fault(FAULT_KEYRING_READ, ini_flag(ini, "server", "name", false, &flag, &why));
	assert_fault(FAULT_KEYRING_READ, ini_choice(ini, "server", "name", modes, 3, 0, &choice, &why));
	assert_string_equal(why.text, "x.conf:4: name: 'maybe' is none of rfc2307, rfc2307bis, ad");
}

static void ini__says_where_a_value_stands_that_its_reader_finds_wrong(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(ini_free) struct ini *ini = NULL;
	assert_works(parse("[server]\n\nname = a\n", &ini, &why));
	assert_fault(FAULT_KEYRING_READ, ini_wrong(ini, "server", "name", &why, "no such %s", "host"));
	assert_string_equal(why.text, "x.conf:3: name: no such host");
	assert_fault(FAULT_KEYRING_READ, ini_wrong(ini, "server", "listen", &why, "is needed"));
	assert_string_equal(why.text, "x.conf: listen: is needed");
}

static void ini__tells_a_missing_file_from_an_unreadable_one(void **state)
{
	(void)state;
	const struct ini_section *known[] = {&server};
	struct why why = WHY_NONE;
	struct ini *ini = NULL;
	char path[4096];
	temporary_template(path, sizeof path, "ini");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "[server]\nname = file\n", 21), 21);
	assert_int_equal(close(fd), 0);
	assert_works(ini_read(path, known, 1, &ini, &why));
	assert_string_equal(ini_text(ini, "server", "name", ""), "file");
	ini_free(ini);
	ini = NULL;
	assert_int_equal(unlink(path), 0);
	assert_fault(FAULT_MISSING, ini_read(path, known, 1, &ini, &why));
	assert_fault(FAULT_KEYRING_READ, ini_read(temporary(), known, 1, &ini, &why));
	assert_null(ini);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ini__gives_values_and_says_what_is_not_there),
		cmocka_unit_test(ini__knows_which_sections_are_there),
		cmocka_unit_test(ini__takes_lines_of_any_length),
		cmocka_unit_test(ini__refuses_what_it_does_not_know_and_names_the_line),
		cmocka_unit_test(ini__refuses_a_zero_byte_wherever_it_stands),
		cmocka_unit_test(ini__reads_numbers_within_their_range_only),
		cmocka_unit_test(ini__reads_flags_and_words_and_lists_the_words_there_are),
		cmocka_unit_test(ini__says_where_a_value_stands_that_its_reader_finds_wrong),
		cmocka_unit_test(ini__tells_a_missing_file_from_an_unreadable_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
