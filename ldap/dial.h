/* ldap/dial.h - a connected socket to a directory server, by a deadline.
 *
 * libldap's own connecting tries one address and then believes it (CONNECT_ASYNC), or ignores its timeouts;
 * so the socket is made here and handed to it. All addresses of a name are tried, the next one starting when
 * the one before fails or says nothing for a quarter of a second (RFC 8305), so a dead IPv6 route costs no
 * more than that.
 *
 * Looking up a name has no deadline of its own (getaddrinfo): callers that need one run this in a
 * thread that may be left behind (ldap/pool.h). Any thread.
 */
#ifndef FSENC_LDAP_DIAL_H
#define FSENC_LDAP_DIAL_H

#include "ldap/reason.h"
#include "ldap/settings.h"

/* A socket that does not block, without delay (TCP_NODELAY), closed on exec; the caller owns it. UNREACHABLE
 * or TIMEOUT. */
MUST_CHECK enum directory_reason dial(const struct ldap_server *server, int64_t deadline, int *ret_fd,
				      struct why *why);

#endif
