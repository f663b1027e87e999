/* fsenc-server policy */
#include "base/answer.h"
#include "base/table.h"
#include "server/charter_write.h"
#include "server/commands.h"
#include "server/stores.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 512
#define RECOVERY "recovery="

/* -- setting --------------------------------------------------------------------------------- */

static enum fault add_recovery(const struct home *home, const char *name, size_t length,
			       struct policy *policy, struct why *why)
{
	AUTO(stored_group_done) struct stored_group group = {.descriptor = BYTES_EMPTY};
	AUTO(free) char *copy = strndup(name, length);
	enum fault fault;

	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a name");
	fault = store_group_find_name(home->store, copy, &group, why);
	if (!fault && !group.recovery)
		return why_set(why, FAULT_INVALID, "'%s' is no recovery group", copy);
	if (!fault && policy->recovery_count == ORGANISATION_RECOVERY_MAX)
		return why_set(why, FAULT_INVALID, "a policy has at most %d recovery groups",
			       ORGANISATION_RECOVERY_MAX);
	if (!fault)
		policy->recovery[policy->recovery_count++] = group.id;
	return fault;
}

/* "recovery=A,B": the groups that every folder has to have; "recovery=" for none. */
static enum fault set_recovery(const struct home *home, const char *names, struct policy *policy,
			       struct why *why)
{
	enum fault fault = FAULT_NONE;

	memset(policy->recovery, 0, sizeof policy->recovery);
	policy->recovery_count = 0;
	while (!fault && *names) {
		size_t length = strcspn(names, ",");

		fault = add_recovery(home, names, length, policy, why);
		names += length + (names[length] == ',');
	}
	return fault;
}

static enum fault set_all(const struct call *call, const struct home *home, struct policy *policy,
			  char *detail, struct why *why)
{
	size_t at = (size_t)snprintf(detail, DETAIL_SIZE, "policy set");
	enum fault fault = FAULT_NONE;

	for (size_t i = 1; !fault && i < call->argument_count; i++) {
		const char *word = call->arguments[i];

		fault = strncmp(word, RECOVERY, strlen(RECOVERY)) != 0
				? policy_set(policy, word, why)
				: set_recovery(home, word + strlen(RECOVERY), policy, why);
		if (at < DETAIL_SIZE)
			at += (size_t)snprintf(detail + at, DETAIL_SIZE - at, " %s", word);
	}
	return fault;
}

enum fault cmd_policy_set(struct call *call, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	AUTO(identity_free) struct identity *root = NULL;
	char detail[DETAIL_SIZE];
	struct policy policy;
	enum fault fault = stores_open(call, &stores, why);

	if (fault)
		return fault;
	policy = *charter_newest_policy(&stores);
	fault = set_all(call, stores.homes[0], &policy, detail, why);
	if (!fault)
		fault = home_root(stores.homes[0], call->options->root_key, &root, why);
	return fault ? fault : charter_write_policy(call, &stores, root, &policy, detail, why);
}

/* -- showing ------------------------------------------------------------------------------------ */

static enum fault read_payload(const struct home *home, json_t **ret_payload, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = store_document_read(home->store, STORE_POLICY, &text, why);

	if (!fault)
		fault = signed_parse_text((const char *)text.data, text.size, POLICY_TYPE, &object, why);
	if (fault)
		return fault;
	*ret_payload = json_deep_copy(signed_payload(object));
	return *ret_payload ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for the policy");
}

static void show_value(struct table *table, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	table_add(table, (const char *[]){name, json_is_string(value) ? json_string_value(value) : text});
	free(text);
}

static enum fault print_policy(json_t *payload, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(2);
	const char *name;
	json_t *value;

	json_object_foreach(payload, name, value) show_value(&table, name, value);
	return table_print(&table, stdout, why);
}

enum fault cmd_policy_show(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	json_t *payload = NULL;
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = read_payload(home, &payload, why);
	if (fault)
		return fault;
	if (call->options->json)
		return answer_print(payload, why);
	fault = print_policy(payload, why);
	json_decref(payload);
	return fault;
}
