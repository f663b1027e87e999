/* The unlock of folder keys by a group's key. The order is docs/PROTOCOL.md's, and each step fails closed. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/message.h"
#include "server/handlers.h"
#include "server/heads.h"
#include "server/leavers.h"

struct unlocking {
	struct exchange *exchange;
	struct unlock_request request;
	struct unlock_answer answer;
	struct stored_group group;
	struct directory_proof proof;
	struct unlocked_folder folders[UNLOCK_ITEMS_MAX]; /* that were opened, as far as anybody can tell */
	size_t opened;
	size_t stale;
};

static struct audit_event event_of(const struct unlocking *unlocking, enum audit_decision decision,
				   const char *reason)
{
	return (struct audit_event){.action = AUDIT_UNLOCK,
				    .decision = decision,
				    .reason = reason,
				    .group = unlocking->group.id,
				    .group_name = unlocking->group.name,
				    .folders = unlocking->folders,
				    .folder_count = unlocking->opened,
				    .proof = &unlocking->proof};
}

/* -- who ------------------------------------------------------------------------------------------ */

static enum fault find_group(struct unlocking *unlocking, struct why *why)
{
	struct exchange *exchange = unlocking->exchange;

	enum fault fault = groups_find(exchange->server->groups, &unlocking->request.group, &unlocking->group,
				       why);
	if (fault == FAULT_MISSING || (!fault && unlocking->group.index == 0))
		return exchange_refuse(exchange, PROBLEM_MISSING, why,
				       "this server holds no share of a key of this group");
	if (fault)
		return fault;
	if (unlocking->request.epoch != unlocking->group.epoch)
		return exchange_refuse(
			exchange, PROBLEM_CONFLICT, why,
			"the key of group '%s' is of epoch %u here, not %u; fetch its descriptor",
			unlocking->group.name, unlocking->group.epoch, unlocking->request.epoch);
	return FAULT_NONE;
}

static bool is_off(const struct directory_proof *proof)
{
	return proof->reason == DIRECTORY_REASON_DISABLED || proof->reason == DIRECTORY_REASON_EXPIRED;
}

static enum fault deny(struct unlocking *unlocking, struct why *why)
{
	struct exchange *exchange = unlocking->exchange;
	const struct directory_proof *proof = &unlocking->proof;
	struct audit_event event = event_of(unlocking, AUDIT_DENIED, directory_reason_word(proof->reason));

	metrics_add(&exchange->server->metrics, METRICS_DENIALS, 1);
	enum fault fault = exchange_audit_refusal(exchange, &event, why);
	if (!fault)
		fault = leavers_note(exchange->server, &exchange->caller.account, exchange->caller.name,
				     &unlocking->group.id, proof, why);
	if (fault)
		return fault;
	return exchange_refuse(exchange, is_off(proof) ? PROBLEM_DISABLED : PROBLEM_DENIED, why,
			       "group '%s': %s", unlocking->group.name,
			       directory_reason_words(proof->reason));
}

/* Nothing is evaluated, nothing remembered. */
static enum fault give_up(struct unlocking *unlocking, struct why *why)
{
	struct exchange *exchange = unlocking->exchange;

	struct audit_event event = event_of(unlocking, AUDIT_UNKNOWN,
					    directory_reason_word(unlocking->proof.reason));

	metrics_add(&exchange->server->metrics, METRICS_UNKNOWNS, 1);
	enum fault fault = exchange_audit_refusal(exchange, &event, NULL);
	return fault ? fault : exchange_refuse_unknown(exchange, why);
}

static enum fault check_member(struct unlocking *unlocking, struct why *why)
{
	AUTO(question_end)
	struct question question = question_begin(unlocking->exchange->server->membership);

	switch (directory_is_member(question.directory, &unlocking->exchange->caller.account,
				    &unlocking->group.id, question.deadline, &unlocking->proof, why)) {
	case DIRECTORY_YES:
		return FAULT_NONE;
	case DIRECTORY_NO:
		return deny(unlocking, why);
	case DIRECTORY_UNKNOWN:
		break;
	}
	return give_up(unlocking, why);
}

static enum fault check_limit(struct unlocking *unlocking, struct why *why)
{
	struct exchange *exchange = unlocking->exchange;
	const uint32_t most = exchange->charter->policy.unlock_limit;
	const uint32_t points = (uint32_t)unlocking->request.item_count + unlocking->request.has_check;

	switch (limits_take(exchange->server->points, &exchange->caller.account, points, most,
			    clock_boot_ms())) {
	case LIMIT_WITHIN:
		return FAULT_NONE;
	case LIMIT_BURST:
		metrics_add(&exchange->server->metrics, METRICS_BURSTS, 1);
		log_warning(
			"request %s: a user has unlocked more than a quarter of a day's limit in a minute",
			exchange->id);
		return FAULT_NONE;
	case LIMIT_OVER:
		break;
	}
	return exchange_refuse(exchange, PROBLEM_LIMIT, why,
			       "you have unlocked as much as one user may in a day: %u points", most);
}

