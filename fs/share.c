#include "fs/share.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/access_groups.h"
#include "fs/backing.h"
#include "fs/cipher.h"
#include "fs/folder_state.h"
#include "keys/keyring_certified.h"

struct share {
	char *path;
	int root;
	int lock; /* the lock on `.fsenc-share`, or -1 */
	struct share_record record;
	struct share_options options;
	struct keyring *keyring;
	struct backing backing;
	struct folder_registry *folders;
	struct contacts *contacts;
	bool waits;
	struct share_recovered recovered; /* its key is below */
	struct secret *recovered_key; /* NULL: none */
};

void share_close(struct share *share)
{
	if (!share)
		return;
	folder_registry_free(share->folders);
	file_close(share->lock);
	file_close(share->root);
	secret_free(share->recovered_key);
	free(share->path);
	free(share);
}

int share_root(const struct share *share)
{
	return share->root;
}

const char *share_path(const struct share *share)
{
	return share->path;
}

const struct share_record *share_record_of(const struct share *share)
{
	return &share->record;
}

const struct share_options *share_options_of(const struct share *share)
{
	return &share->options;
}

struct keyring *share_keyring(const struct share *share)
{
	return share->keyring;
}

struct folder_registry *share_folders(const struct share *share)
{
	return share->folders;
}

void share_set_contacts(struct share *share, struct contacts *contacts, bool waits)
{
	share->contacts = contacts;
	share->waits = waits;
}

struct contacts *share_contacts(const struct share *share)
{
	return share->contacts;
}

bool share_waits(const struct share *share)
{
	return share->waits;
}

enum fault share_set_recovered(struct share *share, const struct share_recovered *recovered, struct why *why)
{
	if (!share->options.read_only)
		return why_set(why, FAULT_INVALID, "a recovered folder is opened in a read-only share");
	enum fault fault = secret_copy(recovered->key, KEY_SIZE, &share->recovered_key, why);
	if (fault)
		return fault;
	share->recovered = *recovered;
	share->recovered.key = secret_bytes(share->recovered_key);
	return FAULT_NONE;
}

bool share_recovered_keys(const struct share *share, const struct record *record,
			  struct folder_keys **ret_keys)
{
	const struct share_recovered *recovered = &share->recovered;

	return share->recovered_key && folder_id_equal(&recovered->folder, &record->folder) &&
	       recovered->generation == record_newest(record)->number &&
	       folder_keys_unfold(record, recovered->key, ret_keys, NULL) == FAULT_NONE;
}

const struct identity *share_identity(const struct share *share)
{
	const struct identity *identity;

	return keyring_identity(share->keyring, &identity, NULL) == FAULT_NONE ? identity : NULL;
}

const char *share_backing_kind(const struct share *share)
{
	return share->backing.kind;
}

bool share_trusts_locks(const struct share *share)
{
	return share->options.locks_trusted || share->backing.trusts_locks;
}

bool share_keeps_writes(const struct share *share)
{
	return share->backing.keeps_writes;
}

static bool must_not_be_written(const struct share *share)
{
	return share->backing.keeps_writes && !share->options.writes_trusted;
}

static enum fault refuse_backing(const struct backing *backing, struct why *why)
{
	return why_set(why, FAULT_STORAGE,
		       "its storage (%s) calls bytes written that its server does not have yet, and may lose them",
		       backing->kind);
}

enum fault share_refuse_writes(const struct share *share, struct why *why)
{
	if (!must_not_be_written(share))
		return FAULT_NONE;
	return why_in(why, refuse_backing(&share->backing, why), "share '%s'", share->path);
}

/* -- the record ----------------------------------------------------------------------- */

/* Nothing says yet who may sign a second version, so none is obeyed. */
static enum fault check_pin(const struct pin_share *pin, const struct share_record *record, struct why *why)
{
	if (!share_id_equal(&pin->share, &record->share))
		return why_set(why, FAULT_TAMPERED, "another share lies where the one seen before was");
	if (record->version < pin->version)
		return why_set(why, FAULT_TAMPERED, "its record is older than the one seen before");
	if (record->version == pin->version && !digest_equal(&pin->digest, &record->digest))
		return why_set(why, FAULT_TAMPERED, "its record is another one than that seen before");
	if (record->version != pin->version)
		return why_set(why, FAULT_UNSUPPORTED,
			       "its record is of a version that only a newer fsenc understands");
	return FAULT_NONE;
}

/* Trusted by hand, or certified by our organisation in the certificate that came with the record. */
static enum fault check_maker(struct share *share, const struct bytes *text, struct why *why)
{
	AUTO(certificate_free) struct certificate *maker = NULL;
	enum fault fault = share_record_maker(text->data, text->size, &share->record, &maker, why);
	if (fault)
		return fault;
	return keyring_vouches(share->keyring, &share->record.signer, maker, why);
}

