#include "ldap/filter.h"

#include <assert.h>
#include <ctype.h>
#include <ldap.h>
#include <string.h>

void filter_done(struct filter *filter)
{
	bytes_done(&filter->text);
}

static void append(struct filter *filter, const char *text)
{
	filter->failed = filter->failed || bytes_append_text(&filter->text, text, NULL) != FAULT_NONE;
}

void filter_open(struct filter *filter, enum filter_kind kind)
{
	static const char *const starts[] = {[FILTER_AND] = "(&", [FILTER_OR] = "(|", [FILTER_NOT] = "(!"};

	append(filter, starts[kind]);
	filter->depth++;
}

void filter_close(struct filter *filter)
{
	assert(filter->depth > 0);
	filter->depth--;
	append(filter, ")");
}

static void append_value(struct filter *filter, const void *value, size_t size)
{
	struct berval plain = {.bv_len = size, .bv_val = (char *)value};
	struct berval escaped = {.bv_val = NULL};

	if (size == 0)
		return;
	if (ldap_bv2escaped_filter_value(&plain, &escaped) != 0) {
		filter->failed = true;
		return;
	}
	append(filter, escaped.bv_val);
	ber_memfree(escaped.bv_val);
}

void filter_equal(struct filter *filter, const char *attribute, const void *value, size_t size)
{
	append(filter, "(");
	append(filter, attribute);
	append(filter, "=");
	append_value(filter, value, size);
	append(filter, ")");
}

void filter_equal_text(struct filter *filter, const char *attribute, const char *value)
{
	filter_equal(filter, attribute, value, strlen(value));
}

void filter_present(struct filter *filter, const char *attribute)
{
	append(filter, "(");
	append(filter, attribute);
	append(filter, "=*)");
}

void filter_rule(struct filter *filter, const char *attribute, const char *rule, const char *value)
{
	append(filter, "(");
	append(filter, attribute);
	append(filter, ":");
	append(filter, rule);
	append(filter, ":=");
	append_value(filter, value, strlen(value));
	append(filter, ")");
}

void filter_add(struct filter *filter, const char *whole)
{
	if (whole)
		append(filter, whole);
}

const char *filter_text(const struct filter *filter)
{
	assert(filter->depth == 0);
	return filter->failed ? NULL : (const char *)filter->text.data;
}

/* -- what the administrator writes ------------------------------------------------- */

static bool is_escape(const char *at)
{
	return isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);
}

bool filter_is_whole(const char *text)
{
	int depth = 0;

	if (*text != '(')
		return false;
	for (const char *at = text; *at; at++) {
		if (*at == '\\' && !is_escape(at))
			return false;
		depth += (*at == '(') - (*at == ')');
		if (depth <= 0 && at[1])
			return false;
	}
	return depth == 0;
}

bool filter_is_attribute(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-.;", *name))
			return false;
	return true;
}
