/* Shares of an organisation: whose word counts, and groups on their lists. */
#include "fs/access_groups.h"
#include "tests/lib/enrolled.h"
#include "tests/lib/world.h"

static struct company company;
static struct company_group finance;
static struct company_group officers;
static struct keyring *carol; /* enrolled like alice, and they have never met */

static struct keyring_server server = {.url = "http://127.0.0.1:1"};

struct group_change {
	const struct company_group *group; /* added */
	bool rekey;
};

static enum fault edit(void *context, const struct folder_file *present, const struct folder_keys *keys,
		       struct folder_file **ret_next, struct why *why)
{
	const struct group_change *change = context;
	const struct identity *identity = NULL;
	enum fault fault = keyring_identity(alice, &identity, why);
	if (fault)
		return fault;
	if (change->rekey)
		return folder_change_rekey(present, keys, identity, REASON_REKEY, ret_next, why);
	return folder_change_add_group(present, keys, identity, change->group->object, &company.organisation,
				       ROLE_READER, ret_next, why);
}

static enum fault change_root(struct share *share, struct group_change change, struct folder_file **ret_file,
			      struct why *why)
{
	const struct access_place place = world_root(share);

	return access_change(&place, edit, &change, ret_file, why);
}

static void share__of_a_certified_maker_opens_without_an_introduction(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *alices = world_share("certified", false);
	(void)alices;
	AUTO(share_close) struct share *carols = world_open(world_path("certified"), carol);
	AUTO(folder_file_free) struct folder_file *file = world_read(carols);
	const struct organisation_id id = company_id(&company);
	assert_true(organisation_id_equal(&share_record_of(carols)->organisation, &id));
	assert_true(organisation_id_equal(&file->record->organisation, &id));
	assert_true(keyring_trusts(alice, &file->record->signer_fingerprint));
	assert_false(keyring_trusts(carol, &file->record->signer_fingerprint));
	/* Who is in no organisation, or another, still asks for a fingerprint. */
	struct share *strangers = NULL;
	const struct share_options options = {.local = false};
	assert_fault(FAULT_KEY_MISSING,
		     share_open(world_path("certified"), &options, mallory, &strangers, &why));
}

static void share__of_an_uncertified_maker_asks_for_his_fingerprint(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct share *share = NULL;
	const struct share_options options = {.local = false};
	assert_works(share_create(world_path("uncertified"), false, mallory, &why));
	assert_fault(FAULT_KEY_MISSING, share_open(world_path("uncertified"), &options, carol, &share, &why));
}

static void new_generation__is_wrapped_to_groups_while_no_server_answers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("rotated", false);
	AUTO(folder_file_free) struct folder_file *added = NULL;
	AUTO(folder_file_free) struct folder_file *rekeyed = NULL;
	assert_works(change_root(share, (struct group_change){.group = &finance}, &added, &why));
	assert_works(change_root(share, (struct group_change){.rekey = true}, &rekeyed, &why));
	assert_int_equal(rekeyed->record->generation_count, 2);
	assert_int_equal(rekeyed->keybox_count, 2);
	assert_int_equal(rekeyed->group_count, 1);
}

static void new_generation__takes_the_newer_descriptor_of_the_keyring(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *share = world_share("newer", false);
	AUTO(folder_file_free) struct folder_file *added = NULL;
	AUTO(folder_file_free) struct folder_file *rekeyed = NULL;
	AUTO(company_group_done) struct company_group group = company_group_new(&company, "sales", 1, 1);
	assert_works(change_root(share, (struct group_change){.group = &group}, &added, &why));
	group.descriptor.epoch = 2;
	group.descriptor.version = 2;
	company_group_sign(&company, &group);
	keep_group(alice, &group);
	assert_works(change_root(share, (struct group_change){.rekey = true}, &rekeyed, &why));
	assert_int_equal(rekeyed->group_count, 1);
	assert_int_equal(rekeyed->groups[0].descriptor->epoch, 2);
}

