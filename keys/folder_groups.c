/* Descriptors of groups beside an access list. */
#include "keys/folder_draft.h"

void folder_group_done(struct folder_group *group)
{
	signed_free(group->object);
	free(group->descriptor);
}

/* Room for one more, of zeros and counted. */
static enum fault add_group(struct folder_file *file, struct folder_group **ret_group, struct why *why)
{
	struct folder_group *groups = reallocarray(file->groups, file->group_count + 1, sizeof *groups);
	if (!groups)
		return why_set(why, FAULT_MEMORY, "no memory for the descriptor of a group");
	file->groups = groups;
	*ret_group = &groups[file->group_count++];
	memset(*ret_group, 0, sizeof **ret_group);
	return FAULT_NONE;
}

enum fault folder_file_keep_group(struct folder_file *file, struct signed_object *object, struct why *why)
{
	AUTO(signed_free) struct signed_object *owned = object;
	struct member_id id;
	struct folder_group *group = NULL;
	if (!group_descriptor_peek(object, &id))
		return why_set(why, FAULT_MALFORMED, "it does not say which group it describes");
	enum fault fault = add_group(file, &group, why);
	if (fault)
		return fault;
	group->id = id;
	group->object = TAKE(owned);
	return FAULT_NONE;
}

/* -- trust ----------------------------------------------------------------------------------- */

static enum fault trust(struct folder_group *group, const struct organisation *organisation, struct why *why)
{
	struct group_descriptor read;
	enum fault fault = group_descriptor_read(group->object, organisation, &read, why);
	if (fault || group->descriptor)
		return fault;
	group->descriptor = malloc(sizeof read);
	if (!group->descriptor)
		return why_set(why, FAULT_MEMORY, "no memory for the descriptor of a group");
	*group->descriptor = read;
	return FAULT_NONE;
}

enum fault folder_file_trust_groups(struct folder_file *file, const struct organisation *organisation,
				    struct why *why)
{
	for (size_t i = 0; i < file->group_count; i++)
		if (trust(&file->groups[i], organisation, why) == FAULT_MEMORY)
			return FAULT_MEMORY;
	return FAULT_NONE;
}

enum fault folder_file_offer_group(struct folder_file *file, const struct signed_object *object,
				   const struct organisation *organisation, struct why *why)
{
	struct group_descriptor read;
	struct signed_object *copy;
	enum fault fault = group_descriptor_read(object, organisation, &read, why);
	if (fault)
		return fault;
	const struct group_descriptor *known = folder_file_group(file, &read.id);
	if (known && !group_descriptor_is_newer(&read, known))
		return FAULT_NONE;
	fault = signed_copy(object, &copy, why);
	if (!fault)
		fault = folder_file_keep_group(file, copy, why);
	if (!fault)
		fault = trust(&file->groups[file->group_count - 1], organisation, why);
	return fault;
}

const struct group_descriptor *folder_file_group(const struct folder_file *file, const struct member_id *id)
{
	const struct group_descriptor *newest = NULL;

	for (size_t i = 0; i < file->group_count; i++) {
		const struct group_descriptor *found = file->groups[i].descriptor;
		if (found && member_id_equal(&found->id, id) &&
		    (!newest || group_descriptor_is_newer(found, newest)))
			newest = found;
	}
	return newest;
}

/* -- what the policy requires ---------------------------------------------------------------- */

enum fault folder_file_require_group(struct folder_file *file, const struct signed_object *object,
				     const struct organisation *organisation, struct why *why)
{
	struct group_descriptor read;
	enum fault fault = group_descriptor_read(object, organisation, &read, why);

	if (!fault)
		fault = folder_file_offer_group(file, object, organisation, why);
	for (size_t i = 0; i < file->group_count && !fault; i++)
		if (member_id_equal(&file->groups[i].id, &read.id))
			file->groups[i].required = true;
	return fault;
}

static bool is_wanted(const struct folder_group *group, const struct record *record)
{
	return group->required && group->descriptor && group->descriptor->recovery &&
	       organisation_id_equal(&record->organisation, &group->descriptor->organisation) &&
	       !record_find(record, &group->id);
}

enum fault folder_file_let_in_required(const struct folder_file *present, struct record *record,
				       struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < present->group_count && !fault; i++) {
		const struct folder_group *group = &present->groups[i];
		if (!is_wanted(group, record))
			continue;
		const struct record_entry entry = folder_group_entry(group->descriptor, ROLE_READER);
		fault = record_put_entry(record, &entry, why);
	}
	return fault;
}

/* -- from version to version ----------------------------------------------------------------- */

static enum fault inherit(struct folder_file *file, const struct folder_group *from, struct why *why)
{
	struct signed_object *copy;
	enum fault fault = signed_copy(from->object, &copy, why);
	if (!fault)
		fault = folder_file_keep_group(file, copy, why);
	if (fault || !from->descriptor)
		return fault;
	struct folder_group *group = &file->groups[file->group_count - 1];
	group->descriptor = malloc(sizeof *group->descriptor);
	if (!group->descriptor)
		return why_set(why, FAULT_MEMORY, "no memory for the descriptor of a group");
	*group->descriptor = *from->descriptor;
	return FAULT_NONE;
}

enum fault folder_file_inherit_groups(struct folder_file *file, const struct folder_file *present,
				      struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < present->group_count && !fault; i++) {
		const struct folder_group *from = &present->groups[i];
		const struct record_entry *entry = record_find(file->record, &from->id);
		if (entry && entry->kind != MEMBER_USER &&
		    from->descriptor == folder_file_group(present, &from->id))
			fault = inherit(file, from, why);
	}
	return fault;
}
