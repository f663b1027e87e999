/* ldap/listing.h - what one group's entry lists, as it stands there: DNs and names.
 *
 * Long attributes come in ranges (Active Directory, 1500 values or fewer at a time), and are asked for until
 * the last. The optional UID of a uniqueMember is left away.
 */
#ifndef FSENC_LDAP_LISTING_H
#define FSENC_LDAP_LISTING_H

#include "ldap/conn.h"
#include "ldap/sid.h"

struct listing_texts {
	char **texts;
	size_t count;
	size_t room;
};

struct listing {
	struct listing_texts dns;
	struct listing_texts names;
	struct sid sid; /* of the group; size 0: none */
};

#define LISTING_EMPTY ((struct listing){.sid = {.size = 0}})

void listing_done(struct listing *listing);
AUTO_VALUE(struct listing, listing_done);

/* `most`: more values than that are LIMITED. A group that is gone lists nothing. */
MUST_CHECK enum directory_reason listing_read(struct conn *conn, const char *group_dn, size_t most,
					      int64_t deadline, struct listing *ret_listing, struct why *why);

#endif
