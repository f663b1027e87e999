#include "base/clock.h"
#include "keys/fields.h"
#include "tests/lib/keyrings.h"

static struct keyring *keyring;

/* -- making --------------------------------------------------------------------------- */

static enum fault add(const struct person *person, bool trusted, struct why *why)
{
	return keyring_add_certificate(keyring, person->certificate, trusted, why);
}

static enum fault find(const char *words, struct fingerprint *ret_fingerprint, struct why *why)
{
	AUTO(certificate_free) struct certificate *found = NULL;
	enum fault fault = keyring_find_person(keyring, words, &found, NULL, why);

	if (!fault)
		*ret_fingerprint = certificate_fingerprint(found);
	return fault;
}

static void assert_finds(const char *words, const struct person *person)
{
	struct why why = WHY_NONE;
	const struct fingerprint wanted = person_fingerprint(person);
	struct fingerprint found;

	assert_works(find(words, &found, &why));
	assert_true(fingerprint_equal(&found, &wanted));
}

static void assert_does_not_find(enum fault wanted, const char *words)
{
	struct why why = WHY_NONE;
	struct fingerprint unused;

	assert_fault(wanted, find(words, &unused, &why));
	assert_non_null(strstr(why.text, words));
}

/* A later certificate of the same key, which may say another name. */
static struct certificate *renewed(const struct person *person, const char *name, int serial)
{
	struct why why = WHY_NONE;
	AUTO(json_decref)
	json_t *payload = json_deep_copy(signed_payload(certificate_signed(person->certificate)));
	AUTO(signed_free) struct signed_object *object = NULL;
	struct certificate *certificate = NULL;

	assert_works(fields_set(payload, "name", json_string(name), &why));
	assert_works(fields_set(payload, "serial", json_integer(serial), &why));
	assert_works(signed_make(payload, "fsenc-user+v1", person->identity, &object, &why));
	AUTO(json_decref) json_t *json = signed_json(object);
	assert_works(certificate_parse(json, &certificate, &why));
	return certificate;
}

static void assert_known_as(const struct person *person, const char *name, uint64_t serial)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *found = NULL;
	const struct fingerprint fingerprint = person_fingerprint(person);

	assert_works(keyring_find_certificate(keyring, &fingerprint, &found, &why));
	assert_string_equal(certificate_identity(found)->name, name);
	assert_int_equal(certificate_serial(found), serial);
}

/* -- finding -------------------------------------------------------------------------- */

static void person__is_found_by_name_id_and_fingerprint(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person anna = person_new("Anna B\xc3\xbcrger");
	char id[ID_TEXT_SIZE];
	char fingerprint[DIGEST_TEXT_SIZE];
	const struct fingerprint of_anna = person_fingerprint(&anna);
	member_id_text(person_id(&anna), id);
	fingerprint_text(&of_anna, fingerprint);

	assert_does_not_find(FAULT_KEY_MISSING, "Anna B\xc3\xbcrger");
	assert_does_not_find(FAULT_KEY_MISSING, id);
	assert_does_not_find(FAULT_KEY_MISSING, fingerprint);
	assert_works(add(&anna, false, &why));
	assert_finds("Anna B\xc3\xbcrger", &anna);
	assert_finds(id, &anna);
	assert_finds(fingerprint, &anna);
	assert_does_not_find(FAULT_KEY_MISSING, "Anna");
	assert_does_not_find(FAULT_KEY_MISSING, "%");
	assert_does_not_find(FAULT_KEY_MISSING, "");
}

static void person__of_a_name_that_two_have_must_be_said_more_exactly(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person one = person_new("Twin");
	AUTO(person_done) struct person two = person_new("Twin");
	char id[ID_TEXT_SIZE];
	member_id_text(person_id(&two), id);

	assert_works(add(&one, true, &why));
	assert_finds("Twin", &one);
	assert_works(add(&two, false, &why));
	assert_does_not_find(FAULT_INVALID, "Twin");
	assert_finds(id, &two);
}

