/* fs/access_groups.h - the groups of the organisation on access lists that are made or changed here.
 *
 * Descriptors come from the list itself and from the keyring; only what the keyring's organisation signed is
 * used, the newest first. Without an organisation in the keyring nothing is trusted and nothing required.
 */
#ifndef FSENC_FS_ACCESS_GROUPS_H
#define FSENC_FS_ACCESS_GROUPS_H

#include "fs/access.h"
#include "keys/keyring_service.h"

/* Before a change of `file`: its groups can then be wrapped to, and the recovery groups that the policy requires are
 * let in by whatever change comes, as far as the keyring has their descriptors. */
MUST_CHECK enum fault access_trust_groups(const struct access_place *place, struct folder_file *file,
					  struct why *why);

/* The policy that holds on this share: the last verified one of the keyring, where the share is of its organisation.
 * FAULT_MISSING: none does. */
MUST_CHECK enum fault access_policy(const struct share *share, struct keyring_policy *ret_policy,
				    struct why *why);

/* The recovery groups that the policy requires; what `options` points to until it is done. */
struct access_recovery {
	struct keyring_organisation own;
	struct signed_object *list[ORGANISATION_RECOVERY_MAX];
	size_t count;
};
void access_recovery_done(struct access_recovery *recovery);
AUTO_VALUE(struct access_recovery, access_recovery_done);
/* Puts them into the options of a folder about to be made; only where the share is of the keyring's
 * organisation. FAULT_KEY_MISSING names the group whose descriptor is not in the keyring. */
MUST_CHECK enum fault access_require_recovery(const struct share *share, struct access_recovery *recovery,
					      struct folder_new_options *options, struct why *why);

#endif
