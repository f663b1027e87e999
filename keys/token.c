#include "keys/token.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "keys/kdf.h"

#define CHECK_LETTERS 4
#define LETTERS (BASE32_LENGTH(TOKEN_SIZE) + CHECK_LETTERS)

_Static_assert(LETTERS / 4 * 5 == TOKEN_TEXT_SIZE, "nine groups of four, a separator or the end after each");

void token_wipe(struct token *token)
{
	secret_wipe(token->bytes, sizeof token->bytes);
}

/* Token and checksum without dashes. */
static void letters_of(const struct token *token, char letters[static LETTERS + 1])
{
	struct digest digest = kdf_hash(KDF_TOKEN_CHECK, token->bytes, sizeof token->bytes);
	char check[BASE32_LENGTH(DIGEST_SIZE) + 1];

	text_base32(letters, token->bytes, sizeof token->bytes);
	text_base32(check, digest.bytes, sizeof digest.bytes);
	memcpy(letters + BASE32_LENGTH(TOKEN_SIZE), check, CHECK_LETTERS);
	letters[LETTERS] = 0;
}

void token_text(const struct token *token, char text[static TOKEN_TEXT_SIZE])
{
	char letters[LETTERS + 1];

	letters_of(token, letters);
	for (size_t at = 0; at < LETTERS; at++) {
		*text++ = letters[at];
		if (at % 4 == 3)
			*text++ = '-';
	}
	text[-1] = 0;
	secret_wipe(letters, sizeof letters);
}

enum fault token_from_text(const char *text, struct token *ret_token, struct why *why)
{
	char letters[LETTERS + 1] = {0}, again[LETTERS + 1];
	AUTO(token_wipe) struct token token;
	size_t count = 0, size = 0;

	for (; *text; text++) {
		if (*text == '-' || isspace((unsigned char)*text))
			continue;
		if (count == LETTERS)
			return why_set(why, FAULT_INVALID, "the recovery token is too long");
		letters[count++] = (char)tolower((unsigned char)*text);
	}
	if (count != LETTERS ||
	    !text_from_base32(letters, BASE32_LENGTH(TOKEN_SIZE), token.bytes, sizeof token.bytes, &size))
		return why_set(why, FAULT_INVALID,
			       "the recovery token has nine groups of four letters and digits");
	letters_of(&token, again);
	bool same = memcmp(letters, again, LETTERS) == 0;
	secret_wipe(letters, sizeof letters);
	secret_wipe(again, sizeof again);
	if (!same)
		return why_set(why, FAULT_INVALID,
			       "the recovery token is mistyped: its checksum does not fit");
	*ret_token = token;
	return FAULT_NONE;
}
