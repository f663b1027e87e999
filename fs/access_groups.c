#include "fs/access_groups.h"

/* folder_file_offer_group() or folder_file_require_group() */
typedef enum fault (*take_group)(struct folder_file *file, const struct signed_object *object,
				 const struct organisation *organisation, struct why *why);

static enum fault take_known(struct keyring *keyring, const struct member_id *id, take_group take,
			     struct folder_file *file, const struct organisation *organisation,
			     struct why *why)
{
	struct group_descriptor known;
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = keyring_group(keyring, id, &known, &object, why);
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	return take(file, object, organisation, why);
}

static bool is_ours(const struct share *share, const struct organisation *organisation)
{
	const struct organisation_id own = organisation_id_of(organisation);

	return organisation_id_equal(&share_record_of(share)->organisation, &own);
}

static enum fault require_groups(const struct access_place *place, struct folder_file *file,
				 const struct organisation *organisation, struct why *why)
{
	struct keyring *keyring = share_keyring(place->share);
	struct keyring_policy policy;
	enum fault fault = is_ours(place->share, organisation) ? keyring_policy(keyring, &policy, why)
							       : FAULT_MISSING;
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	for (size_t i = 0; i < policy.policy.recovery_count && !fault; i++)
		fault = take_known(keyring, &policy.policy.recovery[i], folder_file_require_group, file,
				   organisation, why);
	return fault;
}

enum fault access_trust_groups(const struct access_place *place, struct folder_file *file, struct why *why)
{
	struct keyring *keyring = share_keyring(place->share);
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = keyring_organisation(keyring, &own, why);
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	fault = folder_file_trust_groups(file, &own.organisation, why);
	/* What the keyring knows may be newer than what came with the file. */
	for (size_t i = 0; i < file->record->entry_count && !fault; i++)
		if (file->record->entries[i].kind != MEMBER_USER)
			fault = take_known(keyring, &file->record->entries[i].id, folder_file_offer_group,
					   file, &own.organisation, why);
	return fault ? fault : require_groups(place, file, &own.organisation, why);
}

/* -- the policy ------------------------------------------------------------------------------ */

enum fault access_policy(const struct share *share, struct keyring_policy *ret_policy, struct why *why)
{
	struct keyring *keyring = share_keyring(share);
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = FAULT_NONE;
	if (organisation_id_is_none(&share_record_of(share)->organisation))
		return why_set(why, FAULT_MISSING, "the share is of no organisation");
	fault = keyring_organisation(keyring, &own, why);
	if (!fault && !is_ours(share, &own.organisation))
		fault = why_set(why, FAULT_MISSING, "the share is of another organisation");
	return fault ? fault : keyring_policy(keyring, ret_policy, why);
}

/* -- recovery groups of new folders ------------------------------------------------------------ */

void access_recovery_done(struct access_recovery *recovery)
{
	for (size_t i = 0; i < recovery->count; i++)
		signed_free(recovery->list[i]);
	recovery->count = 0;
	keyring_organisation_done(&recovery->own);
}

static enum fault gather(struct keyring *keyring, const struct policy *policy,
			 struct access_recovery *recovery, struct why *why)
{
	for (size_t i = 0; i < policy->recovery_count; i++) {
		struct group_descriptor group;
		enum fault fault = keyring_group(keyring, &policy->recovery[i], &group, &recovery->list[i],
						 why);
		if (fault == FAULT_MISSING)
			return why_set(why, FAULT_KEY_MISSING,
				       "a recovery group that the policy asks for is not in the keyring; run "
				       "'fsenc sync'");
		if (fault)
			return fault;
		recovery->count++;
	}
	return FAULT_NONE;
}

enum fault access_require_recovery(const struct share *share, struct access_recovery *recovery,
				   struct folder_new_options *options, struct why *why)
{
	struct keyring *keyring = share_keyring(share);
	struct keyring_policy policy;
	enum fault fault = keyring_organisation(keyring, &recovery->own, why);
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	if (!is_ours(share, &recovery->own.organisation))
		return FAULT_NONE;
	fault = keyring_policy(keyring, &policy, why);
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	fault = gather(keyring, &policy.policy, recovery, why);
	options->recovery = (const struct signed_object *const *)recovery->list;
	options->recovery_count = recovery->count;
	options->signer = &recovery->own.organisation;
	return fault;
}
