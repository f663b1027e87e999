#include "keys/message_parts.h"

#define GROUPS_MAX 16384

static const struct field one_fields[] = {{.name = "group", .form = FIELD_OBJECT}};
static const struct field many_fields[] = {{"groups", FIELD_LIST, .most = GROUPS_MAX}};
static const struct message_form one_form = MESSAGE_FORM("the answer about a group", one_fields,
							 MESSAGE_BODY_MAX);
static const struct message_form many_form = MESSAGE_FORM("the answer about groups", many_fields,
							  ANSWER_BODY_MAX);

void groups_answer_done(struct groups_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		signed_free(answer->list[i]);
	free(answer->list);
	*answer = (struct groups_answer){0};
}

enum fault groups_answer_write(const struct groups_answer *answer, bool one, struct bytes *ret_body,
			       struct why *why)
{
	AUTO(json_decref) json_t *object = json_object();
	AUTO(json_decref) json_t *list = json_array();
	enum fault fault = FAULT_NONE;
	if (one && answer->count != 1)
		return why_set(why, FAULT_INVALID, "an answer about one group holds %zu", answer->count);
	for (size_t i = 0; i < answer->count && !fault; i++)
		fault = fields_append(list, signed_json(answer->list[i]), why);
	if (!fault && one)
		fault = fields_set(object, "group", json_incref(json_array_get(list, 0)), why);
	else if (!fault)
		fault = fields_set(object, "groups", TAKE(list), why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

static enum fault read_group(const json_t *value, struct groups_answer *answer, struct why *why)
{
	enum fault fault = signed_parse(value, GROUP_TYPE, &answer->list[answer->count], why);
	if (!fault)
		answer->count++;
	return why_in(why, fault == FAULT_REFUSED ? FAULT_MALFORMED : fault, "group %zu", answer->count + 1);
}

static enum fault read_groups(const json_t *object, bool one, struct groups_answer *answer, struct why *why)
{
	const json_t *list = json_object_get(object, "groups");
	const size_t count = one ? 1 : json_array_size(list);
	answer->list = calloc(count + 1, sizeof(struct signed_object *));
	if (!answer->list)
		return why_set(why, FAULT_MEMORY, "no memory for groups");
	if (one)
		return read_group(json_object_get(object, "group"), answer, why);
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < count && !fault; i++)
		fault = read_group(json_array_get(list, i), answer, why);
	return fault;
}

enum fault groups_answer_read(const void *body, size_t size, bool one, struct groups_answer *ret_answer,
			      struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(one ? &one_form : &many_form, body, size, &read, &object, why);
	if (!fault)
		fault = read_groups(object, one, &read, why);
	if (fault)
		return fault;
	*ret_answer = read;
	read = (struct groups_answer){0};
	return FAULT_NONE;
}
