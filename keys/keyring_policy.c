/* The last policy received. */
#include "keys/keyring_service_parts.h"

#include <string.h>

struct policy_row {
	struct stored_object object;
	int64_t received;
	char from[SERVER_URL_MAX];
};

static void policy_row_done(struct policy_row *row)
{
	stored_object_done(&row->object);
}
AUTO_VALUE(struct policy_row, policy_row_done);

static const struct column policy_columns[] = {
	STORED_OBJECT_COLUMNS(struct policy_row, object),
	{COLUMN_INTEGER, COLUMN_AT(struct policy_row, received), .most = INT64_MAX},
	{COLUMN_NAME, COLUMN_AT(struct policy_row, from)},
};

static enum fault find_policy(struct keyring *held, struct policy_row *row, struct why *why)
{
	const struct query query = {.sql = "SELECT object, version, digest, received, source FROM policy",
				    COLUMNS(policy_columns),
				    .into = row};
	enum fault fault = store_find(held, &query, why);

	return fault == FAULT_MISSING ? why_set(why, fault, "no policy was received") : fault;
}

enum fault keyring_policy(struct keyring *keyring, struct keyring_policy *ret_policy, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(policy_row_done) struct policy_row row = {.received = 0};
	AUTO(signed_free) struct signed_object *object = NULL;
	struct organisation organisation;
	struct keyring_policy policy;
	enum fault fault = find_policy(held, &row, why);
	if (!fault)
		fault = keyring_signer(held, &organisation, why);
	if (!fault)
		fault = stored_object_parse(held, &row.object, POLICY_TYPE, &object, why);
	if (fault)
		return fault;
	fault = policy_read(object, &organisation, &policy.policy, why);
	if (fault || policy.policy.version != row.object.version)
		return stored_object_damaged(held, fault, "the policy", why);
	policy.received = row.received;
	memcpy(policy.from, row.from, sizeof policy.from);
	*ret_policy = policy;
	return FAULT_NONE;
}

static enum fault put_policy(struct keyring *held, const struct signed_object *object,
			     const struct keyring_policy *policy, struct why *why)
{
	const struct query known = {.sql = "SELECT version, digest FROM policy"};
	AUTO(stored_object_done) struct stored_object stored = {.version = 0};
	enum fault fault = stored_object_of(object, policy->policy.version, &stored, why);
	if (!fault)
		fault = stored_object_follows(held, &known, &stored, "the policy", why);
	if (fault)
		return fault;
	const struct query query = {
		.sql = "INSERT OR REPLACE INTO policy (one, object, version, digest, received, source)"
		       " VALUES (1, ?, ?, ?, ?, ?)",
		VALUES(VALUE_TEXT((char *)stored.text.data), VALUE_INTEGER(stored.version),
		       VALUE_ID(&stored.digest), VALUE_INTEGER(policy->received), VALUE_TEXT(policy->from)),
	};
	return store_change(held, &query, NULL, why);
}

enum fault keyring_set_policy(struct keyring *keyring, const struct signed_object *object,
			      const struct keyring_policy *policy, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, put_policy(held, object, policy, why), why);
}
