/* What commands ask of key servers: the question as it is sent, and answers to something else. */
#include "keys/inquiry.h"
#include "tests/lib/key_server.h"

static struct company company;
static struct company_group finance;
static struct company_group sales;
static struct person admin;
static struct person bob;
static struct person mallory;
static struct key_server server;
static struct service *service;

/* What the server answers next, whatever it is asked. */
static struct bytes body;

static void will_say(const struct bytes *text)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&server);

	held->script = (struct key_server_script){.lease = 120, .body = text};
}

static void new_body(void)
{
	bytes_done(&body);
	body = BYTES_EMPTY;
	will_say(&body);
}

static struct certificate *certificate_of(const struct person *person)
{
	return company_certificate(&company, 0, person);
}

static void say_user(const char *name, struct certificate *certificate, const struct member_id *account)
{
	struct why why = WHY_NONE;
	struct user_answer answer = {.enabled = true, .certificate = certificate, .account = *account};

	new_body();
	(void)snprintf(answer.name, sizeof answer.name, "%s", name);
	assert_works(user_answer_write(&answer, &body, &why));
}

static enum fault ask_user(const char *name, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};

	return inquiry_user(service, name, &answer, why);
}

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
	say_user("bob", mallorys, &mallory_account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	say_user("bob", bobs, &mallory_account);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	say_user("bob", bobs, &bob_account);
	assert_works(ask_user("bob", &why));
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

static enum fault ask_group(const char *words, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;

	return inquiry_group(service, &company.organisation, words, &group, &object, why);
}

static void say_group(const struct company_group *group)
{
	struct why why = WHY_NONE;
	struct signed_object *object = group->object;

	new_body();
	assert_works(groups_answer_write(&(struct groups_answer){&object, 1}, true, &body, &why));
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

static enum fault ask_members(struct why *why)
{
	AUTO(members_answer_done) struct members_answer answer = {.count = 0};

	return inquiry_members(service, &finance.descriptor.id, &answer, why);
}

static void say_members(const struct member_id *group, const char *name, struct certificate *certificate)
{
	struct why why = WHY_NONE;
	struct members_answer_entry entry = {.certificate = certificate};

	new_body();
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	entry.account = certificate_account(certificate);
	assert_works(members_answer_write(&(struct members_answer){*group, &entry, 1}, &body, &why));
}

static void inquiry_members__are_those_of_the_group_with_their_own_keys(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	AUTO(certificate_free) struct certificate *mallorys = certificate_of(&mallory);
	say_members(&finance.descriptor.id, "bob", bobs);
	assert_works(ask_members(&why));
	say_members(&sales.descriptor.id, "bob", bobs);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	say_members(&finance.descriptor.id, "bob", mallorys);
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

static int begin(void **state)
{
	struct why why = WHY_NONE;
	struct keyring_server url = {.url = ""};
	(void)state;
	if (secret_start(&why) || service_global_start(&why))
		return -1;
	company = company_new(1);
	finance = company_group_new(&company, "finance", 1, 1);
	sales = company_group_new(&company, "sales", 1, 1);
	admin = person_new("admin");
	bob = person_new("bob");
	mallory = person_new("mallory");
	server = (struct key_server){.company = &company, .user = identity_public(admin.identity)};
	key_server_start(&server);
	memcpy(url.url, server.url, sizeof server.url);
	url.id = *person_id(&company.servers[0]);
	const struct keyring_organisation organisation = {.fingerprint = person_fingerprint(&company.root),
							  .object = company.object,
							  .organisation = company.organisation,
							  .servers = &url,
							  .server_count = 1};
	return service_new(&organisation, admin.identity, &service, &why) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	service_free(service);
	key_server_stop(&server);
	bytes_done(&body);
	company_group_done(&finance);
	company_group_done(&sales);
	person_done(&admin);
	person_done(&bob);
	person_done(&mallory);
	company_done(&company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inquiry_user__gives_who_was_asked_for),
		cmocka_unit_test(inquiry_user__sends_any_name_as_one_word),
		cmocka_unit_test(inquiry_user__refuses_somebody_else),
		cmocka_unit_test(inquiry_user__by_id_asks_for_the_id),
		cmocka_unit_test(inquiry_group__gives_the_group_asked_for),
		cmocka_unit_test(inquiry_group__refuses_another_group),
		cmocka_unit_test(inquiry_group__of_another_organisation_is_a_lie),
		cmocka_unit_test(inquiry_members__are_those_of_the_group_with_their_own_keys),
		cmocka_unit_test(inquiry__takes_problems_for_answers),
		cmocka_unit_test(inquiry_escrow__hands_over_what_is_sealed),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
