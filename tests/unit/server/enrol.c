/* How a key becomes known: by a code, by a password, by the word of the key before, by an administrator. */
#include "keys/succession.h"
#include "server/code.h"
#include "tests/lib/servers.h"

static struct test_server *test;
static struct person alice;
static char code[TOKEN_TEXT_SIZE];

static const struct member_id *account_of(const char *name)
{
	return &fake_find_name(test->fake, name)->id;
}

static void new_code(const char *name)
{
	struct why why = WHY_NONE;

	assert_works(
		code_new(test->home.store, account_of(name), clock_wall_ms() / MS_PER_SECOND, code, &why));
}

static int begin(size_t servers)
{
	test = test_server_new(servers);
	(void)fake_user(test->fake, "alice", true);
	(void)fake_user(test->fake, "bob", true);
	(void)snprintf(test->fake->passwords[0], sizeof test->fake->passwords[0], "open sesame");
	alice = person_new("alice");
	new_code("alice");
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return begin(1);
}

static int set_up_of_three(void **state)
{
	(void)state;
	return begin(3);
}

static int tear_down(void **state)
{
	(void)state;
	person_done(&alice);
	test_server_done(test);
	clock_set_real();
	return 0;
}

/* What a client sends, before anything is made wrong in it. */
static struct enrol_request request_of(const struct person *person, const char *user)
{
	struct enrol_request request = {0};
	struct why why = WHY_NONE;
	const struct organisation_id organisation = company_id(&test->company);

	(void)snprintf(request.user, sizeof request.user, "%s", user);
	(void)snprintf(request.code, sizeof request.code, "%s", code);
	assert_works(certificate_copy(person->certificate, &request.certificate, &why));
	enrol_proof_sign(&organisation, user, person->identity, &identity_public(test->home.identity)->id,
			 request.proof);
	return request;
}

static struct test_answer send_as(const struct person *sender, const struct enrol_request *request)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct why why = WHY_NONE;

	assert_works(enrol_request_write(request, &body, &why));
	return test_ask(test, sender, "POST", "/v1/enroll", &body);
}

static void assert_problem(enum problem_type expected, const struct test_answer *answer)
{
	if (!answer->is_problem)
		fail_msg("status %u, no problem: %s", answer->status, (const char *)answer->body.data);
	if (answer->problem.type != expected)
		fail_msg("%s, not %s: %s", problem_text(answer->problem.type), problem_text(expected),
			 answer->problem.detail);
}

static void assert_refused(enum problem_type expected, const struct person *sender,
			   const struct enrol_request *request)
{
	AUTO(test_answer_done) struct test_answer answer = send_as(sender, request);

	assert_problem(expected, &answer);
}

