#include <string.h>

#include "keys/sealed.h"
#include "tests/lib/people.h"

static struct person alice;
static struct person bob;

static const struct sealed_context share_file = {"share-file", 10};
static const struct sealed_context token = {"token", 5};
static const char words[] = "a share of a key";

static struct bytes for_alice(void)
{
	struct why why = WHY_NONE;
	struct bytes sealed = BYTES_EMPTY;

	assert_works(sealed_to_identity(identity_public(alice.identity), &share_file, words, sizeof words,
					&sealed, &why));
	return sealed;
}

static void sealed__is_opened_by_its_recipient(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes sealed = for_alice();
	AUTO(secret_free) struct secret *opened = NULL;
	assert_int_equal(sealed.size, sizeof words + SEALED_OVERHEAD);
	assert_works(sealed_open(sealed.data, sealed.size, &share_file, alice.identity, &opened, &why));
	assert_int_equal(secret_size(opened), sizeof words);
	assert_memory_equal(secret_bytes(opened), words, sizeof words);
}

static void sealed__is_closed_to_others_and_for_other_purposes(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes sealed = for_alice();
	AUTO(secret_free) struct secret *opened = NULL;
	assert_fault(FAULT_REFUSED,
		     sealed_open(sealed.data, sealed.size, &share_file, bob.identity, &opened, &why));
	assert_fault(FAULT_REFUSED,
		     sealed_open(sealed.data, sealed.size, &token, alice.identity, &opened, &why));
	assert_null(opened);
}

static void sealed__refuses_every_flipped_bit_and_every_beginning(void **state)
{
	(void)state;
	AUTO(bytes_done) struct bytes sealed = for_alice();
	AUTO(secret_free) struct secret *opened = NULL;
	for (size_t at = 0; at < sealed.size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			sealed.data[at] ^= (uint8_t)(1u << bit);
			/* X25519 ignores the highest bit of a point; the key depends on it all the same. */
			assert_int_equal(sealed_open(sealed.data, sealed.size, &share_file, alice.identity,
						     &opened, NULL),
					 FAULT_REFUSED);
			sealed.data[at] ^= (uint8_t)(1u << bit);
		}
	for (size_t size = 0; size < sealed.size; size++)
		assert_true(sealed_open(sealed.data, size, &share_file, alice.identity, &opened, NULL));
}

static void sealed__is_never_the_same_twice(void **state)
{
	(void)state;
	AUTO(bytes_done) struct bytes one = for_alice();
	AUTO(bytes_done) struct bytes other = for_alice();
	assert_memory_not_equal(one.data, other.data, 32);
	assert_memory_not_equal(one.data + 32, other.data + 32, one.size - 32);
}

static void sealed__to_a_group_is_opened_by_its_shares_together(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_deal deal;
	struct point point, shared;
	struct group_answer answers[2];
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(secret_free) struct secret *opened = NULL;
	assert_works(group_deal(NULL, 2, 3, &deal, &why));
	assert_works(sealed_to_group(&deal.commitments[0], &token, words, sizeof words, &sealed, &why));
	assert_works(sealed_point(sealed.data, sealed.size, &point, &why));
	for (unsigned i = 0; i < 2; i++) {
		answers[i].index = deal.shares[i + 1].index;
		assert_works(group_evaluate(&deal.shares[i + 1], &point, &answers[i].point, &why));
	}
	assert_works(group_combine(answers, 2, &shared, &why));
	assert_fault(FAULT_REFUSED,
		     sealed_open_group(sealed.data, sealed.size, &share_file, &shared, &opened, &why));
	/* One share alone is another point. */
	assert_fault(FAULT_REFUSED,
		     sealed_open_group(sealed.data, sealed.size, &token, &answers[0].point, &opened, &why));
	assert_works(sealed_open_group(sealed.data, sealed.size, &token, &shared, &opened, &why));
	assert_memory_equal(secret_bytes(opened), words, sizeof words);
}

/* The two kinds have keys of their own, also from the same shared secret. */
static void sealed__to_a_group_is_not_sealed_to_an_identity(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes sealed = for_alice();
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(secret_free) struct secret *opened = NULL;
	struct point point;
	assert_works(identity_agree(alice.identity, sealed.data, &shared, &why));
	memcpy(point.bytes, shared.bytes, sizeof point.bytes);
	assert_true(sealed_open_group(sealed.data, sealed.size, &share_file, &point, &opened, NULL));
	assert_null(opened);
}

static void sealed__has_a_largest_size(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(free) uint8_t *large = calloc(1, SEALED_DATA_MAX + 1);
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	const struct public_identity *to = identity_public(alice.identity);
	assert_fault(FAULT_INVALID,
		     sealed_to_identity(to, &token, large, SEALED_DATA_MAX + 1, &sealed, &why));
	assert_works(sealed_to_identity(to, &token, large, SEALED_DATA_MAX, &sealed, &why));
	assert_works(sealed_to_identity(to, &token, "", 0, &sealed, &why));
	AUTO(secret_free) struct secret *opened = NULL;
	const size_t first = SEALED_DATA_MAX + SEALED_OVERHEAD;
	assert_works(sealed_open(sealed.data, first, &token, alice.identity, &opened, &why));
	AUTO(secret_free) struct secret *empty = NULL;
	assert_works(sealed_open(sealed.data + first, SEALED_OVERHEAD, &token, alice.identity, &empty, &why));
}

static int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	return 0;
}

static int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed__is_opened_by_its_recipient),
		cmocka_unit_test(sealed__is_closed_to_others_and_for_other_purposes),
		cmocka_unit_test(sealed__refuses_every_flipped_bit_and_every_beginning),
		cmocka_unit_test(sealed__is_never_the_same_twice),
		cmocka_unit_test(sealed__to_a_group_is_opened_by_its_shares_together),
		cmocka_unit_test(sealed__to_a_group_is_not_sealed_to_an_identity),
		cmocka_unit_test(sealed__has_a_largest_size),
	};
	return cmocka_run_group_tests(tests, meet_people, part);
}
