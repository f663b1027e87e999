#include "keys/keyring_store.h"

/* Versions are u64 in records; a pin holds what fits into sqlite's integers, which no chain reaches. */

void pin_folder_done(struct pin_folder *pin)
{
	bytes_done(&pin->file);
}

enum fault keyring_share_pin(struct keyring *keyring, const char *share_path, struct pin_share *ret_pin,
			     struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	struct pin_share pin;
	bool found = false;
	enum fault fault = store_query(held, &row, why,
				       "SELECT share, version, digest FROM share_pins WHERE path = ?", "t",
				       share_path);
	if (!fault)
		fault = store_next(held, row, &found, why);
	if (fault)
		return fault;
	if (!found)
		return why_set(why, FAULT_MISSING, "no share was seen at '%s' before", share_path);
	pin.version = (uint64_t)sqlite3_column_int64(row, 1);
	if (!store_blob(row, 0, pin.share.bytes, ID_SIZE) ||
	    !store_blob(row, 2, pin.digest.bytes, DIGEST_SIZE))
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s': a pin is damaged", held->path);
	*ret_pin = pin;
	return FAULT_NONE;
}

enum fault keyring_set_share_pin(struct keyring *keyring, const char *share_path, const struct pin_share *pin,
				 struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	return store_run(held, why, "INSERT OR REPLACE INTO share_pins VALUES (?, ?, ?, ?)", "tbib",
			 share_path, pin->share.bytes, (size_t)ID_SIZE, (int64_t)pin->version,
			 pin->digest.bytes, (size_t)DIGEST_SIZE);
}

#define FOLDER_COLUMNS "folder, version, digest, file, path"

static enum fault read_folder_row(struct keyring *keyring, sqlite3_stmt *row, struct pin_folder *ret_pin,
				  struct why *why)
{
	AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
	pin.version = (uint64_t)sqlite3_column_int64(row, 1);
	if (!store_blob(row, 0, pin.folder.bytes, ID_SIZE) ||
	    !store_blob(row, 2, pin.digest.bytes, DIGEST_SIZE) || !sqlite3_column_text(row, 4))
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s': a pin is damaged", keyring->path);
	enum fault fault = bytes_append(&pin.file, sqlite3_column_blob(row, 3),
					(size_t)sqlite3_column_bytes(row, 3), why);
	if (fault)
		return fault;
	*ret_pin = pin;
	pin.file = BYTES_EMPTY;
	return FAULT_NONE;
}

static enum fault one_folder_row(struct keyring *keyring, sqlite3_stmt *row, struct pin_folder *ret_pin,
				 struct why *why)
{
	bool found = false;
	enum fault fault = store_next(keyring, row, &found, why);
	if (fault)
		return fault;
	if (!found)
		return why_set(why, FAULT_MISSING, "this folder was not seen before");
	return read_folder_row(keyring, row, ret_pin, why);
}

enum fault keyring_folder_pin(struct keyring *keyring, const struct share_id *share, const char *path,
			      struct pin_folder *ret_pin, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	enum fault fault = store_query(
		held, &row, why, "SELECT " FOLDER_COLUMNS " FROM folder_pins WHERE share = ? AND path = ?",
		"bt", share->bytes, (size_t)ID_SIZE, path);
	return fault ? fault : one_folder_row(held, row, ret_pin, why);
}

