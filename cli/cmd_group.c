/* fsenc add-group, remove-group */
#include "cli/commands.h"
#include "cli/deferral.h"
#include "cli/removal.h"

const struct option_row options_add_group[] = {
	{"role", 0, "ROLE", "reader or writer; reader if not given", OPTION_TEXT, OPTION_AT(role)},
	{"defer", 0, NULL, "while the key servers are down: keep the change for the next 'fsenc sync'",
	 OPTION_FLAG, OPTION_AT(defer)},
	OPTION_ROWS_END,
};

static enum fault check_role(const struct call *call, enum role role, struct why *why)
{
	if (role != ROLE_ADMIN)
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE,
		       "a group is reader or writer in '%s': admins are users, so that what they sign can be "
		       "checked without a server",
		       call->arguments[0]);
}

static enum fault keep_all(struct call *call, const struct target *target, enum role role, struct why *why)
{
	enum fault fault = FAULT_NONE;

	call->hint[0] = '\0';
	for (size_t i = 1; i < call->argument_count && !fault; i++)
		fault = deferral_keep(call, target->keyring, DEFERRED_ADD_GROUP, call->arguments[0],
				      call->arguments[i], role, why);
	return fault;
}

struct found {
	struct signed_object *objects[CALL_MANY];
	size_t count;
};

static void found_done(struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		signed_free(found->objects[i]);
}
AUTO_VALUE(struct found, found_done);

/* All of them before the first change: a misspelt name changes nothing. */
static enum fault find_groups(struct admission *admission, struct found *found, struct why *why)
{
	const struct call *call = admission->call;

	for (size_t i = 1; i < call->argument_count; i++) {
		struct group_descriptor group;
		enum fault fault = admission_find_group(admission, call->arguments[i], &group,
							&found->objects[found->count], why);
		if (fault)
			return fault;
		found->count++;
	}
	return FAULT_NONE;
}

static enum fault let_in(struct admission *admission, struct target *target, const struct found *found,
			 enum role role, struct why *why)
{
	for (size_t i = 0; i < found->count; i++) {
		enum fault fault = admission_let_in_group(admission, target, found->objects[i], role, why);

		if (fault && i)
			return why_in(why, FAULT_PARTIAL, "%zu of %zu groups added", i, found->count);
		if (fault)
			return fault;
	}
	return FAULT_NONE;
}

enum fault cmd_add_group(struct call *call, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(admission_done) struct admission admission = admission_of(call, NULL);
	AUTO(found_done) struct found found = {.count = 0};
	enum role role = ROLE_READER;
	enum fault fault = admission_role(call, &role, why);

	if (!fault)
		fault = check_role(call, role, why);
	if (!fault)
		fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);
	if (!fault)
		fault = target_check_admin(&target, why);
	if (fault)
		return fault;
	admission.keyring = target.keyring;
	fault = admission_may_change(&admission, why);
	if (!fault)
		fault = find_groups(&admission, &found, why);
	if (fault == FAULT_UNREACHABLE && call->options->defer)
		return keep_all(call, &target, role, why);
	if (fault == FAULT_UNREACHABLE)
		return call_hint(call, fault, "again when a key server answers, or now with --defer");
	if (!fault)
		fault = let_in(&admission, &target, &found, role, why);
	if (fault == FAULT_EXISTS)
		return call_hint(call, fault, "fsenc set-role DIR GROUP %s", role_text(role));
	return fault ? fault : deferral_run(&admission, why);
}

enum fault cmd_remove_group(struct call *call, struct why *why)
{
	return removal_of(call, MEMBER_GROUP, why);
}