static enum fault check_first_contact(struct share *share, const struct bytes *record_text, struct why *why)
{
	const struct share_record *record = &share->record;
	if (record->version != 1)
		return why_set(why, FAULT_UNSUPPORTED,
			       "its record is of a version that only a newer fsenc understands");
	enum fault fault = check_maker(share, record_text, why);
	if (fault == FAULT_KEY_MISSING) {
		char text[DIGEST_TEXT_SIZE];
		fingerprint_text(&record->signer, text);
		return why_set(
			why, FAULT_KEY_MISSING,
			"its maker '%s' is not trusted here; compare the fingerprint %s with him, then run "
			"'fsenc key import CERT --trust %s'",
			record->maker.name, text, text);
	}
	if (fault)
		return why_in(why, fault, "its maker '%s'", record->maker.name);
	const struct pin_share pin = {record->share, record->version, record->digest};
	return keyring_set_share_pin(share->keyring, share->path, &pin, why);
}

static enum fault read_record(struct share *share, struct bytes *text, struct why *why)
{
	enum fault fault = file_read(share->root, FORMAT_SHARE_FILE, SHARE_RECORD_MAX, text, why);
	/* Where a network share is not mounted just now lies an empty directory: nobody's attack. */
	if (fault == FAULT_MISSING)
		return why_set(why, fault, "no share is here: '%s' is missing", FORMAT_SHARE_FILE);
	if (!fault)
		fault = share_record_parse(text->data, text->size, &share->record, why);
	return why_in(why, fault == FAULT_REFUSED ? FAULT_TAMPERED : fault, "'%s'", FORMAT_SHARE_FILE);
}

static enum fault accept_record(struct share *share, struct why *why)
{
	struct pin_share pin;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = read_record(share, &text, why);
	if (fault)
		return fault;
	fault = keyring_share_pin(share->keyring, share->path, &pin, why);
	if (fault == FAULT_MISSING)
		return check_first_contact(share, &text, why);
	return fault ? fault : check_pin(&pin, &share->record, why);
}

/* -- alone, or with others ------------------------------------------------------------ */

static bool somebody_has_it(int error)
{
	return error == EAGAIN || error == EACCES;
}

static bool has_no_locks(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS;
}

static struct flock range_of(short type)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BLOCKS,
		.l_len = LOCK_BLOCKS_LAST - LOCK_BLOCKS + 1,
	};
}

static enum fault lock_record(int fd, bool local, struct why *why)
{
	struct flock lock = range_of(local ? F_WRLCK : F_RDLCK);
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || has_no_locks(errno))
		return FAULT_NONE;
	if (!somebody_has_it(errno))
		return why_system(why, "cannot lock '%s'", FORMAT_SHARE_FILE);
	return why_set(why, FAULT_BUSY,
		       local ? "mounted elsewhere, and 'local' wants it alone"
			     : "mounted elsewhere with 'local', which has it alone");
}

static enum fault take_lock(struct share *share, struct why *why)
{
	if (!share->options.local && !share->options.mounted)
		return FAULT_NONE;
	int access = share->options.local ? O_RDWR : O_RDONLY;
	AUTO(file_close) int fd = file_open_regular(share->root, FORMAT_SHARE_FILE, access, 0);
	if (fd < 0)
		return why_system(why, "cannot open '%s' to lock it", FORMAT_SHARE_FILE);
	enum fault fault = lock_record(fd, share->options.local, why);
	if (fault)
		return fault;
	share->lock = fd;
	fd = -1;
	return FAULT_NONE;
}

bool share_is_mounted(const struct share *share)
{
	struct flock lock = range_of(F_WRLCK);
	AUTO(file_close) int fd = file_open_regular(share->root, FORMAT_SHARE_FILE, O_RDONLY, 0);

	return !share_trusts_locks(share) || fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 ||
	       lock.l_type != F_UNLCK;
}

/* -- open ----------------------------------------------------------------------------- */

