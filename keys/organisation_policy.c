#include "base/array.h"
#include "keys/client_version.h"
#include "keys/fields.h"
#include "keys/organisation_parts.h"

#define DAY (24 * 60 * 60)

static const char *const offline_words[] = {
	[OFFLINE_STANDALONE] = "standalone", [OFFLINE_BLOCK] = "block", [OFFLINE_BLOCK + 1] = NULL};
static const char *const maker_words[] = {[FOLDER_MAKERS_ANYONE] = "anyone",
					  [FOLDER_MAKERS_MEMBERS] = "members",
					  [FOLDER_MAKERS_MEMBERS + 1] = NULL};

static const struct field recovery_fields[] = {{"id", FIELD_HEX, .size = sizeof(struct member_id)}};
static const struct field_elements recovery = {
	.fields = recovery_fields,
	.field_count = COUNT(recovery_fields),
	.size = sizeof(struct member_id),
	.count_offset = offsetof(struct policy, recovery_count),
};

static const struct field head_fields[] = {
	{"organisation", FIELD_HEX, FIELD_AT(struct policy, organisation)},
	{"version", FIELD_INTEGER, FIELD_AT(struct policy, version), .least = 1, .most = FIELDS_INTEGER_MAX},
	{"created", FIELD_INTEGER, FIELD_AT(struct policy, created), .most = FIELDS_INTEGER_MAX},
	{"recovery", FIELD_STRUCTS, FIELD_AT(struct policy, recovery), .most = ORGANISATION_RECOVERY_MAX,
	 .elements = &recovery},
};

/* What policy_set() sets. */
static const struct field setting_fields[] = {
	{"lease", FIELD_INTEGER, FIELD_AT(struct policy, lease), .most = DAY},
	{"offline_grace", FIELD_INTEGER, FIELD_AT(struct policy, offline_grace), .most = DAY},
	{"retry_after", FIELD_INTEGER, FIELD_AT(struct policy, retry_after), .least = 1, .most = DAY},
	{"offline", FIELD_CHOICE, FIELD_AT(struct policy, offline), .words = offline_words},
	{"unlock_limit", FIELD_INTEGER, FIELD_AT(struct policy, unlock_limit), .least = 1, .most = INT32_MAX},
	{"approve_delay", FIELD_INTEGER, FIELD_AT(struct policy, approve_delay), .most = 30 * DAY},
	{"cache_positive", FIELD_INTEGER, FIELD_AT(struct policy, cache_positive), .most = 60},
	{"cache_negative", FIELD_INTEGER, FIELD_AT(struct policy, cache_negative), .most = 10},
	{"folder_makers", FIELD_CHOICE, FIELD_AT(struct policy, folder_makers), .words = maker_words},
	{"minimum_client", FIELD_TEXT, FIELD_AT(struct policy, minimum_client), .optional = true},
};

#define FIELDS_MAX (COUNT(head_fields) + COUNT(setting_fields))

static size_t all_fields(struct field fields[static FIELDS_MAX])
{
	memcpy(fields, head_fields, sizeof head_fields);
	memcpy(fields + COUNT(head_fields), setting_fields, sizeof setting_fields);
	return FIELDS_MAX;
}

struct policy policy_default(const struct organisation_id *organisation, int64_t now)
{
	return (struct policy){
		.organisation = *organisation,
		.version = 1,
		.created = now,
		.lease = 120,
		.retry_after = 15 * 60,
		.unlock_limit = 4096,
		.approve_delay = DAY,
		.cache_positive = 60,
		.cache_negative = 10,
	};
}

static bool is_minimum(const char *text)
{
	return text[0] == 0 || client_version_is_valid(text);
}

