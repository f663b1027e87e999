/* Asking a key server: what counts as an answer, and that nothing takes longer than the deadline. */
#include "tests/lib/asking.h"

/* -- URLs ------------------------------------------------------------------------------- */

static void url__is_https_with_host_and_port_alone(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"keys.example.com",
		"https://",
		"https:///",
		"ftp://keys.example.com",
		"file:///etc/passwd",
		"https://keys.example.com/path",
		"https://keys.example.com/?query",
		"https://keys.example.com/#part",
		"https://user@keys.example.com",
		"https://user:word@keys.example.com",
		"https://keys.example.com:0",
		"https://keys.example.com:65536",
		"https://keys.example.com:x",
		"https://keys example.com",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct why why = WHY_NONE;
		struct service_url url;
		if (service_url_parse(bad[i], &url, &why) != FAULT_USAGE)
			fail_msg("taken: %s", bad[i]);
	}
}

static void url__has_one_form_and_shows_only_an_unusual_port(void **state)
{
	(void)state;
	static const struct {
		const char *given, *text, *shown;
	} good[] = {
		{"https://keys.example.com", "https://keys.example.com:443", "keys.example.com"},
		{"HTTPS://Keys.Example.Com:443/", "https://Keys.Example.Com:443", "Keys.Example.Com"},
		{"https://10.0.0.1:8443", "https://10.0.0.1:8443", "10.0.0.1:8443"},
		{"https://[::1]:8443", "https://[::1]:8443", "[::1]:8443"},
		{"http://127.0.0.1:80", "http://127.0.0.1:80", "127.0.0.1:80"},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct why why = WHY_NONE;
		struct service_url url;
		assert_works(service_url_parse(good[i].given, &url, &why));
		assert_string_equal(url.text, good[i].text);
		assert_string_equal(url.shown, good[i].shown);
	}
}

static void url__without_tls_reaches_this_machine_alone(void **state)
{
	(void)state;
	set_names((struct names){.addresses = {"192.0.2.1"}});
	AUTO(service_free) struct service *service = service_at("http://keys.test:80");
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_IDENTITY);
	assert_non_null(strstr(result.why.text, "TLS"));
	assert_true(result.took_ms < SLACK_MS);
}

/* -- what counts as an answer ----------------------------------------------------------- */

static void answer__of_a_server_comes_whole_with_who_and_when(void **state)
{
	(void)state;
	AUTO(service_free) struct service *service = service_at(servers[0].url);
	int64_t before_ms = clock_boot_ms();
	AUTO(result_done) struct result result = ask(service);

	assert_answered(&result, 0);
	assert_string_equal(result.answer.host, servers[0].host);
	assert_true(result.answer.sent_ms >= before_ms && result.answer.sent_ms <= clock_boot_ms());
	assert_int_equal(servers[0].refused, 0);
}

static void answer__is_asked_for_who_the_server_is_only_once(void **state)
{
	(void)state;
	AUTO(service_free) struct service *service = service_at(servers[0].url);

	for (int i = 0; i < 3; i++) {
		AUTO(result_done) struct result result = ask(service);
		assert_answered(&result, 0);
	}
	assert_int_equal(key_server_count(&servers[0], ROUTE_ORGANISATION), 1);
	assert_int_equal(key_server_count(&servers[0], ROUTE_GROUPS), 3);
}

static void answer__that_is_a_signed_problem_is_an_answer(void **state)
{
	(void)state;
	struct key_server_script wanted = {.has_problem[ROUTE_GROUPS] = true};
	AUTO(service_free) struct service *service = service_at(servers[0].url);

	for (unsigned type = 0; type < PROBLEM_COUNT; type++) {
		wanted.problem[ROUTE_GROUPS] = type;
		script(0, &wanted);
		AUTO(result_done) struct result result = ask(service);
		assert_int_equal(result.fault, FAULT_NONE);
		assert_true(result.answer.is_problem);
		assert_int_equal(result.answer.problem.type, type);
		assert_string_equal(result.answer.problem.detail, "as the test wants");
		assert_int_equal(result.answer.status, problem_status(type));
	}
}

static void assert_refused(const struct key_server_script *wanted, enum fault fault, const char *words)
{
	AUTO(service_free) struct service *service = service_at(servers[0].url);

	script(0, wanted);
	AUTO(result_done) struct result result = ask(service);
	if (result.fault != fault || !strstr(result.why.text, words))
		fail_msg("%s: %s", fault_name(result.fault), result.why.text);
	assert_false(result.answer.no_network);
	assert_string_equal(result.answer.host, servers[0].host);
	assert_non_null(strstr(result.why.text, servers[0].host));
}

static void answer__without_signature_is_none(void **state)
{
	(void)state;
	assert_refused(&(struct key_server_script){.does_not_sign = true}, FAULT_UNREACHABLE, "signature");
}

