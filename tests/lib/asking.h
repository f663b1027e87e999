/* tests/lib/asking.h - a user's service (keys/service.h) before three key servers, with every fault between.
 *
 *     AUTO(service_free) struct service *service = service_at(servers[0].url);
 *     AUTO(result_done) struct result result = ask(service);
 *     ...
 *     TEST(name), and cmocka_run_group_tests(tests, start, end);
 *
 * "keys.test" is what set_names() says: link with --wrap=getaddrinfo.
 */
#ifndef FSENC_TESTS_LIB_ASKING_H
#define FSENC_TESTS_LIB_ASKING_H

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

static inline void set_names(struct names wanted)
{
	(void)pthread_mutex_lock(&names_mutex);
	known_names = wanted;
	(void)pthread_cond_broadcast(&names_changed);
	(void)pthread_mutex_unlock(&names_mutex);
}

static inline struct names names_now(void)
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

static inline struct service *service_of(const struct keyring_server *urls, size_t count)
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

static inline struct keyring_server url_of(const char *url)
{
	struct keyring_server server = {.certificate_authority = faults.authority};

	(void)snprintf(server.url, sizeof server.url, "%s", url);
	return server;
}

static inline struct service *service_at(const char *url)
{
	const struct keyring_server server = url_of(url);

	return service_of(&server, 1);
}

static inline struct member_id server_id(size_t index)
{
	return company.organisation.servers[index].id;
}

struct result {
	enum fault fault;
	struct why why;
	struct service_answer answer;
	int64_t took_ms;
};

static inline void result_done(struct result *result)
{
	service_answer_done(&result->answer);
}
AUTO_VALUE(struct result, result_done);

static inline struct result ask_within(struct service *service, const struct member_id *server,
				       int64_t within_ms)
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

static inline struct result ask(struct service *service)
{
	return ask_within(service, NULL, DEADLINE_MS);
}

static inline void assert_answered(const struct result *result, size_t by)
{
	const struct member_id id = server_id(by);

	if (result->fault)
		fail_msg("%s: %s", fault_name(result->fault), result->why.text);
	assert_int_equal(result->answer.status, 200);
	assert_false(result->answer.is_problem);
	assert_true(member_id_equal(&result->answer.server, &id));
	assert_non_null(strstr((const char *)result->answer.body.data, "groups"));
}

static inline void script(size_t index, const struct key_server_script *script)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&servers[index]);

	held->script = *script;
}

static inline int in_peace(void **state)
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

static inline int start(void **state)
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

static inline int end(void **state)
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

#endif
