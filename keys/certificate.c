#include "keys/certificate.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "keys/fields.h"

#define CERTIFICATE_TYPE "fsenc-user+v1"
#define CERTIFICATE_TEXT_MAX (16 * 1024)
#define PROOF_NAME "fsenc/v1/enrol"

struct certificate {
	struct signed_object *object;
	struct public_identity identity;
	struct fingerprint fingerprint; /* of the keys in it */
	struct organisation_id organisation; /* none when self-signed, and so are the next two */
	struct member_id account;
	uint8_t proof[SIGNATURE_SIZE];
	uint64_t serial;
	struct fingerprint previous;
	int64_t created;
	int64_t expires;
};

static const struct field fields[] = {
	{"id", FIELD_HEX, FIELD_AT(struct certificate, identity.id)},
	{"name", FIELD_NAME, FIELD_AT(struct certificate, identity.name)},
	{"sign", FIELD_BASE64, FIELD_AT(struct certificate, identity.sign_public)},
	{"enc", FIELD_BASE64, FIELD_AT(struct certificate, identity.encrypt_public)},
	{"organisation", FIELD_HEX, FIELD_AT(struct certificate, organisation), .optional = true},
	{"account", FIELD_HEX, FIELD_AT(struct certificate, account), .optional = true},
	{"proof", FIELD_BASE64, FIELD_AT(struct certificate, proof), .optional = true},
	{"serial", FIELD_INTEGER, FIELD_AT(struct certificate, serial), .least = 1,
	 .most = FIELDS_INTEGER_MAX},
	{"previous", FIELD_BASE64, FIELD_AT(struct certificate, previous), .optional = true},
	{"created", FIELD_INTEGER, FIELD_AT(struct certificate, created), .most = FIELDS_INTEGER_MAX},
	{"expires", FIELD_INTEGER, FIELD_AT(struct certificate, expires), .most = FIELDS_INTEGER_MAX},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	signed_free(certificate->object);
	free(certificate);
}

static bool has_proof(const struct certificate *certificate)
{
	return sodium_is_zero(certificate->proof, sizeof certificate->proof) == 0;
}

/* Only the key in it can have made a self-signed one: the header must name it too. */
static enum fault check_self_signed(const struct certificate *certificate, struct why *why)
{
	const struct fingerprint signer = signed_signer(certificate->object);

	if (!member_id_is_none(&certificate->account) || has_proof(certificate))
		return why_set(why, FAULT_MALFORMED,
			       "the certificate of '%s' names an account but no organisation",
			       certificate->identity.name);
	if (!fingerprint_equal(&certificate->fingerprint, &signer))
		return why_set(why, FAULT_REFUSED,
			       "the certificate of '%s' is signed by another key than its own",
			       certificate->identity.name);
	enum fault fault = signed_verify(certificate->object, certificate->identity.sign_public, why);
	return why_in(why, fault, "the certificate of '%s'", certificate->identity.name);
}

/* Takes the object over, also on failure. */
static enum fault from_signed(struct signed_object *object, struct certificate **ret_certificate,
			      struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = calloc(1, sizeof *certificate);
	if (!certificate) {
		signed_free(object);
		return why_set(why, FAULT_MEMORY, "no memory for a certificate");
	}
	certificate->object = object;
	enum fault fault = fields_read(fields, FIELD_COUNT, signed_payload(object), certificate, why);
	if (fault)
		return why_in(why, fault, "a certificate");
	certificate->fingerprint = public_identity_fingerprint(&certificate->identity);
	if (certificate_is_self_signed(certificate))
		fault = check_self_signed(certificate, why);
	if (!fault)
		*ret_certificate = TAKE(certificate);
	return fault;
}

static enum fault sign_draft(const struct certificate *draft, const struct identity *signer,
			     struct certificate **ret_certificate, struct why *why)
{
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = fields_write(fields, FIELD_COUNT, draft, &payload, why);
	if (fault)
		return fault;
	struct signed_object *object;
	fault = signed_make(payload, CERTIFICATE_TYPE, signer, &object, why);
	if (fault)
		return fault;
	return from_signed(object, ret_certificate, why);
}

enum fault certificate_self_signed(const struct identity *identity, struct certificate **ret_certificate,
				   struct why *why)
{
	const struct certificate draft = {
		.identity = *identity_public(identity),
		.serial = 1,
		.created = clock_wall_ms() / MS_PER_SECOND,
	};
	return sign_draft(&draft, identity, ret_certificate, why);
}

enum fault certificate_parse(const json_t *object, struct certificate **ret_certificate, struct why *why)
{
	struct signed_object *parsed;
	enum fault fault = signed_parse(object, CERTIFICATE_TYPE, &parsed, why);
	if (fault)
		return why_in(why, fault, "a certificate");
	return from_signed(parsed, ret_certificate, why);
}

enum fault certificate_parse_text(const char *text, size_t size, struct certificate **ret_certificate,
				  struct why *why)
{
	if (size > CERTIFICATE_TEXT_MAX)
		return why_set(why, FAULT_MALFORMED, "too large for a certificate");
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_parse(text, size, &object, why);
	if (fault)
		return why_in(why, fault, "a certificate");
	return certificate_parse(object, ret_certificate, why);
}

enum fault certificate_verify_by(const struct certificate *certificate,
				 const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why)
{
	enum fault fault = signed_verify(certificate->object, sign_public, why);

	return why_in(why, fault, "the certificate of '%s'", certificate->identity.name);
}

/* -- of an organisation ---------------------------------------------------------------------- */

