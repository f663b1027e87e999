/* Both copies of an access list made good, on command: `fsenc verify --repair`. */
#include "fs/access_state.h"

#include "base/file.h"

#define FILE_MODE 0644

/* Only what is surely ours is replaced: another folder at this place is a question for a person. */
static bool may_be_mended(const struct access_reading *reading, enum fault fault)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	if (fault == FAULT_MISSING)
		return reading->seen.pinned;
	if (fault == FAULT_MALFORMED)
		return true;
	return fault == FAULT_TAMPERED && reading->seen.pinned &&
	       !folder_file_parse(reading->text.data, reading->text.size, &file, NULL) &&
	       folder_id_equal(&file->record->folder, &reading->seen.pin.folder);
}

/* The keybox is unsigned: a present record does not yet mean that our envelope is the right one. */
static bool opens(const struct access_place *place, const struct folder_file *file)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	const struct identity *identity = share_identity(place->share);

	return !identity || folder_keys_open(file, identity, &keys, NULL) != FAULT_TAMPERED;
}

static enum fault put_best_copy(const struct access_place *place, struct access_reading *reading,
				struct why *why)
{
	const char *whence;
	enum fault fault = access_refuse_moved(place, &reading->seen, why);
	if (!fault)
		fault = access_best_copy(place, &reading->seen, &reading->file, &reading->text, &whence, why);
	if (!fault && reading->file->record->closed)
		fault = why_set(why, FAULT_MISSING, "the folder was closed by an admin");
	if (!fault)
		fault = file_replace(place->directory, FORMAT_FOLDER_FILE, FILE_MODE, &reading->text, why);
	if (!fault)
		fault = access_pin(place, &reading->seen, reading->file, &reading->text, why);
	return fault;
}

static enum fault mend_file(const struct access_place *place, struct access_reading *reading, bool *repaired,
			    struct why *why)
{
	enum fault fault = access_read_once(place, reading, why);
	if (!fault && !opens(place, reading->file))
		fault = why_set(why, FAULT_TAMPERED, "our envelope does not open");
	if (!fault || !may_be_mended(reading, fault))
		return fault;
	folder_file_free(TAKE(reading->file));
	struct why reason = WHY_NONE;
	enum fault mending = put_best_copy(place, reading, &reason);
	/* No copy: then the first reason is the one to hear. */
	if (mending == FAULT_MISSING && !reading->file)
		return fault;
	if (mending)
		return why_set(why, mending, "%s", why_text(&reason, mending));
	*repaired = true;
	return FAULT_NONE;
}

/* -- the log -------------------------------------------------------------------------- */

/* From the present version back: lines that only the second copy still has. */
static enum fault append_lost_lines(const struct access_log *own, const struct access_log *copy, int lock,
				    struct digest wanted, bool *repaired, struct why *why)
{
	enum fault fault = FAULT_NONE;

	while (!fault && !digest_is_none(&wanted)) {
		AUTO(record_free) struct record *record = NULL;
		AUTO(signed_free) struct signed_object *object = NULL;
		bool lost = !access_log_has(own, &wanted);
		if (access_log_find(lost ? copy : own, &wanted, &record, &object, NULL))
			break;
		if (lost)
			fault = access_log_append(lock, object, why);
		*repaired |= lost;
		wanted = record->previous;
	}
	return fault;
}

enum fault access_mend_log(const struct access_place *place, int lock, const struct folder_file *file,
			   bool *repaired, struct why *why)
{
	AUTO(access_log_done) struct access_log own = ACCESS_LOG_EMPTY;
	AUTO(access_log_done) struct access_log copy = ACCESS_LOG_EMPTY;
	AUTO(file_close) int backup = -1;
	if (access_backup_open(place, &file->record->folder, false, &backup, NULL))
		return FAULT_NONE;
	enum fault fault = access_log_read(&own, place->directory, why);
	if (!fault)
		fault = access_log_read(&copy, backup, why);
	if (!fault)
		fault = append_lost_lines(&own, &copy, lock, file->record->previous, repaired, why);
	return fault;
}

/* -- the second copy ------------------------------------------------------------------ */

static bool holds(int directory, const char *name, size_t limit, const struct bytes *bytes)
{
	AUTO(bytes_done) struct bytes found = BYTES_EMPTY;

	return file_read(directory, name, limit, &found, NULL) == FAULT_NONE && found.size == bytes->size &&
	       (found.size == 0 || memcmp(found.data, bytes->data, found.size) == 0);
}

static bool copy_is_good(const struct access_place *place, const struct access_reading *reading)
{
	AUTO(file_close) int backup = -1;
	AUTO(bytes_done) struct bytes log = BYTES_EMPTY;
	if (holds(place->directory, FORMAT_FOLDER_BACKUP, FOLDER_FILE_MAX, &reading->text))
		return true;
	return access_backup_open(place, &reading->file->record->folder, false, &backup, NULL) ==
		       FAULT_NONE &&
	       holds(backup, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &reading->text) &&
	       file_read(place->directory, FORMAT_LOG_FILE, ACCESS_LOG_MAX, &log, NULL) == FAULT_NONE &&
	       holds(backup, FORMAT_LOG_FILE, ACCESS_LOG_MAX, &log);
}

enum fault access_repair(const struct access_place *place, bool *ret_repaired, struct why *why)
{
	if (share_options_of(place->share)->read_only) {
		errno = EROFS;
		return why_system(why, "the share is used read-only");
	}
	AUTO(file_close) int lock = -1;
	AUTO(access_reading_done) struct access_reading reading = ACCESS_READING_EMPTY;
	bool repaired = false;
	enum fault fault = access_log_lock(place->directory, ACCESS_LOCK_EXCLUSIVE, ACCESS_LOCK_FOR_EVER,
					   &lock, why);
	if (!fault)
		fault = mend_file(place, &reading, &repaired, why);
	if (!fault)
		fault = access_mend_log(place, lock, reading.file, &repaired, why);
	if (fault)
		return fault;
	if (!copy_is_good(place, &reading)) {
		access_backup(place, &reading.file->record->folder, &reading.text);
		repaired = copy_is_good(place, &reading) || repaired;
	}
	*ret_repaired = repaired;
	return FAULT_NONE;
}
