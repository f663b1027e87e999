#include "ldap/search.h"

#include <stdio.h>
#include <string.h>

#include "ldap/deadline.h"

#define REQUESTS_AT_ONCE 32
#define CONTROLS_MAX 2

/* -- sending ----------------------------------------------------------------------- */

/* The server should not work longer than we wait; whole seconds, at least one. */
static struct timeval server_limit(int64_t deadline)
{
	return (struct timeval){.tv_sec = deadline_left_ms(deadline) / 1000 + 1};
}

static enum directory_reason send_search(struct conn *conn, const struct search *search,
					 LDAPControl **controls, int64_t deadline, int *ret_id,
					 struct why *why)
{
	struct timeval limit = server_limit(deadline);

	if (!search->filter)
		return reason_no_memory(why);
	int code = ldap_search_ext(conn_handle(conn), search->base, search->scope, search->filter,
				   (char **)search->attributes, 0, controls, NULL, &limit, LDAP_NO_LIMIT,
				   ret_id);
	if (code == LDAP_FILTER_ERROR)
		return reason_set(why, DIRECTORY_REASON_REFUSED, "the filter %.200s is none", search->filter);
	return code ? conn_failed(conn, code, "the search", why) : DIRECTORY_REASON_NONE;
}

/* -- answers ----------------------------------------------------------------------- */

static enum directory_reason referred(struct conn *conn, LDAPMessage *message, struct why *why)
{
	char **uris = NULL;

	(void)ldap_parse_reference(conn_handle(conn), message, &uris, NULL, 0);
	enum directory_reason reason = reason_set(
		why, DIRECTORY_REASON_REFERRED,
		"%s: a part of the answer is at %.200s, and referrals are not followed: name that server in ldap_uri, "
		"or a narrower search base",
		conn_server(conn)->uri, uris && uris[0] ? uris[0] : "another server");
	ber_memvfree((void **)uris);
	return reason;
}

static enum directory_reason take_entry(struct conn *conn, LDAPMessage *message, search_entry *each,
					void *context, struct why *why)
{
	AUTO(entry_done) struct entry entry = ENTRY_EMPTY;
	enum directory_reason reason = entry_read(conn_handle(conn), message, &entry, why);

	return reason ? reason : each(context, &entry, why);
}

/* One request, and what its last word said. */
struct exchange {
	struct conn *conn;
	const struct search *search;
	int64_t deadline;
	search_entry *each;
	void *context;
	int id;
	int code;
	LDAPControl **controls;
};

static void exchange_done(struct exchange *exchange)
{
	ldap_controls_free(exchange->controls);
}
AUTO_VALUE(struct exchange, exchange_done);

/* No entry there is an answer when one entry was asked for by its name. */
static enum directory_reason last_word(struct exchange *exchange, LDAPMessage *message, struct why *why)
{
	enum directory_reason reason = conn_result(exchange->conn, message, LDAP_RES_SEARCH_RESULT,
						   "the search", &exchange->code, &exchange->controls, why);

	if (exchange->code != LDAP_NO_SUCH_OBJECT)
		return reason;
	if (exchange->search->scope == LDAP_SCOPE_BASE)
		return DIRECTORY_REASON_NONE;
	return reason_set(why, DIRECTORY_REASON_REFUSED,
			  "%s: the search base '%.200s' does not exist, or may not be seen",
			  conn_server(exchange->conn)->uri, exchange->search->base);
}

static enum directory_reason take_message(struct exchange *exchange, LDAPMessage *message, bool *ret_last,
					  struct why *why)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		return take_entry(exchange->conn, message, exchange->each, exchange->context, why);
	case LDAP_RES_SEARCH_REFERENCE:
		return referred(exchange->conn, message, why);
	case LDAP_RES_INTERMEDIATE:
		return DIRECTORY_REASON_NONE;
	default:
		*ret_last = true;
		return last_word(exchange, message, why);
	}
}