static void set_policy(struct keyring *keyring, uint64_t version, const struct member_id *recovery)
{
	const struct organisation_id id = company_id(&company);
	struct policy policy = policy_default(&id, 1700000000);

	policy.version = version;
	policy.recovery_count = recovery ? 1 : 0;
	if (recovery)
		policy.recovery[0] = *recovery;
	keep_policy(keyring, &company, &policy);
}

static void new_folder__has_the_recovery_group_that_the_policy_asks_for(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	set_policy(alice, 2, &officers.descriptor.id);
	assert_fault(FAULT_KEY_MISSING, share_create(world_path("unknown officers"), false, alice, &why));
	assert_non_null(strstr(why.text, "fsenc sync"));
	keep_group(alice, &officers);
	AUTO(share_close) struct share *share = world_share("recoverable", true);
	assert_int_equal(mkdir(world_path("recoverable/Finance"), 0755), 0);
	assert_works(folder_protect(share, "Finance", &why));
	AUTO(share_close) struct share *whole = world_share("whole", false);
	AUTO(folder_file_free) struct folder_file *file = world_read(whole);
	const struct record_entry *entry = record_find(file->record, &officers.descriptor.id);
	assert_non_null(entry);
	assert_int_equal(entry->kind, MEMBER_RECOVERY);
	/* And a new generation is wrapped to it, too. */
	AUTO(folder_file_free) struct folder_file *rekeyed = NULL;
	assert_works(change_root(whole, (struct group_change){.rekey = true}, &rekeyed, &why));
	assert_int_equal(rekeyed->keybox_count, 2);
	set_policy(alice, 3, NULL);
}

static void later_change__lets_in_what_the_policy_has_named_since(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done) struct company_group late = company_group_new(&company, "late", 1, 1);
	late.descriptor.recovery = true;
	company_group_sign(&company, &late);
	AUTO(share_close) struct share *share = world_share("before", false);
	set_policy(alice, 4, &late.descriptor.id);
	/* Not known here: the change is made without it. */
	AUTO(folder_file_free) struct folder_file *without = NULL;
	assert_works(change_root(share, (struct group_change){.rekey = true}, &without, &why));
	assert_null(record_find(without->record, &late.descriptor.id));
	keep_group(alice, &late);
	AUTO(folder_file_free) struct folder_file *with = NULL;
	assert_works(change_root(share, (struct group_change){.rekey = true}, &with, &why));
	const struct record_entry *entry = record_find(with->record, &late.descriptor.id);
	assert_non_null(entry);
	assert_int_equal(entry->kind, MEMBER_RECOVERY);
	assert_int_equal(with->keybox_count, 2);
	/* The policy asks for it no longer: it stays. */
	set_policy(alice, 5, NULL);
	AUTO(folder_file_free) struct folder_file *kept = NULL;
	assert_works(change_root(share, (struct group_change){.rekey = true}, &kept, &why));
	assert_non_null(record_find(kept->record, &late.descriptor.id));
}

static int begin(void **state)
{
	if (world_start(state))
		return -1;
	company = company_new(1);
	finance = company_group_new(&company, "finance", 1, 1);
	officers = company_group_new(&company, "officers", 1, 1);
	officers.descriptor.recovery = true;
	company_group_sign(&company, &officers);
	carol = world_person("carol");
	enrol(alice, &company, &server, 1);
	enrol(carol, &company, &server, 1);
	return 0;
}

static int end(void **state)
{
	keyring_close(carol);
	company_group_done(&finance);
	company_group_done(&officers);
	company_done(&company);
	return world_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(share__of_a_certified_maker_opens_without_an_introduction),
		cmocka_unit_test(share__of_an_uncertified_maker_asks_for_his_fingerprint),
		cmocka_unit_test(new_generation__is_wrapped_to_groups_while_no_server_answers),
		cmocka_unit_test(new_generation__takes_the_newer_descriptor_of_the_keyring),
		cmocka_unit_test(new_folder__has_the_recovery_group_that_the_policy_asks_for),
		cmocka_unit_test(later_change__lets_in_what_the_policy_has_named_since),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
