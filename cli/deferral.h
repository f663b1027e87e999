/* cli/deferral.h - changes of access lists that wait for a key server (--defer), and their turn.
 *
 * They lie in the keyring in the order in which they were asked for, and are carried out by the next command that
 * reaches a server. A change that has become true by itself is done; one that fails stays, with the reason.
 */
#ifndef FSENC_CLI_DEFERRAL_H
#define FSENC_CLI_DEFERRAL_H

#include "cli/admission.h"

/* `directory` as typed. Says that it was kept. */
MUST_CHECK enum fault deferral_keep(const struct call *call, struct keyring *keyring, enum deferred_kind kind,
				    const char *directory, const char *who, enum role role, struct why *why);
/* After a successful contact: all of them, with a line each. FAULT_PARTIAL: some stay. */
MUST_CHECK enum fault deferral_run(struct admission *admission, struct why *why);
/* "let the group 'finance' into /mnt/Private as reader" */
void deferral_words(const struct deferred *deferred, char *words, size_t room);

#endif
