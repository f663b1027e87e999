/* The countdown in the keyring, and whether another process has written to it. */
#include <string.h>

#include "base/clock.h"
#include "keys/keyring_service.h"
#include "keys/keyring_store.h"

#define LENGTH_MOST ((int64_t)86400 * MS_PER_SECOND)

static const struct column countdown_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct countdown_stored, boot_id)},
	{COLUMN_INTEGER, COLUMN_AT(struct countdown_stored, boot_end_ms), .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct countdown_stored, wall_end_ms), .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct countdown_stored, length_ms), .most = LENGTH_MOST},
};

enum fault keyring_countdown(struct keyring *keyring, struct countdown_stored *ret_countdown, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	struct countdown_stored stored = {.length_ms = 0};
	const struct query query = {.sql = "SELECT boot_id, boot_end, wall_end, length FROM countdown",
				    COLUMNS(countdown_columns),
				    .into = &stored};
	enum fault fault = store_find(held, &query, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_countdown = stored;
	return FAULT_NONE;
}

enum fault keyring_set_countdown(struct keyring *keyring, const struct countdown_stored *countdown,
				 struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const struct query put = {
		.sql = "INSERT OR REPLACE INTO countdown (one, boot_id, boot_end, wall_end, length)"
		       " VALUES (1, ?, ?, ?, ?)",
		VALUES(VALUE_BLOB(countdown->boot_id, COUNTDOWN_BOOT_ID_SIZE),
		       VALUE_INTEGER(countdown->boot_end_ms), VALUE_INTEGER(countdown->wall_end_ms),
		       VALUE_INTEGER(countdown->length_ms)),
	};

	if (countdown->length_ms == 0)
		return store_script(held, "DELETE FROM countdown", why);
	return store_change(held, &put, NULL, why);
}

enum fault keyring_data_version(struct keyring *keyring, uint32_t *ret_version, struct why *why)
{
	static const struct column columns[] = {
		{.form = COLUMN_INTEGER, .size = sizeof(int64_t), .most = UINT32_MAX}};
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	int64_t version;
	const struct query query = {.sql = "PRAGMA data_version", COLUMNS(columns), .into = &version};
	enum fault fault = store_find(held, &query, why);
	if (!fault)
		*ret_version = (uint32_t)version;
	return fault;
}
