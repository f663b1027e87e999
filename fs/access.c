#include "fs/access_state.h"

#include "base/file.h"

void access_reading_done(struct access_reading *reading)
{
	access_seen_done(&reading->seen);
	bytes_done(&reading->text);
	folder_file_free(reading->file);
	*reading = ACCESS_READING_EMPTY;
}

enum fault access_read_once(const struct access_place *place, struct access_reading *reading, struct why *why)
{
	access_reading_done(reading);
	enum fault fault = access_recall(place, &reading->seen, why);
	if (!fault)
		fault = file_read(place->directory, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &reading->text, why);
	if (!fault)
		fault = access_accept(place, &reading->seen, &reading->text, &reading->file, why);
	if (!fault)
		fault = access_pin(place, &reading->seen, reading->file, &reading->text, why);
	return fault;
}

/* Another client may be replacing the file just now, or another process have pinned a later version. */
static bool may_be_a_race(const struct access_reading *reading, enum fault fault)
{
	if (fault == FAULT_MISSING)
		return reading->seen.pinned;
	return fault == FAULT_TAMPERED || fault == FAULT_MALFORMED;
}

/* An alarm must be a real one: what looks wrong is looked at again while nobody can be changing it. */
static enum fault read_carefully(const struct access_place *place, struct access_reading *reading,
				 struct why *why)
{
	enum fault fault = access_read_once(place, reading, why);
	if (!may_be_a_race(reading, fault))
		return fault;
	AUTO(file_close) int lock = -1;
	if (access_log_lock(place->directory, ACCESS_LOCK_SHARED, ACCESS_PATIENCE_MS, &lock, NULL))
		lock = -1;
	return access_read_once(place, reading, why);
}

bool access_is_lost(const struct access_reading *reading, enum fault fault)
{
	return reading->seen.pinned && !reading->seen.elsewhere &&
	       (fault == FAULT_MISSING || fault == FAULT_MALFORMED);
}

enum fault access_read(const struct access_place *place, struct folder_file **ret_file, struct why *why)
{
	AUTO(access_reading_done) struct access_reading reading = ACCESS_READING_EMPTY;
	enum fault fault = read_carefully(place, &reading, why);
	if (access_is_lost(&reading, fault))
		return access_restore(place, &reading.seen, ret_file, why);
	if (!fault)
		*ret_file = TAKE(reading.file);
	return fault;
}

enum fault access_check(const struct access_place *place, struct folder_file **ret_file, struct why *why)
{
	AUTO(access_reading_done) struct access_reading reading = ACCESS_READING_EMPTY;
	enum fault fault = read_carefully(place, &reading, why);
	if (!fault)
		*ret_file = TAKE(reading.file);
	if (fault != FAULT_MISSING || !reading.seen.pinned)
		return fault;
	bool closed;
	fault = access_was_closed(place, &reading.seen, &closed, why);
	if (fault)
		return fault;
	if (closed)
		return why_set(why, FAULT_MISSING, "the folder was closed by an admin");
	if (access_refuse_moved(place, &reading.seen, why))
		return FAULT_MISSING;
	return why_set(why, FAULT_DAMAGED, "the access list of a folder seen here before is missing");
}
