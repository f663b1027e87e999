/* A folder opened by officers' text blocks; officers who lie, blocks that suffer on the way, askers who are
 * not. */
#include "keys/fields.h"
#include "keys/folder_keys.h"
#include "keys/recovery.h"
#include "tests/lib/folders.h"
#include "tests/lib/keyrings.h"

static struct company company;
static struct company_group officers; /* two of three */
static struct person alice; /* admin, gone */
static struct person bob; /* asks */
static struct made folder;
static struct point point; /* R of the officers' envelope */
static struct recovery_goal folder_goal; /* the same */

static struct recovery_request what(void)
{
	struct recovery_request request = {
		.organisation = company_id(&company),
		.group = officers.descriptor.id,
		.epoch = 1,
		.folder = folder.file->record->folder,
		.generation = 1,
		.place = "Finance",
		.reason = "Alice has left",
	};

	return request;
}

static struct bytes request_of(const struct person *asker)
{
	struct why why = WHY_NONE;
	struct bytes block = BYTES_EMPTY;
	const struct recovery_request request = what();

	assert_works(recovery_ask(&request, &point, asker->identity, asker->certificate, &block, &why));
	return block;
}

static struct bytes answer_of(const struct bytes *request, unsigned officer)
{
	struct why why = WHY_NONE;
	struct bytes block = BYTES_EMPTY;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};

	assert_works(recovery_request_read(request->data, request->size, &asked, &why));
	assert_works(
		recovery_answer(&asked, &officers.descriptor, &officers.deal.shares[officer], &block, &why));
	return block;
}

static enum fault combine(const struct bytes *request, const struct person *asker,
			  const struct bytes *answers, size_t count, struct point *ret_shared,
			  struct why *why)
{
	struct recovery_block blocks[8];
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	struct why ignored = WHY_NONE;

	for (size_t i = 0; i < count; i++)
		blocks[i] = (struct recovery_block){i == 0 ? "first" : "other", answers[i].data,
						    answers[i].size};
	if (recovery_request_read(request->data, request->size, &asked, &ignored))
		fail_msg("%s", ignored.text);
	return recovery_combine(&asked, &folder_goal, asker->identity, &officers.descriptor, blocks, count,
				ret_shared, why);
}

static void recovery__opens_the_folder_with_enough_officers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	struct bytes answers[] = {answer_of(&request, 2), answer_of(&request, 0)};
	struct point shared;
	assert_works(combine(&request, &bob, answers, 2, &shared, &why));
	const struct record_entry *entry = record_find(folder.file->record, &officers.descriptor.id);
	const struct keybox_entry *box = folder_file_find_wrap(folder.file, entry);
	const struct wrap_context context = {folder.file->record->folder, 1, MEMBER_RECOVERY, entry->id};
	AUTO(wiped_key) struct wiped_key key;
	assert_works(wrap_open_group(&box->wrap, &context, shared.bytes, &key, &why));
	assert_memory_equal(key.bytes, folder_keys_folder_key(folder.keys, 1), KEY_SIZE);
	bytes_done(&answers[0]);
	bytes_done(&answers[1]);
}

static void recovery__needs_different_officers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct point shared;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(bytes_done) struct bytes one = answer_of(&request, 1);
	const struct bytes twice[] = {one, one};
	assert_fault(FAULT_MISSING, combine(&request, &bob, twice, 2, &shared, &why));
	assert_non_null(strstr(why.text, "1 of the 2 officers"));
	assert_fault(FAULT_MISSING, combine(&request, &bob, NULL, 0, &shared, &why));
}

static void request__says_who_asks_for_what_and_why(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_string_equal(certificate_identity(asked.certificate)->name, "bob");
	assert_string_equal(asked.request.place, "Finance");
	assert_string_equal(asked.request.reason, "Alice has left");
	assert_true(folder_id_equal(&asked.request.folder, &folder.file->record->folder));
	assert_int_equal(asked.request.generation, 1);
	/* What is to be opened does not show. */
	assert_memory_not_equal(asked.request.point.bytes, point.bytes, sizeof point.bytes);
}

static void request__is_another_every_time(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes one = request_of(&bob);
	AUTO(bytes_done) struct bytes other = request_of(&bob);
	AUTO(bytes_done) struct bytes answer = answer_of(&one, 0);
	struct point shared;
	assert_true(one.size != other.size || memcmp(one.data, other.data, one.size) != 0);
	assert_fault(FAULT_INVALID, combine(&other, &bob, &answer, 1, &shared, &why));
	assert_non_null(strstr(why.text, "another request"));
}

static void request__in_the_name_of_somebody_else_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct recovery_request request = what();
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	AUTO(person_done) struct person mallory = person_new("mallory");
	assert_fault(FAULT_REFUSED,
		     recovery_ask(&request, &point, mallory.identity, bob.certificate, &block, &why));
	assert_int_equal(block.size, 0);
}

