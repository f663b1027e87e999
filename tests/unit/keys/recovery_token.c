/* A recovery token in escrow, opened by officers' text blocks; and what was asked for a folder or a token
 * used for the other. */
#include "keys/escrow.h"
#include "keys/recovery.h"
#include "tests/lib/organisations.h"

static struct company company;
static struct company_group officers; /* two of three */
static struct person alice; /* has lost the token */
static struct person bob; /* asks */
static struct token token;
static struct bytes sealed;
static struct recovery_goal goal; /* the token */

/* A request of Bob's for what has the point R of the token, in the words of either kind. */
static struct bytes request_of(enum recovery_kind kind)
{
	struct why why = WHY_NONE;
	struct bytes block = BYTES_EMPTY;
	struct recovery_request request = {
		.kind = kind,
		.organisation = company_id(&company),
		.group = officers.descriptor.id,
		.epoch = 1,
		.reason = "the paper is lost",
	};

	if (kind == RECOVERY_TOKEN) {
		request.user = *person_id(&alice);
		memcpy(request.user_name, "alice", sizeof "alice");
	} else {
		request.folder = (struct folder_id){{7}};
		request.generation = 1;
	}
	assert_works(recovery_ask(&request, &goal.point, bob.identity, bob.certificate, &block, &why));
	return block;
}

static struct bytes answer_with(const struct bytes *request, const struct company_group *group,
				unsigned officer)
{
	struct why why = WHY_NONE;
	struct bytes block = BYTES_EMPTY;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};

	assert_works(recovery_request_read(request->data, request->size, &asked, &why));
	assert_works(recovery_answer(&asked, &group->descriptor, &group->deal.shares[officer], &block, &why));
	return block;
}

static struct bytes answer_of(const struct bytes *request, unsigned officer)
{
	return answer_with(request, &officers, officer);
}

static enum fault combine(const struct bytes *request, const struct recovery_goal *wanted,
			  const struct bytes *one, const struct bytes *other, struct point *ret_shared,
			  struct why *why)
{
	struct why ignored = WHY_NONE;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	const struct recovery_block blocks[] = {{"first", one->data, one->size},
						{"other", other->data, other->size}};

	if (recovery_request_read(request->data, request->size, &asked, &ignored))
		fail_msg("%s", ignored.text);
	return recovery_combine(&asked, wanted, bob.identity, &officers.descriptor, blocks, 2, ret_shared,
				why);
}

static void token__is_opened_by_enough_officers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes one = answer_of(&request, 2);
	AUTO(bytes_done) struct bytes other = answer_of(&request, 0);
	char text[TOKEN_TEXT_SIZE], words[TOKEN_TEXT_SIZE];
	struct point shared;
	assert_works(combine(&request, &goal, &one, &other, &shared, &why));
	assert_works(escrow_open_group(sealed.data, sealed.size, &shared, text, &why));
	token_text(&token, words);
	assert_string_equal(text, words);
	assert_fault(FAULT_MISSING, combine(&request, &goal, &one, &one, &shared, &why));
}

static void request__says_that_it_is_for_a_token_and_whose(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes folder = request_of(RECOVERY_FOLDER);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(recovery_asked_done) struct recovery_asked other = {.certificate = NULL};
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_int_equal(asked.request.kind, RECOVERY_TOKEN);
	assert_true(member_id_equal(&asked.request.user, person_id(&alice)));
	assert_string_equal(asked.request.user_name, "alice");
	assert_string_equal(asked.request.reason, "the paper is lost");
	assert_memory_not_equal(asked.request.point.bytes, goal.point.bytes, sizeof goal.point.bytes);
	assert_works(recovery_request_read(folder.data, folder.size, &other, &why));
	assert_int_equal(other.request.kind, RECOVERY_FOLDER);
	assert_string_equal(other.request.user_name, "");
}

/* Somebody gets officers to agree to a folder, and has the token's point in his question. */
static void answers__for_a_folder_open_no_token(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_FOLDER);
	AUTO(bytes_done) struct bytes one = answer_of(&request, 0);
	AUTO(bytes_done) struct bytes other = answer_of(&request, 1);
	struct point shared;
	assert_fault(FAULT_INVALID, combine(&request, &goal, &one, &other, &shared, &why));
	assert_non_null(strstr(why.text, "for a folder, not for a recovery token"));
}

