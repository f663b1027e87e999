#include "server/membership.h"

#include "tests/lib/directories.h"

static struct fake_directory *fake;
static struct membership *membership;
static atomic_bool closed;

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	fake = fake_directory_new();
	atomic_store(&closed, false);
	fake->closed = &closed;
	assert_works(membership_new(&fake->directory, &membership, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	membership_free(membership);
	clock_set_real();
	return 0;
}

static void membership__question_has_three_seconds(void **state)
{
	(void)state;
	clock_set_fake(1000, 0);
	AUTO(question_end) struct question question = question_begin(membership);
	assert_int_equal(question.deadline, 4000);
	assert_ptr_equal(question.directory, &fake->directory);
}

static void membership__lets_everybody_wait_while_the_directory_answers(void **state)
{
	struct question questions[100];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		questions[i] = question_begin(membership);
		assert_true(questions[i].deadline > 0);
	}
	for (size_t i = 0; i < 100; i++)
		question_end(&questions[i]);
}

static void membership__lets_two_wait_for_a_directory_that_did_not_answer(void **state)
{
	(void)state;
	atomic_store(&fake->has_failed, true);
	struct question first = question_begin(membership), second = question_begin(membership),
			third = question_begin(membership);
	assert_true(first.deadline > 0 && second.deadline > 0);
	assert_int_equal(third.deadline, 0);
	question_end(&third);
	question_end(&first);
	struct question fourth = question_begin(membership);
	assert_true(fourth.deadline > 0);
	question_end(&fourth);
	question_end(&second);
}

/* Rule 11 of the offline rules: a fresh memory works while the directory is down. */
static void membership__who_may_not_wait_is_answered_from_memory(void **state)
{
	struct directory_proof proof;
	struct member_id group = {{7}};

	(void)state;
	const struct member_id alice = fake_user(fake, "alice", true)->id;
	const struct member_id bob = fake_user(fake, "bob", true)->id;
	fake_member(fake, "alice", &group);
	atomic_store(&fake->has_failed, true);
	atomic_store(&fake->is_mute, true);
	atomic_store(&fake->remembers, true);
	struct question waiting[2] = {question_begin(membership), question_begin(membership)};
	AUTO(question_end) struct question question = question_begin(membership);
	const int64_t before = clock_boot_ms();
	assert_int_equal(
		directory_is_member(question.directory, &alice, &group, question.deadline, &proof, NULL),
		DIRECTORY_YES);
	assert_int_equal(
		directory_is_member(question.directory, &bob, &group, question.deadline, &proof, NULL),
		DIRECTORY_UNKNOWN);
	assert_true(clock_boot_ms() - before < 1000);
	question_end(&waiting[0]);
	question_end(&waiting[1]);
}

static void membership__old_directory_stays_until_its_last_question_ends(void **state)
{
	struct why why = WHY_NONE;
	struct fake_directory *next = fake_directory_new();

	(void)state;
	struct question question = question_begin(membership);
	membership_remember(membership, 5000, 2000);
	assert_works(membership_replace(membership, &next->directory, &why));
	assert_int_equal(fake->yes_ms, 5000);
	assert_int_equal(next->yes_ms, 5000);
	assert_int_equal(next->no_ms, 2000);
	assert_false(atomic_load(&closed));
	assert_ptr_equal(question.directory, &fake->directory);
	AUTO(question_end) struct question later = question_begin(membership);
	assert_ptr_equal(later.directory, &next->directory);
	question_end(&question);
	assert_true(atomic_load(&closed));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(membership__question_has_three_seconds),
		TEST(membership__lets_everybody_wait_while_the_directory_answers),
		TEST(membership__lets_two_wait_for_a_directory_that_did_not_answer),
		TEST(membership__who_may_not_wait_is_answered_from_memory),
		TEST(membership__old_directory_stays_until_its_last_question_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