/* Whoever finds the answers has nothing: the blind is in the asker's key. */
static void answers__are_of_use_to_the_asker_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	struct bytes answers[] = {answer_of(&request, 0), answer_of(&request, 1)};
	struct point shared;
	assert_fault(FAULT_INVALID, combine(&request, &alice, answers, 2, &shared, &why));
	bytes_done(&answers[0]);
	bytes_done(&answers[1]);
}

/* Putting oneself in the asker's place in his own question gives answers that one cannot use. */
static void answers__to_a_copied_question_open_nothing_for_the_copier(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(person_done) struct person mallory = person_new("mallory");
	struct point shared;
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	/* The block as it is, with her certificate in it instead of his. */
	certificate_free(asked.certificate);
	asked.certificate = NULL;
	assert_works(certificate_copy(mallory.certificate, &asked.certificate, &why));
	assert_fault(FAULT_INVALID, recovery_combine(&asked, &folder_goal, mallory.identity,
						     &officers.descriptor, NULL, 0, &shared, &why));
	assert_non_null(strstr(why.text, "something else"));
}

/* One point is evaluated for each request, and it opens what was asked for. */
static void answers__open_no_other_folder(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made other = made_new(&alice);
	made_add_group(&other, &alice, &company, &officers, ROLE_READER);
	const struct record_entry *entry = record_find(other.file->record, &officers.descriptor.id);
	const struct keybox_entry *box = folder_file_find_wrap(other.file, entry);
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	struct bytes answers[] = {answer_of(&request, 0), answer_of(&request, 1)};
	const struct recovery_block blocks[] = {{"first", answers[0].data, answers[0].size},
						{"other", answers[1].data, answers[1].size}};
	struct point shared, others;
	AUTO(wiped_key) struct wiped_key key;
	memcpy(others.bytes, wrap_point(&box->wrap), sizeof others.bytes);
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_fault(FAULT_INVALID,
		     recovery_combine(&asked, &(struct recovery_goal){RECOVERY_FOLDER, others}, bob.identity,
				      &officers.descriptor, blocks, 2, &shared, &why));
	assert_works(recovery_combine(&asked, &folder_goal, bob.identity, &officers.descriptor, blocks, 2,
				      &shared, &why));
	const struct wrap_context context = {other.file->record->folder, 1, MEMBER_RECOVERY, entry->id};
	assert_fault(FAULT_REFUSED, wrap_open_group(&box->wrap, &context, shared.bytes, &key, &why));
	bytes_done(&answers[0]);
	bytes_done(&answers[1]);
}

/* -- officers who lie ------------------------------------------------------------------------ */

static void answer__of_a_lying_officer_is_named(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(bytes_done) struct bytes good = answer_of(&request, 0);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(bytes_done) struct bytes lie = BYTES_EMPTY;
	struct company_group another = officers;
	struct point shared;
	/* Consistent, with a share that is not his. */
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_works(group_deal(NULL, 2, 3, &another.deal, &why));
	memcpy(another.descriptor.commitments, another.deal.commitments, sizeof another.deal.commitments);
	assert_works(recovery_answer(&asked, &another.descriptor, &another.deal.shares[2], &lie, &why));
	const struct bytes answers[] = {good, lie};
	assert_fault(FAULT_IDENTITY, combine(&request, &bob, answers, 2, &shared, &why));
	assert_non_null(strstr(why.text, "officer number 3"));
	assert_non_null(strstr(why.text, "'other'"));
	assert_null(strstr(why.text, "'first'"));
}

/* `answer` with the member `name` replaced; `value` is taken over. */
static struct bytes forged(const struct bytes *answer, const char *name, json_t *value)
{
	struct why why = WHY_NONE;
	struct bytes block = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes inside = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(json_decref) json_t *json = NULL;

	assert_works(armor_read(RECOVERY_ANSWER_LABEL, answer->data, answer->size, &inside, &why));
	json = json_loadb((const char *)inside.data, inside.size, 0, NULL);
	assert_non_null(json);
	if (value)
		assert_int_equal(json_object_set_new(json, name, value), 0);
	else
		assert_int_equal(json_object_del(json, name), 0);
	assert_works(fields_append_text(json, &text, &why));
	assert_works(armor_write(RECOVERY_ANSWER_LABEL, text.data, text.size, &block, &why));
	return block;
}

static json_t *base64_of(const void *bytes, size_t size)
{
	AUTO(free) char *text = text_base64_new(bytes, size);

	return json_string(text);
}

