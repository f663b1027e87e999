#include "base/array.h"
#include "keys/fields.h"
#include "tests/lib/organisations.h"

static struct company company;
static struct company other;

static struct fingerprint root_fingerprint(const struct company *of)
{
	return person_fingerprint(&of->root);
}

/* Signs what a test has made of a payload. */
static struct signed_object *sign_payload(const json_t *payload, const char *type,
					  const struct person *signer)
{
	struct why why = WHY_NONE;
	struct signed_object *object = NULL;
	assert_works(signed_make(payload, type, signer->identity, &object, &why));
	return object;
}

static json_t *payload_of(const struct signed_object *object)
{
	return json_deep_copy(signed_payload(object));
}

/* Puts `json` (NULL: nothing) in place of what stands at `path`, "servers.0.id". */
static void put_at(json_t *object, const char *path, const char *json)
{
	char first[64];
	const char *dot = strchr(path, '.');
	if (dot) {
		(void)snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
		json_t *inner = json_is_array(object) ? json_array_get(object, (size_t)atoi(first))
						      : json_object_get(object, first);
		assert_non_null(inner);
		put_at(inner, dot + 1, json);
		return;
	}
	json_t *value = json ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;
	if (json_is_array(object) && !json)
		json_array_remove(object, (size_t)atoi(path));
	else if (json_is_array(object))
		json_array_set_new(object, (size_t)atoi(path), value);
	else if (!json)
		json_object_del(object, path);
	else
		json_object_set_new(object, path, value);
}

/* -- the organisation ------------------------------------------------------------------------ */

static void organisation__is_read_as_it_was_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct organisation read;
	const struct fingerprint expected = root_fingerprint(&company);
	assert_works(organisation_read(company.object, &expected, &read, &why));
	assert_string_equal(read.root.name, "keys.test");
	assert_int_equal(read.version, 1);
	assert_int_equal(read.server_count, 3);
	assert_memory_equal(&read.servers[2], &company.organisation.servers[2], sizeof read.servers[2]);
	const struct organisation_id id = organisation_id_of(&read);
	assert_memory_equal(id.bytes, read.root.id.bytes, ID_SIZE);
	assert_ptr_equal(organisation_server(&read, &read.servers[1].id), &read.servers[1]);
	assert_null(organisation_server(&read, &read.root.id));
	const struct fingerprint second = person_fingerprint(&company.servers[1]);
	assert_ptr_equal(organisation_server_by_key(&read, &second), &read.servers[1]);
	assert_null(organisation_server_by_key(&read, &expected));
}

static void organisation__of_another_root_is_not_the_one_expected(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct organisation read;
	const struct fingerprint expected = root_fingerprint(&company);
	assert_fault(FAULT_IDENTITY, organisation_read(other.object, &expected, &read, &why));
	/* The true root's keys inside, signed by somebody else. */
	AUTO(json_decref) json_t *payload = payload_of(company.object);
	AUTO(signed_free)
	struct signed_object *forged = sign_payload(payload, ORGANISATION_TYPE, &other.root);
	assert_fault(FAULT_IDENTITY, organisation_read(forged, &expected, &read, &why));
}

static void organisation__with_a_changed_byte_is_not_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct fingerprint expected = root_fingerprint(&company);
	AUTO(json_decref) json_t *payload = payload_of(company.object);
	put_at(payload, "version", "2");
	AUTO(signed_free)
	struct signed_object *changed = sign_payload(payload, ORGANISATION_TYPE, &company.root);
	/* The signature of the first under the payload of the second. */
	AUTO(json_decref) json_t *json = signed_json(changed);
	AUTO(json_decref) json_t *first = signed_json(company.object);
	json_object_set(json, "signature", json_object_get(first, "signature"));
	AUTO(signed_free) struct signed_object *mixed = NULL;
	assert_works(signed_parse(json, ORGANISATION_TYPE, &mixed, &why));
	struct organisation read;
	assert_fault(FAULT_IDENTITY, organisation_read(mixed, &expected, &read, &why));
}

