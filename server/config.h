/* server/config.h - the server's one configuration file, DIR/fsenc-server.conf.
 *
 *     [server]
 *     name = keys.example.com
 *     organisation = FINGERPRINT
 *     listen = 0.0.0.0:8443, [::]:8443, unix:/run/fsenc-server/socket
 *     directory = builtin
 *
 * `init` writes it, administrators edit it, `run` reads it at its start and again when it is told to reload.
 * It is read strictly (base/ini.h). Sections: [server], the keys in config.c's one table, and [ldap] where
 * `directory = ldap`. Paths may be relative to DIR and are absolute in the struct. An open, plain value;
 * texts belong to it. fsenc.conf(5).
 */
#ifndef FSENC_SERVER_CONFIG_H
#define FSENC_SERVER_CONFIG_H

#include <stdbool.h>

#include "base/ini.h"
#include "keys/id.h"

#define CONFIG_FILE "fsenc-server.conf"
#define CONFIG_LISTEN_MAX 8

enum config_directory { CONFIG_BUILTIN, CONFIG_LDAP };

struct config {
	struct ini *ini; /* holds the texts; [ldap] is read from it by ldap/ */
	const char *name; /* of this server, as clients reach it */
	struct fingerprint organisation; /* what `init` printed */
	char *listen[CONFIG_LISTEN_MAX + 1]; /* "ADDRESS:PORT" or "unix:PATH"; ends with NULL */
	size_t listen_count;
	const char *metrics_listen; /* one of its own, in clear, loopback only; NULL: with the others */
	char *tls_cert, *tls_key; /* PEM */
	enum config_directory directory;
	unsigned threads; /* that answer, of each listener; 0: RUN_THREADS (server/run.h) */
	unsigned connections; /* at most, all together */
	unsigned connections_per_address;
	unsigned idle_timeout; /* seconds without a request until a connection is closed */
};

/* `home` is DIR, absolute. FAULT_MISSING when there is no file; FAULT_KEYRING_READ with "FILE:LINE: words".
 */
MUST_CHECK enum fault config_read(const char *home, struct config **ret_config, struct why *why);
void config_free(struct config *config);
AUTO_POINTER(struct config *, config_free);

#endif
