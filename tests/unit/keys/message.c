/* Each message in a table: written, read, written again the same; and what is not its form is refused. */
#include "base/array.h"
#include "keys/folder.h"
#include "keys/fields.h"
#include "keys/message.h"
#include "keys/succession.h"
#include "tests/lib/organisations.h"

static struct company company;
static struct company_group finance;
static struct person alice;
static struct person bob;
static struct signed_object *policy;

static const struct point *some_point(void)
{
	return &finance.deal.commitments[0];
}

/* -- one sample of each ---------------------------------------------------------------------- */

static void write_unlock_request(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct unlock_request request = {.group = finance.descriptor.id,
					 .epoch = 1,
					 .item_count = UNLOCK_ITEMS_MAX,
					 .check = *some_point()};
	for (size_t i = 0; i < request.item_count; i++)
		request.items[i] = (struct unlock_item){.folder = {{1, (uint8_t)i}},
							.generation = 1,
							.version = 2,
							.head = {{3}},
							.point = *some_point()};
	assert_works(unlock_request_write(&request, body, &why));
}

static enum fault again_unlock_request(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct unlock_request read;
	enum fault fault = unlock_request_read(body, size, &read, why);
	return fault ? fault : unlock_request_write(&read, again, why);
}

static void write_unlock_answer(struct bytes *body)
{
	struct why why = WHY_NONE;
	const struct unlock_answer answer = {
		.group = finance.descriptor.id,
		.epoch = 1,
		.lease = 120,
		.member_counter = 7,
		.items = {{UNLOCK_OK, 3, *some_point()},
			  {.status = UNLOCK_DENIED},
			  {.status = UNLOCK_STALE, .head_version = 9},
			  {UNLOCK_ROTATE, 0, *some_point()}},
		.item_count = 4,
		.check = *some_point(),
	};
	assert_works(unlock_answer_write(&answer, body, &why));
}

static enum fault again_unlock_answer(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct unlock_answer read;
	enum fault fault = unlock_answer_read(body, size, &read, why);
	return fault ? fault : unlock_answer_write(&read, again, why);
}

static void write_lease_request(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct lease_request request = {.group_count = LEASE_GROUPS_MAX};
	for (size_t i = 0; i < LEASE_GROUPS_MAX; i++)
		request.groups[i] = (struct member_id){{1, (uint8_t)i, (uint8_t)(i >> 8)}};
	assert_works(lease_request_write(&request, body, &why));
}

static enum fault again_lease_request(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct lease_request read;
	enum fault fault = lease_request_read(body, size, &read, why);
	return fault ? fault : lease_request_write(&read, again, why);
}

static void write_lease_answer(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct lease_answer answer = {.lease = 0, .group_count = LEASE_GROUPS_MAX};
	for (size_t i = 0; i < LEASE_GROUPS_MAX; i++)
		answer.groups[i] = (struct lease_answer_group){.id = {{1, (uint8_t)i, (uint8_t)(i >> 8)}},
							       .state = LEASE_MEMBER + i % 3,
							       .member_counter = FIELDS_INTEGER_MAX,
							       .rotate = i % 2};
	assert_works(lease_answer_write(&answer, body, &why));
}

static enum fault again_lease_answer(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct lease_answer read;
	enum fault fault = lease_answer_read(body, size, &read, why);
	return fault ? fault : lease_answer_write(&read, again, why);
}

static struct enrol_request sample_enrolment(void)
{
	struct enrol_request request = {
		.user = "alice", .certificate = alice.certificate, .code = "7ZK4M-0A1BW"};
	const struct organisation_id id = company_id(&company);
	enrol_proof_sign(&id, "alice", alice.identity, person_id(&company.servers[0]), request.proof);
	return request;
}

