#include <string.h>

#include "base/bytes.h"
#include "keys/fields.h"
#include "keys/signed.h"
#include "tests/lib/people.h"

#define TYPE "fsenc-test+v1"

static struct person alice;

static struct signed_object *make(const char *payload)
{
	struct why why = WHY_NONE;
	struct signed_object *object = NULL;
	AUTO(json_decref) json_t *json = NULL;
	assert_works(fields_parse(payload, strlen(payload), &json, &why));
	assert_works(signed_make(json, TYPE, alice.identity, &object, &why));
	return object;
}

static char *text_of(const struct signed_object *object)
{
	struct why why = WHY_NONE;
	char *text = NULL;
	assert_works(signed_text(object, &text, &why));
	return text;
}

/* A JWS over any header and payload, its signature right. */
static char *forge(const char *header, const char *payload)
{
	AUTO(free) char *header64 = text_base64_new(header, strlen(header));
	AUTO(free) char *payload64 = text_base64_new(payload, strlen(payload));
	char *input = NULL;
	assert_true(asprintf(&input, "%s.%s", header64, payload64) > 0);
	uint8_t signature[SIGNATURE_SIZE];
	identity_sign(alice.identity, input, strlen(input), signature);
	free(input);
	AUTO(free) char *signature64 = text_base64_new(signature, sizeof signature);
	char *text = NULL;
	assert_true(asprintf(&text, "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
			     header64, payload64, signature64) > 0);
	return text;
}

/* Our header with `before` and `after` put around its members, and another algorithm. */
static char *header_with(const char *algorithm, const char *before, const char *after)
{
	char kid[DIGEST_TEXT_SIZE];
	const struct fingerprint fingerprint = person_fingerprint(&alice);
	fingerprint_text(&fingerprint, kid);
	char *header = NULL;
	assert_true(asprintf(&header, "{%s\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"" TYPE "\"%s}", before,
			     algorithm, kid, after) > 0);
	return header;
}

static enum fault parse(const char *text, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	return signed_parse_text(text, strlen(text), TYPE, &object, why);
}

/* -- tests ---------------------------------------------------------------------------- */

static void signed__gives_back_what_was_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *made = make("{\"b\":1,\"a\":[true,\"x\"]}");
	AUTO(free) char *text = text_of(made);
	AUTO(signed_free) struct signed_object *read = NULL;
	assert_works(signed_parse_text(text, strlen(text), TYPE, &read, &why));
	assert_works(signed_verify(read, identity_public(alice.identity)->sign_public, &why));
	assert_int_equal(json_integer_value(json_object_get(signed_payload(read), "b")), 1);
	AUTO(free) char *again = text_of(read);
	assert_string_equal(again, text);
	const struct fingerprint own = person_fingerprint(&alice);
	const struct fingerprint named = signed_signer(read);
	assert_true(fingerprint_equal(&own, &named));
	AUTO(json_decref) json_t *json = signed_json(read);
	AUTO(signed_free) struct signed_object *third = NULL;
	assert_works(signed_parse(json, TYPE, &third, &why));
	const struct digest one = signed_digest(made);
	const struct digest other = signed_digest(third);
	assert_true(digest_equal(&one, &other));
}

static void signed__signs_the_vector_of_rfc8037(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
	uint8_t private_bytes[IDENTITY_PRIVATE_SIZE] = {[32] = 1};
	uint8_t wanted_public[SIGN_PUBLIC_SIZE];
	uint8_t wanted[SIGNATURE_SIZE];
	assert_true(text_from_base64_exact("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", private_bytes, 32));
	assert_true(text_from_base64_exact("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", wanted_public, 32));
	assert_true(text_from_base64_exact("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
					   "hVsPt9g7sVvpAr_MuM0KAg",
					   wanted, SIGNATURE_SIZE));
	const struct member_id id = {{1}};
	AUTO(identity_free) struct identity *identity = NULL;
	assert_works(identity_restore(&id, "RFC 8037", private_bytes, &identity, &why));
	assert_memory_equal(identity_public(identity)->sign_public, wanted_public, SIGN_PUBLIC_SIZE);
	uint8_t signature[SIGNATURE_SIZE];
	identity_sign(identity, input, strlen(input), signature);
	assert_memory_equal(signature, wanted, SIGNATURE_SIZE);
}

