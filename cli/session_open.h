/* cli/session_open.h - the keyring of this call, opened and, where wanted, unlocked.
 *
 * session_unlocked() takes the key that `fsenc unlock` left with the kernel, else a
 * passphrase (cli/prompt.h). A keyring that is not there is FAULT_KEYRING_READ, with the
 * hint how to make one.
 */
#ifndef FSENC_CLI_SESSION_OPEN_H
#define FSENC_CLI_SESSION_OPEN_H

#include "cli/options.h"
#include "cli/prompt.h"
#include "keys/keyring.h"

/* The path after --keyring, or the default one. Heap. */
MUST_CHECK enum fault session_keyring_path(const struct call *call, char **ret_path, struct why *why);
/* Locked: enough for certificates, trust and pins. */
MUST_CHECK enum fault session_locked(struct call *call, struct keyring **ret_keyring, struct why *why);
MUST_CHECK enum fault session_unlocked(struct call *call, struct keyring **ret_keyring, struct why *why);
/* Unlocked by the passphrase itself, whatever the kernel keeps: for what the owner alone may do.
 * `ret_passphrase` may be NULL. */
MUST_CHECK enum fault session_with_passphrase(struct call *call, struct keyring **ret_keyring,
					      struct secret **ret_passphrase, struct why *why);

/* The usual sources of this call. */
struct prompt session_prompt(const struct call *call, const char *question);
/* A new passphrase: --new-passfile, or asked twice. */
struct prompt session_prompt_new(const struct call *call, const char *question);
/* prompt_passphrase() with the hint that goes with each of its failures. */
MUST_CHECK enum fault session_ask(struct call *call, const struct prompt *prompt,
				  struct secret **ret_passphrase, struct why *why);

#endif
