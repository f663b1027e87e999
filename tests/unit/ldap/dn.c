#include "ldap/dn.h"

#include <string.h>

#include "tests/lib/unit.h"

static void L24__dns_are_compared_by_what_they_mean(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{"uid=alice,ou=people,dc=x", "UID=Alice, OU=People , DC=X"},
		{"cn=a\\2cb,dc=x", "cn=a\\,b,dc=x"},
		{"cn=\\41lice,dc=x", "cn=alice,dc=x"},
		{"cn=two  words,dc=x", "cn=two words,dc=x"},
		{"cn=\\20edge\\20,dc=x", "cn=edge,dc=x"},
		{"cn=a+uid=b,dc=x", "UID=b+CN=a,dc=x"},
		{"cn=\\C3\\BC,dc=x", "cn=\xc3\xbc,dc=x"},
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (!dn_equal(same[i][0], same[i][1]) || !dn_equal(same[i][1], same[i][0]))
			fail_msg("'%s' is not '%s'", same[i][0], same[i][1]);
}

static void L24__other_names_are_other_names(void **state)
{
	(void)state;
	static const char *const other[][2] = {
		{"uid=alice,dc=x", "uid=alice,dc=y"},
		{"uid=alice,dc=x", "uid=alice,ou=a,dc=x"},
		{"uid=alice,dc=x", "cn=alice,dc=x"},
		{"uid=alice,dc=x", "uid=alicia,dc=x"},
		{"uid=al ice,dc=x", "uid=alice,dc=x"},
		{"cn=a\\,dc\\=x", "cn=a,dc=x"},
		{"cn=a+uid=b,dc=x", "cn=a,dc=x"},
		{"cn=a+cn=b,dc=x", "cn=a+cn=c,dc=x"},
		{"cn=#616263,dc=x", "cn=abc,dc=x"},
		{"not a dn", "not a dn"},
		{"cn=a,", "cn=a,"},
		{"cn=a,dc=x", ""},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (dn_equal(other[i][0], other[i][1]) || dn_equal(other[i][1], other[i][0]))
			fail_msg("'%s' is '%s'", other[i][0], other[i][1]);
}

static void dn__lies_under_its_base_and_not_beside_it(void **state)
{
	(void)state;
	assert_true(dn_is_under("uid=a,ou=people,dc=x", "OU=People,dc=x"));
	assert_true(dn_is_under("ou=people,dc=x", "ou=people,dc=x"));
	assert_true(dn_is_under("uid=a,dc=x", ""));
	assert_false(dn_is_under("uid=a,xou=people,dc=x", "ou=people,dc=x"));
	assert_false(dn_is_under("uid=ou\\=people\\,dc\\=x", "dc=x"));
	assert_false(dn_is_under("dc=x", "ou=people,dc=x"));
	assert_false(dn_is_under("nonsense", "dc=x"));
	assert_false(dn_is_under("nonsense", ""));
}

static void dn__is_valid_or_not(void **state)
{
	(void)state;
	assert_true(dn_is_valid("cn=a,dc=x"));
	assert_false(dn_is_valid("") || dn_is_valid("cn") || dn_is_valid("cn=a,,dc=x") || dn_is_valid("cn=a\\") ||
		     dn_is_valid("=a"));
}

static void L02__only_a_whole_uid_is_taken_off(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *dn;
	} rows[] = {
		{"cn=a,dc=x#'0101'B", "cn=a,dc=x"},
		{"cn=a,dc=x#''B", "cn=a,dc=x"},
		{"cn=a,dc=x", "cn=a,dc=x"},
		{"cn=a,dc=x#'0121'B", "cn=a,dc=x#'0121'B"},
		{"cn=a,dc=x#'01'b", "cn=a,dc=x#'01'b"},
		{"cn=a,dc=x'01'B", "cn=a,dc=x'01'B"},
		{"cn=a,dc=x#01'B", "cn=a,dc=x#01'B"},
		{"cn=a,dc=x#'01'B ", "cn=a,dc=x#'01'B "},
		{"cn=#'1'B,dc=x", "cn=#'1'B,dc=x"},
		{"#'1'B", ""},
		{"'B", "'B"},
		{"''B", "''B"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t size = dn_without_uid(rows[i].value, strlen(rows[i].value));
		if (size != strlen(rows[i].dn))
			fail_msg("'%s': %zu letters, not '%s'", rows[i].value, size, rows[i].dn);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L24__dns_are_compared_by_what_they_mean),
		cmocka_unit_test(L24__other_names_are_other_names),
		cmocka_unit_test(dn__lies_under_its_base_and_not_beside_it),
		cmocka_unit_test(dn__is_valid_or_not),
		cmocka_unit_test(L02__only_a_whole_uid_is_taken_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