static void write_enrol_request(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct enrol_request request = sample_enrolment();
	const struct organisation_id id = company_id(&company);
	const struct fingerprint next = person_fingerprint(&alice);
	AUTO(signed_free) struct signed_object *word = NULL;
	assert_works(succession_sign(&id, &next, bob.identity, &word, &why));
	request.previous = word;
	assert_works(enrol_request_write(&request, body, &why));
}

static enum fault again_enrol_request(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(enrol_request_done) struct enrol_request read = {0};
	enum fault fault = enrol_request_read(body, size, &read, why);
	return fault ? fault : enrol_request_write(&read, again, why);
}

static void write_enrol_answer(struct bytes *body)
{
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certificate = company_certificate(&company, 0, &alice);
	const struct enrol_answer answer = {.certificate = certificate,
					    .account = certificate_account(certificate),
					    .organisation = company.object,
					    .policy = policy};
	assert_works(enrol_answer_write(&answer, body, &why));
}

static void write_enrol_pending(struct bytes *body)
{
	struct why why = WHY_NONE;
	assert_works(enrol_answer_write(&(struct enrol_answer){.pending = 86400}, body, &why));
}

static enum fault again_enrol_answer(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(enrol_answer_done) struct enrol_answer read = {0};
	enum fault fault = enrol_answer_read(body, size, &read, why);
	return fault ? fault : enrol_answer_write(&read, again, why);
}

static void write_organisation(struct bytes *body)
{
	struct why why = WHY_NONE;
	const struct organisation_answer answer = {.organisation = company.object,
						   .policy = policy,
						   .server = *person_id(&company.servers[0]),
						   .time_ms = 1700000000123};
	assert_works(organisation_answer_write(&answer, body, &why));
}

static enum fault again_organisation(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(organisation_answer_done) struct organisation_answer read = {0};
	enum fault fault = organisation_answer_read(body, size, &read, why);
	return fault ? fault : organisation_answer_write(&read, again, why);
}

static void write_user(struct bytes *body)
{
	struct why why = WHY_NONE;
	const struct user_answer answer = {
		.account = {{1}}, .name = "alice", .enabled = true, .certificate = alice.certificate};
	assert_works(user_answer_write(&answer, body, &why));
}

static void write_user_without_key(struct bytes *body)
{
	struct why why = WHY_NONE;
	assert_works(user_answer_write(&(struct user_answer){.account = {{1}}, .name = "Zoë"}, body, &why));
}

static enum fault again_user(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(user_answer_done) struct user_answer read = {0};
	enum fault fault = user_answer_read(body, size, &read, why);
	return fault ? fault : user_answer_write(&read, again, why);
}

static void write_group(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct signed_object *list[] = {finance.object};
	assert_works(groups_answer_write(&(struct groups_answer){list, 1}, true, body, &why));
}

static enum fault again_group(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer read = {0};
	enum fault fault = groups_answer_read(body, size, true, &read, why);
	return fault ? fault : groups_answer_write(&read, true, again, why);
}

static void write_groups(struct bytes *body)
{
	struct why why = WHY_NONE;
	struct signed_object *list[] = {finance.object, finance.object};
	assert_works(groups_answer_write(&(struct groups_answer){list, 2}, false, body, &why));
}

static enum fault again_groups(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer read = {0};
	enum fault fault = groups_answer_read(body, size, false, &read, why);
	return fault ? fault : groups_answer_write(&read, false, again, why);
}

static void write_members(struct bytes *body)
{
	struct why why = WHY_NONE;
	char finance_name[] = "finance", auditors_name[] = "auditors";
	struct members_answer_entry list[] = {
		{.account = {{1}},
		 .name = "alice",
		 .path = {finance_name},
		 .path_count = 1,
		 .certificate = alice.certificate},
		{.account = {{2}}, .name = "bob", .path = {finance_name, auditors_name}, .path_count = 2},
	};
	const struct members_answer answer = {finance.descriptor.id, list, 2};
	assert_works(members_answer_write(&answer, body, &why));
}

