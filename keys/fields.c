#include "keys/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys/identity.h"

#define FIELD_BYTES_MAX 192 /* the largest place of FIELD_HEX and FIELD_BASE64 */

/* Looks at brackets only, so that the parser never goes deeper than we want it to. */
static bool is_shallow(const char *text, size_t size)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '{' || text[i] == '[') && ++depth > FIELDS_DEPTH_MAX)
			return false;
		else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
	}
	return true;
}

enum fault fields_parse(const void *text, size_t size, json_t **ret_object, struct why *why)
{
	if (!is_shallow(text, size))
		return why_set(why, FAULT_MALFORMED, "the JSON is nested too deeply");
	json_error_t error;
	AUTO(json_decref) json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return why_set(why, FAULT_MEMORY, "no memory for JSON");
	if (!object)
		return why_set(why, FAULT_MALFORMED, "no JSON that can be read (line %d, column %d)",
			       error.line, error.column);
	if (!json_is_object(object))
		return why_set(why, FAULT_MALFORMED, "no JSON object");
	*ret_object = TAKE(object);
	return FAULT_NONE;
}

const char *fields_word(const char *const *words, uint64_t value)
{
	for (uint64_t i = 0; i == 0 || words[i]; i++)
		if (i == value && words[i])
			return words[i];
	return "?";
}

bool fields_word_value(const char *const *words, const char *word, uint64_t *ret_value)
{
	for (uint64_t i = 0; i == 0 || words[i]; i++)
		if (words[i] && strcmp(words[i], word) == 0) {
			*ret_value = i;
			return true;
		}
	return false;
}

static void store_integer(void *place, size_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)place = (uint8_t)value;
		return;
	case 4:
		*(uint32_t *)place = (uint32_t)value;
		return;
	case 8:
		*(uint64_t *)place = value;
		return;
	default:
		abort();
	}
}

static uint64_t load_integer(const void *place, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)place;
	case 4:
		return *(const uint32_t *)place;
	case 8:
		return *(const uint64_t *)place;
	default:
		abort();
	}
}

static bool is_zeros(const void *place, size_t size)
{
	return sodium_is_zero(place, size) == 1;
}

static enum fault malformed(const struct field *field, const char *wanted, struct why *why)
{
	return why_set(why, FAULT_MALFORMED, "the member '%s' is not %s", field->name, wanted);
}

/* -- reading -------------------------------------------------------------------------- */

static enum fault read_bytes(const struct field *field, const json_t *value, uint8_t *place, struct why *why)
{
	const char *text = json_string_value(value);
	bool hex = field->form == FIELD_HEX;

	if (!text || !(hex ? text_from_hex_exact : text_from_base64_exact)(text, place, field->size))
		return why_set(why, FAULT_MALFORMED, "the member '%s' is not %zu bytes in %s", field->name,
			       field->size, hex ? "hex" : "base64url");
	if (is_zeros(place, field->size))
		return malformed(field, "allowed to be zeros", why);
	return FAULT_NONE;
}

static enum fault read_name(const struct field *field, const json_t *value, char *place, struct why *why)
{
	const char *text = json_string_value(value);
	if (!text || strlen(text) >= field->size)
		return malformed(field, "a name", why);
	enum fault fault = identity_check_name(text, why);
	if (fault)
		return why_in(why, FAULT_MALFORMED, "the member '%s'", field->name);
	memset(place, 0, field->size);
	memcpy(place, text, strlen(text));
	return FAULT_NONE;
}

static bool has_control(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0))
			return true;
	return false;
}

/* That it is UTF-8 without zero bytes, the parser has seen to. */
static enum fault read_text(const struct field *field, const json_t *value, char *place, struct why *why)
{
	const char *text = json_string_value(value);
	if (!text || text[0] == 0 || strlen(text) >= field->size)
		return why_set(why, FAULT_MALFORMED, "the member '%s' is not a text of 1 to %zu bytes",
			       field->name, field->size - 1);
	if (field->form == FIELD_TEXT && has_control(text))
		return malformed(field, "free of control characters", why);
	memset(place, 0, field->size);
	memcpy(place, text, strlen(text));
	return FAULT_NONE;
}

