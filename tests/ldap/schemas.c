/* Against a real slapd: how groups list their members, and who is who. */
#include "tests/ldap/look.h"

#define ODD_NAME "a*b(c)"
#define ODD_GROUP "we, the (people) *"

static struct slapd *slapd;
static struct directory *directory;

static const char ldif[] = LOOK_PERSON("alice") LOOK_PERSON("bob") LOOK_PERSON("carol") LOOK_PERSON("stranger") LOOK_GROUP(
	"finance",
	LOOK_MEMBER(
		"alice")) "dn: cn=unique," SLAPD_GROUPS "\nobjectClass: groupOfUniqueNames\ncn: unique\n"
			  "uniqueMember: uid=bob," SLAPD_PEOPLE "\nuniqueMember: uid=carol," SLAPD_PEOPLE
			  "#'0101'B\n\n"
			  "dn: cn=posix," SLAPD_GROUPS "\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1\n"
			  "memberUid: alice\nmemberUid: Bob\n\n"
			  "dn: cn=both," SLAPD_GROUPS
			  "\nobjectClass: groupOfNames\nobjectClass: extensibleObject\ncn: both\n" LOOK_MEMBER(
				  "alice") "memberUid: bob\n\n"
					   /* Two of one name, and letters that mean something to filters and
					      DNs. */
					   "dn: cn=twin," SLAPD_PEOPLE
					   "\nobjectClass: inetOrgPerson\nuid: twin\ncn: twin\nsn: twin\n\n"
					   "dn: cn=twin," SLAPD_GROUPS
					   "\nobjectClass: inetOrgPerson\nuid: twin\ncn: twin\nsn: twin\n\n"
					   "dn: uid=" ODD_NAME "\\\\d," SLAPD_PEOPLE
					   "\nobjectClass: inetOrgPerson\nuid: " ODD_NAME
					   "\\d\ncn: odd\nsn: odd\n\n"
					   "dn: cn=we\\2C the (people) *," SLAPD_GROUPS
					   "\nobjectClass: groupOfNames\ncn: " ODD_GROUP "\n"
					   "member: uid=" ODD_NAME "\\\\d," SLAPD_PEOPLE
					   "\n\n" LOOK_GROUP("over",
							     "member: cn=we\\2C the (people) *," SLAPD_GROUPS
							     "\n");

static int start(void **state)
{
	(void)state;
	slapd = slapd_start(&(struct slapd_options){.ldif = ldif});
	directory = look_at(slapd->uri, LOOK_PLAIN LOOK_UNCACHED);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	directory_close(directory);
	slapd_stop(slapd);
	return 0;
}

static void L01__a_group_of_names_has_its_member_and_no_stranger(void **state)
{
	(void)state;
	assert_member(directory, "alice", "finance");
	assert_no_member(directory, "stranger", "finance");
	const struct look look = look_member(directory, "alice", "finance");
	assert_int_equal(look.proof.source, DIRECTORY_LIVE);
	assert_int_equal(look.proof.level, 0);
	assert_string_equal(look.proof.path, "alice < finance");
}

static void L02__a_group_of_unique_names_has_its_members_with_a_uid_or_without(void **state)
{
	(void)state;
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(directory, "bob", "unique");
	assert_no_member(directory, "alice", "unique");
	assert_answer(DIRECTORY_YES, look_list(directory, "unique", &list, &why));
	assert_string_equal(list.names, "bob,carol,");
}

static void L03__a_posix_group_lists_names_by_the_very_letters(void **state)
{
	(void)state;
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(directory, "alice", "posix");
	assert_no_member(directory, "bob", "posix");
	assert_no_member(directory, "stranger", "posix");
	assert_answer(DIRECTORY_YES, look_list(directory, "posix", &list, &why));
	assert_string_equal(list.names, "alice,");
}

static void L03__in_schema_rfc2307_only_names_count(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *names = look_at(slapd->uri, LOOK_PLAIN "ldap_schema = rfc2307\n");
	assert_member(names, "alice", "posix");
	assert_no_member(names, "bob", "posix");
	struct directory_group group;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_NO, directory_find_group(names, "finance", look_patiently(), &group, &why));
}

static void L04__members_and_names_on_one_group_are_united(void **state)
{
	(void)state;
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(directory, "alice", "both");
	assert_member(directory, "bob", "both");
	assert_no_member(directory, "carol", "both");
	assert_answer(DIRECTORY_YES, look_list(directory, "both", &list, &why));
	assert_string_equal(list.names, "alice,bob,");
}

/* -- L10 ------------------------------------------------------------------------------- */

#define DYNAMIC_GROUP \
	"dn: cn=dynamic," SLAPD_GROUPS "\nobjectClass: groupOfURLs\ncn: dynamic\n" \
	"memberURL: ldap:///" SLAPD_PEOPLE "??sub?(sn=alice)\n\n"

static void take_warnings(void *context, const struct directory_step *step)
{
	if (!strcmp(step->name, "warning"))
		(void)strncat(context, step->found, 500);
}

