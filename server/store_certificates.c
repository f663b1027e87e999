/* Users' certificates, the codes that lead to the first, the approvals that lead to a further one. */
#include "server/store_parts.h"

void stored_certificate_done(struct stored_certificate *certificate)
{
	bytes_done(&certificate->text);
}

static const struct column certificate_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct stored_certificate, account)},
	{COLUMN_EXACT, COLUMN_AT(struct stored_certificate, user)},
	{COLUMN_EXACT, COLUMN_AT(struct stored_certificate, fingerprint)},
	{COLUMN_NAME, COLUMN_AT(struct stored_certificate, name)},
	{COLUMN_INTEGER, COLUMN_AT(struct stored_certificate, serial), .least = 1, .most = INT64_MAX},
	{COLUMN_EXACT, COLUMN_AT(struct stored_certificate, previous)},
	{COLUMN_SMALL, COLUMN_AT(struct stored_certificate, state), .least = CERTIFICATE_ACTIVE,
	 .most = CERTIFICATE_REVOKED},
	{COLUMN_INTEGER, COLUMN_AT(struct stored_certificate, created), .most = INT64_MAX},
	{COLUMN_WORDS, COLUMN_AT(struct stored_certificate, text)},
};
#define CERTIFICATE_SELECT \
	"SELECT account, user_id, fingerprint, name, serial, previous, state, created, text" \
	" FROM certificates "

static enum fault find_certificate(struct store *store, const struct query *wanted,
				   struct stored_certificate *ret_certificate, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate certificate = {.text = BYTES_EMPTY};
	struct query query = *wanted;
	enum fault fault;

	query.columns = certificate_columns;
	query.column_count = sizeof certificate_columns / sizeof *certificate_columns;
	query.into = &certificate;
	fault = rows_first(store, &query, why);
	if (fault == FAULT_MISSING)
		return why_set(why, fault, "there is no such certificate here");
	if (fault)
		return fault;
	*ret_certificate = certificate;
	certificate.text = BYTES_EMPTY;
	return FAULT_NONE;
}

enum fault store_certificate_of_account(struct store *store, const struct member_id *account,
					struct stored_certificate *ret_certificate, struct why *why)
{
	const struct query query = {.sql = CERTIFICATE_SELECT "WHERE account = ? AND state = 1",
				    VALUES(VALUE_ID(account))};

	return find_certificate(store, &query, ret_certificate, why);
}

enum fault store_certificate_of_user(struct store *store, const struct member_id *user,
				     struct stored_certificate *ret_certificate, struct why *why)
{
	const struct query query = {.sql = CERTIFICATE_SELECT "WHERE user_id = ? AND state = 1",
				    VALUES(VALUE_ID(user))};

	return find_certificate(store, &query, ret_certificate, why);
}

enum fault store_certificate_of_key(struct store *store, const struct fingerprint *fingerprint,
				    struct stored_certificate *ret_certificate, struct why *why)
{
	const struct query query = {.sql = CERTIFICATE_SELECT "WHERE fingerprint = ?",
				    VALUES(VALUE_ID(fingerprint))};

	return find_certificate(store, &query, ret_certificate, why);
}

enum fault store_certificate_last(struct store *store, const struct member_id *account,
				  struct stored_certificate *ret_certificate, struct why *why)
{
	const struct query query = {.sql = CERTIFICATE_SELECT
				    "WHERE account = ? ORDER BY serial DESC LIMIT 1",
				    VALUES(VALUE_ID(account))};

	return find_certificate(store, &query, ret_certificate, why);
}

struct certificate_walk {
	struct stored_certificate certificate;
	store_each_certificate *each;
	void *context;
};

static enum fault next_certificate(void *context, struct why *why)
{
	struct certificate_walk *walk = context;

	return walk->each(walk->context, &walk->certificate, why);
}

enum fault store_certificates(struct store *store, store_each_certificate *each, void *context,
			      struct why *why)
{
	struct certificate_walk walk = {.each = each, .context = context};
	const struct query query = {.sql = CERTIFICATE_SELECT "WHERE state = 1 ORDER BY name, account",
				    COLUMNS(certificate_columns),
				    .into = &walk.certificate};
	enum fault fault = rows_each(store, &query, next_certificate, &walk, why);

	stored_certificate_done(&walk.certificate);
	return fault;
}

/* -- changes ------------------------------------------------------------------------------ */

/* A serial that the account has seen, a key that anybody ever had, a user id that is another account's. */
static enum fault check_certificate(struct store *store, const struct stored_certificate *certificate,
				    struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM certificates WHERE (account = ? AND serial >= ?)"
		       " OR fingerprint = ? OR (user_id = ? AND account <> ?)",
		VALUES(VALUE_ID(&certificate->account), VALUE_INTEGER(certificate->serial),
		       VALUE_ID(&certificate->fingerprint), VALUE_ID(&certificate->user),
		       VALUE_ID(&certificate->account))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault && count)
		return why_set(why, FAULT_EXISTS, "this key, user id or serial was used before");
	return fault;
}

static enum fault write_certificate(struct store *store, const void *context, struct why *why)
{
	const struct stored_certificate *certificate = context;
	const struct query replace = {
		.sql = "UPDATE certificates SET state = 2 WHERE account = ? AND state = 1",
		VALUES(VALUE_ID(&certificate->account))};
	const struct query insert = {
		.sql = "INSERT INTO certificates (account, serial, user_id, fingerprint, name, previous,"
		       " state, created, text) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
		VALUES(VALUE_ID(&certificate->account), VALUE_INTEGER(certificate->serial),
		       VALUE_ID(&certificate->user), VALUE_ID(&certificate->fingerprint),
		       VALUE_TEXT(certificate->name), VALUE_ID(&certificate->previous),
		       VALUE_INTEGER(certificate->created),
		       VALUE_TEXT((const char *)certificate->text.data))};
	enum fault fault = check_certificate(store, certificate, why);

