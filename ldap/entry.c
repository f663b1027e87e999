#include "ldap/entry.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ldap/uuid.h"

#define RANGE_OPTION ";range="
#define NUMBER_ROOM 24

void entry_done(struct entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		ber_memfree(entry->attributes[i].values);
	free(entry->attributes);
	free(entry->dn);
	*entry = ENTRY_EMPTY;
}

/* -- taking apart ------------------------------------------------------------------ */

static enum directory_reason malformed(struct why *why)
{
	return reason_set(why, DIRECTORY_REASON_MALFORMED, "an entry in the directory's answer is malformed");
}

static enum directory_reason take_attribute(struct entry *entry, const struct berval *name,
					    struct berval *values, struct why *why)
{
	if (entry->count % 16 == 0) {
		struct entry_attribute *more = reallocarray(entry->attributes, entry->count + 16,
							    sizeof *more);
		if (!more) {
			ber_memfree(values);
			return reason_no_memory(why);
		}
		entry->attributes = more;
	}
	struct entry_attribute *attribute = &entry->attributes[entry->count++];
	*attribute = (struct entry_attribute){
		.name = name->bv_val, .name_size = name->bv_len, .values = values, .count = 0};
	while (values && values[attribute->count].bv_val)
		attribute->count++;
	return DIRECTORY_REASON_NONE;
}

static void free_ber(BerElement *ber)
{
	ber_free(ber, 0);
}
AUTO_POINTER(BerElement *, free_ber);

/* A DN with a zero byte is nothing that could be asked for again. */
static enum directory_reason take_dn(LDAP *handle, LDAPMessage *message, BerElement **ret_ber,
				     struct entry *entry, struct why *why)
{
	struct berval dn = {.bv_val = NULL};

	if (ldap_get_dn_ber(handle, message, ret_ber, &dn) != LDAP_SUCCESS || !*ret_ber ||
	    memchr(dn.bv_val ? dn.bv_val : "", 0, dn.bv_len))
		return malformed(why);
	entry->dn = strndup(dn.bv_val ? dn.bv_val : "", dn.bv_len);
	return entry->dn ? DIRECTORY_REASON_NONE : reason_no_memory(why);
}

static enum directory_reason take_all(LDAP *handle, LDAPMessage *message, struct entry *entry,
				      struct why *why)
{
	AUTO(free_ber) BerElement *ber = NULL;
	enum directory_reason reason = take_dn(handle, message, &ber, entry, why);

	while (!reason) {
		struct berval name = {.bv_val = NULL};
		struct berval *values = NULL;
		if (ldap_get_attribute_ber(handle, message, ber, &name, &values) != LDAP_SUCCESS)
			return malformed(why);
		if (!name.bv_val)
			break;
		reason = take_attribute(entry, &name, values, why);
	}
	return reason;
}

enum directory_reason entry_read(LDAP *handle, LDAPMessage *message, struct entry *ret_entry, struct why *why)
{
	AUTO(entry_done) struct entry entry = ENTRY_EMPTY;
	enum directory_reason reason = take_all(handle, message, &entry, why);

	if (!reason) {
		*ret_entry = entry;
		entry = ENTRY_EMPTY;
	}
	return reason;
}

/* -- looking ----------------------------------------------------------------------- */

