/* keys/token.h - the recovery token as people write it down.
 *
 * 160 random bits and a 20-bit checksum in base32hex: nine groups of four characters,
 * "0a1b-2c3d-...". Read without regard to case, blanks and dashes.
 * A mistyped one is told apart from a wrong one.
 */
#ifndef FSENC_KEYS_TOKEN_H
#define FSENC_KEYS_TOKEN_H

#include "base/secret.h"

#define TOKEN_SIZE 20
#define TOKEN_TEXT_SIZE (9 * 5)

struct token {
	uint8_t bytes[TOKEN_SIZE];
};
void token_wipe(struct token *token);
AUTO_VALUE(struct token, token_wipe);

void token_text(const struct token *token, char text[static TOKEN_TEXT_SIZE]);
/* FAULT_INVALID: mistyped. */
MUST_CHECK enum fault token_from_text(const char *text, struct token *ret_token, struct why *why);

#endif