static void answer__signed_by_another_key_is_of_another_server(void **state)
{
	(void)state;
	assert_refused(&(struct key_server_script){.signs_with_another_key = true}, FAULT_IDENTITY,
		       "server 1");
}

static void answer__signed_for_another_request_is_refused(void **state)
{
	(void)state;
	assert_refused(&(struct key_server_script){.signs_for_another_request = true}, FAULT_IDENTITY,
		       "for this request");
}

static void answer__of_a_server_that_calls_itself_another_is_refused(void **state)
{
	(void)state;
	assert_refused(&(struct key_server_script){.claims_another_id = true}, FAULT_IDENTITY, "server 2");
}

static void answer__that_is_no_organisation_is_none(void **state)
{
	(void)state;
	assert_refused(&(struct key_server_script){.is_not_json = true}, FAULT_UNREACHABLE,
		       "not as a key server does");
}

static void answer__of_a_server_that_took_anothers_place_comes_when_asked_again(void **state)
{
	(void)state;
	struct keyring_server known = url_of(servers[1].url);
	known.id = server_id(0); /* it was that one when we enrolled */
	AUTO(service_free) struct service *service = service_of(&known, 1);
	AUTO(result_done) struct result first = ask(service);
	AUTO(result_done) struct result second = ask(service);

	assert_int_equal(first.fault, FAULT_IDENTITY);
	assert_answered(&second, 1);
}

/* -- ways of being down ----------------------------------------------------------------- */

static void assert_down(const char *fault, enum fault expected)
{
	const struct keyring_server server = url_of(faults.url);
	AUTO(service_free) struct service *service = service_of(&server, 1);
	AUTO(result_done) struct result before = ask(service);
	assert_answered(&before, 0);

	/* With a connection that is there, and with a fresh one. */
	faults_set(&faults, fault);
	AUTO(result_done) struct result warm = ask(service);
	AUTO(service_free) struct service *cold_service = service_of(&server, 1);
	AUTO(result_done) struct result cold = ask(cold_service);
	if (warm.fault != FAULT_UNREACHABLE && warm.fault != FAULT_IDENTITY)
		fail_msg("%s, warm: %s: %s", fault, fault_name(warm.fault), warm.why.text);
	if (cold.fault != expected)
		fail_msg("%s, cold: %s: %s", fault, fault_name(cold.fault), cold.why.text);
	assert_false(warm.answer.no_network);
	assert_false(cold.answer.no_network);
	assert_non_null(strstr(cold.why.text, cold.answer.host));
	faults_set(&faults, "none");
	AUTO(result_done) struct result after = ask(cold_service);
	assert_answered(&after, 0);
}

#define DOWN(name, fault, expected) \
	static void down__##name(void **state) \
	{ \
		(void)state; \
		assert_down(fault, expected); \
	}

DOWN(refused_is_unreachable, "refused", FAULT_UNREACHABLE)
DOWN(a_black_hole_is_unreachable, "black-hole", FAULT_UNREACHABLE)
DOWN(reset_is_unreachable, "reset", FAULT_UNREACHABLE)
DOWN(mute_after_connect_is_unreachable, "mute", FAULT_UNREACHABLE)
DOWN(mute_in_tls_is_unreachable, "mute-in-tls", FAULT_UNREACHABLE)
DOWN(mute_in_http_is_unreachable, "mute-in-http", FAULT_UNREACHABLE)
DOWN(a_wrong_certificate_is_another_identity, "wrong-cert", FAULT_IDENTITY)
DOWN(an_unsigned_403_is_unreachable, "403", FAULT_UNREACHABLE)
DOWN(an_unsigned_503_is_unreachable, "503", FAULT_UNREACHABLE)
DOWN(a_web_page_is_unreachable, "200", FAULT_UNREACHABLE)
DOWN(a_slow_drip_is_unreachable, "drip", FAULT_UNREACHABLE)
DOWN(an_endless_body_is_unreachable, "endless", FAULT_UNREACHABLE)
DOWN(a_huge_answer_is_unreachable, "huge", FAULT_UNREACHABLE)
DOWN(endless_headers_are_unreachable, "headers", FAULT_UNREACHABLE)
DOWN(a_truncated_answer_is_unreachable, "truncated", FAULT_UNREACHABLE)

/* These leave /v1/organisation to the server: it is the signed answer that is not one. */
static void assert_down_when_known(const char *fault, enum fault expected)
{
	AUTO(service_free) struct service *service = service_at(faults.url);
	AUTO(result_done) struct result before = ask(service);
	assert_answered(&before, 0);
	faults_set(&faults, fault);
	AUTO(result_done) struct result result = ask(service);
	if (result.fault != expected)
		fail_msg("%s: %s: %s", fault, fault_name(result.fault), result.why.text);
}

static void down__an_answer_without_its_signature_is_unreachable(void **state)
{
	(void)state;
	assert_down_when_known("strip", FAULT_UNREACHABLE);
}

