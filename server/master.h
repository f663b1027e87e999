/* server/master.h - the master key, and what lies sealed under it.
 *
 * 32 random bytes, in $CREDENTIALS_DIRECTORY/fsenc-server.master when systemd gave us that credential, else
 * in the 0600 file `master.key` of the server's directory, as base64url on one line. A file that others can
 * read is refused. Private keys and shares in the store are sealed under it (keys/keyring_seal.h, label
 * "server-seal"), each tied to what it is, so that a row put in another's place does not open.
 * Read-only after it was opened: any thread.
 */
#ifndef FSENC_SERVER_MASTER_H
#define FSENC_SERVER_MASTER_H

#include "base/secret.h"
#include "server/store.h"

#define MASTER_FILE "master.key"
#define MASTER_CREDENTIAL "fsenc-server.master"

struct master;

/* Makes the file; FAULT_EXISTS when there is one. With the credential nothing is made. */
MUST_CHECK enum fault master_create(int directory, struct master **ret_master, struct why *why);
/* FAULT_KEYRING_READ when it is missing, open to others or no key. */
MUST_CHECK enum fault master_open(int directory, struct master **ret_master, struct why *why);
void master_free(struct master *master);
AUTO_POINTER(struct master *, master_free);

void master_seal_identity(const struct master *master, const struct identity *identity,
			  struct stored_identity *ret_stored);
/* FAULT_REFUSED when it was sealed under another key or is another's. */
MUST_CHECK enum fault master_open_identity(const struct master *master, const struct stored_identity *stored,
					   struct identity **ret_identity, struct why *why);

/* The share of `group->id`, `epoch`, whose index and sealed bytes it fills in. */
void master_seal_share(const struct master *master, const struct group_share *share,
		       struct stored_group *group);
/* FAULT_MISSING when none lies here. */
MUST_CHECK enum fault master_open_share(const struct master *master, const struct stored_group *group,
					struct group_share *ret_share, struct why *why);

#endif
