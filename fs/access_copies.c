/* The second copy of an access list, and putting `.fsenc` back from it.
 *
 * Copies: `.fsenc-backup/<folder id>/.fsenc`, `.fsenc.bak` beside the first where the share's
 * root is not ours to write, and the last good bytes in the keyring. A copy is worth what
 * the rules say of it, no more: it may be old, but not older than the pin. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fs/access_state.h"

#define FILE_MODE 0644

/* -- the place of the copy ------------------------------------------------------------ */

/* As writable as the share's root is, whatever the umask of the first one says. */
static int open_below(int directory, const char *name, bool make)
{
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(directory, name, flags);
	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	struct stat stat;
	if (mkdirat(directory, name, 0700) != 0 || fstat(directory, &stat) != 0 ||
	    fchmodat(directory, name, stat.st_mode & 0777, 0) != 0)
		return -1;
	return openat(directory, name, flags);
}

enum fault access_backup_open(const struct access_place *place, const struct folder_id *folder, bool make,
			      int *ret_directory, struct why *why)
{
	char id[ID_TEXT_SIZE];
	folder_id_text(folder, id);
	AUTO(file_close) int all = open_below(share_root(place->share), FORMAT_BACKUP_DIR, make);
	int fd = all < 0 ? -1 : open_below(all, id, make);
	if (fd < 0 && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "there is no second copy");
	if (fd < 0)
		return why_system(why, "cannot open '%s/%s'", FORMAT_BACKUP_DIR, id);
	*ret_directory = fd;
	return FAULT_NONE;
}

static enum fault copy_log(int from, int to, struct why *why)
{
	AUTO(bytes_done) struct bytes log = BYTES_EMPTY;
	enum fault fault = file_read(from, FORMAT_LOG_FILE, ACCESS_LOG_MAX, &log, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	return fault ? fault : file_replace(to, FORMAT_LOG_FILE, FILE_MODE, &log, why);
}

static enum fault copy_to_backup(const struct access_place *place, const struct folder_id *folder,
				 const struct bytes *text, struct why *why)
{
	AUTO(file_close) int backup = -1;
	enum fault fault = access_backup_open(place, folder, true, &backup, why);
	if (!fault)
		fault = file_replace(backup, FORMAT_FOLDER_FILE, FILE_MODE, text, why);
	if (!fault)
		fault = copy_log(place->directory, backup, why);
	return fault;
}

void access_backup(const struct access_place *place, const struct folder_id *folder, const struct bytes *text)
{
	struct why why = WHY_NONE;
	enum fault fault = copy_to_backup(place, folder, text, &why);
	if (!fault)
		return;
	if (file_replace(place->directory, FORMAT_FOLDER_BACKUP, FILE_MODE, text, NULL) == FAULT_NONE)
		return;
	log_warning("folder '%s': no second copy of its access list: %s", access_words(place),
		    why_text(&why, fault));
}

/* -- which copy ----------------------------------------------------------------------- */

struct copy {
	struct folder_file *file;
	struct bytes text;
	const char *whence;
};

static void copy_done(struct copy *copy)
{
	folder_file_free(copy->file);
	bytes_done(&copy->text);
}
AUTO_VALUE(struct copy, copy_done);

/* Takes `text` over if the rules accept it and it is newer than `best`. Copies may be damaged: no failure. */
static void consider(const struct access_place *place, struct access_seen *seen, struct bytes *text,
		     const char *whence, struct copy *best)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	if (text->size == 0 || access_accept(place, seen, text, &file, NULL))
		return;
	if (best->file && best->file->record->version >= file->record->version)
		return;
	copy_done(best);
	*best = (struct copy){TAKE(file), *text, whence};
	*text = BYTES_EMPTY;
}

static void consider_file(const struct access_place *place, struct access_seen *seen, int directory,
			  const char *name, const char *whence, struct copy *best)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	if (file_read(directory, name, FOLDER_FILE_MAX, &text, NULL) == FAULT_NONE)
		consider(place, seen, &text, whence, best);
}

static void consider_pin(const struct access_place *place, struct access_seen *seen, struct copy *best)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	if (bytes_append(&text, seen->pin.file.data, seen->pin.file.size, NULL) == FAULT_NONE)
		consider(place, seen, &text, "the keyring", best);
}

enum fault access_best_copy(const struct access_place *place, struct access_seen *seen,
			    struct folder_file **ret_file, struct bytes *ret_text, const char **ret_whence,
			    struct why *why)
{
	AUTO(copy_done) struct copy best = {NULL, BYTES_EMPTY, NULL};
	AUTO(file_close) int backup = -1;
	if (seen->pinned && !access_backup_open(place, &seen->pin.folder, false, &backup, NULL))
		consider_file(place, seen, backup, FORMAT_FOLDER_FILE, "its second copy", &best);
	consider_file(place, seen, place->directory, FORMAT_FOLDER_BACKUP, "its second copy", &best);
	if (seen->pinned)
		consider_pin(place, seen, &best);
	if (!best.file)
		return why_set(why, FAULT_MISSING, "there is no copy of the access list");
	*ret_file = TAKE(best.file);
	*ret_whence = best.whence;
	bytes_done(ret_text);
	*ret_text = best.text;
	best.text = BYTES_EMPTY;
	return FAULT_NONE;
}