enum fault keyring_folder_pin_by_id(struct keyring *keyring, const struct share_id *share,
				    const struct folder_id *folder, struct pin_folder *ret_pin,
				    char **ret_path, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
	enum fault fault = store_query(
		held, &row, why, "SELECT " FOLDER_COLUMNS " FROM folder_pins WHERE share = ? AND folder = ?",
		"bb", share->bytes, (size_t)ID_SIZE, folder->bytes, (size_t)ID_SIZE);
	if (!fault)
		fault = one_folder_row(held, row, &pin, why);
	if (fault)
		return fault;
	char *path = strdup((const char *)sqlite3_column_text(row, 4));
	if (!path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = path;
	*ret_pin = pin;
	pin.file = BYTES_EMPTY;
	return FAULT_NONE;
}

/* Nothing that was seen may become unseen: same folder, lower version or another record of the same version.
 */
static enum fault check_not_back(struct keyring *keyring, const struct share_id *share,
				 const struct pin_folder *pin, struct why *why)
{
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	AUTO(pin_folder_done) struct pin_folder before = {.file = BYTES_EMPTY};
	enum fault fault = store_query(
		keyring, &row, why,
		"SELECT " FOLDER_COLUMNS " FROM folder_pins WHERE share = ? AND folder = ?", "bb",
		share->bytes, (size_t)ID_SIZE, pin->folder.bytes, (size_t)ID_SIZE);
	if (!fault)
		fault = one_folder_row(keyring, row, &before, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (fault)
		return fault;
	if (pin->version < before.version)
		return why_set(why, FAULT_TAMPERED, "the access list went back from version %llu to %llu",
			       (unsigned long long)before.version, (unsigned long long)pin->version);
	if (pin->version == before.version && !digest_equal(&pin->digest, &before.digest))
		return why_set(why, FAULT_TAMPERED,
			       "version %llu of the access list is not the one seen before",
			       (unsigned long long)pin->version);
	return FAULT_NONE;
}

static enum fault put_folder_pin(struct keyring *keyring, const struct share_id *share, const char *path,
				 const struct pin_folder *pin, struct why *why)
{
	enum fault fault = check_not_back(keyring, share, pin, why);
	if (!fault)
		fault = store_run(
			keyring, why, "DELETE FROM folder_pins WHERE share = ? AND (folder = ? OR path = ?)",
			"bbt", share->bytes, (size_t)ID_SIZE, pin->folder.bytes, (size_t)ID_SIZE, path);
	if (!fault)
		fault = store_run(keyring, why, "INSERT INTO folder_pins VALUES (?, ?, ?, ?, ?, ?)", "btbibb",
				  share->bytes, (size_t)ID_SIZE, path, pin->folder.bytes, (size_t)ID_SIZE,
				  (int64_t)pin->version, pin->digest.bytes, (size_t)DIGEST_SIZE,
				  pin->file.data, pin->file.size);
	return fault;
}

enum fault keyring_set_folder_pin(struct keyring *keyring, const struct share_id *share, const char *path,
				  const struct pin_folder *pin, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	enum fault fault = store_begin(held, why);
	if (fault)
		return fault;
	return store_end(held, put_folder_pin(held, share, path, pin, why), why);
}

enum fault keyring_drop_folder_pin(struct keyring *keyring, const struct share_id *share,
				   const struct folder_id *folder, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	return store_run(held, why, "DELETE FROM folder_pins WHERE share = ? AND folder = ?", "bb",
			 share->bytes, (size_t)ID_SIZE, folder->bytes, (size_t)ID_SIZE);
}

enum fault keyring_each_folder_pin(struct keyring *keyring, const struct share_id *share,
				   bool (*each)(void *context, const char *path,
						const struct pin_folder *pin),
				   void *context, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false, go_on = true;
	enum fault fault = store_query(
		held, &row, why, "SELECT " FOLDER_COLUMNS " FROM folder_pins WHERE share = ? ORDER BY path",
		"b", share->bytes, (size_t)ID_SIZE);
	while (!fault && go_on && !(fault = store_next(held, row, &found, why)) && found) {
		AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
		fault = read_folder_row(held, row, &pin, why);
		if (!fault)
			go_on = each(context, (const char *)sqlite3_column_text(row, 4), &pin);
	}
	return fault;
}

enum fault keyring_move_pins(struct keyring *keyring, const struct share_id *share, const char *from,
			     const char *to, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	/* What lay at the new place is gone: the rename replaced it. */
	enum fault fault = store_begin(held, why);
	if (fault)
		return fault;
	fault = store_run(
		held, why,
		"UPDATE OR REPLACE folder_pins SET path = ?3 || substr(path, length(?2) + 1) WHERE share = ?1 "
		"AND (path = ?2 OR substr(path, 1, length(?2) + 1) = ?2 || '/')",
		"btt", share->bytes, (size_t)ID_SIZE, from, to);
	return store_end(held, fault, why);
}
