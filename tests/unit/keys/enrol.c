/* Enrolment at key servers of an organisation: one, several, some that refuse or lie. */
#include "keys/enrol.h"
#include "tests/lib/enrolled.h"
#include "tests/lib/key_server.h"

#define SERVERS 3

static struct company company;
static struct company stranger;
static struct key_server servers[SERVERS];
static struct key_server strange_server;

/* The servers expect their user's signature: that of this keyring. */
static struct keyring *newcomer(const char *name)
{
	struct why why = WHY_NONE;
	const struct identity *identity = NULL;
	struct keyring *keyring = keyring_of(name);

	assert_works(keyring_identity(keyring, &identity, &why));
	for (size_t i = 0; i < SERVERS; i++) {
		AUTO(key_server_let_go) struct key_server *held = key_server_hold(&servers[i]);
		held->user = identity_public(identity);
		held->script = (struct key_server_script){.lease = 120};
	}
	strange_server.user = identity_public(identity);
	return keyring;
}

static struct enrol_report report;

static enum fault enrol_with(struct keyring *keyring, const struct enrol_server *list, size_t count,
			     struct why *why)
{
	const struct enrol_options options = {
		.keyring = keyring,
		.user = "alice",
		.organisation = person_fingerprint(&company.root),
		.servers = list,
		.server_count = count,
	};

	return enrol_at_servers(&options, &report, why);
}

static void enrol__at_one_server_makes_a_member(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("one server");
	const struct enrol_server at = {servers[0].url, KEY_SERVER_CODE};
	assert_works(enrol_with(keyring, &at, 1, &why));
	assert_int_equal(report.enrolled, 1);
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	assert_works(keyring_organisation(keyring, &own, &why));
	assert_int_equal(own.server_count, 1);
	assert_string_equal(own.servers[0].url, servers[0].url);
	assert_true(member_id_equal(&own.servers[0].id, person_id(&company.servers[0])));
	assert_works(certificate_verify_in(own.certificate, &company.organisation, &why));
	assert_string_equal(certificate_identity(own.certificate)->name, "alice");
	struct keyring_policy policy;
	assert_works(keyring_policy(keyring, &policy, &why));
	assert_string_equal(policy.from, servers[0].url);
}

static void enrol__at_several_servers_keeps_all_of_them(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("several");
	struct enrol_server list[SERVERS];
	for (size_t i = 0; i < SERVERS; i++)
		list[i] = (struct enrol_server){servers[i].url, KEY_SERVER_CODE};
	assert_works(enrol_with(keyring, list, SERVERS, &why));
	assert_int_equal(report.enrolled, SERVERS);
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	assert_works(keyring_organisation(keyring, &own, &why));
	assert_int_equal(own.server_count, SERVERS);
	/* The first one's certificate: any of them proves the same. */
	const struct fingerprint signer = signed_signer(certificate_signed(own.certificate));
	const struct fingerprint first = person_fingerprint(&company.servers[0]);
	assert_true(fingerprint_equal(&signer, &first));
}

static void enrol__in_part_is_completed_later(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("in part");
	const struct enrol_server list[] = {{servers[0].url, KEY_SERVER_CODE},
					    {servers[1].url, "mistyped"},
					    {servers[2].url, KEY_SERVER_CODE}};
	const struct enrol_server rest = {servers[1].url, KEY_SERVER_CODE};
	assert_fault(FAULT_PARTIAL, enrol_with(keyring, list, SERVERS, &why));
	assert_non_null(strstr(why.text, servers[1].url));
	assert_int_equal(report.enrolled, 2);
	assert_works(enrol_with(keyring, &rest, 1, &why));
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	assert_works(keyring_organisation(keyring, &own, &why));
	assert_int_equal(own.server_count, SERVERS);
	/* Once more at the same server: it is not there twice. */
	assert_works(enrol_with(keyring, &rest, 1, &why));
	AUTO(keyring_organisation_done) struct keyring_organisation again = {.object = NULL};
	assert_works(keyring_organisation(keyring, &again, &why));
	assert_int_equal(again.server_count, SERVERS);
}

static void assert_is_nobody(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};

	assert_fault(FAULT_MISSING, keyring_organisation(keyring, &own, &why));
}

