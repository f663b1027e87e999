#include "keys/message_parts.h"
#include "keys/succession.h"

/* -- the request ----------------------------------------------------------------------------- */

static const struct field request_fields[] = {
	{"user", FIELD_NAME, FIELD_AT(struct enrol_request, user)},
	{.name = "certificate", .form = FIELD_OBJECT},
	{"proof", FIELD_BASE64, FIELD_AT(struct enrol_request, proof)},
	{"code", FIELD_TEXT, FIELD_AT(struct enrol_request, code), .optional = true},
	{"password", FIELD_SECRET, FIELD_AT(struct enrol_request, password), .optional = true},
	{.name = "previous", .form = FIELD_OBJECT, .optional = true},
};
static const struct message_form request_form = MESSAGE_FORM("the enrolment", request_fields,
							     MESSAGE_BODY_MAX);

void enrol_request_done(struct enrol_request *request)
{
	certificate_free(request->certificate);
	signed_free(request->previous);
	secret_wipe(request, sizeof *request);
}

/* jansson's own copy: what is freed must not hold it. */
static void wipe_password(const json_t *object)
{
	const char *password = json_string_value(json_object_get(object, "password"));

	if (password)
		secret_wipe((char *)(uintptr_t)password, strlen(password));
}

enum fault enrol_request_write(const struct enrol_request *request, struct bytes *ret_body, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(request_fields, COUNT(request_fields), request, &object, why);
	if (!fault)
		fault = message_set_certificate(object, "certificate", request->certificate, why);
	if (!fault)
		fault = message_set_signed(object, "previous", request->previous, why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	wipe_password(object);
	return fault;
}

static enum fault check_request(const struct enrol_request *request, struct why *why)
{
	if ((request->code[0] == 0) == (request->password[0] == 0))
		return why_set(why, FAULT_MALFORMED, "the enrolment has a code or a password, one of them");
	if (!certificate_is_self_signed(request->certificate))
		return why_set(why, FAULT_MALFORMED, "the certificate of the enrolment is not self-signed");
	return FAULT_NONE;
}

enum fault enrol_request_read(const void *body, size_t size, struct enrol_request *ret_request,
			      struct why *why)
{
	AUTO(enrol_request_done) struct enrol_request read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&request_form, body, size, &read, &object, why);
	wipe_password(object);
	if (!fault)
		fault = message_read_certificate(object, "certificate", &read.certificate, why);
	if (!fault)
		fault = message_read_signed(object, "previous", SUCCESSION_TYPE, &read.previous, why);
	if (!fault)
		fault = check_request(&read, why);
	if (fault)
		return fault;
	*ret_request = read;
	read.certificate = NULL;
	read.previous = NULL;
	return FAULT_NONE;
}

/* -- the answer ------------------------------------------------------------------------------ */

static const struct field answer_fields[] = {
	{.name = "certificate", .form = FIELD_OBJECT, .optional = true},
	{.name = "organisation", .form = FIELD_OBJECT, .optional = true},
	{.name = "policy", .form = FIELD_OBJECT, .optional = true},
	{"account", FIELD_HEX, FIELD_AT(struct enrol_answer, account), .optional = true},
	{"pending", FIELD_INTEGER, FIELD_AT(struct enrol_answer, pending), .optional = true, .least = 1,
	 .most = UINT32_MAX},
};
static const struct message_form answer_form = MESSAGE_FORM("the answer to an enrolment", answer_fields,
							    MESSAGE_BODY_MAX);

void enrol_answer_done(struct enrol_answer *answer)
{
	certificate_free(answer->certificate);
	signed_free(answer->organisation);
	signed_free(answer->policy);
	*answer = (struct enrol_answer){0};
}

enum fault enrol_answer_write(const struct enrol_answer *answer, struct bytes *ret_body, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(answer_fields, COUNT(answer_fields), answer, &object, why);
	if (!fault && answer->certificate)
		fault = message_set_certificate(object, "certificate", answer->certificate, why);
	if (!fault)
		fault = message_set_signed(object, "organisation", answer->organisation, why);
	if (!fault)
		fault = message_set_signed(object, "policy", answer->policy, why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

/* {pending}, or everything else. */
static enum fault check_answer(const struct enrol_answer *answer, struct why *why)
{
	const bool account = !member_id_is_none(&answer->account);
	const bool all = answer->certificate && answer->organisation && answer->policy && account;
	const bool any = answer->certificate || answer->organisation || answer->policy || account;

	if (answer->pending ? any : !all)
		return why_set(why, FAULT_MALFORMED,
			       "the answer to an enrolment is neither whole nor pending");
	return FAULT_NONE;
}

enum fault enrol_answer_read(const void *body, size_t size, struct enrol_answer *ret_answer, struct why *why)
{
	AUTO(enrol_answer_done) struct enrol_answer read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&answer_form, body, size, &read, &object, why);
	if (!fault)
		fault = message_read_certificate(object, "certificate", &read.certificate, why);
	if (!fault)
		fault = message_read_signed(object, "organisation", ORGANISATION_TYPE, &read.organisation,
					    why);
	if (!fault)
		fault = message_read_signed(object, "policy", POLICY_TYPE, &read.policy, why);
	if (!fault)
		fault = check_answer(&read, why);
	if (fault)
		return fault;
	*ret_answer = read;
	read = (struct enrol_answer){0};
	return FAULT_NONE;
}
