#include "base/bytes.h"

#include <string.h>

void bytes_done(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = BYTES_EMPTY;
}

enum fault bytes_reserve(struct bytes *bytes, size_t room, struct why *why)
{
	if (room + 1 <= bytes->room)
		return FAULT_NONE;
	size_t larger = bytes->room ? bytes->room : 64;
	while (larger < room + 1)
		larger *= 2;
	uint8_t *data = realloc(bytes->data, larger);
	if (!data)
		return why_set(why, FAULT_MEMORY, "no memory for %zu bytes", larger);
	bytes->data = data;
	bytes->room = larger;
	return FAULT_NONE;
}

enum fault bytes_append(struct bytes *bytes, const void *data, size_t size, struct why *why)
{
	enum fault fault = bytes_reserve(bytes, bytes->size + size, why);
	if (fault)
		return fault;
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	bytes->data[bytes->size] = 0;
	return FAULT_NONE;
}

enum fault bytes_append_text(struct bytes *bytes, const char *text, struct why *why)
{
	return bytes_append(bytes, text, strlen(text), why);
}