/* The certificate's serial; the certificate and all that comes with it hold. */
static uint64_t enrolled(const struct person *person, const char *user, const struct enrol_request *request)
{
	AUTO(test_answer_done) struct test_answer answer = send_as(person, request);
	AUTO(enrol_answer_done) struct enrol_answer read = {0};
	struct organisation organisation;
	struct policy policy;
	struct why why = WHY_NONE;

	if (answer.status != 200)
		fail_msg("status %u: %s", answer.status, (const char *)answer.body.data);
	assert_works(enrol_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_works(organisation_read(read.organisation, &test->home.fingerprint, &organisation, &why));
	assert_works(policy_read(read.policy, &organisation, &policy, &why));
	assert_works(certificate_verify_in(read.certificate, &organisation, &why));
	const struct fingerprint mine = person_fingerprint(person),
				 certified = certificate_fingerprint(read.certificate);
	assert_true(fingerprint_equal(&mine, &certified));
	assert_string_equal(certificate_identity(read.certificate)->name, user);
	assert_true(member_id_equal(&read.account, account_of(user)));
	return certificate_serial(read.certificate);
}

static uint32_t pending(const struct person *person, const struct enrol_request *request)
{
	AUTO(test_answer_done) struct test_answer answer = send_as(person, request);
	AUTO(enrol_answer_done) struct enrol_answer read = {0};
	struct why why = WHY_NONE;

	if (answer.status != 202)
		fail_msg("status %u: %s", answer.status, (const char *)answer.body.data);
	assert_works(enrol_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_null(read.certificate);
	return read.pending;
}

/* Is the key good for a request? */
static bool is_known(const struct person *person)
{
	AUTO(test_answer_done) struct test_answer answer = test_ask(test, person, "GET", "/v1/groups", NULL);

	return answer.status == 200;
}

/* -- codes ------------------------------------------------------------------------------------- */

static void enrol__code_makes_a_key_known(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)state;
	assert_false(is_known(&alice));
	assert_int_equal(enrolled(&alice, "alice", &request), 1);
	assert_true(is_known(&alice));
	assert_int_equal(test_audit_count(test, "\"action\":\"enroll\",\"decision\":\"granted\""), 1);
}

static void enrol__code_counts_once(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");
	AUTO(person_done) struct person other = person_new("alice");
	AUTO(enrol_request_done) struct enrol_request again = request_of(&other, "alice");

	(void)state;
	(void)enrolled(&alice, "alice", &request);
	assert_refused(PROBLEM_CODE, &other, &again);
	assert_refused(PROBLEM_CODE, &alice, &request);
	assert_false(is_known(&other));
}

/* Wrong code, another's code, a name that nobody has, a name in other letters: one answer for all. */
static void enrol__wrong_code_and_unknown_name_look_alike(void **state)
{
	AUTO(person_done) struct person bob = person_new("bob"), nobody = person_new("nobody");
	AUTO(enrol_request_done) struct enrol_request other = request_of(&bob, "bob");
	AUTO(enrol_request_done) struct enrol_request unknown = request_of(&nobody, "nobody");
	AUTO(enrol_request_done) struct enrol_request wrong = request_of(&alice, "alice");
	AUTO(enrol_request_done) struct enrol_request right = request_of(&alice, "alice");

	(void)state;
	(void)snprintf(wrong.code, sizeof wrong.code, "no code at all");
	assert_refused(PROBLEM_CODE, &bob, &other);
	assert_refused(PROBLEM_CODE, &nobody, &unknown);
	assert_refused(PROBLEM_CODE, &alice, &wrong);
	(void)enrolled(&alice, "alice", &right);
}

static void enrol__lost_answer_is_given_again_for_another_code(void **state)
{
	AUTO(enrol_request_done) struct enrol_request first = request_of(&alice, "alice");

	(void)state;
	assert_int_equal(enrolled(&alice, "alice", &first), 1);
	new_code("alice");
	AUTO(enrol_request_done) struct enrol_request second = request_of(&alice, "alice");
	assert_int_equal(enrolled(&alice, "alice", &second), 1);
}

static void enrol__expired_code_is_none(void **state)
{
	const int64_t now = clock_wall_ms();
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)state;
	clock_set_fake(clock_boot_ms(), now + (int64_t)(STORE_CODE_LIFE + 1) * MS_PER_SECOND);
	assert_refused(PROBLEM_CODE, &alice, &request);
}

static void enrol__account_that_is_off_gets_no_key(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)state;
	fake_find_name(test->fake, "alice")->enabled = false;
	assert_refused(PROBLEM_DISABLED, &alice, &request);
	fake_find_name(test->fake, "alice")->enabled = true;
	(void)enrolled(&alice, "alice", &request);
}

static void enrol__uses_up_no_code_while_the_directory_is_down(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)state;
	atomic_store(&test->fake->is_down, true);
	assert_refused(PROBLEM_DIRECTORY, &alice, &request);
	atomic_store(&test->fake->is_down, false);
	(void)enrolled(&alice, "alice", &request);
}

/* Each of them asks the directory: strangers must not be able to keep it busy. */
static void enrol__failures_of_one_address_are_limited(void **state)
{
	AUTO(enrol_request_done) struct enrol_request wrong = request_of(&alice, "alice");
	AUTO(enrol_request_done) struct enrol_request right = request_of(&alice, "alice");

	(void)state;
	(void)snprintf(wrong.code, sizeof wrong.code, "no code at all");
	for (int i = 0; i < 600; i++)
		assert_refused(PROBLEM_CODE, &alice, &wrong);
	const unsigned asked = atomic_load(&test->fake->asked);
	assert_refused(PROBLEM_LIMIT, &alice, &wrong);
	assert_int_equal(atomic_load(&test->fake->asked), asked);
	clock_set_fake(clock_boot_ms() + 3600000, clock_wall_ms());
	(void)enrolled(&alice, "alice", &right);
}

/* -- proofs --------------------------------------------------------------------------------------- */

/* Mallory has seen Alice's certificate, which is public, and her code. */
static void enrol__needs_the_key_that_is_enrolled(void **state)
{
	AUTO(person_done) struct person mallory = person_new("mallory");
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)state;
	assert_refused(PROBLEM_UNKNOWN_KEY, &mallory, &request);
	(void)enrolled(&alice, "alice", &request);
}