static void L10__of_a_dynamic_group_counts_what_the_server_makes_of_it(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *expanding = slapd_start(&(struct slapd_options){
		.ldif = LOOK_PERSON("alice") LOOK_PERSON("bob") DYNAMIC_GROUP,
		.global = "moduleload dynlist\n",
		.database = "overlay dynlist\ndynlist-attrset groupOfURLs memberURL member\n"});
	AUTO(directory_close) struct directory *dynamic = look_at(expanding->uri, LOOK_PLAIN);
	char warnings[2000] = "";
	struct look_list list;
	struct why why = WHY_NONE;
	assert_member(dynamic, "alice", "dynamic");
	assert_no_member(dynamic, "bob", "dynamic");
	assert_answer(DIRECTORY_YES, look_list(dynamic, "dynamic", &list, &why));
	assert_string_equal(list.names, "alice,");
	assert_answer(DIRECTORY_YES,
		      directory_describe(dynamic, NULL, look_patiently(), take_warnings, warnings, &why));
	assert_string_equal(warnings, "");
}

static void L10__a_dynamic_group_that_the_server_leaves_alone_is_warned_of(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *plain = slapd_start(
		&(struct slapd_options){.ldif = LOOK_PERSON("alice") LOOK_PERSON("bob") DYNAMIC_GROUP});
	AUTO(directory_close) struct directory *dynamic = look_at(plain->uri, LOOK_PLAIN);
	char warnings[2000] = "";
	struct why why = WHY_NONE;
	assert_no_member(dynamic, "alice", "dynamic");
	assert_answer(DIRECTORY_YES,
		      directory_describe(dynamic, NULL, look_patiently(), take_warnings, warnings, &why));
	assert_non_null(strstr(warnings, "cn=dynamic," SLAPD_GROUPS));
	assert_non_null(strstr(warnings, "dynamic group"));
}

/* -- L11 ------------------------------------------------------------------------------- */

/* slapadd takes what no client could write: a memberOf that no group confirms. */
static void L11__member_of_alone_makes_no_member_unless_configured(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *forged = slapd_start(
		&(struct slapd_options){.ldif = "dn: uid=mallory," SLAPD_PEOPLE
						"\nobjectClass: inetOrgPerson\nuid: mallory\ncn: m\nsn: m\n"
						"memberOf: cn=finance," SLAPD_GROUPS
						"\nmemberOf: cn=elsewhere,dc=example\n\n" LOOK_PERSON("alice")
							LOOK_GROUP("finance", LOOK_MEMBER("alice"))
								LOOK_GROUP("over", LOOK_SUBGROUP("finance")),
					.global = "moduleload memberof\n"});
	AUTO(directory_close) struct directory *strict = look_at(forged->uri, LOOK_PLAIN);
	AUTO(directory_close)
	struct directory *trusting = look_at(forged->uri, LOOK_PLAIN "use_member_of = true\n");
	assert_no_member(strict, "mallory", "finance");
	assert_no_member(strict, "mallory", "over");
	assert_member(strict, "alice", "finance");
	assert_member(trusting, "mallory", "finance");
	assert_member(trusting, "mallory", "over");
	assert_no_member(trusting, "alice", "finance");
}

/* -- L12 ------------------------------------------------------------------------------- */

static void L12__a_renamed_group_is_the_same_and_one_made_again_is_another(void **state)
{
	(void)state;
	const struct member_id alice = look_user(directory, "alice");
	struct directory_proof proof;
	struct directory_group group;
	struct why why = WHY_NONE;
	slapd_modify(slapd, "dn: cn=old," SLAPD_GROUPS
			    "\nchangetype: add\nobjectClass: groupOfNames\ncn: old\n" LOOK_MEMBER("alice"));
	const struct member_id id = look_group(directory, "old");
	slapd_modify(slapd,
		     "dn: cn=old," SLAPD_GROUPS "\nchangetype: modrdn\nnewrdn: cn=new\ndeleteoldrdn: 1\n");
	const struct member_id renamed = look_group(directory, "new");
	assert_true(member_id_equal(&id, &renamed));
	assert_answer(DIRECTORY_YES,
		      directory_is_member(directory, &alice, &id, look_patiently(), &proof, &why));
	assert_answer(DIRECTORY_YES,
		      directory_find_group_by_id(directory, &id, look_patiently(), &group, &why));
	assert_string_equal(group.name, "new");

	slapd_modify(slapd, "dn: cn=new," SLAPD_GROUPS "\nchangetype: delete\n");
	slapd_modify(slapd, "dn: cn=new," SLAPD_GROUPS
			    "\nchangetype: add\nobjectClass: groupOfNames\ncn: new\n" LOOK_MEMBER("alice"));
	const struct member_id again = look_group(directory, "new");
	assert_false(member_id_equal(&id, &again));
	assert_answer(DIRECTORY_NO,
		      directory_is_member(directory, &alice, &id, look_patiently(), &proof, &why));
	assert_answer(DIRECTORY_NO,
		      directory_find_group_by_id(directory, &id, look_patiently(), &group, &why));
	assert_answer(DIRECTORY_YES,
		      directory_is_member(directory, &alice, &again, look_patiently(), &proof, &why));
}

