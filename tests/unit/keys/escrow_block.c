#include <string.h>

#include "keys/escrow_block.h"
#include "tests/lib/organisations.h"

static struct company company;
static struct company_group officers;
static struct person alice;

/* Alice's token, for officers or (NULL) for the root. */
static struct escrow_block block_for(const struct company_group *group)
{
	struct why why = WHY_NONE;
	struct escrow_block block = {.user = "alice"};
	struct token token = {{1, 2, 3}};
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;

	assert_works(escrow_seal(&token, person_id(&alice), &company.organisation,
				 group ? &group->descriptor : NULL, &sealed, &why));
	memcpy(block.sealed, sealed.data, sizeof block.sealed);
	assert_works(signed_copy(company.object, &block.organisation, &why));
	if (group)
		assert_works(signed_copy(group->object, &block.group, &why));
	return block;
}

static struct bytes text_of(const struct escrow_block *block)
{
	struct why why = WHY_NONE;
	struct bytes text = BYTES_EMPTY;

	assert_works(escrow_block_write(block, &text, &why));
	return text;
}

static enum fault officers_of(const struct escrow_block *block, const struct fingerprint *expected,
			      struct group_descriptor *ret_group, struct why *why)
{
	struct organisation organisation;

	return escrow_block_officers(block, expected, &organisation, ret_group, why);
}

static struct fingerprint company_fingerprint(void)
{
	return public_identity_fingerprint(&company.organisation.root);
}

static void block__says_whose_the_token_is_and_who_opens_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(escrow_block_done) struct escrow_block block = block_for(&officers);
	AUTO(escrow_block_done) struct escrow_block again = ESCROW_BLOCK_EMPTY;
	AUTO(bytes_done) struct bytes text = text_of(&block);
	const struct fingerprint fingerprint = company_fingerprint();
	struct group_descriptor group;
	assert_works(escrow_block_read(text.data, text.size, &again, &why));
	assert_string_equal(again.user, "alice");
	assert_memory_equal(again.sealed, block.sealed, sizeof block.sealed);
	assert_works(officers_of(&again, &fingerprint, &group, &why));
	assert_string_equal(group.name, "officers");
}

static void block__for_the_root_has_no_officers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(escrow_block_done) struct escrow_block block = block_for(NULL);
	AUTO(escrow_block_done) struct escrow_block again = ESCROW_BLOCK_EMPTY;
	AUTO(bytes_done) struct bytes text = text_of(&block);
	const struct fingerprint fingerprint = company_fingerprint();
	struct group_descriptor group;
	assert_works(escrow_block_read(text.data, text.size, &again, &why));
	assert_null(again.group);
	assert_fault(FAULT_INVALID, officers_of(&again, &fingerprint, &group, &why));
}

static void block__without_the_group_that_it_is_sealed_to_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(escrow_block_done) struct escrow_block block = block_for(&officers);
	AUTO(escrow_block_done) struct escrow_block root = block_for(NULL);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct signed_object *group = block.group;
	block.group = NULL;
	root.group = group;
	assert_fault(FAULT_MALFORMED, escrow_block_write(&block, &text, &why));
	assert_fault(FAULT_MALFORMED, escrow_block_write(&root, &text, &why));
	block.group = group;
	root.group = NULL;
	assert_int_equal(text.size, 0);
}

/* Somebody else's officers would not name who lies: their commitments are not those of the seal. */
static void block__with_officers_of_somebody_else_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct fingerprint fingerprint = company_fingerprint();
	struct group_descriptor group;
	AUTO(company_done) struct company foreign = company_new(1);
	AUTO(company_group_done)
	struct company_group strangers = company_group_new(&foreign, "officers", 1, 1);
	AUTO(company_group_done)
	struct company_group other = company_group_new(&company, "others", 1, 1);
	AUTO(company_group_done)
	struct company_group plain = company_group_new(&company, "finance", 1, 1);
	const struct {
		struct company_group *group;
		bool recovery;
		bool foreign_organisation;
		enum fault fault;
	} forgeries[] = {
		{&strangers, true, false, FAULT_REFUSED},
		{&strangers, true, true, FAULT_IDENTITY},
		{&other, true, false, FAULT_INVALID},
		{&plain, false, false, FAULT_INVALID},
	};
	for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
		AUTO(escrow_block_done) struct escrow_block block = block_for(&officers);
		forgeries[i].group->descriptor.recovery = forgeries[i].recovery;
		company_group_sign(forgeries[i].group == &strangers ? &foreign : &company,
				   forgeries[i].group);
		signed_free(block.group);
		block.group = NULL;
		assert_works(signed_copy(forgeries[i].group->object, &block.group, &why));
		if (forgeries[i].foreign_organisation) {
			signed_free(block.organisation);
			block.organisation = NULL;
			assert_works(signed_copy(foreign.object, &block.organisation, &why));
		}
		enum fault fault = officers_of(&block, &fingerprint, &group, &why);
		if (fault != forgeries[i].fault)
			fail_msg("forgery %zu: fault %d, %s", i, fault, why.text);
	}
}

static void block__of_an_earlier_key_of_the_group_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct fingerprint fingerprint = company_fingerprint();
	struct group_descriptor group;
	AUTO(escrow_block_done) struct escrow_block block = block_for(&officers);
	AUTO(signed_free) struct signed_object *later = NULL;
	struct group_descriptor next = officers.descriptor;
	next.epoch++;
	next.version++;
	assert_works(group_descriptor_sign(&next, company.root.identity, &later, &why));
	signed_free(block.group);
	block.group = TAKE(later);
	assert_fault(FAULT_INVALID, officers_of(&block, &fingerprint, &group, &why));
	assert_non_null(strstr(why.text, "another key"));
}

static void block__that_was_cut_is_refused(void **state)
{
	(void)state;
	AUTO(escrow_block_done) struct escrow_block block = block_for(&officers);
	AUTO(bytes_done) struct bytes text = text_of(&block);
	for (size_t size = 0; size + 1 < text.size; size += 7) {
		AUTO(escrow_block_done) struct escrow_block again = ESCROW_BLOCK_EMPTY;
		assert_int_equal(escrow_block_read(text.data, size, &again, NULL), FAULT_MALFORMED);
	}
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
		cmocka_unit_test(block__says_whose_the_token_is_and_who_opens_it),
		cmocka_unit_test(block__for_the_root_has_no_officers),
		cmocka_unit_test(block__without_the_group_that_it_is_sealed_to_is_refused),
		cmocka_unit_test(block__with_officers_of_somebody_else_is_refused),
		cmocka_unit_test(block__of_an_earlier_key_of_the_group_is_refused),
		cmocka_unit_test(block__that_was_cut_is_refused),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
