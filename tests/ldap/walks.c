/* Against the mock: nesting, pages, ranges, cut answers. */
#include <sys/resource.h>

#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"

/* The mock looks through all its entries for each read, and a sanitizer through all the mock does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CROWD 5000
#define CROWD_ONE "p3333"
#else
#define CROWD 100000
#define CROWD_ONE "p77777"
#endif
#define CROWD_DEADLINE_MS 60000
#define CROWD_MEMORY_KIB 300000

/* alice < team < section < company */
static const char ladder[] = WORLD_PERSON("alice", "01") "\n" WORLD_PERSON("bob", "02") "\n" WORLD_GROUP(
	"team", "11") WORLD_MEMBER("alice") "\n" WORLD_GROUP("section", "12")
	WORLD_SUBGROUP("team") "\n" WORLD_GROUP("company", "13")
		WORLD_SUBGROUP("section") "\n" WORLD_GROUP("other", "14") WORLD_MEMBER("bob") "\n";

/* A text that is written like a file: AUTO(text_done) struct text text = text_start(); fprintf(text.out,
 * ...). */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

static void text_start(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->size);
	assert_non_null(text->out);
}

static const char *text_end(struct text *text)
{
	assert_int_equal(fclose(text->out), 0);
	return text->bytes;
}

static void text_done(struct text *text)
{
	free(text->bytes);
}
AUTO_VALUE(struct text, text_done);

/* Lines of the log; true when one of them has both texts. */
static bool has_line(struct mock *mock, const char *one, const char *other)
{
	AUTO(free) char *log = mock_log(mock);
	char *rest = NULL;

	for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, one) && strstr(line, other))
			return true;
	return false;
}

/* -- L13, L15, L16 ----------------------------------------------------------------- */

static void L13__groups_are_found_upwards_and_members_are_never_read(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(ladder);
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	const struct look look = look_member(directory, "alice", "company");
	assert_int_equal(look.answer, DIRECTORY_YES);
	assert_int_equal(look.proof.level, 2);
	assert_string_equal(look.proof.path, "alice < team < section < company");
	assert_no_member(directory, "alice", "other");
	assert_false(has_line(mock, "attrs=", ",member,"));
	assert_false(has_line(mock, "attrs=member", ""));
	assert_true(has_line(mock, "filter=(|(member=" WORLD_PERSON_DN("alice") ")", "(memberUid=alice)"));
}

static void L13__a_filter_has_at_most_64_groups(void **state)
{
	(void)state;
	AUTO(text_done) struct text script = {.bytes = NULL};
	text_start(&script);
	(void)fputs(WORLD_PERSON("alice", "01") "\n", script.out);
	for (unsigned i = 0; i < 150; i++)
		(void)fprintf(script.out,
			      "dn: " WORLD_GROUP_DN(
				      "g%u") "\nobjectClass: groupOfNames\ncn: g%u\n"
					     "entryUUID: 00000000-0000-0000-0001-%012u\n" WORLD_MEMBER(
						     "alice") "\n",
			      i, i, i + 1);
	(void)fputs(WORLD_GROUP("top", "13") WORLD_SUBGROUP("g149") "\n", script.out);
	AUTO(mock_stop) struct mock *mock = mock_start(text_end(&script));
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS "ldap_group_member = member\n");
	const struct look look = look_member(directory, "alice", "top");
	assert_int_equal(look.answer, DIRECTORY_YES);
	assert_string_equal(look.proof.path, "alice < ... < top");
	AUTO(free) char *log = mock_log(mock);
	char *rest = NULL;
	unsigned searches = 0;
	for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned count = 0;
		for (const char *at = line; (at = strstr(at, "(member=cn=g")); at++)
			count++;
		assert_true(count <= 64);
		searches += count > 0;
	}
	assert_int_equal(searches, 3);
}

static void L15__at_level_0_no_parents_are_asked_for(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(ladder);
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock),
					      WORLD_SETTINGS "ldap_group_nesting_level = 0\n");
	assert_member(directory, "alice", "team");
	assert_no_member(directory, "alice", "section");
	assert_int_equal(mock_count(mock, "(member=cn="), 0);
}

static void L16__below_the_limit_it_is_known_and_beyond_it_unknown(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(ladder);
	AUTO(directory_close)
	struct directory *one = look_at(mock_uri(mock), WORLD_SETTINGS "ldap_group_nesting_level = 1\n");
	AUTO(directory_close)
	struct directory *two = look_at(mock_uri(mock), WORLD_SETTINGS "ldap_group_nesting_level = 2\n");
	assert_member(one, "alice", "section");
	const struct look look = look_member(one, "alice", "company");
	assert_int_equal(look.answer, DIRECTORY_UNKNOWN);
	assert_int_equal(look.proof.reason, DIRECTORY_REASON_TOO_DEEP);
	assert_unknown(one, "alice", "other");
	assert_member(two, "alice", "company");
	assert_no_member(two, "alice", "other");
}

