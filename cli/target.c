#include "cli/target.h"

#include "base/file.h"
#include "cli/input.h"
#include "cli/session_open.h"

#include <string.h>

void target_done(struct target *target)
{
	free(target->stored);
	file_close(target->directory);
	folder_unref(target->folder);
	share_close(target->share);
	if (!target->borrows_keyring)
		keyring_close(target->keyring);
	*target = TARGET_NONE;
}

enum fault target_share(struct keyring *keyring, const char *path, struct share **ret_share,
			char **ret_stored, struct why *why)
{
	AUTO(free) char *share_path = NULL;
	AUTO(free) char *stored = NULL;
	const struct share_options options = {.mounted = false};
	enum fault fault = share_locate(path, &share_path, &stored, why);

	if (!fault)
		fault = share_open(share_path, &options, keyring, ret_share, why);
	if (!fault)
		*ret_stored = TAKE(stored);
	return fault;
}

static size_t depth(const char *path)
{
	size_t count = *path != '\0';

	for (; *path; path++)
		count += *path == '/';
	return count;
}

/* `path` seen by the user without its last components: stored names mean nothing to him. */
static enum fault refuse_inside(const struct target *target, const char *path, struct why *why)
{
	AUTO(free) char *real = NULL;
	char folder[RING_PATH_MAX];
	size_t up;
	enum fault fault = input_real_path(path, &real, why);

	if (fault)
		return fault;
	folder_path(target->folder, folder);
	for (up = depth(target->stored) - depth(folder); up; up--) {
		char *slash = strrchr(real, '/');

		if (!slash || slash == real)
			break;
		*slash = '\0';
	}
	return why_set(why, FAULT_INVALID,
		       "'%s' has no access list of its own; it belongs to the folder '%s'", path, real);
}

static enum fault find_folder(struct call *call, struct target *target, const char *path, struct why *why)
{
	bool own = false;
	enum fault fault = folder_walk(target->share, target->stored, &target->folder, &own,
				       &target->directory, why);

	if (fault)
		return why_in(why, fault, "'%s'", path);
	if (!target->folder) {
		fault = why_set(why, FAULT_MISSING, "'%s' is not protected: it is in a lobby", path);
		return call_hint(call, fault, "fsenc protect DIR, while DIR is empty");
	}
	if (own)
		return FAULT_NONE;
	return call_hint(call, refuse_inside(target, path, why), "fsenc %s with that folder",
			 call->command->name);
}

static void fill_access(struct target *target)
{
	struct folder *parent = folder_parent(target->folder);

	target->access = (struct access_place){
		.share = target->share,
		.directory = target->directory,
		.path = target->stored,
	};
	if (parent)
		target->access.parent = *folder_id_of(parent);
}

/* In target->keyring. */
static enum fault find_place(struct call *call, const char *path, struct target *target, struct why *why)
{
	enum fault fault = target_share(target->keyring, path, &target->share, &target->stored, why);

	if (!fault)
		fault = find_folder(call, target, path, why);
	if (!fault)
		fill_access(target);
	return fault;
}

static enum fault hand_over(enum fault fault, struct target *target, struct target *ret_target)
{
	if (fault)
		return fault;
	*ret_target = *target;
	*target = TARGET_NONE;
	return FAULT_NONE;
}

enum fault target_open(struct call *call, enum target_want want, const char *path, struct target *ret_target,
		       struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	enum fault fault = want == TARGET_UNLOCKED ? session_unlocked(call, &target.keyring, why)
						   : session_locked(call, &target.keyring, why);

	if (!fault)
		fault = find_place(call, path, &target, why);
	return hand_over(fault, &target, ret_target);
}

enum fault target_open_in(struct call *call, struct keyring *keyring, const char *path,
			  struct target *ret_target, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;

	target.keyring = keyring;
	target.borrows_keyring = true;
	return hand_over(find_place(call, path, &target, why), &target, ret_target);
}

enum fault target_check_admin(const struct target *target, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(certificate_free) struct certificate *own = NULL;
	enum fault fault = access_read(&target->access, &file, why);

	if (!fault)
		fault = keyring_own_certificate(target->keyring, &own, why);
	if (fault)
		return fault;
	const struct record_entry *entry = record_find(file->record, &certificate_identity(own)->id);
	const struct fingerprint key = certificate_fingerprint(own);
	if (entry && entry->kind == MEMBER_USER && entry->role == ROLE_ADMIN &&
	    fingerprint_equal(&entry->fingerprint, &key))
		return FAULT_NONE;
	return why_set(why, FAULT_DENIED, "only an admin of the folder may change who has access");
}
