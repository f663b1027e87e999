/* Asking key servers: what counts as an answer, and that nothing takes longer than the deadline. */
#include "keys/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>

#include "base/clock.h"
#include "keys/service_parts.h"
#include "tests/lib/faults.h"
#include "tests/lib/key_server.h"

#ifdef __SANITIZE_THREAD__
#define DEADLINE_MS 6000
#else
#define DEADLINE_MS 2000
#endif
#define SLACK_MS (DEADLINE_MS / 2) /* of a busy machine */
#define SERVERS 3

static struct company company;
static struct person user;
static struct key_server servers[SERVERS];
static struct faults faults;

/* -- names ------------------------------------------------------------------------------ */

/* What "keys.test" is: addresses in numbers, or a failure; looked up in other threads. */
struct names {
	const char *addresses[4];
	int failure;
	bool is_mute; /* the look-up takes until it is not */
};
static struct names known_names;
static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;

static void set_names(struct names wanted)
{
	(void)pthread_mutex_lock(&names_mutex);
	known_names = wanted;
	(void)pthread_cond_broadcast(&names_changed);
	(void)pthread_mutex_unlock(&names_mutex);
}

static struct names names_now(void)
{
	(void)pthread_mutex_lock(&names_mutex);
	while (known_names.is_mute)
		(void)pthread_cond_wait(&names_changed, &names_mutex);
	struct names found = known_names;
	(void)pthread_mutex_unlock(&names_mutex);
	return found;
}

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list)
{
	struct addrinfo *list = NULL, **end = &list;

	if (strcmp(host, "keys.test") != 0 || (hints->ai_flags & AI_NUMERICHOST))
		return __real_getaddrinfo(host, service, hints, ret_list);
	const struct names found = names_now();
	if (found.failure)
		return found.failure;
	for (size_t i = 0; i < 4 && found.addresses[i]; i++) {
		assert_int_equal(__real_getaddrinfo(found.addresses[i], service, hints, end), 0);
		end = &(*end)->ai_next;
	}
	*ret_list = list;
	return 0;
}

/* -- asking ----------------------------------------------------------------------------- */

static struct service *service_of(const struct keyring_server *urls, size_t count)
{
	struct why why = WHY_NONE;
	struct service *service = NULL;
	const struct keyring_organisation organisation = {
		.fingerprint = person_fingerprint(&company.root),
		.organisation = company.organisation,
		.servers = (struct keyring_server *)(uintptr_t)urls,
		.server_count = count,
	};
	assert_works(service_new(&organisation, user.identity, &service, &why));
	return service;
}

static struct keyring_server url_of(const char *url)
{
	struct keyring_server server = {.certificate_authority = faults.authority};

	(void)snprintf(server.url, sizeof server.url, "%s", url);
	return server;
}

static struct service *service_at(const char *url)
{
	const struct keyring_server server = url_of(url);

	return service_of(&server, 1);
}

static struct member_id server_id(size_t index)
{
	return company.organisation.servers[index].id;
}

struct result {
	enum fault fault;
	struct why why;
	struct service_answer answer;
	int64_t took_ms;
};

static void result_done(struct result *result)
{
	service_answer_done(&result->answer);
}
AUTO_VALUE(struct result, result_done);

static struct result ask_within(struct service *service, const struct member_id *server, int64_t within_ms)
{
	struct result result = {.why = WHY_NONE};
	int64_t begun_ms = clock_boot_ms();
	const struct service_call call = {
		.method = "GET",
		.target = "/v1/groups",
		.deadline_ms = begun_ms + within_ms,
		.server = server,
	};
	result.fault = service_ask(service, &call, &result.answer, &result.why);
	result.took_ms = clock_boot_ms() - begun_ms;
	assert_true(result.took_ms < within_ms + 2 * SLACK_MS);
	return result;
}

static struct result ask(struct service *service)
{
	return ask_within(service, NULL, DEADLINE_MS);
}

