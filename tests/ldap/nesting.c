/* Against a real slapd: groups in groups, long answers, limits, referrals. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/ldap/look.h"
#include "tests/lib/temporary.h"

static struct slapd *slapd;

/* alice < a < b < c < a; and a ladder of 13 groups: s0 < s1 < ... < s12. */
static const char ldif[] = LOOK_PERSON("alice") LOOK_PERSON("bob") LOOK_PERSON("carol") LOOK_GROUP(
	"a", LOOK_MEMBER("alice") LOOK_SUBGROUP("c")) LOOK_GROUP("b", LOOK_SUBGROUP("a") LOOK_MEMBER("alice"))
	LOOK_GROUP("c", LOOK_SUBGROUP("b") LOOK_SUBGROUP("c") LOOK_MEMBER("bob")) LOOK_GROUP(
		"empty", "member: cn=nobody,dc=example,dc=com\n") LOOK_GROUP("s0", LOOK_MEMBER("carol"))
		LOOK_GROUP("s1", LOOK_SUBGROUP("s0")) LOOK_GROUP("s2", LOOK_SUBGROUP("s1")) LOOK_GROUP(
			"s3", LOOK_SUBGROUP("s2")) LOOK_GROUP("s4", LOOK_SUBGROUP("s3"))
			LOOK_GROUP("s5", LOOK_SUBGROUP("s4")) LOOK_GROUP("s6", LOOK_SUBGROUP("s5"))
				LOOK_GROUP("s7", LOOK_SUBGROUP("s6")) LOOK_GROUP("s8", LOOK_SUBGROUP("s7"))
					LOOK_GROUP("s9", LOOK_SUBGROUP("s8"))
						LOOK_GROUP("s10", LOOK_SUBGROUP("s9"))
							LOOK_GROUP("s11", LOOK_SUBGROUP("s10"))
								LOOK_GROUP("s12", LOOK_SUBGROUP("s11"))
	/* Only what is marked is a group for fsenc; the one in between is not. */
	"dn: cn=marked," SLAPD_GROUPS
	"\nobjectClass: groupOfNames\ncn: marked\ndescription: fsenc\n" LOOK_SUBGROUP(
		"plain") "\n" LOOK_GROUP("plain", LOOK_MEMBER("bob"));

static int start(void **state)
{
	(void)state;
	slapd = slapd_start(&(struct slapd_options){.ldif = ldif});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	slapd_stop(slapd);
	return 0;
}

/* -- L14, L16, L17, L18 ---------------------------------------------------------------- */

static void L14__cycles_end_and_each_group_and_user_is_told_once(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(slapd->uri, LOOK_PLAIN);
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(directory, "alice", "a");
	assert_member(directory, "alice", "c");
	assert_member(directory, "bob", "a");
	assert_int_equal(look_member(directory, "bob", "b").proof.level, 2);
	assert_no_member(directory, "alice", "empty");
	assert_no_member(directory, "bob", "empty");
	assert_answer(DIRECTORY_YES, look_list(directory, "a", &list, &why));
	assert_string_equal(list.names, "alice,bob,");
	assert_string_equal(list.paths, "alice < a;bob < c < a;");
	assert_answer(DIRECTORY_YES, look_list(directory, "empty", &list, &why));
	assert_int_equal(list.count, 0);
}