static void down__an_answer_that_was_tampered_with_is_another_identity(void **state)
{
	(void)state;
	assert_down_when_known("tamper", FAULT_IDENTITY);
}

static void down__an_answer_to_an_earlier_request_is_another_identity(void **state)
{
	(void)state;
	assert_down_when_known("replay", FAULT_IDENTITY);
}

static void down__a_redirect_is_not_followed(void **state)
{
	(void)state;
	AUTO(service_free) struct service *service = service_at(faults.url);
	AUTO(result_done) struct result before = ask(service);
	assert_answered(&before, 0);
	faults_set(&faults, "redirect");
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_int_equal(faults_count(&faults).requests, 1);
}

static void down__an_answer_in_time_is_taken_however_slow(void **state)
{
	(void)state;
	faults_set(&faults, "slow");
	struct keyring_server known = url_of(faults.url);
	known.id = server_id(0);
	AUTO(service_free) struct service *service = service_of(&known, 1);
	AUTO(result_done) struct result result = ask_within(service, NULL, SERVICE_DEADLINE_MS);

	assert_answered(&result, 0);
}

static void down__another_certificate_authority_is_another_identity(void **state)
{
	(void)state;
	struct keyring_server system = url_of(faults.url);
	system.certificate_authority = NULL; /* the system's, which does not know our test's */
	AUTO(service_free) struct service *service = service_of(&system, 1);
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_IDENTITY);
}

static void down__a_certificate_for_another_name_is_another_identity(void **state)
{
	(void)state;
	char url[64];
	set_names((struct names){.addresses = {"127.0.0.1"}});
	faults_set(&faults, "none");
	(void)snprintf(url, sizeof url, "https://127.0.0.2:%u", faults.port);
	AUTO(service_free) struct service *service = service_at(url);
	AUTO(result_done) struct result result = ask(service);

	/* It listens on 127.0.0.1 alone; the name that is right shows that the check is by name. */
	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	(void)snprintf(url, sizeof url, "https://keys.test:%u", faults.port);
	AUTO(service_free) struct service *named = service_at(url);
	AUTO(result_done) struct result by_name = ask(named);
	assert_answered(&by_name, 0);
}

static void environment__with_a_proxy_is_not_obeyed(void **state)
{
	(void)state;
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
					    "all_proxy"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
	AUTO(service_free) struct service *plain = service_at(servers[0].url);
	AUTO(service_free) struct service *secure = service_at(faults.url);
	AUTO(result_done) struct result one = ask(plain);
	AUTO(result_done) struct result two = ask(secure);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_answered(&one, 0);
	assert_answered(&two, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(url__is_https_with_host_and_port_alone),
		TEST(url__has_one_form_and_shows_only_an_unusual_port),
		TEST(url__without_tls_reaches_this_machine_alone),
		TEST(answer__of_a_server_comes_whole_with_who_and_when),
		TEST(answer__is_asked_for_who_the_server_is_only_once),
		TEST(answer__that_is_a_signed_problem_is_an_answer),
		TEST(answer__without_signature_is_none),
		TEST(answer__signed_by_another_key_is_of_another_server),
		TEST(answer__signed_for_another_request_is_refused),
		TEST(answer__of_a_server_that_calls_itself_another_is_refused),
		TEST(answer__that_is_no_organisation_is_none),
		TEST(answer__of_a_server_that_took_anothers_place_comes_when_asked_again),
		TEST(down__refused_is_unreachable),
		TEST(down__a_black_hole_is_unreachable),
		TEST(down__reset_is_unreachable),
		TEST(down__mute_after_connect_is_unreachable),
		TEST(down__mute_in_tls_is_unreachable),
		TEST(down__mute_in_http_is_unreachable),
		TEST(down__a_wrong_certificate_is_another_identity),
		TEST(down__an_unsigned_403_is_unreachable),
		TEST(down__an_unsigned_503_is_unreachable),
		TEST(down__a_web_page_is_unreachable),
		TEST(down__a_slow_drip_is_unreachable),
		TEST(down__an_endless_body_is_unreachable),
		TEST(down__a_huge_answer_is_unreachable),
		TEST(down__endless_headers_are_unreachable),
		TEST(down__a_truncated_answer_is_unreachable),
		TEST(down__an_answer_without_its_signature_is_unreachable),
		TEST(down__an_answer_that_was_tampered_with_is_another_identity),
		TEST(down__an_answer_to_an_earlier_request_is_another_identity),
		TEST(down__a_redirect_is_not_followed),
		TEST(down__an_answer_in_time_is_taken_however_slow),
		TEST(down__another_certificate_authority_is_another_identity),
		TEST(down__a_certificate_for_another_name_is_another_identity),
		TEST(environment__with_a_proxy_is_not_obeyed),
	};
	return cmocka_run_group_tests(tests, start, end);
}
