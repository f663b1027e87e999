#include <string.h>

#include "base/clock.h"
#include "keys/fields.h"
#include "tests/lib/organisations.h"

#define TYPE "fsenc-user+v1"

static struct person alice;
static struct person server;

static char *text_of(const struct certificate *certificate)
{
	struct why why = WHY_NONE;
	char *text = NULL;
	assert_works(signed_text(certificate_signed(certificate), &text, &why));
	return text;
}

/* The payload of Alice's certificate, to be changed. */
static json_t *payload_of_alice(void)
{
	return json_deep_copy(signed_payload(certificate_signed(alice.certificate)));
}

static enum fault sign_and_parse(const json_t *payload, const struct person *signer,
				 struct certificate **ret_certificate, struct why *ret_why)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(signed_make(payload, TYPE, signer->identity, &object, &why));
	AUTO(json_decref) json_t *json = signed_json(object);
	return certificate_parse(json, ret_certificate, ret_why);
}

static void certificate__says_whose_keys_these_are(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) char *text = text_of(alice.certificate);
	AUTO(certificate_free) struct certificate *read = NULL;
	assert_works(certificate_parse_text(text, strlen(text), &read, &why));
	const struct public_identity *public = certificate_identity(read);
	assert_string_equal(public->name, "Alice");
	assert_true(member_id_equal(&public->id, person_id(&alice)));
	assert_memory_equal(public->sign_public, identity_public(alice.identity)->sign_public,
			    SIGN_PUBLIC_SIZE);
	assert_memory_equal(public->encrypt_public, identity_public(alice.identity)->encrypt_public,
			    ENCRYPT_PUBLIC_SIZE);
	const struct fingerprint own = person_fingerprint(&alice);
	const struct fingerprint found = certificate_fingerprint(read);
	assert_true(fingerprint_equal(&own, &found));
	assert_int_equal(certificate_serial(read), 1);
	assert_true(certificate_is_self_signed(read));
}

static void certificate__can_be_copied(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *copy = NULL;
	assert_works(certificate_copy(alice.certificate, &copy, &why));
	AUTO(free) char *one = text_of(alice.certificate);
	AUTO(free) char *other = text_of(copy);
	assert_string_equal(one, other);
}

static void certificate__is_refused_when_another_key_signed_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *payload = payload_of_alice();
	AUTO(certificate_free) struct certificate *read = NULL;
	assert_fault(FAULT_REFUSED, sign_and_parse(payload, &server, &read, &why));
	assert_null(read);
}

static void certificate__is_refused_with_somebody_elses_key_for_secrets(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char theirs[DIGEST_TEXT_SIZE];
	text_base64(theirs, identity_public(server.identity)->encrypt_public, ENCRYPT_PUBLIC_SIZE);
	AUTO(json_decref) json_t *payload = payload_of_alice();
	assert_int_equal(json_object_set_new(payload, "enc", json_string(theirs)), 0);
	AUTO(certificate_free) struct certificate *read = NULL;
	/* The header names Alice's fingerprint, which this key is not part of. */
	assert_fault(FAULT_REFUSED, sign_and_parse(payload, &alice, &read, &why));
}

static void certificate__of_an_organisation_is_verified_with_its_servers_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *payload = payload_of_alice();
	assert_int_equal(
		json_object_set_new(payload, "organisation", json_string("000102030405060708090a0b0c0d0e0f")),
		0);
	AUTO(certificate_free) struct certificate *read = NULL;
	assert_works(sign_and_parse(payload, &server, &read, &why));
	assert_false(certificate_is_self_signed(read));
	assert_works(certificate_verify_by(read, identity_public(server.identity)->sign_public, &why));
	assert_fault(FAULT_REFUSED,
		     certificate_verify_by(read, identity_public(alice.identity)->sign_public, &why));
}

static void certificate__expires_at_its_second(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	assert_false(certificate_is_expired(alice.certificate, INT64_MAX));
	AUTO(json_decref) json_t *payload = payload_of_alice();
	assert_int_equal(json_object_set_new(payload, "expires", json_integer(1000)), 0);
	AUTO(certificate_free) struct certificate *read = NULL;
	assert_works(sign_and_parse(payload, &alice, &read, &why));
	assert_false(certificate_is_expired(read, 999999));
	assert_true(certificate_is_expired(read, 1000000));
}

