/* ldap/tls.h - what every TLS connection to the directory demands, and the authorities and certificates for
 * it.
 *
 * At least TLS 1.2, a certificate of a known authority, the server's name in its subjectAltName. Files are
 * read for each connection, so a changed one counts from the next on. With a client certificate the context
 * that is made of them is shared by all connections, and made anew when a file has changed, because
 * libldap 2.5 loses memory for each such context.
 *
 * Any thread.
 */
#ifndef FSENC_LDAP_TLS_H
#define FSENC_LDAP_TLS_H

#include <ldap.h>
#include <stdbool.h>

#include "base/why.h"

struct tls;

/* `authorities` NULL: the system's. `certificate` and `key` NULL: none. Files are read when first needed. */
MUST_CHECK enum fault tls_new(const char *authorities, const char *certificate, const char *key,
			      struct tls **ret_tls, struct why *why);
void tls_free(struct tls *tls);
AUTO_POINTER(struct tls *, tls_free);

/* Sets everything on the handle, the context last. FAULT_KEYRING_READ: the files cannot be used. */
MUST_CHECK enum fault tls_prepare(struct tls *tls, LDAP *handle, struct why *why);

#endif
