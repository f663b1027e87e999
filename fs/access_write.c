#include "fs/access_groups.h"
#include "fs/access_state.h"

#include "base/file.h"
#include "keys/contact.h"

#define FILE_MODE 0644
#define REPORTED_EARLIER_MAX 64

static enum fault refuse_read_only(const struct access_place *place, struct why *why)
{
	enum fault fault = share_refuse_writes(place->share, why);

	if (fault || !share_options_of(place->share)->read_only)
		return fault;
	errno = EROFS;
	return why_system(why, "the share is used read-only");
}

static enum fault lock_log(const struct access_place *place, int *ret_lock, struct why *why)
{
	enum fault fault = refuse_read_only(place, why);

	return fault ? fault
		     : access_log_lock(place->directory, ACCESS_LOCK_EXCLUSIVE,
				       place->patience_ms ? (int)place->patience_ms : ACCESS_LOCK_FOR_EVER,
				       ret_lock, why);
}

/* The records before `record` that the log has, newest first; each is the caller's. */
static size_t gather_earlier(const struct access_place *place, const struct record *record,
			     struct signed_object *earlier[static REPORTED_EARLIER_MAX])
{
	AUTO(access_log_done) struct access_log log = ACCESS_LOG_EMPTY;
	struct digest digest = record->previous;
	size_t count = 0;

	if (access_log_read(&log, place->directory, NULL) != FAULT_NONE)
		return 0;
	while (count < REPORTED_EARLIER_MAX) {
		AUTO(record_free) struct record *before = NULL;
		if (access_log_find(&log, &digest, &before, &earlier[count], NULL) != FAULT_NONE)
			break;
		digest = before->previous;
		count++;
	}
	return count;
}

/* They are witnesses: a share that shows an older version from now on is found out. One that has not heard of
 * the version before wants the chain. */
static void tell_servers(const struct access_place *place, const struct folder_file *file)
{
	struct signed_object *newest_first[REPORTED_EARLIER_MAX], *ascending[REPORTED_EARLIER_MAX];

	if (!share_contacts(place->share))
		return;
	size_t count = gather_earlier(place, file->record, newest_first);
	for (size_t i = 0; i < count; i++)
		ascending[i] = newest_first[count - 1 - i];
	contacts_report_chain(share_contacts(place->share), file,
			      (const struct signed_object *const *)ascending, count);
	for (size_t i = 0; i < count; i++)
		signed_free(newest_first[i]);
}

/* -- the first version ---------------------------------------------------------------- */

static enum fault refuse_what_exists(const struct access_reading *reading, enum fault fault, struct why *why)
{
	if (fault == FAULT_MISSING && !reading->seen.pinned)
		return FAULT_NONE;
	if (!fault || fault == FAULT_MISSING || fault == FAULT_MALFORMED || fault == FAULT_TAMPERED ||
	    fault == FAULT_KEY_MISSING)
		return why_set(why, FAULT_EXISTS, "the directory is a folder already");
	return fault;
}

enum fault access_create(const struct access_place *place, const struct folder_file *file, struct why *why)
{
	AUTO(file_close) int lock = -1;
	AUTO(access_reading_done) struct access_reading there = ACCESS_READING_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *accepted = NULL;
	enum fault fault = lock_log(place, &lock, why);
	if (!fault)
		fault = refuse_what_exists(&there, access_read_once(place, &there, why), why);
	if (!fault)
		fault = folder_file_write(file, &text, why);
	/* What our own rules would refuse must not reach the share. */
	if (!fault)
		fault = access_accept(place, &there.seen, &text, &accepted, why);
	if (!fault)
		fault = file_replace(place->directory, FORMAT_FOLDER_FILE, FILE_MODE, &text, why);
	if (fault)
		return fault;
	access_backup(place, &accepted->record->folder, &text);
	tell_servers(place, accepted);
	return access_pin(place, &there.seen, accepted, &text, why);
}

