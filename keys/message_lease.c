#include "keys/message_parts.h"

_Static_assert(sizeof(enum lease_state) == 4, "FIELD_CHOICE stores 1, 4 or 8 bytes");

static const char *const state_words[] = {
	[LEASE_MEMBER] = "member",
	[LEASE_DENIED] = "denied",
	[LEASE_UNKNOWN] = "unknown",
	[LEASE_UNKNOWN + 1] = NULL,
};

/* -- the request ----------------------------------------------------------------------------- */

static const struct field id_fields[] = {{"groups", FIELD_HEX, .size = sizeof(struct member_id)}};
static const struct field_elements ids = {
	.fields = id_fields,
	.field_count = COUNT(id_fields),
	.size = sizeof(struct member_id),
	.count_offset = offsetof(struct lease_request, group_count),
	.bare = true,
};
static const struct field request_fields[] = {
	{"groups", FIELD_STRUCTS, FIELD_AT(struct lease_request, groups), .least = 1,
	 .most = LEASE_GROUPS_MAX, .elements = &ids},
};
static const struct message_form request_form = MESSAGE_FORM("the request for leases", request_fields,
							     MESSAGE_BODY_MAX);

enum fault lease_request_write(const struct lease_request *request, struct bytes *ret_body, struct why *why)
{
	return message_write(&request_form, request, ret_body, why);
}

enum fault lease_request_read(const void *body, size_t size, struct lease_request *ret_request,
			      struct why *why)
{
	struct lease_request read = {0};
	enum fault fault = message_read(&request_form, body, size, &read, why);
	if (!fault)
		*ret_request = read;
	return fault;
}

/* -- the answer ------------------------------------------------------------------------------ */

static const struct field group_fields[] = {
	{"id", FIELD_HEX, FIELD_AT(struct lease_answer_group, id)},
	{"state", FIELD_CHOICE, FIELD_AT(struct lease_answer_group, state), .words = state_words},
	{"member_counter", FIELD_INTEGER, FIELD_AT(struct lease_answer_group, member_counter),
	 .most = FIELDS_INTEGER_MAX},
	{"rotate", FIELD_BOOLEAN, FIELD_AT(struct lease_answer_group, rotate)},
};
static const struct field_elements groups = {
	.fields = group_fields,
	.field_count = COUNT(group_fields),
	.size = sizeof(struct lease_answer_group),
	.count_offset = offsetof(struct lease_answer, group_count),
};
static const struct field answer_fields[] = {
	{"lease", FIELD_INTEGER, FIELD_AT(struct lease_answer, lease), .most = UINT32_MAX},
	{"groups", FIELD_STRUCTS, FIELD_AT(struct lease_answer, groups), .least = 1, .most = LEASE_GROUPS_MAX,
	 .elements = &groups},
};
static const struct message_form answer_form = MESSAGE_FORM("the answer about leases", answer_fields,
							    UNLOCK_BODY_MAX);

enum fault lease_answer_write(const struct lease_answer *answer, struct bytes *ret_body, struct why *why)
{
	return message_write(&answer_form, answer, ret_body, why);
}

enum fault lease_answer_read(const void *body, size_t size, struct lease_answer *ret_answer, struct why *why)
{
	struct lease_answer read = {0};
	enum fault fault = message_read(&answer_form, body, size, &read, why);
	if (!fault)
		*ret_answer = read;
	return fault;
}