static void answers__for_a_token_open_no_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes one = answer_of(&request, 0);
	AUTO(bytes_done) struct bytes other = answer_of(&request, 1);
	const struct recovery_goal folder = {RECOVERY_FOLDER, goal.point};
	struct point shared;
	assert_fault(FAULT_INVALID, combine(&request, &folder, &one, &other, &shared, &why));
	assert_non_null(strstr(why.text, "for a recovery token, not for a folder"));
}

/* The kind is not only looked at: it is in the blind. */
static void blind__of_the_other_kind_does_not_come_off(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	const struct recovery_goal folder = {RECOVERY_FOLDER, goal.point};
	struct point shared;
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	asked.request.kind = RECOVERY_FOLDER;
	assert_fault(FAULT_INVALID, recovery_combine(&asked, &folder, bob.identity, &officers.descriptor,
						     NULL, 0, &shared, &why));
	assert_non_null(strstr(why.text, "something else"));
}

static void answers__to_another_request_do_not_fit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes again = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes folder = request_of(RECOVERY_FOLDER);
	AUTO(bytes_done) struct bytes good = answer_of(&request, 0);
	AUTO(bytes_done) struct bytes later = answer_of(&again, 1);
	AUTO(bytes_done) struct bytes folders = answer_of(&folder, 1);
	struct point shared;
	assert_fault(FAULT_INVALID, combine(&request, &goal, &good, &later, &shared, &why));
	assert_non_null(strstr(why.text, "'other': it is the answer to another request"));
	assert_fault(FAULT_INVALID, combine(&request, &goal, &good, &folders, &shared, &why));
	assert_non_null(strstr(why.text, "'other': it is the answer to another request"));
}

static void answers__open_no_other_token(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	AUTO(bytes_done) struct bytes one = answer_of(&request, 0);
	AUTO(bytes_done) struct bytes other = answer_of(&request, 1);
	AUTO(bytes_done) struct bytes bobs = BYTES_EMPTY;
	struct recovery_goal another = {.kind = RECOVERY_TOKEN};
	struct token secret = {{1}};
	char text[TOKEN_TEXT_SIZE];
	struct point shared;
	assert_works(escrow_seal(&secret, person_id(&bob), &company.organisation, &officers.descriptor, &bobs,
				 &why));
	assert_works(escrow_point(bobs.data, bobs.size, &another.point, &why));
	assert_fault(FAULT_INVALID, combine(&request, &another, &one, &other, &shared, &why));
	assert_works(combine(&request, &goal, &one, &other, &shared, &why));
	assert_fault(FAULT_REFUSED, escrow_open_group(bobs.data, bobs.size, &shared, text, &why));
}

static void answer__of_a_lying_officer_is_named(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(RECOVERY_TOKEN);
	struct company_group another = officers;
	struct point shared;
	assert_works(group_deal(NULL, 2, 3, &another.deal, &why));
	memcpy(another.descriptor.commitments, another.deal.commitments, sizeof another.deal.commitments);
	AUTO(bytes_done) struct bytes good = answer_of(&request, 0);
	AUTO(bytes_done) struct bytes lie = answer_with(&request, &another, 1);
	assert_fault(FAULT_IDENTITY, combine(&request, &goal, &good, &lie, &shared, &why));
	assert_non_null(strstr(why.text, "officer number 2"));
	assert_non_null(strstr(why.text, "'other'"));
}

static int found(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	officers = company_group_new(&company, "officers", 2, 3);
	officers.descriptor.recovery = true;
	company_group_sign(&company, &officers);
	alice = person_new("alice");
	bob = person_new("bob");
	randombytes_buf(token.bytes, sizeof token.bytes);
	assert_works(escrow_seal(&token, person_id(&alice), &company.organisation, &officers.descriptor,
				 &sealed, &why));
	goal.kind = RECOVERY_TOKEN;
	assert_works(escrow_point(sealed.data, sealed.size, &goal.point, &why));
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	bytes_done(&sealed);
	person_done(&alice);
	person_done(&bob);
	company_group_done(&officers);
	company_done(&company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token__is_opened_by_enough_officers),
		cmocka_unit_test(request__says_that_it_is_for_a_token_and_whose),
		cmocka_unit_test(answers__for_a_folder_open_no_token),
		cmocka_unit_test(answers__for_a_token_open_no_folder),
		cmocka_unit_test(blind__of_the_other_kind_does_not_come_off),
		cmocka_unit_test(answers__to_another_request_do_not_fit),
		cmocka_unit_test(answers__open_no_other_token),
		cmocka_unit_test(answer__of_a_lying_officer_is_named),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
