/* Folders of groups, with a script in place of the key servers. */
#include "base/clock.h"
#include "fs/folder_state.h"
#include "fs/rotation.h"
#include "tests/lib/enrolled.h"
#include "tests/lib/fake_contacts.h"
#include "tests/lib/world.h"

#define LEASE_SECONDS 120

static struct company company;
static struct company_group finance;
static int64_t now_ms = 1000000;

static void pass(int64_t milliseconds)
{
	now_ms += milliseconds;
	clock_set_fake(now_ms, now_ms);
}

static const struct identity *identity_of(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	const struct identity *identity = NULL;

	assert_works(keyring_identity(keyring, &identity, &why));
	return identity;
}

static enum fault let_in_finance(void *context, const struct folder_file *present,
				 const struct folder_keys *keys, struct folder_file **ret_next,
				 struct why *why)
{
	return folder_change_add_group(present, keys, identity_of(alice), finance.object,
				       &company.organisation, *(enum role *)context, ret_next, why);
}

static void add_finance(struct share *share, enum role role)
{
	struct why why = WHY_NONE;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	const struct access_place place = world_root(share);

	assert_works(access_change(&place, let_in_finance, &role, &file, &why));
}

static enum fault start_generation(void *context, const struct folder_file *present,
				   const struct folder_keys *keys, struct folder_file **ret_next,
				   struct why *why)
{
	(void)context;
	return folder_change_rekey(present, keys, identity_of(alice), REASON_REKEY, ret_next, why);
}

static struct folder *root_folder(struct share *share)
{
	struct why why = WHY_NONE;
	struct folder *folder;

	assert_works(folder_find(share, share_root(share), "", NULL, &folder, &why));
	return folder;
}

static enum fault enter(struct folder *folder, enum folder_want want, struct why *why)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	return folder_enter(folder, want, &view, why);
}

static enum fault write_back(struct folder *folder, struct why *why)
{
	AUTO(folder_leave) const struct folder_view *view = NULL;

	return folder_enter_to_write_back(folder, &view, why);
}

/* A share of alice's with the group on its list, and bob's view of it. */
struct scene {
	struct share *alices, *bobs;
	struct folder *folder; /* bob's */
	unsigned closed, opened; /* what the listener was told */
};

static void changed(void *context, struct folder *folder, bool open)
{
	struct scene *scene = context;

	assert_int_equal(folder_is_open(folder), open);
	(*(open ? &scene->opened : &scene->closed))++;
}

static void scene_begin(struct scene *scene, const char *name, enum role role)
{
	*scene = (struct scene){.alices = world_share(name, false)};
	group_lease_unref(fake.lease);
	fake = (struct fake_contacts){
		.opener = identity_of(alice), .role = role, .lease_seconds = LEASE_SECONDS};
	add_finance(scene->alices, role);
	scene->bobs = world_open(world_path("%s", name), bob);
	share_set_contacts(scene->bobs, fake_contacts(), false);
	folder_on_change(scene->bobs, changed, NULL, scene);
	scene->folder = root_folder(scene->bobs);
}

static void scene_end(struct scene *scene)
{
	folder_unref(scene->folder);
	share_close(scene->bobs);
	share_close(scene->alices);
}
AUTO_VALUE(struct scene, scene_end);

/* -- who opens it ---------------------------------------------------------------------- */

static void own_entry__opens_and_no_key_server_is_asked(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "own", ROLE_WRITER);
	world_let_in(scene.alices, bob, ROLE_READER);
	fake.open = FAULT_UNREACHABLE;
	pass(LOOK_INTERVAL_MS);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	/* His role alone counts, although the group's is higher. */
	assert_fault(FAULT_DENIED, enter(scene.folder, FOLDER_WRITE, &why));
	assert_int_equal(fake.opens, 0);
	assert_int_equal(fake.confirms, 0);
}

static void group__opens_with_the_role_that_it_gives(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "reader", ROLE_READER);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_fault(FAULT_DENIED, enter(scene.folder, FOLDER_WRITE, &why));
	assert_int_equal(scene.opened, 1);
	/* Once open, nobody is asked again. */
	assert_int_equal(fake.opens, 1);
	assert_int_equal(fake.confirms, 0);
}

static void group__is_not_asked_before_somebody_wants_in(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[WHY_TEXT_SIZE];
	AUTO(scene_end) struct scene scene;
	AUTO(folder_leave) const struct folder_view *view = NULL;
	scene_begin(&scene, "unasked", ROLE_READER);
	folder_state(scene.folder, text);
	assert_string_equal(text, "locked: not opened yet");
	assert_fault(FAULT_UNREACHABLE, folder_enter_as_last_seen(scene.folder, FOLDER_READ, &view, &why));
	assert_false(folder_is_open(scene.folder));
	assert_int_equal(fake.opens, 0);
}

