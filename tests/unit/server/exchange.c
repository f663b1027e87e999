/* The way of a request through the server: routes, proofs, refusals and what is written down of them. */
#include "server/exchange.h"

#include "tests/lib/servers.h"

static struct test_server *test;
static struct person alice;

static int set_up(void **state)
{
	(void)state;
	test = test_server_new(3);
	alice = test_server_user(test, "alice");
	fake_member(test->fake, "alice", &test->group.descriptor.id);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	person_done(&alice);
	test_server_done(test);
	clock_set_real();
	return 0;
}

static void assert_problem(enum problem_type expected, const struct test_answer *answer)
{
	if (!answer->is_problem)
		fail_msg("status %u, no problem: %s", answer->status, (const char *)answer->body.data);
	if (answer->problem.type != expected)
		fail_msg("%s, not %s: %s", problem_text(answer->problem.type), problem_text(expected),
			 answer->problem.detail);
	assert_int_equal(answer->status, problem_status(expected));
}

/* -- routes ------------------------------------------------------------------------------------ */

static void exchange__tells_missing_from_wrong_method(void **state)
{
	const struct http_request missing = test_request("GET", "/v1/nothing", NULL);
	const struct http_request method = test_request("DELETE", "/v1/unlock", NULL);

	(void)state;
	AUTO(test_answer_done) struct test_answer first = test_send(test, &missing, NULL);
	assert_problem(PROBLEM_MISSING, &first);
	assert_null(first.allow);
	AUTO(test_answer_done) struct test_answer second = test_send(test, &method, NULL);
	assert_problem(PROBLEM_METHOD, &second);
	assert_string_equal(second.allow, "POST");
}

