/* The organisation's own descriptor. Its policy is keys/organisation_policy.c, its groups
 * keys/organisation_group.c. */
#include "keys/organisation.h"

#include "base/array.h"

#include "keys/fields.h"
#include "keys/kdf.h"
#include "keys/organisation_parts.h"

static const struct field server_fields[] = {
	{"id", FIELD_HEX, FIELD_AT(struct public_identity, id)},
	{"name", FIELD_NAME, FIELD_AT(struct public_identity, name)},
	{"sign", FIELD_BASE64, FIELD_AT(struct public_identity, sign_public)},
	{"enc", FIELD_BASE64, FIELD_AT(struct public_identity, encrypt_public)},
};
static const struct field_elements servers = {
	.fields = server_fields,
	.field_count = COUNT(server_fields),
	.size = sizeof(struct public_identity),
	.count_offset = offsetof(struct organisation, server_count),
};
static const struct field fields[] = {
	{"organisation", FIELD_HEX, FIELD_AT(struct organisation, root.id)},
	{"name", FIELD_NAME, FIELD_AT(struct organisation, root.name)},
	{"sign", FIELD_BASE64, FIELD_AT(struct organisation, root.sign_public)},
	{"enc", FIELD_BASE64, FIELD_AT(struct organisation, root.encrypt_public)},
	{"version", FIELD_INTEGER, FIELD_AT(struct organisation, version), .least = 1,
	 .most = FIELDS_INTEGER_MAX},
	{"created", FIELD_INTEGER, FIELD_AT(struct organisation, created), .most = FIELDS_INTEGER_MAX},
	{"servers", FIELD_STRUCTS, FIELD_AT(struct organisation, servers), .most = GROUP_SERVERS_MAX,
	 .elements = &servers},
};

/* -- what its policy and groups share -------------------------------------------------------- */

enum fault organisation_made_it(const struct organisation *organisation, const struct organisation_id *named,
				const struct signed_object *object, struct why *why)
{
	const struct fingerprint root = public_identity_fingerprint(&organisation->root);
	const struct fingerprint signer = signed_signer(object);
	const struct organisation_id own = organisation_id_of(organisation);

	if (!organisation_id_equal(named, &own) || !fingerprint_equal(&signer, &root))
		return why_set(why, FAULT_REFUSED, "it is of another organisation than '%s'",
			       organisation->root.name);
	return signed_verify(object, organisation->root.sign_public, why);
}

/* -- the descriptor -------------------------------------------------------------------------- */

static enum fault check_servers(const struct organisation *organisation, struct why *why)
{
	for (size_t i = 0; i < organisation->server_count; i++) {
		const struct fingerprint one = public_identity_fingerprint(&organisation->servers[i]);
		for (size_t j = 0; j < i; j++) {
			const struct fingerprint other = public_identity_fingerprint(
				&organisation->servers[j]);
			if (member_id_equal(&organisation->servers[i].id, &organisation->servers[j].id) ||
			    fingerprint_equal(&one, &other))
				return why_set(why, FAULT_MALFORMED,
					       "two servers have the same id or the same key");
		}
	}
	return FAULT_NONE;
}

/* Everything but who is expected. */
static enum fault read_payload(const struct signed_object *object, struct organisation *organisation,
			       struct why *why)
{
	enum fault fault = fields_read(fields, COUNT(fields), signed_payload(object), organisation, why);
	if (!fault)
		fault = check_servers(organisation, why);
	return why_in(why, fault, "the organisation's descriptor");
}

enum fault organisation_read(const struct signed_object *object, const struct fingerprint *expected,
			     struct organisation *ret_organisation, struct why *why)
{
	struct organisation read = {0};
	enum fault fault = read_payload(object, &read, why);
	if (fault)
		return fault;
	const struct fingerprint root = public_identity_fingerprint(&read.root);
	const struct fingerprint signer = signed_signer(object);
	if (!fingerprint_equal(&root, expected) || !fingerprint_equal(&signer, expected))
		return why_set(why, FAULT_IDENTITY,
			       "the organisation '%s' has another fingerprint than the one expected",
			       read.root.name);
	if (signed_verify(object, read.root.sign_public, why))
		return why_set(why, FAULT_IDENTITY, "the organisation '%s' has not signed its descriptor",
			       read.root.name);
	*ret_organisation = read;
	return FAULT_NONE;
}

enum fault organisation_sign(const struct organisation *organisation, const struct identity *root,
			     struct signed_object **ret_signed, struct why *why)
{
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = fields_write(fields, COUNT(fields), organisation, &payload, why);
	if (!fault)
		fault = signed_make(payload, ORGANISATION_TYPE, root, &object, why);
	if (fault)
		return fault;
	/* Nothing leaves here that a client would not read. */
	const struct fingerprint own = public_identity_fingerprint(identity_public(root));
	struct organisation read_back;
	fault = organisation_read(object, &own, &read_back, why);
	if (!fault)
		*ret_signed = TAKE(object);
	return fault;
}

struct organisation_id organisation_id_of(const struct organisation *organisation)
{
	struct organisation_id id;

	memcpy(id.bytes, organisation->root.id.bytes, sizeof id.bytes);
	return id;
}

const struct public_identity *organisation_server(const struct organisation *organisation,
						  const struct member_id *id)
{
	for (size_t i = 0; i < organisation->server_count; i++)
		if (member_id_equal(&organisation->servers[i].id, id))
			return &organisation->servers[i];
	return NULL;
}

const struct public_identity *organisation_server_by_key(const struct organisation *organisation,
							 const struct fingerprint *fingerprint)
{
	for (size_t i = 0; i < organisation->server_count; i++) {
		const struct fingerprint found = public_identity_fingerprint(&organisation->servers[i]);
		if (fingerprint_equal(&found, fingerprint))
			return &organisation->servers[i];
	}
	return NULL;
}
