/* A mount that signs the next version of a list by itself. */
#include "fs/access_state.h"
#include "fs/folder_state.h"

bool folder_is_administered(struct folder *folder)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	return folder_enter_as_last_seen(folder, FOLDER_WRITE, &view, NULL) == FAULT_NONE &&
	       view->role == ROLE_ADMIN && !folder_view_lease(view);
}

enum fault folder_amend(struct folder *folder, access_edit edit, void *context, struct folder_file **ret_next,
			struct why *why)
{
	char path[RING_PATH_MAX];
	struct access_place place = {.share = folder->share,
				     .directory = folder->directory,
				     .path = path,
				     .patience_ms = ACCESS_PATIENCE_MS};

	folder_path(folder, path);
	if (folder->parent)
		place.parent = *folder_id_of(folder->parent);
	return access_change(&place, edit, context, ret_next, why);
}
