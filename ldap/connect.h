/* ldap/connect.h - everything between nothing and a connection that may be asked.
 *
 * Socket, TLS, bind, and a look at what the server is. A server that is not Active Directory is refused here
 * when the chain rule was asked for, so that no answer ever comes from a server that cannot give it.
 */
#ifndef FSENC_LDAP_CONNECT_H
#define FSENC_LDAP_CONNECT_H

#include "ldap/conn.h"
#include "ldap/root_dse.h"

/* Is told of each step as it ends: "connect", "TLS", "bind", "server". */
struct connect_steps {
	void (*step)(void *context, const char *name, const char *found, int64_t took_ms);
	void *context;
};

/* `steps` may be NULL. */
MUST_CHECK enum directory_reason connect_as_service(const struct ldap_settings *settings,
						    const struct ldap_server *server, int64_t deadline,
						    const struct connect_steps *steps, struct conn **ret_conn,
						    struct root_dse *ret_root, struct why *why);

/* Proves a password, on a connection of its own that ends with it. */
MUST_CHECK enum directory_reason connect_as_person(const struct ldap_settings *settings,
						   const struct ldap_server *server, const char *dn,
						   const struct secret *password, int64_t deadline,
						   struct why *why);

#endif