size_t enrol_proof_text(const struct organisation_id *organisation, const char *user,
			const struct fingerprint *key, const struct member_id *server,
			char text[static ENROL_PROOF_SIZE])
{
	char organisation_text[ID_TEXT_SIZE], key_text[DIGEST_TEXT_SIZE], server_text[ID_TEXT_SIZE];

	organisation_id_text(organisation, organisation_text);
	fingerprint_text(key, key_text);
	member_id_text(server, server_text);
	int size = snprintf(text, ENROL_PROOF_SIZE, PROOF_NAME "\n%s\n%s\n%s\n%s", organisation_text, user,
			    key_text, server_text);
	assert(size > 0 && size < ENROL_PROOF_SIZE);
	return (size_t)size;
}

void enrol_proof_sign(const struct organisation_id *organisation, const char *user,
		      const struct identity *identity, const struct member_id *server,
		      uint8_t ret_proof[static SIGNATURE_SIZE])
{
	const struct fingerprint key = public_identity_fingerprint(identity_public(identity));
	char text[ENROL_PROOF_SIZE];

	identity_sign(identity, text, enrol_proof_text(organisation, user, &key, server, text), ret_proof);
}

enum fault enrol_proof_verify(const struct organisation_id *organisation, const char *user,
			      const struct public_identity *key, const struct member_id *server,
			      const uint8_t proof[static SIGNATURE_SIZE], struct why *why)
{
	const struct fingerprint fingerprint = public_identity_fingerprint(key);
	char text[ENROL_PROOF_SIZE];
	enum fault fault = identity_check_name(user, why);
	if (fault)
		return fault;
	const size_t size = enrol_proof_text(organisation, user, &fingerprint, server, text);
	if (crypto_sign_verify_detached(proof, (const uint8_t *)text, size, key->sign_public) != 0)
		return why_set(why, FAULT_REFUSED, "the key of '%s' was not offered for this account", user);
	return FAULT_NONE;
}

enum fault certificate_sign_for(const struct certificate *self_signed, const struct certificate_grant *grant,
				const struct identity *server, struct certificate **ret_certificate,
				struct why *why)
{
	struct certificate draft = {
		.identity = self_signed->identity,
		.organisation = grant->organisation,
		.account = grant->account,
		.serial = grant->serial,
		.previous = grant->previous,
		.created = clock_wall_ms() / MS_PER_SECOND,
		.expires = grant->expires,
	};
	if (!certificate_is_self_signed(self_signed))
		return why_set(why, FAULT_INVALID, "only a self-signed certificate is certified");
	if (organisation_id_is_none(&grant->organisation) || member_id_is_none(&grant->account))
		return why_set(why, FAULT_INVALID, "a certificate names an organisation and an account");
	enum fault fault = enrol_proof_verify(&grant->organisation, grant->name, &draft.identity,
					      &identity_public(server)->id, grant->proof, why);
	if (fault)
		return fault;
	memcpy(draft.proof, grant->proof, sizeof draft.proof);
	memset(draft.identity.name, 0, sizeof draft.identity.name);
	memcpy(draft.identity.name, grant->name, strlen(grant->name));
	return sign_draft(&draft, server, ret_certificate, why);
}

enum fault certificate_verify_in(const struct certificate *certificate,
				 const struct organisation *organisation, struct why *why)
{
	const struct organisation_id own = organisation_id_of(organisation);
	const struct fingerprint signer = signed_signer(certificate->object);
	const struct public_identity *server = organisation_server_by_key(organisation, &signer);
	const char *name = certificate->identity.name;
	if (!organisation_id_equal(&certificate->organisation, &own) || !server)
		return why_set(why, FAULT_REFUSED, "the certificate of '%s' is not by a server of '%s'", name,
			       organisation->root.name);
	if (member_id_is_none(&certificate->account))
		return why_set(why, FAULT_REFUSED, "the certificate of '%s' names no account", name);
	enum fault fault = certificate_verify_by(certificate, server->sign_public, why);
	if (!fault)
		fault = enrol_proof_verify(&own, name, &certificate->identity, &server->id,
					   certificate->proof, why);
	return fault;
}

struct organisation_id certificate_organisation(const struct certificate *certificate)
{
	return certificate->organisation;
}

struct member_id certificate_account(const struct certificate *certificate)
{
	return certificate->account;
}

struct fingerprint certificate_previous(const struct certificate *certificate)
{
	return certificate->previous;
}

int64_t certificate_created(const struct certificate *certificate)
{
	return certificate->created;
}

int64_t certificate_expires(const struct certificate *certificate)
{
	return certificate->expires;
}

/* -- use ------------------------------------------------------------------------------------- */

enum fault certificate_copy(const struct certificate *certificate, struct certificate **ret_copy,
			    struct why *why)
{
	AUTO(json_decref) json_t *object = signed_json(certificate->object);
	if (!object)
		return why_set(why, FAULT_MEMORY, "no memory for a certificate");
	return certificate_parse(object, ret_copy, why);
}

const struct public_identity *certificate_identity(const struct certificate *certificate)
{
	return &certificate->identity;
}

struct fingerprint certificate_fingerprint(const struct certificate *certificate)
{
	return certificate->fingerprint;
}

uint64_t certificate_serial(const struct certificate *certificate)
{
	return certificate->serial;
}

bool certificate_is_self_signed(const struct certificate *certificate)
{
	return organisation_id_is_none(&certificate->organisation);
}

bool certificate_is_expired(const struct certificate *certificate, int64_t now_ms)
{
	return certificate->expires != 0 && now_ms / MS_PER_SECOND >= certificate->expires;
}

const struct signed_object *certificate_signed(const struct certificate *certificate)
{
	return certificate->object;
}