static enum fault again_members(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(members_answer_done) struct members_answer read = {0};
	enum fault fault = members_answer_read(body, size, &read, why);
	return fault ? fault : members_answer_write(&read, again, why);
}

static void write_heads(struct bytes *body)
{
	struct why why = WHY_NONE;
	const struct folder_new_options options = {.share = {{1}}, .suite = 1, .creator = alice.certificate};
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	assert_works(folder_new(&options, alice.identity, &file, &keys, &why));
	const struct heads_request request = {
		.records = {file->object, file->object},
		.record_count = 2,
		.certificates = {alice.certificate},
		.certificate_count = 1,
	};
	assert_works(heads_request_write(&request, body, &why));
}

static enum fault again_heads(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(heads_request_done) struct heads_request read = {0};
	enum fault fault = heads_request_read(body, size, &read, why);
	return fault ? fault : heads_request_write(&read, again, why);
}

static void write_heads_answer(struct bytes *body)
{
	struct why why = WHY_NONE;
	assert_works(heads_answer_write(&(struct heads_answer){.fork = true, .version = 3}, body, &why));
}

static enum fault again_heads_answer(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct heads_answer read;
	enum fault fault = heads_answer_read(body, size, &read, why);
	return fault ? fault : heads_answer_write(&read, again, why);
}

static void write_token(struct bytes *body)
{
	struct why why = WHY_NONE;
	uint8_t sealed[SEALED_TOKEN_MAX] = {1, 2, 3};
	assert_works(token_request_write(sealed, sizeof sealed, body, &why));
}

static enum fault again_token(const void *body, size_t size, struct bytes *again, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	enum fault fault = token_request_read(body, size, &sealed, why);
	return fault ? fault : token_request_write(sealed.data, sealed.size, again, why);
}

static void write_problem(struct bytes *body)
{
	struct why why = WHY_NONE;
	const struct problem problem = {PROBLEM_LIMIT, "4096 points a day are used up"};
	assert_works(problem_write(&problem, body, &why));
}

static enum fault again_problem(const void *body, size_t size, struct bytes *again, struct why *why)
{
	struct problem read;
	enum fault fault = problem_read(body, size, &read, why);
	return fault ? fault : problem_write(&read, again, why);
}

/* `optional`: members that may be left out, between blanks. */
static const struct {
	const char *name;
	void (*write)(struct bytes *body);
	enum fault (*again)(const void *body, size_t size, struct bytes *again, struct why *why);
	const char *optional;
} messages[] = {
	{"unlock request", write_unlock_request, again_unlock_request, " check "},
	{"unlock answer", write_unlock_answer, again_unlock_answer, " check "},
	{"lease request", write_lease_request, again_lease_request, ""},
	{"lease answer", write_lease_answer, again_lease_answer, ""},
	{"enrol request", write_enrol_request, again_enrol_request, " previous "},
	{"enrol answer", write_enrol_answer, again_enrol_answer, ""},
	{"enrol pending", write_enrol_pending, again_enrol_answer, ""},
	{"organisation", write_organisation, again_organisation, ""},
	{"user", write_user, again_user, ""},
	{"user without key", write_user_without_key, again_user, ""},
	{"group", write_group, again_group, ""},
	{"groups", write_groups, again_groups, ""},
	{"members", write_members, again_members, ""},
	{"heads", write_heads, again_heads, ""},
	{"heads answer", write_heads_answer, again_heads_answer, ""},
	{"token", write_token, again_token, ""},
	{"problem", write_problem, again_problem, " detail "},
};

/* -- the tests ------------------------------------------------------------------------------- */

static enum fault read_json(size_t message, const json_t *json)
{
	AUTO(bytes_done) struct bytes again = BYTES_EMPTY;
	AUTO(free) char *text = json_dumps(json, JSON_COMPACT);
	assert_non_null(text);
	return messages[message].again(text, strlen(text), &again, NULL);
}

