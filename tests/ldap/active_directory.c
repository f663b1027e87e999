/* Against the mock in the part of Active Directory. */
#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"

#define DOMAIN_USERS "01020000" /* 513 */
#define NO_TOKENS "ldap_use_tokengroups = false\n"

/* alice: finance directly, and auditors through finance; bob: by his primary group only. */
static const char domain[] = AD_ROOT AD_PERSON("alice", "51040000") AD_TOKEN(DOMAIN_USERS)
	AD_TOKEN("61040000") AD_TOKEN("62040000") "\n" AD_PERSON("bob", "52040000")
		AD_TOKEN(DOMAIN_USERS) "\n" AD_GROUP("finance", "61040000") AD_MEMBER("alice") "\n" AD_GROUP(
			"auditors", "62040000") AD_SUBGROUP("finance") "\n" AD_GROUP("staff", "63040000")
			AD_SUBGROUP("Domain Users") "\n" AD_GROUP("Domain Users", DOMAIN_USERS) "\n";

static struct mock *mock;

static int start(void **state)
{
	(void)state;
	mock = mock_start(domain);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	mock_stop(mock);
	return 0;
}

static void L05__a_group_of_active_directory_has_its_members(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS NO_TOKENS);
	assert_member(directory, "alice", "finance");
	assert_no_member(directory, "bob", "finance");
	assert_member(directory, "alice", "auditors");
	assert_member(directory, "ALICE", AD_GROUP_DN("finance"));
}

static void L05__an_object_guid_is_the_id_as_the_directorys_tools_write_it(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	char text[ID_TEXT_SIZE];
	const struct member_id id = look_user(directory, "alice");
	member_id_text(&id, text);
	assert_string_equal(text, "33221100554477668899"
				  "00aa51040000");
	struct directory_user user;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_YES,
		      directory_find_user_by_id(directory, &id, look_patiently(), &user, &why));
	assert_string_equal(user.name, "alice");
	assert_string_equal(user.place, AD_PERSON_DN("alice"));
}

static void L05__computers_are_no_users(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	struct directory_user user;
	struct why why = WHY_NONE;
	mock_say(mock, AD_PERSON("desk", "59040000") "objectClass: computer\n\n");
	assert_answer(DIRECTORY_NO, directory_find_user(directory, "desk", look_patiently(), &user, &why));
}

static void L06__the_primary_group_counts(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS NO_TOKENS);
	assert_member(directory, "bob", "Domain Users");
	assert_member(directory, "bob", "staff");
	assert_int_equal(look_member(directory, "bob", "staff").proof.level, 1);
	assert_no_member(directory, "bob", "auditors");
}

static void L06__the_primary_group_lists_those_whose_it_is(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	struct look_list list;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_YES, look_list(directory, "staff", &list, &why));
	assert_string_equal(list.names, "alice,bob,");
	assert_string_equal(list.paths, "alice < Domain Users < staff;bob < Domain Users < staff;");
}

static void L07__token_groups_are_read_at_the_user_and_found_several_a_filter(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	mock_forget_log(mock);
	assert_member(directory, "alice", "auditors");
	assert_int_equal(
		mock_count(mock,
			   "base=" AD_PERSON_DN("alice") " scope=0 filter=(objectClass=*) attrs=tokenGroups"),
		1);
	assert_int_equal(mock_count(mock, "filter=(|(objectSid="), 1);
	assert_int_equal(mock_count(mock, "(member="), 0);
	assert_no_member(directory, "bob", "auditors");
	assert_member(directory, "bob", "Domain Users");
}

static void L07__more_than_64_tokens_take_more_than_one_filter(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	char script[20000];
	size_t at = (size_t)snprintf(script, sizeof script, "%s", AD_PERSON("rich", "5a040000"));
	for (unsigned i = 0; i < 130; i++)
		at += (size_t)snprintf(script + at, sizeof script - at,
				       "tokenGroups:x " AD_SID("%02x300000") "\n", i);
	(void)snprintf(script + at, sizeof script - at, AD_TOKEN("61040000") "\n");
	mock_say(mock, script);
	mock_forget_log(mock);
	assert_member(directory, "rich", "finance");
	assert_int_equal(mock_count(mock, "filter=(|(objectSid="), 3);
}

static void L07__a_user_that_shows_no_token_groups_is_unknown_not_outside(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	mock_say(mock, AD_PERSON("hidden", "5b040000") "\n");
	const struct look look = look_member(directory, "hidden", "finance");
	assert_int_equal(look.answer, DIRECTORY_UNKNOWN);
	assert_int_equal(look.proof.reason, DIRECTORY_REASON_REFUSED);
}

