/* Unlocks and leases, as a client sees them: what is opened, what is refused, and that it is written down
 * first. */
#include <sqlite3.h>

#include "server/leavers.h"
#include "tests/lib/servers.h"

static struct test_server *test;
static struct person alice, bob;

static int set_up(void **state)
{
	(void)state;
	test = test_server_new(1);
	alice = test_server_user(test, "alice");
	bob = test_server_user(test, "bob");
	fake_member(test->fake, "alice", &test->group.descriptor.id);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	test_server_done(test);
	clock_set_real();
	return 0;
}

static void assert_problem(enum problem_type expected, const struct test_answer *answer)
{
	if (!answer->is_problem)
		fail_msg("status %u, no problem: %s", answer->status, (const char *)answer->body.data);
	if (answer->problem.type != expected)
		fail_msg("%s, not %s: %s", problem_text(answer->problem.type), problem_text(expected),
			 answer->problem.detail);
}

static void assert_refused(enum problem_type expected, const struct person *person,
			   const struct unlock_request *request)
{
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, person, request);

	assert_problem(expected, &answer);
}

static struct unlock_answer unlocked(const struct person *person, const struct unlock_request *request)
{
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, person, request);

	return test_read_unlock(test, request, &answer);
}

/* -- what is opened ------------------------------------------------------------------------------ */

static void unlock__multiplies_by_the_share(void **state)
{
	const struct unlock_request request = test_unlock(test, 3);

	(void)state;
	const struct unlock_answer answer = unlocked(&alice, &request);
	assert_int_equal(answer.lease, test->policy.lease);
	assert_int_equal(answer.epoch, 1);
	assert_false(answer.has_check);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(answer.items[i].status, UNLOCK_OK);
	assert_int_equal(test_audit_count(test, "\"action\":\"unlock\",\"decision\":\"granted\""), 1);
}

static void unlock__takes_as_many_as_a_request_holds(void **state)
{
	const struct unlock_request request = test_unlock(test, UNLOCK_ITEMS_MAX);

	(void)state;
	(void)unlocked(&alice, &request);
}

static void unlock__answers_the_check_of_a_blame(void **state)
{
	struct unlock_request request = test_unlock(test, 1);
	struct point expected;
	struct why why = WHY_NONE;

	(void)state;
	request.has_check = true;
	request.check = test_point();
	const struct unlock_answer answer = unlocked(&alice, &request);
	assert_works(group_evaluate(&test->group.deal.shares[0], &request.check, &expected, &why));
	assert_true(answer.has_check);
	assert_memory_equal(&expected, &answer.check, sizeof expected);
}

/* -- who is refused ------------------------------------------------------------------------------- */

static void unlock__denies_who_is_no_member(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	assert_refused(PROBLEM_DENIED, &bob, &request);
	assert_int_equal(test_audit_count(test, "\"action\":\"unlock\",\"decision\":\"denied\""), 1);
	assert_int_equal(test_audit_count(test, "\"reason\":\"not-member\""), 1);
}

static void unlock__denies_an_account_that_is_off(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	fake_find_name(test->fake, "alice")->enabled = false;
	assert_refused(PROBLEM_DISABLED, &alice, &request);
}

/* Rule 11: "not a member" and "cannot know" are never mixed up. */
static void unlock__does_not_say_no_when_nobody_knows(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	atomic_store(&test->fake->is_down, true);
	assert_refused(PROBLEM_DIRECTORY, &alice, &request);
	assert_refused(PROBLEM_DIRECTORY, &bob, &request);
	assert_int_equal(test_audit_count(test, "\"decision\":\"unknown\""), 2);
	assert_int_equal(test_audit_count(test, "\"decision\":\"granted\""), 0);
	atomic_store(&test->fake->is_down, false);
	(void)unlocked(&alice, &request);
	assert_refused(PROBLEM_DENIED, &bob, &request);
}

static void unlock__gives_up_on_a_mute_directory_in_three_seconds(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);
	const int64_t before = clock_boot_ms();

	(void)state;
	atomic_store(&test->fake->is_mute, true);
	assert_refused(PROBLEM_DIRECTORY, &alice, &request);
	const int64_t took = clock_boot_ms() - before;
	assert_true(took >= QUESTION_MS && took < QUESTION_MS + 1000);
}

static void unlock__of_a_group_without_a_key_is_missing(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	request.group = id_of(77);
	assert_refused(PROBLEM_MISSING, &alice, &request);
}

