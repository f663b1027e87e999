/* server/stores.h - the servers that one command changes: DIR, and one for each --server.
 *
 * A server with a store of its own has to be told of each user, code and membership. A change is made in each
 * store by itself, together with a row of its audit; a store that did not get it is named, and the others
 * keep it.
 */
#ifndef FSENC_SERVER_STORES_H
#define FSENC_SERVER_STORES_H

#include "server/home.h"
#include "server/options.h"

struct stores {
	struct home *homes[GROUP_SERVERS_MAX + 1]; /* each once; the first is DIR's */
	size_t count;
};
void stores_done(struct stores *stores);
AUTO_VALUE(struct stores, stores_done);

/* One more; each counts once. *ret_home (may be NULL) is borrowed. FAULT_IDENTITY when it is not of the
 * organisation of the first. */
MUST_CHECK enum fault stores_add(struct stores *stores, const char *path, struct home **ret_home,
				 struct why *why);
/* DIR is the call's first argument. FAULT_IDENTITY when they are not of one organisation. */
MUST_CHECK enum fault stores_open(const struct call *call, struct stores *ret_stores, struct why *why);

typedef enum fault stores_work(struct home *home, size_t at, void *context, struct why *why);

/* A change of one store; `at` counts the stores. */
struct change {
	stores_work *prepare; /* before the transaction, or NULL: may ask a directory */
	stores_work *work; /* in the transaction */
	void *context;
	const char *detail; /* "user add alice": stands in the audit */
};

/* Makes it in each. FAULT_PARTIAL when some have it and some
 * have not; the fault of the first when none has. */
MUST_CHECK enum fault stores_change(const struct call *call, struct stores *stores,
				    const struct change *change, struct why *why);

/* Makes it in one. */
MUST_CHECK enum fault stores_change_one(struct home *home, size_t at, const struct change *change,
					struct why *why);

#endif