static void enrol__with_a_wrong_code_keeps_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("wrong code");
	const struct enrol_server at = {servers[0].url, "mistyped"};
	assert_fault(FAULT_DENIED, enrol_with(keyring, &at, 1, &why));
	assert_non_null(strstr(why.text, "wrong code"));
	assert_is_nobody(keyring);
}

static void enrol__in_another_organisation_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("another");
	const struct enrol_server at = {strange_server.url, KEY_SERVER_CODE};
	const unsigned before = key_server_count(&strange_server, ROUTE_ENROL);
	assert_fault(FAULT_IDENTITY, enrol_with(keyring, &at, 1, &why));
	assert_is_nobody(keyring);
	/* The code never went there. */
	assert_int_equal(key_server_count(&strange_server, ROUTE_ENROL), before);
}

static void enrol__with_a_keyring_of_another_organisation_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("taken");
	struct keyring_server theirs = {.url = "http://127.0.0.1:1"};
	const struct enrol_server at = {servers[0].url, KEY_SERVER_CODE};
	enrol(keyring, &stranger, &theirs, 1);
	assert_fault(FAULT_EXISTS, enrol_with(keyring, &at, 1, &why));
}

static void enrol__at_a_server_that_claims_another_id_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("claims");
	const struct enrol_server at = {servers[0].url, KEY_SERVER_CODE};
	servers[0].script.claims_another_id = true;
	assert_fault(FAULT_IDENTITY, enrol_with(keyring, &at, 1, &why));
	assert_is_nobody(keyring);
}

static void enrol__that_waits_for_approval_says_how_long(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("pending");
	const struct enrol_server at = {servers[0].url, KEY_SERVER_CODE};
	servers[0].script.enrols_pending = true;
	assert_fault(FAULT_DENIED, enrol_with(keyring, &at, 1, &why));
	assert_int_equal(report.pending, 3600);
	assert_is_nobody(keyring);
}

static void enrol__takes_a_password_in_place_of_a_code(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("password");
	AUTO(secret_free) struct secret *password = words_of(KEY_SERVER_CODE);
	AUTO(secret_free) struct secret *zero = NULL;
	const struct enrol_server at = {servers[0].url, NULL};
	struct enrol_options options = {.keyring = keyring,
					.user = "alice",
					.organisation = person_fingerprint(&company.root),
					.servers = &at,
					.server_count = 1};
	assert_works(secret_copy("a\0b", 3, &zero, &why));
	options.password = zero;
	assert_fault(FAULT_INVALID, enrol_at_servers(&options, &report, &why));
	options.password = password;
	assert_works(enrol_at_servers(&options, &report, &why));
}

static void enrol__at_a_server_that_is_down_is_unreachable(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = newcomer("down");
	const struct enrol_server at = {servers[2].url, KEY_SERVER_CODE};
	key_server_stop(&servers[2]);
	assert_fault(FAULT_UNREACHABLE, enrol_with(keyring, &at, 1, &why));
	assert_is_nobody(keyring);
	key_server_start(&servers[2]);
}

static int begin(void **state)
{
	struct why why = WHY_NONE;
	if (keyrings_start(state) || service_global_start(&why))
		return -1;
	company = company_new(SERVERS);
	stranger = company_new(1);
	for (size_t i = 0; i < SERVERS; i++) {
		servers[i] = (struct key_server){.company = &company, .index = i};
		key_server_start(&servers[i]);
	}
	strange_server = (struct key_server){.company = &stranger};
	key_server_start(&strange_server);
	return 0;
}

static int end(void **state)
{
	for (size_t i = 0; i < SERVERS; i++)
		key_server_stop(&servers[i]);
	key_server_stop(&strange_server);
	company_done(&company);
	company_done(&stranger);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enrol__at_one_server_makes_a_member),
		cmocka_unit_test(enrol__at_several_servers_keeps_all_of_them),
		cmocka_unit_test(enrol__in_part_is_completed_later),
		cmocka_unit_test(enrol__with_a_wrong_code_keeps_nothing),
		cmocka_unit_test(enrol__in_another_organisation_is_refused),
		cmocka_unit_test(enrol__with_a_keyring_of_another_organisation_is_refused),
		cmocka_unit_test(enrol__at_a_server_that_claims_another_id_is_refused),
		cmocka_unit_test(enrol__that_waits_for_approval_says_how_long),
		cmocka_unit_test(enrol__takes_a_password_in_place_of_a_code),
		cmocka_unit_test(enrol__at_a_server_that_is_down_is_unreachable),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