/* Who calls himself by another's fingerprint or id is not found by it. */
static void person__is_not_found_by_a_name_that_looks_like_a_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person honest = person_new("honest");
	char id[ID_TEXT_SIZE];
	char fingerprint[DIGEST_TEXT_SIZE];
	const struct fingerprint of_honest = person_fingerprint(&honest);
	member_id_text(person_id(&honest), id);
	fingerprint_text(&of_honest, fingerprint);
	AUTO(person_done) struct person by_id = person_new(id);
	AUTO(person_done) struct person by_fingerprint = person_new(fingerprint);

	assert_works(add(&by_id, true, &why));
	assert_works(add(&by_fingerprint, true, &why));
	assert_does_not_find(FAULT_KEY_MISSING, id);
	assert_does_not_find(FAULT_KEY_MISSING, fingerprint);
	assert_works(add(&honest, false, &why));
	assert_finds(id, &honest);
	assert_finds(fingerprint, &honest);
}

static void people__are_listed_by_name_with_oneself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *fresh = keyring_of("mine");
	AUTO(person_done) struct person zoe = person_new("zoe");
	AUTO(person_done) struct person abe = person_new("abe");
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	static const char *const names[] = {"abe", "mine", "zoe"};

	clock_set_fake(0, 1234567000);
	assert_works(keyring_add_certificate(fresh, zoe.certificate, true, &why));
	clock_set_real();
	assert_works(keyring_add_certificate(fresh, abe.certificate, false, &why));
	assert_works(keyring_people(fresh, &people, &why));
	assert_int_equal(people.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(certificate_identity(people.list[i].certificate)->name, names[i]);
		assert_int_equal(people.list[i].own, i == 1);
		assert_int_equal(people.list[i].trusted, i != 0);
	}
	assert_int_equal(people.list[2].added, 1234567);
}

/* -- trust ---------------------------------------------------------------------------- */

static void trust__is_given_and_never_taken_by_adding_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person carl = person_new("Carl");
	AUTO(person_done) struct person stranger = person_new("Stranger");
	const struct fingerprint of_carl = person_fingerprint(&carl);
	const struct fingerprint of_stranger = person_fingerprint(&stranger);

	assert_works(add(&carl, false, &why));
	assert_false(keyring_trusts(keyring, &of_carl));
	assert_works(keyring_trust(keyring, &of_carl, &why));
	assert_true(keyring_trusts(keyring, &of_carl));
	assert_works(add(&carl, false, &why));
	assert_true(keyring_trusts(keyring, &of_carl));
	assert_false(keyring_trusts(keyring, &of_stranger));
	assert_fault(FAULT_KEY_MISSING, keyring_trust(keyring, &of_stranger, &why));
}

static void trust__may_come_with_the_certificate_at_any_time(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person dora = person_new("Dora");
	AUTO(certificate_free) struct certificate *found = NULL;
	const struct fingerprint of_dora = person_fingerprint(&dora);
	bool trusted = true;

	assert_works(add(&dora, false, &why));
	assert_works(keyring_find_person(keyring, "Dora", &found, &trusted, &why));
	assert_false(trusted);
	assert_works(add(&dora, true, &why));
	assert_true(keyring_trusts(keyring, &of_dora));
}

/* -- one id, one key ------------------------------------------------------------------ */

static void certificate__of_another_key_for_a_known_id_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person erik = person_new("Erik");
	AUTO(person_done) struct person impostor = person_new_with_id_of(&erik);
	const struct fingerprint of_impostor = person_fingerprint(&impostor);

	assert_works(add(&erik, true, &why));
	assert_fault(FAULT_EXISTS, add(&impostor, true, &why));
	assert_finds("Erik", &erik);
	assert_false(keyring_trusts(keyring, &of_impostor));
}

static void certificate__of_another_key_for_ones_own_id_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct identity *own = NULL;
	assert_works(keyring_identity(keyring, &own, &why));
	AUTO(person_done)
	struct person impostor = person_new_with_id_of(&(struct person){.identity = (void *)own});

	assert_fault(FAULT_EXISTS, add(&impostor, true, &why));
}

static void certificate__of_a_known_key_under_another_id_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person fred = person_new("Fred");
	struct member_id other;
	struct identity *again = NULL;
	member_id_random(&other);
	assert_works(identity_restore(&other, "Fred", identity_private_bytes(fred.identity), &again, &why));
	AUTO(person_done) struct person twice = person_of(again);

	assert_works(add(&fred, true, &why));
	assert_fault(FAULT_EXISTS, add(&twice, true, &why));
}

