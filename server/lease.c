/* Leases: is the caller still a member of the groups whose keys he has? No key is touched. */
#include <stdlib.h>

#include "keys/message.h"
#include "server/handlers.h"
#include "server/leavers.h"

struct leasing {
	struct exchange *exchange;
	const struct question *question;
	struct lease_request request;
	struct lease_answer answer;
};

static enum fault deny(struct exchange *exchange, const struct stored_group *group,
		       const struct directory_proof *proof, struct why *why)
{
	struct audit_event event = {.action = AUDIT_LEASE,
				    .decision = AUDIT_DENIED,
				    .reason = directory_reason_word(proof->reason),
				    .group = group->id,
				    .group_name = group->name,
				    .proof = proof};

	metrics_add(&exchange->server->metrics, METRICS_DENIALS, 1);
	enum fault fault = exchange_audit_refusal(exchange, &event, why);
	return fault ? fault
		     : leavers_note(exchange->server, &exchange->caller.account, exchange->caller.name,
				    &group->id, proof, why);
}

static enum fault grant(struct exchange *exchange, const struct stored_group *group,
			struct lease_answer_group *answer, struct why *why)
{
	metrics_add(&exchange->server->metrics, METRICS_LEASES, 1);
	answer->state = LEASE_MEMBER;
	answer->member_counter = group->member_counter;
	return group->rotate_since
		       ? store_group_is_due(exchange->server->home->store, &group->id, &answer->rotate, why)
		       : FAULT_NONE;
}

static enum fault ask(struct leasing *leasing, const struct stored_group *group,
		      struct lease_answer_group *answer, struct why *why)
{
	struct exchange *exchange = leasing->exchange;
	struct directory_proof proof;

	switch (directory_is_member(leasing->question->directory, &exchange->caller.account, &group->id,
				    leasing->question->deadline, &proof, why)) {
	case DIRECTORY_YES:
		return grant(exchange, group, answer, why);
	case DIRECTORY_NO:
		answer->state = LEASE_DENIED;
		return deny(exchange, group, &proof, why);
	case DIRECTORY_UNKNOWN:
		break;
	}
	metrics_add(&exchange->server->metrics, METRICS_UNKNOWNS, 1);
	answer->state = LEASE_UNKNOWN;
	return FAULT_NONE;
}

/* A group without a key here cannot be unlocked here: that is a no. */
static enum fault renew(struct leasing *leasing, size_t i, struct why *why)
{
	struct lease_answer_group *answer = &leasing->answer.groups[i];
	struct stored_group group;

	answer->id = leasing->request.groups[i];
	enum fault fault = groups_find(leasing->exchange->server->groups, &answer->id, &group, why);
	if (fault == FAULT_MISSING || (!fault && group.index == 0)) {
		answer->state = LEASE_DENIED;
		return FAULT_NONE;
	}
	return fault ? fault : ask(leasing, &group, answer, why);
}

enum fault handle_lease(struct exchange *exchange, struct why *why)
{
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);
	AUTO(free) struct leasing *leasing = calloc(1, sizeof *leasing);

	if (!leasing)
		return why_set(why, FAULT_MEMORY, "no memory for leases");
	leasing->exchange = exchange;
	leasing->question = &question;
	if (lease_request_read(exchange->request->body, exchange->request->body_size, &leasing->request, why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	leasing->answer.lease = exchange->charter->policy.lease;
	leasing->answer.group_count = leasing->request.group_count;
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; !fault && i < leasing->request.group_count; i++)
		fault = renew(leasing, i, why);
	return fault ? fault : lease_answer_write(&leasing->answer, &exchange->body, why);
}
