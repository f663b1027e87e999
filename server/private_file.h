/* server/private_file.h - a small file that holds a key: nobody else may read it.
 *
 * Made with mode 0600, synced with its directory. Read into guarded memory; refused (FAULT_KEYRING_READ) when
 * group or others can read it, or when it belongs to somebody else than us or root. No state; any thread.
 */
#ifndef FSENC_SERVER_PRIVATE_FILE_H
#define FSENC_SERVER_PRIVATE_FILE_H

#include <stdbool.h>

#include "base/secret.h"

#define PRIVATE_FILE_MAX 4096

/* FAULT_EXISTS. */
MUST_CHECK enum fault private_file_create(int directory, const char *name, const void *bytes, size_t size,
					  struct why *why);
/* Without a last end of line. FAULT_MISSING. `guarded`: somebody else keeps others out (systemd's
 * credentials). */
MUST_CHECK enum fault private_file_read(int directory, const char *name, bool guarded,
					struct secret **ret_contents, struct why *why);

#endif
