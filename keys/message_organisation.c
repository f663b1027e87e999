#include "keys/message_parts.h"

static const struct field fields[] = {
	{.name = "organisation", .form = FIELD_OBJECT},
	{.name = "policy", .form = FIELD_OBJECT},
	{"server", FIELD_HEX, FIELD_AT(struct organisation_answer, server)},
	{"time_ms", FIELD_INTEGER, FIELD_AT(struct organisation_answer, time_ms), .most = FIELDS_INTEGER_MAX},
};
static const struct message_form form = MESSAGE_FORM("the answer about the organisation", fields,
						     MESSAGE_BODY_MAX);

void organisation_answer_done(struct organisation_answer *answer)
{
	signed_free(answer->organisation);
	signed_free(answer->policy);
	*answer = (struct organisation_answer){0};
}

enum fault organisation_answer_write(const struct organisation_answer *answer, struct bytes *ret_body,
				     struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(fields, COUNT(fields), answer, &object, why);
	if (!fault)
		fault = message_set_signed(object, "organisation", answer->organisation, why);
	if (!fault)
		fault = message_set_signed(object, "policy", answer->policy, why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

enum fault organisation_answer_read(const void *body, size_t size, struct organisation_answer *ret_answer,
				    struct why *why)
{
	AUTO(organisation_answer_done) struct organisation_answer read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&form, body, size, &read, &object, why);
	if (!fault)
		fault = message_read_signed(object, "organisation", ORGANISATION_TYPE, &read.organisation,
					    why);
	if (!fault)
		fault = message_read_signed(object, "policy", POLICY_TYPE, &read.policy, why);
	if (fault)
		return fault;
	*ret_answer = read;
	read = (struct organisation_answer){0};
	return FAULT_NONE;
}
