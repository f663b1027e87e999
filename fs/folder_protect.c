/* Making an empty directory a folder: first `.fsenc`, which is all that there is to it; then, where the share is
 * mounted, a second's patience for those who have not seen it yet. */
#include "fs/strangers.h"

#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "fs/access_groups.h"
#include "keys/keyring_certified.h"

/* -- what is in the directory --------------------------------------------------------- */

static enum fault check_empty(int directory, struct why *why)
{
	AUTO(bytes_done) struct bytes names = BYTES_EMPTY;
	enum fault fault = file_list_names(directory, &names, why);

	for (size_t at = 0; !fault && at < names.size;) {
		const char *name = (const char *)names.data + at;
		at += strlen(name) + 1;
		if (stranger_may_be(name))
			fault = why_set(why, FAULT_INVALID, "the directory is not empty");
	}
	return fault;
}

/* -- the folder ----------------------------------------------------------------------- */

static enum fault make_folder(const struct access_place *place, struct folder_file **ret_file,
			      struct why *why)
{
	const struct share_record *share = share_record_of(place->share);
	const struct identity *identity = share_identity(place->share);
	if (!identity)
		return why_set(why, FAULT_LOCKED, "the keyring is locked; run 'fsenc unlock'");
	AUTO(certificate_free) struct certificate *creator = NULL;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = keyring_shown_certificate(share_keyring(place->share), &creator, why);
	if (fault)
		return fault;
	struct folder_new_options options = {
		.organisation = share->organisation,
		.share = share->share,
		.parent = place->parent,
		.suite = suite_default(),
		.creator = creator,
	};
	AUTO(access_recovery_done) struct access_recovery recovery = {.count = 0};
	fault = access_require_recovery(place->share, &recovery, &options, why);
	if (!fault)
		fault = folder_new(&options, identity, &file, &keys, why);
	if (!fault)
		fault = access_create(place, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

static void wait_for_looks(void)
{
	int64_t until = clock_boot_ms() + STRANGERS_PATIENCE_MS;
	const struct timespec pause = {.tv_nsec = 10 * 1000000L};

	while (clock_boot_ms() < until)
		(void)nanosleep(&pause, NULL);
}

static enum fault settle(const struct access_place *place, const struct folder_view *above,
			 const struct folder_file *file, struct why *why)
{
	struct folder_view *made = NULL;
	size_t count;
	enum fault fault = folder_view_new(place->share, file, &made, why);
	AUTO(folder_leave) const struct folder_view *own = made;
	const struct strangers strangers = {.place = place, .own = own, .above = above, .fresh = true};
	if (!fault)
		fault = strangers_settle(&strangers, &count, why);
	if (fault || !share_is_mounted(place->share))
		return fault;
	wait_for_looks();
	return strangers_settle(&strangers, &count, why);
}

static enum fault protect(const struct access_place *place, const struct folder_view *above, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = check_empty(place->directory, why);

	if (!fault)
		fault = make_folder(place, &file, why);
	return fault ? fault : settle(place, above, file, why);
}

/* Whoever protected it was perhaps killed. */
static enum fault finish(struct folder *folder, struct why *why)
{
	struct why unsaid = WHY_NONE;
	size_t count;
	enum fault fault = strangers_settle_folder(folder, true, &count, &unsaid);

	return why_set(why, FAULT_EXISTS, "the directory is a folder already%s",
		       !fault && count > 0 ? "; its making, which was cut off, is finished now" : "");
}

enum fault folder_protect(struct share *share, const char *stored_path, struct why *why)
{
	AUTO(folder_unref) struct folder *parent = NULL;
	AUTO(folder_leave) const struct folder_view *above = NULL;
	AUTO(file_close) int directory = -1;
	bool own;
	if (stored_path[0] == 0)
		return why_set(why, FAULT_INVALID,
			       "the root of a share is made a folder by 'fsenc init' only");
	enum fault fault = folder_walk(share, stored_path, &parent, &own, &directory, why);
	if (!fault && own)
		return finish(parent, why);
	if (!fault && parent)
		fault = why_in(why, folder_enter(parent, FOLDER_WRITE, &above, why), "the folder it is in");
	if (fault)
		return fault;
	const struct access_place place = {
		.share = share,
		.directory = directory,
		.path = stored_path,
		.parent = parent ? *folder_id_of(parent) : (struct folder_id){{0}},
	};
	return protect(&place, above, why);
}