static void answer__with_anything_changed_is_refused(void **state)
{
	(void)state;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(bytes_done) struct bytes good = answer_of(&request, 0);
	uint8_t zeros[32] = {0}, ones[32];
	const struct point some = officers.descriptor.commitments[0];
	memset(ones, 0xff, sizeof ones);
	const struct {
		const char *name;
		json_t *value;
		enum fault fault;
	} forgeries[] = {
		{"point", base64_of(&some, sizeof some), FAULT_IDENTITY},
		{"point", base64_of(zeros, sizeof zeros), FAULT_MALFORMED}, /* the identity */
		{"point", base64_of(ones, sizeof ones), FAULT_IDENTITY}, /* no point */
		{"challenge", base64_of(zeros, sizeof zeros), FAULT_MALFORMED},
		{"challenge", base64_of(ones, sizeof ones), FAULT_IDENTITY}, /* not canonical */
		{"response", base64_of(zeros, sizeof zeros), FAULT_MALFORMED},
		{"response", base64_of(ones, sizeof ones), FAULT_IDENTITY},
		{"index", json_integer(2), FAULT_IDENTITY}, /* another's number */
		{"index", json_integer(4), FAULT_IDENTITY}, /* nobody's */
		{"index", json_integer(0), FAULT_MALFORMED},
		{"index", json_integer(65), FAULT_MALFORMED},
		{"request", base64_of(ones, sizeof ones), FAULT_INVALID},
		{"point", base64_of(ones, 31), FAULT_MALFORMED},
		{"point", NULL, FAULT_MALFORMED},
		{"response", NULL, FAULT_MALFORMED},
		{"more", json_true(), FAULT_MALFORMED},
	};
	for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
		struct why why = WHY_NONE;
		struct point shared;
		AUTO(bytes_done) struct bytes bad = forged(&good, forgeries[i].name, forgeries[i].value);
		enum fault fault = combine(&request, &bob, &bad, 1, &shared, &why);
		if (fault != forgeries[i].fault)
			fail_msg("forgery %zu of '%s': fault %d, %s", i, forgeries[i].name, fault, why.text);
	}
}

/* The proof is made for one request: it cannot be carried over to another of the same question. */
static void answer__to_another_request_is_refused_even_when_it_says_otherwise(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes one = request_of(&bob);
	AUTO(bytes_done) struct bytes other = request_of(&bob);
	AUTO(bytes_done) struct bytes answer = answer_of(&one, 0);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	struct point shared;
	assert_works(recovery_request_read(other.data, other.size, &asked, &why));
	AUTO(bytes_done)
	struct bytes relabelled = forged(&answer, "request",
					 base64_of(asked.digest.bytes, sizeof asked.digest.bytes));
	assert_fault(FAULT_IDENTITY, combine(&other, &bob, &relabelled, 1, &shared, &why));
}

static void answer__is_not_made_with_a_share_that_does_not_fit(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	struct group_share share = officers.deal.shares[0];
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	share.index = 2;
	assert_fault(FAULT_REFUSED, recovery_answer(&asked, &officers.descriptor, &share, &block, &why));
	struct group_descriptor servers = officers.descriptor;
	servers.recovery = false;
	assert_fault(FAULT_INVALID,
		     recovery_answer(&asked, &servers, &officers.deal.shares[0], &block, &why));
	assert_int_equal(block.size, 0);
}

/* Somebody hands over a descriptor with a lower threshold: then the commitments do not fit the answers. */
static void recovery__takes_the_threshold_that_was_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(bytes_done) struct bytes answer = answer_of(&request, 0);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	const struct recovery_block block = {"answer", answer.data, answer.size};
	struct group_descriptor lowered = officers.descriptor;
	struct point shared;
	lowered.threshold = 1;
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_fault(FAULT_IDENTITY, recovery_combine(&asked, &folder_goal, bob.identity, &lowered, &block, 1,
						      &shared, &why));
	struct group_descriptor later = officers.descriptor;
	later.epoch = 2;
	assert_fault(FAULT_INVALID,
		     recovery_combine(&asked, &folder_goal, bob.identity, &later, &block, 1, &shared, &why));
}

static void answer__is_given_for_the_own_group_and_epoch_only(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	struct group_descriptor later = officers.descriptor;
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	later.epoch = 2;
	assert_fault(FAULT_INVALID, recovery_answer(&asked, &later, &officers.deal.shares[0], &block, &why));
	later = officers.descriptor;
	member_id_random(&later.id);
	assert_fault(FAULT_INVALID, recovery_answer(&asked, &later, &officers.deal.shares[0], &block, &why));
}

/* -- who asks -------------------------------------------------------------------------------- */

