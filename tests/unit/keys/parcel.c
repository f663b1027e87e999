#include <stdlib.h>

#include "keys/parcel.h"
#include "tests/lib/people.h"

#define SERVERS 3
#define THRESHOLD 2

static struct identity *root, *servers[SERVERS];
static struct organisation organisation;
static struct signed_object *organisation_signed, *group_signed;
static struct group_descriptor group;
static struct group_deal deal;

static void descriptor_of(const struct group_deal *dealt, uint32_t epoch)
{
	struct why why = WHY_NONE;

	group = (struct group_descriptor){.organisation = organisation_id_of(&organisation),
					  .id = {{9}},
					  .name = "finance",
					  .version = epoch,
					  .epoch = epoch,
					  .threshold = dealt->threshold,
					  .server_count = SERVERS};
	memcpy(group.commitments, dealt->commitments, sizeof group.commitments);
	for (unsigned i = 0; i < SERVERS; i++)
		group.servers[i] = (struct group_server){identity_public(servers[i])->id, i + 1};
	signed_free(group_signed);
	assert_works(group_descriptor_sign(&group, root, &group_signed, &why));
}

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_works(identity_new("Example", &root, &why));
	organisation = (struct organisation){
		.root = *identity_public(root), .version = 1, .server_count = SERVERS};
	for (int i = 0; i < SERVERS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "keys%d", i + 1);
		assert_works(identity_new(name, &servers[i], &why));
		organisation.servers[i] = *identity_public(servers[i]);
	}
	assert_works(organisation_sign(&organisation, root, &organisation_signed, &why));
	assert_works(group_deal(NULL, THRESHOLD, SERVERS, &deal, &why));
	descriptor_of(&deal, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	signed_free(group_signed);
	group_signed = NULL;
	signed_free(organisation_signed);
	for (int i = 0; i < SERVERS; i++)
		identity_free(servers[i]);
	identity_free(root);
	return 0;
}

/* As it arrives: written and read again. */
static struct parcel sent(unsigned server, const struct group_share *share, bool addition)
{
	struct parcel parcel = {.organisation = organisation_signed, .group = group_signed}, read;
	struct bytes text = BYTES_EMPTY;
	struct why why = WHY_NONE;

	assert_works(
		parcel_seal_share(&parcel, &group, identity_public(servers[server]), share, addition, &why));
	assert_works(parcel_write(&parcel, &text, &why));
	assert_works(parcel_read(text.data, text.size, &read, &why));
	bytes_done(&text);
	return read;
}

static void parcel__brings_a_share_to_its_holder_and_nobody_else(void **state)
{
	AUTO(parcel_done) struct parcel parcel = sent(0, &deal.shares[0], false);
	struct group_share share;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(parcel_open_share(&parcel, &group, servers[0], NULL, &share, &why));
	assert_int_equal(share.index, 1);
	assert_memory_equal(share.value.bytes, deal.shares[0].value.bytes, SCALAR_SIZE);
	assert_fault(FAULT_REFUSED, parcel_open_share(&parcel, &group, servers[1], NULL, &share, &why));
	parcel.holder = identity_public(servers[1])->id;
	parcel.index = 2;
	assert_fault(FAULT_REFUSED, parcel_open_share(&parcel, &group, servers[1], NULL, &share, &why));
}

static void parcel__share_that_does_not_fit_the_signed_commitments_is_refused(void **state)
{
	struct group_share wrong = {.index = 1, .value = deal.shares[1].value}, share;
	AUTO(parcel_done) struct parcel parcel = sent(0, &wrong, false);
	struct why why = WHY_NONE;

	(void)state;
	assert_fault(FAULT_REFUSED, parcel_open_share(&parcel, &group, servers[0], NULL, &share, &why));
}

static void parcel__changed_anywhere_opens_nothing(void **state)
{
	AUTO(parcel_done) struct parcel parcel = sent(0, &deal.shares[0], false);
	struct group_share share;
	struct why why = WHY_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof parcel.share; i++) {
		enum fault fault;

		parcel.share[i] ^= 1;
		fault = parcel_open_share(&parcel, &group, servers[0], NULL, &share, &why);
		/* the top bit of an X25519 key does not count (RFC 7748, 5), but the KDF takes it in */
		assert_int_equal(fault, FAULT_REFUSED);
		parcel.share[i] ^= 1;
	}
	parcel.addition = true;
	assert_fault(FAULT_REFUSED,
		     parcel_open_share(&parcel, &group, servers[0], &deal.shares[0], &share, &why));
	parcel.addition = false;
	group.epoch++;
	assert_fault(FAULT_REFUSED, parcel_open_share(&parcel, &group, servers[0], NULL, &share, &why));
}

static void parcel__adds_to_a_share_when_a_key_is_refreshed(void **state)
{
	struct scalar zero = {{0}};
	struct group_deal zeros;
	struct group_share new[SERVERS], share;
	struct why why = WHY_NONE;

	(void)state;
	assert_works(group_deal(&zero, THRESHOLD, SERVERS, &zeros, &why));
	assert_works(group_refresh_commitments(deal.commitments, zeros.commitments, THRESHOLD, &why));
	descriptor_of(&deal, 2);
	for (unsigned i = 0; i < SERVERS; i++) {
		AUTO(parcel_done) struct parcel parcel = sent(i, &zeros.shares[i], true);

		assert_fault(FAULT_REFUSED,
			     parcel_open_share(&parcel, &group, servers[i], NULL, &share, &why));
		assert_fault(FAULT_REFUSED, parcel_open_share(&parcel, &group, servers[i],
							      &deal.shares[(i + 1) % SERVERS], &share, &why));
		assert_works(parcel_open_share(&parcel, &group, servers[i], &deal.shares[i], &new[i], &why));
		assert_memory_not_equal(new[i].value.bytes, deal.shares[i].value.bytes, SCALAR_SIZE);
	}
}

static void assert_malformed(const char *text)
{
	struct parcel parcel;
	struct why why = WHY_NONE;

	assert_fault(FAULT_MALFORMED, parcel_read(text, strlen(text), &parcel, &why));
}

static void parcel__of_another_form_is_refused(void **state)
{
	struct parcel parcel = {.organisation = organisation_signed, .holder = {{1}}, .index = 1};
	struct bytes text = BYTES_EMPTY;
	struct why why = WHY_NONE;

	(void)state;
	assert_malformed("");
	assert_malformed("[]");
	assert_malformed("{}");
	assert_malformed("{\"organisation\":{},\"addition\":false}");
	assert_works(parcel_write(&parcel, &text, &why)); /* a holder without a share */
	assert_malformed((char *)text.data);
	bytes_done(&text);
}

int main(void)
{
	struct why why = WHY_NONE;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(parcel__brings_a_share_to_its_holder_and_nobody_else),
		TEST(parcel__share_that_does_not_fit_the_signed_commitments_is_refused),
		TEST(parcel__changed_anywhere_opens_nothing),
		TEST(parcel__adds_to_a_share_when_a_key_is_refreshed),
		TEST(parcel__of_another_form_is_refused),
	};
#undef TEST

	if (secret_start(&why))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
