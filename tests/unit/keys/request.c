#include <string.h>

#include "keys/request.h"
#include "tests/lib/people.h"

#define NOW_MS 1700000000123

static struct person alice;
static struct person bob;
static struct person server;

static struct request_subject subject_of(const char *body)
{
	return (struct request_subject){
		.method = "POST",
		.target = "/v1/users?name=bob",
		.server = *person_id(&server),
		.body = body,
		.body_size = strlen(body),
	};
}

static struct request_claim claim_for(const struct request_subject *subject, struct digest *ret_digest)
{
	struct why why = WHY_NONE;
	char header[REQUEST_HEADER_SIZE];
	struct request_claim claim;
	assert_works(request_sign(subject, alice.identity, NOW_MS, header, ret_digest, &why));
	assert_works(request_parse(header, &claim, &why));
	return claim;
}

static enum fault verify(const struct request_claim *claim, const struct request_subject *subject)
{
	return request_verify(claim, subject, identity_public(alice.identity)->sign_public, NULL);
}

static void request__is_the_users_for_this_subject(void **state)
{
	(void)state;
	struct digest digest;
	const struct request_subject subject = subject_of("{}");
	const struct request_claim claim = claim_for(&subject, &digest);
	const struct fingerprint own = person_fingerprint(&alice);
	const struct digest again = request_digest(&claim);
	assert_true(member_id_equal(&claim.user, person_id(&alice)));
	assert_true(fingerprint_equal(&claim.fingerprint, &own));
	assert_int_equal(claim.time_ms, NOW_MS);
	assert_true(digest_equal(&digest, &again));
	assert_int_equal(verify(&claim, &subject), FAULT_NONE);
}

static void request__is_for_nothing_else(void **state)
{
	(void)state;
	struct digest digest;
	const struct request_subject subject = subject_of("{}");
	const struct request_claim claim = claim_for(&subject, &digest);
	struct request_subject changed = subject;
	changed.method = "PUT";
	assert_int_equal(verify(&claim, &changed), FAULT_REFUSED);
	changed = subject;
	changed.target = "/v1/users?name=bo";
	assert_int_equal(verify(&claim, &changed), FAULT_REFUSED);
	changed = subject;
	changed.server = *person_id(&bob);
	assert_int_equal(verify(&claim, &changed), FAULT_REFUSED);
	changed = subject_of("{} ");
	assert_int_equal(verify(&claim, &changed), FAULT_REFUSED);
	struct request_claim other = claim;
	other.user = *person_id(&bob);
	assert_int_equal(verify(&other, &subject), FAULT_REFUSED);
	other = claim;
	other.fingerprint.bytes[0] ^= 1;
	assert_int_equal(verify(&other, &subject), FAULT_REFUSED);
	other = claim;
	other.time_ms++;
	assert_int_equal(verify(&other, &subject), FAULT_REFUSED);
	other = claim;
	other.nonce[15] ^= 1;
	assert_int_equal(verify(&other, &subject), FAULT_REFUSED);
	assert_int_equal(request_verify(&claim, &subject, identity_public(bob.identity)->sign_public, NULL),
			 FAULT_REFUSED);
}

static void request__without_a_body_is_one_with_an_empty_body(void **state)
{
	(void)state;
	struct digest digest;
	struct request_subject none = subject_of("");
	none.body = NULL;
	const struct request_subject empty = subject_of("");
	const struct request_claim claim = claim_for(&none, &digest);
	assert_int_equal(verify(&claim, &empty), FAULT_NONE);
}

static void request__has_a_nonce_of_its_own(void **state)
{
	(void)state;
	struct digest one, other;
	const struct request_subject subject = subject_of("{}");
	const struct request_claim first = claim_for(&subject, &one);
	const struct request_claim second = claim_for(&subject, &other);
	assert_memory_not_equal(first.nonce, second.nonce, REQUEST_NONCE_SIZE);
	assert_false(digest_equal(&one, &other));
}

/* "a b\nc" as a target and "a" with "b\nc" after it would be the same lines. */
static void request__with_line_ends_in_its_target_is_never_signed(void **state)
{
	(void)state;
	static const char *const targets[] = {"", "/v1/users?name=a b", "/v1\n", "/v1/\xc3\xa4", "/v1\r"};
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		struct why why = WHY_NONE;
		char header[REQUEST_HEADER_SIZE];
		struct digest digest;
		struct request_subject subject = subject_of("{}");
		const struct request_claim claim = claim_for(&subject, &digest);
		subject.target = targets[i];
		assert_fault(FAULT_INVALID,
			     request_sign(&subject, alice.identity, NOW_MS, header, &digest, &why));
		assert_int_equal(verify(&claim, &subject), FAULT_REFUSED);
	}
}