/* -- L19, L20 ---------------------------------------------------------------------- */

#define PAGED WORLD_LAYOUT "ldap_page_size = 1\n"

static const char pages[] = "set limit 1\n" WORLD_PERSON("alice", "01") "\n" WORLD_GROUP("a", "11")
	WORLD_MEMBER("alice") "\n" WORLD_GROUP("b", "12") WORLD_MEMBER("alice") "\n" WORLD_GROUP("c", "13")
		WORLD_MEMBER("alice") "\n" WORLD_GROUP("none", "14") "\n";

static void L19__pages_are_asked_for_until_the_cookie_is_empty(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(pages);
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), PAGED);
	mock_forget_log(mock);
	assert_member(directory, "alice", "c");
	assert_int_equal(mock_count(mock, "(|(member=" WORLD_PERSON_DN("alice")), 1 + 3);
	assert_no_member(directory, "alice", "none");
}

static void L19__a_page_that_comes_again_ends_the_look_up_as_unknown(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(pages);
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), PAGED);
	mock_say(mock, "on search if (member= do cookie again\n");
	mock_forget_log(mock);
	assert_unknown(directory, "alice", "none");
	assert_true(mock_count(mock, "(|(member=") <= 1 + 3);
}

/* A server that makes up a new cookie for the same page has no end of its own: the deadline or the
 * limit of entries is its end. */
static void L19__cookies_without_end_are_ended_by_the_deadline(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(pages);
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), PAGED "ldap_search_timeout = 1\n");
	mock_say(mock, "on search if (member= do cookies\n");
	int64_t started = clock_boot_ms();
	assert_unknown(directory, "alice", "none");
	assert_true(clock_boot_ms() - started < 10000);
}

static void L20__a_cut_answer_makes_the_whole_look_up_unknown(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		enum directory_reason reason;
	} rows[] = {
		{"on search if (member= do result 3\n", DIRECTORY_REASON_LIMITED},
		{"on search if (member= do result 4\n", DIRECTORY_REASON_LIMITED},
		{"on search if (member= do result 11\n", DIRECTORY_REASON_LIMITED},
		{"on search if (member= do cut 1\n", DIRECTORY_REASON_LIMITED},
		{"on search if (member= do reference ldap://elsewhere.test/dc=x\n",
		 DIRECTORY_REASON_REFERRED},
		{"on search if (member= do referral ldap://elsewhere.test/dc=x\n", DIRECTORY_REASON_REFERRED},
		{"on search if (member= do result 50\n", DIRECTORY_REASON_REFUSED},
		{"on search if (member= do result 32\n", DIRECTORY_REASON_REFUSED},
		{"on search if entryUUID= do cut 1\n", DIRECTORY_REASON_LIMITED},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(ladder);
		AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
		const struct member_id user = look_user(directory, "alice");
		const struct member_id group = look_group(directory, "section");
		struct directory_proof proof;
		struct why why = WHY_NONE;
		mock_say(mock, rows[i].rule);
		assert_answer(DIRECTORY_UNKNOWN,
			      directory_is_member(directory, &user, &group, look_patiently(), &proof, &why));
		if (proof.reason != rows[i].reason)
			fail_msg("%s: %s: %s", rows[i].rule, directory_reason_word(proof.reason), why.text);
		mock_say(mock, "forget rules\n");
		assert_answer(DIRECTORY_YES,
			      directory_is_member(directory, &user, &group, look_patiently(), &proof, &why));
		assert_int_equal(proof.source, DIRECTORY_LIVE);
	}
}

/* -- L21 --------------------------------------------------------------------------- */

/* `people` persons, and a group that lists them `times` over. */
static const char *crowd_script(struct text *script, unsigned people, unsigned listed)
{
	text_start(script);
	for (unsigned i = 1; i <= people; i++)
		(void)fprintf(script->out,
			      "dn: uid=p%u,ou=people,dc=x\nobjectClass: inetOrgPerson\nuid: p%u\n"
			      "entryUUID: 00000000-0000-0000-0002-%012u\n\n",
			      i, i, i);
	(void)fputs(WORLD_PERSON("alice", "01") "\n" WORLD_GROUP("crowd", "13"), script->out);
	for (unsigned i = 0; i < listed; i++)
		(void)fprintf(script->out, "member: uid=p%u,ou=people,dc=x\n", i % people + 1);
	(void)fputs("\n", script->out);
	return text_end(script);
}

static size_t count_members(const char *settings, const char *more, unsigned count)
{
	AUTO(text_done) struct text script = {.bytes = NULL};
	AUTO(mock_stop) struct mock *mock = mock_start(crowd_script(&script, count, count));
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), settings);
	struct look_list list;
	struct why why = WHY_NONE;

	mock_say(mock, more);
	assert_answer(DIRECTORY_YES, look_list(directory, "crowd", &list, &why));
	return list.count;
}

