/* Which server is asked, at which address, and when: names, several servers, no network; nothing takes longer
 * than the deadline. */
#include "tests/lib/asking.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
