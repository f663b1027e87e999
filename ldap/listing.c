#include "ldap/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ldap/dn.h"
#include "ldap/filter.h"
#include "ldap/search.h"

#define ATTRIBUTE_ROOM 128

static void texts_done(struct listing_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->texts[i]);
	free(texts->texts);
}

void listing_done(struct listing *listing)
{
	texts_done(&listing->dns);
	texts_done(&listing->names);
	*listing = LISTING_EMPTY;
}

/* Reads one attribute of one group, part by part. */
struct reading {
	const struct member_attribute *attribute;
	struct listing *listing;
	size_t most;
	uint64_t from;
	bool last;
};

static bool keep(struct listing_texts *texts, const char *value, size_t size)
{
	if (texts->count == texts->room) {
		size_t room = texts->room ? 2 * texts->room : 64;
		char **more = reallocarray(texts->texts, room, sizeof *more);
		if (!more)
			return false;
		texts->texts = more;
		texts->room = room;
	}
	texts->texts[texts->count] = strndup(value, size);
	return texts->texts[texts->count++] != NULL;
}

/* A value with a zero byte in it names nobody. */
static enum directory_reason keep_value(struct reading *reading, const struct berval *value, struct why *why)
{
	struct listing *listing = reading->listing;
	enum member_form form = reading->attribute->form;
	size_t size = form == MEMBER_DN_UID ? dn_without_uid(value->bv_val, value->bv_len) : value->bv_len;

	if (memchr(value->bv_val, 0, size))
		return DIRECTORY_REASON_NONE;
	if (listing->dns.count + listing->names.count >= reading->most)
		return reason_set(why, DIRECTORY_REASON_LIMITED, "the group lists more than %zu members",
				  reading->most);
	return keep(form == MEMBER_NAME ? &listing->names : &listing->dns, value->bv_val, size)
		       ? DIRECTORY_REASON_NONE
		       : reason_no_memory(why);
}

static enum directory_reason take_sid(const struct entry *entry, struct listing *listing, struct why *why)
{
	const struct entry_attribute *sid = entry_find(entry, "objectSid");

	if (sid && !sid_from_value(sid->values[0].bv_val, sid->values[0].bv_len, &listing->sid))
		return reason_set(why, DIRECTORY_REASON_MALFORMED, "objectSid of '%.200s' is no SID",
				  entry->dn);
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason take(void *context, const struct entry *entry, struct why *why)
{
	struct reading *reading = context;
	struct entry_range range = {.last = true};
	enum directory_reason reason = take_sid(entry, reading->listing, why);

	if (!reason)
		reason = entry_range(entry, reading->attribute->name, reading->from, &range, why);
	for (size_t i = 0; !reason && range.attribute && i < range.attribute->count; i++)
		reason = keep_value(reading, &range.attribute->values[i], why);
	reading->last = range.last;
	reading->from = range.next;
	return reason;
}

static enum directory_reason read_part(struct conn *conn, const char *group_dn, int64_t deadline,
				       struct reading *reading, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	char name[ATTRIBUTE_ROOM];
	const char *attributes[] = {name, "objectSid", NULL};

	(void)snprintf(name, sizeof name, reading->from ? "%s;range=%" PRIu64 "-*" : "%s",
		       reading->attribute->name, reading->from);
	filter_present(&filter, "objectClass");
	const struct search search = {.base = group_dn,
				      .scope = LDAP_SCOPE_BASE,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	reading->last = true;
	return search_run(conn, &search, deadline, take, reading, why);
}

enum directory_reason listing_read(struct conn *conn, const char *group_dn, size_t most, int64_t deadline,
				   struct listing *ret_listing, struct why *why)
{
	AUTO(listing_done) struct listing listing = LISTING_EMPTY;
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	for (const struct member_attribute *attribute = conn_settings(conn)->members;
	     attribute->name && !reason; attribute++) {
		struct reading reading = {.attribute = attribute, .listing = &listing, .most = most};
		do
			reason = read_part(conn, group_dn, deadline, &reading, why);
		while (!reason && !reading.last);
	}
	if (reason)
		return reason;
	*ret_listing = listing;
	listing = LISTING_EMPTY;
	return reason;
}
