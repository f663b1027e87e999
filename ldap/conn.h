/* ldap/conn.h - one handle of libldap: its options, its TLS, and waiting for answers by a deadline.
 *
 * The order of the calls is what was found to hold with libldap 2.5 (docs/ARCHITECTURE.md): the socket
 * comes from ldap/dial.h, protocol 3, timeouts, referrals off, then for TLS what ldap/tls.h demands, and the
 * context made of that and nothing else, without which the environment would win. So nothing is sent before
 * the peer has proved its name, and no wait is longer than its deadline.
 *
 * A connection is used by one thread at a time. One whose peer vanished, or that has an answer under way that
 * nobody waits for any more, is spoiled: it must not be used again.
 */
#ifndef FSENC_LDAP_CONN_H
#define FSENC_LDAP_CONN_H

#include <ldap.h>

#include "ldap/reason.h"
#include "ldap/settings.h"

struct conn;

/* Takes the socket over, whatever comes out. */
MUST_CHECK enum directory_reason conn_new(const struct ldap_settings *settings,
					  const struct ldap_server *server, int fd, struct conn **ret_conn,
					  struct why *why);
void conn_close(struct conn *conn);
AUTO_POINTER(struct conn *, conn_close);

/* Starts TLS where the server's protection asks for it, with StartTLS first where that is asked for. */
MUST_CHECK enum directory_reason conn_start_tls(struct conn *conn, int64_t deadline, struct why *why);

LDAP *conn_handle(const struct conn *conn);
const struct ldap_settings *conn_settings(const struct conn *conn);
const struct ldap_server *conn_server(const struct conn *conn);
int64_t conn_opened(const struct conn *conn); /* boot ms */
/* "TLS1.3 (...)", "local socket" or "none": static, or the connection's. */
const char *conn_protection(const struct conn *conn);
bool conn_is_protected(const struct conn *conn);

void conn_spoil(struct conn *conn);
bool conn_is_spoiled(const struct conn *conn);
/* The peer hung up while nobody used it. */
bool conn_is_dead(const struct conn *conn);

/* A connection that was idle may have lost its peer without a sign: its next answer must come by then, or the
 * wait ends with TIMEOUT and the connection is still in doubt. */
void conn_doubt(struct conn *conn, int64_t until);
bool conn_is_in_doubt(const struct conn *conn);

/* Active Directory needs other controls (ldap/search.h); ldap/root_dse.h finds out. */
void conn_set_active_directory(struct conn *conn, bool is_active_directory);
bool conn_is_active_directory(const struct conn *conn);

/* The next message that answers request `id`; the caller frees it with ldap_msgfree(). */
MUST_CHECK enum directory_reason conn_wait(struct conn *conn, int id, int64_t deadline,
					   LDAPMessage **ret_message, struct why *why);

/* `code` of a call to libldap that sends nothing or could not: what it means. `what` is being done: "the
 * search". */
enum directory_reason conn_failed(struct conn *conn, int code, const char *what, struct why *why);

/* What a final message says (RFC 4511, 4.1.9); NONE for success. It must be of the type (LDAP_RES_...). The
 * code is told on every return; controls (may be NULL) are the caller's to free. */
MUST_CHECK enum directory_reason conn_result(struct conn *conn, LDAPMessage *message, int type,
					     const char *what, int *ret_code, LDAPControl ***ret_controls,
					     struct why *why);

AUTO_POINTER(LDAPMessage *, ldap_msgfree);
AUTO_POINTER(LDAPControl *, ldap_control_free);
AUTO_POINTER(LDAPControl **, ldap_controls_free);

#endif