/* Messages up to the last word. */
static enum directory_reason receive(struct exchange *exchange, struct why *why)
{
	bool last = false;
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	while (!reason && !last) {
		AUTO(ldap_msgfree) LDAPMessage *message = NULL;
		reason = conn_wait(exchange->conn, exchange->id, exchange->deadline, &message, why);
		if (!reason)
			reason = take_message(exchange, message, &last, why);
	}
	if (!last)
		conn_spoil(exchange->conn);
	return reason;
}

/* -- pages ------------------------------------------------------------------------- */

/* Servers may give the same cookie for every page (389 does), so a repeated cookie alone is no loop; with a
 * page that starts like the one before, or brings nothing, it is. */
struct pages {
	search_entry *each;
	void *context;
	bool paged;
	bool limited; /* the server's limit of entries was reached */
	struct berval cookie;
	char *first; /* DN of the page's first entry, and of the page before */
	char *first_before;
	size_t on_page;
	size_t total;
};

static void pages_done(struct pages *pages)
{
	ber_memfree(pages->cookie.bv_val);
	free(pages->first);
	free(pages->first_before);
}
AUTO_VALUE(struct pages, pages_done);

static enum directory_reason count_entry(void *context, const struct entry *entry, struct why *why)
{
	struct pages *pages = context;

	if (++pages->total > SEARCH_ENTRIES_MAX)
		return reason_set(why, DIRECTORY_REASON_LIMITED, "more than %d entries", SEARCH_ENTRIES_MAX);
	if (pages->on_page++ == 0 && !(pages->first = strdup(entry->dn)))
		return reason_no_memory(why);
	return pages->each(pages->context, entry, why);
}

static void next_page(struct pages *pages)
{
	free(pages->first_before);
	pages->first_before = TAKE(pages->first);
	pages->on_page = 0;
}

static bool is_page_again(const struct pages *pages, const struct berval *cookie)
{
	if (ber_bvcmp(&pages->cookie, cookie) != 0)
		return false;
	return pages->on_page == 0 || (pages->first_before && !strcmp(pages->first, pages->first_before));
}

/* The cookie for the next page; empty: that was the last. */
static enum directory_reason take_cookie(struct conn *conn, struct pages *pages, LDAPControl **controls,
					 struct why *why)
{
	LDAPControl *control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	struct berval cookie = {.bv_val = NULL};
	ber_int_t estimate = 0;

	/* libldap ends the process over a control without a value. */
	if (control && (!control->ldctl_value.bv_val ||
			ldap_parse_pageresponse_control(conn_handle(conn), control, &estimate, &cookie)))
		return conn_failed(conn, LDAP_DECODING_ERROR, "the page", why);
	bool again = cookie.bv_len > 0 && is_page_again(pages, &cookie);
	ber_memfree(pages->cookie.bv_val);
	pages->cookie = cookie;
	if (again)
		return reason_set(why, DIRECTORY_REASON_MALFORMED,
				  "%s: the same page of the answer comes again and again",
				  conn_server(conn)->uri);
	return DIRECTORY_REASON_NONE;
}

/* Continuation references for every other naming context of the domain would make each answer incomplete;
 * Active Directory leaves them out when told that this domain is meant. Elsewhere the control would hide that
 * something is missing. */
static LDAPControl stay_in_domain = {.ldctl_oid = (char *)LDAP_CONTROL_X_DOMAIN_SCOPE};

static enum directory_reason ask_page(struct conn *conn, const struct search *search, int64_t deadline,
				      struct pages *pages, struct why *why)
{
	AUTO(ldap_control_free) LDAPControl *page = NULL;
	AUTO(exchange_done)
	struct exchange exchange = {
		.conn = conn, .search = search, .deadline = deadline, .each = count_entry, .context = pages};
	LDAPControl *controls[CONTROLS_MAX + 1] = {NULL};
	size_t count = 0;

