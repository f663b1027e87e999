/* Answers that are no answers to the question: doubled, foreign, cut, with more in them, signed for another.
 */
#include "keys/fields.h"
#include "tests/lib/inquiries.h"

/* -- members that are wrong ------------------------------------------------------------------ */

static struct members_answer_entry entry_of(const char *name, struct certificate *certificate)
{
	struct members_answer_entry entry = {.certificate = certificate,
					     .account = certificate_account(certificate)};

	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	return entry;
}

static void say_list(struct members_answer_entry *list, size_t count)
{
	struct why why = WHY_NONE;
	const struct members_answer answer = {finance.descriptor.id, list, count};

	new_body();
	assert_works(members_answer_write(&answer, &body, &why));
}

static void inquiry_members__refuses_an_account_that_comes_twice(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	AUTO(certificate_free) struct certificate *mallorys = certificate_of(&mallory);
	AUTO(certificate_free) struct certificate *both = NULL;
	struct members_answer_entry list[] = {entry_of("bob", bobs), entry_of("mallory", mallorys),
					      entry_of("bob", bobs)};
	say_list(list, 2);
	assert_works(ask_members(&why));
	say_list(list, 3);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	assert_non_null(strstr(why.text, "twice"));
	/* Another key for the same account, under its name. */
	both = certified_as(&mallory, "bob", &list[0].account, NULL);
	list[1] = entry_of("bob", both);
	say_list(list, 2);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	/* And the account alone, without a key. */
	list[1].certificate = NULL;
	say_list(list, 2);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
}

static void inquiry_members__refuses_one_wrong_member_among_good_ones(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	AUTO(certificate_free) struct certificate *mallorys = certificate_of(&mallory);
	struct members_answer_entry list[] = {entry_of("bob", bobs), entry_of("carol", mallorys)};
	list[1].account.bytes[0] ^= 1;
	say_list(list, 2);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	assert_non_null(strstr(why.text, "carol"));
}

static void inquiry_members__of_an_empty_group_is_nobody(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(members_answer_done) struct members_answer answer = {.count = 0};
	say_list(NULL, 0);
	assert_works(inquiry_members(service, &finance.descriptor.id, &answer, &why));
	assert_int_equal(answer.count, 0);
}

/* -- any question ------------------------------------------------------------------------------ */

static void say_text(const char *text)
{
	struct why why = WHY_NONE;

	new_body();
	assert_works(bytes_append_text(&body, text, &why));
}

/* The last answer that was said, with one more member of its object, or without one. */
static void change_answer(const char *name, bool add)
{
	AUTO(json_decref) json_t *object = json_loadb((const char *)body.data, body.size, 0, NULL);
	AUTO(free) char *text = NULL;

	assert_non_null(object);
	if (add)
		assert_int_equal(json_object_set_new(object, name, json_true()), 0);
	else
		assert_int_equal(json_object_del(object, name), 0);
	text = json_dumps(object, JSON_COMPACT);
	assert_non_null(text);
	say_text(text);
}

static void assert_all_refuse(void)
{
	struct why why = WHY_NONE;

	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	assert_fault(FAULT_IDENTITY, ask_by_id(person_id(&bob), &why));
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	assert_non_null(strstr(why.text, "key server 127.0.0.1"));
}

/* Signed by the server, so it is the server's doing: each names it. */
static void inquiry__refuses_what_is_no_answer_to_it(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "null",
					    "{}",
					    "{\"user\":{},\"certificate\":null}",
					    "{\"group\":null}",
					    "{\"groups\":[]}",
					    "{\"group\":\"60\",\"members\":[]}",
					    "{\"members\":[]}",
					    "{\"sealed\":\"\"}"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		say_text(texts[i]);
		assert_all_refuse();
	}
}

static void inquiry__refuses_answers_to_other_kinds_of_questions(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	const struct member_id account = certificate_account(bobs);
	say_user("bob", bobs, &account);
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	say_group(&finance);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	say_members(&finance.descriptor.id, "bob", bobs);
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
}

static void inquiry__refuses_more_and_less_than_the_answer(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	const struct member_id account = certificate_account(bobs);
	static const struct {
		const char *name;
		bool add;
	} users[] = {{"more", true}, {"user", false}, {"certificate", false}};
	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		say_user("bob", bobs, &account);
		change_answer(users[i].name, users[i].add);
		assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	}
	say_group(&finance);
	change_answer("more", true);
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
	/* Two groups where one was asked for. */
	struct signed_object *two[] = {finance.object, sales.object};
	new_body();
	assert_works(groups_answer_write(&(struct groups_answer){two, 2}, false, &body, &why));
	assert_fault(FAULT_IDENTITY, ask_group("finance", &why));
	say_members(&finance.descriptor.id, "bob", bobs);
	change_answer("more", true);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
	say_members(&finance.descriptor.id, "bob", bobs);
	change_answer("group", false);
	assert_fault(FAULT_IDENTITY, ask_members(&why));
}

static void inquiry__refuses_a_right_answer_that_is_signed_wrongly(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *bobs = certificate_of(&bob);
	const struct member_id account = certificate_account(bobs);
	say_user("bob", bobs, &account);
	server.script.signs_for_another_request = true;
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	server.script.signs_for_another_request = false;
	server.script.signs_with_another_key = true;
	assert_fault(FAULT_IDENTITY, ask_user("bob", &why));
	server.script.signs_with_another_key = false;
	server.script.does_not_sign = true; /* nobody's word: as if nobody had answered */
	assert_fault(FAULT_UNREACHABLE, ask_user("bob", &why));
	server.script.does_not_sign = false;
	assert_works(ask_user("bob", &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inquiry_members__refuses_an_account_that_comes_twice),
		cmocka_unit_test(inquiry_members__refuses_one_wrong_member_among_good_ones),
		cmocka_unit_test(inquiry_members__of_an_empty_group_is_nobody),
		cmocka_unit_test(inquiry__refuses_what_is_no_answer_to_it),
		cmocka_unit_test(inquiry__refuses_answers_to_other_kinds_of_questions),
		cmocka_unit_test(inquiry__refuses_more_and_less_than_the_answer),
		cmocka_unit_test(inquiry__refuses_a_right_answer_that_is_signed_wrongly),
	};
	return cmocka_run_group_tests(tests, inquiries_begin, inquiries_end);
}
