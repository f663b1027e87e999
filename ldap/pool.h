/* ldap/pool.h - connections to the directory's servers, and asking a question by a deadline.
 *
 * A question is a function that is given a connection, sends searches over it and says how it ended. It
 * starts from nothing each time it is called: it is called again, on a new connection, when its connection
 * dropped, and at the next server when the first is down, busy or silent. Each server in turn has its share
 * of what is left of the deadline. Which comes first: the one that answered last; the first of the list is
 * tried again a minute after it failed.
 *
 * Opening a connection happens in a thread of its own, because looking up names and Kerberos know no
 * deadlines; a question whose time is up leaves that thread behind, which then keeps what it opened for the
 * next one, or nothing. At most settings->connections to each server are open or being opened.
 *
 * Any thread may ask. pool_close() waits for nobody: it must not be called while somebody asks.
 */
#ifndef FSENC_LDAP_POOL_H
#define FSENC_LDAP_POOL_H

#include "ldap/conn.h"

#define POOL_PRIMARY_AGAIN_MS 60000

struct pool;

/* Takes the settings over, also on failure. */
MUST_CHECK enum fault pool_new(struct ldap_settings *settings, struct pool **ret_pool, struct why *why);
void pool_close(struct pool *pool);
AUTO_POINTER(struct pool *, pool_close);

const struct ldap_settings *pool_settings(const struct pool *pool);

typedef enum directory_reason pool_question(struct conn *conn, int64_t deadline, void *context,
					    struct why *why);

MUST_CHECK enum directory_reason pool_ask(struct pool *pool, int64_t deadline, pool_question *question,
					  void *context, struct why *why);

/* Proves a password at one of the servers, on a connection of its own. */
MUST_CHECK enum directory_reason pool_log_in(struct pool *pool, const struct ldap_server *server,
					     const char *dn, const struct secret *password, int64_t deadline,
					     struct why *why);

/* kind, server, answered, answered_age_ms, failure. */
void pool_state(struct pool *pool, struct directory_state *ret_state);
/* How many connections are open now, idle ones included. */
unsigned pool_open_connections(struct pool *pool);

#endif
