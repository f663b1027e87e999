/* What may be asked of a folder without entering it. */
#include "fs/folder_state.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define NS_PER_MS 1000000
#define YOUNG_MS (24 * 60 * 60 * 1000)

const struct folder_id *folder_id_of(const struct folder *folder)
{
	static const struct folder_id none;
	struct folder *locked = (struct folder *)folder;

	/* Once it is known it never changes, so the pointer may outlive the mutex. */
	(void)pthread_mutex_lock(&locked->mutex);
	const struct folder_id *id = folder->has_id ? &folder->id : &none;
	(void)pthread_mutex_unlock(&locked->mutex);
	return id;
}

struct folder *folder_parent(const struct folder *folder)
{
	return folder->parent;
}

void folder_path(const struct folder *folder, char path[static RING_PATH_MAX])
{
	struct folder *locked = (struct folder *)folder;

	(void)pthread_mutex_lock(&locked->mutex);
	(void)snprintf(path, RING_PATH_MAX, "%s", folder->path);
	(void)pthread_mutex_unlock(&locked->mutex);
}

static enum fault move_pins(struct folder *folder, const char *from, const char *to, struct why *why)
{
	return keyring_move_pins(share_keyring(folder->share), &share_record_of(folder->share)->share, from,
				 to, why);
}

void folder_moved(struct folder *folder, const char *path)
{
	struct why why = WHY_NONE;
	char *copy = strdup(path);
	if (!copy)
		return;
	(void)pthread_mutex_lock(&folder->mutex);
	AUTO(free) char *before = folder->path;
	folder->path = copy;
	(void)pthread_mutex_unlock(&folder->mutex);
	/* The pin has to follow, or a new directory of the old name would pass for this folder. */
	enum fault fault = strcmp(before, path) == 0 ? FAULT_NONE : move_pins(folder, before, path, &why);
	if (fault)
		log_warning("folder '%s': the keyring cannot take note of its new place: %s", path,
			    why_text(&why, fault));
}

void folder_state(struct folder *folder, char text[static WHY_TEXT_SIZE])
{
	static const char prefix[] = "locked: ";
	char words[WHY_TEXT_SIZE];

	(void)pthread_mutex_lock(&folder->mutex);
	bool open = folder->view != NULL;
	if (!open && folder->group.file)
		group_access_words(folder, words);
	else
		(void)snprintf(words, WHY_TEXT_SIZE, "%s", why_text(&folder->reason, folder->fault));
	(void)pthread_mutex_unlock(&folder->mutex);
	if (open)
		(void)snprintf(text, WHY_TEXT_SIZE, "open");
	else
		(void)snprintf(text, WHY_TEXT_SIZE, "%s%.*s", prefix, (int)(WHY_TEXT_SIZE - sizeof prefix), words);
}

bool folder_is_open(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	bool open = folder->view != NULL;
	(void)pthread_mutex_unlock(&folder->mutex);
	return open;
}

bool folder_lacks_recovery(struct folder *folder, const struct member_id *group)
{
	(void)pthread_mutex_lock(&folder->mutex);
	bool lacks = folder->has_list;
	for (size_t i = 0; i < folder->recovery_count && lacks; i++)
		lacks = !member_id_equal(&folder->recovery[i], group);
	(void)pthread_mutex_unlock(&folder->mutex);
	return lacks;
}

bool folder_complains_once(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	bool first = !folder->complained;
	folder->complained = true;
	(void)pthread_mutex_unlock(&folder->mutex);
	return first;
}

bool folder_is_young(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	int64_t made_ms = folder->look.modified_ns / NS_PER_MS;
	bool young = folder->view && folder->view->version == 1 && clock_wall_ms() - made_ms < YOUNG_MS;
	(void)pthread_mutex_unlock(&folder->mutex);
	return young;
}

void folder_set_settled(struct folder *folder, int64_t again_ms)
{
	(void)pthread_mutex_lock(&folder->mutex);
	folder->settle_ms = again_ms;
	(void)pthread_mutex_unlock(&folder->mutex);
}

bool folder_may_settle(struct folder *folder, int64_t now_ms)
{
	(void)pthread_mutex_lock(&folder->mutex);
	bool may = now_ms >= folder->settle_ms;
	if (may)
		folder->settle_ms = INT64_MAX;
	(void)pthread_mutex_unlock(&folder->mutex);
	return may;
}
