/* A group unlock against servers that are played here, share by share; some of them lie. */
#include "keys/folder_keys.h"
#include "keys/unlock.h"
#include "tests/lib/folders.h"

#define FOLDERS 3

static struct company company;
static struct person alice;

/* A group, folders of it, and an unlock of them under way. */
struct scene {
	struct company_group group;
	struct made folders[FOLDERS];
	struct unlock_target targets[FOLDERS];
	struct unlock *unlock;
};

static void scene_done(struct scene *scene)
{
	unlock_free(scene->unlock);
	for (size_t i = 0; i < FOLDERS; i++)
		made_done(&scene->folders[i]);
	company_group_done(&scene->group);
}
AUTO_VALUE(struct scene, scene_done);

static void begin(struct scene *scene)
{
	struct why why = WHY_NONE;

	unlock_free(TAKE(scene->unlock));
	assert_works(unlock_new(&scene->group.descriptor, scene->targets, FOLDERS, &scene->unlock, &why));
}

static struct scene scene_new(unsigned threshold, unsigned servers)
{
	struct why why = WHY_NONE;
	struct scene scene = {.group = company_group_new(&company, "finance", threshold, servers)};

	for (size_t i = 0; i < FOLDERS; i++) {
		scene.folders[i] = made_new(&alice);
		made_add_group(&scene.folders[i], &alice, &company, &scene.group, ROLE_READER);
		assert_works(unlock_target_of(scene.folders[i].file, &scene.group.descriptor.id,
					      &scene.targets[i], &why));
	}
	begin(&scene);
	return scene;
}

/* What an honest server `i` answers to any request. */
static struct unlock_answer honest(const struct scene *scene, size_t i, const struct unlock_request *request)
{
	struct why why = WHY_NONE;
	struct unlock_answer answer = {.group = request->group,
				       .epoch = request->epoch,
				       .lease = 120,
				       .item_count = request->item_count};
	const struct group_share *share = &scene->group.deal.shares[i];

	for (size_t j = 0; j < request->item_count; j++) {
		answer.items[j].status = UNLOCK_OK;
		answer.items[j].head_version = request->items[j].version;
		assert_works(group_evaluate(share, &request->items[j].point, &answer.items[j].point, &why));
	}
	answer.has_check = request->has_check;
	if (request->has_check)
		assert_works(group_evaluate(share, &request->check, &answer.check, &why));
	return answer;
}

static struct unlock_answer answer_of(const struct scene *scene, size_t i)
{
	struct unlock_request request;

	unlock_request_of(scene->unlock, &request);
	return honest(scene, i, &request);
}

static const struct member_id *server_id(const struct scene *scene, size_t i)
{
	return &scene->group.descriptor.servers[i].id;
}

static void take(struct scene *scene, size_t i, const struct unlock_answer *answer)
{
	struct why why = WHY_NONE;

	assert_works(unlock_take(scene->unlock, server_id(scene, i), answer, &why));
}

static void ask(struct scene *scene, size_t i)
{
	const struct unlock_answer answer = answer_of(scene, i);

	take(scene, i, &answer);
}

static void ask_liar(struct scene *scene, size_t i, size_t item)
{
	struct unlock_answer answer = answer_of(scene, i);

	crypto_core_ristretto255_random(answer.items[item].point.bytes);
	take(scene, i, &answer);
}

static void assert_opens(struct scene *scene, size_t index)
{
	struct why why = WHY_NONE;
	AUTO(wiped_key) struct wiped_key key;

	assert_true(unlock_is_ready(scene->unlock, index));
	assert_works(unlock_finish(scene->unlock, index, &key, &why));
	assert_memory_equal(key.bytes, folder_keys_folder_key(scene->folders[index].keys, 1), KEY_SIZE);
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	assert_works(folder_keys_unfold(scene->folders[index].file->record, key.bytes, &keys, &why));
}

static enum fault finish(struct scene *scene, size_t index, struct why *why)
{
	AUTO(wiped_key) struct wiped_key key;

	return unlock_finish(scene->unlock, index, &key, why);
}

/* -- honest servers -------------------------------------------------------------------------- */

static void unlock__opens_with_one_server_of_one(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	assert_false(unlock_is_ready(scene.unlock, 0));
	ask(&scene, 0);
	for (size_t i = 0; i < FOLDERS; i++)
		assert_opens(&scene, i);
}

