#include "keys/client_version.h"

#include <string.h>

#define PARTS_MAX 8
#define DIGITS "0123456789"

const char *client_version(void)
{
	return FSENC_VERSION;
}

bool client_version_is_valid(const char *text)
{
	unsigned parts = 0;

	if (strlen(text) > CLIENT_VERSION_MAX)
		return false;
	for (;;) {
		const size_t digits = strspn(text, DIGITS);
		if (digits == 0 || ++parts > PARTS_MAX)
			return false;
		text += digits;
		if (*text == 0)
			return true;
		if (*text++ != '.')
			return false;
	}
}

/* The digits of the next number without zeros before it, and *text behind the dot after it; none at the end.
 */
static const char *next_number(const char **text, size_t *ret_digits)
{
	const char *number = *text + strspn(*text, "0");

	*ret_digits = strspn(number, DIGITS);
	*text = number + *ret_digits;
	*text += **text == '.';
	return number;
}

bool client_version_is_older(const char *one, const char *other)
{
	while (*one || *other) {
		size_t digits, other_digits;
		const char *number = next_number(&one, &digits);
		const char *other_number = next_number(&other, &other_digits);
		/* Any length, so that no number overflows. */
		const int order = digits != other_digits ? (digits < other_digits ? -1 : 1)
							 : memcmp(number, other_number, digits);
		if (order != 0)
			return order < 0;
	}
	return false;
}

enum fault client_version_check(const struct policy *policy, struct why *why)
{
	const char *least = policy->minimum_client;

	if (least[0] == 0 || !client_version_is_older(client_version(), least))
		return FAULT_NONE;
	return why_set(why, FAULT_DENIED,
		       "the policy of the organisation asks for fsenc %s or later; this is fsenc %s", least,
		       client_version());
}
