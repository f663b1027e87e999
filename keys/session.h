/* keys/session.h - the keyring's master key, kept by the kernel for a while.
 *
 * `fsenc unlock` puts it into the user keyring of the kernel (keyctl, type "user") with a
 * timeout; `fsenc lock` revokes it. Named after the keyring's path, so several keyrings do
 * not meet. Any thread. A kernel without keys is FAULT_UNSUPPORTED with the reason.
 */
#ifndef FSENC_KEYS_SESSION_H
#define FSENC_KEYS_SESSION_H

#include "base/secret.h"

MUST_CHECK enum fault session_store(const char *keyring_path, const struct secret *master, unsigned seconds,
				    struct why *why);
/* FAULT_MISSING when nothing is cached. */
MUST_CHECK enum fault session_load(const char *keyring_path, struct secret **ret_master, struct why *why);
MUST_CHECK enum fault session_forget(const char *keyring_path, struct why *why);

#endif