/* The proof is for one account, one server, one organisation. */
static void enrol__proof_for_anything_else_counts_nothing(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");
	struct organisation_id organisation = company_id(&test->company);
	const struct member_id server = identity_public(test->home.identity)->id, other = id_of(9);

	(void)state;
	enrol_proof_sign(&organisation, "bob", alice.identity, &server, request.proof);
	assert_refused(PROBLEM_SIGNATURE, &alice, &request);
	enrol_proof_sign(&organisation, "alice", alice.identity, &other, request.proof);
	assert_refused(PROBLEM_SIGNATURE, &alice, &request);
	organisation.bytes[0] ^= 1;
	enrol_proof_sign(&organisation, "alice", alice.identity, &server, request.proof);
	assert_refused(PROBLEM_SIGNATURE, &alice, &request);
}

static void enrol__key_of_another_account_is_a_conflict(void **state)
{
	AUTO(enrol_request_done) struct enrol_request first = request_of(&alice, "alice");

	(void)state;
	(void)enrolled(&alice, "alice", &first);
	new_code("bob");
	AUTO(enrol_request_done) struct enrol_request second = request_of(&alice, "bob");
	assert_refused(PROBLEM_CONFLICT, &alice, &second);
}

/* -- passwords --------------------------------------------------------------------------------------- */

static struct enrol_request by_password(const char *password)
{
	struct enrol_request request = request_of(&alice, "alice");

	request.code[0] = '\0';
	(void)snprintf(request.password, sizeof request.password, "%s", password);
	return request;
}

static void enrol__password_of_the_directory_makes_a_key_known(void **state)
{
	AUTO(enrol_request_done) struct enrol_request wrong = by_password("open barley");
	AUTO(enrol_request_done) struct enrol_request right = by_password("open sesame");

	(void)state;
	assert_refused(PROBLEM_CODE, &alice, &wrong);
	assert_int_equal(enrolled(&alice, "alice", &right), 1);
	assert_int_equal(test_audit_count(test, "sesame"), 0);
	assert_int_equal(test_audit_count(test, "barley"), 0);
}

static void enrol__wrong_passwords_are_limited(void **state)
{
	AUTO(enrol_request_done) struct enrol_request wrong = by_password("open barley");
	AUTO(enrol_request_done) struct enrol_request right = by_password("open sesame");

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_refused(PROBLEM_CODE, &alice, &wrong);
	assert_refused(PROBLEM_LIMIT, &alice, &right);
	clock_set_fake(clock_boot_ms() + 3600000, clock_wall_ms());
	(void)enrolled(&alice, "alice", &right);
}

/* With several servers one could enrol at the others with it. */
static void enrol__password_is_not_taken_by_one_of_several_servers(void **state)
{
	AUTO(enrol_request_done) struct enrol_request request = by_password("open sesame");

	(void)state;
	const unsigned asked = atomic_load(&test->fake->asked);
	assert_refused(PROBLEM_CODE, &alice, &request);
	assert_int_equal(atomic_load(&test->fake->asked), asked);
}

/* -- a second key --------------------------------------------------------------------------------------- */

static void enrol_alice(void)
{
	AUTO(enrol_request_done) struct enrol_request request = request_of(&alice, "alice");

	(void)enrolled(&alice, "alice", &request);
	new_code("alice");
}

/* With the word of an old key, or without. */
static struct enrol_request further(const struct person *person, const struct identity *old_key)
{
	struct enrol_request request = request_of(person, "alice");
	const struct organisation_id organisation = company_id(&test->company);
	const struct fingerprint next = person_fingerprint(person);
	struct why why = WHY_NONE;

	if (old_key)
		assert_works(succession_sign(&organisation, &next, old_key, &request.previous, &why));
	return request;
}

static void enrol__second_key_by_the_word_of_the_first(void **state)
{
	AUTO(person_done) struct person next = person_new("alice");

	(void)state;
	enrol_alice();
	AUTO(enrol_request_done) struct enrol_request request = further(&next, alice.identity);
	assert_int_equal(enrolled(&next, "alice", &request), 2);
	assert_true(is_known(&next));
	assert_false(is_known(&alice));
}

static void enrol__word_of_another_key_counts_nothing(void **state)
{
	AUTO(person_done) struct person next = person_new("alice"), mallory = person_new("mallory");

	(void)state;
	enrol_alice();
	AUTO(enrol_request_done) struct enrol_request request = further(&next, mallory.identity);
	assert_refused(PROBLEM_APPROVAL, &next, &request);
	assert_true(is_known(&alice));
}

