/* Groups on an access list: their entries, their descriptors, and envelopes for them while no server answers.
 */
#include "keys/fields.h"
#include "keys/folder_keys.h"
#include "tests/lib/folders.h"

static struct company company;
static struct company other_company;
static struct company_group finance;
static struct company_group officers;
static struct person alice; /* admin of every folder here */
static struct person bob;

static struct made folder_of_finance(void)
{
	struct made made = made_new(&alice);
	made_add_group(&made, &alice, &company, &finance, ROLE_WRITER);
	return made;
}

static struct folder_file *rekeyed(const struct made *made)
{
	struct why why = WHY_NONE;
	struct folder_file *next = NULL;
	assert_works(folder_change_rekey(made->file, made->keys, alice.identity, REASON_REKEY, &next, &why));
	return next;
}

/* What t shares of the key open: the same as k itself would. */
static void assert_opens(const struct folder_file *file, const struct company_group *group,
			 const struct made *made)
{
	struct why why = WHY_NONE;
	const struct record_entry *entry = record_find(file->record, &group->descriptor.id);
	assert_non_null(entry);
	const struct keybox_entry *box = folder_file_find_wrap(file, entry);
	assert_non_null(box);
	struct group_answer answers[GROUP_SERVERS_MAX];
	struct point point, shared;
	memcpy(point.bytes, wrap_point(&box->wrap), sizeof point.bytes);
	for (unsigned i = 0; i < group->deal.threshold; i++) {
		answers[i].index = group->deal.shares[i].index;
		assert_works(group_evaluate(&group->deal.shares[i], &point, &answers[i].point, &why));
	}
	assert_works(group_combine(answers, group->deal.threshold, &shared, &why));
	const struct wrap_context context = {file->record->folder, box->generation, box->kind, box->id};
	AUTO(wiped_key) struct wiped_key key;
	assert_works(wrap_open_group(&box->wrap, &context, shared.bytes, &key, &why));
	assert_memory_equal(key.bytes, folder_keys_folder_key(made->keys, box->generation), KEY_SIZE);
}

static void add_group__lets_its_key_open_the_folder(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = folder_of_finance();
	const struct organisation_id id = company_id(&company);
	const struct record_entry *entry = record_find(made.file->record, &finance.descriptor.id);
	const struct fingerprint expected = group_fingerprint(&id, &finance.descriptor.id);
	assert_int_equal(entry->kind, MEMBER_GROUP);
	assert_int_equal(entry->role, ROLE_WRITER);
	assert_string_equal(entry->name, "finance");
	assert_true(fingerprint_equal(&entry->fingerprint, &expected));
	assert_int_equal(made.file->group_count, 1);
	assert_opens(made.file, &finance, &made);
}

static void add_group__makes_no_new_generation(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = folder_of_finance();
	assert_int_equal(made.file->record->generation_count, 1);
	assert_int_equal(made.file->record->version, 2);
}

static enum fault try_to_add(const struct made *made, const struct person *admin,
			     const struct signed_object *object, const struct organisation *organisation,
			     enum role role)
{
	AUTO(folder_file_free) struct folder_file *next = NULL;
	return folder_change_add_group(made->file, made->keys, admin->identity, object, organisation, role,
				       &next, NULL);
}

static void add_group__takes_only_what_the_organisation_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = made_new(&alice);
	/* A server of the company swears to a K of its own. */
	AUTO(company_group_done) struct company_group own = company_group_new(&company, "finance", 1, 1);
	AUTO(signed_free) struct signed_object *forged = NULL;
	assert_works(signed_make(signed_payload(own.object), GROUP_TYPE, company.servers[0].identity, &forged,
				 &why));
	assert_int_equal(try_to_add(&made, &alice, forged, &company.organisation, ROLE_READER),
			 FAULT_REFUSED);
	assert_int_equal(try_to_add(&made, &alice, finance.object, &other_company.organisation, ROLE_READER),
			 FAULT_REFUSED);
	assert_int_equal(try_to_add(&made, &alice, own.object, &company.organisation, ROLE_READER),
			 FAULT_NONE);
}

