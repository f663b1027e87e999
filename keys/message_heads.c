#include "keys/message_parts.h"
#include "keys/record.h"

static const struct field request_fields[] = {
	{"records", FIELD_LIST, .most = HEADS_MAX},
	{"certificates", FIELD_LIST, .most = HEADS_MAX},
};
static const struct message_form request_form = MESSAGE_FORM("the report of records", request_fields,
							     HEADS_BODY_MAX);

void heads_request_done(struct heads_request *request)
{
	for (size_t i = 0; i < request->record_count; i++)
		signed_free(request->records[i]);
	for (size_t i = 0; i < request->certificate_count; i++)
		certificate_free(request->certificates[i]);
	*request = (struct heads_request){0};
}

enum fault heads_request_write(const struct heads_request *request, struct bytes *ret_body, struct why *why)
{
	AUTO(json_decref) json_t *object = json_object();
	AUTO(json_decref) json_t *records = json_array();
	AUTO(json_decref) json_t *certificates = json_array();
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < request->record_count && !fault; i++)
		fault = fields_append(records, signed_json(request->records[i]), why);
	for (size_t i = 0; i < request->certificate_count && !fault; i++)
		fault = fields_append(certificates, signed_json(certificate_signed(request->certificates[i])),
				      why);
	if (!fault)
		fault = fields_set(object, "records", TAKE(records), why);
	if (!fault)
		fault = fields_set(object, "certificates", TAKE(certificates), why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

static enum fault read_records(const json_t *list, struct heads_request *request, struct why *why)
{
	if (json_array_size(list) == 0)
		return why_set(why, FAULT_MALFORMED, "there is no record");
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum fault fault = signed_parse(json_array_get(list, i), RECORD_TYPE, &request->records[i],
						why);
		if (fault)
			return why_in(why, fault == FAULT_REFUSED ? FAULT_MALFORMED : fault, "record %zu",
				      i + 1);
		request->record_count++;
	}
	return FAULT_NONE;
}

static enum fault read_certificates(const json_t *list, struct heads_request *request, struct why *why)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum fault fault = certificate_parse(json_array_get(list, i), &request->certificates[i], why);
		if (fault)
			return why_in(why, fault == FAULT_REFUSED ? FAULT_MALFORMED : fault,
				      "certificate %zu", i + 1);
		request->certificate_count++;
	}
	return FAULT_NONE;
}

enum fault heads_request_read(const void *body, size_t size, struct heads_request *ret_request,
			      struct why *why)
{
	AUTO(heads_request_done) struct heads_request read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&request_form, body, size, &read, &object, why);
	if (!fault)
		fault = read_records(json_object_get(object, "records"), &read, why);
	if (!fault)
		fault = read_certificates(json_object_get(object, "certificates"), &read, why);
	if (fault)
		return fault;
	*ret_request = read;
	read.record_count = read.certificate_count = 0;
	return FAULT_NONE;
}

/* -- the answer ------------------------------------------------------------------------------ */

static const char *const state_words[] = {"known", "fork", NULL}; /* by `fork` */
static const struct field answer_fields[] = {
	{"state", FIELD_CHOICE, FIELD_AT(struct heads_answer, fork), .words = state_words},
	{"version", FIELD_INTEGER, FIELD_AT(struct heads_answer, version), .most = FIELDS_INTEGER_MAX},
};
static const struct message_form answer_form = MESSAGE_FORM("the answer to a report of records",
							    answer_fields, MESSAGE_BODY_MAX);

enum fault heads_answer_write(const struct heads_answer *answer, struct bytes *ret_body, struct why *why)
{
	return message_write(&answer_form, answer, ret_body, why);
}

enum fault heads_answer_read(const void *body, size_t size, struct heads_answer *ret_answer, struct why *why)
{
	struct heads_answer read = {0};
	enum fault fault = message_read(&answer_form, body, size, &read, why);
	if (!fault)
		*ret_answer = read;
	return fault;
}