static void group__without_contacts_is_locked(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(share_close) struct share *alices = world_share("alone", false);
	add_finance(alices, ROLE_READER);
	AUTO(share_close) struct share *bobs = world_open(world_path("alone"), bob);
	AUTO(folder_unref) struct folder *folder = root_folder(bobs);
	assert_fault(FAULT_LOCKED, enter(folder, FOLDER_READ, &why));
}

/* -- while an answer is awaited, and without one ------------------------------------------ */

static void pending__is_never_a_state(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[WHY_TEXT_SIZE];
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "pending", ROLE_READER);
	fake.open = FAULT_PENDING;
	assert_fault(FAULT_PENDING, enter(scene.folder, FOLDER_READ, &why));
	assert_fault(FAULT_PENDING, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(fake.opens, 2);
	folder_state(scene.folder, text);
	assert_string_equal(text, "locked: not opened yet");
	fake.open = FAULT_NONE;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.opened, 1);
	assert_int_equal(scene.closed, 0);
}

static void refusal__has_the_words_of_now_and_lasts_no_longer_than_its_reason(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char text[WHY_TEXT_SIZE];
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "refused", ROLE_READER);
	fake.open = FAULT_UNREACHABLE;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(why_errno(&why, FAULT_UNREACHABLE), EHOSTUNREACH);
	folder_state(scene.folder, text);
	assert_string_equal(text, "locked: key server keys.test not responding; next try in 12 min");
	fake.open = FAULT_DENIED;
	assert_fault(FAULT_DENIED, enter(scene.folder, FOLDER_READ, &why));
	folder_state(scene.folder, text);
	assert_string_equal(text, "locked: the script says so");
	fake.open = FAULT_NONE;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	folder_state(scene.folder, text);
	assert_string_equal(text, "open");
}

static void refused__folder_is_asked_for_again_when_it_may_be_otherwise(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "again", ROLE_READER);
	folder_ask_again(scene.bobs);
	assert_int_equal(fake.opens, 0); /* nobody has wanted in */
	fake.open = FAULT_UNREACHABLE;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	fake.open = FAULT_NONE;
	folder_ask_again(scene.bobs);
	assert_true(folder_is_open(scene.folder));
	assert_int_equal(scene.opened, 1);
}

static void waiting(struct fake_contacts *script)
{
	script->open = script->waits < 3 ? FAULT_PENDING : FAULT_NONE;
}

static void command__waits_for_the_key_servers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "waits", ROLE_READER);
	share_set_contacts(scene.bobs, fake_contacts(), true);
	fake.open = FAULT_PENDING;
	fake.waiting = waiting;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(fake.waits, 3);
}

static void time_goes_by(struct fake_contacts *script)
{
	(void)script;
	pass(2000);
}

static void command__gives_up_after_a_contact(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "givesup", ROLE_READER);
	share_set_contacts(scene.bobs, fake_contacts(), true);
	fake.open = FAULT_PENDING;
	fake.waiting = time_goes_by;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_in_range(fake.waits, 2, 4);
}

/* -- leases -------------------------------------------------------------------------------- */

static void lease__ends_access_at_its_time_and_keys_go_in_order(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "ends", ROLE_WRITER);
	assert_works(enter(scene.folder, FOLDER_WRITE, &why));
	assert_int_equal(folder_next_end(scene.bobs), now_ms + LEASE_SECONDS * 1000);
	fake.open = FAULT_NONE; /* the servers would answer, but what the kernel has must go first */
	fake.confirm = FAULT_UNREACHABLE;
	pass(LEASE_SECONDS * 1000 - 1);
	folder_end_leases(scene.bobs);
	assert_works(enter(scene.folder, FOLDER_WRITE, &why));
	pass(1);
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.closed, 1);
	assert_int_equal(folder_next_end(scene.bobs), INT64_MAX);
	/* Pages come back for a while, nothing else goes. */
	assert_works(write_back(scene.folder, &why));
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_WRITE, &why));
	const struct folder_view *closing = folder_closing_view(scene.folder);
	assert_non_null(closing);
	folder_leave(closing);
	folder_wipe(scene.folder);
	assert_null(folder_closing_view(scene.folder));
	assert_fault(FAULT_UNREACHABLE, write_back(scene.folder, &why));
	assert_int_equal(fake.opens, 1);
	folder_closed(scene.folder);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(fake.opens, 2);
	assert_int_equal(scene.opened, 2);
}

