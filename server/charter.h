/* server/charter.h - the organisation's descriptor and policy in force.
 *
 * A struct charter never changes; when an administrator signs another policy (the store's version moves on),
 * the next charters_take() gives another one. It stays as long as anybody holds it. Any thread.
 */
#ifndef FSENC_SERVER_CHARTER_H
#define FSENC_SERVER_CHARTER_H

#include <stdatomic.h>

#include "keys/organisation.h"
#include "server/store.h"

struct charter {
	struct organisation organisation;
	struct organisation_id id;
	struct policy policy;
	struct signed_object *organisation_signed, *policy_signed;
	uint64_t version; /* of the store */
	atomic_uint holders;
};

struct charters;

/* `fingerprint` is the organisation's: no other is ever accepted. */
MUST_CHECK enum fault charters_new(struct store *store, const struct fingerprint *fingerprint,
				   struct charters **ret_charters, struct why *why);
void charters_free(struct charters *charters);
AUTO_POINTER(struct charters *, charters_free);

/* Give it back with charter_give(). */
MUST_CHECK enum fault charters_take(struct charters *charters, struct charter **ret_charter, struct why *why);
void charter_give(struct charter *charter);
AUTO_POINTER(struct charter *, charter_give);

#endif
