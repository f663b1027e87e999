/* keys/enrol.h - becoming known to the key servers of an organisation.
 *
 * At each server: its descriptor is fetched and must be that of the organisation whose fingerprint is
 * expected; the user proves his key for this account and this server; the server answers with his
 * certificate, which must hold his key, his name and his proof, and be the organisation's. What comes back
 * goes into the keyring (keys/keyring_service.h): membership, servers, policy. Each server believes only
 * itself, so each is asked, with a code of its own; a server that was enrolled at before and is not named
 * stays. Groups come with the first contacts_sync(). Nothing is kept of codes and passwords. Blocks for
 * SERVICE_DEADLINE_MS a request.
 */
#ifndef FSENC_KEYS_ENROL_H
#define FSENC_KEYS_ENROL_H

#include "keys/service.h"

struct enrol_server {
	const char *url;
	const char *code; /* one-time; NULL with a password */
};

struct enrol_options {
	struct keyring *keyring; /* unlocked */
	const char *user; /* as the directory calls him */
	struct fingerprint organisation; /* its root's */
	const char *certificate_authority; /* PEM of the servers' TLS, or NULL: the system's */
	const struct enrol_server *servers;
	size_t server_count; /* 1..GROUP_SERVERS_MAX */
	const struct secret *password; /* of the directory, where a server has no code; or NULL */
};

struct enrol_report {
	size_t enrolled; /* servers that gave a certificate */
	uint32_t pending; /* seconds until an administrator's approval counts at some server; 0: none waits */
	char host[256]; /* the last that was asked */
};

/* FAULT_EXISTS: the keyring belongs to another organisation. FAULT_IDENTITY: another organisation than
 * expected, or a certificate that is not ours. FAULT_DENIED: wrong code or password, or approval is needed
 * (report->pending). FAULT_PARTIAL: some servers refused or did not answer; what the others gave is kept.
 * *ret_report is filled in also on failure. */
MUST_CHECK enum fault enrol_at_servers(const struct enrol_options *options, struct enrol_report *ret_report,
				       struct why *why);

#endif
