#include "ldap/settings.h"

#include <ldap.h>
#include <string.h>

#include "tests/lib/unit.h"

#define LEAST "ldap_uri = ldaps://a.test\nldap_search_base = dc=x\n"

static enum fault read_lines(const char *lines, struct ldap_settings **ret_settings, struct why *why)
{
	const struct ini_section *known[] = {&ldap_section};
	AUTO(ini_free) struct ini *ini = NULL;
	char text[4000];

	(void)snprintf(text, sizeof text, "[ldap]\n%s", lines);
	enum fault fault = ini_parse("x.conf", text, strlen(text), known, 1, &ini, why);
	return fault ? fault : settings_read(ini, "/etc/fsenc", ret_settings, why);
}

static void settings__have_sensible_values_where_nothing_is_said(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	assert_works(read_lines(LEAST, &settings, &why));
	assert_int_equal(settings->schema, SCHEMA_RFC2307BIS);
	assert_int_equal(settings->nesting_level, 10);
	assert_int_equal(settings->search_timeout_ms, 3000);
	assert_int_equal(settings->cache_yes_ms, 60000);
	assert_int_equal(settings->cache_no_ms, 0);
	assert_int_equal(settings->bind_way, BIND_ANONYMOUS);
	assert_string_equal(settings->user_name, "uid");
	assert_string_equal(settings->group_uuid, "entryUUID");
	assert_string_equal(settings->members[0].name, "member");
	assert_string_equal(settings->groups.dn, "dc=x");
	assert_int_equal(settings->groups.scope, LDAP_SCOPE_SUBTREE);
	assert_false(settings->use_token_groups || settings->use_member_of || settings->use_chain_rule);
	assert_false(settings_send_plaintext(settings));
}

static void settings__of_active_directory_look_for_its_attributes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	assert_works(
		read_lines(LEAST "ldap_schema = AD\nldap_user_name = userPrincipalName\n", &settings, &why));
	assert_true(settings->use_token_groups);
	assert_string_equal(settings->user_name, "userPrincipalName");
	assert_string_equal(settings->group_name, "sAMAccountName");
	assert_string_equal(settings->user_uuid, "objectGUID");
	assert_string_equal(settings->user_classes[0], "user");
	assert_null(settings->user_classes[1]);
}

static void settings__name_servers_in_their_order_with_their_protection(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		const char *port;
		enum ldap_protection protection;
	} rows[] = {
		{"a.test", "636", PROTECTED_LDAPS},
		{"b.test", "1389", PROTECTED_START_TLS},
		{"fe80::1", "636", PROTECTED_LDAPS},
		{"/run/ldapi", "389", PROTECTED_LOCAL},
	};
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	assert_works(read_lines(
		"ldap_uri = ldaps://a.test, ldap://b.test:1389  ldaps://[fe80::1]/,ldapi://%2Frun%2Fldapi\n"
		"ldap_search_base = dc=x\nldap_id_use_start_tls = yes\n",
		&settings, &why));
	assert_int_equal(settings->server_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(settings->servers[i].host, rows[i].host);
		assert_int_equal(settings->servers[i].protection, rows[i].protection);
		if (rows[i].protection != PROTECTED_LOCAL)
			assert_string_equal(settings->servers[i].port, rows[i].port);
	}
}

static void settings__take_bases_with_scope_and_filter_like_sssd(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	assert_works(read_lines(LEAST "ldap_user_search_base = ou=people,dc=x?one\n"
				      "ldap_group_search_base = ou=groups,dc=x?"
				      "?(description=a=b)\n",
				&settings, &why));
	assert_string_equal(settings->users.dn, "ou=people,dc=x");
	assert_int_equal(settings->users.scope, LDAP_SCOPE_ONELEVEL);
	assert_null(settings->users.filter);
	assert_string_equal(settings->groups.dn, "ou=groups,dc=x");
	assert_string_equal(settings->groups.filter, "(description=a=b)");
	AUTO(settings_free) struct ldap_settings *both = NULL;
	assert_works(read_lines("ldap_uri = ldaps://a.test\nldap_user_search_base = ou=p,dc=x\n"
				"ldap_group_search_base = ou=g,dc=y\n",
				&both, &why));
	assert_string_equal(both->users.dn, "ou=p,dc=x");
	assert_string_equal(both->groups.dn, "ou=g,dc=y");
}

static void settings__of_membership_know_what_an_attribute_holds(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *bis = NULL;
	AUTO(settings_free) struct ldap_settings *names = NULL;
	assert_works(
		read_lines(LEAST "ldap_group_member = roleOccupant, uniqueMember memberUid\n", &bis, &why));
	assert_int_equal(bis->members[0].form, MEMBER_DN);
	assert_int_equal(bis->members[1].form, MEMBER_DN_UID);
	assert_int_equal(bis->members[2].form, MEMBER_NAME);
	assert_null(bis->members[3].name);
	assert_works(read_lines(LEAST "ldap_schema = rfc2307\nldap_group_member = who\n", &names, &why));
	assert_int_equal(names->members[0].form, MEMBER_NAME);
}