static void exchange__organisation_is_open_to_everybody(void **state)
{
	const struct http_request request = test_request("GET", "/v1/organisation", NULL);
	AUTO(organisation_answer_done) struct organisation_answer read = {0};
	struct organisation organisation;
	struct policy policy;
	struct why why = WHY_NONE;

	(void)state;
	AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
	assert_int_equal(answer.status, 200);
	assert_works(organisation_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_works(organisation_read(read.organisation, &test->home.fingerprint, &organisation, &why));
	assert_works(policy_read(read.policy, &organisation, &policy, &why));
	assert_true(member_id_equal(&read.server, &identity_public(test->home.identity)->id));
	assert_true(llabs(read.time_ms - clock_wall_ms()) < 10000);
}

static void exchange__policy_of_an_administrator_holds_at_once(void **state)
{
	const struct http_request request = test_request("GET", "/v1/organisation", NULL);

	(void)state;
	test->policy.version = 2;
	test->policy.lease = 7;
	test->policy.cache_positive = 3;
	test->policy.cache_negative = 1;
	test_server_write_policy(test);
	AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
	AUTO(organisation_answer_done) struct organisation_answer read = {0};
	struct policy policy;
	struct why why = WHY_NONE;
	assert_works(organisation_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_works(policy_read(read.policy, &test->company.organisation, &policy, &why));
	assert_int_equal(policy.lease, 7);
	assert_int_equal(test->fake->yes_ms, 3000);
	assert_int_equal(test->fake->no_ms, 1000);
}

static void exchange__metrics_are_for_this_machine(void **state)
{
	struct http_request request = test_request("GET", "/metrics", NULL);

	(void)state;
	AUTO(test_answer_done) struct test_answer far = test_send(test, &request, NULL);
	assert_problem(PROBLEM_MISSING, &far);
	request.is_local = true;
	AUTO(test_answer_done) struct test_answer near = test_send(test, &request, NULL);
	assert_int_equal(near.status, 200);
	assert_non_null(
		strstr((const char *)near.body.data,
		       "\nfsenc_requests_total{method=\"GET\",route=\"/metrics\",status=\"4xx\"} 1\n"));
	assert_non_null(strstr((const char *)near.body.data, "\nfsenc_request_seconds_count 1\n"));
}

/* Nothing that names somebody: not in any label, whatever was asked. */
static void exchange__metrics_name_nobody(void **state)
{
	struct http_request request = test_request("GET", "/metrics", NULL);
	char account[ID_TEXT_SIZE];
	struct unlock_request unlock = test_unlock(test, 1);

	(void)state;
	AUTO(test_answer_done) struct test_answer unlocked = test_ask_unlock(test, &alice, &unlock);
	(void)test_read_unlock(test, &unlock, &unlocked);
	AUTO(test_answer_done)
	struct test_answer user = test_ask(test, &alice, "GET", "/v1/users?name=alice", NULL);
	assert_int_equal(user.status, 200);
	request.is_local = true;
	AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
	const char *text = (const char *)answer.body.data;
	member_id_text(&fake_find_name(test->fake, "alice")->id, account);
	assert_null(strstr(text, "alice"));
	assert_null(strstr(text, "finance"));
	assert_null(strstr(text, account));
	assert_null(strstr(text, "192.0.2.1"));
	assert_non_null(strstr(text, "\nfsenc_points_unlocked_total 1\n"));
}

/* -- proofs ------------------------------------------------------------------------------------- */

static void exchange__every_signed_route_wants_a_signature(void **state)
{
	char target[100];

	(void)state;
	for (size_t i = 0; routes[i].method; i++) {
		if (routes[i].proof == ROUTE_OPEN || routes[i].proof == ROUTE_LOCAL)
			continue;
		/* "*" becomes an id, and what must be named is */
		const char *star = strchr(routes[i].pattern, '*');
		int before = star ? (int)(star - routes[i].pattern) : (int)strlen(routes[i].pattern);
		(void)snprintf(target, sizeof target, "%.*s%s%s%s", before, routes[i].pattern,
			       star ? "00112233445566778899aabbccddeeff" : "", star ? star + 1 : "",
			       routes[i].query == ROUTE_MUST_NAME ? "?name=x" : "");
		const struct http_request request = test_request(routes[i].method, target, NULL);
		AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
		assert_problem(PROBLEM_SIGNATURE, &answer);
		assert_false(answer.is_signed);
	}
}

static void exchange__refuses_a_clock_that_is_off(void **state)
{
	const int64_t now = clock_wall_ms();
	static const int64_t off[] = {REQUEST_CLOCK_MS + 60000, -REQUEST_CLOCK_MS - 60000, INT64_C(1) << 48};

	(void)state;
	for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
		AUTO(test_answer_done)
		struct test_answer answer = test_ask_at(test, &alice, "GET", "/v1/groups", NULL,
							now + off[i]);
		assert_problem(PROBLEM_CLOCK, &answer);
	}
	AUTO(test_answer_done)
	struct test_answer answer = test_ask_at(test, &alice, "GET", "/v1/groups", NULL, 0);
	assert_problem(PROBLEM_CLOCK, &answer);
}

static void exchange__takes_a_clock_that_is_a_little_off(void **state)
{
	const int64_t now = clock_wall_ms();

	(void)state;
	for (int64_t off = -REQUEST_CLOCK_MS + 5000; off <= REQUEST_CLOCK_MS - 5000; off += 59000) {
		AUTO(test_answer_done)
		struct test_answer answer = test_ask_at(test, &alice, "GET", "/v1/groups", NULL, now + off);
		assert_int_equal(answer.status, 200);
	}
}

static void exchange__refuses_a_replay(void **state)
{
	struct why why = WHY_NONE;
	const struct request_subject subject = test_subject(test, "GET", "/v1/groups", NULL);
	struct http_request request = test_request("GET", "/v1/groups", NULL);
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;

	(void)state;
	assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
	request.authorization = header;
	AUTO(test_answer_done) struct test_answer first = test_send(test, &request, &digest);
	assert_int_equal(first.status, 200);
	AUTO(test_answer_done) struct test_answer second = test_send(test, &request, &digest);
	assert_problem(PROBLEM_REPLAY, &second);
	assert_int_equal(test_audit_count(test, "\"replay\""), 1);
}

static void exchange__refuses_a_key_it_does_not_know(void **state)
{
	AUTO(person_done) struct person mallory = person_new("mallory");

	(void)state;
	AUTO(test_answer_done)
	struct test_answer answer = test_ask(test, &mallory, "GET", "/v1/groups", NULL);
	assert_problem(PROBLEM_UNKNOWN_KEY, &answer);
}

static void exchange__refuses_a_revoked_key_from_the_next_request_on(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	AUTO(test_answer_done) struct test_answer before = test_ask(test, &alice, "GET", "/v1/groups", NULL);
	assert_int_equal(before.status, 200);
	assert_works(
		store_certificate_revoke(test->home.store, &fake_find_name(test->fake, "alice")->id, &why));
	AUTO(test_answer_done) struct test_answer after = test_ask(test, &alice, "GET", "/v1/groups", NULL);
	assert_problem(PROBLEM_UNKNOWN_KEY, &after);
}

static void exchange__refuses_a_key_that_another_has_replaced(void **state)
{
	AUTO(person_done) struct person other = person_new("alice");

	(void)state;
	test_server_certify(test, &other, &fake_find_name(test->fake, "alice")->id, 2);
	AUTO(test_answer_done) struct test_answer old = test_ask(test, &alice, "GET", "/v1/groups", NULL);
	assert_problem(PROBLEM_UNKNOWN_KEY, &old);
	AUTO(test_answer_done) struct test_answer new = test_ask(test, &other, "GET", "/v1/groups", NULL);
	assert_int_equal(new.status, 200);
}

/* Mallory is enrolled, and signs with his own key that he is Alice. */
static void exchange__refuses_another_users_id(void **state)
{
	AUTO(person_done) struct person mallory = test_server_user(test, "mallory");
	AUTO(person_done) struct person claims = {0};
	struct why why = WHY_NONE;
	struct identity *identity = NULL;

	(void)state;
	assert_works(identity_restore(person_id(&alice), "alice", identity_private_bytes(mallory.identity),
				      &identity, &why));
	claims = person_of(identity);
	AUTO(test_answer_done) struct test_answer answer = test_ask(test, &claims, "GET", "/v1/groups", NULL);
	assert_problem(PROBLEM_UNKNOWN_KEY, &answer);
}

/* Changes one character of the part of the header that begins after `blanks` blanks. */
static void change_part(char *header, int blanks)
{
	while (blanks-- > 0)
		header = strchr(header, ' ') + 1;
	*header = *header == 'A' ? 'B' : 'A';
}

static void exchange__refuses_a_signature_for_anything_else(void **state)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done)
	struct bytes body = bytes_of("{\"groups\":[]}"), other = bytes_of("{\"groups\":[ ]}");
	const struct request_subject subject = test_subject(test, "POST", "/v1/lease", &body);
	const struct http_request wrong[] = {
		test_request("POST", "/v1/lease", &other),
		test_request("POST", "/v1/heads", &body),
		test_request("POST", "/v1/lease", NULL),
	};
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct http_request request = wrong[i];
		assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
		request.authorization = header;
		AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, &digest);
		assert_problem(PROBLEM_SIGNATURE, &answer);
	}
	assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
	change_part(header, 5);
	struct http_request request = test_request("POST", "/v1/lease", &body);
	request.authorization = header;
	AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
	assert_problem(PROBLEM_SIGNATURE, &answer);
	assert_true(answer.is_signed);
}

