/* server/holders.h - who a group key is dealt to, as the options of a command name them, and how they get it.
 *
 * A server is named by its directory, when that is on this machine, or by its name in the organisation's
 * descriptor; the latter gets a file (--parcels).
 */
#ifndef FSENC_SERVER_HOLDERS_H
#define FSENC_SERVER_HOLDERS_H

#include "server/dealing.h"
#include "server/stores.h"

struct holders {
	struct stores stores; /* opened: DIR first, then servers on this machine */
	struct identity *root;
	struct dealing dealing;
};
void holders_done(struct holders *holders);
AUTO_VALUE(struct holders, holders_done);

/* Opens DIR and the root key. */
MUST_CHECK enum fault holders_open(const struct call *call, struct holders *holders, struct why *why);
/* The servers of --server, in this order with indexes from 1; DIR's own when there are none. */
MUST_CHECK enum fault holders_of_options(const struct call *call, struct holders *holders, struct why *why);
/* --threshold, which several holders need. FAULT_USAGE. */
MUST_CHECK enum fault holders_threshold(const struct call *call, struct holders *holders, struct why *why);
/* A server's directory that is needed but gets no share; each counts once. `ret_home` may be NULL; borrowed.
 */
MUST_CHECK enum fault holders_add_home(struct holders *holders, const char *path, struct home **ret_home,
				       struct why *why);
/* The opened one of this server, or NULL. */
struct home *holders_home_of(const struct holders *holders, const struct member_id *server);

/* Brings each parcel to its holder, and the descriptor alone to every other opened store. `after` names the
 * change
 * (`detail`), and may have more `work` for the same transaction. Files are told on stderr. Faults as
 * stores_change(). */
MUST_CHECK enum fault holders_deliver(const struct call *call, struct holders *holders,
				      const struct dealt *dealt, const struct change *after, struct why *why);

#endif
