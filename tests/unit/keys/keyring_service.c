/* What the keyring knows of an organisation: it comes back whole, and never goes back. */
#include <sys/wait.h>

#include "tests/lib/enrolled.h"

static struct company company;

static struct keyring_server two_servers[] = {
	{.url = "https://keys.example.com:443"},
	{.url = "https://10.0.0.1:8443", .certificate_authority = (char[]){"-----BEGIN CERTIFICATE-----\n"}},
};

static struct keyring *member(const char *name)
{
	struct keyring *keyring = keyring_of(name);

	enrol(keyring, &company, two_servers, 2);
	return keyring;
}

/* The same company with another version of itself. */
static void renew_company(struct company *other, uint64_t version, int64_t created)
{
	struct why why = WHY_NONE;

	*other = (struct company){.root = company.root, .organisation = company.organisation};
	memcpy(other->servers, company.servers, sizeof other->servers);
	other->organisation.version = version;
	other->organisation.created = created;
	assert_works(organisation_sign(&other->organisation, company.root.identity, &other->object, &why));
}

static enum fault set_company(struct keyring *keyring, const struct company *as, struct why *why)
{
	struct keyring_organisation membership = membership_of(keyring, as, two_servers, 2);
	enum fault fault = keyring_set_organisation(keyring, &membership, why);

	certificate_free(membership.certificate);
	return fault;
}

/* -- the organisation ------------------------------------------------------------------- */

static void organisation__is_missing_before_one_enrols(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("nobody");
	AUTO(keyring_organisation_done) struct keyring_organisation organisation = {.object = NULL};
	struct keyring_policy policy;
	struct group_descriptor group;
	const struct member_id id = {{1}};

	assert_fault(FAULT_MISSING, keyring_organisation(keyring, &organisation, &why));
	assert_non_null(strstr(why.text, "fsenc enroll"));
	assert_fault(FAULT_MISSING, keyring_policy(keyring, &policy, &why));
	assert_fault(FAULT_MISSING, keyring_group(keyring, &id, &group, NULL, &why));
}

static void organisation__comes_back_with_its_servers_in_order(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	keyring_close(member("comes back"));
	AUTO(keyring_close) struct keyring *keyring = keyring_again("comes back");
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};

	assert_works(keyring_organisation(keyring, &found, &why));
	const struct organisation_id id = organisation_id_of(&found.organisation);
	const struct organisation_id expected = company_id(&company);
	assert_true(organisation_id_equal(&id, &expected));
	const struct digest digest = signed_digest(found.object);
	const struct digest signed_by_root = signed_digest(company.object);
	assert_true(digest_equal(&digest, &signed_by_root));
	assert_int_equal(found.organisation.server_count, company.organisation.server_count);
	const struct member_id account = certificate_account(found.certificate);
	assert_true(member_id_equal(&found.account, &account));
	assert_int_equal(found.server_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(found.servers[i].url, two_servers[i].url);
	assert_null(found.servers[0].certificate_authority);
	assert_string_equal(found.servers[1].certificate_authority, two_servers[1].certificate_authority);
	assert_true(member_id_is_none(&found.servers[0].id));
}

static void organisation__set_again_has_the_new_servers_alone(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("again");
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};
	struct keyring_server one = {.id = {{1, 2, 3}}, .url = "https://new.example.com:443"};

	enrol(keyring, &company, &one, 1);
	assert_works(keyring_organisation(keyring, &found, &why));
	assert_int_equal(found.server_count, 1);
	assert_string_equal(found.servers[0].url, one.url);
	assert_true(member_id_equal(&found.servers[0].id, &one.id));
}

