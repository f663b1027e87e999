/* Changes put off until a server answers. */
#include <string.h>

#include "base/bytes.h"
#include "keys/keyring_service.h"
#include "keys/keyring_store.h"

void deferred_done(struct deferred *deferred)
{
	free(deferred->directory);
	free(deferred->who);
	free(deferred->trouble);
	*deferred = (struct deferred){.number = 0};
}

enum fault keyring_defer(struct keyring *keyring, const struct deferred *deferred, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const char *trouble = deferred->trouble ? deferred->trouble : "";
	const struct query query = {
		.sql = "INSERT INTO deferred (kind, directory, who, role, created, trouble)"
		       " VALUES (?, ?, ?, ?, ?, ?)",
		VALUES(VALUE_INTEGER(deferred->kind),
		       VALUE_BLOB(deferred->directory, strlen(deferred->directory)),
		       VALUE_TEXT(deferred->who), VALUE_INTEGER(deferred->role),
		       VALUE_INTEGER(deferred->created), VALUE_TEXT(trouble)),
	};
	return store_change(held, &query, NULL, why);
}

/* -- walking -------------------------------------------------------------------------- */

struct row {
	int64_t number, kind, role, created;
	struct bytes directory, who, trouble;
};

static void row_done(struct row *row)
{
	bytes_done(&row->directory);
	bytes_done(&row->who);
	bytes_done(&row->trouble);
}
AUTO_VALUE(struct row, row_done);

static const struct column row_columns[] = {
	{COLUMN_INTEGER, COLUMN_AT(struct row, number), .least = 1, .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct row, kind), .least = DEFERRED_ADD_USER, .most = DEFERRED_ADD_GROUP},
	{COLUMN_WORDS, COLUMN_AT(struct row, directory)},
	{COLUMN_WORDS, COLUMN_AT(struct row, who)},
	{COLUMN_INTEGER, COLUMN_AT(struct row, role), .least = ROLE_READER, .most = ROLE_ADMIN},
	{COLUMN_INTEGER, COLUMN_AT(struct row, created), .most = INT64_MAX},
	{COLUMN_WORDS, COLUMN_AT(struct row, trouble)},
};

static enum fault find_after(struct keyring *keyring, int64_t number, struct row *row, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	const struct query query = {
		.sql = "SELECT number, kind, directory, who, role, created, trouble FROM deferred"
		       " WHERE number > ? ORDER BY number LIMIT 1",
		VALUES(VALUE_INTEGER(number)),
		COLUMNS(row_columns),
		.into = row};

	return store_find(held, &query, why);
}

/* A zero byte follows what is in a struct bytes. */
static struct deferred as_deferred(const struct row *row)
{
	return (struct deferred){
		.number = row->number,
		.kind = (enum deferred_kind)row->kind,
		.directory = (char *)row->directory.data,
		.who = (char *)row->who.data,
		.role = (enum role)row->role,
		.created = row->created,
		.trouble = row->trouble.size > 0 ? (char *)row->trouble.data : NULL,
	};
}

enum fault keyring_each_deferred(struct keyring *keyring,
				 enum fault (*each)(void *context, const struct deferred *deferred,
						    struct why *why),
				 void *context, struct why *why)
{
	AUTO(row_done) struct row row = {.number = 0};
	enum fault fault = FAULT_NONE;

	while (!fault) {
		fault = find_after(keyring, row.number, &row, why);
		if (fault)
			return fault == FAULT_MISSING ? FAULT_NONE : fault;
		const struct deferred deferred = as_deferred(&row);
		fault = each(context, &deferred, why);
	}
	return fault;
}

/* -- one of them ---------------------------------------------------------------------- */

static enum fault change_one(struct keyring *keyring, const struct query *query, int64_t number,
			     struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	int64_t changed = 0;
	enum fault fault = store_change(held, query, &changed, why);

	if (fault || changed)
		return fault;
	return why_set(why, FAULT_MISSING, "no deferred change has the number %lld", (long long)number);
}

enum fault keyring_drop_deferred(struct keyring *keyring, int64_t number, struct why *why)
{
	const struct query query = {.sql = "DELETE FROM deferred WHERE number = ?",
				    VALUES(VALUE_INTEGER(number))};

	return change_one(keyring, &query, number, why);
}

enum fault keyring_deferred_trouble(struct keyring *keyring, int64_t number, const char *trouble,
				    struct why *why)
{
	const struct query query = {.sql = "UPDATE deferred SET trouble = ? WHERE number = ?",
				    VALUES(VALUE_TEXT(trouble), VALUE_INTEGER(number))};

	return change_one(keyring, &query, number, why);
}
