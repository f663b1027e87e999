/* cli/renewal.h - a new recovery token, in the place of the one before.
 *
 * In an organisation a token counts once its key servers keep it in escrow (keys/escrow.h): first they get
 * the new one, then it takes the place of the old. While they are down the old one stays. Without an
 * organisation it is made at once. product.md, offline rule 10.
 */
#ifndef FSENC_CLI_RENEWAL_H
#define FSENC_CLI_RENEWAL_H

#include "cli/enrolled.h"

/* `ret_token` is heap: token_free(). FAULT_UNREACHABLE: no key server keeps it; nothing has changed. */
MUST_CHECK enum fault renewal_of_token(struct call *call, struct keyring *keyring, char **ret_token,
				       struct why *why);
/* With servers that were reached already; at least one of them keeps it. */
MUST_CHECK enum fault renewal_by(const struct call *call, struct enrolled *enrolled, char **ret_token,
				 struct why *why);
/* After a successful contact: if the token was used while they were down, a new one is made and printed. */
MUST_CHECK enum fault renewal_if_due(const struct call *call, struct enrolled *enrolled, struct why *why);

#endif
