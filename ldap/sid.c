#include "ldap/sid.h"

#include <string.h>

#include "base/bytes.h"

#define SID_HEAD 8
#define SID_PARTS_MAX 15

bool sid_from_value(const void *value, size_t size, struct sid *ret_sid)
{
	const uint8_t *bytes = value;

	if (size < SID_HEAD + 4 || bytes[0] != 1 || bytes[1] > SID_PARTS_MAX ||
	    size != SID_HEAD + 4u * bytes[1])
		return false;
	ret_sid->size = size;
	memcpy(ret_sid->bytes, bytes, size);
	return true;
}

uint32_t sid_rid(const struct sid *sid)
{
	return le32_get(sid->bytes + sid->size - 4);
}

struct sid sid_sibling(const struct sid *sid, uint32_t rid)
{
	struct sid sibling = *sid;

	le32_put(sibling.bytes + sibling.size - 4, rid);
	return sibling;
}
