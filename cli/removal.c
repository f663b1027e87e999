#include "cli/removal.h"

#include "cli/admission.h"
#include "fs/access_groups.h"
#include "cli/member.h"
#include "cli/target.h"
#include "cli/terminal.h"

struct removal {
	struct call *call;
	enum member_kind kind;
	const struct identity *identity;
};

static enum fault find_members(const struct removal *removal, const struct record *record,
			       struct member_id *members, struct why *why)
{
	const struct call *call = removal->call;

	for (size_t i = 1; i < call->argument_count; i++) {
		const struct record_entry *entry;
		enum fault fault = member_find(record, call->arguments[i], &entry, why);

		if (fault)
			return fault;
		if (entry->kind != removal->kind)
			return why_set(why, FAULT_INVALID, "'%s' is no %s but a %s", entry->name,
				       member_kind_text(removal->kind), member_kind_text(entry->kind));
		members[i - 1] = entry->id;
	}
	return FAULT_NONE;
}

static enum fault members_new(const struct removal *removal, const struct record *record,
			      struct member_id **ret_members, struct why *why)
{
	AUTO(free) struct member_id *members = calloc(removal->call->argument_count, sizeof(*members));
	enum fault fault;

	if (!members)
		return why_set(why, FAULT_MEMORY, "no memory for the members");
	fault = find_members(removal, record, members, why);
	if (!fault)
		*ret_members = TAKE(members);
	return fault;
}

static enum fault remove_all(void *context, const struct folder_file *present, const struct folder_keys *keys,
			     struct folder_file **ret_next, struct why *why)
{
	const struct removal *removal = context;
	AUTO(free) struct member_id *members = NULL;
	enum fault fault = members_new(removal, present->record, &members, why);

	if (fault)
		return fault;
	return folder_change_remove(present, keys, removal->identity, members,
				    removal->call->argument_count - 1, ret_next, why);
}

/* Goes as far as the change would, without storing it. */
static enum fault remove_dry(struct target *target, struct removal *removal, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_file_free) struct folder_file *next = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = access_read(&target->access, &file, why);

	if (!fault)
		fault = access_trust_groups(&target->access, file, why);
	if (!fault)
		fault = folder_keys_open(file, removal->identity, &keys, why);
	if (!fault)
		fault = remove_all(removal, file, keys, &next, why);
	if (!fault)
		call_say(removal->call,
			 "Would take out %zu %s(s) and start generation %u, wrapped to %zu member(s).",
			 removal->call->argument_count - 1, member_kind_text(removal->kind),
			 record_newest(next->record)->number, next->record->entry_count);
	return fault;
}

/* Does it leave one single key that opens the folder? Then somebody should know it before. */
static enum fault warn_last_key(const struct removal *removal, const struct target *target, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(free) struct member_id *members = NULL;
	struct folder_openers left;
	bool yes = true;
	enum fault fault = access_read(&target->access, &file, why);

	if (!fault)
		fault = members_new(removal, file->record, &members, why);
	if (fault)
		return fault;
	left = folder_openers_without(file->record, members, removal->call->argument_count - 1);
	if (left.users != 1 || left.groups + left.recovery > 0 || file->record->entry_count < 2)
		return FAULT_NONE;
	call_say(removal->call,
		 "Warning: one key is left that opens this folder; if it is lost, so is what lies there.");
	if (call_always(removal->call)->yes || call_always(removal->call)->no_input || !terminal_exists())
		return FAULT_NONE;
	fault = terminal_ask_yes("Take them out", &yes, why);
	if (!fault && !yes)
		fault = why_set(why, FAULT_FAILED, "nothing was changed");
	return fault;
}

static enum fault remove_now(struct removal *removal, struct target *target, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = admission_allows_change(removal->call, target->keyring, why);

	if (!fault)
		fault = warn_last_key(removal, target, why);
	if (!fault)
		fault = access_change(&target->access, remove_all, removal, &file, why);
	if (fault)
		return fault;
	enrolled_report(removal->call, target->keyring, file);
	call_say(removal->call,
		 "Generation %u: what is written from now on is closed to them; "
		 "what they could read before they may have kept.",
		 record_newest(file->record)->number);
	return FAULT_NONE;
}

enum fault removal_of(struct call *call, enum member_kind kind, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	struct removal removal = {.call = call, .kind = kind};
	enum fault fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);

	if (!fault)
		fault = keyring_identity(target.keyring, &removal.identity, why);
	if (fault)
		return fault;
	fault = call->options->dry_run ? remove_dry(&target, &removal, why) : remove_now(&removal, &target, why);
	if (fault == FAULT_MISSING)
		(void)call_hint(call, fault, "fsenc members %s", call->arguments[0]);
	return fault;
}