static void organisation__has_no_server_twice(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	struct organisation twice = company.organisation;
	twice.servers[1] = twice.servers[0];
	assert_fault(FAULT_MALFORMED, organisation_sign(&twice, company.root.identity, &object, &why));
	member_id_random(&twice.servers[1].id);
	assert_fault(FAULT_MALFORMED, organisation_sign(&twice, company.root.identity, &object, &why));
	assert_null(object);
}

static void organisation__refuses_payloads_of_another_form(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		const char *json;
	} rows[] = {
		{"organisation", NULL},
		{"organisation", "\"00\""},
		{"name", "\"a/b\""},
		{"sign", "1"},
		{"enc", NULL},
		{"version", "0"},
		{"version", NULL},
		{"created", "-1"},
		{"servers", NULL},
		{"servers", "{}"},
		{"servers.0", "1"},
		{"servers.0.id", NULL},
		{"servers.0.name", "\"\""},
		{"servers.1.sign", "\"AA\""},
		{"servers.2.port", "1"},
		{"policy", "1"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct why why = WHY_NONE;
		struct organisation read;
		const struct fingerprint expected = root_fingerprint(&company);
		AUTO(json_decref) json_t *payload = payload_of(company.object);
		put_at(payload, rows[i].path, rows[i].json);
		AUTO(signed_free)
		struct signed_object *object = sign_payload(payload, ORGANISATION_TYPE, &company.root);
		assert_fault(FAULT_MALFORMED, organisation_read(object, &expected, &read, &why));
	}
}

/* -- the policy ------------------------------------------------------------------------------ */

static struct policy sample_policy(void)
{
	const struct organisation_id id = company_id(&company);
	struct policy policy = policy_default(&id, 1700000000);
	policy.offline = OFFLINE_BLOCK;
	policy.folder_makers = FOLDER_MAKERS_MEMBERS;
	policy.lease = 5;
	memcpy(policy.minimum_client, "0.2", 4);
	policy.recovery[0] = (struct member_id){{1, 2, 3}};
	policy.recovery_count = 1;
	return policy;
}

static void policy__is_read_as_it_was_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	const struct policy policy = sample_policy();
	struct policy read;
	assert_works(policy_sign(&policy, company.root.identity, &object, &why));
	assert_works(policy_read(object, &company.organisation, &read, &why));
	assert_memory_equal(&read, &policy, sizeof read);
}

static void policy__starts_with_what_the_documents_say(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&company);
	const struct policy policy = policy_default(&id, 7);
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(policy_sign(&policy, company.root.identity, &object, &why));
	assert_int_equal(policy.version, 1);
	assert_int_equal(policy.created, 7);
	assert_int_equal(policy.lease, 120);
	assert_int_equal(policy.retry_after, 900);
	assert_int_equal(policy.unlock_limit, 4096);
	assert_int_equal(policy.approve_delay, 86400);
	assert_int_equal(policy.cache_positive, 60);
	assert_int_equal(policy.cache_negative, 10);
	assert_int_equal(policy.offline, OFFLINE_STANDALONE);
}

static void policy__of_another_organisation_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct policy read;
	AUTO(signed_free) struct signed_object *object = NULL;
	const struct policy policy = sample_policy();
	assert_works(policy_sign(&policy, company.root.identity, &object, &why));
	assert_fault(FAULT_REFUSED, policy_read(object, &other.organisation, &read, &why));
	/* A server is not the root. */
	AUTO(json_decref) json_t *payload = payload_of(object);
	AUTO(signed_free)
	struct signed_object *forged = sign_payload(payload, POLICY_TYPE, &company.servers[0]);
	assert_fault(FAULT_REFUSED, policy_read(forged, &company.organisation, &read, &why));
}