static enum fault open_root(const char *path, struct share *share, struct why *why)
{
	share->path = realpath(path, NULL);
	if (!share->path && errno == ENOENT)
		return why_set(why, FAULT_MISSING, "it does not exist");
	if (!share->path)
		return why_system(why, "cannot find it");
	share->root = open(share->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return share->root >= 0 ? FAULT_NONE : why_system(why, "cannot open it");
}

static enum fault open_share(const char *path, struct share *share, struct why *why)
{
	enum fault fault = open_root(path, share, why);
	if (!fault)
		share->backing = backing_of(share->root);
	share->options.read_only |= must_not_be_written(share);
	if (!fault)
		fault = accept_record(share, why);
	if (!fault)
		fault = take_lock(share, why);
	if (!fault)
		fault = folder_registry_new(&share->folders, why);
	return why_in(why, fault, "share '%s'", path);
}

enum fault share_open(const char *path, const struct share_options *options, struct keyring *keyring,
		      struct share **ret_share, struct why *why)
{
	AUTO(share_close) struct share *share = calloc(1, sizeof *share);
	if (!share)
		return why_set(why, FAULT_MEMORY, "no memory for a share");
	share->root = share->lock = -1;
	share->options = *options;
	share->keyring = keyring;
	enum fault fault = open_share(path, share, why);
	if (!fault)
		*ret_share = TAKE(share);
	return fault;
}

/* -- create --------------------------------------------------------------------------- */

static void auto_closedir(DIR **listing)
{
	if (*listing)
		(void)closedir(*listing);
}

static enum fault check_empty(const char *path, struct why *why)
{
	AUTO(closedir) DIR *listing = opendir(path);
	if (!listing)
		return why_system(why, "cannot read '%s'", path);
	bool empty = true;
	for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		if (strcmp(entry->d_name, FORMAT_SHARE_FILE) == 0)
			return why_set(why, FAULT_EXISTS, "'%s' is a share already", path);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			empty = false;
	}
	return empty ? FAULT_NONE : why_set(why, FAULT_INVALID, "'%s' is not empty", path);
}

static enum fault make_directory(const char *path, struct why *why)
{
	struct stat stat_of;
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return why_system(why, "cannot make '%s'", path);
	if (stat(path, &stat_of) != 0)
		return why_system(why, "cannot stat '%s'", path);
	if (!S_ISDIR(stat_of.st_mode))
		return why_set(why, FAULT_INVALID, "'%s' is not a directory", path);
	return check_empty(path, why);
}

static enum fault make_root_folder(struct share *share, const struct certificate *maker,
				   const struct identity *identity, struct why *why)
{
	struct folder_new_options options = {
		.organisation = share->record.organisation,
		.share = share->record.share,
		.suite = suite_default(),
		.creator = maker,
	};
	const struct access_place place = {.share = share, .directory = share->root, .path = ""};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(access_recovery_done) struct access_recovery recovery = {.count = 0};
	enum fault fault = access_require_recovery(share, &recovery, &options, why);
	if (!fault)
		fault = folder_new(&options, identity, &file, &keys, why);
	return fault ? fault : access_create(&place, file, why);
}

/* Whatever was pinned at this path before: it is ours to say that a new share begins here. */
static enum fault pin_new_share(const char *path, const struct share_record *record, struct keyring *keyring,
				struct why *why)
{
	const struct pin_share pin = {record->share, record->version, record->digest};
	AUTO(free) char *real = realpath(path, NULL);
	if (!real)
		return why_system(why, "cannot find '%s'", path);
	return keyring_set_share_pin(keyring, real, &pin, why);
}

/* Opened by its record, as everybody else will open it. */
static enum fault fill_share(const char *path, const struct share_record *record, struct keyring *keyring,
			     const struct certificate *maker, const struct identity *identity,
			     struct why *why)
{
	AUTO(share_close) struct share *share = NULL;
	const struct share_options plain = {.local = false};
	enum fault fault = pin_new_share(path, record, keyring, why);
	if (!fault)
		fault = share_open(path, &plain, keyring, &share, why);
	if (!fault && !record->lobby)
		fault = make_root_folder(share, maker, identity, why);
	return fault;
}

static enum fault make_share(const char *path, bool lobby, struct keyring *keyring,
			     const struct certificate *maker, const struct identity *identity,
			     struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct share_record record;
	enum fault fault = share_record_make(lobby, maker, identity, &record, &text, why);
	if (fault)
		return fault;
	AUTO(file_close) int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return why_system(why, "cannot open '%s'", path);
	const struct backing backing = backing_of(root);
	if (backing.keeps_writes)
		return why_in(why, refuse_backing(&backing, why), "'%s'", path);
	fault = file_replace(root, FORMAT_SHARE_FILE, 0644, &text, why);
	if (!fault)
		fault = fill_share(path, &record, keyring, maker, identity, why);
	if (fault)
		goto empty_directory;
	return FAULT_NONE;

empty_directory:
	(void)unlinkat(root, FORMAT_FOLDER_FILE, 0);
	(void)unlinkat(root, FORMAT_LOG_FILE, 0);
	(void)unlinkat(root, FORMAT_SHARE_FILE, 0);
	return fault;
}

enum fault share_create(const char *path, bool lobby, struct keyring *keyring, struct why *why)
{
	const struct identity *identity;
	AUTO(certificate_free) struct certificate *maker = NULL;
	enum fault fault = keyring_identity(keyring, &identity, why);
	if (!fault)
		fault = keyring_shown_certificate(keyring, &maker, why);
	if (!fault)
		fault = make_directory(path, why);
	if (!fault)
		fault = make_share(path, lobby, keyring, maker, identity, why);
	return fault;
}
