#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/ldap/mock/parts.h"

void mock_answer_done(struct mock_answer *answer)
{
	free(answer->bytes);
}

void mock_answer_bytes(struct mock_answer *answer, const void *bytes, size_t size)
{
	answer->bytes = realloc(answer->bytes, answer->size + size + 1);
	if (!answer->bytes)
		mock_fail("no memory");
	memcpy(answer->bytes + answer->size, bytes, size);
	answer->size += size;
}

static BerElement *start(void)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (!ber)
		mock_fail("no memory");
	return ber;
}

static void finish(struct mock_answer *answer, BerElement *ber)
{
	struct berval flat;

	if (ber_flatten2(ber, &flat, 0) < 0)
		mock_fail("an answer cannot be encoded");
	mock_answer_bytes(answer, flat.bv_val, flat.bv_len);
	ber_free(ber, 1);
}

/* -- the last word ----------------------------------------------------------------- */

const struct berval mock_no_cookie;

static void put_cookie(BerElement *ber, const struct berval *cookie)
{
	if (cookie == &mock_no_cookie) {
		(void)ber_printf(ber, "t{{s}}", (ber_tag_t)LDAP_TAG_CONTROLS, LDAP_CONTROL_PAGEDRESULTS);
		return;
	}
	BerElement *value = start();
	struct berval flat;

	(void)ber_printf(value, "{iO}", 0, cookie);
	if (ber_flatten2(value, &flat, 0) < 0)
		mock_fail("a cookie cannot be encoded");
	(void)ber_printf(ber, "t{{sO}}", (ber_tag_t)LDAP_TAG_CONTROLS, LDAP_CONTROL_PAGEDRESULTS, &flat);
	ber_free(value, 1);
}

void mock_answer_result(struct mock_answer *answer, int message, ber_tag_t tag, int code, const char *words,
			const char *referral, const struct berval *cookie)
{
	BerElement *ber = start();

	(void)ber_printf(ber, "{it{ess", message, tag, code, "", words);
	if (referral)
		(void)ber_printf(ber, "t{s}", (ber_tag_t)LDAP_TAG_REFERRAL, referral);
	(void)ber_printf(ber, "N}");
	if (cookie)
		put_cookie(ber, cookie);
	(void)ber_printf(ber, "N}");
	finish(answer, ber);
}

/* -- entries ----------------------------------------------------------------------- */

/* A name in the script may have options of its own, to say what no good server would. */
static bool wants(const struct mock_search *search, const char *name)
{
	size_t head = strcspn(name, ";");

	for (size_t i = 0; i < search->attribute_count; i++) {
		const char *asked = search->attributes[i];
		if (strcspn(asked, ";") == head && !strncasecmp(asked, name, head))
			return true;
	}
	return search->attribute_count == 0;
}

/* "member;range=1500-*" among the attributes: where the range starts. */
static bool wants_range(const struct mock_search *search, const char *name, size_t *ret_from)
{
	size_t head = strlen(name);

	for (size_t i = 0; i < search->attribute_count; i++) {
		const char *asked = search->attributes[i];
		if (!strncasecmp(asked, name, head) && !strncasecmp(asked + head, ";range=", 7)) {
			*ret_from = (size_t)atol(asked + head + 7);
			return true;
		}
	}
	return false;
}

static void put_attribute(BerElement *ber, const char *name, const struct berval *values, size_t count)
{
	(void)ber_printf(ber, "{s[", name);
	for (size_t i = 0; i < count; i++)
		(void)ber_printf(ber, "O", &values[i]);
	(void)ber_printf(ber, "]N}");
}

/* Which of the steps is due: the first range takes the first. */
static size_t step_at(const struct mock_world *world, size_t from)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < world->step_count; i++) {
		at += world->steps[i];
		if (from < at)
			return world->steps[i];
	}
	return world->steps[world->step_count - 1];
}

static void put_range(BerElement *ber, const struct mock_attribute *attribute, size_t from,
		      const struct mock_world *world)
{
	char name[160];
	size_t step = step_at(world, from);
	size_t end = from + step < attribute->count ? from + step : attribute->count;
	bool last = end == attribute->count && (!world->empty_last_range || end - from < step);

	if (from > attribute->count)
		from = end;
	if (last)
		(void)snprintf(name, sizeof name, "%s;range=%zu-*", attribute->name, from);
	else
		(void)snprintf(name, sizeof name, "%s;range=%zu-%zu", attribute->name, from, end - 1);
	put_attribute(ber, name, attribute->values + from, end - from);
}

static void put_one(BerElement *ber, const struct mock_attribute *attribute, const struct mock_search *search,
		    const struct mock_world *world)
{
	size_t from = 0;
	bool ranged = wants_range(search, attribute->name, &from);

	if (!ranged && !wants(search, attribute->name))
		return;
	if (world->constructed && !strcasecmp(world->constructed, attribute->name) &&
	    search->scope != LDAP_SCOPE_BASE)
		return;
	if (world->step_count && (ranged || attribute->count > world->steps[0]))
		put_range(ber, attribute, from, world);
	else
		put_attribute(ber, attribute->name, attribute->values, attribute->count);
}

