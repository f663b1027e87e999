/* tests/ldap/mock_world.h - entries for the mock: people and groups of dc=x, and of an Active Directory. */
#ifndef FSENC_TESTS_LDAP_MOCK_WORLD_H
#define FSENC_TESTS_LDAP_MOCK_WORLD_H

#include "tests/ldap/mock/mock.h"

#define WORLD_LAYOUT "ldap_search_base = dc=x\nallow_plaintext = true\n"
/* The time a question may take is the test's to say. */
#define WORLD_SETTINGS WORLD_LAYOUT "ldap_search_timeout = 20\nldap_network_timeout = 20\n"
#define WORLD_UUID(number) "entryUUID: 00000000-0000-0000-0000-0000000000" number "\n"
#define WORLD_PERSON_DN(name) "uid=" name ",ou=people,dc=x"
#define WORLD_GROUP_DN(name) "cn=" name ",ou=groups,dc=x"
#define WORLD_PERSON(name, number) \
	"dn: " WORLD_PERSON_DN(name) "\nobjectClass: inetOrgPerson\nuid: " name "\n" WORLD_UUID(number)
#define WORLD_GROUP(name, number) \
	"dn: " WORLD_GROUP_DN(name) "\nobjectClass: groupOfNames\ncn: " name "\n" WORLD_UUID(number)
#define WORLD_MEMBER(name) "member: " WORLD_PERSON_DN(name) "\n"
#define WORLD_SUBGROUP(name) "member: " WORLD_GROUP_DN(name) "\n"

/* -- Active Directory -------------------------------------------------------------- */

#define AD_SETTINGS WORLD_SETTINGS "ldap_schema = ad\n"
#define AD_ROOT \
	"dn:\nobjectClass: top\nsupportedCapabilities: 1.2.840.113556.1.4.800\n" \
	"supportedControl: 1.2.840.113556.1.4.319\n\nset constructed tokenGroups\n"
/* `rid` as 8 hex digits, least byte first. */
#define AD_SID(rid) "010500000000000515000000010000000200000003000000" rid
#define AD_FOREIGN_SID(rid) "010500000000000515000000090000000900000009000000" rid
#define AD_IDS(rid) "objectGUID:x 0011223344556677889900aa" rid "\nobjectSid:x " AD_SID(rid) "\n"
#define AD_PERSON_DN(name) "cn=" name ",cn=users,dc=x"
#define AD_GROUP_DN(name) "cn=" name ",cn=groups,dc=x"
#define AD_PERSON(name, rid) \
	"dn: " AD_PERSON_DN( \
		name) "\nobjectClass: top\nobjectClass: person\nobjectClass: user\nsAMAccountName: " name \
		      "\nuserAccountControl: 512\naccountExpires: 9223372036854775807\nprimaryGroupID: 513\n" AD_IDS( \
			      rid)
#define AD_GROUP(name, rid) \
	"dn: " AD_GROUP_DN(name) "\nobjectClass: top\nobjectClass: group\nsAMAccountName: " name \
				 "\ngroupType: -2147483646\n" AD_IDS(rid)
#define AD_MEMBER(name) "member: " AD_PERSON_DN(name) "\n"
#define AD_SUBGROUP(name) "member: " AD_GROUP_DN(name) "\n"
#define AD_TOKEN(rid) "tokenGroups:x " AD_SID(rid) "\n"

#endif