static void lease__that_has_ended_takes_pages_for_five_seconds(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "pages", ROLE_WRITER);
	assert_works(enter(scene.folder, FOLDER_WRITE, &why));
	fake.confirm = FAULT_UNREACHABLE;
	pass(LEASE_SECONDS * 1000);
	folder_end_leases(scene.bobs);
	assert_int_equal(scene.closed, 1);
	pass(4999);
	assert_works(write_back(scene.folder, &why));
	pass(1);
	assert_fault(FAULT_UNREACHABLE, write_back(scene.folder, &why));
	folder_wipe(scene.folder);
	folder_closed(scene.folder);
}

static void lease__that_is_denied_ends_as_denied(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "denied", ROLE_READER);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	lease_end(&fake.lease->lease);
	fake.confirm = FAULT_DENIED;
	folder_lease_ended(scene.bobs, fake.lease);
	assert_int_equal(scene.closed, 1);
	assert_fault(FAULT_DENIED, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(why_errno(&why, FAULT_DENIED), EACCES);
	folder_wipe(scene.folder);
	folder_closed(scene.folder);
}

static void lease__of_another_group_ends_nothing_here(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_lease other = {.references = 1};
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "other", ROLE_READER);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	folder_lease_ended(scene.bobs, &other);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.closed, 0);
}

static void lease__of_no_length_is_confirmed_at_each_entering(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "zero", ROLE_READER);
	fake.lease_seconds = 0;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	fake.confirm = FAULT_PENDING;
	assert_fault(FAULT_PENDING, enter(scene.folder, FOLDER_READ, &why));
	folder_end_leases(scene.bobs); /* it has no time at which it ends */
	fake.confirm = FAULT_NONE;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(fake.confirms, 3);
	assert_int_equal(scene.closed, 0);
	fake.confirm = FAULT_UNREACHABLE;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.closed, 1);
	folder_wipe(scene.folder);
	folder_closed(scene.folder);
}

static void lease__ends_also_where_nobody_listens(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "deaf", ROLE_READER);
	folder_on_change(scene.bobs, NULL, NULL, NULL);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	fake.confirm = FAULT_UNREACHABLE;
	fake.open = FAULT_UNREACHABLE;
	pass(LEASE_SECONDS * 1000);
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_null(folder_closing_view(scene.folder));
	fake.open = FAULT_NONE;
	assert_works(enter(scene.folder, FOLDER_READ, &why));
}

/* -- lists ------------------------------------------------------------------------------------ */

static void new_generation__has_to_be_unlocked_anew(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	AUTO(folder_file_free) struct folder_file *next = NULL;
	scene_begin(&scene, "generation", ROLE_READER);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
	const struct access_place place = world_root(scene.alices);
	assert_works(access_change(&place, start_generation, NULL, &next, &why));
	fake.open = FAULT_PENDING;
	pass(LOOK_INTERVAL_MS);
	assert_fault(FAULT_PENDING, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.closed, 0); /* that is not known yet */
	fake.open = FAULT_UNREACHABLE;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(scene.closed, 1);
	folder_wipe(scene.folder);
	folder_closed(scene.folder);
	fake.open = FAULT_NONE;
	AUTO(folder_leave) const struct folder_view *view = NULL;
	assert_works(folder_enter(scene.folder, FOLDER_READ, &view, &why));
	assert_int_equal(view->terms.generation, 2);
}

static void stale_list__has_a_minute_to_arrive_then_it_is_an_alarm(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "stale", ROLE_READER);
	fake.open = FAULT_MISSING;
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_non_null(strstr(why.text, "older access list"));
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	assert_int_equal(fake.opens, 1); /* the servers would only say the same */
	pass(59999);
	assert_fault(FAULT_UNREACHABLE, enter(scene.folder, FOLDER_READ, &why));
	pass(1);
	assert_fault(FAULT_TAMPERED, enter(scene.folder, FOLDER_READ, &why));
	/* It arrives: the servers are asked at once. */
	world_let_in(scene.alices, mallory, ROLE_READER);
	fake.open = FAULT_NONE;
	pass(LOOK_INTERVAL_MS);
	assert_works(enter(scene.folder, FOLDER_READ, &why));
}