static void signed__takes_its_own_header_and_no_other(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		const char *algorithm, *before, *after;
	} rows[] = {
		{"none", "", ""},
		{"HS256", "", ""},
		{"Ed25519", "", ""},
		{"eddsa", "", ""},
		{"EdDSA", " ", ""},
		{"EdDSA", "", " "},
		{"EdDSA", "\"a\":1,", ""},
		{"EdDSA", "\"alg\":\"none\",", ""},
		{"EdDSA", "", ",\"alg\":\"none\""},
	};
	AUTO(free) char *header = header_with("EdDSA", "", "");
	AUTO(free) char *good = forge(header, "{}");
	assert_works(parse(good, &why));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(free) char *other = header_with(rows[i].algorithm, rows[i].before, rows[i].after);
		AUTO(free) char *text = forge(other, "{}");
		enum fault fault = parse(text, &why);
		assert_true(fault == FAULT_MALFORMED || fault == FAULT_REFUSED);
	}
}

static void signed__refuses_members_that_bring_a_key_or_a_demand(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const more[] = {
		",\"crit\":[\"exp\"]",
		",\"jwk\":{\"kty\":\"OKP\"}",
		",\"jku\":\"https://a.example\"",
		",\"x5c\":[]",
		",\"b64\":false",
		",\"typ\":\"" TYPE "\"",
	};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		AUTO(free) char *header = header_with("EdDSA", "", more[i]);
		AUTO(free) char *text = forge(header, "{}");
		assert_true(parse(text, &why) != FAULT_NONE);
	}
}

static void signed__refuses_headers_without_our_members(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"alg\":\"EdDSA\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" TYPE "\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"short\",\"typ\":\"" TYPE "\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\",\"typ\":\"" TYPE
		"\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		AUTO(free) char *text = forge(bad[i], "{}");
		assert_fault(FAULT_MALFORMED, parse(text, &why));
	}
}

static void signed__refuses_an_object_signed_as_another_kind(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = make("{}");
	AUTO(free) char *text = text_of(object);
	AUTO(signed_free) struct signed_object *read = NULL;
	assert_fault(FAULT_REFUSED, signed_parse_text(text, strlen(text), "fsenc-user+v1", &read, &why));
	assert_fault(FAULT_REFUSED, signed_parse_text(text, strlen(text), "fsenc-test+v", &read, &why));
	assert_null(read);
}

static void signed__refuses_a_signature_by_another_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person mallory = person_new("Mallory");
	AUTO(signed_free) struct signed_object *object = make("{}");
	assert_fault(FAULT_REFUSED,
		     signed_verify(object, identity_public(mallory.identity)->sign_public, &why));
	const uint8_t zeros[SIGN_PUBLIC_SIZE] = {0};
	assert_fault(FAULT_REFUSED, signed_verify(object, zeros, &why));
}

static void signed__refuses_payloads_that_are_no_plain_object(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const bad[] = {
		"",
		"[]",
		"1",
		"\"a\"",
		"{",
		"{}{}",
		"{\"a\":1}x",
		"{\"a\":1,\"a\":1}",
		"{\"a\":01}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":{\"b\":1,\"b\":2}}",
		"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
	};
	AUTO(free) char *header = header_with("EdDSA", "", "");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		AUTO(free) char *text = forge(header, bad[i]);
		assert_fault(FAULT_MALFORMED, parse(text, &why));
	}
}

static void signed__refuses_objects_of_another_shape(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = make("{}");
	static const char *const names[] = {"protected", "payload", "signature"};
	for (size_t i = 0; i < 3; i++) {
		AUTO(json_decref) json_t *without = signed_json(object);
		assert_int_equal(json_object_del(without, names[i]), 0);
		AUTO(signed_free) struct signed_object *read = NULL;
		assert_fault(FAULT_MALFORMED, signed_parse(without, TYPE, &read, &why));
		assert_int_equal(json_object_set_new(without, names[i], json_integer(1)), 0);
		assert_fault(FAULT_MALFORMED, signed_parse(without, TYPE, &read, &why));
	}
	AUTO(json_decref) json_t *more = signed_json(object);
	assert_int_equal(json_object_set_new(more, "header", json_object()), 0);
	AUTO(signed_free) struct signed_object *read = NULL;
	assert_fault(FAULT_MALFORMED, signed_parse(more, TYPE, &read, &why));
	assert_fault(FAULT_MALFORMED, signed_parse(NULL, TYPE, &read, &why));
}