static enum fault read_integer(const struct field *field, const json_t *value, void *place, struct why *why)
{
	if (!json_is_integer(value) || json_integer_value(value) < field->least ||
	    json_integer_value(value) > field->most)
		return why_set(why, FAULT_MALFORMED,
			       "the member '%s' is not an integer from %" PRId64 " to %" PRId64, field->name,
			       field->least, field->most);
	store_integer(place, field->size, (uint64_t)json_integer_value(value));
	return FAULT_NONE;
}

static enum fault read_choice(const struct field *field, const json_t *value, void *place, struct why *why)
{
	const char *text = json_string_value(value);
	uint64_t choice;

	if (!text || !fields_word_value(field->words, text, &choice))
		return malformed(field, "one of the words allowed", why);
	store_integer(place, field->size, choice);
	return FAULT_NONE;
}

static enum fault read_boolean(const struct field *field, const json_t *value, bool *place, struct why *why)
{
	if (!json_is_boolean(value))
		return malformed(field, "true or false", why);
	*place = json_is_true(value);
	return FAULT_NONE;
}

static enum fault read_list(const struct field *field, const json_t *value, struct why *why)
{
	if (!json_is_array(value))
		return malformed(field, "a list", why);
	if (json_array_size(value) > (size_t)field->most)
		return why_set(why, FAULT_MALFORMED, "the list '%s' is longer than %" PRId64, field->name,
			       field->most);
	return FAULT_NONE;
}

static enum fault read_field(const struct field *field, const json_t *value, void *into, struct why *why);

static enum fault read_element(const struct field_elements *elements, const json_t *value, void *element,
			       struct why *why)
{
	if (elements->bare)
		return read_field(elements->fields, value, element, why);
	return fields_read(elements->fields, elements->field_count, value, element, why);
}

static enum fault read_structs(const struct field *field, const json_t *value, uint8_t *into, struct why *why)
{
	const struct field_elements *elements = field->elements;
	const size_t count = json_array_size(value);

	assert((size_t)field->most * elements->size <= field->size);
	if (!json_is_array(value) || count < (size_t)field->least || count > (size_t)field->most)
		return why_set(why, FAULT_MALFORMED,
			       "the member '%s' is not a list of %" PRId64 " to %" PRId64, field->name,
			       field->least, field->most);
	for (size_t i = 0; i < count; i++) {
		enum fault fault = read_element(elements, json_array_get(value, i),
						into + field->offset + i * elements->size, why);
		if (fault)
			return why_in(why, fault, "'%s', element %zu", field->name, i + 1);
	}
	*(size_t *)(void *)(into + elements->count_offset) = count;
	return FAULT_NONE;
}

static enum fault read_field(const struct field *field, const json_t *value, void *into, struct why *why)
{
	void *place = (uint8_t *)into + field->offset;

	switch (field->form) {
	case FIELD_HEX:
	case FIELD_BASE64:
		return read_bytes(field, value, place, why);
	case FIELD_NAME:
		return read_name(field, value, place, why);
	case FIELD_TEXT:
	case FIELD_SECRET:
		return read_text(field, value, place, why);
	case FIELD_INTEGER:
		return read_integer(field, value, place, why);
	case FIELD_CHOICE:
		return read_choice(field, value, place, why);
	case FIELD_BOOLEAN:
		return read_boolean(field, value, place, why);
	case FIELD_OBJECT:
		return json_is_object(value) ? FAULT_NONE : malformed(field, "an object", why);
	case FIELD_OBJECT_OR_NULL:
		return json_is_object(value) || json_is_null(value)
			       ? FAULT_NONE
			       : malformed(field, "an object or null", why);
	case FIELD_LIST:
		return read_list(field, value, why);
	case FIELD_STRUCTS:
		return read_structs(field, value, into, why);
	}
	abort();
}

static bool is_known(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return true;
	return false;
}

static enum fault refuse_unknown(const struct field *fields, size_t count, const json_t *object,
				 struct why *why)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name,
			    value) if (!is_known(fields, count,
						 name)) return why_set(why, FAULT_MALFORMED,
								       "the member '%.40s' is not known here",
								       name);
	return FAULT_NONE;
}

enum fault fields_read(const struct field *fields, size_t count, const json_t *object, void *into,
		       struct why *why)
{
	if (!json_is_object(object))
		return why_set(why, FAULT_MALFORMED, "no JSON object");
	enum fault fault = refuse_unknown(fields, count, object, why);
	for (size_t i = 0; i < count && !fault; i++) {
		const json_t *value = json_object_get(object, fields[i].name);
		if (value)
			fault = read_field(&fields[i], value, into, why);
		else if (fields[i].optional)
			memset((uint8_t *)into + fields[i].offset, 0, fields[i].size);
		else
			fault = why_set(why, FAULT_MALFORMED, "the member '%s' is missing", fields[i].name);
	}
	return fault;
}

