/* The organisation and its servers. */
#include "keys/keyring_service_parts.h"

#include <string.h>

/* -- the organisation: reading --------------------------------------------------------- */

void keyring_organisation_done(struct keyring_organisation *organisation)
{
	signed_free(organisation->object);
	certificate_free(organisation->certificate);
	for (size_t i = 0; i < organisation->server_count; i++)
		free(organisation->servers[i].certificate_authority);
	free(organisation->servers);
	*organisation = (struct keyring_organisation){.object = NULL};
}

struct organisation_row {
	struct fingerprint fingerprint;
	struct stored_object object;
	struct member_id account;
	struct bytes certificate;
};

static void organisation_row_done(struct organisation_row *row)
{
	stored_object_done(&row->object);
	bytes_done(&row->certificate);
}
AUTO_VALUE(struct organisation_row, organisation_row_done);

static const struct column organisation_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct organisation_row, fingerprint)},
	STORED_OBJECT_COLUMNS(struct organisation_row, object),
	{COLUMN_EXACT, COLUMN_AT(struct organisation_row, account)},
	{COLUMN_WORDS, COLUMN_AT(struct organisation_row, certificate)},
};

static enum fault find_organisation(struct keyring *held, struct organisation_row *row, struct why *why)
{
	const struct query query = {
		.sql = "SELECT fingerprint, object, version, digest, account, certificate FROM organisation",
		COLUMNS(organisation_columns),
		.into = row};
	enum fault fault = store_find(held, &query, why);

	if (fault == FAULT_MISSING)
		return why_set(why, fault, "you are not enrolled in an organisation: run 'fsenc enroll'");
	return fault;
}

static enum fault read_organisation(const struct keyring *held, const struct organisation_row *row,
				    struct keyring_organisation *into, struct why *why)
{
	enum fault fault = stored_object_parse(held, &row->object, ORGANISATION_TYPE, &into->object, why);
	if (fault)
		return fault;
	into->fingerprint = row->fingerprint;
	into->account = row->account;
	fault = organisation_read(into->object, &row->fingerprint, &into->organisation, why);
	if (fault || into->organisation.version != row->object.version)
		return stored_object_damaged(held, fault, "the organisation", why);
	return FAULT_NONE;
}

/* The organisation's word for our own key, and no other. */
static enum fault read_certificate(const struct keyring *held, const struct bytes *text,
				   struct certificate **ret_certificate, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;
	const struct fingerprint own = public_identity_fingerprint(&held->own.public);
	enum fault fault = certificate_parse_text((const char *)text->data, text->size, &certificate, why);
	if (fault)
		return stored_object_damaged(held, fault, "the organisation's certificate for you", why);
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	if (!fingerprint_equal(&fingerprint, &own) ||
	    !member_id_equal(&certificate_identity(certificate)->id, &held->own.public.id))
		return store_damaged(held, "the organisation's certificate for you", why);
	*ret_certificate = TAKE(certificate);
	return FAULT_NONE;
}

/* -- its servers ----------------------------------------------------------------------- */

struct server_row {
	struct member_id id;
	char url[SERVER_URL_MAX];
	struct bytes authority;
};

static const struct column server_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct server_row, id)},
	{COLUMN_NAME, COLUMN_AT(struct server_row, url)},
	{COLUMN_WORDS, COLUMN_AT(struct server_row, authority)},
};

struct server_gathering {
	struct server_row row;
	struct keyring_organisation *into;
};

static void server_gathering_done(struct server_gathering *gathering)
{
	bytes_done(&gathering->row.authority);
}
AUTO_VALUE(struct server_gathering, server_gathering_done);

static enum fault gather_server(void *context, struct why *why)
{
	struct server_gathering *gathering = context;
	struct keyring_organisation *into = gathering->into;
	struct keyring_server *servers = reallocarray(into->servers, into->server_count + 1, sizeof *servers);
	if (!servers)
		return why_set(why, FAULT_MEMORY, "no memory for the key servers");
	into->servers = servers;
	struct keyring_server *server = &servers[into->server_count];
	*server = (struct keyring_server){.id = gathering->row.id};
	memcpy(server->url, gathering->row.url, sizeof server->url);
	if (gathering->row.authority.size > 0) { /* handed over; the next row gets fresh memory */
		server->certificate_authority = (char *)gathering->row.authority.data;
		gathering->row.authority = BYTES_EMPTY;
	}
	into->server_count++;
	return FAULT_NONE;
}

static enum fault read_servers(struct keyring *held, struct keyring_organisation *into, struct why *why)
{
	AUTO(server_gathering_done) struct server_gathering gathering = {.into = into};
	const struct query query = {.sql = "SELECT id, url, authority FROM servers ORDER BY number",
				    COLUMNS(server_columns),
				    .into = &gathering.row};