static void policy_set__takes_what_is_allowed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct policy policy = sample_policy();
	assert_works(policy_set(&policy, "lease=0", &why));
	assert_works(policy_set(&policy, "retry_after=20", &why));
	assert_works(policy_set(&policy, "offline=standalone", &why));
	assert_works(policy_set(&policy, "folder_makers=anyone", &why));
	assert_works(policy_set(&policy, "minimum_client=1.0", &why));
	assert_int_equal(policy.lease, 0);
	assert_int_equal(policy.retry_after, 20);
	assert_int_equal(policy.offline, OFFLINE_STANDALONE);
	assert_int_equal(policy.folder_makers, FOLDER_MAKERS_ANYONE);
	assert_string_equal(policy.minimum_client, "1.0");
	assert_works(policy_set(&policy, "minimum_client=", &why));
	assert_string_equal(policy.minimum_client, "");
}

static void policy_set__refuses_the_rest_and_changes_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *assignment;
		enum fault fault;
		const char *words;
	} rows[] = {
		{"lease", FAULT_USAGE, "NAME=VALUE"},
		{"leese=5", FAULT_USAGE, "retry_after"},
		{"=5", FAULT_USAGE, "lease"},
		{"version=9", FAULT_USAGE, "lease"},
		{"organisation=00", FAULT_USAGE, "lease"},
		{"lease=", FAULT_INVALID, "0 to 86400"},
		{"lease=86401", FAULT_INVALID, "0 to 86400"},
		{"lease=-1", FAULT_INVALID, "0 to 86400"},
		{"lease=5s", FAULT_INVALID, "5s"},
		{"lease= 5", FAULT_INVALID, "0 to"},
		{"lease=99999999999999999999", FAULT_INVALID, "0 to"},
		{"retry_after=0", FAULT_INVALID, "1 to"},
		{"cache_positive=61", FAULT_INVALID, "60"},
		{"cache_negative=11", FAULT_INVALID, "10"},
		{"offline=1", FAULT_INVALID, "standalone or block"},
		{"offline=\xff", FAULT_INVALID, "standalone or block"},
		{"minimum_client=a\nb", FAULT_INVALID, "version"},
		{"minimum_client=1.x", FAULT_INVALID, "'minimum_client' is a version"},
		{"minimum_client=1.", FAULT_INVALID, "version"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct why why = WHY_NONE;
		struct policy policy = sample_policy();
		const struct policy before = policy;
		assert_fault(rows[i].fault, policy_set(&policy, rows[i].assignment, &why));
		if (!strstr(why.text, rows[i].words))
			fail_msg("'%s': %s", rows[i].assignment, why.text);
		assert_memory_equal(&policy, &before, sizeof policy);
	}
}

/* -- groups ---------------------------------------------------------------------------------- */

static void group_descriptor__is_read_as_it_was_signed(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done) struct company_group group = company_group_new(&company, "finance", 2, 3);
	struct group_descriptor read;
	assert_works(group_descriptor_read(group.object, &company.organisation, &read, &why));
	assert_string_equal(read.name, "finance");
	assert_int_equal(read.threshold, 2);
	assert_int_equal(read.server_count, 3);
	assert_int_equal(read.servers[2].index, 3);
	assert_false(read.recovery);
	assert_memory_equal(read.commitments, group.deal.commitments, 2 * sizeof *read.commitments);
	for (unsigned i = 0; i < 3; i++)
		assert_works(
			group_check_share(&group.deal.shares[i], read.commitments, read.threshold, &why));
}

static void group_descriptor__of_a_recovery_group_names_officers(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(company_group_done) struct company_group group = company_group_new(&company, "officers", 2, 3);
	struct group_descriptor read;
	for (size_t i = 0; i < 3; i++)
		member_id_random(&group.descriptor.servers[i].id);
	company_group_sign(&company, &group);
	assert_fault(FAULT_REFUSED, group_descriptor_read(group.object, &company.organisation, &read, &why));
	group.descriptor.recovery = true;
	company_group_sign(&company, &group);
	assert_works(group_descriptor_read(group.object, &company.organisation, &read, &why));
	assert_true(read.recovery);
}

static void group_descriptor__of_another_organisation_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct group_descriptor read;
	AUTO(company_group_done) struct company_group group = company_group_new(&company, "finance", 1, 1);
	assert_fault(FAULT_REFUSED, group_descriptor_read(group.object, &other.organisation, &read, &why));
	AUTO(json_decref) json_t *payload = payload_of(group.object);
	AUTO(signed_free)
	struct signed_object *forged = sign_payload(payload, GROUP_TYPE, &company.servers[0]);
	assert_fault(FAULT_REFUSED, group_descriptor_read(forged, &company.organisation, &read, &why));
}