/* What is logged meanwhile. */
static void catch_log(struct directory *directory, char *text, size_t room)
{
	char path[300];
	temporary_template(path, sizeof path, "log");
	int fd = mkstemp(path);
	int before = dup(STDERR_FILENO);
	assert_true(fd >= 0 && before >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	const struct look look = look_member(directory, "carol", "a");
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	ssize_t size = pread(fd, text, room - 1, 0);
	text[size > 0 ? size : 0] = 0;
	(void)close(fd);
	(void)close(before);
	(void)unlink(path);
	assert_int_equal(look.answer, DIRECTORY_UNKNOWN);
	assert_int_equal(look.proof.reason, DIRECTORY_REASON_TOO_DEEP);
	assert_non_null(strstr(look.why.text, "ldap_group_nesting_level"));
}

static void L16__groups_nested_deeper_than_the_limit_are_unknown_and_logged(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(slapd->uri, LOOK_PLAIN);
	AUTO(directory_close)
	struct directory *deeper = look_at(slapd->uri, LOOK_PLAIN "ldap_group_nesting_level = 12\n");
	char log[2000];
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(directory, "carol", "s10");
	assert_unknown(directory, "carol", "s11");
	assert_unknown(directory, "carol", "s12");
	catch_log(directory, log, sizeof log);
	assert_non_null(strstr(log, "nested more than 10 levels deep"));
	assert_non_null(strstr(log, "uid=carol"));
	assert_member(deeper, "carol", "s12");
	assert_no_member(deeper, "carol", "a");
	assert_answer(DIRECTORY_UNKNOWN, look_list(directory, "s12", &list, &why));
	assert_answer(DIRECTORY_YES, look_list(directory, "s10", &list, &why));
	assert_string_equal(list.names, "carol,");
	assert_answer(DIRECTORY_YES, look_list(deeper, "s12", &list, &why));
}

static void L17__the_filter_for_groups_does_not_cut_those_in_between(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *directory = look_at(slapd->uri, LOOK_PLAIN "ldap_group_search_base = " SLAPD_GROUPS
								     "?sub?(description=fsenc)\n");
	AUTO(directory_close) struct directory *all = look_at(slapd->uri, LOOK_PLAIN);
	struct directory_group group;
	struct directory_proof proof;
	struct why why = WHY_NONE;
	assert_member(directory, "bob", "marked");
	assert_no_member(directory, "alice", "marked");
	assert_answer(DIRECTORY_NO, directory_find_group(directory, "plain", look_patiently(), &group, &why));
	assert_answer(DIRECTORY_NO, directory_find_group(directory, "cn=plain," SLAPD_GROUPS,
							 look_patiently(), &group, &why));
	const struct member_id bob = look_user(all, "bob");
	const struct member_id plain = look_group(all, "plain");
	assert_answer(DIRECTORY_NO,
		      directory_is_member(directory, &bob, &plain, look_patiently(), &proof, &why));
	struct look_list list;
	assert_answer(DIRECTORY_YES, look_list(directory, "marked", &list, &why));
	assert_string_equal(list.names, "bob,");
}

static void L18__the_chain_rule_is_refused_where_slapd_would_answer_nothing(void **state)
{
	(void)state;
	struct directory *directory = NULL;
	struct why why = WHY_NONE;
	assert_fault(FAULT_KEYRING_READ,
		     look_try(slapd->uri,
			      LOOK_PLAIN "ldap_schema = ad\nldap_groups_use_matching_rule_in_chain = true\n",
			      &directory, &why));
	assert_non_null(strstr(why.text, "OpenLDAP"));
	assert_fault(FAULT_KEYRING_READ,
		     look_try(slapd->uri, LOOK_PLAIN "ldap_groups_use_matching_rule_in_chain = true\n",
			      &directory, &why));
	assert_non_null(strstr(why.text, "ldap_schema = ad"));
	assert_null(directory);
}

/* -- L19, L20 ------------------------------------------------------------------------- */

/* A server with many groups of alice's; `limits` are lines of its configuration. */
static struct slapd *start_many(unsigned count, const char *limits)
{
	char *many = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&many, &size);
	assert_non_null(out);
	(void)fputs(LOOK_PERSON("alice") LOOK_PERSON("bob"), out);
	for (unsigned i = 0; i < count; i++)
		(void)fprintf(out, LOOK_GROUP("g%u", LOOK_MEMBER("alice")), i, i);
	(void)fputs(LOOK_GROUP("last", "member: cn=g0," SLAPD_GROUPS "\n")
			    LOOK_GROUP("other", LOOK_MEMBER("bob")),
		    out);
	(void)fclose(out);
	struct slapd *started = slapd_start(&(struct slapd_options){.ldif = many, .database = limits});
	free(many);
	return started;
}

