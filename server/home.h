/* server/home.h - a server's directory, opened: configuration, master key, store, and who the server is.
 *
 *     DIR/fsenc-server.conf   configuration          DIR/master.key     the master key, unless a credential
 *     DIR/store.db            the store              DIR/tls-cert.pem, DIR/tls-key.pem
 *
 * The running server and the administrators' commands begin alike, with home_open(). What the struct holds
 * besides the store is as of that moment; home_refresh() reads organisation and policy again when the
 * store's version has moved on. Not shared between threads; what it points at may be.
 */
#ifndef FSENC_SERVER_HOME_H
#define FSENC_SERVER_HOME_H

#include "keys/organisation.h"
#include "server/audit.h"
#include "server/config.h"
#include "server/master.h"

struct home {
	char *path; /* DIR, absolute */
	struct config *config;
	struct master *master;
	struct store *store;
	struct identity *identity; /* the server's: signs certificates and answers */
	struct organisation organisation;
	struct fingerprint fingerprint; /* of the organisation */
	struct policy policy;
	uint64_t version; /* of the store, when organisation and policy were read */
};

/* FAULT_MISSING when there is no server in it. */
MUST_CHECK enum fault home_open(const char *path, struct home **ret_home, struct why *why);
void home_close(struct home *home);
AUTO_POINTER(struct home *, home_close);

MUST_CHECK enum fault home_refresh(struct home *home, struct why *why);

/* The directory that `config` says (the home's own, or one read anew). LDAP is not contacted yet. */
MUST_CHECK enum fault home_directory(const struct home *home, const struct config *config,
				     struct directory **ret_directory, struct why *why);

/* The root identity: of `file` (`--root-key`), or of the store when `file` is NULL. FAULT_MISSING when it
 * lies elsewhere, FAULT_IDENTITY when the file holds another organisation's. */
MUST_CHECK enum fault home_root(const struct home *home, const char *file, struct identity **ret_root,
				struct why *why);

#endif