static void organisation__never_goes_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("goes back");
	struct company newer, older, other;

	renew_company(&newer, 7, 1700000000);
	renew_company(&older, 6, 1700000000);
	renew_company(&other, 7, 1700000001);
	assert_works(set_company(keyring, &newer, &why));
	assert_fault(FAULT_TAMPERED, set_company(keyring, &older, &why));
	assert_non_null(strstr(why.text, "version 6"));
	assert_fault(FAULT_TAMPERED, set_company(keyring, &other, &why));
	assert_works(set_company(keyring, &newer, &why));
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};
	assert_works(keyring_organisation(keyring, &found, &why));
	assert_int_equal(found.organisation.version, 7);
	signed_free(newer.object);
	signed_free(older.object);
	signed_free(other.object);
}

static void organisation__is_the_only_one_of_a_keyring(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("only one");
	AUTO(company_done) struct company another = company_new(1);
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};

	assert_fault(FAULT_EXISTS, set_company(keyring, &another, &why));
	assert_works(keyring_organisation(keyring, &found, &why));
	assert_string_equal(found.organisation.root.name, company.organisation.root.name);
	const struct fingerprint fingerprint = public_identity_fingerprint(&company.organisation.root);
	assert_true(fingerprint_equal(&found.fingerprint, &fingerprint));
}

/* -- policy ----------------------------------------------------------------------------- */

static struct policy policy_of(uint64_t version, uint32_t lease)
{
	const struct organisation_id id = company_id(&company);
	struct policy policy = policy_default(&id, 1700000000);

	policy.version = version;
	policy.lease = lease;
	return policy;
}

static enum fault set_policy(struct keyring *keyring, uint64_t version, uint32_t lease, struct why *why)
{
	const struct policy policy = policy_of(version, lease);
	AUTO(signed_free) struct signed_object *object = company_policy(&company, &policy);
	const struct keyring_policy kept = {
		.policy = policy, .received = 1700000100, .from = "https://keys.example.com"};

	return keyring_set_policy(keyring, object, &kept, why);
}

static void policy__the_last_one_received_stays(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("policy");
	struct keyring_policy found;

	assert_works(set_policy(keyring, 3, 60, &why));
	assert_fault(FAULT_TAMPERED, set_policy(keyring, 2, 86400, &why));
	assert_fault(FAULT_TAMPERED, set_policy(keyring, 3, 86400, &why));
	assert_works(keyring_policy(keyring, &found, &why));
	assert_int_equal(found.policy.version, 3);
	assert_int_equal(found.policy.lease, 60);
	assert_int_equal(found.received, 1700000100);
	assert_string_equal(found.from, "https://keys.example.com");
	assert_works(set_policy(keyring, 4, 5, &why));
	assert_works(keyring_policy(keyring, &found, &why));
	assert_int_equal(found.policy.lease, 5);
}

/* -- groups ----------------------------------------------------------------------------- */

static void group__is_found_by_id_and_by_name(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("groups");
	AUTO(company_group_done)
	struct company_group finance = company_group_new(&company, "finance", 1, 1);
	AUTO(company_group_done)
	struct company_group board = company_group_new(&company, "board", 2, 3);
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor found;
	char id[ID_TEXT_SIZE];

	keep_group(keyring, &finance);
	keep_group(keyring, &board);
	assert_works(keyring_group(keyring, &board.descriptor.id, &found, &object, &why));
	assert_string_equal(found.name, "board");
	assert_int_equal(found.threshold, 2);
	assert_memory_equal(found.commitments, board.descriptor.commitments, 2 * sizeof(struct point));
	const struct digest digest = signed_digest(object);
	const struct digest signed_by_root = signed_digest(board.object);
	assert_true(digest_equal(&digest, &signed_by_root));
	assert_works(keyring_find_group(keyring, "finance", &found, NULL, &why));
	assert_true(member_id_equal(&found.id, &finance.descriptor.id));
	member_id_text(&board.descriptor.id, id);
	assert_works(keyring_find_group(keyring, id, &found, NULL, &why));
	assert_string_equal(found.name, "board");
	assert_fault(FAULT_MISSING, keyring_find_group(keyring, "nobody", &found, NULL, &why));
}