static void add_group__is_for_admins_and_for_roles_that_groups_have(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = made_new(&alice);
	const struct organisation *ours = &company.organisation;
	assert_int_equal(try_to_add(&made, &bob, finance.object, ours, ROLE_READER), FAULT_DENIED);
	assert_int_equal(try_to_add(&made, &alice, finance.object, ours, ROLE_ADMIN), FAULT_INVALID);
	assert_int_equal(try_to_add(&made, &alice, officers.object, ours, ROLE_WRITER), FAULT_INVALID);
	made_add_group(&made, &alice, &company, &finance, ROLE_READER);
	assert_int_equal(try_to_add(&made, &alice, finance.object, ours, ROLE_READER), FAULT_EXISTS);
}

static void add_group__is_of_the_folders_organisation(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = {NULL, NULL};
	const struct folder_new_options options = {.organisation = company_id(&other_company),
						   .share = {{1}},
						   .suite = 1,
						   .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	assert_int_equal(try_to_add(&made, &alice, finance.object, &company.organisation, ROLE_READER),
			 FAULT_DENIED);
}

static void required_group__comes_with_whatever_change_is_made_next(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct folder_file *next = NULL;
	AUTO(made_done) struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.organisation = company_id(&company), .share = {{1}}, .suite = 1, .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	assert_fault(FAULT_EXISTS,
		     folder_change_complete(made.file, made.keys, alice.identity, &next, &why));
	assert_works(folder_file_require_group(made.file, officers.object, &company.organisation, &why));
	assert_fault(FAULT_DENIED, folder_change_complete(made.file, made.keys, bob.identity, &next, &why));
	assert_works(folder_change_add_user(made.file, made.keys, alice.identity, bob.certificate, ROLE_READER,
					    &next, &why));
	made_advance(&made, &alice, next);
	assert_int_equal(made.file->record->entry_count, 3);
	assert_int_equal(made.file->record->generation_count, 1);
	assert_opens(made.file, &officers, &made);
	/* And stays, without being asked for again. */
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	made_advance(&made, &alice, rekeyed(&made));
	assert_opens(made.file, &officers, &made);
	assert_fault(FAULT_INVALID, folder_change_remove(made.file, made.keys, alice.identity,
							 &officers.descriptor.id, 1, &next, &why));
}

static void complete__lets_in_what_is_required_and_nothing_else(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct folder_file *next = NULL;
	AUTO(made_done) struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.organisation = company_id(&company), .share = {{1}}, .suite = 1, .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	/* No recovery group, or of an organisation that is not the folder's. */
	assert_works(folder_file_require_group(made.file, finance.object, &company.organisation, &why));
	assert_fault(FAULT_REFUSED, folder_file_require_group(made.file, officers.object,
							      &other_company.organisation, &why));
	assert_fault(FAULT_EXISTS,
		     folder_change_complete(made.file, made.keys, alice.identity, &next, &why));
	assert_works(folder_file_require_group(made.file, officers.object, &company.organisation, &why));
	assert_works(folder_change_complete(made.file, made.keys, alice.identity, &next, &why));
	made_advance(&made, &alice, next);
	assert_int_equal(made.file->record->entry_count, 2);
	assert_int_equal(made.file->record->version, 2);
	assert_int_equal(made.file->record->generation_count, 1);
	assert_opens(made.file, &officers, &made);
}

static void new_generation__is_wrapped_to_the_group_from_its_descriptor(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	made_advance(&made, &alice, rekeyed(&made));
	assert_int_equal(made.file->record->generation_count, 2);
	assert_opens(made.file, &finance, &made);
	assert_int_equal(made.file->group_count, 1);
}

static void new_generation__needs_a_descriptor_that_is_trusted(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_fault(FAULT_KEY_MISSING,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REKEY, &next, &why));
	assert_non_null(strstr(why.text, "finance"));
	assert_works(folder_file_trust_groups(made.file, &other_company.organisation, &why));
	assert_fault(FAULT_KEY_MISSING,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REKEY, &next, &why));
	assert_null(next);
}

/* Whoever writes the share may put any descriptor there. */
static void new_generation__is_never_wrapped_to_a_planted_descriptor(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	AUTO(company_group_done)
	struct company_group planted = company_group_new(&other_company, "finance", 1, 1);
	planted.descriptor.id = finance.descriptor.id;
	planted.descriptor.epoch = 99;
	company_group_sign(&other_company, &planted);
	struct signed_object *copy = NULL;
	assert_works(signed_copy(planted.object, &copy, &why));
	signed_free(made.file->groups[0].object);
	made.file->groups[0].object = copy;
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	assert_null(folder_file_group(made.file, &finance.descriptor.id));
	AUTO(folder_file_free) struct folder_file *next = NULL;
	assert_fault(FAULT_KEY_MISSING,
		     folder_change_rekey(made.file, made.keys, alice.identity, REASON_REKEY, &next, &why));
}

