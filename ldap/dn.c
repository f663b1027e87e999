#include "ldap/dn.h"

#include <ctype.h>
#include <ldap.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"

AUTO_POINTER(LDAPDN, ldap_dnfree);

static size_t count_rdns(LDAPDN dn)
{
	size_t count = 0;

	while (dn && dn[count])
		count++;
	return count;
}

static LDAPDN parse(const char *text)
{
	LDAPDN dn = NULL;

	if (!text || ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return NULL;
	return dn;
}

/* The next byte of a value as it is compared: small, blanks at the ends gone, runs of them one. -1: the end.
 */
static int next_byte(const struct berval *value, size_t *at)
{
	bool blank = false;
	size_t start = *at;

	while (*at < value->bv_len && value->bv_val[*at] == ' ') {
		blank = true;
		(*at)++;
	}
	if (*at == value->bv_len)
		return -1;
	if (blank && start > 0)
		return ' ';
	return tolower((unsigned char)value->bv_val[(*at)++]);
}

static bool same_value(const struct berval *one, const struct berval *other)
{
	size_t one_at = 0;
	size_t other_at = 0;
	int one_byte;

	do {
		one_byte = next_byte(one, &one_at);
		if (one_byte != next_byte(other, &other_at))
			return false;
	} while (one_byte >= 0);
	return true;
}

static bool same_type(const struct berval *one, const struct berval *other)
{
	return one->bv_len == other->bv_len && strncasecmp(one->bv_val, other->bv_val, one->bv_len) == 0;
}

/* A "#04..." value is bytes of another encoding: it is never the same as text. */
static bool same_part(const LDAPAVA *one, const LDAPAVA *other)
{
	return (one->la_flags & LDAP_AVA_BINARY) == (other->la_flags & LDAP_AVA_BINARY) &&
	       same_type(&one->la_attr, &other->la_attr) && same_value(&one->la_value, &other->la_value);
}

static bool has_part(LDAPRDN rdn, const LDAPAVA *part)
{
	for (size_t i = 0; rdn[i]; i++)
		if (same_part(rdn[i], part))
			return true;
	return false;
}

static bool has_all_parts(LDAPRDN rdn, LDAPRDN of)
{
	for (size_t i = 0; of[i]; i++)
		if (!has_part(rdn, of[i]))
			return false;
	return true;
}

static bool same_rdn(LDAPRDN one, LDAPRDN other)
{
	return has_all_parts(one, other) && has_all_parts(other, one);
}

bool dn_is_valid(const char *dn)
{
	AUTO(ldap_dnfree) LDAPDN parsed = parse(dn);

	return parsed != NULL;
}

/* Compares the last RDNs of `dn` with all of `base`. */
static bool ends_with(LDAPDN dn, size_t dn_count, LDAPDN base, size_t base_count)
{
	if (dn_count < base_count)
		return false;
	for (size_t i = 0; i < base_count; i++)
		if (!same_rdn(dn[dn_count - base_count + i], base[i]))
			return false;
	return true;
}

bool dn_equal(const char *one, const char *other)
{
	AUTO(ldap_dnfree) LDAPDN one_parsed = parse(one);
	AUTO(ldap_dnfree) LDAPDN other_parsed = parse(other);
	size_t count = count_rdns(one_parsed);

	return one_parsed && other_parsed && count == count_rdns(other_parsed) &&
	       ends_with(one_parsed, count, other_parsed, count);
}

bool dn_is_under(const char *dn, const char *base)
{
	AUTO(ldap_dnfree) LDAPDN dn_parsed = parse(dn);
	AUTO(ldap_dnfree) LDAPDN base_parsed = parse(base);

	if (!*base)
		return dn_parsed != NULL;
	return dn_parsed && base_parsed &&
	       ends_with(dn_parsed, count_rdns(dn_parsed), base_parsed, count_rdns(base_parsed));
}

size_t dn_without_uid(const char *value, size_t size)
{
	size_t at = size;

	if (size < 4 || value[size - 1] != 'B' || value[size - 2] != '\'')
		return size;
	for (at = size - 2; at > 0 && (value[at - 1] == '0' || value[at - 1] == '1'); at--)
		;
	if (at < 2 || value[at - 1] != '\'' || value[at - 2] != '#')
		return size;
	return at - 2;
}
