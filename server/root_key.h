/* server/root_key.h - the organisation's root key in a file of its own, to be kept away from the server.
 *
 * Four lines of text, mode 0600: "fsenc root key 1", the id, the private bytes as base64url, the name.
 * Whoever has it can name servers, deal groups and change the policy: it belongs on a medium that lies in a
 * safe.
 */
#ifndef FSENC_SERVER_ROOT_KEY_H
#define FSENC_SERVER_ROOT_KEY_H

#include "keys/identity.h"

/* FAULT_EXISTS when the file is there. */
MUST_CHECK enum fault root_key_create(const char *path, const struct identity *root, struct why *why);
/* FAULT_MISSING; FAULT_KEYRING_READ when it is no such file, or others can read it. */
MUST_CHECK enum fault root_key_read(const char *path, struct identity **ret_root, struct why *why);

#endif
