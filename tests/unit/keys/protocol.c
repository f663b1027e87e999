/* The worked example of docs/PROTOCOL.md: what stands there is what the code makes, byte for byte. */
#include "base/file.h"
#include "keys/kdf.h"
#include "keys/message.h"
#include "keys/request.h"
#include "tests/lib/unit.h"

#include <fcntl.h>
#include <string.h>

#define EXAMPLE_MAX 512

static struct bytes page;

/* The rest of the line "NAME VALUE" in the example: NAME as it stands there, with a colon. */
static const char *example(const char *name)
{
	static char values[8][EXAMPLE_MAX];
	static unsigned next;
	char wanted[64];
	char *value = values[next++ % 8];
	const char *begin = strstr((const char *)page.data, "## A worked example");

	assert_non_null(begin);
	(void)snprintf(wanted, sizeof wanted, "\n%s: ", name);
	const char *line = strstr(begin, wanted);
	if (!line)
		fail_msg("the example has no line '%s'", name);
	line += strlen(wanted);
	const size_t length = strcspn(line, "\n");
	assert_true(length < EXAMPLE_MAX);
	memcpy(value, line, length);
	value[length] = 0;
	return value;
}

static struct identity *identity_in(const char *who)
{
	struct why why = WHY_NONE;
	char name[64];
	struct member_id id;
	uint8_t private_bytes[IDENTITY_PRIVATE_SIZE];
	struct identity *identity = NULL;

	(void)snprintf(name, sizeof name, "%s id", who);
	assert_true(member_id_from_text(example(name), &id));
	(void)snprintf(name, sizeof name, "%s private keys", who);
	assert_true(text_from_hex_exact(example(name), private_bytes, sizeof private_bytes));
	assert_works(identity_restore(&id, who, private_bytes, &identity, &why));
	return identity;
}

/* What is signed ends without a line end, but stands in the example with one. */
static void assert_shown(const char *begin, const char *text)
{
	const char *at = strstr((const char *)page.data, begin);

	assert_non_null(at);
	if (strncmp(at, text, strlen(text)) != 0)
		fail_msg("the example should show\n%s", text);
}

static void example__fingerprints_are_those_of_the_keys(void **state)
{
	(void)state;
	static const char *const people[] = {"user", "server"};
	for (size_t i = 0; i < 2; i++) {
		AUTO(identity_free) struct identity *identity = identity_in(people[i]);
		const struct fingerprint found = public_identity_fingerprint(identity_public(identity));
		char text[DIGEST_TEXT_SIZE], name[64];
		fingerprint_text(&found, text);
		(void)snprintf(name, sizeof name, "%s fingerprint", people[i]);
		assert_string_equal(text, example(name));
	}
}

static void example__request_is_made_and_verified_as_it_stands_there(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *user = identity_in("user");
	AUTO(identity_free) struct identity *server = identity_in("server");
	const char *body = example("request body");
	const struct request_subject subject = {.method = "POST",
						.target = "/v1/lease",
						.server = identity_public(server)->id,
						.body = body,
						.body_size = strlen(body)};
	struct request_claim claim;
	char header[REQUEST_HEADER_SIZE];
	struct digest digest;
	assert_works(request_parse(example("Fsenc-Auth"), &claim, &why));
	assert_works(request_verify(&claim, &subject, identity_public(user)->sign_public, &why));
	assert_works(request_sign_as(&subject, user, claim.time_ms, claim.nonce, header, &digest, &why));
	assert_string_equal(header, example("Fsenc-Auth"));
	struct lease_request read;
	assert_works(lease_request_read(body, strlen(body), &read, &why));
	assert_int_equal(read.group_count, 1);
}

static void example__answer_is_made_and_verified_as_it_stands_there(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *server = identity_in("server");
	const char *body = example("answer body");
	struct request_claim claim;
	char header[ANSWER_HEADER_SIZE];
	assert_works(request_parse(example("Fsenc-Auth"), &claim, &why));
	const struct answer_subject subject = {
		.status = 200, .request = request_digest(&claim), .body = body, .body_size = strlen(body)};
	answer_sign(&subject, server, header);
	assert_string_equal(header, example("Fsenc-Signature"));
	assert_works(answer_verify(example("Fsenc-Signature"), &subject, identity_public(server)->sign_public,
				   &why));
	struct lease_answer read;
	assert_works(lease_answer_read(body, strlen(body), &read, &why));
	assert_int_equal(read.groups[0].state, LEASE_MEMBER);
}

/* The lines that are signed, spelled out by hand here as there. */
static void example__signed_lines_are_shown(void **state)
{
	(void)state;
	struct request_claim claim;
	struct why why = WHY_NONE;
	char text[1024], body_text[DIGEST_TEXT_SIZE], request_text[DIGEST_TEXT_SIZE];
	char user[ID_TEXT_SIZE], key[DIGEST_TEXT_SIZE], nonce[32];
	assert_works(request_parse(example("Fsenc-Auth"), &claim, &why));
	const char *body = example("request body");
	struct digest digest = kdf_hash(KDF_REQUEST_BODY, body, strlen(body));
	digest_text(&digest, body_text);
	member_id_text(&claim.user, user);
	fingerprint_text(&claim.fingerprint, key);
	text_base64(nonce, claim.nonce, REQUEST_NONCE_SIZE);
	(void)snprintf(text, sizeof text, "fsenc/v1/request\nPOST\n/v1/lease\n%s\n%s\n%s\n%lld\n%s\n%s\n",
		       example("server id"), user, key, (long long)claim.time_ms, nonce, body_text);
	assert_shown("fsenc/v1/request\nPOST", text);
	const char *answer = example("answer body");
	digest = kdf_hash(KDF_ANSWER_BODY, answer, strlen(answer));
	digest_text(&digest, body_text);
	digest = request_digest(&claim);
	digest_text(&digest, request_text);
	(void)snprintf(text, sizeof text, "fsenc/v1/answer\n200\n%s\n%s\n", request_text, body_text);
	assert_shown("fsenc/v1/answer\n200", text);
}

static int open_page(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	return file_read(AT_FDCWD, DOCS "/PROTOCOL.md", 1 << 20, &page, NULL) ? -1 : 0;
}

static int close_page(void **state)
{
	(void)state;
	bytes_done(&page);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example__fingerprints_are_those_of_the_keys),
		cmocka_unit_test(example__request_is_made_and_verified_as_it_stands_there),
		cmocka_unit_test(example__answer_is_made_and_verified_as_it_stands_there),
		cmocka_unit_test(example__signed_lines_are_shown),
	};
	return cmocka_run_group_tests(tests, open_page, close_page);
}