static void answer_entry(struct mock_answer *answer, const struct mock_search *search,
			 const struct mock_entry *entry, const struct mock_world *world)
{
	BerElement *ber = start();

	(void)ber_printf(ber, "{it{s{", search->message, (ber_tag_t)LDAP_RES_SEARCH_ENTRY, entry->dn);
	for (size_t i = 0; i < entry->count; i++)
		put_one(ber, &entry->attributes[i], search, world);
	(void)ber_printf(ber, "N}N}N}");
	finish(answer, ber);
}

static void answer_reference(struct mock_answer *answer, const struct mock_search *search, const char *uri)
{
	BerElement *ber = start();

	(void)ber_printf(ber, "{it{sN}N}", search->message, (ber_tag_t)LDAP_RES_SEARCH_REFERENCE, uri);
	finish(answer, ber);
}

/* -- searches ---------------------------------------------------------------------- */

static bool is_in_scope(const struct mock_search *search, const struct mock_entry *entry)
{
	size_t base = strlen(search->base);
	size_t size = strlen(entry->dn);

	if (search->scope == LDAP_SCOPE_BASE)
		return !strcasecmp(search->base, entry->dn);
	return *entry->dn && size >= base && !strcasecmp(entry->dn + size - base, search->base) &&
	       (size == base || base == 0 || entry->dn[size - base - 1] == ',');
}

static bool exists(const struct mock_search *search, const struct mock_world *world)
{
	for (size_t i = 0; i < world->entry_count; i++)
		if (is_in_scope(search, &world->entries[i]))
			return true;
	return false;
}

static void last_word(struct mock_answer *answer, const struct mock_search *search,
		      const struct mock_rule *rule, bool more, size_t next)
{
	enum mock_action action = rule ? rule->action : MOCK_USUAL;
	char text[32];
	struct berval cookie = {.bv_val = text};
	const char *words = rule && action == MOCK_RESULT ? rule->words + strspn(rule->words, "0123456789 ")
							  : "";
	int code = action == MOCK_RESULT     ? (int)rule->number
		   : action == MOCK_REFERRAL ? LDAP_REFERRAL
					     : LDAP_SUCCESS;

	cookie.bv_len = (size_t)snprintf(text, sizeof text, "%s", "");
	if (action == MOCK_COOKIE)
		cookie = (struct berval){strlen(rule->words), rule->words};
	else if (more || action == MOCK_COOKIES)
		cookie.bv_len = (size_t)snprintf(text, sizeof text, "%zu", next);
	if (action == MOCK_CUT || (more && !search->paged))
		code = LDAP_SIZELIMIT_EXCEEDED;
	mock_answer_result(answer, search->message, LDAP_RES_SEARCH_RESULT, code, words,
			   action == MOCK_REFERRAL ? rule->words : NULL,
			   !search->paged	      ? NULL
			   : action == MOCK_BARE_PAGE ? &mock_no_cookie
						      : &cookie);
}

static bool is_same_page_again(const struct mock_rule *rule)
{
	return rule && (rule->action == MOCK_COOKIE || rule->action == MOCK_COOKIES);
}

void mock_answer_search(struct mock_answer *answer, const struct mock_search *search,
			const struct mock_world *world, const struct mock_rule *rule)
{
	size_t offset = is_same_page_again(rule) ? 0 : search->offset;
	size_t most = rule && rule->action == MOCK_CUT	   ? (size_t)rule->number
		      : !search->paged && world->limit	   ? world->limit
		      : search->paged && search->page_size ? (size_t)search->page_size
							   : SIZE_MAX;
	size_t found = 0;
	size_t sent = 0;

	if (search->scope != LDAP_SCOPE_BASE && !exists(search, world)) {
		mock_answer_result(answer, search->message, LDAP_RES_SEARCH_RESULT, LDAP_NO_SUCH_OBJECT, "",
				   NULL, NULL);
		return;
	}
	if (rule && rule->action == MOCK_AS_IF)
		answer_entry(answer, search, &world->entries[rule->number], world);
	for (size_t i = 0; i < world->entry_count && (!rule || rule->action != MOCK_AS_IF); i++) {
		const struct mock_entry *entry = &world->entries[i];
		if (!is_in_scope(search, entry) || !mock_filter_matches(search->filter, entry, world) ||
		    found++ < offset)
			continue;
		if (sent == most)
			break;
		answer_entry(answer, search, entry, world);
		sent++;
		if (rule && rule->action == MOCK_REFERENCE && sent == 1)
			answer_reference(answer, search, rule->words);
	}
	if (rule && rule->action == MOCK_REFERENCE && sent == 0)
		answer_reference(answer, search, rule->words);
	last_word(answer, search, rule, found > offset + sent, search->offset + sent);
}
