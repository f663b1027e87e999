/* tests/ldap/mock/parts.h - how the mock's files share the work; for nobody else. */
#ifndef FSENC_TESTS_LDAP_MOCK_PARTS_H
#define FSENC_TESTS_LDAP_MOCK_PARTS_H

#include <lber.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/ldap/mock/mock.h"

#define MOCK_STEPS_MAX 8
#define MOCK_CLIENTS_MAX 256

/* -- what is served (script.c) ----------------------------------------------------- */

struct mock_attribute {
	char *name;
	struct berval *values;
	size_t count;
	size_t room;
};

struct mock_entry {
	char *dn;
	struct mock_attribute *attributes;
	size_t count;
};

enum mock_event { MOCK_CONNECT, MOCK_STARTTLS, MOCK_BIND, MOCK_SEARCH, MOCK_UNBIND, MOCK_EVENTS };
enum mock_action {
	MOCK_USUAL,
	MOCK_MUTE,
	MOCK_CLOSE,
	MOCK_RESET,
	MOCK_HALF,
	MOCK_DELAY,
	MOCK_DRIP,
	MOCK_RESULT,
	MOCK_GARBAGE,
	MOCK_REFERRAL,
	MOCK_REFERENCE,
	MOCK_CUT,
	MOCK_COOKIE,
	MOCK_COOKIES,
	MOCK_AS_IF,
	MOCK_ACCEPT,
	MOCK_BARE_PAGE
};

struct mock_rule {
	enum mock_event event;
	char *text; /* NULL: any */
	int times; /* left; -1: for ever */
	enum mock_action action;
	long number;
	char *words;
};

struct mock_world {
	struct mock_entry *entries;
	size_t entry_count;
	struct mock_rule *rules;
	size_t rule_count;
	size_t steps[MOCK_STEPS_MAX]; /* of ranges */
	size_t step_count;
	size_t limit; /* of entries in an answer without pages; 0: none */
	bool empty_last_range;
	bool chain;
	char *constructed;
};

_Noreturn void mock_fail(const char *format, ...) PRINTF_LIKE(1, 2);
void *mock_room(void *array, size_t count,
		size_t size); /* for one more; grows by doubling at powers of two */
void mock_read_script(struct mock_world *world, const char *script);
void mock_world_done(struct mock_world *world);
const struct mock_attribute *mock_find(const struct mock_entry *entry, const char *name);

/* -- filters (filter.c) ------------------------------------------------------------ */

struct mock_filter {
	ber_tag_t tag;
	struct berval attribute;
	struct berval value;
	struct berval rule;
	struct mock_filter *parts; /* a list by next */
	struct mock_filter *next;
};

/* NULL: malformed. */
struct mock_filter *mock_filter_read(BerElement *ber);
void mock_filter_free(struct mock_filter *filter);
AUTO_POINTER(struct mock_filter *, mock_filter_free);
bool mock_filter_matches(const struct mock_filter *filter, const struct mock_entry *entry,
			 const struct mock_world *world);
void mock_filter_print(const struct mock_filter *filter, FILE *out);

/* -- answers (answer.c) ------------------------------------------------------------ */

struct mock_search {
	int message;
	char *base;
	int scope;
	struct mock_filter *filter;
	char **attributes;
	size_t attribute_count;
	bool paged;
	int page_size;
	size_t offset; /* the cookie */
};

/* A cookie that stands for a control without a value. */
extern const struct berval mock_no_cookie;

/* Bytes to be sent. */
struct mock_answer {
	unsigned char *bytes;
	size_t size;
};

void mock_answer_done(struct mock_answer *answer);
AUTO_VALUE(struct mock_answer, mock_answer_done);
void mock_answer_bytes(struct mock_answer *answer, const void *bytes, size_t size);
void mock_answer_result(struct mock_answer *answer, int message, ber_tag_t tag, int code, const char *words,
			const char *referral, const struct berval *cookie);
void mock_answer_search(struct mock_answer *answer, const struct mock_search *search,
			const struct mock_world *world, const struct mock_rule *rule);

#endif
