/* What commands ask of key servers: the question as it is sent, and answers about somebody else. */
#include "tests/lib/inquiries.h"

static void inquiry_user__gives_who_was_asked_for(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certificate = certificate_of(&bob);
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};
	const struct member_id account = certificate_account(certificate);
	say_user("bob", certificate, &account);
	assert_works(inquiry_user(service, "bob", &answer, &why));
	assert_true(answer.enabled);
	assert_string_equal(certificate_identity(answer.certificate)->name, "bob");
	assert_string_equal(server.last_target, "/v1/users?name=bob");
	assert_works(ask_user("BOB", &why));
}

static void inquiry_user__sends_any_name_as_one_word(void **state)
{
	(void)state;
	static const struct {
		const char *name, *target;
	} rows[] = {
		{"a b", "/v1/users?name=a%20b"},
		{"a&b=c", "/v1/users?name=a%26b%3Dc"},
		{"Zoë", "/v1/users?name=Zo%C3%AB"},
		{"100%", "/v1/users?name=100%25"},
		{"../../x?y#z", "/v1/users?name=..%2F..%2Fx%3Fy%23z"},
	};
	will_say(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct why why = WHY_NONE;
		assert_fault(FAULT_MISSING, ask_user(rows[i].name, &why));
		assert_string_equal(server.last_target, rows[i].target);
	}
	struct why why = WHY_NONE;
	char longest[257];
	memset(longest, 'x', sizeof longest - 1);
	longest[256] = 0;
	assert_fault(FAULT_INVALID, ask_user(longest, &why));
	assert_fault(FAULT_INVALID, ask_user("", &why));
}

/* Or the admin would let in Mallory under the name of Bob. */
static void inquiry_user__refuses_somebody_else(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	AUTO(certificate_free) struct certificate *mallorys = certificate_of(&mallory);
	const struct member_id bob_account = certificate_account(bobs);
	const struct member_id mallory_account = certificate_account(mallorys);
	say_user("mallory", mallorys, &mallory_account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	assert_non_null(strstr(why.text, "mallory"));
	say_user("bob", mallorys, &bob_account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	say_user("bob", bobs, &mallory_account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	say_user("bob", bobs, &bob_account);
	assert_works(ask_user("bob", &why));
}

/* The certificate still has the name under which he enrolled. */
static void inquiry_user__may_have_been_renamed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	const struct member_id account = certificate_account(bobs);
	say_user("robert", bobs, &account);
	assert_works(ask_user("robert", &why));
	assert_works(ask_by_id(person_id(&bob), &why));
	say_members(&finance.descriptor.id, "robert", bobs);
	assert_works(ask_members(&why));
}

static void inquiry_user__by_id_asks_for_the_id(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char target[64], id[ID_TEXT_SIZE];
	AUTO(certificate_free) struct certificate *certificate = certificate_of(&bob);
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};
	const struct member_id account = certificate_account(certificate);
	say_user("bob", certificate, &account);
	assert_works(inquiry_user_by_id(service, person_id(&bob), &answer, &why));
	member_id_text(person_id(&bob), id);
	(void)snprintf(target, sizeof target, "/v1/users/%s", id);
	assert_string_equal(server.last_target, target);
}

static void inquiry_user__by_id_refuses_somebody_else(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *mallorys = certificate_of(&mallory);
	const struct member_id account = certificate_account(mallorys);
	say_user("mallory", mallorys, &account);
	assert_fault(FAULT_IDENTITY, ask_by_id(person_id(&bob), &why));
	assert_non_null(strstr(why.text, "mallory"));
	assert_works(ask_by_id(person_id(&mallory), &why));
	assert_works(ask_by_id(&account, &why));
}

/* A key that took the place of the one asked for has another user's id; and one that was revoked is not
 * shown. */
static void inquiry_user__by_id_takes_a_later_key_or_none(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person again = person_new("bob");
	AUTO(certificate_free) struct certificate *later = NULL;
	const struct member_id account = {{7}};
	const struct fingerprint before = person_fingerprint(&bob);
	later = certified_as(&again, "bob", &account, &before);
	say_user("bob", later, &account);
	assert_works(ask_by_id(person_id(&bob), &why));
	say_user("bob", NULL, &account);
	assert_works(ask_by_id(person_id(&bob), &why));
}

/* Whoever is not certified has no account, and so nothing that fits one. */
static void inquiry_user__refuses_a_certificate_that_nobody_gave(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct member_id account = {{9}};
	say_user("bob", bob.certificate, &account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	assert_fault(FAULT_IDENTITY, ask_by_id(person_id(&bob), &why));
}

static void inquiry_group__gives_the_group_asked_for(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char id[ID_TEXT_SIZE];
	say_group(&finance);
	assert_works(ask_group("finance", &why));
	assert_works(ask_group("Finance", &why));
	assert_works(ask_group("cn=finance,ou=groups,dc=example,dc=com", &why));
	member_id_text(&finance.descriptor.id, id);
	assert_works(ask_group(id, &why));
}

static void inquiry_group__refuses_another_group(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char id[ID_TEXT_SIZE];
	say_group(&sales);
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
	assert_non_null(strstr(why.text, "sales"));
	assert_fault(FAULT_IDENTITY, ask_group("cn=finance,ou=sales,dc=example,dc=com", &why));
	member_id_text(&finance.descriptor.id, id);
	assert_fault(FAULT_IDENTITY, ask_group(id, &why));
}

static void inquiry_group__of_another_organisation_is_a_lie(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_done) struct company stranger = company_new(1);
	AUTO(company_group_done) struct company_group theirs = company_group_new(&stranger, "finance", 1, 1);
	say_group(&theirs);
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
}

static void inquiry_members__are_those_of_the_group_with_their_own_keys(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	say_members(&finance.descriptor.id, "bob", bobs);
	assert_works(ask_members(&why));
	say_members(&sales.descriptor.id, "bob", bobs);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
}

static void inquiry__takes_problems_for_answers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		enum problem_type problem;
		enum fault fault;
	} rows[] = {{PROBLEM_DENIED, FAULT_DENIED},
		    {PROBLEM_DIRECTORY, FAULT_UNREACHABLE},
		    {PROBLEM_MISSING, FAULT_MISSING},
		    {PROBLEM_INTERNAL, FAULT_FAILED}};
	will_say(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		server.script.has_problem[ROUTE_OTHER] = true;
		server.script.problem[ROUTE_OTHER] = rows[i].problem;
		assert_fault(rows[i].fault, ask_user("bob", &why));
		assert_non_null(strstr(why.text, "as the test wants"));
	}
}

