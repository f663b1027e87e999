#include "ldap/uuid.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GUID_ORDER \
	{ \
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 \
	}

static const size_t dashes[] = {8, 13, 18, 23};

enum uuid_form uuid_form_of(const char *attribute)
{
	return strcasecmp(attribute, "objectGUID") ? UUID_TEXT : UUID_GUID;
}

static bool from_text(const char *value, size_t size, struct member_id *ret_id)
{
	char hex[ID_TEXT_SIZE];
	size_t at = 0;

	if (size != UUID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0, dash = 0; i < size; i++) {
		bool expected = dash < sizeof dashes / sizeof *dashes && i == dashes[dash];
		if (expected != (value[i] == '-'))
			return false;
		dash += expected;
		if (!expected)
			hex[at++] = value[i];
	}
	hex[at] = 0;
	return member_id_from_text(hex, ret_id);
}

static void reorder(const uint8_t from[static ID_SIZE], uint8_t to[static ID_SIZE])
{
	static const uint8_t order[ID_SIZE] = GUID_ORDER;

	for (size_t i = 0; i < ID_SIZE; i++)
		to[i] = from[order[i]];
}

bool uuid_from_value(enum uuid_form form, const void *value, size_t size, struct member_id *ret_id)
{
	struct member_id id = {.bytes = {0}};

	if (form == UUID_TEXT && !from_text(value, size, &id))
		return false;
	if (form == UUID_GUID) {
		if (size != ID_SIZE)
			return false;
		reorder(value, id.bytes);
	}
	if (member_id_is_none(&id))
		return false;
	*ret_id = id;
	return true;
}

size_t uuid_to_value(enum uuid_form form, const struct member_id *id, char value[static UUID_TEXT_SIZE])
{
	char hex[ID_TEXT_SIZE];

	if (form == UUID_GUID) {
		reorder(id->bytes, (uint8_t *)value);
		return ID_SIZE;
	}
	member_id_text(id, hex);
	return (size_t)snprintf(value, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
				hex + 16, hex + 20);
}
