#include <string.h>

#include "base/array.h"
#include "keys/fields.h"
#include "keys/id.h"
#include "tests/lib/unit.h"

struct thing {
	struct share_id id;
	uint8_t key[33];
	char name[129];
	uint8_t small;
	uint32_t number;
	uint64_t large;
	int64_t time;
	bool flag;
	uint32_t colour;
	uint32_t maybe;
};

static const char *const colours[] = {NULL, "red", "green", NULL};
static const struct field fields[] = {
	{"id", FIELD_HEX, FIELD_AT(struct thing, id)},
	{"key", FIELD_BASE64, FIELD_AT(struct thing, key)},
	{"name", FIELD_NAME, FIELD_AT(struct thing, name)},
	{"small", FIELD_INTEGER, FIELD_AT(struct thing, small), .most = 255},
	{"number", FIELD_INTEGER, FIELD_AT(struct thing, number), .least = 1, .most = UINT32_MAX},
	{"large", FIELD_INTEGER, FIELD_AT(struct thing, large), .most = FIELDS_INTEGER_MAX},
	{"time", FIELD_INTEGER, FIELD_AT(struct thing, time), .most = FIELDS_INTEGER_MAX},
	{"flag", FIELD_BOOLEAN, FIELD_AT(struct thing, flag)},
	{"colour", FIELD_CHOICE, FIELD_AT(struct thing, colour), .words = colours},
	{"maybe", FIELD_INTEGER, FIELD_AT(struct thing, maybe), .optional = true, .least = 1, .most = 9},
	{"list", FIELD_LIST, .most = 2},
	{.name = "object", .form = FIELD_OBJECT},
};

static const struct thing sample = {
	.id = {{1, 2}},
	.key = {3},
	.name = "Zoë",
	.small = 255,
	.number = UINT32_MAX,
	.large = FIELDS_INTEGER_MAX,
	.time = 1,
	.flag = true,
	.colour = 2,
};

static json_t *sample_json(void)
{
	struct why why = WHY_NONE;
	json_t *json = NULL;
	assert_works(fields_write(fields, COUNT(fields), &sample, &json, &why));
	assert_works(fields_set(json, "list", json_pack("[i]", 1), &why));
	assert_works(fields_set(json, "object", json_object(), &why));
	return json;
}

static void fields__are_read_as_they_were_written(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct thing read;
	memset(&read, 0xaa, sizeof read);
	AUTO(json_decref) json_t *json = sample_json();
	assert_null(json_object_get(json, "maybe"));
	assert_works(fields_read(fields, COUNT(fields), json, &read, &why));
	assert_memory_equal(&read.id, &sample.id, ID_SIZE);
	assert_memory_equal(read.key, sample.key, sizeof read.key);
	assert_memory_equal(read.name, sample.name, sizeof read.name);
	assert_int_equal(read.small, sample.small);
	assert_int_equal(read.number, sample.number);
	assert_int_equal(read.large, sample.large);
	assert_int_equal(read.time, sample.time);
	assert_int_equal(read.flag, sample.flag);
	assert_int_equal(read.colour, sample.colour);
	assert_int_equal(read.maybe, 0);
}

static void fields__name_the_member_that_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *json; /* NULL: taken out */
	} rows[] = {
		{"id", NULL},	     {"id", "\"0g\""}, {"key", "\"\""},	     {"name", "\"\""},
		{"small", "256"},    {"small", "-1"},  {"number", "0"},	     {"number", "4294967296"},
		{"large", "1e3"},    {"time", "null"}, {"flag", "\"true\""}, {"colour", "\"blue\""},
		{"colour", "1"},     {"maybe", "0"},   {"maybe", "10"},	     {"list", "[1,2,3]"},
		{"list", "{}"},	     {"list", NULL},   {"object", "[]"},     {"object", NULL},
		{"unknown", "true"}, {"flag", NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct why why = WHY_NONE;
		struct thing read;
		AUTO(json_decref) json_t *json = sample_json();
		if (rows[i].json)
			json_object_set_new(json, rows[i].name,
					    json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		else
			json_object_del(json, rows[i].name);
		assert_fault(FAULT_MALFORMED, fields_read(fields, COUNT(fields), json, &read, &why));
		assert_non_null(strstr(why.text, rows[i].name));
	}
}

static void fields_parse__goes_as_deep_as_it_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[2 * FIELDS_DEPTH_MAX + 16];
	for (int depth = FIELDS_DEPTH_MAX; depth <= FIELDS_DEPTH_MAX + 1; depth++) {
		int size = snprintf(text, sizeof text, "{\"]\":%.*s1%.*s}", depth - 1, "[[[[[[[[[[[[[[[[",
				    depth - 1, "]]]]]]]]]]]]]]]]");
		AUTO(json_decref) json_t *json = NULL;
		assert_fault(depth > FIELDS_DEPTH_MAX ? FAULT_MALFORMED : FAULT_NONE,
			     fields_parse(text, (size_t)size, &json, &why));
	}
}

static void fields_parse__is_not_misled_by_brackets_in_text(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char good[] = "{\"a\\\"[[[[[[[[[[[[[[[[[[[[\":\"{{{{{{{{{{{{{{{{{{{{\\\\\"}";
	AUTO(json_decref) json_t *json = NULL;
	assert_works(fields_parse(good, sizeof good - 1, &json, &why));
	static const char deep[] = "{\"a\":\"\\\\\",\"b\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}";
	AUTO(json_decref) json_t *none = NULL;
	assert_fault(FAULT_MALFORMED, fields_parse(deep, sizeof deep - 1, &none, &why));
	assert_non_null(strstr(why.text, "deep"));
}

static void fields__find_words(void **state)
{
	(void)state;
	uint64_t value = 9;
	assert_string_equal(fields_word(colours, 1), "red");
	assert_string_equal(fields_word(colours, 0), "?");
	assert_string_equal(fields_word(colours, 3), "?");
	assert_true(fields_word_value(colours, "green", &value));
	assert_int_equal(value, 2);
	assert_false(fields_word_value(colours, "blue", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields__are_read_as_they_were_written),
		cmocka_unit_test(fields__name_the_member_that_is_wrong),
		cmocka_unit_test(fields_parse__goes_as_deep_as_it_says),
		cmocka_unit_test(fields_parse__is_not_misled_by_brackets_in_text),
		cmocka_unit_test(fields__find_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