	if (!fault)
		fault = rows_change(store, &replace, NULL, why);
	return fault ? fault : rows_change_seen(store, &insert, NULL, why);
}

enum fault store_certificate_write(struct store *store, const struct stored_certificate *certificate,
				   struct why *why)
{
	return rows_together(store, write_certificate, certificate, why);
}

enum fault store_certificate_revoke(struct store *store, const struct member_id *account, struct why *why)
{
	const struct query query = {
		.sql = "UPDATE certificates SET state = 3 WHERE account = ? AND state = 1",
		VALUES(VALUE_ID(account))};
	uint64_t changed;
	enum fault fault = rows_change_seen(store, &query, &changed, why);

	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "the account has no key that could be revoked");
	return fault;
}

/* -- codes ------------------------------------------------------------------------------- */

enum fault store_code_write(struct store *store, const struct member_id *account, const struct digest *code,
			    int64_t expires, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO codes (account, code, expires) VALUES (?, ?, ?) ON CONFLICT (account)"
		       " DO UPDATE SET code = excluded.code, expires = excluded.expires",
		VALUES(VALUE_ID(account), VALUE_ID(code), VALUE_INTEGER(expires))};

	return rows_change(store, &query, NULL, why);
}

/* By the code's hash, so how long the comparison takes tells nothing of the code. */
enum fault store_code_use(struct store *store, const struct member_id *account, const struct digest *code,
			  int64_t now, struct why *why)
{
	const struct query query = {.sql = "DELETE FROM codes WHERE account = ? AND code = ? AND expires > ?",
				    VALUES(VALUE_ID(account), VALUE_ID(code), VALUE_INTEGER(now))};
	uint64_t changed;
	enum fault fault = rows_change(store, &query, &changed, why);

	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "the code is wrong, used or expired");
	return fault;
}

/* -- approvals ----------------------------------------------------------------------------- */

static const struct column approval_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct stored_approval, account)},
	{COLUMN_EXACT, COLUMN_AT(struct stored_approval, fingerprint)},
	{COLUMN_NAME, COLUMN_AT(struct stored_approval, name)},
	{COLUMN_INTEGER, COLUMN_AT(struct stored_approval, requested), .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct stored_approval, approved), .most = INT64_MAX},
	{COLUMN_INTEGER, COLUMN_AT(struct stored_approval, from), .most = INT64_MAX},
};
#define APPROVAL_SELECT "SELECT account, fingerprint, name, requested, approved, effective FROM approvals "

enum fault store_approval_request(struct store *store, const struct stored_approval *approval,
				  struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO approvals (account, fingerprint, name, requested, approved, effective)"
		       " VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (account) DO UPDATE SET"
		       " fingerprint = excluded.fingerprint, name = excluded.name,"
		       " requested = excluded.requested, approved = 0, effective = 0"
		       " WHERE approvals.fingerprint <> excluded.fingerprint",
		VALUES(VALUE_ID(&approval->account), VALUE_ID(&approval->fingerprint),
		       VALUE_TEXT(approval->name), VALUE_INTEGER(approval->requested))};

	return rows_change(store, &query, NULL, why);
}

enum fault store_approval_find(struct store *store, const struct member_id *account,
			       struct stored_approval *ret_approval, struct why *why)
{
	struct stored_approval approval;
	const struct query query = {.sql = APPROVAL_SELECT "WHERE account = ?",
				    VALUES(VALUE_ID(account)),
				    COLUMNS(approval_columns),
				    .into = &approval};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "no key of that account waits for approval");
	if (!fault)
		*ret_approval = approval;
	return fault;
}

enum fault store_approval_grant(struct store *store, const struct member_id *account,
				const struct fingerprint *fingerprint, int64_t now, int64_t from,
				struct why *why)
{
	const struct query query = {
		.sql = "UPDATE approvals SET approved = ?, effective = ?"
		       " WHERE account = ? AND fingerprint = ?",
		VALUES(VALUE_INTEGER(now), VALUE_INTEGER(from), VALUE_ID(account), VALUE_ID(fingerprint))};
	uint64_t changed;
	enum fault fault = rows_change(store, &query, &changed, why);

	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "this key does not wait for approval");
	return fault;
}

enum fault store_approval_drop(struct store *store, const struct member_id *account, struct why *why)
{
	const struct query query = {.sql = "DELETE FROM approvals WHERE account = ?",
				    VALUES(VALUE_ID(account))};

	return rows_change(store, &query, NULL, why);
}

struct approval_walk {
	struct stored_approval approval;
	store_each_approval *each;
	void *context;
};

static enum fault next_approval(void *context, struct why *why)
{
	struct approval_walk *walk = context;

	return walk->each(walk->context, &walk->approval, why);
}

enum fault store_approvals(struct store *store, store_each_approval *each, void *context, struct why *why)
{
	struct approval_walk walk = {.each = each, .context = context};
	const struct query query = {.sql = APPROVAL_SELECT "ORDER BY requested, account",
				    COLUMNS(approval_columns),
				    .into = &walk.approval};

	return rows_each(store, &query, next_approval, &walk, why);
}
