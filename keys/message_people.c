/* Answers about users and members. */
#include "keys/message_parts.h"

#define MEMBERS_MAX 65536

/* -- a user ---------------------------------------------------------------------------------- */

static const struct field user_fields[] = {
	{"account", FIELD_HEX, FIELD_AT(struct user_answer, account)},
	{"name", FIELD_NAME, FIELD_AT(struct user_answer, name)},
	{"enabled", FIELD_BOOLEAN, FIELD_AT(struct user_answer, enabled)},
};
static const struct field user_answer_fields[] = {
	{.name = "user", .form = FIELD_OBJECT},
	{.name = "certificate", .form = FIELD_OBJECT_OR_NULL},
};
static const struct message_form user_form = MESSAGE_FORM("the answer about a user", user_answer_fields,
							  MESSAGE_BODY_MAX);

void user_answer_done(struct user_answer *answer)
{
	certificate_free(answer->certificate);
	*answer = (struct user_answer){0};
}

enum fault user_answer_write(const struct user_answer *answer, struct bytes *ret_body, struct why *why)
{
	AUTO(json_decref) json_t *object = json_object();
	json_t *user = NULL;
	enum fault fault = fields_write(user_fields, COUNT(user_fields), answer, &user, why);
	if (!fault)
		fault = fields_set(object, "user", user, why);
	if (!fault)
		fault = message_set_certificate(object, "certificate", answer->certificate, why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

enum fault user_answer_read(const void *body, size_t size, struct user_answer *ret_answer, struct why *why)
{
	AUTO(user_answer_done) struct user_answer read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&user_form, body, size, &read, &object, why);
	if (!fault)
		fault = fields_read(user_fields, COUNT(user_fields), json_object_get(object, "user"), &read,
				    why);
	if (!fault)
		fault = message_read_certificate(object, "certificate", &read.certificate, why);
	if (fault)
		return fault;
	*ret_answer = read;
	read.certificate = NULL;
	return FAULT_NONE;
}

/* -- members --------------------------------------------------------------------------------- */

static const struct field member_fields[] = {
	{"account", FIELD_HEX, FIELD_AT(struct members_answer_entry, account)},
	{"name", FIELD_NAME, FIELD_AT(struct members_answer_entry, name)},
	{"path", FIELD_LIST, .most = MEMBER_PATH_MAX},
	{.name = "certificate", .form = FIELD_OBJECT_OR_NULL},
};
static const struct field members_fields[] = {
	{"group", FIELD_HEX, FIELD_AT(struct members_answer, group)},
	{"members", FIELD_LIST, .most = MEMBERS_MAX},
};
static const struct message_form members_form = MESSAGE_FORM("the answer about members", members_fields,
							     ANSWER_BODY_MAX);

void members_answer_done(struct members_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		for (size_t step = 0; step < answer->list[i].path_count; step++)
			free(answer->list[i].path[step]);
		certificate_free(answer->list[i].certificate);
	}
	free(answer->list);
	*answer = (struct members_answer){0};
}

static enum fault write_path(json_t *object, const struct members_answer_entry *entry, struct why *why)
{
	AUTO(json_decref) json_t *path = json_array();
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < entry->path_count && !fault; i++)
		fault = fields_append(path, json_string(entry->path[i]), why);
	if (!fault)
		fault = fields_set(object, "path", TAKE(path), why);
	return fault;
}

static enum fault write_member(const struct members_answer_entry *entry, json_t *list, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(member_fields, COUNT(member_fields), entry, &object, why);
	if (!fault)
		fault = write_path(object, entry, why);
	if (!fault)
		fault = message_set_certificate(object, "certificate", entry->certificate, why);
	if (!fault)
		fault = fields_append(list, TAKE(object), why);
	return fault;
}

enum fault members_answer_write(const struct members_answer *answer, struct bytes *ret_body, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	AUTO(json_decref) json_t *list = json_array();
	enum fault fault = fields_write(members_fields, COUNT(members_fields), answer, &object, why);
	for (size_t i = 0; i < answer->count && !fault; i++)
		fault = write_member(&answer->list[i], list, why);
	if (!fault)
		fault = fields_set(object, "members", TAKE(list), why);
	if (!fault)
		fault = fields_append_text(object, ret_body, why);
	return fault;
}

static enum fault read_path(const json_t *path, struct members_answer_entry *entry, struct why *why)
{
	for (size_t i = 0; i < json_array_size(path); i++) {
		const char *name = json_string_value(json_array_get(path, i));
		if (!name || identity_check_name(name, why))
			return why_set(why, FAULT_MALFORMED, "step %zu of 'path' is not a name", i + 1);
		entry->path[i] = strdup(name);
		if (!entry->path[i])
			return why_set(why, FAULT_MEMORY, "no memory for a path");
		entry->path_count++;
	}
	return FAULT_NONE;
}

static enum fault read_member(const json_t *object, struct members_answer_entry *entry, struct why *why)
{
	enum fault fault = fields_read(member_fields, COUNT(member_fields), object, entry, why);
	if (!fault)
		fault = read_path(json_object_get(object, "path"), entry, why);
	if (!fault)
		fault = message_read_certificate(object, "certificate", &entry->certificate, why);
	return fault;
}

static enum fault read_members(const json_t *list, struct members_answer *answer, struct why *why)
{
	answer->list = calloc(json_array_size(list) + 1, sizeof *answer->list);
	if (!answer->list)
		return why_set(why, FAULT_MEMORY, "no memory for members");
	for (size_t i = 0; i < json_array_size(list); i++) {
		/* Counted first: what it got is freed also when it is broken further on. */
		answer->count++;
		enum fault fault = read_member(json_array_get(list, i), &answer->list[i], why);
		if (fault)
			return why_in(why, fault, "member %zu", i + 1);
	}
	return FAULT_NONE;
}

enum fault members_answer_read(const void *body, size_t size, struct members_answer *ret_answer,
			       struct why *why)
{
	AUTO(members_answer_done) struct members_answer read = {0};
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&members_form, body, size, &read, &object, why);
	if (!fault)
		fault = read_members(json_object_get(object, "members"), &read, why);
	if (fault)
		return fault;
	*ret_answer = read;
	read = (struct members_answer){0};
	return FAULT_NONE;
}
