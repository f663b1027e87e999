/* Folders that no entry of our own opens, but perhaps a group's: its key is with the key servers, under a
 * lease. */
#include "fs/folder_state.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact.h"

#define CLOSING_MS 5000 /* for pages on their way back */
#define WAIT_MS 6000 /* a contact takes five seconds at most */
#define STALE_ASK_MS 5000
#define STALE_PAUSE_NS 200000000L

bool folder_is_of_group(struct share *share, const struct folder_file *file)
{
	const struct identity *identity = share_identity(share);
	AUTO(folder_keys_free) struct folder_keys *recovered = NULL;

	if (!identity || !share_contacts(share) || record_find(file->record, &identity_public(identity)->id) ||
	    share_recovered_keys(share, file->record, &recovered))
		return false;
	for (size_t i = 0; i < file->record->entry_count; i++)
		if (file->record->entries[i].kind == MEMBER_GROUP)
			return true;
	return false;
}

void group_access_take(struct folder *folder, struct folder_file *file)
{
	folder_file_free(folder->group.file);
	folder->group.file = file;
	folder->group.asked_ms = 0;
}

void group_access_done(struct group_access *group)
{
	folder_file_free(group->file);
	folder_leave(group->closing);
	*group = (struct group_access){.file = NULL};
}

/* -- words ---------------------------------------------------------------------------- */

void folder_say(const struct folder *folder, enum fault fault, const struct why *reason, bool was_open,
		bool first)
{
	const char *path = folder->path[0] ? folder->path : "(root)";
	const char *words = why_text(reason, fault);

	if (fault == FAULT_TAMPERED || fault == FAULT_MALFORMED || fault == FAULT_DAMAGED)
		log_error("folder '%s' is refused: %s", path, words);
	else if (fault && was_open)
		log_warning("folder '%s' is closed: %s", path, words);
	else if (!fault && !first)
		log_info("folder '%s' is open", path);
}

/* Minutes go by: they are asked for anew. */
void group_access_words(const struct folder *folder, char text[static WHY_TEXT_SIZE])
{
	if (folder->fault == FAULT_UNREACHABLE && folder->group.stale_ms == 0)
		contacts_words(share_contacts(folder->share), folder->group.file, text);
	else if (folder->fault)
		(void)snprintf(text, WHY_TEXT_SIZE, "%s", why_text(&folder->reason, folder->fault));
	else
		(void)snprintf(text, WHY_TEXT_SIZE, "not opened yet");
}

/* -- the end of a lease --------------------------------------------------------------- */

/* The last good keys go, but for pages that the kernel still has to bring back. Without a listener nobody
 * would bring them. */
static void begin_closing(struct folder *folder, enum fault fault, const struct why *reason)
{
	folder_leave(folder->group.closing);
	folder->group.closing = TAKE(folder->view);
	folder->group.closing_until_ms = clock_boot_ms() + CLOSING_MS;
	folder->group.refusing = atomic_load(&folder->registry->listened);
	folder->group.wanted = true;
	if (!folder->group.refusing)
		folder_leave(TAKE(folder->group.closing));
	folder->fault = fault;
	folder->reason = *reason;
	folder_say(folder, fault, reason, true, false);
}

static enum fault confirm(struct folder *folder, struct why *reason)
{
	return contacts_confirm(share_contacts(folder->share), folder_view_lease(folder->view), reason);
}

static bool lease_ended(const struct folder_view *view)
{
	const struct group_lease *lease = folder_view_lease(view);

	return lease && !lease_is_valid(&lease->lease, clock_boot_ms());
}

struct ending {
	const struct group_lease *lease; /* this one, or NULL: those whose time has come */
};

static bool is_ending(const struct ending *ending, const struct folder *folder)
{
	struct group_lease *lease = folder->view ? folder_view_lease(folder->view) : NULL;

	if (!lease || ending->lease)
		return lease && lease == ending->lease;
	/* Of length 0 it has no time of its own. */
	return atomic_load(&lease->lease.valid_until_ms) != 0 && lease_ended(folder->view);
}