static void certificate__refuses_payloads_of_another_form(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		const char *name;
		const char *json; /* NULL: taken out */
	} rows[] = {
		{"id", NULL},
		{"id", "\"00\""},
		{"id", "1"},
		{"id", "\"00000000000000000000000000000000\""},
		{"name", NULL},
		{"name", "\"\""},
		{"name", "\" Alice\""},
		{"name", "\"a/b\""},
		{"name", "\"a\\nb\""},
		{"name", "[\"Alice\"]"},
		{"sign", NULL},
		{"sign", "\"AAAA\""},
		{"enc", NULL},
		{"enc", "null"},
		{"serial", NULL},
		{"serial", "0"},
		{"serial", "-1"},
		{"serial", "1.0"},
		{"serial", "\"1\""},
		{"serial", "9007199254740992"},
		{"serial", "true"},
		{"previous", "\"\""},
		{"previous", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""},
		{"created", NULL},
		{"created", "-1"},
		{"expires", NULL},
		{"expires", "null"},
		{"organisation", "\"\""},
		{"admin", "true"},
		{"", "1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(json_decref) json_t *payload = payload_of_alice();
		if (rows[i].json)
			json_object_set_new(payload, rows[i].name,
					    json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		else
			json_object_del(payload, rows[i].name);
		AUTO(certificate_free) struct certificate *read = NULL;
		assert_fault(FAULT_MALFORMED, sign_and_parse(payload, &alice, &read, &why));
	}
}

static void certificate__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) char *text = text_of(alice.certificate);
	for (size_t at = 0; at < strlen(text); at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			AUTO(free) char *flipped = strdup(text);
			flipped[at] = (char)(flipped[at] ^ 1 << bit);
			AUTO(certificate_free) struct certificate *read = NULL;
			if (!certificate_parse_text(flipped, strlen(text), &read, &why))
				fail_msg("bit %u of byte %zu does not matter", bit, at);
		}
}

/* -- of an organisation ---------------------------------------------------------------------- */

static void certificate__by_a_server_says_whose_account_it_is(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_done) struct company company = company_new(2);
	AUTO(certificate_free) struct certificate *read = NULL;
	struct certificate_grant grant = {.organisation = company_id(&company),
					  .account = {{7}},
					  .name = "alice",
					  .serial = 3,
					  .previous = {{8}},
					  .expires = 2000000000};
	const struct identity *by = company.servers[1].identity;
	enrol_proof_sign(&grant.organisation, "alice", alice.identity, &identity_public(by)->id, grant.proof);
	AUTO(certificate_free) struct certificate *made = NULL;
	assert_works(certificate_sign_for(alice.certificate, &grant, by, &made, &why));
	AUTO(free) char *text = text_of(made);
	assert_works(certificate_parse_text(text, strlen(text), &read, &why));
	assert_works(certificate_verify_in(read, &company.organisation, &why));
	const struct public_identity *public = certificate_identity(read);
	assert_string_equal(public->name, "alice");
	assert_true(member_id_equal(&public->id, person_id(&alice)));
	const struct member_id account = certificate_account(read);
	const struct organisation_id organisation = certificate_organisation(read);
	const struct fingerprint previous = certificate_previous(read);
	assert_true(member_id_equal(&account, &grant.account));
	assert_true(organisation_id_equal(&organisation, &grant.organisation));
	assert_true(fingerprint_equal(&previous, &grant.previous));
	assert_int_equal(certificate_serial(read), 3);
	assert_int_equal(certificate_expires(read), 2000000000);
	assert_true(certificate_is_expired(read, 2000000000000));
}

