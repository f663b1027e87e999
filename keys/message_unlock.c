#include "keys/message_parts.h"

_Static_assert(sizeof(enum unlock_status) == 4, "FIELD_CHOICE stores 1, 4 or 8 bytes");

static const char *const status_words[] = {
	[UNLOCK_OK] = "ok",	    [UNLOCK_DENIED] = "denied", [UNLOCK_STALE] = "stale",
	[UNLOCK_ROTATE] = "rotate", [UNLOCK_ROTATE + 1] = NULL,
};

/* -- the request ----------------------------------------------------------------------------- */

static const struct field item_fields[] = {
	{"folder", FIELD_HEX, FIELD_AT(struct unlock_item, folder)},
	{"generation", FIELD_INTEGER, FIELD_AT(struct unlock_item, generation), .least = 1,
	 .most = UINT32_MAX},
	{"version", FIELD_INTEGER, FIELD_AT(struct unlock_item, version), .least = 1,
	 .most = FIELDS_INTEGER_MAX},
	{"head", FIELD_BASE64, FIELD_AT(struct unlock_item, head)},
	{"point", FIELD_BASE64, FIELD_AT(struct unlock_item, point)},
};
static const struct field_elements items = {
	.fields = item_fields,
	.field_count = COUNT(item_fields),
	.size = sizeof(struct unlock_item),
	.count_offset = offsetof(struct unlock_request, item_count),
};
static const struct field request_fields[] = {
	{"group", FIELD_HEX, FIELD_AT(struct unlock_request, group)},
	{"epoch", FIELD_INTEGER, FIELD_AT(struct unlock_request, epoch), .least = 1, .most = UINT32_MAX},
	{"items", FIELD_STRUCTS, FIELD_AT(struct unlock_request, items), .least = 1, .most = UNLOCK_ITEMS_MAX,
	 .elements = &items},
	{"check", FIELD_BASE64, FIELD_AT(struct unlock_request, check), .optional = true},
};
static const struct message_form request_form = MESSAGE_FORM("the unlock request", request_fields,
							     UNLOCK_BODY_MAX);

static bool is_there(const struct point *point)
{
	return sodium_is_zero(point->bytes, sizeof point->bytes) == 0;
}

enum fault unlock_request_write(const struct unlock_request *request, struct bytes *ret_body, struct why *why)
{
	return message_write(&request_form, request, ret_body, why);
}

enum fault unlock_request_read(const void *body, size_t size, struct unlock_request *ret_request,
			       struct why *why)
{
	struct unlock_request read = {0};
	enum fault fault = message_read(&request_form, body, size, &read, why);
	if (fault)
		return fault;
	read.has_check = is_there(&read.check);
	*ret_request = read;
	return FAULT_NONE;
}

/* -- the answer ------------------------------------------------------------------------------ */

static const struct field answer_item_fields[] = {
	{"status", FIELD_CHOICE, FIELD_AT(struct unlock_answer_item, status), .words = status_words},
	{"head_version", FIELD_INTEGER, FIELD_AT(struct unlock_answer_item, head_version),
	 .most = FIELDS_INTEGER_MAX},
	{"point", FIELD_BASE64, FIELD_AT(struct unlock_answer_item, point), .optional = true},
};
static const struct field_elements answer_items = {
	.fields = answer_item_fields,
	.field_count = COUNT(answer_item_fields),
	.size = sizeof(struct unlock_answer_item),
	.count_offset = offsetof(struct unlock_answer, item_count),
};
static const struct field answer_fields[] = {
	{"group", FIELD_HEX, FIELD_AT(struct unlock_answer, group)},
	{"epoch", FIELD_INTEGER, FIELD_AT(struct unlock_answer, epoch), .least = 1, .most = UINT32_MAX},
	{"lease", FIELD_INTEGER, FIELD_AT(struct unlock_answer, lease), .most = UINT32_MAX},
	{"member_counter", FIELD_INTEGER, FIELD_AT(struct unlock_answer, member_counter),
	 .most = FIELDS_INTEGER_MAX},
	{"items", FIELD_STRUCTS, FIELD_AT(struct unlock_answer, items), .least = 1, .most = UNLOCK_ITEMS_MAX,
	 .elements = &answer_items},
	{"check", FIELD_BASE64, FIELD_AT(struct unlock_answer, check), .optional = true},
};
static const struct message_form answer_form = MESSAGE_FORM("the answer to an unlock", answer_fields,
							    UNLOCK_BODY_MAX);

static enum fault check_points(const struct unlock_answer *answer, struct why *why)
{
	for (size_t i = 0; i < answer->item_count; i++) {
		const struct unlock_answer_item *item = &answer->items[i];
		const bool opens = item->status == UNLOCK_OK || item->status == UNLOCK_ROTATE;
		if (opens != is_there(&item->point))
			return why_set(why, FAULT_MALFORMED, "item %zu is '%s' %s a point", i + 1,
				       fields_word(status_words, item->status), opens ? "without" : "with");
	}
	return FAULT_NONE;
}

enum fault unlock_answer_write(const struct unlock_answer *answer, struct bytes *ret_body, struct why *why)
{
	return message_write(&answer_form, answer, ret_body, why);
}

enum fault unlock_answer_read(const void *body, size_t size, struct unlock_answer *ret_answer,
			      struct why *why)
{
	struct unlock_answer read = {0};
	enum fault fault = message_read(&answer_form, body, size, &read, why);
	if (!fault)
		fault = why_in(why, check_points(&read, why), "%s", answer_form.what);
	if (fault)
		return fault;
	read.has_check = is_there(&read.check);
	*ret_answer = read;
	return FAULT_NONE;
}