static void group__never_goes_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("group back");
	AUTO(company_group_done)
	struct company_group group = company_group_new(&company, "finance", 1, 1);
	struct group_descriptor found;

	group.descriptor.version = 5;
	group.descriptor.epoch = 2;
	company_group_sign(&company, &group);
	keep_group(keyring, &group);
	group.descriptor.version = 4;
	company_group_sign(&company, &group);
	assert_fault(FAULT_TAMPERED, keyring_set_group(keyring, group.object, &group.descriptor, &why));
	assert_non_null(strstr(why.text, "finance"));
	assert_works(keyring_group(keyring, &group.descriptor.id, &found, NULL, &why));
	assert_int_equal(found.version, 5);
	assert_int_equal(found.epoch, 2);
}

/* A group that is made again under an old name does not inherit what was meant for the old one. */
static void group__of_another_id_and_the_same_name_must_be_named_by_id(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("same name");
	AUTO(company_group_done)
	struct company_group old = company_group_new(&company, "finance", 1, 1);
	AUTO(company_group_done)
	struct company_group new = company_group_new(&company, "finance", 1, 1);
	struct group_descriptor found;

	keep_group(keyring, &old);
	keep_group(keyring, &new);
	assert_fault(FAULT_INVALID, keyring_find_group(keyring, "finance", &found, NULL, &why));
	assert_works(keyring_group(keyring, &new.descriptor.id, &found, NULL, &why));
}

/* -- the countdown ---------------------------------------------------------------------- */

static void countdown__in_the_keyring_comes_back_and_ends(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("countdown");
	const struct countdown_stored none = {.length_ms = 0};
	const struct countdown_stored some = {
		.boot_id = {1, 2, 3}, .boot_end_ms = 4, .wall_end_ms = 5, .length_ms = 900000};
	struct countdown_stored found;

	assert_works(keyring_countdown(keyring, &found, &why));
	assert_memory_equal(&found, &none, sizeof none);
	assert_works(keyring_set_countdown(keyring, &some, &why));
	assert_works(keyring_set_countdown(keyring, &some, &why));
	assert_works(keyring_countdown(keyring, &found, &why));
	assert_memory_equal(&found, &some, sizeof some);
	assert_works(keyring_set_countdown(keyring, &none, &why));
	assert_works(keyring_countdown(keyring, &found, &why));
	assert_memory_equal(&found, &none, sizeof none);
}

static void countdown__ended_by_another_process_is_noticed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("noticed");
	AUTO(keyring_close) struct keyring *other = keyring_again("noticed");
	const struct countdown_stored some = {
		.boot_id = {1}, .boot_end_ms = 4, .wall_end_ms = 5, .length_ms = 900000};
	struct countdown_stored found;
	uint32_t before, after;

	assert_works(keyring_data_version(keyring, &before, &why));
	assert_works(keyring_data_version(keyring, &after, &why));
	assert_int_equal(before, after);
	assert_works(keyring_set_countdown(other, &some, &why));
	assert_works(keyring_data_version(keyring, &after, &why));
	assert_int_not_equal(before, after);
	assert_works(keyring_countdown(keyring, &found, &why));
	assert_memory_equal(&found, &some, sizeof some);
}

/* -- deferred changes ------------------------------------------------------------------- */

struct seen_changes {
	struct keyring *keyring;
	unsigned count;
	int64_t numbers[8];
	char who[8][32];
	bool drop;
	unsigned fail_at; /* 0: never */
	bool had_trouble;
};

static enum fault look(void *context, const struct deferred *deferred, struct why *why)
{
	struct seen_changes *seen = context;