static void inquiry_escrow__hands_over_what_is_sealed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	uint8_t bytes[] = {1, 2, 3};
	const struct bytes sealed = {bytes, sizeof bytes, sizeof bytes};
	const unsigned before = key_server_count(&server, ROUTE_TOKEN);
	will_say(NULL);
	assert_works(inquiry_escrow(service, person_id(&company.servers[0]), &sealed, &why));
	assert_int_equal(key_server_count(&server, ROUTE_TOKEN), before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inquiry_user__gives_who_was_asked_for),
		cmocka_unit_test(inquiry_user__sends_any_name_as_one_word),
		cmocka_unit_test(inquiry_user__may_have_been_renamed),
		cmocka_unit_test(inquiry_user__refuses_somebody_else),
		cmocka_unit_test(inquiry_user__by_id_asks_for_the_id),
		cmocka_unit_test(inquiry_user__by_id_refuses_somebody_else),
		cmocka_unit_test(inquiry_user__by_id_takes_a_later_key_or_none),
		cmocka_unit_test(inquiry_user__refuses_a_certificate_that_nobody_gave),
		cmocka_unit_test(inquiry_group__gives_the_group_asked_for),
		cmocka_unit_test(inquiry_group__refuses_another_group),
		cmocka_unit_test(inquiry_group__of_another_organisation_is_a_lie),
		cmocka_unit_test(inquiry_members__are_those_of_the_group_with_their_own_keys),
		cmocka_unit_test(inquiry__takes_problems_for_answers),
		cmocka_unit_test(inquiry_escrow__hands_over_what_is_sealed),
	};
	return cmocka_run_group_tests(tests, inquiries_begin, inquiries_end);
}
