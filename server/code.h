/* server/code.h - one-time enrolment codes: what is told to a user, and what the store keeps of it.
 *
 * A code is 160 random bits in the form of keys/token.h, so that a mistyped one is noticed before it is
 * sent. The store keeps hash("enrol-code", the 20 bytes) only. Any thread.
 */
#ifndef FSENC_SERVER_CODE_H
#define FSENC_SERVER_CODE_H

#include "keys/token.h"
#include "server/store.h"

/* Makes one for the account, in place of an earlier one. */
MUST_CHECK enum fault code_new(struct store *store, const struct member_id *account, int64_t now,
			       char text[static TOKEN_TEXT_SIZE], struct why *why);
/* Takes it away: FAULT_DENIED when it is wrong, used, expired or another account's. */
MUST_CHECK enum fault code_use(struct store *store, const struct member_id *account, const char *text,
			       int64_t now, struct why *why);

#endif