static void end_one(void *context, struct folder *folder)
{
	const struct ending *ending = context;
	struct why reason = WHY_NONE;
	bool tells = false;

	(void)pthread_mutex_lock(&folder->mutex);
	if (is_ending(ending, folder)) {
		enum fault fault = confirm(folder, &reason);
		if (fault != FAULT_DENIED && fault != FAULT_UNREACHABLE)
			fault = why_set(&reason, FAULT_UNREACHABLE, "the lease of its group has ended");
		begin_closing(folder, fault, &reason);
		tells = folder->told;
		folder->told = false;
	}
	(void)pthread_mutex_unlock(&folder->mutex);
	if (tells)
		folder_tell(folder, false);
}

void folder_lease_ended(struct share *share, struct group_lease *lease)
{
	struct ending ending = {.lease = lease};

	folder_each(share, end_one, &ending);
}

void folder_end_leases(struct share *share)
{
	struct ending ending = {.lease = NULL};

	folder_each(share, end_one, &ending);
}

static void note_end(void *context, struct folder *folder)
{
	int64_t *first = context;

	(void)pthread_mutex_lock(&folder->mutex);
	const struct group_lease *lease = folder->view ? folder_view_lease(folder->view) : NULL;
	int64_t end = lease ? atomic_load(&lease->lease.valid_until_ms) : 0;
	(void)pthread_mutex_unlock(&folder->mutex);
	if (end != 0 && end < *first)
		*first = end;
}

int64_t folder_next_end(struct share *share)
{
	int64_t first = INT64_MAX;

	folder_each(share, note_end, &first);
	return first;
}

bool folder_confirms_each(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	const struct group_lease *lease = folder->view ? folder_view_lease(folder->view) : NULL;
	bool each = lease && atomic_load(&lease->lease.valid_until_ms) == 0;
	(void)pthread_mutex_unlock(&folder->mutex);
	return each;
}

const struct folder_view *folder_closing_view(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	const struct folder_view *view = folder->group.closing ? folder_view_ref(folder->group.closing)
							       : NULL;
	(void)pthread_mutex_unlock(&folder->mutex);
	return view;
}

void folder_wipe(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	AUTO(folder_leave) const struct folder_view *view = TAKE(folder->group.closing);
	int64_t until = folder->group.closing_until_ms;
	(void)pthread_mutex_unlock(&folder->mutex);
	if (view)
		folder_view_drain(view, until);
}

void folder_closed(struct folder *folder)
{
	(void)pthread_mutex_lock(&folder->mutex);
	folder->group.refusing = folder->group.closing != NULL;
	(void)pthread_mutex_unlock(&folder->mutex);
}

enum fault folder_enter_to_write_back(struct folder *folder, const struct folder_view **ret_view,
				      struct why *why)
{
	enum fault fault = folder_enter(folder, FOLDER_WRITE, ret_view, why);

	if (fault != FAULT_UNREACHABLE && fault != FAULT_DENIED)
		return fault;
	(void)pthread_mutex_lock(&folder->mutex);
	const struct folder_view *closing = folder->group.closing;
	if (closing && closing->role >= ROLE_WRITER && clock_boot_ms() < folder->group.closing_until_ms) {
		*ret_view = folder_view_ref(closing);
		fault = FAULT_NONE;
	}
	(void)pthread_mutex_unlock(&folder->mutex);
	return fault;
}

/* -- opening -------------------------------------------------------------------------- */

/* The servers know a newer list: it gets a minute to arrive. */
static enum fault stale(struct folder *folder, int64_t now, struct why *reason)
{
	if (folder->group.stale_ms == 0)
		folder->group.stale_ms = now;
	if (now - folder->group.stale_ms >= FOLDER_STALE_MS)
		return why_set(reason, FAULT_TAMPERED,
			       "the access list is older than one that the key servers know");
	return why_set(
		reason, FAULT_UNREACHABLE,
		"the share shows an older access list than the key servers know; waiting for the newer one");
}

static enum fault open_view(struct folder *folder, struct contact_opened *opened, struct why *reason)
{
	struct folder_view *view = NULL;
	enum fault fault = folder_view_of_group(folder->group.file, opened, &view, reason);

	if (!fault)
		folder->view = view;
	return fault;
}