static void settings__find_files_beside_the_configuration(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	assert_works(read_lines(LEAST
				"ldap_tls_cacert = ca.pem\nldap_tls_cert = /abs/cert.pem\n"
				"ldap_default_bind_dn = cn=r,dc=x\nldap_default_authtok_file = password\n",
				&settings, &why));
	assert_string_equal(settings->tls_ca, "/etc/fsenc/ca.pem");
	assert_string_equal(settings->tls_cert, "/abs/cert.pem");
	assert_string_equal(settings->password_file, "/etc/fsenc/password");
	assert_int_equal(settings->bind_way, BIND_SIMPLE);
}

static void settings__know_a_keytab_where_kerberos_binds(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(settings_free) struct ldap_settings *kerberos = NULL;
	AUTO(settings_free) struct ldap_settings *other = NULL;
	AUTO(settings_free) struct ldap_settings *plain = NULL;
	assert_works(
		read_lines(LEAST "ldap_sasl_mech = GSSAPI\nldap_krb5_keytab = k.keytab\n", &kerberos, &why));
	assert_int_equal(kerberos->bind_way, BIND_GSSAPI);
	assert_string_equal(kerberos->keytab, "/etc/fsenc/k.keytab");
	assert_works(
		read_lines(LEAST "ldap_sasl_mech = EXTERNAL\nldap_krb5_keytab = k.keytab\n", &other, &why));
	assert_null(other->keytab);
	/* Kerberos protects what goes over ldap://. */
	assert_works(
		read_lines("ldap_uri = ldap://a.test\nldap_search_base = dc=x\nldap_sasl_mech = GSSAPI\n",
			   &plain, &why));
	assert_int_equal(plain->servers[0].protection, PROTECTED_SASL);
}

static void settings__that_contradict_or_weaken_are_refused_with_their_line(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		const char *words;
	} rows[] = {
		{"ldap_search_base = dc=x\n", "ldap_uri: is needed"},
		{"ldap_uri = ldaps://a\n", "ldap_search_base: is needed"},
		{"ldap_uri = ldaps://a\nldap_group_search_base = dc=x\n", "ldap_search_base: is needed"},
		{"ldap_uri = http://a\nldap_search_base = dc=x\n",
		 "x.conf:2: ldap_uri: 'http://a' is not ldaps://HOST"},
		{"ldap_uri = ldaps://a/dc=x??sub\nldap_search_base = dc=x\n", "is not ldaps://HOST"},
		{"ldap_uri = ldap://a\nldap_search_base = dc=x\n", "in the clear"},
		{"ldap_uri = ,\nldap_search_base = dc=x\n", "names no server"},
		{LEAST "ldap_referrals = true\n", "never followed"},
		{LEAST "ldap_tls_reqcert = never\n", "always demanded"},
		{LEAST "ldap_tls_reqcert = allow\n", "always demanded"},
		{LEAST "ldap_use_tokengroups = true\n", "needs ldap_schema = ad"},
		{LEAST "use_distribution_groups = true\n", "needs ldap_schema = ad"},
		{LEAST "ldap_groups_use_matching_rule_in_chain = true\n", "needs ldap_schema = ad"},
		{LEAST "ldap_default_bind_dn = cn=r,dc=x\n", "ldap_default_authtok_file"},
		{LEAST "ldap_default_authtok_file = p\n", "ldap_default_bind_dn is needed"},
		{LEAST
		 "ldap_default_bind_dn = cn=r\nldap_default_authtok_file = p\nldap_sasl_mech = EXTERNAL\n",
		 "either"},
		{LEAST "ldap_sasl_mech = PLAIN\n", "none of EXTERNAL, GSSAPI"},
		{LEAST "ldap_user_name = uid)(a=*\n", "no name of an attribute"},
		{LEAST "ldap_group_object_class = a b c d e f g h i\n", "more than 8"},
		{LEAST "ldap_group_search_base = dc=x?all\n", "none of sub, one, base"},
		{LEAST "ldap_group_search_base = dc=x??cn=a\n", "no filter"},
		{LEAST "ldap_user_search_base = nonsense\n", "no DN"},
		{LEAST "ldap_search_timeout = 0\n", "no number from 1 to 60"},
		{LEAST "membership_cache = 61\n", "no number from 0 to 60"},
		{LEAST "denial_cache = 11\n", "no number from 0 to 10"},
		{LEAST "ldap_tls_cacertdir = /etc/ssl\n",
		 "unknown key 'ldap_tls_cacertdir'; the nearest is 'ldap_tls_cacert'"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct why why = WHY_NONE;
		struct ldap_settings *settings = NULL;
		assert_fault(FAULT_KEYRING_READ, read_lines(rows[i].lines, &settings, &why));
		assert_null(settings);
		if (!strstr(why.text, rows[i].words))
			fail_msg("%s: '%s', not '%s'", rows[i].lines, why.text, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings__have_sensible_values_where_nothing_is_said),
		cmocka_unit_test(settings__of_active_directory_look_for_its_attributes),
		cmocka_unit_test(settings__name_servers_in_their_order_with_their_protection),
		cmocka_unit_test(settings__take_bases_with_scope_and_filter_like_sssd),
		cmocka_unit_test(settings__of_membership_know_what_an_attribute_holds),
		cmocka_unit_test(settings__find_files_beside_the_configuration),
		cmocka_unit_test(settings__know_a_keytab_where_kerberos_binds),
		cmocka_unit_test(settings__that_contradict_or_weaken_are_refused_with_their_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
