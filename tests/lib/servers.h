/* tests/lib/servers.h - a key server without HTTP: a request goes in as a struct, and its signed answer comes
 * out.
 *
 *     AUTO(test_server_done) struct test_server *test = test_server_new(1);
 *     struct person alice = test_server_user(test, "alice");        // in the directory, and enrolled
 *     fake_member(test->fake, "alice", &test->group.descriptor.id);
 *     struct test_answer answer = test_ask(test, &alice, "POST", "/v1/unlock", &body);
 *
 * The store is a real one in a directory of its own; the directory is tests/lib/directories.h. Each answer's
 * signature is verified. One organisation with `servers` servers, of which this is the first; one group,
 * "finance", with a threshold of 1.
 */
#ifndef FSENC_TESTS_LIB_SERVERS_H
#define FSENC_TESTS_LIB_SERVERS_H

#include "base/log.h"
#include "keys/message.h"
#include "server/server.h"
#include "tests/lib/directories.h"
#include "tests/lib/organisations.h"
#include "tests/lib/stores.h"

struct test_server {
	char directory[PATH_MAX];
	struct company company;
	struct company_group group;
	struct policy policy;
	struct config config;
	struct home home;
	struct fake_directory *fake;
	struct server *server;
};

static inline void test_server_write_policy(struct test_server *test)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(free) char *text = NULL;

	assert_works(policy_sign(&test->policy, test->company.root.identity, &object, &why));
	assert_works(signed_text(object, &text, &why));
	assert_works(store_document_write(test->home.store, STORE_POLICY, test->policy.version, text, &why));
}

static inline void test_server_write_group(struct test_server *test, const struct company_group *group)
{
	struct why why = WHY_NONE;
	AUTO(free) char *text = NULL;
	struct stored_group stored = {.id = group->descriptor.id,
				      .version = group->descriptor.version,
				      .epoch = group->descriptor.epoch};

	assert_works(signed_text(group->object, &text, &why));
	(void)snprintf(stored.name, sizeof stored.name, "%s", group->descriptor.name);
	stored.descriptor = (struct bytes){.data = (uint8_t *)text, .size = strlen(text)};
	master_seal_share(test->home.master, &group->deal.shares[0], &stored);
	assert_works(store_group_write(test->home.store, &stored, &why));
}

static inline void test_server_fill(struct test_server *test)
{
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&test->company);
	AUTO(free) char *text = NULL;

	assert_works(signed_text(test->company.object, &text, &why));
	assert_works(store_document_write(test->home.store, STORE_ORGANISATION, 1, text, &why));
	test->policy = policy_default(&id, 1700000000);
	test_server_write_policy(test);
	test->group = company_group_new(&test->company, "finance", 1, 1);
	test_server_write_group(test, &test->group);
}

static inline void test_server_start(struct test_server *test)
{
	struct why why = WHY_NONE;

	test->fake = fake_directory_new();
	fake_group(test->fake, "finance", &test->group.descriptor.id);
	assert_works(server_new(&test->home, &test->fake->directory, -1, &test->server, &why));
}

static inline struct test_server *test_server_new(size_t servers)
{
	struct why why = WHY_NONE;
	struct test_server *test = calloc(1, sizeof *test);

	assert_non_null(test);
	assert_works(secret_start(&why));
	log_set_level(LOG_LEVEL_ERROR);
	test->home.store = test_store_new(test->directory);
	int fd = open(test->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_works(master_create(fd, &test->home.master, &why));
	(void)close(fd);
	test->company = company_new(servers);
	test->config.name = "keys.test";
	test->home.config = &test->config;
	test->home.path = test->directory;
	test->home.identity = test->company.servers[0].identity;
	test->home.fingerprint = public_identity_fingerprint(&test->company.organisation.root);
	test_server_fill(test);
	test_server_start(test);
	return test;
}

static inline void test_server_done(struct test_server *test)
{
	if (!test)
		return;
	server_free(test->server);
	store_close(test->home.store);
	master_free(test->home.master);
	company_group_done(&test->group);
	company_done(&test->company);
	test_directory_remove(test->directory);
	free(test);
}
AUTO_POINTER(struct test_server *, test_server_done);

/* -- people ----------------------------------------------------------------------------------- */

/* What an administrator would see after an enrolment. */
static inline void test_server_certify(struct test_server *test, const struct person *person,
				       const struct member_id *account, uint64_t serial)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(free) char *text = NULL;
	struct certificate_grant grant = {.organisation = company_id(&test->company),
					  .account = *account,
					  .name = identity_public(person->identity)->name,
					  .serial = serial};

	enrol_proof_sign(&grant.organisation, grant.name, person->identity,
			 &identity_public(test->home.identity)->id, grant.proof);
	assert_works(
		certificate_sign_for(person->certificate, &grant, test->home.identity, &certificate, &why));
	assert_works(signed_text(certificate_signed(certificate), &text, &why));
	struct stored_certificate stored = {.account = *account,
					    .user = *person_id(person),
					    .fingerprint = person_fingerprint(person),
					    .serial = serial,
					    .state = CERTIFICATE_ACTIVE,
					    .created = 1700000000,
					    .text = {.data = (uint8_t *)text, .size = strlen(text)}};
	(void)snprintf(stored.name, sizeof stored.name, "%s", grant.name);
	assert_works(store_certificate_write(test->home.store, &stored, &why));
}