/* -- writing -------------------------------------------------------------------------- */

static json_t *bytes_value(const struct field *field, const uint8_t *place)
{
	char text[HEX_LENGTH(FIELD_BYTES_MAX) + 1];

	assert(field->size <= FIELD_BYTES_MAX);
	(field->form == FIELD_HEX ? text_hex : text_base64)(text, place, field->size);
	return json_string(text);
}

static json_t *value_of(const struct field *field, const void *place)
{
	switch (field->form) {
	case FIELD_HEX:
	case FIELD_BASE64:
		return bytes_value(field, place);
	case FIELD_NAME:
	case FIELD_TEXT:
	case FIELD_SECRET:
		return json_string(place);
	case FIELD_INTEGER:
		return json_integer((json_int_t)load_integer(place, field->size));
	case FIELD_CHOICE:
		return json_string(fields_word(field->words, load_integer(place, field->size)));
	case FIELD_BOOLEAN:
		return json_boolean(*(const bool *)place);
	case FIELD_OBJECT:
	case FIELD_OBJECT_OR_NULL:
	case FIELD_LIST:
	case FIELD_STRUCTS:
		break;
	}
	abort();
}

static bool is_left_out(const struct field *field, const uint8_t *place)
{
	if (field->form == FIELD_OBJECT || field->form == FIELD_OBJECT_OR_NULL || field->form == FIELD_LIST)
		return true;
	if (field->optional && (field->form == FIELD_TEXT || field->form == FIELD_SECRET))
		return place[0] == 0;
	return field->optional && is_zeros(place, field->size);
}

enum fault fields_set(json_t *object, const char *name, json_t *value, struct why *why)
{
	if (json_object_set_new(object, name, value) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the member '%s'", name);
	return FAULT_NONE;
}

enum fault fields_append(json_t *array, json_t *value, struct why *why)
{
	if (json_array_append_new(array, value) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for a list");
	return FAULT_NONE;
}

static enum fault write_structs(const struct field *field, const uint8_t *from, json_t **ret_list,
				struct why *why)
{
	const struct field_elements *elements = field->elements;
	const size_t count = *(const size_t *)(const void *)(from + elements->count_offset);
	AUTO(json_decref) json_t *list = json_array();
	enum fault fault = list ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for a list");

	assert(count <= (size_t)field->most);
	for (size_t i = 0; i < count && !fault; i++) {
		const uint8_t *element = from + field->offset + i * elements->size;
		json_t *value = NULL;
		if (elements->bare)
			value = value_of(elements->fields, element + elements->fields->offset);
		else
			fault = fields_write(elements->fields, elements->field_count, element, &value, why);
		if (!fault)
			fault = fields_append(list, value, why);
	}
	if (!fault)
		*ret_list = TAKE(list);
	return fault;
}

enum fault fields_write(const struct field *fields, size_t count, const void *from, json_t **ret_object,
			struct why *why)
{
	AUTO(json_decref) json_t *object = json_object();
	enum fault fault = object ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for JSON");
	for (size_t i = 0; i < count && !fault; i++) {
		const uint8_t *place = (const uint8_t *)from + fields[i].offset;
		json_t *value = NULL;
		if (is_left_out(&fields[i], place))
			continue;
		if (fields[i].form == FIELD_STRUCTS)
			fault = write_structs(&fields[i], from, &value, why);
		else
			value = value_of(&fields[i], place);
		if (!fault)
			fault = fields_set(object, fields[i].name, value, why);
	}
	if (!fault)
		*ret_object = TAKE(object);
	return fault;
}

enum fault fields_append_text(const json_t *object, struct bytes *text, struct why *why)
{
	AUTO(free) char *json = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	if (!json)
		return why_set(why, FAULT_MEMORY, "no memory to write JSON");
	const size_t size = strlen(json);
	enum fault fault = bytes_reserve(text, text->size + size + 1, why);
	if (!fault)
		fault = bytes_append_text(text, json, why);
	if (!fault)
		fault = bytes_append_text(text, "\n", why);
	secret_wipe(json, size);
	return fault;
}
