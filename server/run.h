/* server/run.h - `fsenc-server run DIR`: from an opened directory to a server that answers, and to its end.
 *
 * SIGTERM and SIGINT end it: no new connections, requests under way are answered, then it returns. SIGHUP
 * reads the TLS certificate and the configuration of the directory again; what cannot be changed while it
 * runs (addresses, threads, limits of connections) is told and left. The service manager is told each of
 * these states (server/notify.h). Returns when the server has ended. Called once, by the main thread, before
 * others are started: it blocks these signals.
 */
#ifndef FSENC_SERVER_RUN_H
#define FSENC_SERVER_RUN_H

#include "base/why.h"

/* Each listener has so many threads unless the configuration says otherwise: more than processors, because a
 * thread waits for the disk and for the directory. */
#define RUN_THREADS 32

/* FAULT_MISSING: no server lies in `path`. FAULT_BUSY: one runs there already, or an address is taken. */
MUST_CHECK enum fault run_server(const char *path, struct why *why);

#endif