static json_t *json_of(size_t message)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	json_t *json = NULL;
	messages[message].write(&body);
	assert_works(fields_parse(body.data, body.size, &json, &why));
	return json;
}

static void message__is_read_as_it_was_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct why why = WHY_NONE;
		AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
		AUTO(bytes_done) struct bytes again = BYTES_EMPTY;
		messages[i].write(&body);
		if (messages[i].again(body.data, body.size, &again, &why))
			fail_msg("%s: %s", messages[i].name, why.text);
		if (again.size != body.size || memcmp(again.data, body.data, body.size) != 0)
			fail_msg("%s: %s became %s", messages[i].name, (char *)body.data, (char *)again.data);
	}
}

static bool is_optional(size_t message, const char *member)
{
	char between[64];

	(void)snprintf(between, sizeof between, " %s ", member);
	return strstr(messages[message].optional, between) != NULL;
}

static void message__needs_each_of_its_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		AUTO(json_decref) json_t *json = json_of(i);
		const char *member;
		json_t *value;
		json_object_foreach(json, member, value)
		{
			AUTO(json_decref) json_t *less = json_copy(json);
			json_object_del(less, member);
			enum fault fault = read_json(i, less);
			if (fault != (is_optional(i, member) ? FAULT_NONE : FAULT_MALFORMED))
				fail_msg("%s without %s: %s", messages[i].name, member, fault_name(fault));
		}
	}
}

static void message__has_no_member_of_another_type(void **state)
{
	(void)state;
	static const char *const values[] = {"true",	    "-1",   "1.5", "\"\"",
					     "\"\\u0001\"", "[[]]", "{}",  "[null]"};
	for (size_t i = 0; i < COUNT(messages); i++) {
		AUTO(json_decref) json_t *json = json_of(i);
		const char *member;
		json_t *value;
		json_object_foreach(json, member, value)
		{
			for (size_t v = 0; v < COUNT(values); v++) {
				AUTO(json_decref) json_t *other = json_copy(json);
				json_t *odd = json_loads(values[v], JSON_DECODE_ANY, NULL);
				bool allowed = json_is_boolean(odd) && json_is_boolean(value);
				json_object_set_new(other, member, odd);
				if (!allowed && read_json(i, other) != FAULT_MALFORMED)
					fail_msg("%s: %s may be %s", messages[i].name, member, values[v]);
			}
		}
	}
}

static void message__has_no_member_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		AUTO(json_decref) json_t *json = json_of(i);
		json_object_set_new(json, "admin", json_true());
		assert_int_equal(read_json(i, json), FAULT_MALFORMED);
	}
}

/* A list with one element of another form, wherever it stands. */
static void message__has_no_element_of_another_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		AUTO(json_decref) json_t *json = json_of(i);
		const char *member;
		json_t *value;
		json_object_foreach(json, member, value)
		{
			if (!json_is_array(value))
				continue;
			AUTO(json_decref) json_t *list = json_copy(value);
			AUTO(json_decref) json_t *other = json_copy(json);
			json_array_set_new(list, json_array_size(list) - 1, json_object());
			json_object_set(other, member, list);
			assert_int_equal(read_json(i, other), FAULT_MALFORMED);
			AUTO(json_decref) json_t *longer = json_array();
			for (size_t n = 0; n < 70000; n++)
				json_array_append(longer, json_array_get(value, 0));
			json_object_set(other, member, longer);
			assert_int_equal(read_json(i, other), FAULT_MALFORMED);
		}
	}
}

static void message__is_refused_when_it_is_too_large(void **state)
{
	(void)state;
	const size_t size = ANSWER_BODY_MAX + HEADS_BODY_MAX;
	AUTO(free) char *blanks = malloc(size);
	memset(blanks, ' ', size);
	memcpy(blanks, "{}", 2);
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct why why = WHY_NONE;
		AUTO(bytes_done) struct bytes again = BYTES_EMPTY;
		assert_fault(FAULT_MALFORMED, messages[i].again(blanks, size, &again, &why));
		assert_non_null(strstr(why.text, "larger"));
		assert_fault(FAULT_MALFORMED, messages[i].again("", 0, &again, &why));
		assert_fault(FAULT_MALFORMED, messages[i].again("[]", 2, &again, &why));
	}
}