static void exchange__tells_that_a_request_is_for_another_server(void **state)
{
	struct why why = WHY_NONE;
	struct request_subject subject = test_subject(test, "GET", "/v1/groups", NULL);
	struct http_request request = test_request("GET", "/v1/groups", NULL);
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;

	(void)state;
	subject.server = test->company.organisation.servers[2].id;
	assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
	request.authorization = header;
	AUTO(test_answer_done) struct test_answer known = test_send(test, &request, &digest);
	assert_problem(PROBLEM_OTHER_SERVER, &known);
	subject.server = id_of(99);
	assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
	AUTO(test_answer_done) struct test_answer unknown = test_send(test, &request, &digest);
	assert_problem(PROBLEM_SIGNATURE, &unknown);
}

static void exchange__refuses_a_header_of_another_form(void **state)
{
	static const char *const wrong[] = {
		"", "v1", "v2 a b c d e", "Bearer abc", "v1 00 00 0 00 00", "v1  a b c d e"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct http_request request = test_request("GET", "/v1/groups", NULL);
		request.authorization = wrong[i];
		AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
		assert_problem(PROBLEM_MALFORMED, &answer);
		assert_false(answer.is_signed);
	}
}

/* Whoever has no key must not be able to use up the nonces of who has. */
static void exchange__forged_request_uses_up_no_nonce(void **state)
{
	struct why why = WHY_NONE;
	const struct request_subject subject = test_subject(test, "GET", "/v1/groups", NULL);
	struct http_request request = test_request("GET", "/v1/groups", NULL);
	char header[REQUEST_HEADER_SIZE], forged[REQUEST_HEADER_SIZE];
	struct digest digest;

	(void)state;
	assert_works(request_sign(&subject, alice.identity, clock_wall_ms(), header, &digest, &why));
	memcpy(forged, header, sizeof forged);
	change_part(forged, 5);
	request.authorization = forged;
	AUTO(test_answer_done) struct test_answer first = test_send(test, &request, NULL);
	assert_problem(PROBLEM_SIGNATURE, &first);
	request.authorization = header;
	AUTO(test_answer_done) struct test_answer second = test_send(test, &request, &digest);
	assert_int_equal(second.status, 200);
}