static void L19__more_groups_than_a_page_are_all_found(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *many = start_many(
		1200, "limits * size.soft=100 size.hard=100 size.pr=100 size.prtotal=unlimited\n");
	AUTO(directory_close)
	struct directory *directory = look_at(many->uri, LOOK_PLAIN "ldap_page_size = 70\n");
	assert_member(directory, "alice", "g0");
	assert_member(directory, "alice", "g1199");
	assert_member(directory, "alice", "last");
	assert_no_member(directory, "alice", "other");
}

static void L20__slapds_limit_caps_a_paged_search_and_makes_it_unknown(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *many = start_many(600, NULL);
	AUTO(directory_close)
	struct directory *directory = look_at(many->uri, LOOK_PLAIN "ldap_page_size = 100\n");
	AUTO(slapd_stop) struct slapd *unlimited = start_many(600, "sizelimit unlimited\n");
	AUTO(directory_close) struct directory *whole = look_at(unlimited->uri, LOOK_PLAIN);
	const struct look look = look_member(directory, "alice", "other");
	assert_int_equal(look.answer, DIRECTORY_UNKNOWN);
	assert_int_equal(look.proof.reason, DIRECTORY_REASON_LIMITED);
	assert_non_null(strstr(look.why.text, "size limit"));
	assert_unknown(directory, "alice", "last");
	assert_no_member(directory, "bob", "last");
	assert_no_member(whole, "alice", "other");
	assert_member(whole, "alice", "last");
}

#define REFERRAL_ENTRY \
	"dn: cn=elsewhere," SLAPD_GROUPS \
	"\nobjectClass: referral\nobjectClass: extensibleObject\ncn: elsewhere\n" \
	"ref: ldap://elsewhere.test/cn=elsewhere," SLAPD_GROUPS "\n\n"

static void L20_L30__a_reference_among_the_groups_makes_the_look_up_unknown(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *referring = slapd_start(&(struct slapd_options){
		.ldif = LOOK_PERSON("alice") LOOK_GROUP("finance", LOOK_MEMBER("alice")) REFERRAL_ENTRY});
	AUTO(directory_close)
	struct directory *directory = look_at(referring->uri,
					      LOOK_PLAIN "ldap_user_search_base = " SLAPD_PEOPLE "\n");
	const struct member_id alice = look_user(directory, "alice");
	struct directory_group group;
	struct directory_proof proof;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_UNKNOWN,
		      directory_find_group(directory, "finance", look_patiently(), &group, &why));
	assert_non_null(strstr(why.text, "ldap://elsewhere.test"));
	assert_answer(DIRECTORY_UNKNOWN,
		      directory_is_member(directory, &alice, &alice, look_patiently(), &proof, &why));
	assert_int_equal(proof.reason, DIRECTORY_REASON_REFERRED);
}

static void L30__a_base_that_lies_elsewhere_is_unknown_and_not_gone_to(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *target = slapd_start(&(struct slapd_options){.ldif = LOOK_PERSON("alice")});
	char global[200];
	(void)snprintf(global, sizeof global, "referral %s\n", target->uri);
	AUTO(slapd_stop)
	struct slapd *referring = slapd_start(&(struct slapd_options){.ldif = "", .global = global});
	AUTO(directory_close)
	struct directory *directory = look_at(referring->uri,
					      "ldap_search_base = dc=elsewhere\nallow_plaintext = true\n");
	struct directory_user user;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_UNKNOWN,
		      directory_find_user(directory, "alice", look_patiently(), &user, &why));
	assert_non_null(strstr(why.text, "referrals are not followed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L14__cycles_end_and_each_group_and_user_is_told_once),
		cmocka_unit_test(L16__groups_nested_deeper_than_the_limit_are_unknown_and_logged),
		cmocka_unit_test(L17__the_filter_for_groups_does_not_cut_those_in_between),
		cmocka_unit_test(L18__the_chain_rule_is_refused_where_slapd_would_answer_nothing),
		cmocka_unit_test(L19__more_groups_than_a_page_are_all_found),
		cmocka_unit_test(L20__slapds_limit_caps_a_paged_search_and_makes_it_unknown),
		cmocka_unit_test(L20_L30__a_reference_among_the_groups_makes_the_look_up_unknown),
		cmocka_unit_test(L30__a_base_that_lies_elsewhere_is_unknown_and_not_gone_to),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, start, stop);
}