static void new_generation__is_wrapped_to_the_key_of_the_highest_epoch(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	AUTO(company_group_done) struct company_group later = company_group_new(&company, "finance", 2, 3);
	later.descriptor.id = finance.descriptor.id;
	later.descriptor.epoch = 2;
	company_group_sign(&company, &later);
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	assert_works(folder_file_offer_group(made.file, later.object, &company.organisation, &why));
	/* An older one that is offered afterwards changes nothing. */
	assert_works(folder_file_offer_group(made.file, finance.object, &company.organisation, &why));
	assert_int_equal(folder_file_group(made.file, &finance.descriptor.id)->epoch, 2);
	made_advance(&made, &alice, rekeyed(&made));
	assert_opens(made.file, &later, &made);
	/* The old descriptor is not carried on. */
	assert_int_equal(made.file->group_count, 1);
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	assert_int_equal(folder_file_group(made.file, &finance.descriptor.id)->epoch, 2);
}

static void descriptors__stay_when_somebody_without_the_organisation_changes_the_list(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	struct folder_file *next;
	assert_works(folder_change_add_user(made.file, made.keys, alice.identity, bob.certificate,
					    ROLE_READER, &next, &why));
	made_advance(&made, &alice, next);
	assert_int_equal(made.file->group_count, 1);
	assert_opens(made.file, &finance, &made);
}

static void remove__takes_a_group_out_with_a_new_generation(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	struct folder_file *next;
	assert_works(folder_change_remove(made.file, made.keys, alice.identity, &finance.descriptor.id, 1,
					  &next, &why));
	made_advance(&made, &alice, next);
	assert_null(record_find(made.file->record, &finance.descriptor.id));
	assert_int_equal(made.file->record->generation_count, 2);
	assert_int_equal(made.file->keybox_count, 1);
	assert_int_equal(made.file->group_count, 0);
}

static void set_role__makes_no_group_an_admin(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	struct folder_file *next = NULL;
	assert_fault(FAULT_INVALID, folder_change_set_role(made.file, made.keys, alice.identity,
							   &finance.descriptor.id, ROLE_ADMIN, &next, &why));
	assert_works(folder_change_set_role(made.file, made.keys, alice.identity, &finance.descriptor.id,
					    ROLE_READER, &next, &why));
	made_advance(&made, &alice, next);
	assert_int_equal(record_find(made.file->record, &finance.descriptor.id)->role, ROLE_READER);
	assert_opens(made.file, &finance, &made);
}

/* Even a list that says so: the entry's kind decides, not its role. */
static void record__signed_by_a_group_is_never_accepted(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	AUTO(record_free) struct record *before = NULL;
	AUTO(record_free) struct record *next = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(person_done) struct person impostor = person_new("finance");
	assert_works(record_copy(made.file->record, &before, &why));
	struct record_entry entry = *record_find(before, &finance.descriptor.id);
	/* A key whose fingerprint and id are those of the "group" on the list. */
	assert_works(record_drop_entry(before, &entry.id, &why));
	entry.id = *person_id(&impostor);
	entry.fingerprint = person_fingerprint(&impostor);
	entry.role = ROLE_ADMIN;
	assert_works(record_put_entry(before, &entry, &why));
	assert_works(record_copy(made.file->record, &next, &why));
	next->version++;
	next->previous = before->digest;
	assert_works(record_drop_entry(next, &finance.descriptor.id, &why));
	assert_works(record_sign(next, impostor.identity, &object, &why));
	assert_fault(FAULT_TAMPERED,
		     record_follows(before, next, object, folder_file_find_key, made.file, &why));
}

static void folder_new__has_the_recovery_groups_that_are_asked_for(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = {NULL, NULL};
	const struct signed_object *recovery[] = {officers.object};
	struct folder_new_options options = {.organisation = company_id(&company),
					     .share = {{1}},
					     .suite = 1,
					     .creator = alice.certificate,
					     .recovery = recovery,
					     .recovery_count = 1,
					     .signer = &company.organisation};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	assert_int_equal(record_find(made.file->record, &officers.descriptor.id)->kind, MEMBER_RECOVERY);
	assert_opens(made.file, &officers, &made);
	assert_works(folder_file_trust_groups(made.file, &company.organisation, &why));
	made_advance(&made, &alice, rekeyed(&made));
	assert_opens(made.file, &officers, &made);
	AUTO(made_done) struct made none = {NULL, NULL};
	recovery[0] = finance.object;
	assert_fault(FAULT_INVALID, folder_new(&options, alice.identity, &none.file, &none.keys, &why));
}

