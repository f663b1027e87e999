/* ldap/search.h - one search, to its end or not at all.
 *
 * A search that may be long is put as it is, and when the server's limit of entries cuts it, again in pages
 * (RFC 2696) until there are no more; its entries then come twice, which callers that keep a set do not mind.
 * (Pages from the start would be simpler, but slapd does not look into dynamic groups for a paged search.)
 *
 * Whatever else shortens the answer makes the whole search fail: a size, time or administrative limit (slapd
 * caps a paged search too), a reference to another server among the entries, a referral, a page that comes
 * again. So that what is not in an answer is not there.
 *
 * A search that failed leaves its connection spoiled unless the server had said its last word.
 */
#ifndef FSENC_LDAP_SEARCH_H
#define FSENC_LDAP_SEARCH_H

#include "ldap/conn.h"
#include "ldap/entry.h"

#define SEARCH_ENTRIES_MAX 200000 /* more is LIMITED: memory stays bounded */

struct search {
	const char *base;
	int scope; /* LDAP_SCOPE_... */
	const char *filter; /* NULL: no memory for it, which fails the search */
	const char *const *attributes; /* end with NULL */
	bool may_be_long;
};

/* The entry is the search's. Anything but NONE ends the search with it. */
typedef enum directory_reason search_entry(void *context, const struct entry *entry, struct why *why);

/* A base that does not exist: no entry with LDAP_SCOPE_BASE, else REFUSED, as something is wrong with the
 * configuration or with what we may see. */
MUST_CHECK enum directory_reason search_run(struct conn *conn, const struct search *search, int64_t deadline,
					    search_entry *each, void *context, struct why *why);

/* Reads many entries by their DNs, several requests at a time. `each` is told the place in the list and the
 * entry, NULL where there is none (or none that the filter fits); in any order. */
typedef enum directory_reason search_read_entry(void *context, size_t place, const struct entry *entry,
						struct why *why);
MUST_CHECK enum directory_reason search_read_all(struct conn *conn, char *const *dns, size_t count,
						 const char *filter, const char *const *attributes,
						 int64_t deadline, search_read_entry *each, void *context,
						 struct why *why);

#endif