/* -- later versions ------------------------------------------------------------------- */

/* Locks, and reads what is there. A lost file is first put back, which takes the lock itself. */
static enum fault lock_and_read(const struct access_place *place, int *lock, struct access_reading *reading,
				struct why *why)
{
	enum fault fault = lock_log(place, lock, why);
	if (!fault)
		fault = access_read_once(place, reading, why);
	/* Another process may have pinned a later version between pin and file; under the lock, not twice. */
	if (fault == FAULT_TAMPERED)
		fault = access_read_once(place, reading, why);
	if (!access_is_lost(reading, fault))
		return fault;
	file_close(*lock);
	*lock = -1;
	AUTO(folder_file_free) struct folder_file *restored = NULL;
	fault = access_restore(place, &reading->seen, &restored, why);
	if (!fault)
		fault = lock_log(place, lock, why);
	return fault ? fault : access_read_once(place, reading, why);
}

static enum fault open_keys(const struct access_place *place, const struct folder_file *file,
			    struct folder_keys **ret_keys, struct why *why)
{
	const struct identity *identity = share_identity(place->share);
	if (!identity)
		return why_set(why, FAULT_LOCKED, "the keyring is locked; run 'fsenc unlock'");
	return folder_keys_open(file, identity, ret_keys, why);
}

static const struct public_identity *find_signer(void *context, const struct fingerprint *fingerprint)
{
	return folder_file_find_key(context, fingerprint);
}

/* A version that other clients would refuse would close the folder to everybody. */
static enum fault check_next(const struct folder_file *present, struct folder_file *next, struct why *why)
{
	enum fault fault = record_follows(present->record, next->record, next->object, find_signer, next,
					  why);

	return why_in(why, fault ? FAULT_FAILED : FAULT_NONE, "the new version would be refused");
}

static enum fault make_next(const struct access_place *place, const struct folder_file *present,
			    access_edit edit, void *context, struct folder_file **ret_next, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(folder_file_free) struct folder_file *next = NULL;
	enum fault fault = open_keys(place, present, &keys, why);
	if (!fault)
		fault = edit(context, present, keys, &next, why);
	if (!fault)
		fault = check_next(present, next, why);
	if (!fault)
		*ret_next = TAKE(next);
	return fault;
}

/* The old version reaches the log before the new one takes effect: at no moment is the chain broken. Lines
 * that only the second copy has come first, for the log is about to be copied over it. */
static enum fault put_in_place(const struct access_place *place, int lock, const struct folder_file *present,
			       const struct bytes *text, struct why *why)
{
	bool mended = false;
	enum fault fault = access_mend_log(place, lock, present, &mended, why);

	if (!fault)
		fault = access_log_append(lock, present->object, why);
	return fault ? fault : file_replace(place->directory, FORMAT_FOLDER_FILE, FILE_MODE, text, why);
}

enum fault access_change(const struct access_place *place, access_edit edit, void *context,
			 struct folder_file **ret_file, struct why *why)
{
	AUTO(file_close) int lock = -1;
	AUTO(access_reading_done) struct access_reading present = ACCESS_READING_EMPTY;
	AUTO(folder_file_free) struct folder_file *next = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(access_seen_done) struct access_seen now = ACCESS_SEEN_NOTHING;
	enum fault fault = lock_and_read(place, &lock, &present, why);
	if (!fault)
		fault = access_trust_groups(place, present.file, why);
	if (!fault)
		fault = make_next(place, present.file, edit, context, &next, why);
	if (!fault)
		fault = folder_file_write(next, &text, why);
	if (!fault)
		fault = put_in_place(place, lock, present.file, &text, why);
	if (fault)
		return fault;
	access_backup(place, &next->record->folder, &text);
	tell_servers(place, next);
	fault = access_recall(place, &now, why);
	if (!fault)
		fault = access_pin(place, &now, next, &text, why);
	if (!fault)
		*ret_file = TAKE(next);
	return fault;
}