static void unlock__of_another_epoch_is_a_conflict(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	request.epoch = 2;
	assert_refused(PROBLEM_CONFLICT, &alice, &request);
}

/* An administrator makes another key while the server runs. */
static void unlock__uses_a_new_key_from_the_next_request_on(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	(void)unlocked(&alice, &request);
	AUTO(company_group_done)
	struct company_group next = company_group_new(&test->company, "finance", 1, 1);
	next.descriptor.id = test->group.descriptor.id;
	next.descriptor.version = 2;
	next.descriptor.epoch = 2;
	company_group_sign(&test->company, &next);
	test_server_write_group(test, &next);
	assert_refused(PROBLEM_CONFLICT, &alice, &request);
	request.epoch = 2;
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, &alice, &request);
	struct unlock_answer read;
	struct point expected;
	struct why why = WHY_NONE;
	assert_works(unlock_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_works(group_evaluate(&next.deal.shares[0], &request.items[0].point, &expected, &why));
	assert_memory_equal(&expected, &read.items[0].point, sizeof expected);
}

/* -- what is refused ---------------------------------------------------------------------------------- */

static void unlock__refuses_what_is_no_point_and_the_identity(void **state)
{
	struct unlock_request request = test_unlock(test, 3);
	const struct point good = request.items[1].point;

	(void)state;
	memset(&request.items[1].point, 0xff, sizeof request.items[1].point);
	assert_refused(PROBLEM_MALFORMED, &alice, &request);
	request.items[1].point = good;
	request.items[1].point.bytes[31] |= 0x80;
	assert_refused(PROBLEM_MALFORMED, &alice, &request);
	request.items[1].point = good;
	request.items[1].point.bytes[0] ^= 1; /* odd: negative, so no encoding */
	assert_refused(PROBLEM_MALFORMED, &alice, &request);
	request.items[1].point = good;
	request.has_check = true;
	memset(&request.check, 0xff, sizeof request.check);
	assert_refused(PROBLEM_MALFORMED, &alice, &request);
	/* The identity cannot be written by our own writer. */
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct why why = WHY_NONE;
	char text[BASE64_LENGTH(32) + 1];
	request.has_check = false;
	request.check = (struct point){{0}};
	assert_works(unlock_request_write(&request, &body, &why));
	text_base64(text, good.bytes, sizeof good.bytes);
	memset(strstr((char *)body.data, text), 'A', strlen(text));
	AUTO(test_answer_done)
	struct test_answer answer = test_ask(test, &alice, "POST", "/v1/unlock", &body);
	assert_problem(PROBLEM_MALFORMED, &answer);
	assert_int_equal(test_audit_count(test, "\"decision\":\"granted\""), 0);
}

static void unlock__refuses_too_many_points(void **state)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY, item = BYTES_EMPTY, many = BYTES_EMPTY;
	const struct unlock_request request = test_unlock(test, 1);
	struct why why = WHY_NONE;

	(void)state;
	assert_works(unlock_request_write(&request, &body, &why));
	const char *begin = strstr((char *)body.data, "[") + 1, *end = strrchr((char *)body.data, ']');
	assert_works(bytes_append(&item, begin, (size_t)(end - begin), &why));
	assert_works(bytes_append(&many, body.data, (size_t)(end - (char *)body.data), &why));
	for (int i = 0; i < UNLOCK_ITEMS_MAX; i++) {
		assert_works(bytes_append_text(&many, ",", &why));
		assert_works(bytes_append(&many, item.data, item.size, &why));
	}
	assert_works(bytes_append_text(&many, end, &why));
	AUTO(test_answer_done)
	struct test_answer answer = test_ask(test, &alice, "POST", "/v1/unlock", &many);
	assert_problem(PROBLEM_MALFORMED, &answer);
}

static void unlock__holds_to_the_limit_of_a_day(void **state)
{
	struct unlock_request request = test_unlock(test, 5);

	(void)state;
	test->policy.version = 2;
	test->policy.unlock_limit = 9;
	test_server_write_policy(test);
	(void)unlocked(&alice, &request);
	assert_refused(PROBLEM_LIMIT, &alice, &request);
	request.item_count = 4;
	(void)unlocked(&alice, &request);
	request.item_count = 1;
	assert_refused(PROBLEM_LIMIT, &alice, &request);
	assert_int_equal(atomic_load(&test->server->metrics.counts[METRICS_BURSTS]), 1);
}

