#include "fs/folder_state.h"

#include <time.h>

#include "base/clock.h"
#include "keys/contact.h"

#define DRAIN_PAUSE_NS 2000000L

/* `view` comes first: what callers hold is a pointer to it. */
struct view {
	struct folder_view view;
	atomic_uint references;
	struct folder_keys *keys;
	struct name_key *names;
	struct name_key *names_from;
	struct name_key *xattr_names;
	struct group_lease *lease; /* a reference, or NULL */
};

static void view_free(struct view *view)
{
	if (!view)
		return;
	name_key_free(view->names);
	name_key_free(view->names_from);
	name_key_free(view->xattr_names);
	folder_keys_free(view->keys);
	group_lease_unref(view->lease);
	free(view);
}
AUTO_POINTER(struct view *, view_free);

const struct folder_view *folder_view_ref(const struct folder_view *view)
{
	atomic_fetch_add(&((struct view *)view)->references, 1);
	return view;
}

void folder_leave(const struct folder_view *view)
{
	struct view *whole = (struct view *)view;

	if (whole && atomic_fetch_sub(&whole->references, 1) == 1)
		view_free(whole);
}

struct group_lease *folder_view_lease(const struct folder_view *view)
{
	return ((const struct view *)view)->lease;
}

/* Only when a lease ends, and seldom for more than one operation: a look now and then is enough. */
void folder_view_drain(const struct folder_view *view, int64_t until_ms)
{
	const struct timespec pause = {.tv_nsec = DRAIN_PAUSE_NS};

	while (atomic_load(&((struct view *)view)->references) > 1 && clock_boot_ms() < until_ms)
		(void)nanosleep(&pause, NULL);
}

/* -- making one ----------------------------------------------------------------------- */

static enum fault make_name_key(const struct folder_keys *keys, const struct record *record,
				uint32_t generation, enum kdf_label label, struct name_key **ret_key,
				struct why *why)
{
	uint8_t siv[64];
	if (!folder_keys_name_key(keys, generation, label, siv))
		return why_set(why, FAULT_TAMPERED,
			       "the access list names generation %u, which does not exist", generation);
	enum fault fault = name_key_new(siv, &record->folder, ret_key, why);
	secret_wipe(siv, sizeof siv);
	return fault;
}

static enum fault make_name_keys(struct view *view, const struct record *record, struct why *why)
{
	uint32_t now = record->name_generation;
	enum fault fault = make_name_key(view->keys, record, now, KDF_NAMES, &view->names, why);
	if (!fault)
		fault = make_name_key(view->keys, record, now, KDF_XATTR_NAMES, &view->xattr_names, why);
	if (!fault && record->names_from != 0)
		fault = make_name_key(view->keys, record, record->names_from, KDF_NAMES, &view->names_from,
				      why);
	return fault;
}

static unsigned log2_of(uint32_t power)
{
	return (unsigned)__builtin_ctz(power);
}

static enum fault check_supported(const struct record *record, struct why *why)
{
	if (!suite_is_known(record->suite))
		return why_set(why, FAULT_UNSUPPORTED, "the folder uses cipher suite %u, unknown here",
			       record->suite);
	if (record->names_clear)
		return why_set(why, FAULT_UNSUPPORTED, "the folder keeps its names in clear, unknown here");
	return FAULT_NONE;
}

static struct folder_view describe(const struct view *view, const struct record *record, enum role role)
{
	return (struct folder_view){
		.terms =
			{
				.folder = record->folder,
				.suite = (enum suite)record->suite,
				.block_log2 = log2_of(record->block),
				.generation = record_newest(record)->number,
				.min_write = record->min_write,
				.min_read = record->min_read,
				.keys = view->keys,
			},
		.role = role,
		.version = record->version,
		.names = view->names,
		.names_from = view->names_from,
		.xattr_names = view->xattr_names,
	};
}

/* With view->keys in place. */
static enum fault finish(struct view *view, const struct folder_file *file, enum role role,
			 struct folder_view **ret_view, struct why *why)
{
	enum fault fault = make_name_keys(view, file->record, why);

	if (fault)
		return fault;
	view->view = describe(view, file->record, role);
	*ret_view = &view->view;
	return FAULT_NONE;
}

static enum fault begin(const struct folder_file *file, struct view **ret_view, struct why *why)
{
	enum fault fault = check_supported(file->record, why);

	if (fault)
		return fault;
	struct view *view = calloc(1, sizeof *view);
	if (!view)
		return why_set(why, FAULT_MEMORY, "no memory for a folder");
	atomic_init(&view->references, 1);
	*ret_view = view;
	return FAULT_NONE;
}

enum fault folder_view_new(struct share *share, const struct folder_file *file, struct folder_view **ret_view,
			   struct why *why)
{
	AUTO(view_free) struct view *view = NULL;
	const struct identity *identity = share_identity(share);
	if (!identity)
		return why_set(why, FAULT_LOCKED, "the keyring is locked; run 'fsenc unlock'");
	enum fault fault = begin(file, &view, why);
	if (!fault)
		fault = folder_keys_open(file, identity, &view->keys, why);
	const struct record_entry *entry = record_find(file->record, &identity_public(identity)->id);
	const bool recovered = fault == FAULT_LOCKED && share_recovered_keys(share, file->record, &view->keys);
	if (fault && !recovered)
		return fault;
	fault = finish(view, file, recovered ? ROLE_READER : entry->role, ret_view, why);
	if (!fault)
		view = NULL;
	return fault;
}

enum fault folder_view_of_group(const struct folder_file *file, struct contact_opened *opened,
				struct folder_view **ret_view, struct why *why)
{
	AUTO(view_free) struct view *view = NULL;
	enum fault fault = begin(file, &view, why);
	if (fault)
		return fault;
	view->keys = TAKE(opened->keys);
	view->lease = TAKE(opened->lease);
	fault = finish(view, file, opened->role, ret_view, why);
	if (!fault)
		view = NULL;
	return fault;
}
