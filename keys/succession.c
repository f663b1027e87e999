#include "keys/succession.h"

#include "base/array.h"
#include "keys/fields.h"

struct succession {
	struct organisation_id organisation;
	struct member_id id;
	struct fingerprint previous;
	struct fingerprint next;
};

static const struct field fields[] = {
	{"organisation", FIELD_HEX, FIELD_AT(struct succession, organisation)},
	{"id", FIELD_HEX, FIELD_AT(struct succession, id)},
	{"previous", FIELD_BASE64, FIELD_AT(struct succession, previous)},
	{"next", FIELD_BASE64, FIELD_AT(struct succession, next)},
};

enum fault succession_sign(const struct organisation_id *organisation, const struct fingerprint *next,
			   const struct identity *old_key, struct signed_object **ret_signed, struct why *why)
{
	const struct succession succession = {
		.organisation = *organisation,
		.id = identity_public(old_key)->id,
		.previous = public_identity_fingerprint(identity_public(old_key)),
		.next = *next,
	};
	AUTO(json_decref) json_t *payload = NULL;
	enum fault fault = fields_write(fields, COUNT(fields), &succession, &payload, why);
	if (!fault)
		fault = signed_make(payload, SUCCESSION_TYPE, old_key, ret_signed, why);
	return fault;
}

enum fault succession_verify(const struct signed_object *object, const struct organisation_id *organisation,
			     const struct public_identity *old_key, const struct fingerprint *next,
			     struct why *why)
{
	struct succession read;
	const struct fingerprint old = public_identity_fingerprint(old_key);
	enum fault fault = fields_read(fields, COUNT(fields), signed_payload(object), &read, why);
	if (fault)
		return why_in(why, fault, "the word of the old key");
	if (!organisation_id_equal(&read.organisation, organisation) ||
	    !member_id_equal(&read.id, &old_key->id) || !fingerprint_equal(&read.previous, &old) ||
	    !fingerprint_equal(&read.next, next))
		return why_set(why, FAULT_REFUSED, "the old key's word is for another key or organisation");
	return why_in(why, signed_verify(object, old_key->sign_public, why), "the word of the old key");
}