/* -- gone on purpose ------------------------------------------------------------------ */

static enum fault drop_pin(const struct access_place *place, const struct access_seen *seen, struct why *why)
{
	return keyring_drop_folder_pin(share_keyring(place->share), &share_record_of(place->share)->share,
				       &seen->pin.folder, why);
}

enum fault access_was_closed(const struct access_place *place, struct access_seen *seen, bool *ret_closed,
			     struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	const char *whence;
	enum fault fault = access_best_copy(place, seen, &file, &text, &whence, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	bool closed = !fault && file->record->closed;
	fault = closed ? drop_pin(place, seen, why) : FAULT_NONE;
	if (!fault)
		*ret_closed = closed;
	return fault;
}

static bool directory_is_gone(const struct access_place *place)
{
	struct stat stat;

	return fstat(place->directory, &stat) == 0 && stat.st_nlink == 0;
}

static bool holds_folder(int parent, const char *name, const struct folder_id *folder)
{
	AUTO(file_close) int directory = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *file = NULL;

	return directory >= 0 && !file_read(directory, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &text, NULL) &&
	       !folder_file_parse(text.data, text.size, &file, NULL) &&
	       folder_id_equal(&file->record->folder, folder);
}

static void auto_closedir(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

/* Somebody renamed the folder and made a new directory in its place: putting `.fsenc` into that one
 * would turn a stranger's directory into a copy of the folder. */
static bool lives_beside(const struct access_place *place, const struct folder_id *folder)
{
	if (place->path[0] == 0)
		return false;
	int parent = openat(place->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *listing = parent < 0 ? NULL : fdopendir(parent);
	if (!listing) {
		file_close(parent);
		return false;
	}
	for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    holds_folder(dirfd(listing), entry->d_name, folder))
			return true;
	}
	return false;
}

/* -- restoring ------------------------------------------------------------------------ */

/* Under the lock: what somebody else has put there meanwhile is not overwritten. */
static enum fault put_back(const struct access_place *place, const struct bytes *text, bool *ret_written,
			   struct why *why)
{
	AUTO(file_close) int lock = -1;
	enum fault fault = access_log_lock(place->directory, ACCESS_LOCK_EXCLUSIVE, ACCESS_PATIENCE_MS, &lock,
					   why);
	if (fault)
		return fault;
	AUTO(access_reading_done) struct access_reading again = ACCESS_READING_EMPTY;
	*ret_written = access_read_once(place, &again, NULL) != FAULT_NONE;
	return *ret_written ? file_replace(place->directory, FORMAT_FOLDER_FILE, FILE_MODE, text, why)
			    : FAULT_NONE;
}

static void put_back_and_say(const struct access_place *place, const struct bytes *text, const char *whence)
{
	struct why why = WHY_NONE;
	bool written = false;
	enum fault fault = FAULT_NONE;

	if (!share_options_of(place->share)->read_only)
		fault = put_back(place, text, &written, &why);
	if (fault)
		log_warning("folder '%s': its access list is lost, served from %s; it cannot be put back: %s",
			    access_words(place), whence, why_text(&why, fault));
	else if (written)
		log_warning("folder '%s': its access list was lost or damaged and is put back from %s",
			    access_words(place), whence);
}

enum fault access_refuse_moved(const struct access_place *place, const struct access_seen *seen,
			       struct why *why)
{
	char id[ID_TEXT_SIZE];
	folder_id_text(&seen->pin.folder, id);
	if (!lives_beside(place, &seen->pin.folder))
		return FAULT_NONE;
	return why_set(why, FAULT_TAMPERED,
		       "folder %s was here and now lies beside it; "
		       "if that is meant, run 'fsenc key trust --folder DIR'",
		       id);
}

enum fault access_restore(const struct access_place *place, struct access_seen *seen,
			  struct folder_file **ret_file, struct why *why)
{
	if (directory_is_gone(place))
		return why_set(why, FAULT_MISSING, "the directory of the folder was removed");
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	const char *whence;
	enum fault fault = access_best_copy(place, seen, &file, &text, &whence, why);
	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_DAMAGED, "its access list is lost, and so is every copy");
	if (!fault && file->record->closed) {
		fault = drop_pin(place, seen, why);
		return fault ? fault : why_set(why, FAULT_MISSING, "the folder was closed by an admin");
	}
	if (!fault)
		fault = access_refuse_moved(place, seen, why);
	if (!fault)
		fault = access_pin(place, seen, file, &text, why);
	if (fault)
		return fault;
	put_back_and_say(place, &text, whence);
	*ret_file = TAKE(file);
	return FAULT_NONE;
}
