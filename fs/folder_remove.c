#include "fs/folder_remove.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/access_state.h"
#include "keys/contact.h"

#define FILE_MODE 0644

static enum fault copy_log(const struct access_place *place, int backup, struct why *why)
{
	AUTO(bytes_done) struct bytes log = BYTES_EMPTY;
	enum fault fault = file_read(place->directory, FORMAT_LOG_FILE, ACCESS_LOG_MAX, &log, why);

	return fault ? fault : file_replace(backup, FORMAT_LOG_FILE, FILE_MODE, &log, why);
}

/* The log first: it must lead from every client's pin to the closing record. */
static enum fault store_closing(const struct access_place *place, const struct folder_file *file,
				const struct folder_file *closing, int lock, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(file_close) int backup = -1;
	enum fault fault = folder_file_write(closing, &text, why);

	if (!fault)
		fault = access_log_append(lock, file->object, why);
	if (!fault)
		fault = access_backup_open(place, &file->record->folder, true, &backup, why);
	if (!fault)
		fault = copy_log(place, backup, why);
	if (!fault)
		fault = file_replace(backup, FORMAT_FOLDER_FILE, FILE_MODE, &text, why);
	return fault;
}

static enum fault close_folder(const struct access_place *place, const struct folder_file *file, int lock,
			       struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(folder_file_free) struct folder_file *closing = NULL;
	const struct identity *identity = share_identity(place->share);

	if (!identity)
		return why_set(why, FAULT_LOCKED, "the keyring is locked");
	enum fault fault = folder_keys_open(file, identity, &keys, why);
	if (!fault)
		fault = folder_change_close(file, keys, identity, &closing, why);
	if (!fault)
		fault = store_closing(place, file, closing, lock, why);
	if (!fault && share_contacts(place->share))
		contacts_report(share_contacts(place->share), closing);
	return fault;
}

enum fault folder_remove(const struct access_place *place, struct bytes *ret_text, struct why *why)
{
	AUTO(access_reading_done) struct access_reading present = ACCESS_READING_EMPTY;
	AUTO(file_close) int lock = -1;
	enum fault fault = access_log_lock(place->directory, ACCESS_LOCK_EXCLUSIVE, ACCESS_PATIENCE_MS, &lock,
					   why);

	if (!fault)
		fault = access_read_once(place, &present, why);
	if (!fault)
		fault = bytes_append(ret_text, present.text.data, present.text.size, why);
	if (!fault)
		fault = close_folder(place, present.file, lock, why);
	if (!fault)
		fault = keyring_drop_folder_pin(share_keyring(place->share),
						&share_record_of(place->share)->share,
						&present.file->record->folder, why);
	if (fault)
		return fault;
	(void)unlinkat(place->directory, FORMAT_FOLDER_BACKUP, 0);
	(void)unlinkat(place->directory, FORMAT_FOLDER_FILE, 0);
	(void)unlinkat(place->directory, FORMAT_LOG_FILE, 0);
	return FAULT_NONE;
}

void folder_remove_undo(const struct access_place *place, const struct bytes *text)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	struct why why = WHY_NONE;
	enum fault fault = folder_file_parse(text->data, text->size, &file, &why);

	if (!fault)
		fault = file_replace(place->directory, FORMAT_FOLDER_FILE, FILE_MODE, text, &why);
	if (fault)
		log_error("folder '%s': its access list cannot be put back: %s", access_words(place),
			  why_text(&why, fault));
	else
		access_backup(place, &file->record->folder, text);
}
