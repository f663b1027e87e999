/* ldap/filter.h - the only place where a search filter is put together.
 *
 * A value is never part of a filter by itself: filter_equal() escapes it with libldap (RFC 4515), so
 * that a user called "*" is looked for as a star, and bytes of a SID or a GUID go through unharmed. A house
 * test (tests/house/filters.sh) looks for filters built anywhere else.
 *
 *     AUTO(filter_done) struct filter filter = FILTER_EMPTY;
 *     filter_open(&filter, FILTER_AND);
 *     filter_equal(&filter, "uid", name, strlen(name));
 *     filter_close(&filter);
 *     const char *text = filter_text(&filter);          // NULL: no memory
 *
 * Attribute names come from our settings, which check them; filter_add() takes a whole filter that
 * the administrator wrote. A failure is remembered and shows in filter_text() only.
 */
#ifndef FSENC_LDAP_FILTER_H
#define FSENC_LDAP_FILTER_H

#include <stdbool.h>

#include "base/bytes.h"

struct filter {
	struct bytes text;
	unsigned depth;
	bool failed;
};

#define FILTER_EMPTY ((struct filter){.text = BYTES_EMPTY})

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT };

void filter_done(struct filter *filter);
AUTO_VALUE(struct filter, filter_done);

void filter_open(struct filter *filter, enum filter_kind kind);
void filter_close(struct filter *filter);
void filter_equal(struct filter *filter, const char *attribute, const void *value, size_t size);
void filter_equal_text(struct filter *filter, const char *attribute, const char *value);
void filter_present(struct filter *filter, const char *attribute);
/* (attribute:rule:=value), with a matching rule's OID. */
void filter_rule(struct filter *filter, const char *attribute, const char *rule, const char *value);
/* A whole filter from the configuration; NULL adds nothing. */
void filter_add(struct filter *filter, const char *whole);

/* The text, which belongs to the filter; every part must be closed. */
const char *filter_text(const struct filter *filter);

/* One pair of parentheses around everything, all closed, escapes sound: what filter_add() may be given. */
bool filter_is_whole(const char *text);
/* A name or OID with options: letters, digits, "-", ".", ";" (RFC 4512, 2.5). */
bool filter_is_attribute(const char *name);

#endif
