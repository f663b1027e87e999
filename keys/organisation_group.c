#include "base/array.h"
#include "keys/fields.h"
#include "keys/kdf.h"
#include "keys/organisation_parts.h"

/* A descriptor, and the count that the format keeps twice. */
struct document {
	struct group_descriptor group;
	size_t commitment_count;
};

static const char *const kind_words[] = {"group", "recovery", NULL}; /* by `recovery` */

static const struct field server_fields[] = {
	{"id", FIELD_HEX, FIELD_AT(struct group_server, id)},
	{"index", FIELD_INTEGER, FIELD_AT(struct group_server, index), .least = 1, .most = GROUP_SERVERS_MAX},
};
static const struct field_elements servers = {
	.fields = server_fields,
	.field_count = COUNT(server_fields),
	.size = sizeof(struct group_server),
	.count_offset = offsetof(struct document, group.server_count),
};
static const struct field commitment_fields[] = {
	{"commitments", FIELD_BASE64, .size = sizeof(struct point)},
};
static const struct field_elements commitments = {
	.fields = commitment_fields,
	.field_count = COUNT(commitment_fields),
	.size = sizeof(struct point),
	.count_offset = offsetof(struct document, commitment_count),
	.bare = true,
};
static const struct field fields[] = {
	{"organisation", FIELD_HEX, FIELD_AT(struct document, group.organisation)},
	{"id", FIELD_HEX, FIELD_AT(struct document, group.id)},
	{"name", FIELD_NAME, FIELD_AT(struct document, group.name)},
	{"kind", FIELD_CHOICE, FIELD_AT(struct document, group.recovery), .words = kind_words},
	{"version", FIELD_INTEGER, FIELD_AT(struct document, group.version), .least = 1,
	 .most = FIELDS_INTEGER_MAX},
	{"epoch", FIELD_INTEGER, FIELD_AT(struct document, group.epoch), .least = 1, .most = UINT32_MAX},
	{"created", FIELD_INTEGER, FIELD_AT(struct document, group.created), .most = FIELDS_INTEGER_MAX},
	{"threshold", FIELD_INTEGER, FIELD_AT(struct document, group.threshold), .least = 1,
	 .most = GROUP_SERVERS_MAX},
	{"servers", FIELD_STRUCTS, FIELD_AT(struct document, group.servers), .least = 1,
	 .most = GROUP_SERVERS_MAX, .elements = &servers},
	{"commitments", FIELD_STRUCTS, FIELD_AT(struct document, group.commitments), .least = 1,
	 .most = GROUP_SERVERS_MAX, .elements = &commitments},
};

static enum fault check_threshold(const struct document *document, struct why *why)
{
	if (document->commitment_count != document->group.threshold)
		return why_set(why, FAULT_MALFORMED, "it has %zu commitments for a threshold of %u",
			       document->commitment_count, document->group.threshold);
	if (document->group.threshold > document->group.server_count)
		return why_set(why, FAULT_MALFORMED, "its threshold of %u is more than it has servers",
			       document->group.threshold);
	for (size_t i = 0; i < document->commitment_count; i++)
		if (group_check_point(&document->group.commitments[i], why))
			return why_in(why, FAULT_MALFORMED, "commitment %zu", i);
	return FAULT_NONE;
}

static enum fault check_servers_differ(const struct group_descriptor *group, struct why *why)
{
	for (size_t i = 0; i < group->server_count; i++)
		for (size_t j = 0; j < i; j++)
			if (group->servers[i].index == group->servers[j].index ||
			    member_id_equal(&group->servers[i].id, &group->servers[j].id))
				return why_set(why, FAULT_MALFORMED,
					       "a server or an index stands there twice");
	return FAULT_NONE;
}

/* Everything that needs no more than the root key. */
static enum fault read_form(const struct signed_object *object, const struct organisation *organisation,
			    struct group_descriptor *ret_group, struct why *why)
{
	struct document read = {0};
	enum fault fault = fields_read(fields, COUNT(fields), signed_payload(object), &read, why);
	if (!fault)
		fault = organisation_made_it(organisation, &read.group.organisation, object, why);
	if (!fault)
		fault = check_threshold(&read, why);
	if (!fault)
		fault = check_servers_differ(&read.group, why);
	if (fault)
		return why_in(why, fault, "the descriptor of a group");
	*ret_group = read.group;
	return FAULT_NONE;
}

enum fault group_descriptor_read(const struct signed_object *object, const struct organisation *organisation,
				 struct group_descriptor *ret_group, struct why *why)
{
	struct group_descriptor read;
	enum fault fault = read_form(object, organisation, &read, why);
	if (fault)
		return fault;
	for (size_t i = 0; i < read.server_count && !read.recovery; i++)
		if (!organisation_server(organisation, &read.servers[i].id))
			return why_set(why, FAULT_REFUSED, "server %u of the group '%s' is none of '%s'",
				       read.servers[i].index, read.name, organisation->root.name);
	*ret_group = read;
	return FAULT_NONE;
}

enum fault group_descriptor_sign(const struct group_descriptor *group, const struct identity *root,
				 struct signed_object **ret_signed, struct why *why)
{
	struct document document = {.commitment_count = group->threshold};
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	if (group->threshold > GROUP_SERVERS_MAX || group->server_count > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "a group has at most %d servers", GROUP_SERVERS_MAX);
	document.group = *group;
	enum fault fault = fields_write(fields, COUNT(fields), &document, &payload, why);
	if (!fault)
		fault = signed_make(payload, GROUP_TYPE, root, &object, why);
	if (fault)
		return fault;
	const struct organisation own = {.root = *identity_public(root)};
	struct group_descriptor read_back;
	fault = read_form(object, &own, &read_back, why);
	if (!fault)
		*ret_signed = TAKE(object);
	return fault;
}

bool group_descriptor_peek(const struct signed_object *object, struct member_id *ret_id)
{
	const char *text = json_string_value(json_object_get(signed_payload(object), "id"));

	return text && member_id_from_text(text, ret_id) && !member_id_is_none(ret_id);
}

bool group_descriptor_is_newer(const struct group_descriptor *one, const struct group_descriptor *other)
{
	return one->epoch > other->epoch || (one->epoch == other->epoch && one->version > other->version);
}

struct fingerprint group_fingerprint(const struct organisation_id *organisation, const struct member_id *id)
{
	uint8_t both[2 * ID_SIZE];
	struct fingerprint fingerprint;

	memcpy(both, organisation->bytes, ID_SIZE);
	memcpy(both + ID_SIZE, id->bytes, ID_SIZE);
	const struct digest digest = kdf_hash(KDF_FINGERPRINT_GROUP, both, sizeof both);
	memcpy(fingerprint.bytes, digest.bytes, sizeof fingerprint.bytes);
	return fingerprint;
}