/* -- heads ------------------------------------------------------------------------------------------------
 */

static void write_head(uint8_t folder, uint64_t version, uint32_t generation, uint8_t digest)
{
	AUTO(bytes_done) struct bytes record = bytes_of("{}");
	struct why why = WHY_NONE;
	const struct stored_head head = {.folder = folder_of(folder),
					 .version = version,
					 .generation = generation,
					 .digest = digest_of(digest),
					 .seen = 1,
					 .record = record};

	assert_works(store_head_write(test->home.store, &head, &test->group.descriptor.id, 1, &why));
}

static void unlock__opens_nothing_by_an_older_record(void **state)
{
	struct unlock_request request = test_unlock(test, 3);

	(void)state;
	write_head(0, 5, 2, 50);
	write_head(1, 5, 2, 51);
	request.items[0].version = 4; /* older */
	request.items[1].version = 5; /* the same */
	request.items[1].head = digest_of(51);
	request.items[1].generation = 2;
	const struct unlock_answer answer = unlocked(&alice, &request);
	assert_int_equal(answer.items[0].status, UNLOCK_STALE);
	assert_int_equal(answer.items[0].head_version, 5);
	assert_int_equal(answer.items[1].status, UNLOCK_OK);
	assert_int_equal(answer.items[1].head_version, 5);
	assert_int_equal(answer.items[2].status, UNLOCK_OK);
	assert_int_equal(answer.items[2].head_version, 0);
}

static void unlock__opens_nothing_by_another_record_of_that_version(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	write_head(0, 5, 2, 50);
	request.items[0].version = 5;
	request.items[0].head = digest_of(99);
	const struct unlock_answer answer = unlocked(&alice, &request);
	assert_int_equal(answer.items[0].status, UNLOCK_STALE);
	assert_int_equal(test_audit_count(test, "\"reason\":\"stale\""), 1);
	assert_int_equal(test_audit_count(test, "\"decision\":\"granted\""), 0);
}

static void unlock__opens_by_a_newer_record_than_is_known(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	write_head(0, 5, 2, 50);
	request.items[0].version = 6;
	request.items[0].generation = 3;
	assert_int_equal(unlocked(&alice, &request).items[0].status, UNLOCK_OK);
}

/* Else a member could have a folder called due for ever, by naming a generation that never comes. */
static void unlock__opens_no_generation_that_the_record_does_not_have(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	write_head(0, 5, 2, 50);
	request.items[0].version = 5;
	request.items[0].head = digest_of(50);
	request.items[0].generation = 3;
	assert_int_equal(unlocked(&alice, &request).items[0].status, UNLOCK_DENIED);
}

/* -- the audit comes first
 * ------------------------------------------------------------------------------------ */

static void break_audit(void)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(test_store_path(test->directory), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER no_rows BEFORE INSERT ON audit BEGIN SELECT "
				      "RAISE(ABORT, 'the disk is full'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	(void)sqlite3_close(db);
}

static void unlock__opens_nothing_when_the_audit_cannot_be_written(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	break_audit();
	AUTO(test_answer_done) struct test_answer answer = test_ask_unlock(test, &alice, &request);
	assert_problem(PROBLEM_AUDIT, &answer);
	assert_null(strstr((const char *)answer.body.data, "point"));
	assert_int_equal(atomic_load(&test->server->metrics.counts[METRICS_AUDIT_FAILURES]), 1);
	assert_int_equal(atomic_load(&test->server->metrics.counts[METRICS_POINTS]), 0);
}

static void unlock__row_says_which_folders_and_how_the_membership_was_known(void **state)
{
	struct unlock_request request = test_unlock(test, 1);
	char folder[ID_TEXT_SIZE];

	(void)state;
	request.items[0].generation = 7;
	atomic_store(&test->fake->remembers, true);
	(void)unlocked(&alice, &request);
	folder_id_text(&request.items[0].folder, folder);
	assert_int_equal(test_audit_count(test, folder), 1);
	assert_int_equal(test_audit_count(test, "\"source\":\"cache\""), 1);
	assert_int_equal(test_audit_count(test, "\"group_name\":\"finance\""), 1);
	assert_int_equal(test_audit_count(test, ",7]]"), 1);
}

