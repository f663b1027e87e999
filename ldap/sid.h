/* ldap/sid.h - security identifiers of Active Directory, in bytes ([MS-DTYP] 2.4.2.2).
 *
 * revision 1, count of sub-authorities (1..15), 6 bytes of authority, then the sub-authorities, 4 bytes each,
 * little-endian. The last one, the RID, tells accounts of a domain apart. Any thread.
 */
#ifndef FSENC_LDAP_SID_H
#define FSENC_LDAP_SID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

#define SID_SIZE_MAX 68

struct sid {
	uint8_t bytes[SID_SIZE_MAX];
	size_t size;
};

/* false: no SID. */
MUST_CHECK bool sid_from_value(const void *value, size_t size, struct sid *ret_sid);
uint32_t sid_rid(const struct sid *sid);
/* The SID of the same domain with another RID. */
struct sid sid_sibling(const struct sid *sid, uint32_t rid);

#endif
