/* ldap/entry.h - one entry of a directory's answer, taken apart to its end or not at all.
 *
 * A cut or malformed entry is refused as a whole: were its broken part taken for absent, an account that
 * is switched off could pass for one that is on. Values are bytes of the message and live as long as it;
 * the entry itself is one answer's, used by one thread.
 */
#ifndef FSENC_LDAP_ENTRY_H
#define FSENC_LDAP_ENTRY_H

#include <ldap.h>

#include "ldap/reason.h"

struct entry_attribute {
	const char *name; /* with options, as the server wrote it; not ended by a zero */
	size_t name_size;
	struct berval *values; /* end with bv_val NULL; NULL when there is none */
	size_t count;
};

struct entry {
	char *dn;
	struct entry_attribute *attributes;
	size_t count;
};

#define ENTRY_EMPTY ((struct entry){.dn = NULL})

/* MALFORMED, or FAILED for want of memory. *ret_entry was ENTRY_EMPTY. */
MUST_CHECK enum directory_reason entry_read(LDAP *handle, LDAPMessage *message, struct entry *ret_entry,
					    struct why *why);
void entry_done(struct entry *entry);
AUTO_VALUE(struct entry, entry_done);

/* The attribute of exactly this name, in any case; NULL when the entry does not show it. */
const struct entry_attribute *entry_find(const struct entry *entry, const char *name);

/* The first value as text. false: not there, too long, or with a zero byte in it. */
MUST_CHECK bool entry_text(const struct entry *entry, const char *name, char *out, size_t room);
MUST_CHECK bool entry_id(const struct entry *entry, const char *name, struct member_id *ret_id);
/* MALFORMED when the value is there and no number; `otherwise` when it is not there. */
MUST_CHECK enum directory_reason entry_number(const struct entry *entry, const char *name, int64_t otherwise,
					      int64_t *ret_number, struct why *why);
/* One of the values, in any case; `words` end with NULL. */
bool entry_has_one_of(const struct entry *entry, const char *name, const char *const *words);

/* A part of a long attribute ([MS-ADTS] 3.1.1.3.1.3.3): "member;range=0-1499", the last
 * "member;range=1500-*". A server that sends all of them at once calls it "member". */
struct entry_range {
	const struct entry_attribute *attribute; /* NULL: no values */
	bool last;
	uint64_t next; /* where the next part starts, unless this is the last */
};
/* What was asked for started at `from`; anything else is MALFORMED. */
MUST_CHECK enum directory_reason entry_range(const struct entry *entry, const char *name, uint64_t from,
					     struct entry_range *ret_range, struct why *why);

#endif
