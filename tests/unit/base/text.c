#include <string.h>

#include "base/text.h"
#include "tests/lib/unit.h"

static void base32__matches_rfc4648(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"", ""}, {"f", "co"}, {"fo", "cpng"}, {"foo", "cpnmu"},
		{"foob", "cpnmuog"}, {"fooba", "cpnmuoj1"}, {"foobar", "cpnmuoj1e8"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		text_base32(text, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(text, rows[i][1]);
		char back[32];
		size_t size;
		assert_true(text_from_base32(text, strlen(text), back, sizeof back, &size));
		assert_int_equal(size, strlen(rows[i][0]));
		assert_memory_equal(back, rows[i][0], size);
	}
}

static void base32__is_read_in_either_case(void **state)
{
	(void)state;
	char back[8];
	size_t size;
	assert_true(text_from_base32("CPNMU", 5, back, sizeof back, &size));
	assert_memory_equal(back, "foo", 3);
}

static void base32__refuses_what_the_encoder_would_not_make(void **state)
{
	(void)state;
	static const char *const bad[] = {"c", "cp1", "cpn", "cpnmw", "cp=", "wp", "cpnmuo"};
	char back[8];
	size_t size;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(text_from_base32(bad[i], strlen(bad[i]), back, sizeof back, &size));
	assert_false(text_from_base32("cpnmuoj1e8", 10, back, 5, &size));
}

static void base64_and_hex__take_exact_sizes_only(void **state)
{
	(void)state;
	uint8_t bytes[4] = {0xfb, 0xff, 0, 1};
	char text[16];
	uint8_t back[4];
	text_base64(text, bytes, sizeof bytes);
	assert_string_equal(text, "-_8AAQ");
	assert_true(text_from_base64_exact(text, back, 4));
	assert_memory_equal(bytes, back, 4);
	assert_false(text_from_base64_exact("-_8AAQ==", back, 4));
	assert_false(text_from_base64_exact("-_8AAR", back, 4));
	assert_false(text_from_base64_exact("-_8", back, 4));
	text_hex(text, bytes, sizeof bytes);
	assert_string_equal(text, "fbff0001");
	assert_true(text_from_hex_exact(text, back, 4));
	assert_false(text_from_hex_exact("fbff000", back, 4));
	assert_false(text_from_hex_exact("fbff000g", back, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base32__matches_rfc4648),
		cmocka_unit_test(base32__is_read_in_either_case),
		cmocka_unit_test(base32__refuses_what_the_encoder_would_not_make),
		cmocka_unit_test(base64_and_hex__take_exact_sizes_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
