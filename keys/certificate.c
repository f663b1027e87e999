#include "keys/certificate.h"

#include "base/clock.h"
#include "keys/fields.h"

#define CERTIFICATE_TYPE "fsenc-user+v1"
#define CERTIFICATE_TEXT_MAX (16 * 1024)

struct certificate {
	struct signed_object *object;
	struct public_identity identity;
	struct fingerprint fingerprint; /* of the keys in it */
	struct organisation_id organisation; /* none when self-signed */
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

/* Only the key in it can have made a self-signed one: the header must name it too. */
static enum fault check_self_signed(const struct certificate *certificate, struct why *why)
{
	const struct fingerprint signer = signed_signer(certificate->object);

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

enum fault certificate_self_signed(const struct identity *identity, struct certificate **ret_certificate,
				   struct why *why)
{
	const struct certificate draft = {
		.identity = *identity_public(identity),
		.serial = 1,
		.created = clock_wall_ms() / MS_PER_SECOND,
	};
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = fields_write(fields, FIELD_COUNT, &draft, &payload, why);
	if (fault)
		return fault;
	struct signed_object *object;
	fault = signed_make(payload, CERTIFICATE_TYPE, identity, &object, why);
	if (fault)
		return fault;
	return from_signed(object, ret_certificate, why);
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
