#include "base/clock.h"
#include "server/builtin.h"
#include "tests/lib/stores.h"

static char directory_path[PATH_MAX];
static struct store *store;
static struct directory *directory;
static const struct organisation_id organisation = {{1}};

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	store = test_store_new(directory_path);
	assert_works(builtin_open(store, &directory, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	directory_close(directory);
	store_close(store);
	test_directory_remove(directory_path);
	return 0;
}

/* -- making ---------------------------------------------------------------------------- */

static struct member_id user(const char *name)
{
	struct why why = WHY_NONE;
	struct member_id id;

	assert_works(builtin_add_user(store, &organisation, name, &id, &why));
	return id;
}

static struct member_id group(const char *name)
{
	struct why why = WHY_NONE;
	struct member_id id;

	assert_works(builtin_add_group(store, &organisation, name, &id, &why));
	return id;
}

static void put(struct member_id into, const char *name)
{
	struct builtin_member member;
	struct why why = WHY_NONE;

	assert_works(builtin_find_member(store, name, &member, &why));
	assert_works(builtin_add_member(store, &into, &member, &why));
}

static enum directory_answer ask(struct member_id who, struct member_id where, struct directory_proof *proof)
{
	return directory_is_member(directory, &who, &where, INT64_MAX, proof, NULL);
}

static void assert_member(struct member_id who, struct member_id where, unsigned level, const char *path)
{
	struct directory_proof proof;

	assert_int_equal(ask(who, where, &proof), DIRECTORY_YES);
	assert_int_equal(proof.reason, DIRECTORY_REASON_NONE);
	assert_int_equal(proof.level, level);
	assert_string_equal(proof.path, path);
}

static void assert_no_member(struct member_id who, struct member_id where, enum directory_reason reason)
{
	struct directory_proof proof;

	assert_int_equal(ask(who, where, &proof), DIRECTORY_NO);
	assert_int_equal(proof.reason, reason);
}

/* -- names and ids ------------------------------------------------------------------------- */

static void users__are_found_by_exactly_their_name_or_id(void **state)
{
	struct member_id alice = user("alice"), nobody = id_of(77);
	struct directory_user found;
	struct why why = WHY_NONE;

	(void)state;
	assert_int_equal(directory_find_user(directory, "alice", INT64_MAX, &found, &why), DIRECTORY_YES);
	assert_true(member_id_equal(&found.id, &alice));
	assert_true(found.enabled);
	assert_int_equal(directory_find_user_by_id(directory, &alice, INT64_MAX, &found, &why),
			 DIRECTORY_YES);
	assert_string_equal(found.name, "alice");
	assert_int_equal(directory_find_user(directory, "ali*", INT64_MAX, &found, &why), DIRECTORY_NO);
	assert_int_equal(directory_find_user(directory, "Alice", INT64_MAX, &found, &why), DIRECTORY_NO);
	assert_int_equal(directory_find_user_by_id(directory, &nobody, INT64_MAX, &found, &why),
			 DIRECTORY_NO);
	assert_non_null(strstr(why.text, "there is no user"));
}

static void names__are_given_once_and_must_be_names(void **state)
{
	struct why why = WHY_NONE;
	struct member_id id;

	(void)state;
	(void)user("alice");
	assert_fault(FAULT_EXISTS, builtin_add_user(store, &organisation, "alice", &id, &why));
	assert_fault(FAULT_INVALID, builtin_add_user(store, &organisation, "", &id, &why));
	assert_fault(FAULT_INVALID, builtin_add_user(store, &organisation, "a\nb", &id, &why));
	assert_fault(FAULT_INVALID, builtin_add_group(store, &organisation, "\xff", &id, &why));
}

static void ids__agree_between_servers_and_differ_between_kinds_and_organisations(void **state)
{
	AUTO(store_close) struct store *other = NULL;
	struct organisation_id another = {{2}};
	struct member_id alice = user("alice"), as_group = group("alice"), id;
	struct why why = WHY_NONE;
	char path[PATH_MAX + 16];

	(void)state;
	assert_false(member_id_equal(&alice, &as_group));
	(void)snprintf(path, sizeof path, "%s/other.db", directory_path);
	assert_works(store_create(path, &other, &why));
	assert_works(builtin_add_user(other, &organisation, "alice", &id, &why));
	assert_true(member_id_equal(&alice, &id));
	assert_works(builtin_add_user(other, &another, "bob", &id, &why));
	assert_works(builtin_add_user(store, &organisation, "bob", &alice, &why));
	assert_false(member_id_equal(&alice, &id));
}

/* -- membership ----------------------------------------------------------------------------- */

static void members__are_direct_or_through_groups_with_the_shortest_path(void **state)
{
	struct member_id alice = user("alice"), bob = user("bob");
	struct member_id finance = group("finance"), auditors = group("auditors"), staff = group("staff");

	(void)state;
	put(finance, "auditors");
	put(staff, "finance");
	put(auditors, "alice");
	put(staff, "bob");
	assert_member(alice, auditors, 0, "alice < auditors");
	assert_member(alice, finance, 1, "alice < auditors < finance");
	assert_member(alice, staff, 2, "alice < auditors < finance < staff");
	assert_no_member(bob, finance, DIRECTORY_REASON_NOT_MEMBER);
	put(staff, "alice");
	assert_member(alice, staff, 0, "alice < staff");
}

static void members__no_more_after_removal_anywhere_on_the_way(void **state)
{
	struct member_id alice = user("alice"), finance = group("finance"), auditors = group("auditors");
	struct why why = WHY_NONE;

	(void)state;
	put(finance, "auditors");
	put(auditors, "alice");
	assert_works(builtin_remove_member(store, &finance, &auditors, &why));
	assert_no_member(alice, finance, DIRECTORY_REASON_NOT_MEMBER);
	assert_fault(FAULT_MISSING, builtin_remove_member(store, &finance, &auditors, &why));
}

static void members__say_which_no_it_is(void **state)
{
	struct member_id alice = user("alice"), finance = group("finance"), nobody = id_of(77);
	struct why why = WHY_NONE;

	(void)state;
	put(finance, "alice");
	assert_no_member(nobody, finance, DIRECTORY_REASON_NO_USER);
	assert_no_member(alice, nobody, DIRECTORY_REASON_NO_GROUP);
	assert_works(builtin_enable_user(store, &alice, false, &why));
	assert_no_member(alice, finance, DIRECTORY_REASON_DISABLED);
	assert_works(builtin_enable_user(store, &alice, true, &why));
	assert_member(alice, finance, 0, "alice < finance");
	assert_fault(FAULT_MISSING, builtin_enable_user(store, &nobody, true, &why));
}

static void cycles__end(void **state)
{
	struct member_id alice = user("alice"), bob = user("bob");
	struct member_id one = group("one"), two = group("two"), three = group("three");
	struct builtin_member self;
	struct why why = WHY_NONE;

	(void)state;
	put(one, "two");
	put(two, "three");
	put(three, "one");
	put(three, "alice");
	assert_member(alice, one, 2, "alice < three < two < one");
	assert_no_member(bob, one, DIRECTORY_REASON_NOT_MEMBER);
	assert_works(builtin_find_member(store, "one", &self, &why));
	assert_fault(FAULT_INVALID, builtin_add_member(store, &one, &self, &why));
	assert_fault(FAULT_EXISTS, builtin_add_member(store, &three, &self, &why));
}

/* -- listing ---------------------------------------------------------------------------------- */

struct listing {
	size_t count;
	char text[4096];
};

static enum fault list_one(void *context, const struct directory_member *member, struct why *why)
{
	struct listing *listing = context;
	size_t length = strlen(listing->text);

	(void)why;
	listing->count++;
	(void)snprintf(listing->text + length, sizeof listing->text - length, "%u %s;", member->level,
		       member->path);
	return FAULT_NONE;
}

static void listing__shows_each_user_once_by_the_shortest_path(void **state)
{
	struct member_id finance = group("finance"), auditors = group("auditors"), nobody = id_of(77);
	struct listing listing = {0};
	struct why why = WHY_NONE;

	(void)state;
	(void)user("alice");
	(void)user("bob");
	put(finance, "auditors");
	put(auditors, "finance");
	put(auditors, "alice");
	put(auditors, "bob");
	put(finance, "alice");
	assert_int_equal(directory_members(directory, &finance, INT64_MAX, list_one, &listing, &why),
			 DIRECTORY_YES);
	assert_string_equal(listing.text, "0 alice < finance;1 bob < auditors < finance;");
	assert_int_equal(directory_members(directory, &nobody, INT64_MAX, list_one, &listing, &why),
			 DIRECTORY_NO);
}

static enum fault refuse(void *context, const struct directory_member *member, struct why *why)
{
	(void)context;
	(void)member;
	return why_set(why, FAULT_MEMORY, "no room");
}

static void listing__that_was_cut_short_is_unknown(void **state)
{
	struct member_id finance = group("finance");

	(void)state;
	(void)user("alice");
	put(finance, "alice");
	assert_int_equal(directory_members(directory, &finance, INT64_MAX, refuse, NULL, NULL),
			 DIRECTORY_UNKNOWN);
}

/* -- many --------------------------------------------------------------------------------------- */

#define MANY 100000

static enum fault count_one(void *context, const struct directory_member *member, struct why *why)
{
	(void)member;
	(void)why;
	++*(size_t *)context;
	return FAULT_NONE;
}

static enum fault add_many(struct member_id into, struct member_id *ret_last, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (int i = 0; !fault && i < MANY; i++) {
		struct builtin_member member = {.kind = BUILTIN_USER};
		char name[32];

		(void)snprintf(name, sizeof name, "user-%06d", i);
		fault = builtin_add_user(store, &organisation, name, &member.id, why);
		if (!fault)
			fault = builtin_add_member(store, &into, &member, why);
		*ret_last = member.id;
	}
	return fault;
}

/* A look-up must not read the 100,000: then each would take some 100 ms. */
static void directory__of_100000_users_answers_thousands_of_questions_a_second(void **state)
{
	struct member_id staff = group("staff"), everybody = group("everybody"), last;
	struct directory_proof proof;
	struct why why = WHY_NONE;
	size_t count = 0;
	int64_t began;

	(void)state;
	put(everybody, "staff");
	assert_works(store_transaction_begin(store, &why));
	assert_works(store_transaction_end(store, add_many(staff, &last, &why), &why));
	began = clock_boot_ms();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(last, everybody, &proof), DIRECTORY_YES);
	assert_true(clock_boot_ms() - began < 5000);
	assert_string_equal(proof.path, "user-099999 < staff < everybody");
	assert_int_equal(directory_members(directory, &everybody, INT64_MAX, count_one, &count, &why),
			 DIRECTORY_YES);
	assert_int_equal(count, MANY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(users__are_found_by_exactly_their_name_or_id),
		TEST(names__are_given_once_and_must_be_names),
		TEST(ids__agree_between_servers_and_differ_between_kinds_and_organisations),
		TEST(members__are_direct_or_through_groups_with_the_shortest_path),
		TEST(members__no_more_after_removal_anywhere_on_the_way),
		TEST(members__say_which_no_it_is),
		TEST(cycles__end),
		TEST(listing__shows_each_user_once_by_the_shortest_path),
		TEST(listing__that_was_cut_short_is_unknown),
		TEST(directory__of_100000_users_answers_thousands_of_questions_a_second),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