static void unlock__opens_with_any_two_servers_of_three(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	for (size_t absent = 0; absent < 3; absent++) {
		begin(&scene);
		for (size_t i = 0; i < 3; i++)
			if (i != absent)
				ask(&scene, i);
		for (size_t i = 0; i < FOLDERS; i++)
			assert_opens(&scene, i);
	}
	ask(&scene, 2);
	assert_opens(&scene, 0);
}

static void unlock__with_fewer_servers_is_not_ready(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	ask(&scene, 1);
	ask(&scene, 1);
	assert_false(unlock_is_ready(scene.unlock, 0));
	assert_fault(FAULT_UNREACHABLE, finish(&scene, 0, &why));
	assert_non_null(strstr(why.text, "1 of the 2"));
}

static void unlock__sends_every_point_blinded_and_never_the_same(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	struct unlock_request first, second;
	unlock_request_of(scene.unlock, &first);
	begin(&scene);
	unlock_request_of(scene.unlock, &second);
	for (size_t i = 0; i < FOLDERS; i++) {
		assert_memory_not_equal(first.items[i].point.bytes, wrap_point(&scene.targets[i].wrap),
					POINT_SIZE);
		assert_memory_not_equal(&first.items[i].point, &second.items[i].point, sizeof(struct point));
		assert_true(folder_id_equal(&first.items[i].folder, &scene.folders[i].file->record->folder));
		assert_true(digest_equal(&first.items[i].head, &scene.folders[i].file->record->digest));
		assert_int_equal(first.items[i].version, 2);
	}
}

static void unlock__follows_a_refreshed_key(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	const struct scalar zero = {{0}};
	struct group_deal fresh;
	assert_works(group_deal(&zero, 2, 3, &fresh, &why));
	for (size_t i = 0; i < 3; i++)
		assert_works(group_refresh(&scene.group.deal.shares[i], &fresh.shares[i],
					   &scene.group.deal.shares[i], &why));
	ask(&scene, 0);
	ask(&scene, 2);
	assert_opens(&scene, 0);
}

/* -- refusals -------------------------------------------------------------------------------- */

static void say(struct scene *scene, size_t i, enum unlock_status status)
{
	struct unlock_answer answer = answer_of(scene, i);

	answer.items[0] = (struct unlock_answer_item){.status = status, .head_version = 9};
	take(scene, i, &answer);
}

static void unlock__is_denied_when_too_many_servers_deny(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	say(&scene, 0, UNLOCK_DENIED);
	/* One denial of three is not the answer yet. */
	assert_fault(FAULT_UNREACHABLE, finish(&scene, 0, &why));
	say(&scene, 1, UNLOCK_DENIED);
	assert_fault(FAULT_DENIED, finish(&scene, 0, &why));
	/* Only that folder. */
	assert_opens(&scene, 1);
}

static void unlock__opens_although_one_server_denies(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	say(&scene, 0, UNLOCK_DENIED);
	ask(&scene, 1);
	ask(&scene, 2);
	assert_opens(&scene, 0);
}

static void unlock__of_a_stale_record_says_which_version_is_known(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	say(&scene, 0, UNLOCK_STALE);
	assert_fault(FAULT_MISSING, finish(&scene, 0, &why));
	assert_int_equal(unlock_head_version(scene.unlock, 0), 9);
	assert_non_null(strstr(why.text, "version 9"));
	assert_opens(&scene, 1);
}

static void unlock__says_when_a_folder_is_due_for_a_new_generation(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	struct unlock_answer answer = answer_of(&scene, 0);
	answer.items[1].status = UNLOCK_ROTATE;
	take(&scene, 0, &answer);
	assert_false(unlock_is_due(scene.unlock, 0));
	assert_true(unlock_is_due(scene.unlock, 1));
	assert_opens(&scene, 1);
}

static void unlock__refuses_answers_to_something_else(void **state)
{
	(void)state;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	const struct unlock_answer good = answer_of(&scene, 0);
	struct unlock_answer answer = good;
	answer.group = *person_id(&alice);
	assert_int_equal(unlock_take(scene.unlock, server_id(&scene, 0), &answer, NULL), FAULT_REFUSED);
	answer = good;
	answer.epoch = 2;
	assert_int_equal(unlock_take(scene.unlock, server_id(&scene, 0), &answer, NULL), FAULT_REFUSED);
	answer = good;
	answer.item_count--;
	assert_int_equal(unlock_take(scene.unlock, server_id(&scene, 0), &answer, NULL), FAULT_REFUSED);
	answer = good;
	memset(&answer.items[2].point, 0, sizeof answer.items[2].point);
	assert_int_equal(unlock_take(scene.unlock, server_id(&scene, 0), &answer, NULL), FAULT_REFUSED);
	answer = good;
	answer.items[2].point.bytes[31] |= 0x80;
	assert_int_equal(unlock_take(scene.unlock, server_id(&scene, 0), &answer, NULL), FAULT_REFUSED);
	assert_int_equal(unlock_take(scene.unlock, person_id(&alice), &good, NULL), FAULT_REFUSED);
	assert_false(unlock_is_ready(scene.unlock, 0));
}

