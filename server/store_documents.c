/* What the organisation signed, the server's own keys, officers, escrowed tokens. */
#include "server/store_parts.h"

/* -- what the organisation signed ------------------------------------------------------- */

enum fault store_document_write(struct store *store, enum store_document document, uint64_t version,
				const char *text, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO documents (kind, version, text) VALUES (?, ?, ?) ON CONFLICT (kind)"
		       " DO UPDATE SET version = excluded.version, text = excluded.text"
		       " WHERE documents.version < excluded.version"
		       " OR (documents.version = excluded.version AND documents.text = excluded.text)",
		VALUES(VALUE_INTEGER(document), VALUE_INTEGER(version), VALUE_TEXT(text))};
	uint64_t changed;
	enum fault fault = rows_change_seen(store, &query, &changed, why);

	if (!fault && !changed)
		return why_set(why, FAULT_EXISTS, "the store has a version as high as %llu",
			       (unsigned long long)version);
	return fault;
}

enum fault store_document_read(struct store *store, enum store_document document, struct bytes *ret_text,
			       struct why *why)
{
	static const struct column columns[] = {
		{.form = COLUMN_WORDS, .offset = 0, .size = sizeof(struct bytes)}};
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	const struct query query = {.sql = "SELECT text FROM documents WHERE kind = ?",
				    VALUES(VALUE_INTEGER(document)),
				    COLUMNS(columns),
				    .into = &text};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "the store holds no %s",
			       document == STORE_POLICY ? "policy" : "organisation");
	if (fault)
		return fault;
	*ret_text = text;
	text = BYTES_EMPTY;
	return FAULT_NONE;
}

/* -- the server's own keys -------------------------------------------------------------- */

enum fault store_key_write(struct store *store, enum store_key key, const struct stored_identity *identity,
			   struct why *why)
{
	const struct public_identity *public = &identity->public;
	const struct query query = {
		.sql = "INSERT INTO own_keys (kind, id, name, sign_public, encrypt_public, sealed)"
		       " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind) DO UPDATE SET id = excluded.id,"
		       " name = excluded.name, sign_public = excluded.sign_public,"
		       " encrypt_public = excluded.encrypt_public, sealed = excluded.sealed",
		VALUES(VALUE_INTEGER(key), VALUE_ID(&public->id), VALUE_TEXT(public->name),
		       VALUE_BLOB(public->sign_public, SIGN_PUBLIC_SIZE),
		       VALUE_BLOB(public->encrypt_public, ENCRYPT_PUBLIC_SIZE),
		       VALUE_BLOB(identity->sealed, IDENTITY_STORED_SIZE))};

	return rows_change_seen(store, &query, NULL, why);
}

enum fault store_key_read(struct store *store, enum store_key key, struct stored_identity *ret_identity,
			  struct why *why)
{
	static const struct column columns[] = {
		{COLUMN_EXACT, COLUMN_AT(struct stored_identity, public.id)},
		{COLUMN_NAME, COLUMN_AT(struct stored_identity, public.name)},
		{COLUMN_EXACT, COLUMN_AT(struct stored_identity, public.sign_public)},
		{COLUMN_EXACT, COLUMN_AT(struct stored_identity, public.encrypt_public)},
		{COLUMN_EXACT, COLUMN_AT(struct stored_identity, sealed)},
	};
	struct stored_identity identity;
	const struct query query = {
		.sql = "SELECT id, name, sign_public, encrypt_public, sealed FROM own_keys WHERE kind = ?",
		VALUES(VALUE_INTEGER(key)),
		COLUMNS(columns),
		.into = &identity};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "the store does not hold the key of the %s",
			       key == STORE_KEY_ROOT ? "organisation" : "server");
	if (!fault)
		*ret_identity = identity;
	return fault;
}

/* -- officers --------------------------------------------------------------------------- */

static const struct column officer_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct public_identity, id)},
	{COLUMN_NAME, COLUMN_AT(struct public_identity, name)},
	{COLUMN_EXACT, COLUMN_AT(struct public_identity, sign_public)},
	{COLUMN_EXACT, COLUMN_AT(struct public_identity, encrypt_public)},
};
#define OFFICER_SELECT "SELECT id, name, sign_public, encrypt_public FROM officers "

enum fault store_officer_write(struct store *store, const struct public_identity *officer,
			       const char *certificate, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO officers (name, id, sign_public, encrypt_public, certificate)"
		       " VALUES (?, ?, ?, ?, ?)",
		VALUES(VALUE_TEXT(officer->name), VALUE_ID(&officer->id),
		       VALUE_BLOB(officer->sign_public, SIGN_PUBLIC_SIZE),
		       VALUE_BLOB(officer->encrypt_public, ENCRYPT_PUBLIC_SIZE), VALUE_TEXT(certificate))};
	enum fault fault = rows_change_seen(store, &query, NULL, why);

	if (fault == FAULT_EXISTS)
		return why_set(why, fault, "there is an officer '%s' already", officer->name);
	return fault;
}

enum fault store_officer_find(struct store *store, const char *name, struct public_identity *ret_officer,
			      struct why *why)
{
	struct public_identity officer;
	const struct query query = {.sql = OFFICER_SELECT "WHERE name = ?",
				    VALUES(VALUE_TEXT(name)),
				    COLUMNS(officer_columns),
				    .into = &officer};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "there is no officer '%s'", name);
	if (!fault)
		*ret_officer = officer;
	return fault;
}

struct officer_walk {
	struct public_identity officer;
	store_each_officer *each;
	void *context;
};

static enum fault next_officer(void *context, struct why *why)
{
	struct officer_walk *walk = context;

	return walk->each(walk->context, &walk->officer, why);
}

enum fault store_officers(struct store *store, store_each_officer *each, void *context, struct why *why)
{
	struct officer_walk walk = {.each = each, .context = context};
	const struct query query = {
		.sql = OFFICER_SELECT "ORDER BY name", COLUMNS(officer_columns), .into = &walk.officer};

	return rows_each(store, &query, next_officer, &walk, why);
}

/* -- escrowed recovery tokens ------------------------------------------------------------ */

enum fault store_token_write(struct store *store, const struct member_id *account, const void *sealed,
			     size_t size, int64_t now, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO tokens (account, sealed, written) VALUES (?, ?, ?) ON CONFLICT (account)"
		       " DO UPDATE SET sealed = excluded.sealed, written = excluded.written",
		VALUES(VALUE_ID(account), VALUE_BLOB(sealed, size), VALUE_INTEGER(now))};

	if (size > STORE_TOKEN_MAX)
		return why_set(why, FAULT_INVALID, "a sealed token has at most %d bytes", STORE_TOKEN_MAX);
	return rows_change(store, &query, NULL, why);
}

enum fault store_token_read(struct store *store, const struct member_id *account, struct bytes *ret_sealed,
			    struct why *why)
{
	static const struct column columns[] = {
		{.form = COLUMN_BYTES, .offset = 0, .size = sizeof(struct bytes)}};
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	const struct query query = {.sql = "SELECT sealed FROM tokens WHERE account = ?",
				    VALUES(VALUE_ID(account)),
				    COLUMNS(columns),
				    .into = &sealed};
	enum fault fault = rows_first(store, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "no recovery token of that account is kept here");
	if (fault)
		return fault;
	*ret_sealed = sealed;
	sealed = BYTES_EMPTY;
	return FAULT_NONE;
}