static void request_parse__takes_one_form_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char header[REQUEST_HEADER_SIZE], changed[REQUEST_HEADER_SIZE + 8];
	struct digest digest;
	struct request_claim claim;
	const struct request_subject subject = subject_of("{}");
	assert_works(request_sign(&subject, alice.identity, NOW_MS, header, &digest, &why));
	(void)snprintf(changed, sizeof changed, "%s ", header);
	assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
	(void)snprintf(changed, sizeof changed, " %s", header);
	assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
	for (const char *blank = strchr(header, ' '); blank; blank = strchr(blank + 1, ' ')) {
		const int before = (int)(blank - header);
		(void)snprintf(changed, sizeof changed, "%.*s %s", before, header, blank);
		assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
		(void)snprintf(changed, sizeof changed, "%.*s\t%s", before, header, blank + 1);
		assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
		(void)snprintf(changed, sizeof changed, "%.*s", before, header);
		assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
	}
	for (size_t length = 0; length < strlen(header); length++) {
		(void)snprintf(changed, sizeof changed, "%.*s", (int)length, header);
		assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
	}
}

static void request_parse__refuses_times_that_are_no_numbers(void **state)
{
	(void)state;
	static const char *const times[] = {"-1", "+1", "01", "1.0", "1e3", "0x1", "9999999999999999", ""};
	char header[REQUEST_HEADER_SIZE], changed[REQUEST_HEADER_SIZE + 32];
	struct digest digest;
	struct request_claim claim;
	struct why why = WHY_NONE;
	const struct request_subject subject = subject_of("{}");
	assert_works(request_sign(&subject, alice.identity, NOW_MS, header, &digest, &why));
	char *time = strstr(header, "1700000000123");
	assert_non_null(time);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(time - header), header, times[i],
			       time + strlen("1700000000123"));
		assert_fault(FAULT_MALFORMED, request_parse(changed, &claim, &why));
	}
}

static void answer__is_the_servers_for_this_request(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char header[ANSWER_HEADER_SIZE];
	struct answer_subject subject = {.status = 200, .body = "{}", .body_size = 2};
	const uint8_t *key = identity_public(server.identity)->sign_public;
	memset(subject.request.bytes, 7, DIGEST_SIZE);
	answer_sign(&subject, server.identity, header);
	assert_works(answer_verify(header, &subject, key, &why));
	struct answer_subject changed = subject;
	changed.status = 403;
	assert_fault(FAULT_REFUSED, answer_verify(header, &changed, key, &why));
	changed = subject;
	changed.body = "[]";
	assert_fault(FAULT_REFUSED, answer_verify(header, &changed, key, &why));
	changed = subject;
	changed.body_size = 1;
	assert_fault(FAULT_REFUSED, answer_verify(header, &changed, key, &why));
	changed = subject;
	changed.request.bytes[0] ^= 1;
	assert_fault(FAULT_REFUSED, answer_verify(header, &changed, key, &why));
	assert_fault(FAULT_REFUSED,
		     answer_verify(header, &subject, identity_public(bob.identity)->sign_public, &why));
}

static void answer_verify__takes_one_form_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char header[ANSWER_HEADER_SIZE], changed[ANSWER_HEADER_SIZE + 8];
	const struct answer_subject subject = {.status = 200};
	const uint8_t *key = identity_public(server.identity)->sign_public;
	answer_sign(&subject, server.identity, header);
	for (size_t length = 0; length < strlen(header); length++) {
		(void)snprintf(changed, sizeof changed, "%.*s", (int)length, header);
		assert_fault(FAULT_MALFORMED, answer_verify(changed, &subject, key, &why));
	}
	static const char *const forms[] = {"%s ", " %s", "%s=", "v2%s"};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const char *at = strchr(forms[i], '%');
		(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - forms[i]), forms[i],
			       i == 3 ? header + 2 : header, at + 2);
		assert_fault(FAULT_MALFORMED, answer_verify(changed, &subject, key, &why));
	}
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	server = person_new("Server");
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	person_done(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request__is_the_users_for_this_subject),
		cmocka_unit_test(request__is_for_nothing_else),
		cmocka_unit_test(request__without_a_body_is_one_with_an_empty_body),
		cmocka_unit_test(request__has_a_nonce_of_its_own),
		cmocka_unit_test(request__with_line_ends_in_its_target_is_never_signed),
		cmocka_unit_test(request_parse__takes_one_form_only),
		cmocka_unit_test(request_parse__refuses_times_that_are_no_numbers),
		cmocka_unit_test(answer__is_the_servers_for_this_request),
		cmocka_unit_test(answer_verify__takes_one_form_only),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
