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

/* DIR is the call's first argument. FAULT_IDENTITY when they are not of one organisation. */
MUST_CHECK enum fault stores_open(const struct call *call, struct stores *ret_stores, struct why *why);

/* What is done to one store, in a transaction of it; `at` counts the stores. */
typedef enum fault stores_work(struct home *home, size_t at, void *context, struct why *why);

/* Does it to each. `detail` ("user add alice") stands in the audit. FAULT_PARTIAL when some have it and some
 * have not; the fault of the first when none has. */
MUST_CHECK enum fault stores_change(const struct call *call, struct stores *stores, stores_work *work,
				    void *context, const char *detail, struct why *why);

/* One change of one store, with its row in the audit. */
MUST_CHECK enum fault store_change_audited(struct home *home, stores_work *work, size_t at, void *context,
					   const char *detail, struct why *why);

#endif
