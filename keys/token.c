#include "keys/token.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS (TOKEN_GROUPS * TOKEN_GROUP_LENGTH)
#define DATA_DIGITS (TOKEN_GROUP_LENGTH - 1)
#define NO_DIGIT 32u

_Static_assert(TOKEN_SIZE * 8 == TOKEN_GROUPS * DATA_DIGITS * 5, "the digits hold the token exactly");

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* One digit 0..31 a character. */
struct digits {
	uint8_t values[DIGITS];
};
static void digits_wipe(struct digits *digits)
{
	secret_wipe(digits->values, sizeof digits->values);
}
AUTO_VALUE(struct digits, digits_wipe);

void token_wipe(struct token *token)
{
	secret_wipe(token->bytes, sizeof token->bytes);
}

/* -- characters: the whole alphabet is walked, so that time and cache tell nothing ------ */

static unsigned is_equal(unsigned one, unsigned other)
{
	return ((one ^ other) - 1) >> (8 * sizeof(unsigned) - 1);
}

static char digit_character(unsigned digit)
{
	unsigned character = 0;

	for (unsigned i = 0; i < 32; i++)
		character |= (0u - is_equal(i, digit)) & (uint8_t)alphabet[i];
	return (char)character;
}

/* As people read it: upper case, and the letters that look like digits as digits. */
static unsigned plain_character(unsigned character)
{
	static const struct {
		char from, to;
	} alike[] = {{'O', '0'}, {'I', '1'}, {'L', '1'}};
	unsigned is_lower = is_equal(character >> 5, 3);

	character ^= is_lower << 5;
	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
		unsigned mask = 0u - is_equal(character, (uint8_t)alike[i].from);
		character ^= mask & ((uint8_t)alike[i].from ^ (uint8_t)alike[i].to);
	}
	return character;
}

static unsigned character_digit(char character)
{
	unsigned plain = plain_character((uint8_t)character);
	unsigned digit = NO_DIGIT;

	for (unsigned i = 0; i < 32; i++)
		digit ^= (0u - is_equal(plain, (uint8_t)alphabet[i])) & (NO_DIGIT ^ i);
	return digit;
}

static bool is_separator(char character)
{
	return character == '-' || character == ' ' || character == '\t' || character == '\n' ||
	       character == '\r';
}

/* -- groups --------------------------------------------------------------------------- */

/* a * value in GF(32). */
static unsigned times_a(unsigned value)
{
	unsigned carry = value >> 4 & 1;

	return (value << 1 & 31) ^ carry * 5;
}

/* Horner's rule over the digits of a group. */
static uint8_t group_check(const uint8_t digits[static DATA_DIGITS], unsigned group)
{
	unsigned sum = 0;

	for (unsigned i = DATA_DIGITS; i > 0; i--)
		sum = times_a(sum ^ digits[i - 1]);
	return (uint8_t)(sum ^ group);
}

/* 20 bits from bit 20 * group on, most significant first. */
static void group_split(const struct token *token, unsigned group, uint8_t digits[static DATA_DIGITS])
{
	for (unsigned i = 0; i < DATA_DIGITS; i++) {
		unsigned bit = (group * DATA_DIGITS + i) * 5;
		unsigned pair = (unsigned)token->bytes[bit / 8] << 8;
		if (bit / 8 + 1 < TOKEN_SIZE)
			pair |= token->bytes[bit / 8 + 1];
		digits[i] = pair >> (11 - bit % 8) & 31;
	}
}

static void group_join(const uint8_t digits[static DATA_DIGITS], unsigned group, struct token *token)
{
	for (unsigned i = 0; i < DATA_DIGITS; i++) {
		unsigned bit = (group * DATA_DIGITS + i) * 5;
		unsigned pair = (unsigned)digits[i] << (11 - bit % 8);
		token->bytes[bit / 8] |= (uint8_t)(pair >> 8);
		if (bit / 8 + 1 < TOKEN_SIZE)
			token->bytes[bit / 8 + 1] |= (uint8_t)pair;
	}
}

void token_text(const struct token *token, char text[static TOKEN_TEXT_SIZE])
{
	for (unsigned group = 0; group < TOKEN_GROUPS; group++) {
		AUTO(digits_wipe) struct digits digits;
		group_split(token, group, digits.values);
		digits.values[DATA_DIGITS] = group_check(digits.values, group);
		for (unsigned i = 0; i < TOKEN_GROUP_LENGTH; i++)
			*text++ = digit_character(digits.values[i]);
		*text++ = group + 1 < TOKEN_GROUPS ? '-' : '\0';
	}
}

static enum fault read_digits(const char *text, struct digits *ret_digits, struct why *why)
{
	unsigned count = 0;

	for (; *text; text++) {
		if (is_separator(*text))
			continue;
		unsigned digit = character_digit(*text);
		unsigned group = count / TOKEN_GROUP_LENGTH + 1;
		if (count == DIGITS)
			return why_set(why, FAULT_PASSPHRASE,
				       "the recovery token has more than %d groups of %d", TOKEN_GROUPS,
				       TOKEN_GROUP_LENGTH);
		if (digit == NO_DIGIT)
			return why_set(why, FAULT_PASSPHRASE,
				       "the recovery token is mistyped in group %u: it has a character that "
				       "no token has",
				       group);
		ret_digits->values[count++] = (uint8_t)digit;
	}
	if (count < DIGITS)
		return why_set(why, FAULT_PASSPHRASE,
			       "the recovery token has %d groups of %d characters, and some are missing",
			       TOKEN_GROUPS, TOKEN_GROUP_LENGTH);
	return FAULT_NONE;
}

enum fault token_from_text(const char *text, struct token *ret_token, struct why *why)
{
	AUTO(digits_wipe) struct digits digits;
	AUTO(token_wipe) struct token token = {{0}};
	enum fault fault = read_digits(text, &digits, why);
	if (fault)
		return fault;
	for (unsigned group = 0; group < TOKEN_GROUPS; group++) {
		const uint8_t *values = digits.values + group * TOKEN_GROUP_LENGTH;
		if (group_check(values, group) != values[DATA_DIGITS])
			return why_set(why, FAULT_PASSPHRASE,
				       "the recovery token is mistyped in group %u of %d", group + 1,
				       TOKEN_GROUPS);
		group_join(values, group, &token);
	}
	*ret_token = token;
	return FAULT_NONE;
}