	seen->numbers[seen->count] = deferred->number;
	(void)snprintf(seen->who[seen->count++], sizeof *seen->who, "%s", deferred->who);
	assert_string_equal(deferred->directory, "/srv/share/\xff finance");
	assert_int_equal(deferred->role, ROLE_WRITER);
	assert_int_equal(deferred->created, 1700000000);
	seen->had_trouble = deferred->trouble && strcmp(deferred->trouble, "nobody knows him") == 0;
	if (seen->count == seen->fail_at)
		return why_set(why, FAULT_FAILED, "enough");
	return seen->drop ? keyring_drop_deferred(seen->keyring, deferred->number, why) : FAULT_NONE;
}

static void put_off(struct keyring *keyring, enum deferred_kind kind, const char *who)
{
	struct why why = WHY_NONE;
	const struct deferred deferred = {
		.kind = kind,
		.directory = (char *)(uintptr_t) "/srv/share/\xff finance",
		.who = (char *)(uintptr_t)who,
		.role = ROLE_WRITER,
		.created = 1700000000,
	};
	assert_works(keyring_defer(keyring, &deferred, &why));
}

static void deferred__changes_come_in_order_and_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("deferred");
	struct seen_changes seen = {.keyring = keyring, .drop = true, .fail_at = 2};
	struct seen_changes rest = {.keyring = keyring, .drop = true};
	struct seen_changes none = {.keyring = keyring};

	put_off(keyring, DEFERRED_ADD_GROUP, "finance");
	put_off(keyring, DEFERRED_ADD_USER, "bob");
	put_off(keyring, DEFERRED_ADD_USER, "carol");
	assert_fault(FAULT_FAILED, keyring_each_deferred(keyring, look, &seen, &why));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.who[0], "finance");
	assert_string_equal(seen.who[1], "bob");
	assert_works(keyring_each_deferred(keyring, look, &rest, &why));
	assert_int_equal(rest.count, 2);
	assert_string_equal(rest.who[0], "bob");
	assert_string_equal(rest.who[1], "carol");
	assert_works(keyring_each_deferred(keyring, look, &none, &why));
	assert_int_equal(none.count, 0);
	assert_fault(FAULT_MISSING, keyring_drop_deferred(keyring, rest.numbers[1], &why));
	put_off(keyring, DEFERRED_ADD_USER, "dave");
	assert_works(keyring_each_deferred(keyring, look, &none, &why));
	assert_true(none.numbers[0] > rest.numbers[1]); /* a number is never used again */
}

static void deferred__a_change_says_what_kept_it(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = keyring_of("trouble");
	struct seen_changes seen = {.keyring = keyring};

	put_off(keyring, DEFERRED_ADD_USER, "bob");
	assert_works(keyring_each_deferred(keyring, look, &seen, &why));
	assert_false(seen.had_trouble);
	assert_works(keyring_deferred_trouble(keyring, seen.numbers[0], "nobody knows him", &why));
	seen.count = 0;
	assert_works(keyring_each_deferred(keyring, look, &seen, &why));
	assert_true(seen.had_trouble);
	assert_fault(FAULT_MISSING, keyring_deferred_trouble(keyring, 99, "x", &why));
}

/* -- damage ----------------------------------------------------------------------------- */

static void damage__of_what_is_known_of_the_organisation_is_refused(void **state)
{
	(void)state;
	static const char *const spoilt[] = {
		"UPDATE organisation SET object = '{}'",
		"UPDATE organisation SET object = ''",
		"UPDATE organisation SET object = 'x' || char(0) || 'y'",
		"UPDATE organisation SET object = replace(object, 'A', 'B')",
		"UPDATE organisation SET version = 2",
		"UPDATE organisation SET version = 0",
		"UPDATE organisation SET version = -1",
		"UPDATE organisation SET digest = zeroblob(32)",
		"UPDATE organisation SET digest = x'00'",
		"UPDATE organisation SET fingerprint = zeroblob(32)",
		"UPDATE organisation SET account = x''",
		"UPDATE organisation SET certificate = '{}'",
		"UPDATE organisation SET certificate = (SELECT object FROM organisation)",
		"UPDATE servers SET id = x'00'",
		"UPDATE servers SET url = printf('%.600c', 'x')",
		"UPDATE servers SET authority = 'a' || char(0)",
		"DROP TABLE servers",
	};
	AUTO(keyring_close) struct keyring *keyring = member("damage");
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};
	struct why why = WHY_NONE;

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		AUTO(keyring_organisation_done) struct keyring_organisation refused = {.object = NULL};
		keyring_spoil(keyring, "BEGIN");
		keyring_spoil(keyring, spoilt[i]);
		if (keyring_organisation(keyring, &refused, &why) != FAULT_KEYRING_READ)
			fail_msg("not refused: %s", spoilt[i]);
		keyring_spoil(keyring, "ROLLBACK");
	}
	assert_works(keyring_organisation(keyring, &found, &why));
}