static void L21__values_that_come_in_ranges_are_all_read(void **state)
{
	(void)state;
	assert_int_equal(count_members(WORLD_SETTINGS, "set range 1500\n", 4000), 4000);
	assert_int_equal(count_members(WORLD_SETTINGS, "set range 1500\n", 1500), 1500);
	assert_int_equal(count_members(WORLD_SETTINGS, "set range 1500 1000 10 500\n", 4000), 4000);
	assert_int_equal(count_members(WORLD_SETTINGS, "set range 10\nset empty-last-range\n", 30), 30);
}

static void L21__a_range_that_is_not_the_one_asked_for_is_unknown(void **state)
{
	(void)state;
	AUTO(text_done) struct text script = {.bytes = NULL};
	AUTO(mock_stop) struct mock *mock = mock_start(crowd_script(&script, 30, 30));
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	struct look_list list;
	struct why why = WHY_NONE;
	/* Whatever part is asked for, the first comes. */
	mock_say(mock,
		 "set range 10\n"
		 "dn: cn=crowd2,ou=groups,dc=x\nobjectClass: groupOfNames\ncn: crowd2\n"
		 "entryUUID: 00000000-0000-0000-0000-0000000000ff\nmember;range=0-1: uid=p1,ou=people,dc=x\n"
		 "member;range=0-1: uid=p2,ou=people,dc=x\n\n");
	assert_answer(DIRECTORY_UNKNOWN, look_list(directory, "crowd2", &list, &why));
	assert_non_null(strstr(why.text, "range"));
}

/* -- L22 --------------------------------------------------------------------------- */

static long peak_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

static enum fault count_one(void *context, const struct directory_member *member, struct why *why)
{
	(void)member;
	(void)why;
	++*(size_t *)context;
	return FAULT_NONE;
}

static void L22__of_a_hundred_thousand_members_one_is_found_without_reading_the_others(void **state)
{
	(void)state;
	AUTO(text_done) struct text script = {.bytes = NULL};
	AUTO(text_done) struct text smaller = {.bytes = NULL};
	AUTO(mock_stop) struct mock *mock = mock_start(crowd_script(&script, CROWD, CROWD));
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	struct why why = WHY_NONE;
	struct directory_proof proof;
	const struct member_id user = look_user(directory, CROWD_ONE);
	const struct member_id group = look_group(directory, "crowd");
	assert_answer(DIRECTORY_YES,
		      directory_is_member(directory, &user, &group, look_patiently(), &proof, &why));
	assert_no_member(directory, "alice", "crowd");
	assert_false(has_line(mock, "attrs=", "member,"));

	size_t count = 0;
	long before = peak_kib();
	mock_say(mock, "set range 1500\n");
	mock_forget_log(mock);
	/* The mock looks through all its entries for each read: few people, each listed often, take the same
	 * reads. */
	mock_say(mock, "forget entries\n");
	mock_say(mock, crowd_script(&smaller, 100, CROWD));
	assert_answer(DIRECTORY_YES, directory_members(directory, &group, clock_boot_ms() + CROWD_DEADLINE_MS,
						       count_one, &count, &why));
	assert_int_equal(count, 100);
	assert_true(peak_kib() - before < CROWD_MEMORY_KIB);
}

static void L24__names_of_groups_are_compared_parsed(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(ladder);
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock),
					      WORLD_SETTINGS "ldap_group_search_base = OU=Groups,  DC=X\n");
	struct directory_group group;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_NO, directory_find_group(directory, "cn=team,ou=people,dc=x",
							 look_patiently(), &group, &why));
	assert_non_null(strstr(why.text, "ldap_group_search_base"));
	assert_int_equal(mock_count(mock, "ou=people,dc=x scope=0"), 0);
	assert_answer(DIRECTORY_YES, directory_find_group(directory, "cn=team,ou=groups,dc=x",
							  look_patiently(), &group, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L13__groups_are_found_upwards_and_members_are_never_read),
		cmocka_unit_test(L13__a_filter_has_at_most_64_groups),
		cmocka_unit_test(L15__at_level_0_no_parents_are_asked_for),
		cmocka_unit_test(L16__below_the_limit_it_is_known_and_beyond_it_unknown),
		cmocka_unit_test(L19__pages_are_asked_for_until_the_cookie_is_empty),
		cmocka_unit_test(L19__a_page_that_comes_again_ends_the_look_up_as_unknown),
		cmocka_unit_test(L19__cookies_without_end_are_ended_by_the_deadline),
		cmocka_unit_test(L20__a_cut_answer_makes_the_whole_look_up_unknown),
		cmocka_unit_test(L21__values_that_come_in_ranges_are_all_read),
		cmocka_unit_test(L21__a_range_that_is_not_the_one_asked_for_is_unknown),
		cmocka_unit_test(L22__of_a_hundred_thousand_members_one_is_found_without_reading_the_others),
		cmocka_unit_test(L24__names_of_groups_are_compared_parsed),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