static void unlock__is_of_targets_of_its_group(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	AUTO(company_group_done) struct company_group other = company_group_new(&company, "sales", 1, 1);
	struct unlock *unlock = NULL;
	assert_fault(FAULT_INVALID, unlock_new(&other.descriptor, scene.targets, 1, &unlock, &why));
	assert_fault(FAULT_INVALID, unlock_new(&scene.group.descriptor, scene.targets, 0, &unlock, &why));
	struct unlock_target target;
	assert_fault(FAULT_MISSING,
		     unlock_target_of(scene.folders[0].file, &other.descriptor.id, &target, &why));
	assert_fault(FAULT_MISSING,
		     unlock_target_of(scene.folders[0].file, person_id(&alice), &target, &why));
}

static struct keybox_entry *group_box(struct scene *scene, size_t folder)
{
	struct folder_file *file = scene->folders[folder].file;

	for (size_t i = 0; i < file->keybox_count; i++)
		if (file->keybox[i].kind == MEMBER_GROUP)
			return &file->keybox[i];
	return NULL;
}

static void unlock_target__needs_an_envelope_with_a_point(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	struct unlock_target target;
	const struct member_id *id = &scene.group.descriptor.id;
	memset(group_box(&scene, 0)->wrap.bytes, 0xff, POINT_SIZE);
	assert_fault(FAULT_TAMPERED, unlock_target_of(scene.folders[0].file, id, &target, &why));
	group_box(&scene, 1)->generation = 2;
	assert_fault(FAULT_TAMPERED, unlock_target_of(scene.folders[1].file, id, &target, &why));
}

/* -- lies ------------------------------------------------------------------------------------ */

/* The blame: is server `i`, who answers the second request with `answer`, honest? */
static bool judge(struct scene *scene, size_t i, const struct unlock_answer *answer)
{
	struct why why = WHY_NONE;
	bool is_honest = false;

	assert_works(unlock_judge(scene->unlock, server_id(scene, i), answer, &is_honest, &why));
	return is_honest;
}

static void unlock__names_the_server_that_lied_and_opens_with_another(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	ask(&scene, 0);
	ask_liar(&scene, 1, 2);
	assert_opens(&scene, 0);
	assert_fault(FAULT_REFUSED, finish(&scene, 2, &why));
	struct unlock_request request;
	assert_works(unlock_blame(scene.unlock, 2, &request, &why));
	const struct unlock_answer one = honest(&scene, 0, &request);
	const struct unlock_answer other = honest(&scene, 1, &request);
	assert_true(judge(&scene, 0, &one));
	assert_false(judge(&scene, 1, &other));
	unlock_exclude(scene.unlock, server_id(&scene, 1));
	assert_false(unlock_is_ready(scene.unlock, 2));
	ask(&scene, 2);
	assert_opens(&scene, 2);
}

static void unlock__names_a_liar_who_keeps_to_his_lie(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	struct unlock_answer lie = answer_of(&scene, 0);
	/* With a share that is not his: consistent, and wrong. */
	struct group_share false_share = scene.group.deal.shares[0];
	crypto_core_ristretto255_scalar_random(false_share.value.bytes);
	struct unlock_request request;
	unlock_request_of(scene.unlock, &request);
	for (size_t j = 0; j < FOLDERS; j++)
		assert_works(
			group_evaluate(&false_share, &request.items[j].point, &lie.items[j].point, &why));
	take(&scene, 0, &lie);
	assert_fault(FAULT_REFUSED, finish(&scene, 0, &why));
	assert_works(unlock_blame(scene.unlock, 0, &request, &why));
	struct unlock_answer again = lie;
	again.has_check = true;
	assert_works(group_evaluate(&false_share, &request.check, &again.check, &why));
	assert_false(judge(&scene, 0, &again));
}