static void group_descriptor__refuses_payloads_of_another_form(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		const char *json;
	} rows[] = {
		{"id", NULL},
		{"name", "\" x\""},
		{"kind", "\"user\""},
		{"epoch", "0"},
		{"epoch", "4294967296"},
		{"threshold", "0"},
		{"threshold", "1"},
		{"threshold", "3"},
		{"threshold", "65"},
		{"servers", "[]"},
		{"servers.2", NULL},
		{"servers.1", NULL},
		{"servers.0.index", "0"},
		{"servers.0.index", "65"},
		{"servers.0.index", "2"},
		{"servers.0.extra", "2"},
		{"commitments", "[]"},
		{"commitments.1", NULL},
		{"commitments.0", "1"},
		{"commitments.0", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""},
		{"commitments.1", "\"_____________________________________________w\""},
		{"commitments.1", "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""},
	};
	AUTO(company_group_done) struct company_group group = company_group_new(&company, "finance", 2, 3);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct why why = WHY_NONE;
		struct group_descriptor read;
		AUTO(json_decref) json_t *payload = payload_of(group.object);
		put_at(payload, rows[i].path, rows[i].json);
		AUTO(signed_free)
		struct signed_object *object = sign_payload(payload, GROUP_TYPE, &company.root);
		enum fault fault = group_descriptor_read(object, &company.organisation, &read, &why);
		/* Without a server, two are left for a threshold of two: that one is whole. */
		bool whole = strncmp(rows[i].path, "servers.", 8) == 0 && !rows[i].json;
		if (fault != (whole ? FAULT_NONE : FAULT_MALFORMED))
			fail_msg("%s = %s: %s", rows[i].path, rows[i].json, fault_name(fault));
	}
}

static void group_fingerprint__is_of_the_organisation_and_the_id_alone(void **state)
{
	(void)state;
	const struct organisation_id here = company_id(&company);
	const struct organisation_id there = company_id(&other);
	const struct member_id id = {{1}};
	const struct member_id another = {{2}};
	const struct fingerprint one = group_fingerprint(&here, &id);
	const struct fingerprint again = group_fingerprint(&here, &id);
	const struct fingerprint elsewhere = group_fingerprint(&there, &id);
	const struct fingerprint next = group_fingerprint(&here, &another);
	assert_true(fingerprint_equal(&one, &again));
	assert_false(fingerprint_equal(&one, &elsewhere));
	assert_false(fingerprint_equal(&one, &next));
}

static int found(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	company = company_new(3);
	other = company_new(1);
	return 0;
}

static int dissolve(void **state)
{
	(void)state;
	company_done(&company);
	company_done(&other);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(organisation__is_read_as_it_was_signed),
		cmocka_unit_test(organisation__of_another_root_is_not_the_one_expected),
		cmocka_unit_test(organisation__with_a_changed_byte_is_not_signed),
		cmocka_unit_test(organisation__has_no_server_twice),
		cmocka_unit_test(organisation__refuses_payloads_of_another_form),
		cmocka_unit_test(policy__is_read_as_it_was_signed),
		cmocka_unit_test(policy__starts_with_what_the_documents_say),
		cmocka_unit_test(policy__of_another_organisation_is_refused),
		cmocka_unit_test(policy_set__takes_what_is_allowed),
		cmocka_unit_test(policy_set__refuses_the_rest_and_changes_nothing),
		cmocka_unit_test(group_descriptor__is_read_as_it_was_signed),
		cmocka_unit_test(group_descriptor__of_a_recovery_group_names_officers),
		cmocka_unit_test(group_descriptor__of_another_organisation_is_refused),
		cmocka_unit_test(group_descriptor__refuses_payloads_of_another_form),
		cmocka_unit_test(group_fingerprint__is_of_the_organisation_and_the_id_alone),
	};
	return cmocka_run_group_tests(tests, found, dissolve);
}
