/* cli/member.h - which entry of an access list a user means. */
#ifndef FSENC_CLI_MEMBER_H
#define FSENC_CLI_MEMBER_H

#include "keys/record.h"

/* By display name, id or fingerprint. FAULT_MISSING; FAULT_INVALID when two have that name. Borrowed from
 * `record`. */
MUST_CHECK enum fault member_find(const struct record *record, const char *words,
				  const struct record_entry **ret_entry, struct why *why);

#endif
