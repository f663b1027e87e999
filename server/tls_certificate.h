/* server/tls_certificate.h - a TLS certificate that the server makes for itself.
 *
 * For an organisation without a certificate authority: clients are given the certificate as their --cacert.
 * ECDSA on P-256, valid TLS_CERTIFICATE_YEARS years, for the names and addresses under which the server is
 * reached and for nothing else: it can sign no other certificate. GnuTLS.
 */
#ifndef FSENC_SERVER_TLS_CERTIFICATE_H
#define FSENC_SERVER_TLS_CERTIFICATE_H

#include "base/why.h"

#define TLS_CERTIFICATE_YEARS 10
#define TLS_CERTIFICATE_FILE "tls-cert.pem"
#define TLS_KEY_FILE "tls-key.pem"

/* Writes the two PEM files into `directory`, the key for nobody else to read. `names` ends with NULL: host
 * names and addresses, the first of them the common name; one that comes twice counts once. */
MUST_CHECK enum fault tls_certificate_create(int directory, const char *const *names, int64_t now,
					     struct why *why);

#endif