/* -- leavers
 * ---------------------------------------------------------------------------------------------------- */

static struct lease_answer leased(const struct person *person, const struct member_id *groups, size_t count)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct lease_request request = {.group_count = count};
	struct lease_answer read;
	struct why why = WHY_NONE;

	memcpy(request.groups, groups, count * sizeof *groups);
	assert_works(lease_request_write(&request, &body, &why));
	AUTO(test_answer_done) struct test_answer answer = test_ask(test, person, "POST", "/v1/lease", &body);
	if (answer.status != 200)
		fail_msg("status %u: %s", answer.status, (const char *)answer.body.data);
	assert_works(lease_answer_read(answer.body.data, answer.body.size, &read, &why));
	assert_int_equal(read.group_count, count);
	return read;
}

static void leaver__who_unlocked_something_makes_folders_due(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	fake_member(test->fake, "bob", &test->group.descriptor.id);
	(void)unlocked(&bob, &request);
	assert_int_equal(unlocked(&alice, &request).items[0].status, UNLOCK_OK);
	fake_leave(test->fake, "bob", &test->group.descriptor.id);
	assert_refused(PROBLEM_DENIED, &bob, &request);
	struct unlock_answer answer = unlocked(&alice, &request);
	assert_int_equal(answer.member_counter, 1);
	assert_int_equal(answer.items[0].status, UNLOCK_ROTATE);
	/* once, however often he asks */
	assert_refused(PROBLEM_DENIED, &bob, &request);
	assert_int_equal(unlocked(&alice, &request).member_counter, 1);
	assert_int_equal(test_audit_count(test, "\"action\":\"left\""), 1);
	/* the next generation is what was asked for */
	request.items[0].generation = 2;
	assert_int_equal(unlocked(&alice, &request).items[0].status, UNLOCK_OK);
}

static void leaver__who_unlocked_nothing_needs_no_new_keys(void **state)
{
	struct unlock_request request = test_unlock(test, 1);

	(void)state;
	(void)unlocked(&alice, &request);
	assert_refused(PROBLEM_DENIED, &bob, &request);
	struct unlock_answer answer = unlocked(&alice, &request);
	assert_int_equal(answer.member_counter, 0);
	assert_int_equal(answer.items[0].status, UNLOCK_OK);
	assert_int_equal(test_audit_count(test, "\"action\":\"left\""), 0);
}

static void leaver__is_noticed_by_a_lease_too(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	fake_member(test->fake, "bob", &test->group.descriptor.id);
	(void)unlocked(&bob, &request);
	fake_leave(test->fake, "bob", &test->group.descriptor.id);
	struct lease_answer answer = leased(&bob, &test->group.descriptor.id, 1);
	assert_int_equal(answer.groups[0].state, LEASE_DENIED);
	answer = leased(&alice, &test->group.descriptor.id, 1);
	assert_int_equal(answer.groups[0].state, LEASE_MEMBER);
	assert_int_equal(answer.groups[0].member_counter, 1);
	assert_true(answer.groups[0].rotate);
}

static void leaver__is_none_while_the_directory_does_not_say(void **state)
{
	const struct unlock_request request = test_unlock(test, 1);

	(void)state;
	fake_member(test->fake, "bob", &test->group.descriptor.id);
	(void)unlocked(&bob, &request);
	fake_leave(test->fake, "bob", &test->group.descriptor.id);
	atomic_store(&test->fake->is_down, true);
	assert_refused(PROBLEM_DIRECTORY, &bob, &request);
	atomic_store(&test->fake->is_down, false);
	assert_int_equal(unlocked(&alice, &request).member_counter, 0);
}

/* -- leases
 * -------------------------------------------------------------------------------------------------------- */

static void lease__answers_for_each_group_by_itself(void **state)
{
	AUTO(company_group_done)
	struct company_group board = company_group_new(&test->company, "board", 1, 1);
	const struct member_id groups[] = {test->group.descriptor.id, board.descriptor.id, id_of(200)};

	(void)state;
	test_server_write_group(test, &board);
	const struct lease_answer answer = leased(&alice, groups, 3);
	assert_int_equal(answer.lease, test->policy.lease);
	assert_int_equal(answer.groups[0].state, LEASE_MEMBER);
	assert_int_equal(answer.groups[1].state, LEASE_DENIED);
	assert_int_equal(answer.groups[2].state, LEASE_DENIED);
	assert_false(answer.groups[0].rotate);
}

