#include <ctype.h>
#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/ldap/mock/parts.h"

#define CHAIN "1.2.840.113556.1.4.1941"
#define CHAIN_DEPTH 20

void mock_filter_free(struct mock_filter *filter)
{
	while (filter) {
		struct mock_filter *next = filter->next;
		mock_filter_free(filter->parts);
		free(filter);
		filter = next;
	}
}

/* -- reading ----------------------------------------------------------------------- */

static bool read_parts(BerElement *ber, struct mock_filter *filter)
{
	struct mock_filter **end = &filter->parts;
	ber_len_t size;
	char *last;

	for (ber_tag_t tag = ber_first_element(ber, &size, &last); tag != LBER_DEFAULT;
	     tag = ber_next_element(ber, &size, last)) {
		*end = mock_filter_read(ber);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	return true;
}

static bool read_extensible(BerElement *ber, struct mock_filter *filter)
{
	ber_len_t size;
	char *last;

	for (ber_tag_t tag = ber_first_element(ber, &size, &last); tag != LBER_DEFAULT;
	     tag = ber_next_element(ber, &size, last)) {
		struct berval part;
		if (ber_scanf(ber, "m", &part) == LBER_ERROR)
			return false;
		if (tag == LDAP_FILTER_EXT_OID)
			filter->rule = part;
		else if (tag == LDAP_FILTER_EXT_TYPE)
			filter->attribute = part;
		else if (tag == LDAP_FILTER_EXT_VALUE)
			filter->value = part;
	}
	return filter->attribute.bv_val && filter->value.bv_val;
}

struct mock_filter *mock_filter_read(BerElement *ber)
{
	struct mock_filter *filter = calloc(1, sizeof *filter);
	ber_len_t size;
	bool good = false;

	if (!filter)
		mock_fail("no memory");
	filter->tag = ber_peek_tag(ber, &size);
	switch (filter->tag) {
	case LDAP_FILTER_AND:
	case LDAP_FILTER_OR:
		good = read_parts(ber, filter);
		break;
	case LDAP_FILTER_NOT:
		(void)ber_skip_tag(ber, &size);
		filter->parts = mock_filter_read(ber);
		good = filter->parts != NULL;
		break;
	case LDAP_FILTER_EQUALITY:
		good = ber_scanf(ber, "{mm}", &filter->attribute, &filter->value) != LBER_ERROR;
		break;
	case LDAP_FILTER_PRESENT:
		good = ber_scanf(ber, "m", &filter->attribute) != LBER_ERROR;
		break;
	case LDAP_FILTER_EXT:
		good = read_extensible(ber, filter);
		break;
	default:
		break;
	}
	if (good)
		return filter;
	mock_filter_free(filter);
	return NULL;
}

/* -- printing ---------------------------------------------------------------------- */

static void print_value(const struct berval *value, FILE *out)
{
	for (size_t i = 0; i < value->bv_len; i++) {
		unsigned char byte = (unsigned char)value->bv_val[i];
		if (isprint(byte) && !strchr("()*\\ ", byte))
			(void)fputc(byte, out);
		else
			(void)fprintf(out, "\\%02x", byte);
	}
}

void mock_filter_print(const struct mock_filter *filter, FILE *out)
{
	const char *sign = filter->tag == LDAP_FILTER_AND ? "&" : filter->tag == LDAP_FILTER_OR ? "|" : "!";

	(void)fputc('(', out);
	if (filter->tag == LDAP_FILTER_AND || filter->tag == LDAP_FILTER_OR ||
	    filter->tag == LDAP_FILTER_NOT) {
		(void)fputs(sign, out);
		for (const struct mock_filter *part = filter->parts; part; part = part->next)
			mock_filter_print(part, out);
	} else {
		print_value(&filter->attribute, out);
		if (filter->tag == LDAP_FILTER_EXT)
			(void)fprintf(out, ":%.*s:", (int)filter->rule.bv_len, filter->rule.bv_val);
		(void)fputc('=', out);
		if (filter->tag == LDAP_FILTER_PRESENT)
			(void)fputc('*', out);
		print_value(&filter->value, out);
	}
	(void)fputc(')', out);
}

/* -- matching ---------------------------------------------------------------------- */

static bool is_text(const struct berval *value)
{
	for (size_t i = 0; i < value->bv_len; i++)
		if (!isprint((unsigned char)value->bv_val[i]))
			return false;
	return true;
}

static bool same(const struct berval *one, const struct berval *other, bool exactly)
{
	if (one->bv_len != other->bv_len)
		return false;
	if (exactly || !is_text(one))
		return memcmp(one->bv_val, other->bv_val, one->bv_len) == 0;
	return strncasecmp(one->bv_val, other->bv_val, one->bv_len) == 0;
}

static bool has_value(const struct mock_entry *entry, const char *name, const struct berval *wanted)
{
	const struct mock_attribute *attribute = mock_find(entry, name);

	for (size_t i = 0; attribute && i < attribute->count; i++)
		if (same(&attribute->values[i], wanted, !strcasecmp(name, "memberUid")))
			return true;
	return false;
}

static bool chain(const struct mock_entry *entry, const char *name, const struct berval *wanted,
		  const struct mock_world *world, int depth)
{
	const struct mock_attribute *attribute = mock_find(entry, name);

	if (has_value(entry, name, wanted))
		return true;
	for (size_t i = 0; attribute && depth && i < attribute->count; i++)
		for (size_t j = 0; j < world->entry_count; j++) {
			struct berval dn = {strlen(world->entries[j].dn), world->entries[j].dn};
			if (same(&dn, &attribute->values[i], false) &&
			    chain(&world->entries[j], name, wanted, world, depth - 1))
				return true;
		}
	return false;
}

static bool matches_rule(const struct mock_filter *filter, const char *name, const struct mock_entry *entry,
			 const struct mock_world *world)
{
	const struct berval known = {sizeof CHAIN - 1, (char *)CHAIN};

	return world->chain && same(&known, &filter->rule, true) &&
	       chain(entry, name, &filter->value, world, CHAIN_DEPTH);
}

static bool matches_parts(const struct mock_filter *filter, const struct mock_entry *entry,
			  const struct mock_world *world)
{
	bool all = filter->tag == LDAP_FILTER_AND;

	for (const struct mock_filter *part = filter->parts; part; part = part->next)
		if (mock_filter_matches(part, entry, world) != all)
			return !all;
	return all;
}

bool mock_filter_matches(const struct mock_filter *filter, const struct mock_entry *entry,
			 const struct mock_world *world)
{
	char name[128];

	(void)snprintf(name, sizeof name, "%.*s", (int)filter->attribute.bv_len,
		       filter->attribute.bv_val ? filter->attribute.bv_val : "");
	switch (filter->tag) {
	case LDAP_FILTER_NOT:
		return !mock_filter_matches(filter->parts, entry, world);
	case LDAP_FILTER_EQUALITY:
		return has_value(entry, name, &filter->value);
	case LDAP_FILTER_PRESENT:
		return mock_find(entry, name) != NULL;
	case LDAP_FILTER_EXT:
		return matches_rule(filter, name, entry, world);
	default:
		return matches_parts(filter, entry, world);
	}
}