	if (pages->paged &&
	    ldap_create_page_control(conn_handle(conn), (ber_int_t)conn_settings(conn)->page_size,
				     &pages->cookie, 0, &page))
		return reason_no_memory(why);
	if (page)
		controls[count++] = page;
	if (conn_is_active_directory(conn))
		controls[count++] = &stay_in_domain;
	enum directory_reason reason = send_search(conn, search, controls, deadline, &exchange.id, why);
	if (!reason)
		reason = receive(&exchange, why);
	pages->limited = exchange.code == LDAP_SIZELIMIT_EXCEEDED;
	return reason ? reason : take_cookie(conn, pages, exchange.controls, why);
}

static enum directory_reason ask_all(struct conn *conn, const struct search *search, int64_t deadline,
				     struct pages *pages, struct why *why)
{
	enum directory_reason reason;

	do {
		next_page(pages);
		reason = ask_page(conn, search, deadline, pages, why);
	} while (!reason && pages->cookie.bv_len > 0);
	return reason;
}

enum directory_reason search_run(struct conn *conn, const struct search *search, int64_t deadline,
				 search_entry *each, void *context, struct why *why)
{
	AUTO(pages_done) struct pages pages = {.each = each, .context = context};
	enum directory_reason reason = ask_all(conn, search, deadline, &pages, why);

	if (!search->may_be_long || !pages.limited)
		return reason;
	pages.paged = true;
	pages.total = 0;
	return ask_all(conn, search, deadline, &pages, why);
}

/* -- many entries by name ---------------------------------------------------------- */

/* Requests under way, oldest first: their answers come in this order or are kept by libldap until asked for.
 */
struct reading {
	int ids[REQUESTS_AT_ONCE];
	size_t places[REQUESTS_AT_ONCE];
	size_t start;
	size_t count;
	search_read_entry *each;
	void *context;
	bool found;
};

static enum directory_reason found_entry(void *context, const struct entry *entry, struct why *why)
{
	struct reading *reading = context;

	reading->found = true;
	return reading->each(reading->context, reading->places[reading->start], entry, why);
}

static enum directory_reason receive_oldest(struct conn *conn, struct reading *reading,
					    const struct search *search, int64_t deadline, struct why *why)
{
	AUTO(exchange_done)
	struct exchange exchange = {.conn = conn,
				    .search = search,
				    .deadline = deadline,
				    .each = found_entry,
				    .context = reading,
				    .id = reading->ids[reading->start]};

	reading->found = false;
	enum directory_reason reason = receive(&exchange, why);
	if (!reason && !reading->found)
		reason = reading->each(reading->context, reading->places[reading->start], NULL, why);
	reading->start = (reading->start + 1) % REQUESTS_AT_ONCE;
	reading->count--;
	return reason;
}

static enum directory_reason send_next(struct conn *conn, struct reading *reading,
				       const struct search *search, size_t place, int64_t deadline,
				       struct why *why)
{
	size_t slot = (reading->start + reading->count) % REQUESTS_AT_ONCE;
	enum directory_reason reason = send_search(conn, search, NULL, deadline, &reading->ids[slot], why);

	reading->places[slot] = place;
	reading->count += !reason;
	return reason;
}

enum directory_reason search_read_all(struct conn *conn, char *const *dns, size_t count, const char *filter,
				      const char *const *attributes, int64_t deadline,
				      search_read_entry *each, void *context, struct why *why)
{
	struct reading reading = {.each = each, .context = context};
	struct search search = {.scope = LDAP_SCOPE_BASE, .filter = filter, .attributes = attributes};
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	for (size_t sent = 0; !reason && (sent < count || reading.count);) {
		if (sent < count && reading.count < REQUESTS_AT_ONCE) {
			search.base = dns[sent];
			reason = send_next(conn, &reading, &search, sent++, deadline, why);
		} else {
			reason = receive_oldest(conn, &reading, &search, deadline, why);
		}
	}
	if (reason && reading.count)
		conn_spoil(conn);
	return reason;
}