static void L07__a_token_that_is_no_sid_makes_the_answer_unknown(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	mock_say(mock, AD_PERSON("odd", "5c040000") AD_TOKEN("61040000") "tokenGroups:x 0105\n\n");
	assert_unknown(directory, "odd", "finance");
}

/* carol is in a distribution group, which is in a security group. */
#define LIST_AND_CAROL \
	AD_PERSON("carol", "53040000") \
	"\n" \
	"dn: " AD_GROUP_DN("list") "\nobjectClass: group\nsAMAccountName: list\ngroupType: 2\n" AD_IDS( \
		"64040000") AD_MEMBER("carol") "\n" AD_GROUP("beyond", "65040000") AD_SUBGROUP("list") "\n"

static void L08__distribution_groups_count_only_where_configured(void **state)
{
	(void)state;
	struct directory_group group;
	struct why why = WHY_NONE;
	mock_say(mock, LIST_AND_CAROL);
	{
		AUTO(directory_close)
		struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS NO_TOKENS);
		assert_answer(DIRECTORY_NO,
			      directory_find_group(directory, "list", look_patiently(), &group, &why));
		assert_no_member(directory, "carol", "beyond");
		struct look_list list;
		assert_answer(DIRECTORY_YES, look_list(directory, "beyond", &list, &why));
		assert_int_equal(list.count, 0);
	}
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS "use_distribution_groups = true\n");
	assert_member(directory, "carol", "list");
	assert_member(directory, "carol", "beyond");
}

static void L09__foreign_security_principals_are_no_error_and_no_match(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	struct look_list list;
	struct why why = WHY_NONE;
	mock_say(
		mock,
		"dn: cn=S-1-5-21-9-9-9-1,cn=ForeignSecurityPrincipals,dc=x\nobjectClass: foreignSecurityPrincipal\n"
		"objectSid:x " AD_FOREIGN_SID("01000000") "\n\n" AD_GROUP("mixed", "66040000")
			AD_MEMBER("alice") "member: cn=S-1-5-21-9-9-9-1,cn=ForeignSecurityPrincipals,dc=x\n"
					   "member: cn=gone,cn=ForeignSecurityPrincipals,dc=x\n\n" AD_PERSON(
						   "guest", "54040000")
						   AD_TOKEN(DOMAIN_USERS) "tokenGroups:x " AD_FOREIGN_SID(
							   "02000000") "\n\n");
	assert_answer(DIRECTORY_YES, look_list(directory, "mixed", &list, &why));
	assert_string_equal(list.names, "alice,");
	assert_no_member(directory, "guest", "mixed");
	assert_member(directory, "guest", "Domain Users");
}

static void L18__the_chain_rule_serves_where_the_server_is_active_directory(void **state)
{
	(void)state;
	mock_say(mock, "set chain\n");
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock),
					      AD_SETTINGS "ldap_groups_use_matching_rule_in_chain = true\n");
	mock_forget_log(mock);
	assert_member(directory, "alice", "auditors");
	assert_member(directory, "bob", "staff");
	assert_no_member(directory, "bob", "auditors");
	assert_true(mock_count(mock, "(member:1.2.840.113556.1.4.1941:=" AD_PERSON_DN("alice") ")") > 0);
	assert_int_equal(mock_count(mock, "tokenGroups"), 0);
}

static void L18__the_chain_rule_elsewhere_is_an_error_at_the_start(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *other = mock_start(WORLD_PERSON("alice", "01"));
	struct directory *directory = NULL;
	struct why why = WHY_NONE;
	assert_fault(FAULT_KEYRING_READ,
		     look_try(mock_uri(other), AD_SETTINGS "ldap_groups_use_matching_rule_in_chain = true\n",
			      &directory, &why));
	assert_null(directory);
	assert_non_null(strstr(why.text, "not Active Directory"));
}

/* A domain refers to its other naming contexts in every answer unless told to stay. */
static void L30__active_directory_is_told_to_stay_in_its_domain_and_others_are_not(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS);
	AUTO(mock_stop)
	struct mock *other = mock_start(WORLD_PERSON("alice", "01") "\n" WORLD_GROUP("finance", "02") "\n");
	AUTO(directory_close) struct directory *elsewhere = look_at(mock_uri(other), WORLD_SETTINGS);
	mock_forget_log(mock);
	assert_member(directory, "alice", "auditors");
	assert_no_member(elsewhere, "alice", "finance");
	assert_true(mock_count(mock, "scope=2") > 0);
	assert_true(mock_count(mock, "1.2.840.113556.1.4.1339") >= mock_count(mock, "scope=2"));
	assert_int_equal(mock_count(other, "1.2.840.113556.1.4.1339"), 0);
}

