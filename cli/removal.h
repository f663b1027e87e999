/* cli/removal.h - taking members out of a folder: what remove-user and remove-group share. */
#ifndef FSENC_CLI_REMOVAL_H
#define FSENC_CLI_REMOVAL_H

#include "cli/options.h"
#include "keys/record.h"

/* DIR and members of one kind in the call's arguments; --dry-run goes as far as the change would. Says what a new
 * generation does and does not protect, and warns before the last key but one's own goes. */
MUST_CHECK enum fault removal_of(struct call *call, enum member_kind kind, struct why *why);

#endif
