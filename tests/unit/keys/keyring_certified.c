/* Whom an organisation vouches for, and that it cannot contradict what is known. */
#include "keys/keyring_certified.h"
#include "tests/lib/enrolled.h"

static struct company company;
static struct company other_company;
static struct keyring_server server = {.url = "http://127.0.0.1:1"};
static struct person bob;

static struct keyring *member(const char *name)
{
	struct keyring *keyring = keyring_of(name);

	enrol(keyring, &company, &server, 1);
	return keyring;
}

static struct certificate *known_as(struct keyring *keyring, const char *words)
{
	struct certificate *found = NULL;

	(void)!keyring_find_person(keyring, words, &found, NULL, NULL);
	return found;
}

static void certified__user_is_believed_on_first_sight(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("first sight");
	AUTO(certificate_free) struct certificate *certificate = company_certificate(&company, 1, &bob);
	const struct fingerprint key = person_fingerprint(&bob);
	assert_fault(FAULT_KEY_MISSING, keyring_vouches(alice, &key, NULL, &why));
	assert_works(keyring_vouches(alice, &key, certificate, &why));
	/* From now on by what the keyring has. */
	assert_works(keyring_vouches(alice, &key, NULL, &why));
	assert_works(keyring_accept_certified(alice, certificate, &why));
	AUTO(certificate_free) struct certificate *known = known_as(alice, "bob");
	assert_non_null(known);
	assert_false(certificate_is_self_signed(known));
	assert_false(keyring_trusts(alice, &key));
}

static void certified__by_another_organisation_is_nothing(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("another organisation");
	AUTO(keyring_close) struct keyring *loner = keyring_of("loner");
	AUTO(certificate_free) struct certificate *theirs = company_certificate(&other_company, 0, &bob);
	AUTO(certificate_free) struct certificate *ours = company_certificate(&company, 0, &bob);
	const struct fingerprint key = person_fingerprint(&bob);
	assert_fault(FAULT_REFUSED, keyring_accept_certified(alice, theirs, &why));
	assert_fault(FAULT_KEY_MISSING, keyring_vouches(alice, &key, theirs, &why));
	assert_fault(FAULT_KEY_MISSING, keyring_vouches(alice, &key, bob.certificate, &why));
	assert_fault(FAULT_MISSING, keyring_accept_certified(loner, ours, &why));
	assert_fault(FAULT_KEY_MISSING, keyring_vouches(loner, &key, ours, &why));
	assert_null(known_as(alice, "bob"));
}

static void certified__key_for_a_known_user_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("known user");
	AUTO(person_done) struct person impostor = person_new_with_id_of(&bob);
	AUTO(certificate_free) struct certificate *forged = company_certificate(&company, 2, &impostor);
	const struct fingerprint key = person_fingerprint(&impostor);
	assert_works(keyring_add_certificate(alice, bob.certificate, true, &why));
	assert_fault(FAULT_IDENTITY, keyring_accept_certified(alice, forged, &why));
	assert_fault(FAULT_IDENTITY, keyring_vouches(alice, &key, forged, &why));
	assert_non_null(strstr(why.text, "bob"));
}

/* A bad server invents a user of its own for Bob's account. */
static void certified__user_for_a_known_account_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("known account");
	AUTO(certificate_free) struct certificate *certificate = company_certificate(&company, 0, &bob);
	AUTO(person_done) struct person impostor = person_new("bob");
	AUTO(certificate_free) struct certificate *forged = NULL;
	struct certificate_grant grant = {.organisation = company_id(&company),
					  .account = certificate_account(certificate),
					  .name = "bob",
					  .serial = 9};
	enrol_proof_sign(&grant.organisation, "bob", impostor.identity, person_id(&company.servers[1]),
			 grant.proof);
	assert_works(certificate_sign_for(impostor.certificate, &grant, company.servers[1].identity, &forged,
					  &why));
	assert_works(keyring_accept_certified(alice, certificate, &why));
	assert_fault(FAULT_IDENTITY, keyring_accept_certified(alice, forged, &why));
}

static void certified__name_takes_the_place_of_what_somebody_calls_himself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("names");
	AUTO(person_done) struct person carol = person_new("the boss");
	AUTO(certificate_free) struct certificate *certified = NULL;
	struct certificate_grant grant = {
		.organisation = company_id(&company), .account = {{7}}, .name = "carol", .serial = 1};
	enrol_proof_sign(&grant.organisation, "carol", carol.identity, person_id(&company.servers[0]),
			 grant.proof);
	assert_works(certificate_sign_for(carol.certificate, &grant, company.servers[0].identity, &certified,
					  &why));
	assert_works(keyring_add_certificate(alice, carol.certificate, false, &why));
	assert_works(keyring_accept_certified(alice, certified, &why));
	AUTO(certificate_free) struct certificate *by_name = known_as(alice, "carol");
	assert_non_null(by_name);
	assert_null(known_as(alice, "the boss"));
	/* Back to what he says himself: no. */
	assert_works(keyring_add_certificate(alice, carol.certificate, false, &why));
	assert_null(known_as(alice, "the boss"));
}

static void own_certificate__stays_the_self_signed_one(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *alice = member("own");
	AUTO(certificate_free) struct certificate *shown = NULL;
	AUTO(certificate_free) struct certificate *own = NULL;
	assert_works(keyring_shown_certificate(alice, &shown, &why));
	assert_false(certificate_is_self_signed(shown));
	assert_works(keyring_accept_certified(alice, shown, &why));
	assert_works(keyring_own_certificate(alice, &own, &why));
	assert_true(certificate_is_self_signed(own));
	AUTO(keyring_close) struct keyring *loner = keyring_of("own loner");
	AUTO(certificate_free) struct certificate *only = NULL;
	assert_works(keyring_shown_certificate(loner, &only, &why));
	assert_true(certificate_is_self_signed(only));
}

static int begin(void **state)
{
	if (keyrings_start(state))
		return -1;
	company = company_new(3);
	other_company = company_new(1);
	bob = person_new("bob");
	return 0;
}

static int end(void **state)
{
	person_done(&bob);
	company_done(&company);
	company_done(&other_company);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certified__user_is_believed_on_first_sight),
		cmocka_unit_test(certified__by_another_organisation_is_nothing),
		cmocka_unit_test(certified__key_for_a_known_user_is_refused),
		cmocka_unit_test(certified__user_for_a_known_account_is_refused),
		cmocka_unit_test(certified__name_takes_the_place_of_what_somebody_calls_himself),
		cmocka_unit_test(own_certificate__stays_the_self_signed_one),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