static void asker__goes_by_the_name_that_the_officer_knows(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *olga = keyring_of("olga");
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(certificate_free) struct certificate *known = NULL;
	assert_works(recovery_request_read(request.data, request.size, &asked, &why));
	assert_fault(FAULT_KEY_MISSING, recovery_find_asker(&asked, olga, &known, &why));
	/* She trusts his key, under his name; he calls himself another. */
	assert_works(keyring_add_certificate(olga, bob.certificate, true, &why));
	uint8_t bytes[IDENTITY_PRIVATE_SIZE];
	memcpy(bytes, identity_private_bytes(bob.identity), sizeof bytes);
	struct identity *identity = NULL;
	assert_works(identity_restore(person_id(&bob), "alice", bytes, &identity, &why));
	AUTO(person_done) struct person disguised = person_of(identity);
	AUTO(bytes_done) struct bytes posing = request_of(&disguised);
	AUTO(recovery_asked_done) struct recovery_asked again = {.certificate = NULL};
	assert_works(recovery_request_read(posing.data, posing.size, &again, &why));
	assert_string_equal(certificate_identity(again.certificate)->name, "alice");
	assert_works(recovery_find_asker(&again, olga, &known, &why));
	assert_string_equal(certificate_identity(known)->name, "bob");
}

static void blocks__survive_mail(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	AUTO(bytes_done) struct bytes mail = BYTES_EMPTY;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	assert_works(bytes_append_text(&mail, "Dear officer,\r\n\r\n", &why));
	for (size_t i = 0; i < request.size; i++)
		assert_works(bytes_append_text(
			&mail, request.data[i] == '\n' ? "  \r\n" : (char[]){(char)request.data[i], 0},
			&why));
	assert_works(bytes_append_text(&mail, "-- \r\nBob\r\n", &why));
	assert_works(recovery_request_read(mail.data, mail.size, &asked, &why));
}

static void blocks__that_were_cut_or_changed_are_refused(void **state)
{
	(void)state;
	AUTO(bytes_done) struct bytes request = request_of(&bob);
	for (size_t size = 0; size + 1 < request.size; size += 7) {
		AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
		assert_true(recovery_request_read(request.data, size, &asked, NULL));
	}
	const size_t first = (size_t)(strchr((char *)request.data, '\n') - (char *)request.data) + 1;
	for (size_t at = first; request.data[at] != '-'; at++) {
		AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
		const uint8_t was = request.data[at];
		if (was == '\n')
			continue;
		request.data[at] = was == 'A' ? 'B' : 'A';
		enum fault fault = recovery_request_read(request.data, request.size, &asked, NULL);
		request.data[at] = was;
		if (!fault)
			fail_msg("letter %zu does not matter", at);
	}
}

static int found(void **state)
{
	if (keyrings_start(state) != 0)
		return -1;
	company = company_new(3);
	officers = company_group_new(&company, "officers", 2, 3);
	officers.descriptor.recovery = true;
	company_group_sign(&company, &officers);
	alice = person_new("alice");
	bob = person_new("bob");
	folder = made_new(&alice);
	made_add_group(&folder, &alice, &company, &officers, ROLE_READER);
	const struct record_entry *entry = record_find(folder.file->record, &officers.descriptor.id);
	memcpy(point.bytes, wrap_point(&folder_file_find_wrap(folder.file, entry)->wrap), sizeof point.bytes);
	folder_goal = (struct recovery_goal){RECOVERY_FOLDER, point};
	return 0;
}

static int dissolve(void **state)
{
	made_done(&folder);
	person_done(&alice);
	person_done(&bob);
	company_group_done(&officers);
	company_done(&company);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovery__opens_the_folder_with_enough_officers),
		cmocka_unit_test(recovery__needs_different_officers),
		cmocka_unit_test(request__says_who_asks_for_what_and_why),
		cmocka_unit_test(request__is_another_every_time),
		cmocka_unit_test(request__in_the_name_of_somebody_else_is_refused),
		cmocka_unit_test(answers__are_of_use_to_the_asker_alone),
		cmocka_unit_test(answers__to_a_copied_question_open_nothing_for_the_copier),
		cmocka_unit_test(answers__open_no_other_folder),
		cmocka_unit_test(answer__of_a_lying_officer_is_named),
		cmocka_unit_test(answer__with_anything_changed_is_refused),
		cmocka_unit_test(answer__to_another_request_is_refused_even_when_it_says_otherwise),
		cmocka_unit_test(answer__is_not_made_with_a_share_that_does_not_fit),
		cmocka_unit_test(recovery__takes_the_threshold_that_was_signed),
		cmocka_unit_test(answer__is_given_for_the_own_group_and_epoch_only),
		cmocka_unit_test(asker__goes_by_the_name_that_the_officer_knows),
		cmocka_unit_test(blocks__survive_mail),
		cmocka_unit_test(blocks__that_were_cut_or_changed_are_refused),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
