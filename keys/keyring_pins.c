#include <string.h>

#include "keys/keyring_seen.h"
#include "keys/keyring_store.h"

/* A path, as the blob it is stored as. */
#define VALUE_PATH(path) VALUE_BLOB(path, strlen(path))

void pin_folder_done(struct pin_folder *pin)
{
	bytes_done(&pin->file);
}

/* -- shares --------------------------------------------------------------------------- */

static const struct column share_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct pin_share, share)},
	{COLUMN_INTEGER, COLUMN_AT(struct pin_share, version), .least = VERSION_LEAST, .most = VERSION_MOST},
	{COLUMN_EXACT, COLUMN_AT(struct pin_share, digest)},
};

static enum fault find_share(struct keyring *held, const char *path, struct pin_share *ret_pin,
			     struct why *why)
{
	struct pin_share pin;
	const struct query query = {.sql = "SELECT share, version, digest FROM share_pins WHERE path = ?",
				    VALUES(VALUE_PATH(path)),
				    COLUMNS(share_columns),
				    .into = &pin};
	enum fault fault = store_find(held, &query, why);
	if (!fault)
		*ret_pin = pin;
	return fault;
}

enum fault keyring_share_pin(struct keyring *keyring, const char *share_path, struct pin_share *ret_pin,
			     struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = find_share(held, share_path, ret_pin, why);

	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_MISSING, "no share was seen at '%s' before", share_path);
	return fault;
}

static enum fault check_share(struct keyring *held, const char *path, const struct pin_share *pin,
			      struct why *why)
{
	struct pin_share known;
	struct seen before = nothing_seen;
	const struct seen now = {pin->version, &pin->digest};
	enum fault fault = find_share(held, path, &known, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	if (!fault && share_id_equal(&known.share, &pin->share))
		before = (struct seen){known.version, &known.digest};
	return why_in(why, seen_check_forward(&before, &now, why), "the record of the share '%s'", path);
}

static enum fault put_share(struct keyring *held, const char *path, const struct pin_share *pin,
			    struct why *why)
{
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO share_pins (path, share, version, digest) VALUES (?, ?, ?, ?)",
		VALUES(VALUE_PATH(path), VALUE_ID(&pin->share), VALUE_INTEGER(pin->version),
		       VALUE_ID(&pin->digest)),
	};
	enum fault fault = check_share(held, path, pin, why);

	return fault ? fault : store_change(held, &query, NULL, why);
}

enum fault keyring_set_share_pin(struct keyring *keyring, const char *share_path, const struct pin_share *pin,
				 struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, put_share(held, share_path, pin, why), why);
}

enum fault keyring_drop_share_pin(struct keyring *keyring, const char *share_path, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const struct query query = {.sql = "DELETE FROM share_pins WHERE path = ?",
				    VALUES(VALUE_PATH(share_path))};

	return store_change(held, &query, NULL, why);
}

/* -- folders: reading ----------------------------------------------------------------- */

struct folder_row {
	struct pin_folder pin;
	struct bytes path;
	int64_t displaced;
};

static void folder_row_done(struct folder_row *row)
{
	pin_folder_done(&row->pin);
	bytes_done(&row->path);
}
AUTO_VALUE(struct folder_row, folder_row_done);

static const struct column folder_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct folder_row, pin.folder)},
	{COLUMN_INTEGER, COLUMN_AT(struct folder_row, pin.version), .least = VERSION_LEAST,
	 .most = VERSION_MOST},
	{COLUMN_EXACT, COLUMN_AT(struct folder_row, pin.digest)},
	{COLUMN_BYTES, COLUMN_AT(struct folder_row, pin.file)},
	{COLUMN_WORDS, COLUMN_AT(struct folder_row, path)},
	{COLUMN_INTEGER, COLUMN_AT(struct folder_row, displaced), .most = 1},
};

#define FOLDER_SELECT "SELECT folder, version, digest, file, path, displaced FROM folder_pins "

static enum fault find_at(struct keyring *held, const struct share_id *share, const char *path,
			  struct folder_row *row, struct why *why)
{
	const struct query query = {.sql = FOLDER_SELECT "WHERE share = ? AND path = ? AND displaced = 0",
				    VALUES(VALUE_ID(share), VALUE_PATH(path)),
				    COLUMNS(folder_columns),
				    .into = row};

	return store_find(held, &query, why);
}

static enum fault find_folder(struct keyring *held, const struct share_id *share,
			      const struct folder_id *folder, struct folder_row *row, struct why *why)
{
	const struct query query = {.sql = FOLDER_SELECT "WHERE share = ? AND folder = ?",
				    VALUES(VALUE_ID(share), VALUE_ID(folder)),
				    COLUMNS(folder_columns),
				    .into = row};

	return store_find(held, &query, why);
}

static struct pin_folder take_pin(struct folder_row *row)
{
	struct pin_folder pin = row->pin;

	row->pin.file = BYTES_EMPTY;
	return pin;
}

static enum fault not_seen(enum fault fault, struct why *why)
{
	return fault == FAULT_MISSING ? why_set(why, FAULT_MISSING, "this folder was not seen before")
				      : fault;
}