/* -- L23, L24, L25 ------------------------------------------------------------------------ */

static void L23__letters_that_mean_something_to_filters_are_letters(void **state)
{
	(void)state;
	static const char *const patterns[] = {"*",	"al*",	       "alice)(uid=*",
					       "a\\2a", "(uid=alice)", "alice,ou=people"};
	struct directory_user user;
	struct directory_group group;
	struct why why = WHY_NONE;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		assert_answer(DIRECTORY_NO,
			      directory_find_user(directory, patterns[i], look_patiently(), &user, &why));
		assert_answer(DIRECTORY_NO,
			      directory_find_group(directory, patterns[i], look_patiently(), &group, &why));
	}
	assert_answer(DIRECTORY_YES,
		      directory_find_user(directory, ODD_NAME "\\d", look_patiently(), &user, &why));
	assert_string_equal(user.name, ODD_NAME "\\d");
	assert_member(directory, ODD_NAME "\\d", ODD_GROUP);
	assert_member(directory, ODD_NAME "\\d", "over");
	assert_no_member(directory, "alice", ODD_GROUP);
	struct look_list list;
	assert_answer(DIRECTORY_YES, look_list(directory, "over", &list, &why));
	assert_string_equal(list.names, ODD_NAME "\\d,");
}

static void L24__a_group_is_found_by_its_dn_however_it_is_written(void **state)
{
	(void)state;
	static const char *const dns[] = {"cn=finance," SLAPD_GROUPS,
					  "CN=Finance, OU=Groups, DC=Example, DC=COM",
					  "cn=\\66inance,ou=groups,dc=example,dc=com"};
	const struct member_id id = look_group(directory, "finance");
	for (size_t i = 0; i < sizeof dns / sizeof *dns; i++) {
		const struct member_id found = look_group(directory, dns[i]);
		assert_true(member_id_equal(&id, &found));
	}
}

static void L25__a_name_that_two_entries_have_is_nobodys(void **state)
{
	(void)state;
	struct directory_user user;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_NO, directory_find_user(directory, "twin", look_patiently(), &user, &why));
	assert_non_null(strstr(why.text, "two entries"));
	assert_answer(DIRECTORY_NO, directory_find_user(directory, "nobody", look_patiently(), &user, &why));
	AUTO(directory_close)
	struct directory *people = look_at(slapd->uri,
					   LOOK_PLAIN "ldap_user_search_base = " SLAPD_PEOPLE "\n");
	assert_answer(DIRECTORY_YES, directory_find_user(people, "twin", look_patiently(), &user, &why));
}

/* -- L43 ------------------------------------------------------------------------------- */

static void L43__a_shadow_account_that_has_expired_is_no_member(void **state)
{
	(void)state;
	char change[400];
	int64_t today = clock_wall_ms() / 86400000;
	const struct {
		int64_t day;
		enum directory_answer answer;
	} rows[] = {
		{-1, DIRECTORY_YES}, {today + 1, DIRECTORY_YES}, {today, DIRECTORY_NO}, {1, DIRECTORY_NO}};
	slapd_modify(slapd,
		     "dn: uid=carol," SLAPD_PEOPLE
		     "\nchangetype: modify\nadd: objectClass\nobjectClass: shadowAccount\n\n"
		     "dn: cn=both," SLAPD_GROUPS "\nchangetype: modify\nadd: memberUid\nmemberUid: carol\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(change, sizeof change,
			       "dn: uid=carol," SLAPD_PEOPLE
			       "\nchangetype: modify\nreplace: shadowExpire\nshadowExpire: %ld\n",
			       (long)rows[i].day);
		slapd_modify(slapd, change);
		const struct look look = look_member(directory, "carol", "both");
		assert_int_equal(look.answer, rows[i].answer);
		assert_int_equal(look.proof.reason, rows[i].answer == DIRECTORY_YES
							    ? DIRECTORY_REASON_NONE
							    : DIRECTORY_REASON_EXPIRED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L01__a_group_of_names_has_its_member_and_no_stranger),
		cmocka_unit_test(L02__a_group_of_unique_names_has_its_members_with_a_uid_or_without),
		cmocka_unit_test(L03__a_posix_group_lists_names_by_the_very_letters),
		cmocka_unit_test(L03__in_schema_rfc2307_only_names_count),
		cmocka_unit_test(L04__members_and_names_on_one_group_are_united),
		cmocka_unit_test(L10__of_a_dynamic_group_counts_what_the_server_makes_of_it),
		cmocka_unit_test(L10__a_dynamic_group_that_the_server_leaves_alone_is_warned_of),
		cmocka_unit_test(L11__member_of_alone_makes_no_member_unless_configured),
		cmocka_unit_test(L12__a_renamed_group_is_the_same_and_one_made_again_is_another),
		cmocka_unit_test(L23__letters_that_mean_something_to_filters_are_letters),
		cmocka_unit_test(L24__a_group_is_found_by_its_dn_however_it_is_written),
		cmocka_unit_test(L25__a_name_that_two_entries_have_is_nobodys),
		cmocka_unit_test(L43__a_shadow_account_that_has_expired_is_no_member),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, start, stop);
}