static void certificate__needs_the_holders_proof_for_this_server_and_account(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_done) struct company company = company_new(2);
	AUTO(certificate_free) struct certificate *made = NULL;
	struct certificate_grant grant = {
		.organisation = company_id(&company), .account = {{7}}, .name = "alice", .serial = 1};
	const struct identity *by = company.servers[0].identity;
	/* Offered to the other server; for another account; by another key; for another organisation. */
	enrol_proof_sign(&grant.organisation, "alice", alice.identity, person_id(&company.servers[1]),
			 grant.proof);
	assert_fault(FAULT_REFUSED, certificate_sign_for(alice.certificate, &grant, by, &made, &why));
	enrol_proof_sign(&grant.organisation, "bob", alice.identity, &identity_public(by)->id, grant.proof);
	assert_fault(FAULT_REFUSED, certificate_sign_for(alice.certificate, &grant, by, &made, &why));
	enrol_proof_sign(&grant.organisation, "alice", server.identity, &identity_public(by)->id,
			 grant.proof);
	assert_fault(FAULT_REFUSED, certificate_sign_for(alice.certificate, &grant, by, &made, &why));
	enrol_proof_sign(&(struct organisation_id){{1}}, "alice", alice.identity, &identity_public(by)->id,
			 grant.proof);
	assert_fault(FAULT_REFUSED, certificate_sign_for(alice.certificate, &grant, by, &made, &why));
	assert_null(made);
}

/* Whatever a server may sign: without the proof it is nobody's certificate. */
static void certificate__of_a_server_that_made_it_up_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_done) struct company company = company_new(2);
	AUTO(company_done) struct company other = company_new(1);
	AUTO(certificate_free) struct certificate *good = company_certificate(&company, 0, &alice);
	static const struct {
		const char *member;
		const char *json;
	} rows[] = {
		{"account", NULL},
		{"proof", NULL},
		{"name", "\"bob\""},
		{"proof",
		 "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""},
		{"organisation", "\"000102030405060708090a0b0c0d0e0f\""},
	};
	assert_works(certificate_verify_in(good, &company.organisation, &why));
	assert_fault(FAULT_REFUSED, certificate_verify_in(good, &other.organisation, &why));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(json_decref) json_t *payload = json_deep_copy(signed_payload(certificate_signed(good)));
		AUTO(certificate_free) struct certificate *read = NULL;
		if (rows[i].json)
			json_object_set_new(payload, rows[i].member,
					    json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		else
			json_object_del(payload, rows[i].member);
		assert_works(sign_and_parse(payload, &company.servers[0], &read, &why));
		assert_fault(FAULT_REFUSED, certificate_verify_in(read, &company.organisation, &why));
	}
	/* Signed by the other server, for which the proof is not. */
	AUTO(certificate_free) struct certificate *moved = NULL;
	assert_works(
		sign_and_parse(signed_payload(certificate_signed(good)), &company.servers[1], &moved, &why));
	assert_fault(FAULT_REFUSED, certificate_verify_in(moved, &company.organisation, &why));
}

static void certificate__without_organisation_names_no_account(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *payload = payload_of_alice();
	json_object_set_new(payload, "account", json_string("000102030405060708090a0b0c0d0e0f"));
	AUTO(certificate_free) struct certificate *read = NULL;
	assert_fault(FAULT_MALFORMED, sign_and_parse(payload, &alice, &read, &why));
}

static void certificate__is_made_of_a_self_signed_one_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_done) struct company company = company_new(1);
	AUTO(certificate_free) struct certificate *once = company_certificate(&company, 0, &alice);
	AUTO(certificate_free) struct certificate *twice = NULL;
	const struct certificate_grant grant = {
		.organisation = company_id(&company), .account = {{7}}, .name = "Alice", .serial = 1};
	assert_fault(FAULT_INVALID,
		     certificate_sign_for(once, &grant, company.servers[0].identity, &twice, &why));
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	server = person_new("Server");
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate__says_whose_keys_these_are),
		cmocka_unit_test(certificate__can_be_copied),
		cmocka_unit_test(certificate__is_refused_when_another_key_signed_it),
		cmocka_unit_test(certificate__is_refused_with_somebody_elses_key_for_secrets),
		cmocka_unit_test(certificate__of_an_organisation_is_verified_with_its_servers_key),
		cmocka_unit_test(certificate__expires_at_its_second),
		cmocka_unit_test(certificate__refuses_payloads_of_another_form),
		cmocka_unit_test(certificate__refuses_every_flipped_bit),
		cmocka_unit_test(certificate__by_a_server_says_whose_account_it_is),
		cmocka_unit_test(certificate__needs_the_holders_proof_for_this_server_and_account),
		cmocka_unit_test(certificate__of_a_server_that_made_it_up_is_refused),
		cmocka_unit_test(certificate__without_organisation_names_no_account),
		cmocka_unit_test(certificate__is_made_of_a_self_signed_one_only),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