enum fault keyring_folder_pin(struct keyring *keyring, const struct share_id *share, const char *path,
			      struct pin_folder *ret_pin, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(folder_row_done) struct folder_row row = {.path = BYTES_EMPTY};
	enum fault fault = find_at(held, share, path, &row, why);

	if (!fault)
		*ret_pin = take_pin(&row);
	return not_seen(fault, why);
}

enum fault keyring_folder_pin_by_id(struct keyring *keyring, const struct share_id *share,
				    const struct folder_id *folder, struct pin_folder *ret_pin,
				    char **ret_path, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(folder_row_done) struct folder_row row = {.path = BYTES_EMPTY};
	enum fault fault = find_folder(held, share, folder, &row, why);
	if (fault)
		return not_seen(fault, why);
	*ret_pin = take_pin(&row);
	*ret_path = (char *)row.path.data; /* a zero byte follows it */
	row.path = BYTES_EMPTY;
	return FAULT_NONE;
}

/* -- folders: pinning ----------------------------------------------------------------- */

/* Who stands at `path` makes room. */
static enum fault displace(struct keyring *held, const struct share_id *share, const char *path,
			   struct why *why)
{
	const struct query query = {
		.sql = "UPDATE folder_pins SET displaced = 1 WHERE share = ? AND path = ? AND displaced = 0",
		VALUES(VALUE_ID(share), VALUE_PATH(path))};

	return store_change(held, &query, NULL, why);
}

/* A folder never seen does not take the place of one that was: that is what an attacker's own folder would
 * do. */
static enum fault check_new_place(struct keyring *held, const struct share_id *share, const char *path,
				  struct why *why)
{
	AUTO(folder_row_done) struct folder_row there = {.path = BYTES_EMPTY};
	enum fault fault = find_at(held, share, path, &there, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	return fault ? fault : why_set(why, FAULT_TAMPERED, "another folder was seen here before");
}

static enum fault write_folder(struct keyring *held, const struct share_id *share, const char *path,
			       const struct pin_folder *pin, struct why *why)
{
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO folder_pins"
		       " (share, folder, path, displaced, version, digest, file)"
		       " VALUES (?, ?, ?, 0, ?, ?, ?)",
		VALUES(VALUE_ID(share), VALUE_ID(&pin->folder), VALUE_PATH(path), VALUE_INTEGER(pin->version),
		       VALUE_ID(&pin->digest), VALUE_BLOB(pin->file.data, pin->file.size)),
	};
	return store_change(held, &query, NULL, why);
}

static bool is_same(const struct folder_row *known, const char *path, const struct pin_folder *pin)
{
	return !known->displaced && strcmp((const char *)known->path.data, path) == 0 &&
	       known->pin.version == pin->version && known->pin.file.size == pin->file.size &&
	       (pin->file.size == 0 || memcmp(known->pin.file.data, pin->file.data, pin->file.size) == 0);
}

static enum fault move_forward(struct keyring *held, const struct share_id *share, const char *path,
			       const struct pin_folder *pin, const struct folder_row *known, struct why *why)
{
	const struct seen before = {known->pin.version, &known->pin.digest};
	const struct seen now = {pin->version, &pin->digest};
	enum fault fault = seen_check_forward(&before, &now, why);
	if (fault || is_same(known, path, pin))
		return fault;
	fault = displace(held, share, path, why);
	return fault ? fault : write_folder(held, share, path, pin, why);
}

static enum fault put_folder(struct keyring *held, const struct share_id *share, const char *path,
			     const struct pin_folder *pin, struct why *why)
{
	AUTO(folder_row_done) struct folder_row known = {.path = BYTES_EMPTY};
	const struct seen now = {pin->version, &pin->digest};
	enum fault fault = find_folder(held, share, &pin->folder, &known, why);
	if (!fault)
		return move_forward(held, share, path, pin, &known, why);
	if (fault != FAULT_MISSING)
		return fault;
	fault = seen_check_forward(&nothing_seen, &now, why);
	if (!fault)
		fault = check_new_place(held, share, path, why);
	return fault ? fault : write_folder(held, share, path, pin, why);
}

enum fault keyring_set_folder_pin(struct keyring *keyring, const struct share_id *share, const char *path,
				  const struct pin_folder *pin, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, put_folder(held, share, path, pin, why), why);
}

enum fault keyring_drop_folder_pin(struct keyring *keyring, const struct share_id *share,
				   const struct folder_id *folder, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const struct query query = {.sql = "DELETE FROM folder_pins WHERE share = ? AND folder = ?",
				    VALUES(VALUE_ID(share), VALUE_ID(folder))};

	return store_change(held, &query, NULL, why);
}

/* -- folders: all of a share ---------------------------------------------------------- */

/* Ids only: the files of all folders together may be large. */
struct ids {
	struct folder_id next;
	struct bytes all;
};

static void ids_done(struct ids *ids)
{
	bytes_done(&ids->all);
}
AUTO_VALUE(struct ids, ids_done);