/* Somebody who is in the directory and enrolled. */
static inline struct person test_server_user(struct test_server *test, const char *name)
{
	const struct directory_user *user = fake_user(test->fake, name, true);
	struct person person = person_new(name);

	test_server_certify(test, &person, &user->id, 1);
	return person;
}

/* -- asking ----------------------------------------------------------------------------------- */

struct test_answer {
	unsigned status;
	struct bytes body;
	bool is_signed;
	bool is_problem;
	struct problem problem;
	const char *allow;
};

static inline void test_answer_done(struct test_answer *answer)
{
	bytes_done(&answer->body);
}
AUTO_VALUE(struct test_answer, test_answer_done);

/* As it comes; `header` NULL is unsigned, `digest` what the answer must be signed for. */
static inline struct test_answer test_send(struct test_server *test, const struct http_request *request,
					   const struct digest *digest)
{
	struct why why = WHY_NONE;
	struct http_answer answer = {0};

	exchange_serve(test->server, request, &answer);
	struct test_answer result = {.status = answer.status,
				     .body = answer.body,
				     .is_signed = answer.signature[0] != '\0',
				     .allow = answer.allow};
	if (digest) {
		const struct answer_subject subject = {.status = answer.status,
						       .request = *digest,
						       .body = answer.body.data,
						       .body_size = answer.body.size};
		assert_works(answer_verify(answer.signature, &subject,
					   identity_public(test->home.identity)->sign_public, &why));
	}
	result.is_problem = strcmp(answer.type, "application/problem+json") == 0;
	if (result.is_problem)
		assert_works(problem_read(answer.body.data, answer.body.size, &result.problem, &why));
	return result;
}

static inline struct request_subject test_subject(struct test_server *test, const char *method,
						  const char *target, const struct bytes *body)
{
	return (struct request_subject){.method = method,
					.target = target,
					.server = identity_public(test->home.identity)->id,
					.body = body ? body->data : NULL,
					.body_size = body ? body->size : 0};
}

static inline struct http_request test_request(const char *method, const char *target,
					       const struct bytes *body)
{
	return (struct http_request){.method = method,
				     .target = target,
				     .body = body ? body->data : NULL,
				     .body_size = body ? body->size : 0,
				     .peer = "192.0.2.1"};
}

/* Signed by `person`, at `time_ms`. */
static inline struct test_answer test_ask_at(struct test_server *test, const struct person *person,
					     const char *method, const char *target, const struct bytes *body,
					     int64_t time_ms)
{
	struct why why = WHY_NONE;
	const struct request_subject subject = test_subject(test, method, target, body);
	struct http_request request = test_request(method, target, body);
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;

	assert_works(request_sign(&subject, person->identity, time_ms, header, &digest, &why));
	request.authorization = header;
	return test_send(test, &request, &digest);
}

static inline struct test_answer test_ask(struct test_server *test, const struct person *person,
					  const char *method, const char *target, const struct bytes *body)
{
	return test_ask_at(test, person, method, target, body, clock_wall_ms());
}

/* -- what the audit says ------------------------------------------------------------------------- */

struct test_audit_search {
	const char *needle;
	size_t found;
};

static inline enum fault test_audit_row(void *context, const struct stored_audit *row, struct why *why)
{
	struct test_audit_search *search = context;

	(void)why;
	search->found += strstr((const char *)row->text.data, search->needle) != NULL;
	return FAULT_NONE;
}

/* How many rows hold this text. */
static inline size_t test_audit_count(struct test_server *test, const char *needle)
{
	struct test_audit_search search = {.needle = needle};
	struct why why = WHY_NONE;

	assert_works(store_audit(test->home.store, 0, test_audit_row, &search, &why));
	return search.found;
}

/* -- unlocking ------------------------------------------------------------------------------------- */

static inline struct point test_point(void)
{
	struct point point;

	crypto_core_ristretto255_random(point.bytes);
	return point;
}

static inline struct unlock_request test_unlock(const struct test_server *test, size_t items)
{
	struct unlock_request request = {.group = test->group.descriptor.id,
					 .epoch = test->group.descriptor.epoch,
					 .item_count = items};

	for (size_t i = 0; i < items; i++)
		request.items[i] = (struct unlock_item){.folder = folder_of((uint8_t)i),
							.generation = 1,
							.version = 1,
							.head = digest_of((uint8_t)i),
							.point = test_point()};
	return request;
}

static inline struct test_answer test_ask_unlock(struct test_server *test, const struct person *person,
						 const struct unlock_request *request)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct why why = WHY_NONE;

	assert_works(unlock_request_write(request, &body, &why));
	return test_ask(test, person, "POST", "/v1/unlock", &body);
}

/* The answer is there, and each point in it is what only the share could make of the one that was sent. */
static inline struct unlock_answer test_read_unlock(const struct test_server *test,
						    const struct unlock_request *request,
						    const struct test_answer *answer)
{
	struct unlock_answer read;
	struct why why = WHY_NONE;

	if (answer->status != 200)
		fail_msg("status %u: %s", answer->status, (const char *)answer->body.data);
	assert_works(unlock_answer_read(answer->body.data, answer->body.size, &read, &why));
	assert_int_equal(read.item_count, request->item_count);
	for (size_t i = 0; i < read.item_count; i++) {
		struct point expected;
		if (read.items[i].status != UNLOCK_OK && read.items[i].status != UNLOCK_ROTATE)
			continue;
		assert_works(group_evaluate(&test->group.deal.shares[0], &request->items[i].point, &expected,
					    &why));
		assert_memory_equal(&expected, &read.items[i].point, sizeof expected);
	}
	return read;
}

#endif
