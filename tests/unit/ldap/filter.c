#include "ldap/filter.h"

#include <string.h>

#include "tests/lib/unit.h"

static void L23__a_value_never_becomes_a_part_of_the_filter(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		size_t size;
		const char *text;
	} rows[] = {
		{"alice", 5, "(uid=alice)"},
		{"*", 1, "(uid=\\2A)"},
		{"a)(uid=*", 8, "(uid=a\\29\\28uid=\\2A)"},
		{"a\\b", 3, "(uid=a\\5Cb)"},
		{"\0\xff\x01", 3, "(uid=\\00\\FF\\01)"},
		{"", 0, "(uid=)"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(filter_done) struct filter filter = FILTER_EMPTY;
		filter_equal(&filter, "uid", rows[i].value, rows[i].size);
		assert_string_equal(filter_text(&filter), rows[i].text);
	}
}

static void L23__every_byte_of_a_value_is_either_a_plain_letter_or_escaped(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		AUTO(filter_done) struct filter filter = FILTER_EMPTY;
		char value = (char)byte;
		filter_equal(&filter, "a", &value, 1);
		const char *text = filter_text(&filter);
		size_t size = strlen(text);
		assert_true(size == 5 || (size == 7 && text[3] == '\\'));
		assert_true(size == 7 || !strchr("()*\\", (char)byte));
		assert_true(filter_is_whole(text));
	}
}

static void filter__is_put_together_of_parts(void **state)
{
	(void)state;
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	filter_open(&filter, FILTER_AND);
	filter_open(&filter, FILTER_OR);
	filter_equal_text(&filter, "objectClass", "user");
	filter_present(&filter, "memberURL");
	filter_close(&filter);
	filter_open(&filter, FILTER_NOT);
	filter_equal_text(&filter, "cn", "x");
	filter_close(&filter);
	filter_rule(&filter, "member", "1.2.3", "cn=(a),dc=x");
	filter_add(&filter, "(description=*)");
	filter_add(&filter, NULL);
	filter_close(&filter);
	assert_string_equal(
		filter_text(&filter),
		"(&(|(objectClass=user)(memberURL=*))(!(cn=x))(member:1.2.3:=cn=\\28a\\29,dc=x)(description=*))");
}

static void filter__of_an_administrator_is_whole_or_refused(void **state)
{
	(void)state;
	static const char *const whole[] = {"(cn=a)", "(&(cn=a)(!(b=*)))", "(cn=\\2a\\29)"};
	static const char *const broken[] = {
		"", "cn=a", "(cn=a", "cn=a)", "(cn=a))", "(cn=a)(cn=b)", "(cn=\\2)", "(cn=\\)", "(cn=a) "};
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		assert_true(filter_is_whole(whole[i]));
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		if (filter_is_whole(broken[i]))
			fail_msg("'%s' passes", broken[i]);
}

static void filter__takes_names_of_attributes_only(void **state)
{
	(void)state;
	assert_true(filter_is_attribute("memberOf") && filter_is_attribute("1.2.840.113556.1.4.803"));
	assert_true(filter_is_attribute("userCertificate;binary") && filter_is_attribute("ipa-unique-id"));
	assert_false(filter_is_attribute("") || filter_is_attribute("a=b") || filter_is_attribute("a)") ||
		     filter_is_attribute("a b") || filter_is_attribute("-a") || filter_is_attribute("a*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L23__a_value_never_becomes_a_part_of_the_filter),
		cmocka_unit_test(L23__every_byte_of_a_value_is_either_a_plain_letter_or_escaped),
		cmocka_unit_test(filter__is_put_together_of_parts),
		cmocka_unit_test(filter__of_an_administrator_is_whole_or_refused),
		cmocka_unit_test(filter__takes_names_of_attributes_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