static void enrol__word_of_a_revoked_key_counts_nothing(void **state)
{
	AUTO(person_done) struct person next = person_new("alice");
	struct why why = WHY_NONE;

	(void)state;
	enrol_alice();
	assert_works(store_certificate_revoke(test->home.store, account_of("alice"), &why));
	AUTO(enrol_request_done) struct enrol_request request = further(&next, alice.identity);
	assert_refused(PROBLEM_APPROVAL, &next, &request);
}

static void enrol__second_key_waits_for_approval_and_its_delay(void **state)
{
	AUTO(person_done) struct person next = person_new("alice");
	struct why why = WHY_NONE;
	const int64_t now = clock_wall_ms() / MS_PER_SECOND, boot = clock_boot_ms();
	const struct fingerprint fingerprint = person_fingerprint(&next);

	(void)state;
	enrol_alice();
	AUTO(enrol_request_done) struct enrol_request request = further(&next, NULL);
	assert_int_equal(pending(&next, &request), test->policy.approve_delay);
	assert_int_equal(test_audit_count(test, "\"reason\":\"approval\""), 1);
	/* asked again, before anybody has decided: the code is used, the key is what counts */
	assert_int_equal(pending(&next, &request), test->policy.approve_delay);
	assert_works(store_approval_grant(test->home.store, account_of("alice"), &fingerprint, now,
					  now + 1000, &why));
	clock_set_fake(boot, (now + 400) * MS_PER_SECOND);
	assert_int_equal(pending(&next, &request), 600);
	assert_true(is_known(&alice));
	clock_set_fake(boot, (now + 1000) * MS_PER_SECOND);
	assert_int_equal(enrolled(&next, "alice", &request), 2);
	assert_true(is_known(&next));
	assert_false(is_known(&alice));
}

static void enrol__approval_is_for_one_key(void **state)
{
	AUTO(person_done) struct person next = person_new("alice"), mallory = person_new("alice");
	struct why why = WHY_NONE;
	const int64_t now = clock_wall_ms() / MS_PER_SECOND;
	const struct fingerprint fingerprint = person_fingerprint(&next);

	(void)state;
	enrol_alice();
	AUTO(enrol_request_done) struct enrol_request request = further(&next, NULL);
	(void)pending(&next, &request);
	assert_works(
		store_approval_grant(test->home.store, account_of("alice"), &fingerprint, now, now, &why));
	AUTO(enrol_request_done) struct enrol_request other = further(&mallory, NULL);
	assert_refused(PROBLEM_CODE, &mallory, &other);
	assert_int_equal(enrolled(&next, "alice", &request), 2);
}

/* Nobody may put a key before an administrator without a code. */
static void enrol__wrong_code_asks_nobody_for_approval(void **state)
{
	AUTO(person_done) struct person mallory = person_new("alice");
	struct stored_approval approval;
	struct why why = WHY_NONE;

	(void)state;
	enrol_alice();
	AUTO(enrol_request_done) struct enrol_request request = further(&mallory, NULL);
	(void)snprintf(request.code, sizeof request.code, "no code");
	assert_refused(PROBLEM_CODE, &mallory, &request);
	assert_fault(FAULT_MISSING,
		     store_approval_find(test->home.store, account_of("alice"), &approval, &why));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(enrol__code_makes_a_key_known),
		TEST(enrol__code_counts_once),
		TEST(enrol__wrong_code_and_unknown_name_look_alike),
		TEST(enrol__lost_answer_is_given_again_for_another_code),
		TEST(enrol__expired_code_is_none),
		TEST(enrol__account_that_is_off_gets_no_key),
		TEST(enrol__uses_up_no_code_while_the_directory_is_down),
		TEST(enrol__failures_of_one_address_are_limited),
		TEST(enrol__needs_the_key_that_is_enrolled),
		TEST(enrol__proof_for_anything_else_counts_nothing),
		TEST(enrol__key_of_another_account_is_a_conflict),
		TEST(enrol__password_of_the_directory_makes_a_key_known),
		TEST(enrol__wrong_passwords_are_limited),
		cmocka_unit_test_setup_teardown(enrol__password_is_not_taken_by_one_of_several_servers,
						set_up_of_three, tear_down),
		TEST(enrol__second_key_by_the_word_of_the_first),
		TEST(enrol__word_of_another_key_counts_nothing),
		TEST(enrol__word_of_a_revoked_key_counts_nothing),
		TEST(enrol__second_key_waits_for_approval_and_its_delay),
		TEST(enrol__approval_is_for_one_key),
		TEST(enrol__wrong_code_asks_nobody_for_approval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