static bool same_text(const char *text, size_t size, const char *word)
{
	return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

const struct entry_attribute *entry_find(const struct entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (entry->attributes[i].count &&
		    same_text(entry->attributes[i].name, entry->attributes[i].name_size, name))
			return &entry->attributes[i];
	return NULL;
}

bool entry_text(const struct entry *entry, const char *name, char *out, size_t room)
{
	const struct entry_attribute *attribute = entry_find(entry, name);
	const struct berval *value = attribute ? &attribute->values[0] : NULL;

	if (!value || value->bv_len >= room || memchr(value->bv_val, 0, value->bv_len))
		return false;
	memcpy(out, value->bv_val, value->bv_len);
	out[value->bv_len] = 0;
	return true;
}

/* An id with two values names nobody. */
bool entry_id(const struct entry *entry, const char *name, struct member_id *ret_id)
{
	const struct entry_attribute *attribute = entry_find(entry, name);

	return attribute && attribute->count == 1 &&
	       uuid_from_value(uuid_form_of(name), attribute->values[0].bv_val, attribute->values[0].bv_len,
			       ret_id);
}

static bool read_number(const char *text, int64_t *ret_number)
{
	char *end = NULL;

	if (!*text || isspace((unsigned char)*text))
		return false;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return !errno && !*end;
}

enum directory_reason entry_number(const struct entry *entry, const char *name, int64_t otherwise,
				   int64_t *ret_number, struct why *why)
{
	char text[NUMBER_ROOM];
	int64_t number;

	if (!entry_find(entry, name)) {
		*ret_number = otherwise;
		return DIRECTORY_REASON_NONE;
	}
	if (!entry_text(entry, name, text, sizeof text) || !read_number(text, &number))
		return reason_set(why, DIRECTORY_REASON_MALFORMED, "%s of '%s' is no number", name,
				  entry->dn);
	*ret_number = number;
	return DIRECTORY_REASON_NONE;
}

bool entry_has_one_of(const struct entry *entry, const char *name, const char *const *words)
{
	const struct entry_attribute *attribute = entry_find(entry, name);

	for (size_t i = 0; attribute && i < attribute->count; i++)
		for (size_t j = 0; words[j]; j++)
			if (same_text(attribute->values[i].bv_val, attribute->values[i].bv_len, words[j]))
				return true;
	return false;
}

/* -- ranges ------------------------------------------------------------------------ */

static bool read_digits(const char **at, const char *end, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *start = *at;

	for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
		if (number > UINT32_MAX)
			return false;
		number = 10 * number + (uint64_t)(**at - '0');
	}
	*ret_number = number;
	return *at > start;
}

/* "0-1499" or "1500-*". */
static bool read_range(const char *at, const char *end, uint64_t *ret_first, uint64_t *ret_last,
		       bool *ret_open)
{
	*ret_open = false;
	if (!read_digits(&at, end, ret_first) || at == end || *at++ != '-')
		return false;
	if (end - at == 1 && *at == '*') {
		*ret_open = true;
		return true;
	}
	return read_digits(&at, end, ret_last) && at == end && *ret_last >= *ret_first;
}

static const char *range_of(const struct entry_attribute *attribute, const char *name)
{
	size_t head = strlen(name);
	size_t option = sizeof RANGE_OPTION - 1;

	if (attribute->name_size <= head + option || strncasecmp(attribute->name, name, head) != 0 ||
	    strncasecmp(attribute->name + head, RANGE_OPTION, option) != 0)
		return NULL;
	return attribute->name + head + option;
}

static enum directory_reason read_part(const struct entry_attribute *attribute, const char *range,
				       uint64_t from, struct entry_range *ret_range, struct why *why)
{
	uint64_t first = 0;
	uint64_t last = 0;
	bool open = false;

	if (!read_range(range, attribute->name + attribute->name_size, &first, &last, &open) ||
	    first != from || (!open && attribute->count != last - first + 1))
		return reason_set(why, DIRECTORY_REASON_MALFORMED,
				  "the directory sent values '%.*s' when %" PRIu64 " and more were asked for",
				  (int)attribute->name_size, attribute->name, from);
	*ret_range = (struct entry_range){
		.attribute = attribute->count ? attribute : NULL, .last = open, .next = last + 1};
	return DIRECTORY_REASON_NONE;
}

/* Active Directory sends an empty "member" beside "member;range=...", so the range is looked for first. */
enum directory_reason entry_range(const struct entry *entry, const char *name, uint64_t from,
				  struct entry_range *ret_range, struct why *why)
{
	for (size_t i = 0; i < entry->count; i++) {
		const char *range = range_of(&entry->attributes[i], name);
		if (range)
			return read_part(&entry->attributes[i], range, from, ret_range, why);
	}
	const struct entry_attribute *whole = entry_find(entry, name);
	if (whole && from > 0)
		return reason_set(why, DIRECTORY_REASON_MALFORMED,
				  "the directory sent all values again when the rest was asked for");
	*ret_range = (struct entry_range){.attribute = whole, .last = true};
	return DIRECTORY_REASON_NONE;
}
