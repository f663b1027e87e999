/* Requests to a whole key server, without HTTP: the first byte says what the rest is. A body, which an
 * enrolled user signs, for each route that takes one; a target; a header. Whatever comes, the answer is one
 * that the protocol knows, signed where it must be, and never the server's own failure. */
#include "tests/lib/servers.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 60000

/* The letters of bodies are those of tests/fuzz/message.c. */
static const struct {
	char letter;
	const char *target;
} posts[] = {
	{'a', "/v1/unlock"},	     {'c', "/v1/lease"},  {'l', "/v1/heads"},
	{'n', "/v1/recovery-token"}, {'e', "/v1/enroll"},
};
#define HEADER 'H'
#define POSTS (sizeof posts / sizeof *posts)

static struct test_server *server;
static struct person alice;

static void end(void)
{
	person_done(&alice);
	test_server_done(server);
}

/* Alice is the person of the corpus, the group that of its unlocks. */
static void start(void)
{
	struct why why = WHY_NONE;
	struct identity *identity = NULL;

	if (server)
		return;
	server = test_server_new(1);
	MUST(!identity_restore(&fixed_id, "Alice", fixed_private, &identity, &why));
	alice = person_of(identity);
	struct directory_user *user = fake_user(server->fake, "Alice", true);
	user->id = fixed_id;
	test_server_certify(server, &alice, &fixed_id, 1);
	AUTO(company_group_done)
	struct company_group group = company_group_new(&server->company, "fuzz", 1, 1);
	group.descriptor.id = (struct member_id){{0x60}};
	company_group_sign(&server->company, &group);
	test_server_write_group(server, &group);
	fake_group(server->fake, "fuzz", &group.descriptor.id);
	fake_member(server->fake, "Alice", &group.descriptor.id);
	server->policy.version = 2;
	server->policy.unlock_limit = 1000000;
	test_server_write_policy(server);
	(void)atexit(end);
}

static void check(const struct test_answer *answer)
{
	MUST(answer->status >= 200 && answer->status < 600);
	MUST(answer->is_problem == (answer->status >= 400));
	MUST(!answer->is_problem || answer->problem.type != PROBLEM_INTERNAL);
}

/* An unlock that is answered is answered for what was asked. */
static void check_unlock(const struct bytes *body, const struct test_answer *answer)
{
	static struct unlock_request request;
	static struct unlock_answer read;

	MUST(!unlock_request_read(body->data, body->size, &request, NULL));
	MUST(!unlock_answer_read(answer->body.data, answer->body.size, &read, NULL));
	MUST(read.item_count == request.item_count && read.epoch == request.epoch);
	MUST(read.has_check == request.has_check);
}

static void post(const char *target, const uint8_t *data, size_t size)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;

	MUST(!bytes_append(&body, data, size < BODY_MAX ? size : BODY_MAX, &why));
	AUTO(test_answer_done) struct test_answer answer = test_ask(server, &alice, "POST", target, &body);
	MUST(answer.is_signed);
	check(&answer);
	if (answer.status == 200 && strcmp(target, "/v1/unlock") == 0)
		check_unlock(&body, &answer);
}

static void ask(const uint8_t *data, size_t size, bool is_header)
{
	AUTO(free) char *text = strndup((const char *)data, size);
	struct http_request request = test_request("GET", is_header ? "/v1/groups" : text, NULL);

	MUST(text);
	if (is_header)
		request.authorization = text;
	AUTO(test_answer_done) struct test_answer answer = test_send(server, &request, NULL);
	check(&answer);
	MUST(!is_header || answer.status >= 400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	if (size < 1)
		return 0;
	for (size_t i = 0; i < POSTS; i++)
		if (data[0] == (uint8_t)posts[i].letter) {
			post(posts[i].target, data + 1, size - 1);
			return 0;
		}
	ask(data + 1, size - 1, data[0] == HEADER);
	return 0;
}
