/* server/tls.h - the certificate that the server shows, and a new one without a restart.
 *
 * PEM files: a chain, the server's own certificate first, and its private key. tls_reload() reads both
 * again; if they do not fit together the old ones stay. Connections that are open keep what they were shown.
 * libmicrohttpd asks for the certificate without saying for which listener: there is one struct tls a
 * process. Any thread may call anything but tls_close(). GnuTLS 3.7; TLS 1.2 and 1.3 only.
 */
#ifndef FSENC_SERVER_TLS_H
#define FSENC_SERVER_TLS_H

#include <stdint.h>

#include "base/why.h"

struct tls;

/* FAULT_KEYRING_READ: a file cannot be read; FAULT_INVALID: it is no certificate or key, or they do not fit;
 * a key that others can read. */
MUST_CHECK enum fault tls_open(const char *certificate_file, const char *key_file, struct tls **ret_tls,
			       struct why *why);
void tls_close(struct tls *tls);
AUTO_POINTER(struct tls *, tls_close);

MUST_CHECK enum fault tls_reload(struct tls *tls, struct why *why);
#define TLS_SOON (14 * 86400) /* seconds: a certificate that ends sooner is warned of when it is read */

/* Until when the certificate is good, unix seconds. */
int64_t tls_expires(const struct tls *tls);

/* What libmicrohttpd is given: a gnutls_certificate_retrieve_function3, and GnuTLS' words for what is spoken.
 */
typedef void tls_function(void);
tls_function *tls_retrieve(void);
const char *tls_priorities(void);

#endif