/* -- what -------------------------------------------------------------------------------------------- */

/* One bad point refuses the whole request, whatever became of those before it: nothing has left yet. */
static enum fault multiply(struct unlocking *unlocking, const struct group_share *share,
			   const struct point *point, struct point *ret_product, struct why *why)
{
	enum fault fault = group_evaluate(share, point, ret_product, why);

	return fault == FAULT_REFUSED ? exchange_refuse_why(unlocking->exchange, PROBLEM_MALFORMED, why)
				      : fault;
}

static enum fault open_item(struct unlocking *unlocking, const struct group_share *share, size_t i,
			    struct why *why)
{
	const struct unlock_item *item = &unlocking->request.items[i];
	struct unlock_answer_item *answer = &unlocking->answer.items[i];
	struct store *store = unlocking->exchange->server->home->store;
	const struct unlocked_folder folder = {.folder = item->folder, .generation = item->generation};
	enum head_judgement judgement;
	bool is_due = false;

	enum fault fault = heads_judge(store, item, &judgement, &answer->head_version, why);
	if (fault)
		return fault;
	if (judgement != HEAD_FITS) {
		answer->status = judgement == HEAD_STALE ? UNLOCK_STALE : UNLOCK_DENIED;
		unlocking->stale++;
		return FAULT_NONE;
	}
	if (unlocking->group.rotate_since)
		fault = store_folder_is_due(store, &unlocking->group.id, &folder, &is_due, why);
	if (!fault)
		fault = multiply(unlocking, share, &item->point, &answer->point, why);
	if (fault)
		return fault;
	answer->status = is_due ? UNLOCK_ROTATE : UNLOCK_OK;
	unlocking->folders[unlocking->opened++] = folder;
	return FAULT_NONE;
}

static void wipe_share(struct group_share *share)
{
	secret_wipe(share, sizeof *share);
}
AUTO_VALUE(struct group_share, wipe_share);

static enum fault open_items(struct unlocking *unlocking, struct why *why)
{
	const struct unlock_request *request = &unlocking->request;
	struct unlock_answer *answer = &unlocking->answer;
	AUTO(wipe_share) struct group_share share;

	answer->group = request->group;
	answer->epoch = request->epoch;
	answer->lease = unlocking->exchange->charter->policy.lease;
	answer->member_counter = unlocking->group.member_counter;
	answer->item_count = request->item_count;
	answer->has_check = request->has_check;
	enum fault fault = master_open_share(unlocking->exchange->server->home->master, &unlocking->group,
					     &share, why);
	if (!fault && group_check_scalar(&share.value, why))
		fault = why_in(why, FAULT_DAMAGED, "the share of group '%s'", unlocking->group.name);
	for (size_t i = 0; !fault && i < request->item_count; i++)
		fault = open_item(unlocking, &share, i, why);
	if (!fault && request->has_check)
		fault = multiply(unlocking, &share, &request->check, &answer->check, why);
	return fault;
}

/* On the disk before the answer leaves; so is who unlocked what, for the rule about leavers. */
static enum fault write_down(struct unlocking *unlocking, struct why *why)
{
	struct exchange *exchange = unlocking->exchange;
	const bool any = unlocking->opened > 0 || unlocking->request.has_check;
	struct audit_event event = event_of(unlocking, any ? AUDIT_GRANTED : AUDIT_REFUSED,
					    unlocking->stale ? "stale" : NULL);

	enum fault fault = exchange_audit(exchange, &event, why);
	if (fault)
		return fault;
	metrics_add(&exchange->server->metrics, METRICS_POINTS, unlocking->opened);
	metrics_add(&exchange->server->metrics, METRICS_POINTS_STALE, unlocking->stale);
	return FAULT_NONE;
}

enum fault handle_unlock(struct exchange *exchange, struct why *why)
{
	AUTO(free) struct unlocking *unlocking = calloc(1, sizeof *unlocking);

	if (!unlocking)
		return why_set(why, FAULT_MEMORY, "no memory for an unlock");
	unlocking->exchange = exchange;
	if (unlock_request_read(exchange->request->body, exchange->request->body_size, &unlocking->request,
				why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	enum fault fault = find_group(unlocking, why);
	if (!fault)
		fault = check_member(unlocking, why);
	if (!fault)
		fault = check_limit(unlocking, why);
	if (!fault)
		fault = open_items(unlocking, why);
	if (!fault)
		fault = write_down(unlocking, why);
	return fault ? fault : unlock_answer_write(&unlocking->answer, &exchange->body, why);
}