	return store_each(held, &query, gather_server, &gathering, why);
}

static enum fault put_server(struct keyring *held, const struct keyring_server *server, struct why *why)
{
	const char *authority = server->certificate_authority ? server->certificate_authority : "";
	const struct query query = {
		.sql = "INSERT INTO servers (id, url, authority) VALUES (?, ?, ?)",
		VALUES(VALUE_ID(&server->id), VALUE_TEXT(server->url), VALUE_TEXT(authority)),
	};
	return store_change(held, &query, NULL, why);
}

static enum fault put_servers(struct keyring *held, const struct keyring_organisation *organisation,
			      struct why *why)
{
	enum fault fault = store_script(held, "DELETE FROM servers", why);

	for (size_t i = 0; !fault && i < organisation->server_count; i++)
		fault = put_server(held, &organisation->servers[i], why);
	return fault;
}

/* -- the organisation: as a whole ------------------------------------------------------ */

static enum fault load_organisation(struct keyring *held, struct keyring_organisation *ret_organisation,
				    struct why *why)
{
	AUTO(organisation_row_done) struct organisation_row row = {.certificate = BYTES_EMPTY};
	AUTO(keyring_organisation_done) struct keyring_organisation organisation = {.object = NULL};
	enum fault fault = find_organisation(held, &row, why);
	if (!fault)
		fault = read_organisation(held, &row, &organisation, why);
	if (!fault)
		fault = read_certificate(held, &row.certificate, &organisation.certificate, why);
	if (!fault)
		fault = read_servers(held, &organisation, why);
	if (fault)
		return fault;
	*ret_organisation = organisation;
	organisation = (struct keyring_organisation){.object = NULL};
	return FAULT_NONE;
}

enum fault keyring_organisation(struct keyring *keyring, struct keyring_organisation *ret_organisation,
				struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);

	return load_organisation(held, ret_organisation, why);
}

/* The first organisation stays the only one: another's servers must not speak for folders of this one. */
static enum fault check_same(struct keyring *held, const struct fingerprint *fingerprint, struct why *why)
{
	AUTO(organisation_row_done) struct organisation_row row = {.certificate = BYTES_EMPTY};
	char known[DIGEST_TEXT_SIZE];
	enum fault fault = find_organisation(held, &row, why);
	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (fault || fingerprint_equal(&row.fingerprint, fingerprint))
		return fault;
	fingerprint_text(&row.fingerprint, known);
	return why_set(why, FAULT_EXISTS, "this keyring belongs to another organisation (%s)", known);
}

static enum fault put_organisation(struct keyring *held, const struct keyring_organisation *organisation,
				   struct why *why)
{
	const struct query known = {.sql = "SELECT version, digest FROM organisation"};
	AUTO(stored_object_done) struct stored_object stored = {.version = 0};
	AUTO(free) char *certificate = NULL;
	enum fault fault = stored_object_of(organisation->object, organisation->organisation.version, &stored,
					    why);
	if (!fault)
		fault = stored_object_follows(held, &known, &stored, "the organisation", why);
	if (!fault)
		fault = signed_text(certificate_signed(organisation->certificate), &certificate, why);
	if (fault)
		return fault;
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO organisation"
		       " (one, fingerprint, object, version, digest, account, certificate)"
		       " VALUES (1, ?, ?, ?, ?, ?, ?)",
		VALUES(VALUE_ID(&organisation->fingerprint), VALUE_TEXT((char *)stored.text.data),
		       VALUE_INTEGER(stored.version), VALUE_ID(&stored.digest),
		       VALUE_ID(&organisation->account), VALUE_TEXT(certificate)),
	};
	return store_change(held, &query, NULL, why);
}

static enum fault set_organisation(struct keyring *held, const struct keyring_organisation *organisation,
				   struct why *why)
{
	enum fault fault = check_same(held, &organisation->fingerprint, why);
	if (!fault)
		fault = put_organisation(held, organisation, why);
	return fault ? fault : put_servers(held, organisation, why);
}

enum fault keyring_set_organisation(struct keyring *keyring, const struct keyring_organisation *organisation,
				    struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, set_organisation(held, organisation, why), why);
}

/* Who signed what a row holds; servers and our own certificate are not looked at. */
enum fault keyring_signer(struct keyring *held, struct organisation *ret_organisation, struct why *why)
{
	AUTO(organisation_row_done) struct organisation_row row = {.certificate = BYTES_EMPTY};
	AUTO(keyring_organisation_done) struct keyring_organisation organisation = {.object = NULL};
	enum fault fault = find_organisation(held, &row, why);
	if (!fault)
		fault = read_organisation(held, &row, &organisation, why);
	if (!fault)
		*ret_organisation = organisation.organisation;
	return fault;
}
