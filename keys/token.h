/* keys/token.h - the recovery token, and its text for paper.
 *
 * 160 random bits as eight groups of five characters, "7ZK4M-0A1BW-...": four of them are 20
 * bits, the fifth is a check over them and the group's number. So every single wrong character,
 * every two neighbours or groups exchanged is noticed before anything is tried, and
 * the words name the group. The alphabet is Crockford's base32: no I, L, O, U; read in either case,
 * with I and L as 1 and O as 0, with any blanks and dashes.
 *
 *   check = group number + sum a^i * digit_i, i = 1..4, over GF(32) with a^5 = a^2 + 1
 *
 * A check is a function of characters that stand beside it: it tells nobody anything. Neither
 * direction looks a table up at an index that depends on the token. Any thread.
 */
#ifndef FSENC_KEYS_TOKEN_H
#define FSENC_KEYS_TOKEN_H

#include "base/secret.h"

#define TOKEN_SIZE 20
#define TOKEN_GROUPS 8
#define TOKEN_GROUP_LENGTH 5
#define TOKEN_TEXT_SIZE (TOKEN_GROUPS * (TOKEN_GROUP_LENGTH + 1)) /* dashes between, a zero at the end */

struct token {
	uint8_t bytes[TOKEN_SIZE];
};
void token_wipe(struct token *token);
AUTO_VALUE(struct token, token_wipe);

void token_text(const struct token *token, char text[static TOKEN_TEXT_SIZE]);
/* FAULT_PASSPHRASE when it is mistyped. */
MUST_CHECK enum fault token_from_text(const char *text, struct token *ret_token, struct why *why);

#endif
