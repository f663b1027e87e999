#include "server/leavers.h"

#include "base/clock.h"
#include "base/log.h"

/* First the count, then the row that tells of it: the other way round a failure in between would tell of
 * something that did not happen. */
enum fault leavers_note(struct server *server, const struct member_id *account, const char *name,
			const struct member_id *group, const struct directory_proof *proof, struct why *why)
{
	struct stored_group stored;
	bool counted = false;

	enum fault fault = store_member_left(server->home->store, account, group,
					     clock_wall_ms() / MS_PER_SECOND, &counted, why);
	if (fault || !counted)
		return fault;
	metrics_add(&server->metrics, METRICS_LEAVERS, 1);
	fault = groups_find(server->groups, group, &stored, why);
	if (fault)
		return fault;
	log_info(
		"a user has left group '%s' who had unlocked something of it: its folders are due for new keys",
		stored.name);
	const struct audit_event event = {.action = AUDIT_LEFT,
					  .decision = AUDIT_DENIED,
					  .reason = directory_reason_word(proof->reason),
					  .account = *account,
					  .user = name,
					  .group = *group,
					  .group_name = stored.name,
					  .proof = proof};
	return audit_write(server->audit, &event, why);
}