static void damage__of_another_users_certificate_for_ours_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("mine");
	AUTO(keyring_close) struct keyring *other = keyring_of("others");
	AUTO(keyring_organisation_done) struct keyring_organisation found = {.object = NULL};
	struct keyring_organisation membership = membership_of(other, &company, two_servers, 2);

	assert_works(keyring_set_organisation(keyring, &membership, &why));
	assert_fault(FAULT_KEYRING_READ, keyring_organisation(keyring, &found, &why));
	certificate_free(membership.certificate);
}

static void damage__of_policy_groups_countdown_and_changes_is_refused(void **state)
{
	(void)state;
	static const char *const spoilt[] = {
		"UPDATE policy SET object = '{}'",
		"UPDATE policy SET object = (SELECT object FROM organisation)",
		"UPDATE policy SET version = 9",
		"UPDATE policy SET received = -1",
		"UPDATE groups SET object = (SELECT object FROM policy)",
		"UPDATE groups SET id = zeroblob(16)",
		"UPDATE groups SET id = x'01', name = 'finance'",
		"UPDATE groups SET digest = zeroblob(32)",
		"UPDATE countdown SET boot_id = x'00'",
		"UPDATE countdown SET boot_end = -1",
		"UPDATE countdown SET length = 86400001",
		"UPDATE deferred SET kind = 3",
		"UPDATE deferred SET role = 0",
		"UPDATE deferred SET directory = x'6100'",
	};
	struct why why = WHY_NONE;
	AUTO(keyring_close) struct keyring *keyring = member("damage of the rest");
	AUTO(company_group_done)
	struct company_group finance = company_group_new(&company, "finance", 1, 1);
	const struct countdown_stored some = {
		.boot_id = {1}, .boot_end_ms = 4, .wall_end_ms = 5, .length_ms = 900000};
	assert_works(set_policy(keyring, 3, 60, &why));
	assert_works(keyring_set_countdown(keyring, &some, &why));
	keep_group(keyring, &finance);
	put_off(keyring, DEFERRED_ADD_USER, "bob");

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct keyring_policy policy;
		struct group_descriptor group;
		struct countdown_stored countdown;
		struct seen_changes seen = {.keyring = keyring};
		keyring_spoil(keyring, "BEGIN");
		keyring_spoil(keyring, spoilt[i]);
		const enum fault faults[] = {
			keyring_policy(keyring, &policy, &why),
			keyring_find_group(keyring, "finance", &group, NULL, &why),
			keyring_countdown(keyring, &countdown, &why),
			keyring_each_deferred(keyring, look, &seen, &why),
		};
		unsigned refused = 0;
		for (size_t j = 0; j < sizeof faults / sizeof *faults; j++) {
			assert_true(!faults[j] || faults[j] == FAULT_KEYRING_READ);
			refused += faults[j] == FAULT_KEYRING_READ;
		}
		if (refused == 0)
			fail_msg("not refused: %s", spoilt[i]);
		keyring_spoil(keyring, "ROLLBACK");
	}
}

/* -- several processes, and keyrings from before ----------------------------------------- */

