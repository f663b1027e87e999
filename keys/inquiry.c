#include "keys/inquiry.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define NAME_MAX_BYTES 255 /* of a name in a directory */
#define TARGET_SIZE (64 + 3 * NAME_MAX_BYTES)

/* "/v1/users?name=" and the name, all but RFC 3986's unreserved characters as %XX. */
static enum fault write_target(const char *before, const char *name, char target[static TARGET_SIZE],
			       struct why *why)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t at = strlen(before);

	if (name[0] == 0 || strlen(name) > NAME_MAX_BYTES)
		return why_set(why, FAULT_INVALID, "a name has 1 to %d bytes", NAME_MAX_BYTES);
	memcpy(target, before, at + 1);
	for (const unsigned char *letter = (const unsigned char *)name; *letter; letter++)
		at += (size_t)snprintf(target + at, TARGET_SIZE - at, strchr(plain, *letter) ? "%c" : "%%%02X",
				       *letter);
	return FAULT_NONE;
}

static enum fault ask(struct service *service, const struct service_call *call, struct service_answer *answer,
		      struct why *why)
{
	struct service_call timed = *call;

	timed.deadline_ms = clock_boot_ms() + SERVICE_DEADLINE_MS;
	enum fault fault = service_ask(service, &timed, answer, why);
	if (fault || !answer->is_problem)
		return fault;
	return why_set(why, problem_fault(answer->problem.type), "key server %s: %s", answer->host,
		       answer->problem.detail[0] ? answer->problem.detail
						 : problem_text(answer->problem.type));
}

static enum fault get(struct service *service, const char *target, struct service_answer *answer,
		      struct why *why)
{
	const struct service_call call = {.method = "GET", .target = target};

	return ask(service, &call, answer, why);
}

/* What a server answers beside the question is its lie, not a damaged file. */
static enum fault as_lie(enum fault fault, const struct service_answer *answer, struct why *why)
{
	return why_in(why, fault == FAULT_MALFORMED || fault == FAULT_REFUSED ? FAULT_IDENTITY : fault,
		      "key server %s", answer->host);
}

enum fault inquiry_user(struct service *service, const char *name, struct user_answer *ret_answer,
			struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(user_answer_done) struct user_answer read = {.certificate = NULL};
	char target[TARGET_SIZE];
	enum fault fault = write_target("/v1/users?name=", name, target, why);
	if (!fault)
		fault = get(service, target, &answer, why);
	if (fault)
		return fault;
	fault = user_answer_read(answer.body.data, answer.body.size, &read, why);
	if (fault)
		return as_lie(fault, &answer, why);
	*ret_answer = read;
	read.certificate = NULL;
	return FAULT_NONE;
}

static enum fault read_group(const struct service_answer *answer, const struct organisation *organisation,
			     struct group_descriptor *ret_group, struct signed_object **ret_object,
			     struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer read = {.count = 0};
	enum fault fault = groups_answer_read(answer->body.data, answer->body.size, true, &read, why);
	if (!fault)
		fault = group_descriptor_read(read.list[0], organisation, ret_group, why);
	if (!fault)
		fault = signed_copy(read.list[0], ret_object, why);
	return fault;
}

enum fault inquiry_group(struct service *service, const struct organisation *organisation, const char *words,
			 struct group_descriptor *ret_group, struct signed_object **ret_object,
			 struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	char target[TARGET_SIZE];
	struct member_id id;
	const bool by_id = member_id_from_text(words, &id);
	enum fault fault = write_target(by_id ? "/v1/groups/" : "/v1/groups?name=", words, target, why);
	if (!fault)
		fault = get(service, target, &answer, why);
	if (fault)
		return fault;
	fault = read_group(&answer, organisation, ret_group, ret_object, why);
	return fault ? as_lie(fault, &answer, why) : FAULT_NONE;
}

enum fault inquiry_members(struct service *service, const struct member_id *group,
			   struct members_answer *ret_answer, struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(members_answer_done) struct members_answer read = {.count = 0};
	char target[64], id[ID_TEXT_SIZE];
	member_id_text(group, id);
	(void)snprintf(target, sizeof target, "/v1/groups/%s/members", id);
	enum fault fault = get(service, target, &answer, why);
	if (fault)
		return fault;
	fault = members_answer_read(answer.body.data, answer.body.size, &read, why);
	if (!fault && !member_id_equal(&read.group, group))
		fault = why_set(why, FAULT_REFUSED, "it answers with the members of another group");
	if (fault)
		return as_lie(fault, &answer, why);
	*ret_answer = read;
	read = (struct members_answer){.count = 0};
	return FAULT_NONE;
}

enum fault inquiry_escrow(struct service *service, const struct member_id *server, const struct bytes *sealed,
			  struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	enum fault fault = token_request_write(sealed->data, sealed->size, &body, why);
	const struct service_call call = {.method = "POST",
					  .target = "/v1/recovery-token",
					  .body = body.data,
					  .body_size = body.size,
					  .server = server};

	return fault ? fault : ask(service, &call, &answer, why);
}
