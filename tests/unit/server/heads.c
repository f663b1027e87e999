/* The witness: what it takes for the newest record of a folder, and what it does not. */
#include "server/heads.h"

#include "tests/lib/chains.h"
#include "tests/lib/servers.h"

static struct test_server *test;
static struct person alice, mallory; /* both enrolled */
static struct chain chain; /* Alice's folder */

static int set_up(void **state)
{
	(void)state;
	test = test_server_new(1);
	alice = test_server_user(test, "alice");
	mallory = test_server_user(test, "mallory");
	const struct organisation_id id = company_id(&test->company);
	const struct folder_id folder = folder_of(1);
	chain = chain_new(&id, &folder, &alice);
	for (int i = 0; i < 4; i++)
		chain_next(&chain);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	chain_done(&chain);
	person_done(&alice);
	person_done(&mallory);
	test_server_done(test);
	return 0;
}

/* Records first..last of a chain (by version), with the certificate of who signed them. */
static struct test_answer report(const struct person *sender, const struct chain *of, uint64_t first,
				 uint64_t last)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct heads_request request = {.certificates = {of->admin->certificate}, .certificate_count = 1};
	struct why why = WHY_NONE;

	for (uint64_t version = first; version <= last; version++)
		request.records[request.record_count++] = of->objects[version - 1];
	assert_works(heads_request_write(&request, &body, &why));
	return test_ask(test, sender, "POST", "/v1/heads", &body);
}

static void assert_known(uint64_t version, bool is_fork, const struct chain *of, uint64_t first,
			 uint64_t last)
{
	AUTO(test_answer_done) struct test_answer answer = report(&alice, of, first, last);
	struct heads_answer read;
	struct why why = WHY_NONE;

	if (answer.status != 200)
		fail_msg("status %u: %s", answer.status, (const char *)answer.body.data);
	assert_works(heads_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_int_equal(read.version, version);
	assert_int_equal(read.fork, is_fork);
}

static void assert_refused(enum problem_type expected, const struct chain *of, uint64_t first, uint64_t last)
{
	AUTO(test_answer_done) struct test_answer answer = report(&alice, of, first, last);

	if (!answer.is_problem || answer.problem.type != expected)
		fail_msg("status %u, not %s: %s", answer.status, problem_text(expected),
			 (const char *)answer.body.data);
}

static enum head_judgement judged(uint64_t version, uint32_t generation)
{
	const struct unlock_item item = {.folder = folder_of(1),
					 .version = version,
					 .generation = generation,
					 .head = version <= chain.count ? chain.records[version - 1]->digest
									: digest_of(1)};
	enum head_judgement judgement;
	uint64_t known;
	struct why why = WHY_NONE;

	assert_works(heads_judge(test->home.store, &item, &judgement, &known, &why));
	return judgement;
}

static void heads__remember_the_newest(void **state)
{
	(void)state;
	assert_int_equal(judged(1, 1), HEAD_FITS);
	assert_known(5, false, &chain, 1, 5);
	assert_int_equal(judged(4, 1), HEAD_STALE);
	assert_int_equal(judged(5, 1), HEAD_FITS);
	assert_int_equal(judged(5, 2), HEAD_IMPOSSIBLE);
	assert_int_equal(judged(6, 2), HEAD_FITS);
	assert_int_equal(test_audit_count(test, "\"action\":\"heads\",\"decision\":\"granted\""), 1);
}

static void heads__come_in_parts(void **state)
{
	(void)state;
	assert_known(2, false, &chain, 1, 2);
	assert_known(3, false, &chain, 3, 3);
	assert_known(5, false, &chain, 2, 5);
	assert_known(5, false, &chain, 1, 5);
	assert_known(5, false, &chain, 3, 4);
	/* only what was new is a row */
	assert_int_equal(test_audit_count(test, "\"action\":\"heads\""), 3);
}

static void heads__after_a_gap_are_asked_for(void **state)
{
	(void)state;
	assert_known(0, false, &chain, 3, 5);
	assert_int_equal(judged(1, 1), HEAD_FITS);
	assert_known(2, false, &chain, 1, 2);
	assert_known(2, false, &chain, 4, 5);
	assert_known(5, false, &chain, 3, 5);
}

/* Two records with one predecessor, both signed by an admin of it. */
static void heads__that_contradict_each_other_are_a_fork(void **state)
{
	AUTO(chain_done) struct chain other = {.admin = &alice};
	struct why why = WHY_NONE;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(free) char *text = NULL;
		assert_works(record_copy(chain.records[i], &other.records[i], &why));
		assert_works(signed_text(chain.objects[i], &text, &why));
		assert_works(signed_parse_text(text, strlen(text), RECORD_TYPE, &other.objects[i], &why));
		other.count++;
	}
	struct record *rival = chain_copy(&other);
	rival->created++;
	chain_add(&other, rival);
	chain_next(&other);
	assert_known(5, false, &chain, 1, 5);
	assert_known(5, true, &other, 1, 4);
	assert_known(5, true, &other, 2, 3);
	assert_known(5, true, &chain, 1, 5);
	assert_int_equal(judged(5, 1), HEAD_FITS);
	assert_true(test_audit_count(test, "\"reason\":\"fork\"") >= 1);
	/* without what proves it, it is only asserted */
	assert_refused(PROBLEM_CONFLICT, &other, 3, 4);
}

