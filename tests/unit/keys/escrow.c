#include <string.h>

#include "keys/escrow.h"
#include "tests/lib/organisations.h"

static struct company company;
static struct company_group officers;
static struct person alice;
static struct token token;
static char token_words[TOKEN_TEXT_SIZE];

static struct bytes sealed_for(const struct group_descriptor *group)
{
	struct why why = WHY_NONE;
	struct bytes sealed = BYTES_EMPTY;

	assert_works(escrow_seal(&token, person_id(&alice), &company.organisation, group, &sealed, &why));
	return sealed;
}

/* What two of the three officers compute together. */
static struct point shared_by_officers(const struct bytes *sealed)
{
	struct why why = WHY_NONE;
	struct group_answer answers[2];
	struct point point, shared;

	assert_works(escrow_point(sealed->data, sealed->size, &point, &why));
	for (unsigned i = 0; i < 2; i++) {
		answers[i].index = officers.deal.shares[i].index;
		assert_works(group_evaluate(&officers.deal.shares[i], &point, &answers[i].point, &why));
	}
	assert_works(group_combine(answers, 2, &shared, &why));
	return shared;
}

static void escrow__to_officers_is_opened_by_them_together(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[TOKEN_TEXT_SIZE];
	struct escrow escrow;
	AUTO(bytes_done) struct bytes sealed = sealed_for(&officers.descriptor);
	assert_true(sealed.size <= 4096);
	assert_works(escrow_read(sealed.data, sealed.size, &escrow, &why));
	assert_int_equal(escrow.recipient, ESCROW_GROUP);
	assert_true(member_id_equal(&escrow.id, &officers.descriptor.id));
	assert_true(member_id_equal(&escrow.user, person_id(&alice)));
	assert_int_equal(escrow.epoch, 1);
	const struct point shared = shared_by_officers(&sealed);
	assert_works(escrow_open_group(sealed.data, sealed.size, &shared, text, &why));
	assert_string_equal(text, token_words);
	/* The root's holder alone does not. */
	assert_fault(FAULT_REFUSED,
		     escrow_open_root(sealed.data, sealed.size, company.root.identity, text, &why));
}

static void escrow__without_officers_is_the_roots(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[TOKEN_TEXT_SIZE];
	struct escrow escrow;
	struct point point;
	AUTO(bytes_done) struct bytes sealed = sealed_for(NULL);
	assert_works(escrow_read(sealed.data, sealed.size, &escrow, &why));
	assert_int_equal(escrow.recipient, ESCROW_ROOT);
	assert_int_equal(escrow.epoch, 0);
	assert_fault(FAULT_REFUSED, escrow_point(sealed.data, sealed.size, &point, &why));
	assert_fault(FAULT_REFUSED, escrow_open_root(sealed.data, sealed.size, alice.identity, text, &why));
	assert_works(escrow_open_root(sealed.data, sealed.size, company.root.identity, text, &why));
	assert_string_equal(text, token_words);
}

static void escrow__is_for_recovery_groups_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done) struct company_group finance = company_group_new(&company, "finance", 1, 1);
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	assert_fault(FAULT_INVALID, escrow_seal(&token, person_id(&alice), &company.organisation,
						&finance.descriptor, &sealed, &why));
}

static void escrow__refuses_every_flipped_bit_and_every_beginning(void **state)
{
	(void)state;
	char text[TOKEN_TEXT_SIZE];
	AUTO(bytes_done) struct bytes sealed = sealed_for(&officers.descriptor);
	const struct point shared = shared_by_officers(&sealed);
	struct escrow escrow;
	for (size_t at = 0; at < sealed.size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			/* R itself does not matter: S is what the officers found for it. */
			if (at >= 42 && at < 42 + 32)
				continue;
			sealed.data[at] ^= (uint8_t)(1u << bit);
			assert_true(escrow_open_group(sealed.data, sealed.size, &shared, text, NULL));
			sealed.data[at] ^= (uint8_t)(1u << bit);
		}
	for (size_t size = 0; size < sealed.size; size++)
		assert_int_equal(escrow_read(sealed.data, size, &escrow, NULL), FAULT_MALFORMED);
}

static int found(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	officers = company_group_new(&company, "officers", 2, 3);
	officers.descriptor.recovery = true;
	company_group_sign(&company, &officers);
	alice = person_new("alice");
	randombytes_buf(token.bytes, sizeof token.bytes);
	token_text(&token, token_words);
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	person_done(&alice);
	company_group_done(&officers);
	company_done(&company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escrow__to_officers_is_opened_by_them_together),
		cmocka_unit_test(escrow__without_officers_is_the_roots),
		cmocka_unit_test(escrow__is_for_recovery_groups_only),
		cmocka_unit_test(escrow__refuses_every_flipped_bit_and_every_beginning),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