static void unlock_answer__has_a_point_exactly_where_it_opens(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	static const struct {
		enum unlock_status status;
		bool point;
		enum fault fault;
	} rows[] = {
		{UNLOCK_OK, true, FAULT_NONE},	    {UNLOCK_OK, false, FAULT_MALFORMED},
		{UNLOCK_ROTATE, true, FAULT_NONE},  {UNLOCK_ROTATE, false, FAULT_MALFORMED},
		{UNLOCK_DENIED, false, FAULT_NONE}, {UNLOCK_DENIED, true, FAULT_MALFORMED},
		{UNLOCK_STALE, false, FAULT_NONE},  {UNLOCK_STALE, true, FAULT_MALFORMED},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
		struct unlock_answer answer = {.group = {{1}}, .epoch = 1, .item_count = 1}, read;
		answer.items[0].status = rows[i].status;
		if (rows[i].point)
			answer.items[0].point = *some_point();
		assert_works(unlock_answer_write(&answer, &body, &why));
		assert_fault(rows[i].fault, unlock_answer_read(body.data, body.size, &read, &why));
	}
}

static void enrol_request__has_a_code_or_a_password(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct enrol_request request = sample_enrolment();
	AUTO(bytes_done) struct bytes none = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes both = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes one = BYTES_EMPTY;
	AUTO(enrol_request_done) struct enrol_request read = {0};
	(void)snprintf(request.password, sizeof request.password, "tab\there");
	assert_works(enrol_request_write(&request, &both, &why));
	assert_fault(FAULT_MALFORMED, enrol_request_read(both.data, both.size, &read, &why));
	request.code[0] = 0;
	assert_works(enrol_request_write(&request, &one, &why));
	assert_works(enrol_request_read(one.data, one.size, &read, &why));
	assert_string_equal(read.password, "tab\there");
	assert_string_equal(read.code, "");
	request.password[0] = 0;
	assert_works(enrol_request_write(&request, &none, &why));
	AUTO(enrol_request_done) struct enrol_request nothing = {0};
	assert_fault(FAULT_MALFORMED, enrol_request_read(none.data, none.size, &nothing, &why));
}

static void enrol_request__has_a_self_signed_certificate(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(certificate_free) struct certificate *certified = company_certificate(&company, 0, &alice);
	struct enrol_request request = sample_enrolment();
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	AUTO(enrol_request_done) struct enrol_request read = {0};
	request.certificate = certified;
	assert_works(enrol_request_write(&request, &body, &why));
	assert_fault(FAULT_MALFORMED, enrol_request_read(body.data, body.size, &read, &why));
}

static void enrol_answer__is_whole_or_pending(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	write_enrol_answer(&body);
	AUTO(json_decref) json_t *json = NULL;
	assert_works(fields_parse(body.data, body.size, &json, &why));
	json_object_set_new(json, "pending", json_integer(5));
	AUTO(free) char *text = json_dumps(json, 0);
	AUTO(enrol_answer_done) struct enrol_answer read = {0};
	assert_fault(FAULT_MALFORMED, enrol_answer_read(text, strlen(text), &read, &why));
	assert_fault(FAULT_MALFORMED, enrol_answer_read("{}", 2, &read, &why));
}