#define WORKERS 4
#define EACH 25

static void keyring__several_processes_defer_and_carry_out_each_change_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	pid_t children[WORKERS];
	unsigned dropped = 0;
	keyring_close(keyring_of("processes"));
	AUTO(keyring_close) struct keyring *keyring = keyring_again("processes");
	for (unsigned i = 0; i < EACH; i++)
		put_off(keyring, DEFERRED_ADD_USER, "bob");
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((children[i] = fork()) != 0)
			continue;
		struct keyring *own = keyring_again("processes");
		unsigned count = 0;
		for (int64_t number = 1; number <= EACH; number++)
			count += keyring_drop_deferred(own, number, NULL) == FAULT_NONE;
		keyring_close(own);
		_exit((int)count);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		dropped += (unsigned)WEXITSTATUS(status);
	}
	assert_int_equal(dropped, EACH);
	struct seen_changes seen = {.keyring = keyring};
	assert_works(keyring_each_deferred(keyring, look, &seen, &why));
	assert_int_equal(seen.count, 0);
}

static void make_of_first_layout(const char *name)
{
	AUTO(keyring_close) struct keyring *keyring = keyring_of(name);

	keyring_spoil(keyring, "DROP TABLE organisation; DROP TABLE servers; DROP TABLE policy;"
			       "DROP TABLE groups; DROP TABLE countdown; DROP TABLE deferred; DROP TABLE token_use;"
			       "PRAGMA user_version = 1");
}

static void keyring__of_the_first_layout_is_brought_up_once_by_whoever_comes_first(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	pid_t children[WORKERS];
	make_of_first_layout("first layout");
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((children[i] = fork()) != 0)
			continue;
		struct keyring *own = keyring_again("first layout");
		put_off(own, DEFERRED_ADD_USER, "bob");
		keyring_close(own);
		_exit(0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	AUTO(keyring_close) struct keyring *keyring = keyring_again("first layout");
	struct seen_changes seen = {.keyring = keyring};
	assert_works(keyring_each_deferred(keyring, look, &seen, &why));
	assert_int_equal(seen.count, WORKERS);
	assert_works(keyring_unlock_by(keyring, WORDS, &why));
	enrol(keyring, &company, two_servers, 2);
}

static int start(void **state)
{
	int failed = keyrings_start(state);

	company = company_new(3);
	return failed;
}

static int end(void **state)
{
	company_done(&company);
	return keyrings_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(organisation__is_missing_before_one_enrols),
		cmocka_unit_test(organisation__comes_back_with_its_servers_in_order),
		cmocka_unit_test(organisation__set_again_has_the_new_servers_alone),
		cmocka_unit_test(organisation__never_goes_back),
		cmocka_unit_test(organisation__is_the_only_one_of_a_keyring),
		cmocka_unit_test(policy__the_last_one_received_stays),
		cmocka_unit_test(group__is_found_by_id_and_by_name),
		cmocka_unit_test(group__never_goes_back),
		cmocka_unit_test(group__of_another_id_and_the_same_name_must_be_named_by_id),
		cmocka_unit_test(countdown__in_the_keyring_comes_back_and_ends),
		cmocka_unit_test(countdown__ended_by_another_process_is_noticed),
		cmocka_unit_test(deferred__changes_come_in_order_and_once),
		cmocka_unit_test(deferred__a_change_says_what_kept_it),
		cmocka_unit_test(damage__of_what_is_known_of_the_organisation_is_refused),
		cmocka_unit_test(damage__of_another_users_certificate_for_ours_is_refused),
		cmocka_unit_test(damage__of_policy_groups_countdown_and_changes_is_refused),
		cmocka_unit_test(keyring__several_processes_defer_and_carry_out_each_change_once),
		cmocka_unit_test(keyring__of_the_first_layout_is_brought_up_once_by_whoever_comes_first),
	};
	return cmocka_run_group_tests(tests, start, end);
}