static enum fault ask(struct folder *folder, int64_t now, struct why *reason)
{
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	if (folder->group.stale_ms != 0 && folder->group.asked_ms != 0 &&
	    now - folder->group.asked_ms < STALE_ASK_MS)
		return stale(folder, now, reason);
	enum fault fault = contacts_open(share_contacts(folder->share), folder->group.file, &opened, reason);
	if (fault == FAULT_PENDING)
		return fault;
	folder->group.asked_ms = now;
	if (fault == FAULT_MISSING)
		return stale(folder, now, reason);
	folder->group.stale_ms = 0;
	return fault ? fault : open_view(folder, &opened, reason);
}

/* What stays in the folder until it is asked again. */
static void take_answer(struct folder *folder, enum fault fault, const struct why *reason)
{
	bool news = fault ? folder->fault != fault : true;

	folder->fault = fault;
	folder->reason = fault ? *reason : WHY_NONE;
	folder->group.wanted = fault == FAULT_UNREACHABLE || fault == FAULT_IDENTITY;
	if (news)
		folder_say(folder, fault, reason, folder->told, false);
}

static enum fault refused(const struct folder *folder, struct why *why)
{
	if (why)
		*why = folder->reason;
	return folder->fault;
}

/* False: there was none, or its lease has ended and the view with it. */
static bool has_view(struct folder *folder, enum fault *ret_fault)
{
	struct why reason = WHY_NONE;

	*ret_fault = FAULT_NONE;
	if (!folder->view || !lease_ended(folder->view))
		return folder->view != NULL;
	*ret_fault = confirm(folder, &reason);
	if (*ret_fault == FAULT_NONE || *ret_fault == FAULT_PENDING)
		return true;
	begin_closing(folder, *ret_fault, &reason);
	return false;
}

enum fault group_access_open(struct folder *folder, struct why *why)
{
	struct why reason = WHY_NONE;
	enum fault fault;

	if (has_view(folder, &fault))
		return fault;
	if (fault || folder->group.refusing)
		return refused(folder, why);
	fault = ask(folder, clock_boot_ms(), &reason);
	if (fault == FAULT_PENDING)
		return fault;
	take_answer(folder, fault, &reason);
	return fault ? refused(folder, why) : FAULT_NONE;
}

bool group_access_is_open(const struct folder *folder)
{
	return folder->view && !lease_ended(folder->view);
}

bool group_access_wait(struct folder *folder, enum fault fault, int64_t since_ms)
{
	const struct timespec pause = {.tv_nsec = STALE_PAUSE_NS};
	bool is_stale = fault == FAULT_UNREACHABLE && folder->group.file && folder->group.stale_ms != 0;
	int64_t until = since_ms + (is_stale ? FOLDER_STALE_MS + WAIT_MS : WAIT_MS);

	if (!share_waits(folder->share) || (fault != FAULT_PENDING && !is_stale) || clock_boot_ms() >= until)
		return false;
	(void)pthread_mutex_unlock(&folder->mutex);
	if (is_stale)
		(void)nanosleep(&pause, NULL);
	else
		contacts_wait(share_contacts(folder->share), until);
	(void)pthread_mutex_lock(&folder->mutex);
	return true;
}

enum fault folder_view_open(struct share *share, const struct folder_file *file,
			    struct folder_view **ret_view, struct why *why)
{
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	int64_t until = clock_boot_ms() + WAIT_MS;

	if (!folder_is_of_group(share, file))
		return folder_view_new(share, file, ret_view, why);
	enum fault fault = contacts_open(share_contacts(share), file, &opened, why);
	while (fault == FAULT_PENDING && clock_boot_ms() < until) {
		contacts_wait(share_contacts(share), until);
		fault = contacts_open(share_contacts(share), file, &opened, why);
	}
	if (fault == FAULT_PENDING)
		return why_set(why, FAULT_UNREACHABLE, "the key servers have not answered in time");
	return fault ? fault : folder_view_of_group(file, &opened, ret_view, why);
}

/* -- coming back ---------------------------------------------------------------------- */

static void ask_again(void *context, struct folder *folder)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	(void)context;
	(void)pthread_mutex_lock(&folder->mutex);
	bool wanted = folder->group.file && folder->group.wanted && !folder->view && !folder->group.refusing;
	(void)pthread_mutex_unlock(&folder->mutex);
	if (wanted)
		(void)!folder_enter(folder, FOLDER_READ, &view, NULL);
}

void folder_ask_again(struct share *share)
{
	folder_each(share, ask_again, NULL);
}