static void assert_answered(const struct result *result, size_t by)
{
	const struct member_id id = server_id(by);

	if (result->fault)
		fail_msg("%s: %s", fault_name(result->fault), result->why.text);
	assert_int_equal(result->answer.status, 200);
	assert_false(result->answer.is_problem);
	assert_true(member_id_equal(&result->answer.server, &id));
	assert_non_null(strstr((const char *)result->answer.body.data, "groups"));
}

static void script(size_t index, const struct key_server_script *script)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&servers[index]);

	held->script = *script;
}

static int in_peace(void **state)
{
	static const struct key_server_script peace = {.lease = 120};
	(void)state;

	for (size_t i = 0; i < SERVERS; i++) {
		script(i, &peace);
		memset(servers[i].counts, 0, sizeof servers[i].counts);
	}
	faults_set(&faults, "none");
	set_names((struct names){.failure = 0});
	return 0;
}

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

/* -- names and addresses ---------------------------------------------------------------- */

static struct service *service_by_name(void)
{
	char url[64];

	(void)snprintf(url, sizeof url, "https://keys.test:%u", faults.port);
	return service_at(url);
}

static void name__not_found_is_down(void **state)
{
	(void)state;
	set_names((struct names){.failure = EAI_NONAME});
	AUTO(service_free) struct service *service = service_by_name();
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_false(result.answer.no_network);
	assert_non_null(strstr(result.why.text, "not found"));
	assert_true(result.took_ms < SLACK_MS);
}

static void name__that_no_resolver_answers_for_is_no_network(void **state)
{
	(void)state;
	set_names((struct names){.failure = EAI_AGAIN});
	AUTO(service_free) struct service *service = service_by_name();
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_true(result.answer.no_network);
	assert_true(result.took_ms < SLACK_MS);
}

static void name__of_a_mute_resolver_is_no_network_by_the_deadline(void **state)
{
	(void)state;
	set_names((struct names){.addresses = {"127.0.0.1"}, .is_mute = true});
	AUTO(service_free) struct service *service = service_by_name();
	AUTO(result_done) struct result result = ask(service);
	set_names((struct names){.addresses = {"127.0.0.1"}}); /* the thread that looks up ends by itself */

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_true(result.answer.no_network);
}

static void name__with_several_addresses_is_tried_address_by_address(void **state)
{
	(void)state;
	/* At the first two nobody listens. */
	set_names((struct names){.addresses = {"127.0.0.2", "127.0.0.3", "127.0.0.1"}});
	AUTO(service_free) struct service *service = service_by_name();
	AUTO(result_done) struct result result = ask(service);

	assert_answered(&result, 0);
	assert_true(result.took_ms < SLACK_MS);
}

