#include <string.h>

#include "base/array.h"
#include "keys/fields.h"
#include "keys/share_record.h"
#include "tests/lib/people.h"

static struct person alice;
static struct person mallory;

static struct share_record make(bool lobby, struct bytes *text)
{
	struct why why = WHY_NONE;
	struct share_record record;
	assert_works(share_record_make(lobby, alice.certificate, alice.identity, &record, text, &why));
	return record;
}

/* Alice's share record as JSON, to be changed. */
static json_t *make_json(void)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	(void)make(true, &text);
	json_t *json = NULL;
	assert_works(fields_parse(text.data, text.size, &json, &why));
	return json;
}

static enum fault parse_json(const json_t *json, struct why *ret_why)
{
	struct why why = WHY_NONE;
	struct share_record record;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(fields_append_text(json, &text, &why));
	return share_record_parse(text.data, text.size, &record, ret_why);
}

/* Replaces the record in `json` by `payload` signed by `signer`. */
static void sign_again(json_t *json, const json_t *payload, const struct person *signer)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(signed_make(payload, SHARE_RECORD_TYPE, signer->identity, &object, &why));
	assert_int_equal(json_object_set_new(json, "record", signed_json(object)), 0);
}

static json_t *payload_of(const json_t *json)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(signed_parse(json_object_get(json, "record"), SHARE_RECORD_TYPE, &object, &why));
	return json_deep_copy(signed_payload(object));
}

static void share_record__is_read_as_it_was_made(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	for (int lobby = 0; lobby < 2; lobby++) {
		AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
		const struct share_record made = make(lobby, &text);
		struct share_record read;
		assert_works(share_record_parse(text.data, text.size, &read, &why));
		assert_true(digest_equal(&read.digest, &made.digest));
		assert_true(share_id_equal(&read.share, &made.share));
		assert_int_equal(read.require_encryption, !lobby);
		assert_int_equal(read.lobby, lobby);
		assert_int_equal(read.version, 1);
		assert_string_equal(read.maker.name, "Alice");
		const struct fingerprint own = person_fingerprint(&alice);
		assert_true(fingerprint_equal(&read.signer, &own));
		assert_false(share_id_is_none(&read.share));
	}
}

static void share_record__is_made_only_with_the_makers_own_certificate(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct share_record record;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_fault(FAULT_REFUSED,
		     share_record_make(false, alice.certificate, mallory.identity, &record, &text, &why));
	assert_int_equal(text.size, 0);
}

static void share_record__is_refused_when_somebody_else_signed_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *json = make_json();
	AUTO(json_decref) json_t *payload = payload_of(json);
	sign_again(json, payload, &alice);
	assert_works(parse_json(json, &why));
	sign_again(json, payload, &mallory);
	assert_fault(FAULT_REFUSED, parse_json(json, &why));
	/* With her certificate it is hers, and says so: the pin is what tells the two apart. */
	json_array_append_new(json_object_get(json, "certificates"),
			      signed_json(certificate_signed(mallory.certificate)));
	assert_works(parse_json(json, &why));
	json_object_set_new(payload, "signer", json_string("000102030405060708090a0b0c0d0e0f"));
	sign_again(json, payload, &alice);
	assert_fault(FAULT_REFUSED, parse_json(json, &why));
}

static void share_record__is_refused_without_its_makers_certificate(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *json = make_json();
	json_array_clear(json_object_get(json, "certificates"));
	assert_fault(FAULT_REFUSED, parse_json(json, &why));
	json_array_append_new(json_object_get(json, "certificates"),
			      signed_json(certificate_signed(mallory.certificate)));
	assert_fault(FAULT_REFUSED, parse_json(json, &why));
}

static void share_record__refuses_other_forms(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		const char *name;
		const char *json; /* NULL: taken out */
		enum fault fault;
	} rows[] = {
		{"share", NULL, FAULT_MALFORMED},
		{"share", "\"00000000000000000000000000000000\"", FAULT_MALFORMED},
		{"organisation", "\"00\"", FAULT_MALFORMED},
		{"lobby", NULL, FAULT_MALFORMED},
		{"lobby", "1", FAULT_MALFORMED},
		{"require_encryption", NULL, FAULT_MALFORMED},
		{"require_encryption", "\"true\"", FAULT_MALFORMED},
		{"recovery", NULL, FAULT_MALFORMED},
		{"recovery", "{}", FAULT_MALFORMED},
		{"recovery", "[\"000102030405060708090a0b0c0d0e0f\"]", FAULT_UNSUPPORTED},
		{"version", NULL, FAULT_MALFORMED},
		{"version", "0", FAULT_MALFORMED},
		{"version", "2", FAULT_MALFORMED},
		{"prev", "\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo\"", FAULT_MALFORMED},
		{"created", NULL, FAULT_MALFORMED},
		{"signer", NULL, FAULT_MALFORMED},
		{"policy", "1", FAULT_MALFORMED},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(json_decref) json_t *json = make_json();
		AUTO(json_decref) json_t *payload = payload_of(json);
		if (rows[i].json)
			json_object_set_new(payload, rows[i].name,
					    json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
		else
			json_object_del(payload, rows[i].name);
		sign_again(json, payload, &alice);
		assert_fault(rows[i].fault, parse_json(json, &why));
	}
}

static void share_record__takes_a_later_version_with_its_predecessor(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(json_decref) json_t *json = make_json();
	AUTO(json_decref) json_t *payload = payload_of(json);
	json_object_set_new(payload, "version", json_integer(2));
	json_object_set_new(payload, "prev", json_string("qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"));
	sign_again(json, payload, &alice);
	assert_works(parse_json(json, &why));
}

static void share_record__refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	(void)make(false, &text);
	for (size_t at = 0; at + 1 < text.size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct share_record read;
			text.data[at] = (uint8_t)(text.data[at] ^ 1 << bit);
			if (!share_record_parse(text.data, text.size, &read, &why))
				fail_msg("bit %u of byte %zu does not matter", bit, at);
			text.data[at] = (uint8_t)(text.data[at] ^ 1 << bit);
		}
}

static void share_record__refuses_every_beginning_of_itself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	(void)make(false, &text);
	for (size_t size = 0; size + 1 < text.size; size++) {
		struct share_record read;
		assert_fault(FAULT_MALFORMED, share_record_parse(text.data, size, &read, &why));
	}
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	mallory = person_new_with_id_of(&alice);
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&mallory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(share_record__is_read_as_it_was_made),
		cmocka_unit_test(share_record__is_made_only_with_the_makers_own_certificate),
		cmocka_unit_test(share_record__is_refused_when_somebody_else_signed_it),
		cmocka_unit_test(share_record__is_refused_without_its_makers_certificate),
		cmocka_unit_test(share_record__refuses_other_forms),
		cmocka_unit_test(share_record__takes_a_later_version_with_its_predecessor),
		cmocka_unit_test(share_record__refuses_every_flipped_bit),
		cmocka_unit_test(share_record__refuses_every_beginning_of_itself),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