/* -- bodies ---------------------------------------------------------------------------------------- */

static const char *const bad_bodies[] = {
	"",
	"null",
	"[]",
	"{}",
	"{\"groups\":null}",
	"{\"groups\":[],\"groups\":[]}",
	"{\"groups\":[],\"x\":1}",
	"{\"groups\":[\"zz\"]}",
	"{\"groups\":[1]}",
	"\xff\xfe",
	"{\"groups\":[]}x",
	"{\"groups\":[",
};

static void exchange__refuses_bodies_that_are_not_what_they_should_be(void **state)
{
	static const char *const posts[] = {"/v1/unlock", "/v1/lease", "/v1/heads", "/v1/recovery-token",
					    "/v1/enroll"};

	(void)state;
	for (size_t post = 0; post < sizeof posts / sizeof *posts; post++)
		for (size_t i = 0; i < sizeof bad_bodies / sizeof *bad_bodies; i++) {
			AUTO(bytes_done) struct bytes body = bytes_of(bad_bodies[i]);
			AUTO(test_answer_done)
			struct test_answer answer = test_ask(test, &alice, "POST", posts[post], &body);
			assert_problem(PROBLEM_MALFORMED, &answer);
		}
}

/* What a parser says of bytes that it cannot read holds some of them. */
static void exchange__problem_can_be_read_whatever_caused_it(void **state)
{
	static const char *const wrong[] = {"{\"groups\":[\"\x01\x02\"]}", "{\"groups\":\xff\xfe}",
					    "{\"\xc2\x9bgroups\xc3\xa4\":1}", "{\"groups\":\x7f\x1b[31m}"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		AUTO(bytes_done) struct bytes body = bytes_of(wrong[i]);
		AUTO(test_answer_done)
		struct test_answer answer = test_ask(test, &alice, "POST", "/v1/lease", &body);
		assert_problem(PROBLEM_MALFORMED, &answer);
	}
}

/* Before anybody is known, and so before any parser: nobody can make a parser recurse. */
static void exchange__refuses_what_is_nested_too_deeply_unread(void **state)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	AUTO(person_done) struct person mallory = person_new("mallory");
	struct why why = WHY_NONE;

	(void)state;
	for (int i = 0; i < 50000; i++)
		assert_works(bytes_append(&body, "[", 1, &why));
	AUTO(test_answer_done)
	struct test_answer answer = test_ask(test, &mallory, "POST", "/v1/unlock", &body);
	assert_problem(PROBLEM_MALFORMED, &answer);
}

static void exchange__refuses_what_http_refuses(void **state)
{
	struct http_request request = test_request("POST", "/v1/unlock", NULL);

	(void)state;
	request.refusal = HTTP_FRAMING;
	AUTO(test_answer_done) struct test_answer framing = test_send(test, &request, NULL);
	assert_problem(PROBLEM_FRAMING, &framing);
	request.refusal = HTTP_TOO_LARGE;
	AUTO(test_answer_done) struct test_answer large = test_send(test, &request, NULL);
	assert_problem(PROBLEM_TOO_LARGE, &large);
	request.refusal = HTTP_CROWDED;
	AUTO(test_answer_done) struct test_answer crowded = test_send(test, &request, NULL);
	assert_problem(PROBLEM_LIMIT, &crowded);
	assert_int_equal(test_audit_count(test, "\"action\":\"request\",\"decision\":\"refused\""), 3);
}