enum fault policy_read(const struct signed_object *object, const struct organisation *organisation,
		       struct policy *ret_policy, struct why *why)
{
	struct field fields[FIELDS_MAX];
	struct policy read = {0};
	enum fault fault = fields_read(fields, all_fields(fields), signed_payload(object), &read, why);
	if (!fault && !is_minimum(read.minimum_client))
		fault = why_set(why, FAULT_MALFORMED, "'minimum_client' is no version: '%s'",
				read.minimum_client);
	if (!fault)
		fault = organisation_made_it(organisation, &read.organisation, object, why);
	if (fault)
		return why_in(why, fault, "the policy");
	*ret_policy = read;
	return FAULT_NONE;
}

enum fault policy_sign(const struct policy *policy, const struct identity *root,
		       struct signed_object **ret_signed, struct why *why)
{
	struct field fields[FIELDS_MAX];
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = fields_write(fields, all_fields(fields), policy, &payload, why);
	if (!fault)
		fault = signed_make(payload, POLICY_TYPE, root, &object, why);
	if (fault)
		return fault;
	const struct organisation own = {.root = *identity_public(root)};
	struct policy read_back;
	fault = policy_read(object, &own, &read_back, why);
	if (!fault)
		*ret_signed = TAKE(object);
	return fault;
}

/* -- settings -------------------------------------------------------------------------------- */

static const struct field *find_setting(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(setting_fields); i++)
		if (strlen(setting_fields[i].name) == length &&
		    strncmp(setting_fields[i].name, name, length) == 0)
			return &setting_fields[i];
	return NULL;
}

static enum fault no_such_setting(const char *name, size_t length, struct why *why)
{
	char known[WHY_TEXT_SIZE / 2] = "";
	size_t at = 0;

	for (size_t i = 0; i < COUNT(setting_fields); i++)
		at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "",
				       setting_fields[i].name);
	return why_set(why, FAULT_USAGE, "a policy has no '%.*s'; it has %s",
		       (int)(length < 40 ? length : 40), name, known);
}

/* Digits only, so that "5s", "+5" and " 5" are refused; as text anything else than a number of the table. */
static json_t *setting_value(const struct field *field, const char *text)
{
	const size_t length = strlen(text);

	if (field->form == FIELD_INTEGER && length > 0 && length < 16 && strspn(text, "0123456789") == length)
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static enum fault refuse_value(const struct field *field, const char *text, struct why *why)
{
	char words[WHY_TEXT_SIZE / 2] = "";
	size_t at = 0;

	if (field->form == FIELD_INTEGER)
		return why_set(why, FAULT_INVALID, "'%s' is a number from %lld to %lld, not '%.40s'",
			       field->name, (long long)field->least, (long long)field->most, text);
	for (size_t i = 0; field->form == FIELD_CHOICE && field->words[i]; i++)
		at += (size_t)snprintf(words + at, sizeof words - at, "%s%s", i ? " or " : "",
				       field->words[i]);
	return why_set(why, FAULT_INVALID, "'%s' is %s, not '%.40s'", field->name,
		       field->form == FIELD_CHOICE ? words : "a version like 0.10.2", text);
}

enum fault policy_set(struct policy *policy, const char *assignment, struct why *why)
{
	const char *equals = strchr(assignment, '=');
	if (!equals)
		return why_set(why, FAULT_USAGE, "'%.40s' is not of the form NAME=VALUE", assignment);
	const size_t length = (size_t)(equals - assignment);
	const struct field *field = find_setting(assignment, length);
	if (!field)
		return no_such_setting(assignment, length, why);
	struct policy changed = *policy;
	AUTO(json_decref) json_t *object = json_object();
	json_t *value = field->optional && !equals[1] ? NULL : setting_value(field, equals + 1);
	/* Text that is no UTF-8 makes no value: the member is then missing, and refused. */
	if (value && json_object_set_new(object, field->name, value) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for a setting");
	if (fields_read(field, 1, object, &changed, NULL) || !is_minimum(changed.minimum_client))
		return refuse_value(field, equals + 1, why);
	*policy = changed;
	return FAULT_NONE;
}