static void L33__result_8_is_explained_as_signing_or_channel_binding(void **state)
{
	(void)state;
	AUTO(mock_stop)
	struct mock *strict = mock_start(AD_ROOT "on search do result 8 00002028: LdapErr: DSID-0C090259\n");
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(strict), AD_SETTINGS);
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_UNKNOWN, directory_check(directory, look_patiently(), &why));
	assert_non_null(strstr(why.text, "signing or channel binding"));
	assert_non_null(strstr(why.text, "ldaps://"));
	assert_non_null(strstr(why.text, "LdapErr"));
}

static void L43__an_account_that_is_disabled_or_expired_is_no_member(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		enum directory_reason reason;
	} rows[] = {
		{"userAccountControl: 514\n", DIRECTORY_REASON_DISABLED},
		{"userAccountControl: 66050\n", DIRECTORY_REASON_DISABLED},
		{"userAccountControl: 512\naccountExpires: 131000000000000000\n", DIRECTORY_REASON_EXPIRED},
		{"userAccountControl: 512\naccountExpires: 9223372036854775807\n", DIRECTORY_REASON_NONE},
		{"userAccountControl: 512\naccountExpires: 0\n", DIRECTORY_REASON_NONE},
		{"userAccountControl: 66048\naccountExpires: 2650467743990000000\n", DIRECTORY_REASON_NONE},
		{"userAccountControl: on\n", DIRECTORY_REASON_MALFORMED},
	};
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), AD_SETTINGS LOOK_UNCACHED);
	const struct member_id group = look_group(directory, "finance");
	const struct member_id id = {
		.bytes = {0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0, 0xaa, 0x55, 4}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct directory_proof proof;
		struct why why = WHY_NONE;
		char script[1000];
		(void)snprintf(
			script, sizeof script,
			"dn: " AD_PERSON_DN("dave") "\nobjectClass: user\nsAMAccountName: dave\n" AD_IDS(
				"55040000") AD_TOKEN("61040000") "%s\n",
			rows[i].lines);
		mock_say(mock, script);
		enum directory_answer answer = directory_is_member(directory, &id, &group, look_patiently(),
								   &proof, &why);
		if (proof.reason != rows[i].reason)
			fail_msg("%s: %s: %s", rows[i].lines, directory_reason_word(proof.reason), why.text);
		assert_int_equal(answer, rows[i].reason == DIRECTORY_REASON_NONE	? DIRECTORY_YES
					 : rows[i].reason == DIRECTORY_REASON_MALFORMED ? DIRECTORY_UNKNOWN
											: DIRECTORY_NO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L05__a_group_of_active_directory_has_its_members),
		cmocka_unit_test(L05__an_object_guid_is_the_id_as_the_directorys_tools_write_it),
		cmocka_unit_test(L05__computers_are_no_users),
		cmocka_unit_test(L06__the_primary_group_counts),
		cmocka_unit_test(L06__the_primary_group_lists_those_whose_it_is),
		cmocka_unit_test(L07__token_groups_are_read_at_the_user_and_found_several_a_filter),
		cmocka_unit_test(L07__more_than_64_tokens_take_more_than_one_filter),
		cmocka_unit_test(L07__a_user_that_shows_no_token_groups_is_unknown_not_outside),
		cmocka_unit_test(L07__a_token_that_is_no_sid_makes_the_answer_unknown),
		cmocka_unit_test(L08__distribution_groups_count_only_where_configured),
		cmocka_unit_test(L09__foreign_security_principals_are_no_error_and_no_match),
		cmocka_unit_test(L18__the_chain_rule_serves_where_the_server_is_active_directory),
		cmocka_unit_test(L18__the_chain_rule_elsewhere_is_an_error_at_the_start),
		cmocka_unit_test(L30__active_directory_is_told_to_stay_in_its_domain_and_others_are_not),
		cmocka_unit_test(L33__result_8_is_explained_as_signing_or_channel_binding),
		cmocka_unit_test(L43__an_account_that_is_disabled_or_expired_is_no_member),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, start, stop);
}
