/* server/tls_probe.h - does the server that should listen here say that it is ready?
 *
 * One GET /readyz, as a load balancer would ask, through TLS or a UNIX socket. Whose certificate it shows is
 * not looked at: nothing is said and nothing is believed but whether it is ready.
 */
#ifndef FSENC_SERVER_TLS_PROBE_H
#define FSENC_SERVER_TLS_PROBE_H

#include "base/why.h"

#define TLS_PROBE_MS 3000 /* for connecting, TLS and the answer each */

/* `address` as in the configuration. FAULT_NONE: ready. FAULT_BUSY: it answers, and is not ready.
 * FAULT_UNREACHABLE: it does not answer. */
MUST_CHECK enum fault tls_probe(const char *address, struct why *why);

#endif
