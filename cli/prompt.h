/* cli/prompt.h - where a passphrase comes from.
 *
 * In this order, the first that is there: --passfile, --extpass, the file that FSENC_PASSFILE names,
 * $CREDENTIALS_DIRECTORY/fsenc.passphrase (systemd), the terminal without echo, systemd-ask-password.
 * The first line counts, without its end of line. It is never in argv or in the value of a variable,
 * and lies in guarded memory from the first byte on.
 *
 * A file that group or others can read is refused (FAULT_KEYRING_READ), so is one that belongs to
 * somebody else than us or root.
 */
#ifndef FSENC_CLI_PROMPT_H
#define FSENC_CLI_PROMPT_H

#include "base/secret.h"

#include <stdbool.h>

struct prompt {
	const char *question; /* "Passphrase" */
	const char *passfile; /* --passfile, or NULL */
	const char *const *extpass; /* --extpass: ends with NULL; empty for none */
	bool only_these; /* neither the environment's files: for a second passphrase */
	bool twice; /* a new one: the terminal asks again to be sure */
	bool no_input; /* neither terminal nor systemd-ask-password */
};

/* FAULT_PASSPHRASE when there is no source; FAULT_PASSPHRASE_EMPTY. */
MUST_CHECK enum fault prompt_passphrase(const struct prompt *prompt, struct secret **ret_passphrase,
					struct why *why);

#endif