static void certificate__is_renewed_by_a_later_one_of_the_same_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person gerd = person_new("Gerd");
	AUTO(certificate_free) struct certificate *third = renewed(&gerd, "Gerd", 3);
	AUTO(certificate_free) struct certificate *second = renewed(&gerd, "Gerd", 2);
	const struct fingerprint of_gerd = person_fingerprint(&gerd);

	assert_works(add(&gerd, true, &why));
	assert_works(keyring_add_certificate(keyring, third, false, &why));
	assert_known_as(&gerd, "Gerd", 3);
	assert_works(keyring_add_certificate(keyring, second, false, &why));
	assert_known_as(&gerd, "Gerd", 3);
	assert_true(keyring_trusts(keyring, &of_gerd));
}

static void certificate__with_a_new_name_counts_only_when_somebody_vouches(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(person_done) struct person harm = person_new("Harm");
	AUTO(certificate_free) struct certificate *director = renewed(&harm, "The Director", 2);

	assert_works(add(&harm, true, &why));
	assert_works(keyring_add_certificate(keyring, director, false, &why));
	assert_known_as(&harm, "Harm", 1);
	assert_does_not_find(FAULT_KEY_MISSING, "The Director");
	assert_works(keyring_add_certificate(keyring, director, true, &why));
	assert_known_as(&harm, "The Director", 2);
	assert_finds("The Director", &harm);
	assert_does_not_find(FAULT_KEY_MISSING, "Harm");
}

/* -- hostile rows --------------------------------------------------------------------- */

/* Whoever can write the file exchanges two people's certificates, so that trust in one becomes trust in the
 * other. */
static void certificate__in_anothers_row_is_damage(void **state)
{
	(void)state;
	static const char *const spoilt[] = {
		"UPDATE certificates SET certificate = x.certificate FROM certificates x WHERE x.name='Bad'",
		"UPDATE certificates SET certificate = ''",
		"UPDATE certificates SET certificate = '{}'",
		"UPDATE certificates SET certificate = certificate || char(0) || 'x'",
		"UPDATE certificates SET trusted = 2",
		"UPDATE certificates SET trusted = -1",
		"UPDATE certificates SET added = -1",
		"UPDATE certificates SET id = CAST(id || x'00' AS BLOB)",
		"UPDATE certificates SET fingerprint = CAST(fingerprint || x'00' AS BLOB)",
	};
	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct why why = WHY_NONE;
		char name[16];
		(void)snprintf(name, sizeof name, "rows%zu", i);
		AUTO(keyring_close) struct keyring *mine = keyring_of(name);
		AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
		AUTO(person_done) struct person bad = person_new("Bad");
		assert_works(keyring_add_certificate(mine, bad.certificate, false, &why));
		keyring_spoil(mine, spoilt[i]);
		assert_fault(FAULT_KEYRING_READ, keyring_people(mine, &people, &why));
		assert_int_equal(people.count, 0);
	}
}

static int start(void **state)
{
	int failed = keyrings_start(state);

	keyring = keyring_of("people");
	return failed;
}

static int end(void **state)
{
	keyring_close(keyring);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(person__is_found_by_name_id_and_fingerprint),
		cmocka_unit_test(person__of_a_name_that_two_have_must_be_said_more_exactly),
		cmocka_unit_test(person__is_not_found_by_a_name_that_looks_like_a_key),
		cmocka_unit_test(people__are_listed_by_name_with_oneself),
		cmocka_unit_test(trust__is_given_and_never_taken_by_adding_again),
		cmocka_unit_test(trust__may_come_with_the_certificate_at_any_time),
		cmocka_unit_test(certificate__of_another_key_for_a_known_id_is_refused),
		cmocka_unit_test(certificate__of_another_key_for_ones_own_id_is_refused),
		cmocka_unit_test(certificate__of_a_known_key_under_another_id_is_refused),
		cmocka_unit_test(certificate__is_renewed_by_a_later_one_of_the_same_key),
		cmocka_unit_test(certificate__with_a_new_name_counts_only_when_somebody_vouches),
		cmocka_unit_test(certificate__in_anothers_row_is_damage),
	};
	return cmocka_run_group_tests(tests, start, end);
}
