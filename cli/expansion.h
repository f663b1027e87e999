/* cli/expansion.h - `members --expand`: who can read a folder, and why.
 *
 * Users of the list by themselves, and the members of each group as the directory has them now, with the
 * path of groups that makes each a member. Marked are a member who has no key yet, a group that the directory has
 * lost, and a user with a key of his own whose account is off or gone. A list with groups asks the key servers:
 * FAULT_UNREACHABLE while they are down; without groups the users are listed all the same.
 */
#ifndef FSENC_CLI_EXPANSION_H
#define FSENC_CLI_EXPANSION_H

#include "cli/options.h"
#include "keys/keyring.h"
#include "keys/record.h"

MUST_CHECK enum fault expansion_print(struct call *call, struct keyring *keyring, const struct record *record,
				      struct why *why);

#endif
