#include "fs/completion.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/access_groups.h"
#include "fs/folder_state.h"
#include "keys/client_version.h"

/* A sync of any process of the user counts as an answer of the key servers for as long. */
#define ANSWERED_LATELY_SECONDS 60

/* -- what is missing --------------------------------------------------------------------- */

static size_t find_missing(struct folder *folder, const struct policy *policy,
			   struct member_id ret_missing[static ORGANISATION_RECOVERY_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < policy->recovery_count; i++)
		if (folder_lacks_recovery(folder, &policy->recovery[i]))
			ret_missing[count++] = policy->recovery[i];
	return count;
}

static void name_of(struct keyring *keyring, const struct member_id *id,
		    char name[static DISPLAY_NAME_MAX + 1])
{
	struct group_descriptor group;

	if (keyring_group(keyring, id, &group, NULL, NULL) == FAULT_NONE)
		(void)snprintf(name, DISPLAY_NAME_MAX + 1, "%s", group.name);
	else
		member_id_text(id, name);
}

void completion_lacks(struct folder *folder, struct completion_lacks *ret_lacks)
{
	struct member_id missing[ORGANISATION_RECOVERY_MAX];
	struct keyring_policy policy;

	ret_lacks->count = 0;
	if (access_policy(folder->share, &policy, NULL))
		return;
	ret_lacks->count = find_missing(folder, &policy.policy, missing);
	for (size_t i = 0; i < ret_lacks->count; i++)
		name_of(share_keyring(folder->share), &missing[i], ret_lacks->names[i]);
}

/* -- letting them in ------------------------------------------------------------------------ */

struct completion {
	const struct identity *identity;
	bool needless; /* somebody was faster, or the keyring does not know the group yet */
};

/* Under the lock: the list is the present one. */
static enum fault let_in(void *context, const struct folder_file *present, const struct folder_keys *keys,
			 struct folder_file **ret_next, struct why *why)
{
	struct completion *completion = context;
	enum fault fault = folder_change_complete(present, keys, completion->identity, ret_next, why);

	completion->needless = fault == FAULT_EXISTS;
	return fault;
}

static bool may_sign(const struct keyring_policy *policy)
{
	bool answered = clock_wall_ms() / MS_PER_SECOND - policy->received <= ANSWERED_LATELY_SECONDS;

	return (policy->policy.offline != OFFLINE_BLOCK || answered) &&
	       client_version_check(&policy->policy, NULL) == FAULT_NONE;
}

static void say(struct folder *folder, const struct folder_file *next, const struct member_id *missing,
		size_t count)
{
	char path[RING_PATH_MAX];

	folder_path(folder, path);
	for (size_t i = 0; i < count; i++) {
		const struct record_entry *entry = record_find(next->record, &missing[i]);
		if (entry && entry->kind == MEMBER_RECOVERY)
			log_info("folder '%s' has the recovery group '%s' now, which the policy requires",
				 path, entry->name);
	}
}

static void complain(struct folder *folder, const struct why *why, enum fault fault)
{
	char path[RING_PATH_MAX];

	if (!folder_complains_once(folder))
		return;
	folder_path(folder, path);
	log_warning("folder '%s': the recovery group that the policy requires cannot be let in: %s", path,
		    why_text(why, fault));
}

/* So that `status` has it without waiting for somebody to come by. */
static void look(struct folder *folder)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	if (folder_enter_as_last_seen(folder, FOLDER_READ, &view, NULL) == FAULT_NONE)
		(void)folder_look_now(folder, view);
}

static void complete(struct folder *folder, const struct keyring_policy *policy)
{
	struct completion completion = {.identity = share_identity(folder->share)};
	struct member_id missing[ORGANISATION_RECOVERY_MAX];
	AUTO(folder_file_free) struct folder_file *next = NULL;
	struct why why = WHY_NONE;
	size_t count = find_missing(folder, &policy->policy, missing);

	if (count == 0 || !completion.identity || !folder_is_administered(folder))
		return;
	enum fault fault = folder_amend(folder, let_in, &completion, &next, &why);
	if (!fault)
		say(folder, next, missing, count);
	if (!fault || completion.needless)
		look(folder);
	else if (fault != FAULT_BUSY)
		complain(folder, &why, fault);
}

static bool find_policy(struct share *share, struct keyring_policy *ret_policy)
{
	return !share_options_of(share)->read_only && access_policy(share, ret_policy, NULL) == FAULT_NONE &&
	       ret_policy->policy.recovery_count > 0 && may_sign(ret_policy);
}

void complete_folder(struct folder *folder)
{
	struct keyring_policy policy;

	if (find_policy(folder->share, &policy))
		complete(folder, &policy);
}

static void complete_one(void *context, struct folder *folder)
{
	complete(folder, context);
}

void complete_folders(struct share *share)
{
	struct keyring_policy policy;

	if (find_policy(share, &policy))
		folder_each(share, complete_one, &policy);
}
