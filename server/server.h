/* server/server.h - a running key server: what its handlers share.
 *
 * server_new() puts the parts together from an opened home (server/home.h); nothing listens yet. The parts
 * stay the same as long as the server lives and each says which threads may use it; what changes (policy,
 * certificates, groups) lies in the store and is looked at anew.
 */
#ifndef FSENC_SERVER_SERVER_H
#define FSENC_SERVER_SERVER_H

#include "server/charter.h"
#include "server/exchange.h"
#include "server/groups.h"
#include "server/health.h"
#include "server/home.h"
#include "server/limit.h"
#include "server/membership.h"
#include "server/metrics.h"

struct server {
	struct home *home; /* borrowed: configuration, store, master key, the server's identity */
	struct audit *audit;
	struct nonces *nonces;
	struct callers *callers;
	struct charters *charters;
	struct groups *groups;
	struct membership *membership;
	struct limits *points; /* unlocked by an account, a day */
	struct limits *passwords; /* wrong ones of an account, and enrolments of an address that failed, an hour */
	struct limits *refusals; /* audited for a caller, a minute */
	struct metrics metrics;
	struct health health;
	atomic_uint connections; /* open now */
	_Atomic int64_t tls_expires; /* unix seconds; 0: no TLS */
};

/* `directory` is taken over, also on failure. `nonce_directory`: server/nonce.h. */
MUST_CHECK enum fault server_new(struct home *home, struct directory *directory, int nonce_directory,
				 struct server **ret_server, struct why *why);
void server_free(struct server *server);
AUTO_POINTER(struct server *, server_free);

#endif
