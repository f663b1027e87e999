/* Problem documents, RFC 9457. */
#include "keys/message_parts.h"

#define PREFIX "urn:fsenc:problem:"
#define TITLE_MAX 100

struct document {
	uint32_t type; /* enum problem_type */
	char title[TITLE_MAX + 1];
	uint32_t status;
	char detail[PROBLEM_DETAIL_MAX + 1];
};

static const char *const type_words[] = {
#define X(name, text, status) [PROBLEM_##name] = PREFIX text,
	PROBLEM_LIST(X)
#undef X
		[PROBLEM_COUNT] = NULL,
};

static const uint16_t statuses[] = {
#define X(name, text, status) [PROBLEM_##name] = (status),
	PROBLEM_LIST(X)
#undef X
};

static const char *const titles[PROBLEM_COUNT] = {
	[PROBLEM_MALFORMED] = "The request is not what the protocol says",
	[PROBLEM_FRAMING] = "The request has no clear end",
	[PROBLEM_CLOCK] = "The clocks are too far apart",
	[PROBLEM_REPLAY] = "The request was used before",
	[PROBLEM_UNKNOWN_KEY] = "The key is not known here",
	[PROBLEM_SIGNATURE] = "The signature does not hold",
	[PROBLEM_OTHER_SERVER] = "The request is for another server",
	[PROBLEM_DENIED] = "Not a member",
	[PROBLEM_DISABLED] = "The account is disabled",
	[PROBLEM_CODE] = "The code or password is wrong",
	[PROBLEM_APPROVAL] = "Another key of this account needs approval",
	[PROBLEM_MISSING] = "There is no such thing",
	[PROBLEM_METHOD] = "This cannot be done with it",
	[PROBLEM_CONFLICT] = "It is another one by now",
	[PROBLEM_TOO_LARGE] = "The request is too large",
	[PROBLEM_LIMIT] = "The limit is reached",
	[PROBLEM_INTERNAL] = "The server failed",
	[PROBLEM_DIRECTORY] = "The directory does not answer",
	[PROBLEM_AUDIT] = "The audit cannot be written",
};

static const enum fault faults[PROBLEM_COUNT] = {
	[PROBLEM_MALFORMED] = FAULT_FAILED,	 [PROBLEM_FRAMING] = FAULT_FAILED,
	[PROBLEM_CLOCK] = FAULT_DENIED,		 [PROBLEM_REPLAY] = FAULT_DENIED,
	[PROBLEM_UNKNOWN_KEY] = FAULT_DENIED,	 [PROBLEM_SIGNATURE] = FAULT_DENIED,
	[PROBLEM_OTHER_SERVER] = FAULT_IDENTITY, [PROBLEM_DENIED] = FAULT_DENIED,
	[PROBLEM_DISABLED] = FAULT_DENIED,	 [PROBLEM_CODE] = FAULT_DENIED,
	[PROBLEM_APPROVAL] = FAULT_DENIED,	 [PROBLEM_MISSING] = FAULT_MISSING,
	[PROBLEM_METHOD] = FAULT_FAILED,	 [PROBLEM_CONFLICT] = FAULT_FAILED,
	[PROBLEM_TOO_LARGE] = FAULT_FAILED,	 [PROBLEM_LIMIT] = FAULT_DENIED,
	[PROBLEM_INTERNAL] = FAULT_FAILED,	 [PROBLEM_DIRECTORY] = FAULT_UNREACHABLE,
	[PROBLEM_AUDIT] = FAULT_UNREACHABLE,
};

static const struct field fields[] = {
	{"type", FIELD_CHOICE, FIELD_AT(struct document, type), .words = type_words},
	{"title", FIELD_TEXT, FIELD_AT(struct document, title)},
	{"status", FIELD_INTEGER, FIELD_AT(struct document, status), .least = 400, .most = 599},
	{"detail", FIELD_TEXT, FIELD_AT(struct document, detail), .optional = true},
};
static const struct message_form form = MESSAGE_FORM("the problem", fields, MESSAGE_BODY_MAX);

unsigned problem_status(enum problem_type type)
{
	return statuses[type];
}

const char *problem_text(enum problem_type type)
{
	return type_words[type] + sizeof PREFIX - 1;
}

enum fault problem_fault(enum problem_type type)
{
	return faults[type];
}

enum fault problem_write(const struct problem *problem, struct bytes *ret_body, struct why *why)
{
	struct document document = {.type = problem->type, .status = problem_status(problem->type)};

	memcpy(document.title, titles[problem->type], strlen(titles[problem->type]) + 1);
	memcpy(document.detail, problem->detail, sizeof document.detail);
	return message_write(&form, &document, ret_body, why);
}

enum fault problem_read(const void *body, size_t size, struct problem *ret_problem, struct why *why)
{
	struct document document = {0};
	enum fault fault = message_read(&form, body, size, &document, why);
	if (fault)
		return fault;
	if (document.status != problem_status((enum problem_type)document.type))
		return why_set(why, FAULT_MALFORMED, "%s: '%s' has another status than %u", form.what,
			       type_words[document.type], document.status);
	ret_problem->type = (enum problem_type)document.type;
	memcpy(ret_problem->detail, document.detail, sizeof ret_problem->detail);
	return FAULT_NONE;
}