static void unlock__takes_no_check_at_all_for_a_lie(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	ask_liar(&scene, 0, 0);
	struct unlock_request request;
	assert_works(unlock_blame(scene.unlock, 0, &request, &why));
	struct unlock_answer answer = honest(&scene, 0, &request);
	answer.has_check = false;
	assert_false(judge(&scene, 0, &answer));
	answer = honest(&scene, 0, &request);
	answer.epoch++;
	assert_false(judge(&scene, 0, &answer));
}

static void unlock__finds_all_honest_when_the_envelope_was_tampered_with(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	/* Another folder's envelope in place of this one's; and one byte of the sealed part. */
	group_box(&scene, 0)->wrap = group_box(&scene, 1)->wrap;
	group_box(&scene, 2)->wrap.bytes[WRAP_SIZE - 1] ^= 1;
	for (size_t i = 0; i < FOLDERS; i += 2)
		assert_works(unlock_target_of(scene.folders[i].file, &scene.group.descriptor.id,
					      &scene.targets[i], &why));
	begin(&scene);
	ask(&scene, 0);
	ask(&scene, 1);
	for (size_t i = 0; i < FOLDERS; i += 2) {
		assert_fault(FAULT_REFUSED, finish(&scene, i, &why));
		struct unlock_request request;
		assert_works(unlock_blame(scene.unlock, i, &request, &why));
		for (size_t server = 0; server < 2; server++) {
			const struct unlock_answer answer = honest(&scene, server, &request);
			assert_true(judge(&scene, server, &answer));
		}
	}
	assert_opens(&scene, 1);
}

/* Who only lost his membership meanwhile makes no liar of the server. */
static void unlock__blames_nobody_who_gives_no_point_any_more(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(1, 1);
	ask(&scene, 0);
	struct unlock_request request;
	assert_works(unlock_blame(scene.unlock, 0, &request, &why));
	struct unlock_answer answer = honest(&scene, 0, &request);
	answer.items[0] = (struct unlock_answer_item){.status = UNLOCK_DENIED};
	bool is_honest = true;
	assert_fault(FAULT_DENIED,
		     unlock_judge(scene.unlock, server_id(&scene, 0), &answer, &is_honest, &why));
}

static void unlock__judges_nobody_without_a_question(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(scene_done) struct scene scene = scene_new(2, 3);
	bool is_honest = true;
	ask(&scene, 0);
	const struct unlock_answer answer = answer_of(&scene, 0);
	assert_fault(FAULT_INVALID,
		     unlock_judge(scene.unlock, server_id(&scene, 0), &answer, &is_honest, &why));
	struct unlock_request request;
	assert_works(unlock_blame(scene.unlock, 0, &request, &why));
	assert_fault(FAULT_INVALID,
		     unlock_judge(scene.unlock, server_id(&scene, 1), &answer, &is_honest, &why));
}

static int found(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	alice = person_new("Alice");
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	person_done(&alice);
	company_done(&company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlock__opens_with_one_server_of_one),
		cmocka_unit_test(unlock__opens_with_any_two_servers_of_three),
		cmocka_unit_test(unlock__with_fewer_servers_is_not_ready),
		cmocka_unit_test(unlock__sends_every_point_blinded_and_never_the_same),
		cmocka_unit_test(unlock__follows_a_refreshed_key),
		cmocka_unit_test(unlock__is_denied_when_too_many_servers_deny),
		cmocka_unit_test(unlock__opens_although_one_server_denies),
		cmocka_unit_test(unlock__of_a_stale_record_says_which_version_is_known),
		cmocka_unit_test(unlock__says_when_a_folder_is_due_for_a_new_generation),
		cmocka_unit_test(unlock__refuses_answers_to_something_else),
		cmocka_unit_test(unlock__is_of_targets_of_its_group),
		cmocka_unit_test(unlock_target__needs_an_envelope_with_a_point),
		cmocka_unit_test(unlock__names_the_server_that_lied_and_opens_with_another),
		cmocka_unit_test(unlock__names_a_liar_who_keeps_to_his_lie),
		cmocka_unit_test(unlock__takes_no_check_at_all_for_a_lie),
		cmocka_unit_test(unlock__finds_all_honest_when_the_envelope_was_tampered_with),
		cmocka_unit_test(unlock__blames_nobody_who_gives_no_point_any_more),
		cmocka_unit_test(unlock__judges_nobody_without_a_question),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
