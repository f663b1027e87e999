/* server/builtin.h - users and groups in the server's own store: the directory of who has none.
 *
 * One kind of struct directory (ldap/directory.h). Groups may hold groups; a cycle ends, each group is
 * visited once, the shortest path is told. It answers from the store at once, so it knows no cache, no
 * time-out and no passwords: people enrol with a code. Unknown means here that the store failed.
 *
 * The ids are hash("builtin-id", organisation || kind || le32 n || name), n counting how often the name was
 * given: servers of one organisation that are told the same names agree on ids without talking, and a
 * name given again is somebody else. Changes are transactions (server/store.h). Any thread.
 */
#ifndef FSENC_SERVER_BUILTIN_H
#define FSENC_SERVER_BUILTIN_H

#include "ldap/directory.h"
#include "server/store.h"

/* The store must outlive it. */
MUST_CHECK enum fault builtin_open(struct store *store, struct directory **ret_directory, struct why *why);

#endif