static void problem__of_every_type_is_read_again(void **state)
{
	(void)state;
	for (unsigned type = 0; type < PROBLEM_COUNT; type++) {
		struct why why = WHY_NONE;
		AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
		struct problem read;
		const struct problem problem = {.type = type};
		assert_works(problem_write(&problem, &body, &why));
		assert_works(problem_read(body.data, body.size, &read, &why));
		assert_int_equal(read.type, type);
		assert_string_equal(read.detail, "");
		assert_in_range(problem_status(type), 400, 599);
		assert_int_not_equal(problem_fault(type), FAULT_NONE);
		assert_non_null(strstr((char *)body.data, problem_text(type)));
	}
}

static void problem__has_the_status_of_its_type(void **state)
{
	(void)state;
	static const char denied[] = "{\"status\":404,\"title\":\"x\",\"type\":\"urn:fsenc:problem:denied\"}";
	static const char unknown[] = "{\"status\":404,\"title\":\"x\",\"type\":\"about:blank\"}";
	struct problem read;
	struct why why = WHY_NONE;
	assert_fault(FAULT_MALFORMED, problem_read(denied, sizeof denied - 1, &read, &why));
	assert_fault(FAULT_MALFORMED, problem_read(unknown, sizeof unknown - 1, &read, &why));
}

/* What a server says is shown on a terminal. */
static void problem__cannot_carry_what_a_terminal_obeys(void **state)
{
	(void)state;
	static const char body[] = "{\"detail\":\"\\u001b[2J\",\"status\":403,\"title\":\"x\","
				   "\"type\":\"urn:fsenc:problem:denied\"}";
	struct problem read;
	struct why why = WHY_NONE;
	assert_fault(FAULT_MALFORMED, problem_read(body, sizeof body - 1, &read, &why));
}

static void succession__is_for_one_key_in_one_organisation(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id here = company_id(&company);
	const struct organisation_id there = {{9}};
	AUTO(person_done) struct person renewed = person_new_with_id_of(&bob);
	const struct fingerprint next = person_fingerprint(&renewed);
	const struct fingerprint another = person_fingerprint(&alice);
	const struct public_identity *old = identity_public(bob.identity);
	AUTO(signed_free) struct signed_object *word = NULL;
	assert_works(succession_sign(&here, &next, bob.identity, &word, &why));
	assert_works(succession_verify(word, &here, old, &next, &why));
	assert_fault(FAULT_REFUSED, succession_verify(word, &there, old, &next, &why));
	assert_fault(FAULT_REFUSED, succession_verify(word, &here, old, &another, &why));
	assert_fault(FAULT_REFUSED,
		     succession_verify(word, &here, identity_public(renewed.identity), &next, &why));
}

static int found(void **state)
{
	struct why why = WHY_NONE;
	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	finance = company_group_new(&company, "finance", 2, 3);
	alice = person_new("alice");
	bob = person_new("bob");
	const struct organisation_id id = company_id(&company);
	const struct policy first = policy_default(&id, 1700000000);
	assert_works(policy_sign(&first, company.root.identity, &policy, &why));
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	signed_free(policy);
	person_done(&alice);
	person_done(&bob);
	company_group_done(&finance);
	company_done(&company);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message__is_read_as_it_was_written),
		cmocka_unit_test(message__needs_each_of_its_members),
		cmocka_unit_test(message__has_no_member_of_another_type),
		cmocka_unit_test(message__has_no_member_more),
		cmocka_unit_test(message__has_no_element_of_another_form),
		cmocka_unit_test(message__is_refused_when_it_is_too_large),
		cmocka_unit_test(unlock_answer__has_a_point_exactly_where_it_opens),
		cmocka_unit_test(enrol_request__has_a_code_or_a_password),
		cmocka_unit_test(enrol_request__has_a_self_signed_certificate),
		cmocka_unit_test(enrol_answer__is_whole_or_pending),
		cmocka_unit_test(problem__of_every_type_is_read_again),
		cmocka_unit_test(problem__has_the_status_of_its_type),
		cmocka_unit_test(problem__cannot_carry_what_a_terminal_obeys),
		cmocka_unit_test(succession__is_for_one_key_in_one_organisation),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