static void report__of_each_version_goes_to_the_servers(void **state)
{
	(void)state;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "reports", ROLE_READER);
	assert_int_equal(fake.reports, 0); /* alice's share has no contacts yet */
	share_set_contacts(scene.alices, fake_contacts(), false);
	world_let_in(scene.alices, mallory, ROLE_READER);
	assert_int_equal(fake.reports, 1);
	assert_int_equal(fake.reported, 3);
	assert_int_equal(fake.reported_earlier, 2);
}

/* -- rotation --------------------------------------------------------------------------------- */

static void rotation__is_made_once_by_an_admin_who_watches_the_group(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "rotation", ROLE_READER);
	share_set_contacts(scene.alices, fake_contacts(), false);
	AUTO(folder_unref) struct folder *hers = root_folder(scene.alices);
	assert_works(enter(hers, FOLDER_READ, &why));
	assert_int_equal(fake.watches, 1);
	assert_true(member_id_equal(&fake.watched, &finance.descriptor.id));

	rotate_folders(scene.alices, &finance.descriptor.id);
	AUTO(folder_file_free) struct folder_file *first = world_read(scene.alices);
	assert_int_equal(record_newest(first->record)->number, 2);
	assert_int_equal(record_newest(first->record)->reason, REASON_ROTATION);
	assert_int_equal(first->record->min_write, 2);
	/* Another admin's client, which has heard of the same leaver. */
	rotate_folders(scene.alices, &finance.descriptor.id);
	AUTO(folder_file_free) struct folder_file *second = world_read(scene.alices);
	assert_int_equal(second->record->version, first->record->version);
	/* The next leaver. */
	pass(121000);
	rotate_folders(scene.alices, &finance.descriptor.id);
	AUTO(folder_file_free) struct folder_file *third = world_read(scene.alices);
	assert_int_equal(record_newest(third->record)->number, 3);
}

static void rotation__is_none_of_a_members_business(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct member_id other;
	AUTO(scene_end) struct scene scene;
	scene_begin(&scene, "members", ROLE_WRITER);
	assert_works(enter(scene.folder, FOLDER_WRITE, &why));
	assert_int_equal(fake.watches, 0);
	rotate_folders(scene.bobs, &finance.descriptor.id);
	member_id_random(&other);
	AUTO(folder_unref) struct folder *hers = root_folder(scene.alices);
	(void)hers;
	rotate_folders(scene.alices, &other); /* not on the list */
	AUTO(folder_file_free) struct folder_file *file = world_read(scene.alices);
	assert_int_equal(file->record->generation_count, 1);
}

static int begin(void **state)
{
	static struct keyring_server server = {.url = "http://127.0.0.1:1"};

	pass(0);
	if (world_start(state))
		return -1;
	world_introduce(alice, mallory, true);
	company = company_new(1);
	finance = company_group_new(&company, "finance", 1, 1);
	enrol(alice, &company, &server, 1);
	enrol(bob, &company, &server, 1);
	return 0;
}

static int end(void **state)
{
	group_lease_unref(TAKE(fake.lease));
	company_group_done(&finance);
	company_done(&company);
	return world_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_entry__opens_and_no_key_server_is_asked),
		cmocka_unit_test(group__opens_with_the_role_that_it_gives),
		cmocka_unit_test(group__is_not_asked_before_somebody_wants_in),
		cmocka_unit_test(group__without_contacts_is_locked),
		cmocka_unit_test(pending__is_never_a_state),
		cmocka_unit_test(refusal__has_the_words_of_now_and_lasts_no_longer_than_its_reason),
		cmocka_unit_test(refused__folder_is_asked_for_again_when_it_may_be_otherwise),
		cmocka_unit_test(command__waits_for_the_key_servers),
		cmocka_unit_test(command__gives_up_after_a_contact),
		cmocka_unit_test(lease__ends_access_at_its_time_and_keys_go_in_order),
		cmocka_unit_test(lease__that_has_ended_takes_pages_for_five_seconds),
		cmocka_unit_test(lease__that_is_denied_ends_as_denied),
		cmocka_unit_test(lease__of_another_group_ends_nothing_here),
		cmocka_unit_test(lease__of_no_length_is_confirmed_at_each_entering),
		cmocka_unit_test(lease__ends_also_where_nobody_listens),
		cmocka_unit_test(new_generation__has_to_be_unlocked_anew),
		cmocka_unit_test(stale_list__has_a_minute_to_arrive_then_it_is_an_alarm),
		cmocka_unit_test(report__of_each_version_goes_to_the_servers),
		cmocka_unit_test(rotation__is_made_once_by_an_admin_who_watches_the_group),
		cmocka_unit_test(rotation__is_none_of_a_members_business),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
