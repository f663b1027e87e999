#include "keys/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
		at += (size_t)snprintf(target + at, TARGET_SIZE - at,
				       strchr(plain, *letter) ? "%c" : "%%%02X", *letter);
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

static bool is_called(const char *name, const char *asked)
{
	return strcasecmp(name, asked) == 0;
}

/* A certificate in an answer belongs to the account that it comes with; the directory may have renamed that
 * since. NULL fits everybody. */
static bool fits(const struct certificate *certificate, const struct member_id *account)
{
	if (!certificate)
		return true;
	const struct member_id certified = certificate_account(certificate);

	return member_id_equal(&certified, account);
}

static enum fault read_user(const struct service_answer *answer, struct user_answer *read, struct why *why)
{
	enum fault fault = user_answer_read(answer->body.data, answer->body.size, read, why);

	if (!fault && !fits(read->certificate, &read->account))
		return why_set(why, FAULT_REFUSED, "the certificate for '%s' is another account's",
			       read->name);
	return fault;
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
	fault = read_user(&answer, &read, why);
	if (!fault && !is_called(read.name, name))
		fault = why_set(why, FAULT_REFUSED, "asked for '%s' it answers with '%s'", name, read.name);
	if (fault)
		return as_lie(fault, &answer, why);
	*ret_answer = read;
	read.certificate = NULL;
	return FAULT_NONE;
}

/* Nobody's account but the one asked for; or of the user asked for; or the key that took the place of his,
 * which only the server knows. Without a certificate (revoked) there is nothing to compare. */
static bool is_about(const struct user_answer *answer, const struct member_id *id)
{
	if (!answer->certificate || member_id_equal(&answer->account, id) ||
	    member_id_equal(&certificate_identity(answer->certificate)->id, id))
		return true;
	const struct fingerprint previous = certificate_previous(answer->certificate);

	return !fingerprint_is_none(&previous);
}

enum fault inquiry_user_by_id(struct service *service, const struct member_id *id,
			      struct user_answer *ret_answer, struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(user_answer_done) struct user_answer read = {.certificate = NULL};
	char target[TARGET_SIZE], text[ID_TEXT_SIZE];
	member_id_text(id, text);
	enum fault fault = write_target("/v1/users/", text, target, why);
	if (!fault)
		fault = get(service, target, &answer, why);
	if (fault)
		return fault;
	fault = read_user(&answer, &read, why);
	if (!fault && !is_about(&read, id))
		fault = why_set(why, FAULT_REFUSED, "asked for the user %s it answers with '%s'", text,
				read.name);
	if (fault)
		return as_lie(fault, &answer, why);
	*ret_answer = read;
	read.certificate = NULL;
	return FAULT_NONE;
}

/* -- groups ------------------------------------------------------------------------------ */

/* "cn=finance,ou=groups,dc=example": the value before the first comma. */
static bool is_first_value(const char *name, const char *dn)
{
	const char *value = strchr(dn, '=');
	const size_t length = value ? strcspn(value + 1, ",+") : 0;

	return value && strlen(name) == length && strncasecmp(name, value + 1, length) == 0;
}

static bool is_asked_for(const struct group_descriptor *group, const char *words)
{
	struct member_id id;

	if (member_id_from_text(words, &id))
		return member_id_equal(&id, &group->id);
	return is_called(group->name, words) || is_first_value(group->name, words);
}

static enum fault read_group(const struct service_answer *answer, const struct organisation *organisation,
			     const char *words, struct group_descriptor *ret_group,
			     struct signed_object **ret_object, struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer read = {.count = 0};
	enum fault fault = groups_answer_read(answer->body.data, answer->body.size, true, &read, why);
	if (!fault)
		fault = group_descriptor_read(read.list[0], organisation, ret_group, why);
	if (!fault && !is_asked_for(ret_group, words))
		fault = why_set(why, FAULT_REFUSED, "asked for the group '%s' it answers with '%s'", words,
				ret_group->name);
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
	fault = read_group(&answer, organisation, words, ret_group, ret_object, why);
	return fault ? as_lie(fault, &answer, why) : FAULT_NONE;
}

static int by_account(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct member_id));
}

/* A directory's answer names everybody once; two certificates for one account are two people under one name.
 */
static enum fault check_accounts(const struct members_answer *answer, struct why *why)
{
	AUTO(free) struct member_id *accounts = calloc(answer->count + 1, sizeof *accounts);

	if (!accounts)
		return why_set(why, FAULT_MEMORY, "no memory for members");
	for (size_t i = 0; i < answer->count; i++)
		accounts[i] = answer->list[i].account;
	qsort(accounts, answer->count, sizeof *accounts, by_account);
	for (size_t i = 1; i < answer->count; i++)
		if (member_id_equal(&accounts[i], &accounts[i - 1]))
			return why_set(why, FAULT_REFUSED, "it names a member of the group twice");
	return FAULT_NONE;
}

static enum fault check_members(const struct members_answer *answer, const struct member_id *group,
				struct why *why)
{
	if (!member_id_equal(&answer->group, group))
		return why_set(why, FAULT_REFUSED, "it answers with the members of another group");
	for (size_t i = 0; i < answer->count; i++)
		if (!fits(answer->list[i].certificate, &answer->list[i].account))
			return why_set(why, FAULT_REFUSED, "the certificate for '%s' is another account's",
				       answer->list[i].name);
	return check_accounts(answer, why);
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
	if (!fault)
		fault = check_members(&read, group, why);
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
