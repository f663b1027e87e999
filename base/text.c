#include "base/text.h"

#include <sodium.h>
#include <string.h>

static const char base32_letters[] = "0123456789abcdefghijklmnopqrstuv";

void text_base32(char *out, const void *bytes, size_t size)
{
	const uint8_t *in = bytes;
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | in[i];
		for (held += 8; held >= 5; held -= 5)
			*out++ = base32_letters[bits >> (held - 5) & 31];
	}
	if (held)
		*out++ = base32_letters[bits << (5 - held) & 31];
	*out = 0;
}

static int base32_value(char letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	if (letter >= 'a' && letter <= 'v')
		return letter - 'a' + 10;
	if (letter >= 'A' && letter <= 'V')
		return letter - 'A' + 10;
	return -1;
}

bool text_from_base32(const char *text, size_t length, void *out, size_t room, size_t *ret_size)
{
	size_t size = length * 5 / 8;
	if (size > room || BASE32_LENGTH(size) != length)
		return false;
	uint8_t *at = out;
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < length; i++) {
		int value = base32_value(text[i]);
		if (value < 0)
			return false;
		bits = bits << 5 | (uint32_t)value;
		held += 5;
		if (held >= 8) {
			held -= 8;
			*at++ = (uint8_t)(bits >> held);
		}
	}
	if (bits & ((1u << held) - 1))
		return false;
	*ret_size = size;
	return true;
}

void text_base64(char *out, const void *bytes, size_t size)
{
	(void)sodium_bin2base64(out, BASE64_LENGTH(size) + 1, bytes, size,
				sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void text_hex(char *out, const void *bytes, size_t size)
{
	(void)sodium_bin2hex(out, HEX_LENGTH(size) + 1, bytes, size);
}

bool text_from_base64(const char *text, size_t length, void *out, size_t room, size_t *ret_size)
{
	size_t size = 0;
	const char *end = NULL;
	if (sodium_base642bin(out, room, text, length, NULL, &size, &end,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	if (end != text + length)
		return false;
	*ret_size = size;
	return true;
}

bool text_from_base64_exact(const char *text, void *out, size_t size)
{
	size_t length = strlen(text);
	size_t found = 0;

	return length == BASE64_LENGTH(size) && text_from_base64(text, length, out, size, &found) &&
	       found == size;
}

bool text_from_hex_exact(const char *text, void *out, size_t size)
{
	size_t found = 0;
	const char *end = NULL;

	if (strlen(text) != HEX_LENGTH(size))
		return false;
	return sodium_hex2bin(out, size, text, HEX_LENGTH(size), NULL, &found, &end) == 0 && found == size &&
	       !*end;
}

char *text_base64_new(const void *bytes, size_t size)
{
	char *text = malloc(BASE64_LENGTH(size) + 1);

	if (text)
		text_base64(text, bytes, size);
	return text;
}
