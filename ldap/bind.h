/* ldap/bind.h - saying who we are on a connection.
 *
 * The server's own account: anonymous, with a password that is read from its file for each bind and wiped, by
 * the client certificate or the local socket's peer (SASL EXTERNAL), or by Kerberos (SASL GSSAPI, with a
 * keytab). Or somebody else with a password, which proves who that is. An empty password is never sent: a
 * server would take it for nobody and answer success (RFC 4513, 5.1.2).
 *
 * Kerberos proves the directory to us as well: without TLS everything after the bind is encrypted by it,
 * under TLS the bind is tied to that TLS connection (RFC 5929). Getting a ticket asks a KDC, which knows no
 * deadline: ldap/pool.h.
 *
 * No password goes over a connection that is not protected, unless allow_plaintext is set.
 */
#ifndef FSENC_LDAP_BIND_H
#define FSENC_LDAP_BIND_H

#include "ldap/conn.h"

/* As the settings say. */
MUST_CHECK enum directory_reason bind_as_service(struct conn *conn, int64_t deadline, struct why *why);

/* Bits of the key that Kerberos encrypts this connection with; 0: it does not. */
unsigned bind_strength(const struct conn *conn);

/* PASSWORD, DISABLED or EXPIRED when the directory says so. */
MUST_CHECK enum directory_reason bind_as_person(struct conn *conn, const char *dn,
						const struct secret *password, int64_t deadline,
						struct why *why);

/* Who the directory takes us for (RFC 4532): "dn:cn=reader,dc=example,dc=com"; "nobody". */
MUST_CHECK enum directory_reason bind_who_am_i(struct conn *conn, int64_t deadline, char *out, size_t room,
					       struct why *why);

#endif