static void lease__is_unknown_when_the_directory_is_down(void **state)
{
	(void)state;
	atomic_store(&test->fake->is_down, true);
	assert_int_equal(leased(&alice, &test->group.descriptor.id, 1).groups[0].state, LEASE_UNKNOWN);
	assert_int_equal(leased(&bob, &test->group.descriptor.id, 1).groups[0].state, LEASE_UNKNOWN);
}

/* One deadline for them all: many groups do not take many times three seconds. */
static void lease__of_many_groups_ends_in_time(void **state)
{
	struct member_id groups[3] = {test->group.descriptor.id, test->group.descriptor.id,
				      test->group.descriptor.id};
	const int64_t before = clock_boot_ms();

	(void)state;
	atomic_store(&test->fake->is_mute, true);
	const struct lease_answer answer = leased(&alice, groups, 3);
	assert_int_equal(answer.groups[2].state, LEASE_UNKNOWN);
	assert_true(clock_boot_ms() - before < QUESTION_MS + 1000);
}

static void lease__that_is_granted_writes_no_row(void **state)
{
	(void)state;
	(void)leased(&alice, &test->group.descriptor.id, 1);
	assert_int_equal(test_audit_count(test, "lease"), 0);
	(void)leased(&bob, &test->group.descriptor.id, 1);
	assert_int_equal(test_audit_count(test, "\"action\":\"lease\",\"decision\":\"denied\""), 1);
}

/* -- threads
 * ------------------------------------------------------------------------------------------------------------
 */

#define THREADS 8
#define EACH 40

static void *unlock_often(void *context)
{
	for (int i = 0; i < EACH; i++) {
		const struct unlock_request request = test_unlock(test, 2);
		(void)unlocked(context, &request);
		(void)leased(context, &test->group.descriptor.id, 1);
	}
	return NULL;
}

static void unlock__of_many_at_once_is_one_row_each_in_one_chain(void **state)
{
	pthread_t threads[THREADS];
	struct audit_report report;
	struct why why = WHY_NONE;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, unlock_often, &alice), 0);
	/* administrators change things meanwhile */
	for (uint64_t version = 2; version < 12; version++) {
		test->policy.version = version;
		test_server_write_policy(test);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(test_audit_count(test, "\"action\":\"unlock\",\"decision\":\"granted\""),
			 THREADS * EACH);
	assert_works(audit_verify(test->home.store, &report, &why));
	assert_int_equal(report.rows, THREADS * EACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(unlock__multiplies_by_the_share),
		TEST(unlock__takes_as_many_as_a_request_holds),
		TEST(unlock__answers_the_check_of_a_blame),
		TEST(unlock__denies_who_is_no_member),
		TEST(unlock__denies_an_account_that_is_off),
		TEST(unlock__does_not_say_no_when_nobody_knows),
		TEST(unlock__gives_up_on_a_mute_directory_in_three_seconds),
		TEST(unlock__of_a_group_without_a_key_is_missing),
		TEST(unlock__of_another_epoch_is_a_conflict),
		TEST(unlock__uses_a_new_key_from_the_next_request_on),
		TEST(unlock__refuses_what_is_no_point_and_the_identity),
		TEST(unlock__refuses_too_many_points),
		TEST(unlock__holds_to_the_limit_of_a_day),
		TEST(unlock__opens_nothing_by_an_older_record),
		TEST(unlock__opens_nothing_by_another_record_of_that_version),
		TEST(unlock__opens_by_a_newer_record_than_is_known),
		TEST(unlock__opens_no_generation_that_the_record_does_not_have),
		TEST(unlock__opens_nothing_when_the_audit_cannot_be_written),
		TEST(unlock__row_says_which_folders_and_how_the_membership_was_known),
		TEST(leaver__who_unlocked_something_makes_folders_due),
		TEST(leaver__who_unlocked_nothing_needs_no_new_keys),
		TEST(leaver__is_noticed_by_a_lease_too),
		TEST(leaver__is_none_while_the_directory_does_not_say),
		TEST(lease__answers_for_each_group_by_itself),
		TEST(lease__is_unknown_when_the_directory_is_down),
		TEST(lease__of_many_groups_ends_in_time),
		TEST(lease__that_is_granted_writes_no_row),
		TEST(unlock__of_many_at_once_is_one_row_each_in_one_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
