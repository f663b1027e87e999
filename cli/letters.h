/* cli/letters.h - text blocks that go between who asks and the officers of a recovery group
 * (keys/recovery.h).
 */
#ifndef FSENC_CLI_LETTERS_H
#define FSENC_CLI_LETTERS_H

#include "cli/options.h"
#include "keys/recovery.h"

/* What comes back: the own request, and an answer of each officer. */
struct letters {
	struct bytes request;
	struct bytes texts[OPTION_LIST_MAX];
	struct recovery_block blocks[OPTION_LIST_MAX]; /* of `texts` and the call's words */
	size_t count;
};
void letters_done(struct letters *letters);
AUTO_VALUE(struct letters, letters_done);

/* The files of --request and --answer. To be ended also on failure. */
MUST_CHECK enum fault letters_read(const struct call *call, struct letters *letters, struct why *why);

/* A text of the asker's (NULL: "") into a request; `what` is for the words. FAULT_USAGE: it is too long. */
MUST_CHECK enum fault letters_fill_text(char text[static RECOVERY_TEXT_MAX + 1], const char *given,
					const char *what, struct why *why);

/* The fingerprint that an organisation's descriptor has to have: of the own organisation; whoever is enrolled
 * nowhere takes the one that it names. */
MUST_CHECK enum fault letters_organisation(struct keyring *keyring, const struct signed_object *organisation,
					   struct fingerprint *ret_expected, struct why *why);

#endif