static void recovery_group__is_completed_later_and_stays(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = made_new(&alice);
	AUTO(folder_file_free) struct folder_file *next = NULL;
	made_add_group(&made, &alice, &company, &officers, ROLE_READER);
	assert_opens(made.file, &officers, &made);
	assert_fault(FAULT_INVALID, folder_change_remove(made.file, made.keys, alice.identity,
							 &officers.descriptor.id, 1, &next, &why));
}

static void openers__are_counted_without_who_leaves(void **state)
{
	(void)state;
	AUTO(made_done) struct made made = folder_of_finance();
	made_add_group(&made, &alice, &company, &officers, ROLE_READER);
	struct folder_openers left = folder_openers_without(made.file->record, NULL, 0);
	assert_int_equal(left.users, 1);
	assert_int_equal(left.admins, 1);
	assert_int_equal(left.groups, 1);
	assert_int_equal(left.recovery, 1);
	left = folder_openers_without(made.file->record, &finance.descriptor.id, 1);
	assert_int_equal(left.users, 1);
	assert_int_equal(left.groups, 0);
}

static void folder_file__refuses_what_is_neither_certificate_nor_descriptor(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made made = folder_of_finance();
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(json_decref) json_t *json = NULL;
	assert_works(folder_file_write(made.file, &text, &why));
	assert_works(fields_parse(text.data, text.size, &json, &why));
	json_t *list = json_object_get(json, "certificates");
	assert_int_equal(json_array_size(list), 2);
	AUTO(json_decref) json_t *nameless = json_pack("{s:s}", "id", "00");
	static const char *const types[] = {GROUP_TYPE, POLICY_TYPE};
	for (size_t i = 0; i < 2; i++) {
		AUTO(folder_file_free) struct folder_file *read = NULL;
		AUTO(signed_free) struct signed_object *object = NULL;
		assert_works(signed_make(nameless, types[i], company.root.identity, &object, &why));
		json_array_set_new(list, 1, signed_json(object));
		AUTO(free) char *changed = json_dumps(json, 0);
		assert_fault(FAULT_MALFORMED, folder_file_parse(changed, strlen(changed), &read, &why));
	}
}

static int found(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	other_company = company_new(1);
	finance = company_group_new(&company, "finance", 2, 3);
	officers = company_group_new(&company, "officers", 2, 3);
	officers.descriptor.recovery = true;
	company_group_sign(&company, &officers);
	alice = person_new("Alice");
	bob = person_new("Bob");
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	company_group_done(&finance);
	company_group_done(&officers);
	company_done(&company);
	company_done(&other_company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_group__lets_its_key_open_the_folder),
		cmocka_unit_test(add_group__makes_no_new_generation),
		cmocka_unit_test(add_group__takes_only_what_the_organisation_signed),
		cmocka_unit_test(add_group__is_for_admins_and_for_roles_that_groups_have),
		cmocka_unit_test(add_group__is_of_the_folders_organisation),
		cmocka_unit_test(required_group__comes_with_whatever_change_is_made_next),
		cmocka_unit_test(complete__lets_in_what_is_required_and_nothing_else),
		cmocka_unit_test(new_generation__is_wrapped_to_the_group_from_its_descriptor),
		cmocka_unit_test(new_generation__needs_a_descriptor_that_is_trusted),
		cmocka_unit_test(new_generation__is_never_wrapped_to_a_planted_descriptor),
		cmocka_unit_test(new_generation__is_wrapped_to_the_key_of_the_highest_epoch),
		cmocka_unit_test(descriptors__stay_when_somebody_without_the_organisation_changes_the_list),
		cmocka_unit_test(remove__takes_a_group_out_with_a_new_generation),
		cmocka_unit_test(set_role__makes_no_group_an_admin),
		cmocka_unit_test(record__signed_by_a_group_is_never_accepted),
		cmocka_unit_test(folder_new__has_the_recovery_groups_that_are_asked_for),
		cmocka_unit_test(recovery_group__is_completed_later_and_stays),
		cmocka_unit_test(openers__are_counted_without_who_leaves),
		cmocka_unit_test(folder_file__refuses_what_is_neither_certificate_nor_descriptor),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