static void exchange__body_limits_are_those_of_the_routes(void **state)
{
	(void)state;
	assert_int_equal(exchange_body_limit(NULL, "POST", "/v1/unlock"), UNLOCK_BODY_MAX);
	assert_int_equal(exchange_body_limit(NULL, "POST", "/v1/lease"), MESSAGE_BODY_MAX);
	assert_int_equal(exchange_body_limit(NULL, "GET", "/v1/groups"), 0);
	assert_true(exchange_body_limit(NULL, "PUT", "/nowhere") <= MESSAGE_BODY_MAX);
}

/* -- the audit --------------------------------------------------------------------------------------- */

static void exchange__refusals_do_not_fill_the_audit(void **state)
{
	const struct http_request request = test_request("GET", "/v1/groups", NULL);

	(void)state;
	for (int i = 0; i < REFUSALS_AUDITED + 50; i++) {
		AUTO(test_answer_done) struct test_answer answer = test_send(test, &request, NULL);
		assert_problem(PROBLEM_SIGNATURE, &answer);
	}
	assert_int_equal(test_audit_count(test, "\"signature\""), REFUSALS_AUDITED);
	assert_int_equal(atomic_load(&test->server->metrics.counts[METRICS_UNAUDITED]), 50);
}

static void exchange__audit_row_says_who_and_whence(void **state)
{
	AUTO(bytes_done) struct bytes body = bytes_of("{}");

	(void)state;
	AUTO(test_answer_done) struct test_answer answer = test_ask(test, &alice, "POST", "/v1/lease", &body);
	assert_problem(PROBLEM_MALFORMED, &answer);
	assert_int_equal(test_audit_count(test, "\"user\":\"alice\""), 1);
	assert_int_equal(test_audit_count(test, "\"peer\":\"192.0.2.1\""), 1);
}

/* -- health -------------------------------------------------------------------------------------------- */

static void exchange__is_ready_when_the_directory_answers(void **state)
{
	const struct http_request ready = test_request("GET", "/readyz", NULL);
	const struct http_request up = test_request("GET", "/healthz", NULL);

	(void)state;
	AUTO(test_answer_done) struct test_answer yes = test_send(test, &ready, NULL);
	assert_int_equal(yes.status, 200);
	atomic_store(&test->fake->has_failed, true);
	AUTO(test_answer_done) struct test_answer no = test_send(test, &ready, NULL);
	assert_int_equal(no.status, 503);
	AUTO(test_answer_done) struct test_answer alive = test_send(test, &up, NULL);
	assert_int_equal(alive.status, 200);
	assert_string_equal((const char *)alive.body.data, "{}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(exchange__tells_missing_from_wrong_method),
		TEST(exchange__organisation_is_open_to_everybody),
		TEST(exchange__policy_of_an_administrator_holds_at_once),
		TEST(exchange__metrics_are_for_this_machine),
		TEST(exchange__metrics_name_nobody),
		TEST(exchange__every_signed_route_wants_a_signature),
		TEST(exchange__refuses_a_clock_that_is_off),
		TEST(exchange__takes_a_clock_that_is_a_little_off),
		TEST(exchange__refuses_a_replay),
		TEST(exchange__refuses_a_key_it_does_not_know),
		TEST(exchange__refuses_a_revoked_key_from_the_next_request_on),
		TEST(exchange__refuses_a_key_that_another_has_replaced),
		TEST(exchange__refuses_another_users_id),
		TEST(exchange__refuses_a_signature_for_anything_else),
		TEST(exchange__tells_that_a_request_is_for_another_server),
		TEST(exchange__refuses_a_header_of_another_form),
		TEST(exchange__forged_request_uses_up_no_nonce),
		TEST(exchange__refuses_bodies_that_are_not_what_they_should_be),
		TEST(exchange__problem_can_be_read_whatever_caused_it),
		TEST(exchange__refuses_what_is_nested_too_deeply_unread),
		TEST(exchange__refuses_what_http_refuses),
		TEST(exchange__body_limits_are_those_of_the_routes),
		TEST(exchange__refusals_do_not_fill_the_audit),
		TEST(exchange__audit_row_says_who_and_whence),
		TEST(exchange__is_ready_when_the_directory_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
