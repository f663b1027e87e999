/* The next version of an access list. How it is signed and wrapped is keys/folder_draft.c. */
#include "base/clock.h"
#include "keys/folder_draft.h"

static enum fault check_admin_is_left(const struct record *record, struct why *why)
{
	for (size_t i = 0; i < record->entry_count; i++)
		if (record->entries[i].role == ROLE_ADMIN)
			return FAULT_NONE;
	return why_set(why, FAULT_INVALID,
		       "the folder would have no admin left; make somebody else admin first");
}

enum fault folder_change_add_user(const struct folder_file *file, const struct folder_keys *keys,
				  const struct identity *identity, const struct certificate *user,
				  enum role role, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {.added = user};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	const struct record_entry entry = folder_user_entry(user, role);
	const struct record_entry *present = record_find(file->record, &entry.id);
	if (present)
		return why_set(why, FAULT_EXISTS, "'%s' has access already, as %s", present->name,
			       role_text(present->role));
	if (certificate_is_expired(user, clock_wall_ms()))
		return why_set(why, FAULT_INVALID, "the certificate of '%s' has expired", entry.name);
	fault = folder_check_role(&entry, role, why);
	if (!fault)
		fault = record_put_entry(draft.record, &entry, why);
	if (!fault)
		fault = draft_publish(&draft, ret_next, why);
	return fault;
}

static enum fault check_organisation(const struct record *record, const struct group_descriptor *group,
				     struct why *why)
{
	if (organisation_id_is_none(&record->organisation) ||
	    organisation_id_equal(&record->organisation, &group->organisation))
		return FAULT_NONE;
	return why_set(why, FAULT_DENIED, "the folder belongs to another organisation than the group '%s'",
		       group->name);
}

enum fault folder_change_add_group(const struct folder_file *file, const struct folder_keys *keys,
				   const struct identity *identity, const struct signed_object *descriptor,
				   const struct organisation *organisation, enum role role,
				   struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done)
	struct draft draft = {
		.added_groups = &descriptor, .added_group_count = 1, .organisation = organisation};
	struct group_descriptor group;
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (!fault)
		fault = group_descriptor_read(descriptor, organisation, &group, why);
	if (!fault)
		fault = check_organisation(file->record, &group, why);
	if (fault)
		return fault;
	const struct record_entry *present = record_find(file->record, &group.id);
	if (present)
		return why_set(why, FAULT_EXISTS, "the group '%s' has access already, as %s", present->name,
			       role_text(present->role));
	const struct record_entry entry = folder_group_entry(&group, role);
	fault = folder_check_role(&entry, role, why);
	if (!fault)
		fault = record_put_entry(draft.record, &entry, why);
	if (!fault)
		fault = draft_publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_set_role(const struct folder_file *file, const struct folder_keys *keys,
				  const struct identity *identity, const struct member_id *member,
				  enum role role, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	const struct record_entry *present = record_find(file->record, member);
	if (!present)
		return why_set(why, FAULT_MISSING, "there is no such member");
	if (present->role == role)
		return why_set(why, FAULT_EXISTS, "'%s' is %s already", present->name, role_text(role));
	fault = folder_check_role(present, role, why);
	if (fault)
		return fault;
	struct record_entry changed = *present;
	changed.role = role;
	fault = record_put_entry(draft.record, &changed, why);
	if (!fault)
		fault = check_admin_is_left(draft.record, why);
	if (!fault)
		fault = draft_publish(&draft, ret_next, why);
	return fault;
}

static enum fault take_out(struct record *record, const struct member_id *member, struct why *why)
{
	const struct record_entry *entry = record_find(record, member);

	if (entry && entry->kind == MEMBER_RECOVERY)
		return why_set(why, FAULT_INVALID, "the recovery group '%s' cannot be taken out",
			       entry->name);
	return record_drop_entry(record, member, why);
}

enum fault folder_change_remove(const struct folder_file *file, const struct folder_keys *keys,
				const struct identity *identity, const struct member_id *members,
				size_t member_count, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (!fault && member_count == 0)
		fault = why_set(why, FAULT_INVALID, "nobody is named to be taken out");
	for (size_t i = 0; i < member_count && !fault; i++)
		fault = take_out(draft.record, &members[i], why);
	if (!fault)
		fault = check_admin_is_left(draft.record, why);
	if (!fault)
		fault = draft_add_generation(&draft, REASON_REMOVED, why);
	if (!fault)
		fault = draft_publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_rekey(const struct folder_file *file, const struct folder_keys *keys,
			       const struct identity *identity, enum generation_reason reason,
			       struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (!fault && reason != REASON_REKEY && reason != REASON_ROTATION)
		fault = why_set(why, FAULT_INVALID, "a new key is made by rekey or by rotation");
	if (!fault)
		fault = draft_add_generation(&draft, reason, why);
	if (!fault)
		fault = draft_publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_complete(const struct folder_file *file, const struct folder_keys *keys,
				  const struct identity *identity, struct folder_file **ret_next,
				  struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	if (draft.record->entry_count == file->record->entry_count)
		return why_set(why, FAULT_EXISTS, "it has the recovery groups that the policy asks for");
	return draft_publish(&draft, ret_next, why);
}

enum fault folder_change_close(const struct folder_file *file, const struct folder_keys *keys,
			       const struct identity *identity, struct folder_file **ret_next,
			       struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = draft_begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	draft.record->closed = true;
	return draft_publish(&draft, ret_next, why);
}

/* -- what a warning needs -------------------------------------------------------------------- */

static bool is_among(const struct member_id *id, const struct member_id *members, size_t member_count)
{
	for (size_t i = 0; i < member_count; i++)
		if (member_id_equal(id, &members[i]))
			return true;
	return false;
}

struct folder_openers folder_openers_without(const struct record *record, const struct member_id *members,
					     size_t member_count)
{
	struct folder_openers left = {0};

	for (size_t i = 0; i < record->entry_count; i++) {
		const struct record_entry *entry = &record->entries[i];
		if (is_among(&entry->id, members, member_count))
			continue;
		left.users += entry->kind == MEMBER_USER;
		left.groups += entry->kind == MEMBER_GROUP;
		left.recovery += entry->kind == MEMBER_RECOVERY;
		left.admins += entry->role == ROLE_ADMIN;
	}
	return left;
}