/* A second server behind the same name and port, on another address, which is mute. */
static int listen_mutely(const char *address, unsigned port)
{
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(inet_pton(AF_INET, address, &there.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&there, sizeof there), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void name__whose_first_address_is_mute_costs_that_address_its_share_alone(void **state)
{
	(void)state;
	AUTO(file_close) int mute = listen_mutely("127.0.0.2", faults.port);
	set_names((struct names){.addresses = {"127.0.0.2", "127.0.0.1"}});
	AUTO(service_free) struct service *service = service_by_name();
	AUTO(result_done) struct result first = ask(service);
	AUTO(result_done) struct result second = ask(service);

	assert_true(mute >= 0);
	assert_answered(&first, 0);
	assert_true(first.took_ms >= DEADLINE_MS / 2);
	assert_answered(&second, 0); /* the good address comes first now */
	assert_true(second.took_ms < DEADLINE_MS / 2);
}

/* -- no network ------------------------------------------------------------------------- */

static void network__that_is_not_there_is_told_from_a_server_that_is_down(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) { /* a network of its own, with not even loopback up */
		if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
			_exit(77);
		AUTO(service_free) struct service *service = service_at("https://192.0.2.1:443");
		AUTO(result_done) struct result result = ask(service);
		_exit(result.fault == FAULT_UNREACHABLE && result.answer.no_network &&
				      result.took_ms < SLACK_MS
			      ? 0
			      : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- several servers -------------------------------------------------------------------- */

static struct service *service_of_three(const char *first, const char *second, const char *third)
{
	const struct keyring_server urls[] = {url_of(first), url_of(second), url_of(third)};

	return service_of(urls, 3);
}

static void servers__the_next_is_asked_at_once_when_one_refuses(void **state)
{
	(void)state;
	AUTO(service_free)
	struct service *service = service_of_three("http://127.0.0.1:1", servers[1].url, servers[2].url);
	AUTO(result_done) struct result result = ask(service);

	assert_answered(&result, 1);
	assert_true(result.took_ms < SLACK_MS);
}

static void servers__a_mute_one_delays_by_its_share_and_then_is_asked_last(void **state)
{
	(void)state;
	faults_set(&faults, "mute");
	AUTO(service_free)
	struct service *service = service_of_three(faults.url, servers[1].url, servers[2].url);
	AUTO(result_done) struct result first = ask(service);
	AUTO(result_done) struct result second = ask(service);

	assert_answered(&first, 1);
	assert_true(first.took_ms >= DEADLINE_MS / 3);
	assert_answered(&second, 1);
	assert_true(second.took_ms < DEADLINE_MS / 3);
	assert_int_equal(faults_count(&faults).connections, 1);
}

static void servers__all_down_are_each_tried_within_one_deadline(void **state)
{
	(void)state;
	faults_set(&faults, "mute");
	AUTO(service_free)
	struct service *service = service_of_three(faults.url, "http://127.0.0.1:1", faults.url);
	AUTO(result_done) struct result result = ask(service);
	struct service_state states[4];

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_false(result.answer.no_network);
	assert_int_equal(faults_count(&faults).connections, 2);
	assert_int_equal(service_states(service, states, 4), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_false(states[i].answered);
		assert_true(states[i].asked_ms > 0);
		assert_int_not_equal(states[i].words[0], 0);
	}
}

static void servers__one_without_network_and_one_that_refuses_are_down(void **state)
{
	(void)state;
	set_names((struct names){.failure = EAI_AGAIN});
	AUTO(service_free)
	struct service *service = service_of_three("https://keys.test:443", "http://127.0.0.1:1",
						   "https://keys.test:443");
	AUTO(result_done) struct result result = ask(service);

	assert_int_equal(result.fault, FAULT_UNREACHABLE);
	assert_false(result.answer.no_network);
	assert_string_equal(result.answer.host, "127.0.0.1:1");
}

static void servers__a_certain_one_answers_for_itself_alone(void **state)
{
	(void)state;
	AUTO(service_free)
	struct service *service = service_of_three(servers[0].url, servers[1].url, servers[2].url);
	const struct member_id third = server_id(2);
	const struct member_id nobody = {{9}};
	AUTO(result_done) struct result result = ask_within(service, &third, DEADLINE_MS);
	AUTO(result_done) struct result unknown = ask_within(service, &nobody, DEADLINE_MS);

	assert_answered(&result, 2);
	assert_int_equal(key_server_count(&servers[0], ROUTE_GROUPS), 0);
	assert_int_equal(key_server_count(&servers[1], ROUTE_GROUPS), 0);
	assert_int_equal(unknown.fault, FAULT_UNREACHABLE);
}

struct gathered {
	unsigned from[SERVERS];
	unsigned count, enough;
};

static bool gather(void *context, const struct service_answer *answer)
{
	struct gathered *gathered = context;

	for (size_t i = 0; i < SERVERS; i++) {
		const struct member_id id = server_id(i);
		gathered->from[i] += member_id_equal(&answer->server, &id);
	}
	return ++gathered->count < gathered->enough;
}

static enum fault ask_all(struct service *service, size_t wanted, struct gathered *gathered,
			  int64_t *ret_took_ms, struct why *why)
{
	const struct member_id ids[] = {server_id(0), server_id(1), server_id(2)};
	int64_t begun_ms = clock_boot_ms();
	const struct service_call call = {
		.method = "GET", .target = "/v1/groups", .deadline_ms = begun_ms + DEADLINE_MS};
	struct service_answer last;
	enum fault fault = service_ask_all(service, &call, ids, 3, wanted, gather, gathered, &last, why);

	*ret_took_ms = clock_boot_ms() - begun_ms;
	assert_true(*ret_took_ms < DEADLINE_MS + 2 * SLACK_MS);
	return fault;
}

static void all__asks_as_many_as_are_wanted_and_each_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(service_free)
	struct service *service = service_of_three(servers[0].url, servers[1].url, servers[2].url);
	struct gathered gathered = {.enough = 2};
	int64_t took_ms;

	assert_works(ask_all(service, 2, &gathered, &took_ms, &why));
	assert_int_equal(gathered.count, 2);
	assert_int_equal(gathered.from[0] + gathered.from[1], 2);
	assert_int_equal(key_server_count_all(&servers[2]), 0);
}

static void all__goes_on_while_the_answers_are_not_enough(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(service_free)
	struct service *service = service_of_three(servers[0].url, servers[1].url, servers[2].url);
	struct gathered gathered = {.enough = 4};
	int64_t took_ms;

	assert_works(ask_all(service, 2, &gathered, &took_ms, &why));
	assert_int_equal(gathered.count, 3);
}

static void all__takes_another_for_one_that_is_down(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring_server urls[] = {url_of("http://127.0.0.1:1"), url_of(servers[1].url),
					url_of(servers[2].url)};
	for (size_t i = 0; i < 3; i++)
		urls[i].id = server_id(i);
	AUTO(service_free) struct service *service = service_of(urls, 3);
	struct gathered gathered = {.enough = 2};
	int64_t took_ms;

	assert_works(ask_all(service, 2, &gathered, &took_ms, &why));
	assert_int_equal(gathered.from[1] + gathered.from[2], 2);
	assert_true(took_ms < SLACK_MS);
}

static void all__takes_another_for_one_that_is_mute_after_a_share_of_the_time(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	faults_set(&faults, "mute");
	struct keyring_server urls[] = {url_of(faults.url), url_of(servers[1].url), url_of(servers[2].url)};
	for (size_t i = 0; i < 3; i++)
		urls[i].id = server_id(i);
	AUTO(service_free) struct service *service = service_of(urls, 3);
	struct gathered gathered = {.enough = 2};
	int64_t took_ms;

	assert_works(ask_all(service, 2, &gathered, &took_ms, &why));
	assert_int_equal(gathered.from[1] + gathered.from[2], 2);
	assert_true(took_ms >= DEADLINE_MS / 2);
}

static void all__with_fewer_than_wanted_is_unreachable(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct keyring_server urls[] = {url_of("http://127.0.0.1:1"), url_of("http://127.0.0.1:2"),
					url_of(servers[2].url)};
	for (size_t i = 0; i < 3; i++)
		urls[i].id = server_id(i);
	AUTO(service_free) struct service *service = service_of(urls, 3);
	struct gathered gathered = {.enough = 2};
	int64_t took_ms;

	assert_fault(FAULT_UNREACHABLE, ask_all(service, 2, &gathered, &took_ms, &why));
	assert_int_equal(gathered.from[2], 1);
}

/* -- before there is an organisation ---------------------------------------------------- */

static enum fault fetch(const char *url, const struct fingerprint *expected,
			struct organisation_answer *answer, struct organisation *organisation,
			struct why *why)
{
	const struct keyring_server server = url_of(url);

	return service_fetch_organisation(&server, expected, clock_boot_ms() + DEADLINE_MS, answer,
					  organisation, why);
}

static void organisation__is_fetched_by_its_fingerprint(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(organisation_answer_done) struct organisation_answer answer = {.policy = NULL};
	struct organisation organisation;
	const struct fingerprint right = person_fingerprint(&company.root);
	const struct member_id second = server_id(1);

	assert_works(fetch(servers[1].url, &right, &answer, &organisation, &why));
	assert_int_equal(organisation.server_count, SERVERS);
	assert_true(member_id_equal(&answer.server, &second));
	assert_non_null(answer.policy);
}

static void organisation__of_another_fingerprint_is_another_identity(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(organisation_answer_done) struct organisation_answer answer = {.policy = NULL};
	struct organisation organisation;
	const struct fingerprint wrong = person_fingerprint(&user);
	const struct fingerprint right = person_fingerprint(&company.root);

	assert_fault(FAULT_IDENTITY, fetch(servers[0].url, &wrong, &answer, &organisation, &why));
	faults_set(&faults, "wrong-cert");
	assert_fault(FAULT_IDENTITY, fetch(faults.url, &right, &answer, &organisation, &why));
	faults_set(&faults, "503");
	assert_fault(FAULT_UNREACHABLE, fetch(faults.url, &right, &answer, &organisation, &why));
	faults_set(&faults, "200");
	assert_fault(FAULT_UNREACHABLE, fetch(faults.url, &right, &answer, &organisation, &why));
	assert_fault(FAULT_USAGE, fetch("ftp://x", &right, &answer, &organisation, &why));
	assert_null(answer.policy);
}

/* -- threads ----------------------------------------------------------------------------- */

#define THREADS 4
#define CALLS 25

static void *ask_often(void *service)
{
	for (int i = 0; i < CALLS; i++) {
		AUTO(result_done) struct result result = ask(service);
		assert_int_equal(result.fault, FAULT_NONE);
	}
	return NULL;
}

static void threads__ask_at_the_same_time(void **state)
{
	(void)state;
	AUTO(service_free)
	struct service *service = service_of_three(servers[0].url, servers[1].url, servers[2].url);
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, service), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* -- all of them ------------------------------------------------------------------------ */

static int start(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_works(secret_start(&why));
	assert_works(service_global_start(&why));
	company = company_new(SERVERS);
	user = person_new("alice");
	for (size_t i = 0; i < SERVERS; i++) {
		servers[i] = (struct key_server){
			.company = &company, .index = i, .user = identity_public(user.identity)};
		key_server_start(&servers[i]);
	}
	faults = faults_start(servers[0].host);
	return 0;
}

static int end(void **state)
{
	(void)state;
	faults_end(&faults);
	for (size_t i = 0; i < SERVERS; i++)
		key_server_stop(&servers[i]);
	company_done(&company);
	person_done(&user);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, in_peace)

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
		TEST(name__not_found_is_down),
		TEST(name__that_no_resolver_answers_for_is_no_network),
		TEST(name__of_a_mute_resolver_is_no_network_by_the_deadline),
		TEST(name__with_several_addresses_is_tried_address_by_address),
		TEST(name__whose_first_address_is_mute_costs_that_address_its_share_alone),
		TEST(network__that_is_not_there_is_told_from_a_server_that_is_down),
		TEST(servers__the_next_is_asked_at_once_when_one_refuses),
		TEST(servers__a_mute_one_delays_by_its_share_and_then_is_asked_last),
		TEST(servers__all_down_are_each_tried_within_one_deadline),
		TEST(servers__one_without_network_and_one_that_refuses_are_down),
		TEST(servers__a_certain_one_answers_for_itself_alone),
		TEST(all__asks_as_many_as_are_wanted_and_each_once),
		TEST(all__goes_on_while_the_answers_are_not_enough),
		TEST(all__takes_another_for_one_that_is_down),
		TEST(all__takes_another_for_one_that_is_mute_after_a_share_of_the_time),
		TEST(all__with_fewer_than_wanted_is_unreachable),
		TEST(organisation__is_fetched_by_its_fingerprint),
		TEST(organisation__of_another_fingerprint_is_another_identity),
		TEST(threads__ask_at_the_same_time),
	};
	return cmocka_run_group_tests(tests, start, end);
}