static enum fault note_id(void *context, struct why *why)
{
	struct ids *ids = context;

	return bytes_append(&ids->all, ids->next.bytes, ID_SIZE, why);
}

static enum fault list_ids(struct keyring *keyring, const struct share_id *share, struct ids *ids,
			   struct why *why)
{
	static const struct column columns[] = {{COLUMN_EXACT, COLUMN_AT(struct ids, next)}};
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const struct query query = {
		.sql = "SELECT folder FROM folder_pins WHERE share = ? AND displaced = 0 ORDER BY path",
		VALUES(VALUE_ID(share)),
		COLUMNS(columns),
		.into = ids};

	return store_each(held, &query, note_id, ids, why);
}

/* The keyring is let go around `each`, which may use it: a pin dropped meanwhile is left out. */
enum fault keyring_each_folder_pin(struct keyring *keyring, const struct share_id *share,
				   bool (*each)(void *context, const char *path,
						const struct pin_folder *pin),
				   void *context, struct why *why)
{
	AUTO(ids_done) struct ids ids = {.all = BYTES_EMPTY};
	enum fault fault = list_ids(keyring, share, &ids, why);
	bool goes_on = true;

	for (size_t at = 0; !fault && goes_on && at < ids.all.size; at += ID_SIZE) {
		AUTO(folder_row_done) struct folder_row row = {.path = BYTES_EMPTY};
		struct folder_id folder;
		memcpy(folder.bytes, ids.all.data + at, ID_SIZE);
		fault = find_folder(keyring_hold(keyring), share, &folder, &row, why);
		keyring_let_go(keyring);
		if (!fault)
			goes_on = each(context, (const char *)row.path.data, &row.pin);
		else if (fault == FAULT_MISSING)
			fault = FAULT_NONE;
	}
	return fault;
}

/* -- renamed directories -------------------------------------------------------------- */

/* "a" and all below it: the path itself, or one that begins with "a/". */
#define IS_BELOW(path, slashed) "(path = " path " OR substr(path, 1, length(" slashed ")) = " slashed ")"

struct rename {
	const struct share_id *share;
	const char *from, *to;
	char *from_slashed, *to_slashed;
};

static void rename_done(struct rename *rename)
{
	free(rename->from_slashed);
	free(rename->to_slashed);
}
AUTO_VALUE(struct rename, rename_done);

/* What stood at the new place was replaced, or an attacker says so: it is kept aside, not forgotten. When
 * nothing is at the old place, its pins have moved before, and what stands at the new one are these. */
static enum fault move_rows(struct keyring *held, const struct rename *rename, struct why *why)
{
	const struct query displaced = {
		.sql = "UPDATE folder_pins SET displaced = 1 WHERE share = ?1 AND displaced = 0"
		       " AND " IS_BELOW("?2", "?3") " AND EXISTS (SELECT 1 FROM folder_pins"
						    " WHERE share = ?1 AND displaced = 0 AND " IS_BELOW(
							    "?4", "?5") ")",
		VALUES(VALUE_ID(rename->share), VALUE_PATH(rename->to), VALUE_PATH(rename->to_slashed),
		       VALUE_PATH(rename->from), VALUE_PATH(rename->from_slashed)),
	};
	/* '||' makes text of bytes that need not be text; the cast only names them a blob again. */
	const struct query moved = {
		.sql = "UPDATE folder_pins SET path = CAST(?4 || substr(path, length(?2) + 1) AS BLOB)"
		       " WHERE share = ?1 AND displaced = 0 AND " IS_BELOW("?2", "?3"),
		VALUES(VALUE_ID(rename->share), VALUE_PATH(rename->from), VALUE_PATH(rename->from_slashed),
		       VALUE_PATH(rename->to)),
	};
	enum fault fault = store_change(held, &displaced, NULL, why);

	return fault ? fault : store_change(held, &moved, NULL, why);
}

static bool is_within(const char *path, const char *slashed)
{
	return strncmp(path, slashed, strlen(slashed)) == 0;
}

static enum fault rename_init(struct rename *rename, struct why *why)
{
	if (asprintf(&rename->from_slashed, "%s/", rename->from) < 0)
		rename->from_slashed = NULL;
	if (asprintf(&rename->to_slashed, "%s/", rename->to) < 0)
		rename->to_slashed = NULL;
	if (!rename->from_slashed || !rename->to_slashed)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	if (!*rename->from || !*rename->to || is_within(rename->to, rename->from_slashed) ||
	    is_within(rename->from, rename->to_slashed))
		return why_set(why, FAULT_INVALID,
			       "no directory moves into itself, and the root does not move");
	return FAULT_NONE;
}

enum fault keyring_move_pins(struct keyring *keyring, const struct share_id *share, const char *from,
			     const char *to, struct why *why)
{
	AUTO(rename_done) struct rename rename = {.share = share, .from = from, .to = to};
	enum fault fault = rename_init(&rename, why);
	if (fault || strcmp(from, to) == 0)
		return fault;
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	fault = store_begin(held, why);
	return fault ? fault : store_end(held, move_rows(held, &rename, why), why);
}
