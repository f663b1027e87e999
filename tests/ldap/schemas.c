/* Against a real slapd: how groups list their members. */
#include "tests/ldap/look.h"

static struct slapd *slapd;
static struct directory *directory;

static const char ldif[] = LOOK_PERSON("alice") LOOK_PERSON("bob") LOOK_PERSON("carol") LOOK_PERSON("stranger")
	LOOK_GROUP("finance", LOOK_MEMBER("alice"))
	"dn: cn=unique," SLAPD_GROUPS "\nobjectClass: groupOfUniqueNames\ncn: unique\n"
	"uniqueMember: uid=bob," SLAPD_PEOPLE "\nuniqueMember: uid=carol," SLAPD_PEOPLE "#'0101'B\n\n"
	"dn: cn=posix," SLAPD_GROUPS "\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1\n"
	"memberUid: alice\nmemberUid: Bob\n\n"
	"dn: cn=both," SLAPD_GROUPS "\nobjectClass: groupOfNames\nobjectClass: extensibleObject\ncn: both\n"
	LOOK_MEMBER("alice") "memberUid: bob\n\n";

static int start(void **state)
{
	(void)state;
	directory_ldap_start();
	slapd = slapd_start(&(struct slapd_options){.ldif = ldif});
	directory = look_at(slapd->uri, LOOK_PLAIN);
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L01__a_group_of_names_has_its_member_and_no_stranger),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