static void signed__refuses_base64_that_we_would_not_write(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const char *const names[] = {"protected", "payload", "signature"};
	static const char *const tails[] = {"=", "==", "A", " ", "\n", "+"};
	AUTO(signed_free) struct signed_object *object = make("{\"a\":1}");
	for (size_t i = 0; i < 3; i++)
		for (size_t tail = 0; tail < sizeof tails / sizeof *tails; tail++) {
			AUTO(json_decref) json_t *json = signed_json(object);
			const char *text = json_string_value(json_object_get(json, names[i]));
			json_t *longer = json_sprintf("%s%s", text, tails[tail]);
			assert_int_equal(json_object_set_new(json, names[i], longer), 0);
			AUTO(signed_free) struct signed_object *read = NULL;
			assert_fault(FAULT_MALFORMED, signed_parse(json, TYPE, &read, &why));
		}
}

static void signed__refuses_a_payload_that_is_too_large(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) char *long_text = malloc(SIGNED_PAYLOAD_MAX + 1);
	memset(long_text, 'a', SIGNED_PAYLOAD_MAX);
	long_text[SIGNED_PAYLOAD_MAX] = 0;
	AUTO(json_decref) json_t *payload = json_pack("{s:s}", "a", long_text);
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_fault(FAULT_INVALID, signed_make(payload, TYPE, alice.identity, &object, &why));
	AUTO(free) char *header = header_with("EdDSA", "", "");
	AUTO(free) char *json = json_dumps(payload, JSON_COMPACT);
	AUTO(free) char *text = forge(header, json);
	assert_fault(FAULT_MALFORMED, parse(text, &why));
}

static void signed__has_a_digest_that_covers_the_signature(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = make("{}");
	AUTO(json_decref) json_t *json = signed_json(object);
	char signature[BASE64_LENGTH(SIGNATURE_SIZE) + 1];
	strcpy(signature, json_string_value(json_object_get(json, "signature")));
	signature[0] = signature[0] == 'A' ? 'B' : 'A';
	assert_int_equal(json_object_set_new(json, "signature", json_string(signature)), 0);
	AUTO(signed_free) struct signed_object *other = NULL;
	assert_works(signed_parse(json, TYPE, &other, &why));
	const struct digest one = signed_digest(object);
	const struct digest two = signed_digest(other);
	assert_false(digest_equal(&one, &two));
}

static void signed__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = make("{\"who\":\"Alice\",\"n\":7}");
	AUTO(free) char *text = text_of(object);
	for (size_t at = 0; at < strlen(text); at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			AUTO(free) char *flipped = strdup(text);
			flipped[at] = (char)(flipped[at] ^ 1 << bit);
			AUTO(signed_free) struct signed_object *read = NULL;
			enum fault fault = signed_parse_text(flipped, strlen(text), TYPE, &read, &why);
			if (!fault)
				fault = signed_verify(read, identity_public(alice.identity)->sign_public,
						      &why);
			if (!fault)
				fail_msg("bit %u of byte %zu does not matter", bit, at);
		}
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed__gives_back_what_was_signed),
		cmocka_unit_test(signed__signs_the_vector_of_rfc8037),
		cmocka_unit_test(signed__takes_its_own_header_and_no_other),
		cmocka_unit_test(signed__refuses_members_that_bring_a_key_or_a_demand),
		cmocka_unit_test(signed__refuses_headers_without_our_members),
		cmocka_unit_test(signed__refuses_an_object_signed_as_another_kind),
		cmocka_unit_test(signed__refuses_a_signature_by_another_key),
		cmocka_unit_test(signed__refuses_payloads_that_are_no_plain_object),
		cmocka_unit_test(signed__refuses_objects_of_another_shape),
		cmocka_unit_test(signed__refuses_base64_that_we_would_not_write),
		cmocka_unit_test(signed__refuses_a_payload_that_is_too_large),
		cmocka_unit_test(signed__has_a_digest_that_covers_the_signature),
		cmocka_unit_test(signed__refuses_every_flipped_bit),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