static void heads__first_record_that_is_another_is_a_fork(void **state)
{
	const struct organisation_id id = company_id(&test->company);
	const struct folder_id folder = folder_of(1);
	AUTO(chain_done) struct chain other = chain_new(&id, &folder, &mallory);

	(void)state;
	assert_known(5, false, &chain, 1, 5);
	assert_known(5, true, &other, 1, 1);
	assert_int_equal(judged(5, 1), HEAD_FITS);
}

static void heads__of_a_maker_who_is_not_enrolled_are_refused(void **state)
{
	AUTO(person_done) struct person stranger = person_new("stranger");
	const struct organisation_id id = company_id(&test->company);
	const struct folder_id folder = folder_of(2);
	AUTO(chain_done) struct chain other = chain_new(&id, &folder, &stranger);

	(void)state;
	assert_refused(PROBLEM_DENIED, &other, 1, 1);
}

static void heads__of_another_organisation_are_refused(void **state)
{
	const struct organisation_id id = {{9}};
	const struct folder_id folder = folder_of(2);
	AUTO(chain_done) struct chain other = chain_new(&id, &folder, &alice);

	(void)state;
	assert_refused(PROBLEM_MALFORMED, &other, 1, 1);
}

/* Mallory, who is on no list, signs what would be version 6. */
static void heads__not_signed_by_an_admin_are_refused(void **state)
{
	(void)state;
	assert_known(5, false, &chain, 1, 5);
	struct record *forged = chain_copy(&chain);
	struct signed_object *object = NULL;
	struct why why = WHY_NONE;
	assert_works(record_sign(forged, mallory.identity, &object, &why));
	chain.records[5] = forged;
	chain.objects[5] = object;
	chain.count = 6;
	assert_refused(PROBLEM_MALFORMED, &chain, 5, 6);
	assert_refused(PROBLEM_MALFORMED, &chain, 6, 6);
	assert_int_equal(judged(5, 1), HEAD_FITS);
	assert_int_equal(judged(4, 1), HEAD_STALE);
}

static void heads__of_two_folders_or_out_of_order_are_refused(void **state)
{
	const struct organisation_id id = company_id(&test->company);
	const struct folder_id folder = folder_of(2);
	AUTO(chain_done) struct chain other = chain_new(&id, &folder, &alice);
	struct chain mixed = {.admin = &alice,
			      .records = {chain.records[0], other.records[0]},
			      .objects = {chain.objects[0], other.objects[0]},
			      .count = 2};
	struct chain turned = {.admin = &alice,
			       .records = {chain.records[1], chain.records[0]},
			       .objects = {chain.objects[1], chain.objects[0]},
			       .count = 2};

	(void)state;
	assert_refused(PROBLEM_MALFORMED, &mixed, 1, 2);
	assert_refused(PROBLEM_MALFORMED, &turned, 1, 2);
}

/* A group entry in a record: its folder is known before anybody unlocks it, and due when somebody leaves. */
static void heads__tell_which_folders_a_group_opens(void **state)
{
	struct why why = WHY_NONE;
	bool is_due = false, counted = false;
	const struct unlocked_folder unlocked = {.folder = folder_of(8), .generation = 1};
	const struct member_id *group = &test->group.descriptor.id;

	(void)state;
	struct record *shared = chain_copy(&chain);
	chain_put(shared, MEMBER_GROUP, ROLE_READER, group, "finance", (struct fingerprint){{5}});
	chain_add(&chain, shared);
	assert_known(6, false, &chain, 1, 6);
	/* somebody unlocked another folder of it, and leaves */
	assert_works(
		store_unlocked_write(test->home.store, person_id(&mallory), group, &unlocked, 1, 1, &why));
	assert_works(store_member_left(test->home.store, person_id(&mallory), group, 2, &counted, &why));
	assert_true(counted);
	const struct unlocked_folder mine = {.folder = folder_of(1), .generation = 1};
	assert_works(store_folder_is_due(test->home.store, group, &mine, &is_due, &why));
	assert_true(is_due);
}

static void heads__need_no_directory(void **state)
{
	(void)state;
	atomic_store(&test->fake->is_down, true);
	assert_known(5, false, &chain, 1, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(heads__remember_the_newest),
		TEST(heads__come_in_parts),
		TEST(heads__after_a_gap_are_asked_for),
		TEST(heads__that_contradict_each_other_are_a_fork),
		TEST(heads__first_record_that_is_another_is_a_fork),
		TEST(heads__of_a_maker_who_is_not_enrolled_are_refused),
		TEST(heads__of_another_organisation_are_refused),
		TEST(heads__not_signed_by_an_admin_are_refused),
		TEST(heads__of_two_folders_or_out_of_order_are_refused),
		TEST(heads__tell_which_folders_a_group_opens),
		TEST(heads__need_no_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
