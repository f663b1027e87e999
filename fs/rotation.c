#include "fs/rotation.h"

#include "base/clock.h"
#include "base/log.h"
#include "fs/folder_state.h"

/* As long the servers may take to hear of a rotation, and we of their new answer. */
#define RECENT_SECONDS 120

struct rotation {
	const struct member_id *group;
	const struct identity *identity;
	bool needless; /* somebody was faster, or the group is not on the list */
};

static bool is_due(const struct rotation *rotation, const struct record *record)
{
	const struct record_entry *entry = record_find(record, rotation->group);
	const struct record_entry *own = record_find(record, &identity_public(rotation->identity)->id);
	bool recent = record_newest(record)->reason == REASON_ROTATION &&
		      clock_wall_ms() / MS_PER_SECOND - record->created < RECENT_SECONDS;

	return entry && entry->kind == MEMBER_GROUP && own && own->role == ROLE_ADMIN && !recent;
}

/* Under the lock: the list is the present one. */
static enum fault make_generation(void *context, const struct folder_file *present,
				  const struct folder_keys *keys, struct folder_file **ret_next,
				  struct why *why)
{
	struct rotation *rotation = context;

	rotation->needless = !is_due(rotation, present->record);
	if (rotation->needless)
		return why_set(why, FAULT_EXISTS, "it has its new generation");
	return folder_change_rekey(present, keys, rotation->identity, REASON_ROTATION, ret_next, why);
}

static void rotate(void *context, struct folder *folder)
{
	struct rotation *rotation = context;
	AUTO(folder_file_free) struct folder_file *next = NULL;
	char path[RING_PATH_MAX];
	struct why why = WHY_NONE;

	if (!folder_is_administered(folder))
		return;
	folder_path(folder, path);
	rotation->needless = false;
	enum fault fault = folder_amend(folder, make_generation, rotation, &next, &why);
	if (!fault)
		log_info("folder '%s' has a new generation: somebody has left a group of it", path);
	else if (!rotation->needless && fault != FAULT_BUSY)
		log_warning("folder '%s': the new generation that is due cannot be made: %s", path,
			    why_text(&why, fault));
}

void rotate_folders(struct share *share, const struct member_id *group)
{
	struct rotation rotation = {.group = group, .identity = share_identity(share)};

	if (rotation.identity && !share_options_of(share)->read_only)
		folder_each(share, rotate, &rotation);
}
