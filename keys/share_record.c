#include "keys/share_record.h"

#include "base/array.h"
#include "base/clock.h"
#include "keys/fields.h"

#define CERTIFICATES_MAX 64
#define RECOVERY_MAX 64

static const struct field file_fields[] = {
	{.name = "record", .form = FIELD_OBJECT},
	{"certificates", FIELD_LIST, .most = CERTIFICATES_MAX},
};

static const struct field record_fields[] = {
	{"share", FIELD_HEX, FIELD_AT(struct share_record, share)},
	{"organisation", FIELD_HEX, FIELD_AT(struct share_record, organisation), .optional = true},
	{"lobby", FIELD_BOOLEAN, FIELD_AT(struct share_record, lobby)},
	{"require_encryption", FIELD_BOOLEAN, FIELD_AT(struct share_record, require_encryption)},
	{"recovery", FIELD_LIST, .most = RECOVERY_MAX},
	{"version", FIELD_INTEGER, FIELD_AT(struct share_record, version), .least = 1,
	 .most = FIELDS_INTEGER_MAX},
	{"prev", FIELD_BASE64, FIELD_AT(struct share_record, previous), .optional = true},
	{"created", FIELD_INTEGER, FIELD_AT(struct share_record, created), .most = FIELDS_INTEGER_MAX},
	{"signer", FIELD_HEX, FIELD_AT(struct share_record, maker.id)},
};

/* -- reading -------------------------------------------------------------------------- */

static enum fault read_payload(const json_t *payload, struct share_record *record, struct why *why)
{
	enum fault fault = fields_read(record_fields, COUNT(record_fields), payload, record, why);
	if (fault)
		return fault;
	if ((record->version == 1) != digest_is_none(&record->previous))
		return why_set(why, FAULT_MALFORMED, "only version 1 has no 'prev'");
	/* Serving a share whose folders this client would make without their recovery key is worse
	 * than not serving it. */
	if (json_array_size(json_object_get(payload, "recovery")) != 0)
		return why_set(why, FAULT_UNSUPPORTED,
			       "the share names recovery groups, which this version cannot serve");
	return FAULT_NONE;
}

static enum fault find_maker(const json_t *certificates, const struct share_record *record,
			     struct certificate **ret_certificate, struct why *why)
{
	AUTO(certificate_free) struct certificate *best = NULL;
	for (size_t i = 0; i < json_array_size(certificates); i++) {
		AUTO(certificate_free) struct certificate *certificate = NULL;
		enum fault fault = certificate_parse(json_array_get(certificates, i), &certificate, why);
		if (fault)
			return fault;
		const struct fingerprint found = certificate_fingerprint(certificate);
		const struct public_identity *identity = certificate_identity(certificate);
		if (!fingerprint_equal(&found, &record->signer) ||
		    !member_id_equal(&identity->id, &record->maker.id) ||
		    (best && certificate_is_self_signed(certificate)))
			continue;
		certificate_free(best);
		best = TAKE(certificate);
	}
	if (!best)
		return why_set(why, FAULT_REFUSED, "the certificate of its maker is missing");
	*ret_certificate = TAKE(best);
	return FAULT_NONE;
}

static enum fault read_file(const json_t *json, struct share_record *record, struct why *why)
{
	enum fault fault = fields_read(file_fields, COUNT(file_fields), json, record, why);
	if (fault)
		return fault;
	AUTO(signed_free) struct signed_object *object = NULL;
	fault = signed_parse(json_object_get(json, "record"), SHARE_RECORD_TYPE, &object, why);
	if (!fault)
		fault = read_payload(signed_payload(object), record, why);
	if (fault)
		return fault;
	record->signer = signed_signer(object);
	record->digest = signed_digest(object);
	AUTO(certificate_free) struct certificate *maker = NULL;
	fault = find_maker(json_object_get(json, "certificates"), record, &maker, why);
	if (fault)
		return fault;
	record->maker = *certificate_identity(maker);
	return signed_verify(object, record->maker.sign_public, why);
}

enum fault share_record_parse(const void *text, size_t size, struct share_record *ret_record, struct why *why)
{
	if (size > SHARE_RECORD_MAX)
		return why_set(why, FAULT_MALFORMED, "the share record is larger than %d bytes",
			       SHARE_RECORD_MAX);
	AUTO(json_decref) json_t *json = NULL;
	struct share_record record = {0};
	enum fault fault = fields_parse(text, size, &json, why);
	if (!fault)
		fault = read_file(json, &record, why);
	if (fault)
		return why_in(why, fault, "the share record");
	*ret_record = record;
	return FAULT_NONE;
}

enum fault share_record_maker(const void *text, size_t size, const struct share_record *record,
			      struct certificate **ret_certificate, struct why *why)
{
	AUTO(json_decref) json_t *json = NULL;
	enum fault fault = fields_parse(text, size, &json, why);
	if (!fault)
		fault = find_maker(json_object_get(json, "certificates"), record, ret_certificate, why);
	return why_in(why, fault, "the share record");
}

/* -- making --------------------------------------------------------------------------- */

static enum fault sign_record(const struct share_record *record, const struct identity *identity,
			      json_t **ret_object, struct why *why)
{
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = fields_write(record_fields, COUNT(record_fields), record, &payload, why);
	if (!fault)
		fault = fields_set(payload, "recovery", json_array(), why);
	if (fault)
		return fault;
	AUTO(signed_free) struct signed_object *object = NULL;
	fault = signed_make(payload, SHARE_RECORD_TYPE, identity, &object, why);
	if (!fault)
		*ret_object = signed_json(object);
	return fault;
}

static enum fault write_file(const struct share_record *record, const struct certificate *maker,
			     const struct identity *identity, struct bytes *text, struct why *why)
{
	AUTO(json_decref) json_t *json = json_object();
	AUTO(json_decref) json_t *certificates = json_array();
	if (!json || !certificates)
		return why_set(why, FAULT_MEMORY, "no memory for a share record");
	json_t *object;
	enum fault fault = sign_record(record, identity, &object, why);
	if (!fault)
		fault = fields_set(json, "record", object, why);
	if (!fault)
		fault = fields_append(certificates, signed_json(certificate_signed(maker)), why);
	if (!fault)
		fault = fields_set(json, "certificates", TAKE(certificates), why);
	if (!fault)
		fault = fields_append_text(json, text, why);
	return fault;
}

enum fault share_record_make(bool lobby, const struct certificate *maker, const struct identity *identity,
			     struct share_record *ret_record, struct bytes *ret_text, struct why *why)
{
	struct share_record draft = {
		.lobby = lobby,
		.require_encryption = !lobby,
		.version = 1,
		.created = clock_wall_ms() / MS_PER_SECOND,
		.organisation = certificate_organisation(maker),
		.maker = *certificate_identity(maker),
	};
	share_id_random(&draft.share);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = write_file(&draft, maker, identity, &text, why);
	/* Reading it back proves that certificate and identity belong together. */
	if (!fault)
		fault = share_record_parse(text.data, text.size, &draft, why);
	if (!fault)
		fault = bytes_append(ret_text, text.data, text.size, why);
	if (!fault)
		*ret_record = draft;
	return fault;
}
