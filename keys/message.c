/* What all messages have in common; each kind is a file keys/message_*.c. */
#include "keys/message_parts.h"

enum fault message_parse(const struct message_form *form, const void *body, size_t size, void *into,
			 json_t **ret_object, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = FAULT_NONE;
	if (size > form->body_max)
		fault = why_set(why, FAULT_MALFORMED, "larger than %zu bytes", form->body_max);
	if (!fault)
		fault = fields_parse(body, size, &object, why);
	if (!fault)
		fault = fields_read(form->fields, form->field_count, object, into, why);
	if (fault)
		return why_in(why, fault, "%s", form->what);
	*ret_object = TAKE(object);
	return FAULT_NONE;
}

enum fault message_read(const struct message_form *form, const void *body, size_t size, void *into,
			struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;

	return message_parse(form, body, size, into, &object, why);
}

enum fault message_write(const struct message_form *form, const void *from, struct bytes *ret_body,
			 struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(form->fields, form->field_count, from, &object, why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return why_in(why, fault, "%s", form->what);
}

/* Inside a message, a signature that does not hold makes the message one that nobody can have meant. */
static enum fault as_malformed(enum fault fault)
{
	return fault == FAULT_REFUSED ? FAULT_MALFORMED : fault;
}

enum fault message_read_signed(const json_t *object, const char *name, const char *type,
			       struct signed_object **ret_signed, struct why *why)
{
	const json_t *value = json_object_get(object, name);
	if (!value || json_is_null(value))
		return FAULT_NONE;
	enum fault fault = signed_parse(value, type, ret_signed, why);
	return why_in(why, as_malformed(fault), "the member '%s'", name);
}

enum fault message_read_certificate(const json_t *object, const char *name,
				    struct certificate **ret_certificate, struct why *why)
{
	const json_t *value = json_object_get(object, name);
	if (!value || json_is_null(value))
		return FAULT_NONE;
	enum fault fault = certificate_parse(value, ret_certificate, why);
	return why_in(why, as_malformed(fault), "the member '%s'", name);
}

enum fault message_set_signed(json_t *object, const char *name, const struct signed_object *signed_object,
			      struct why *why)
{
	if (!signed_object)
		return FAULT_NONE;
	return fields_set(object, name, signed_json(signed_object), why);
}

enum fault message_set_certificate(json_t *object, const char *name, const struct certificate *certificate,
				   struct why *why)
{
	json_t *value = certificate ? signed_json(certificate_signed(certificate)) : json_null();

	return fields_set(object, name, value, why);
}
