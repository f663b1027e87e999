#include "keys/parcel.h"

#include <sodium.h>

#include "keys/message_parts.h"

#define CONTEXT_SIZE (ID_SIZE + 4 + 4 + ID_SIZE + 1)

void parcel_done(struct parcel *parcel)
{
	signed_free(parcel->organisation);
	signed_free(parcel->policy);
	signed_free(parcel->group);
	*parcel = PARCEL_EMPTY;
}

/* -- text ---------------------------------------------------------------------------------- */

static const struct field fields[] = {
	{.name = "organisation", .form = FIELD_OBJECT},
	{.name = "policy", .form = FIELD_OBJECT, .optional = true},
	{.name = "group", .form = FIELD_OBJECT, .optional = true},
	{"holder", FIELD_HEX, FIELD_AT(struct parcel, holder), .optional = true},
	{"index", FIELD_INTEGER, FIELD_AT(struct parcel, index), .optional = true, .least = 1,
	 .most = GROUP_SERVERS_MAX},
	{"addition", FIELD_BOOLEAN, FIELD_AT(struct parcel, addition)},
	{"share", FIELD_BASE64, FIELD_AT(struct parcel, share), .optional = true},
};
static const struct message_form form = MESSAGE_FORM("the parcel", fields, PARCEL_MAX);

enum fault parcel_write(const struct parcel *parcel, struct bytes *text, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_write(fields, COUNT(fields), parcel, &object, why);

	if (!fault)
		fault = message_set_signed(object, "organisation", parcel->organisation, why);
	if (!fault)
		fault = message_set_signed(object, "policy", parcel->policy, why);
	if (!fault)
		fault = message_set_signed(object, "group", parcel->group, why);
	if (!fault)
		fault = fields_append_text(object, text, why);
	return fault;
}

static enum fault check_share(const struct parcel *parcel, struct why *why)
{
	bool has_holder = !member_id_is_none(&parcel->holder);
	bool has_share = !sodium_is_zero(parcel->share, sizeof parcel->share);

	if (has_holder == has_share && has_share == (parcel->index != 0) && (parcel->group || !has_share))
		return FAULT_NONE;
	return why_set(why, FAULT_MALFORMED, "the parcel: a share comes with its group, holder and index");
}

enum fault parcel_read(const void *text, size_t size, struct parcel *ret_parcel, struct why *why)
{
	AUTO(parcel_done) struct parcel read = PARCEL_EMPTY;
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = message_parse(&form, text, size, &read, &object, why);

	if (!fault)
		fault = message_read_signed(object, "organisation", ORGANISATION_TYPE, &read.organisation,
					    why);
	if (!fault)
		fault = message_read_signed(object, "policy", POLICY_TYPE, &read.policy, why);
	if (!fault)
		fault = message_read_signed(object, "group", GROUP_TYPE, &read.group, why);
	if (!fault)
		fault = check_share(&read, why);
	if (fault)
		return fault;
	*ret_parcel = read;
	read = PARCEL_EMPTY;
	return FAULT_NONE;
}

/* -- the share -------------------------------------------------------------------------------- */

static void context_bytes(const struct parcel *parcel, const struct group_descriptor *group,
			  uint8_t out[static CONTEXT_SIZE])
{
	memcpy(out, group->id.bytes, ID_SIZE);
	le32_put(out + ID_SIZE, group->epoch);
	le32_put(out + ID_SIZE + 4, parcel->index);
	memcpy(out + ID_SIZE + 8, parcel->holder.bytes, ID_SIZE);
	out[CONTEXT_SIZE - 1] = parcel->addition;
}

enum fault parcel_seal_share(struct parcel *parcel, const struct group_descriptor *group,
			     const struct public_identity *holder, const struct group_share *share,
			     bool addition, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	uint8_t bytes[CONTEXT_SIZE];
	const struct sealed_context context = {.bytes = bytes, .size = sizeof bytes};
	struct parcel with = *parcel;
	enum fault fault;

	with.holder = holder->id;
	with.index = share->index;
	with.addition = addition;
	context_bytes(&with, group, bytes);
	fault = sealed_to_identity(holder, &context, share->value.bytes, SCALAR_SIZE, &sealed, why);
	if (fault)
		return fault;
	memcpy(with.share, sealed.data, sizeof with.share);
	*parcel = with;
	return FAULT_NONE;
}

static enum fault open_sealed(const struct parcel *parcel, const struct group_descriptor *group,
			      const struct identity *holder, struct group_share *ret_share, struct why *why)
{
	AUTO(secret_free) struct secret *value = NULL;
	uint8_t bytes[CONTEXT_SIZE];
	const struct sealed_context context = {.bytes = bytes, .size = sizeof bytes};
	enum fault fault;

	context_bytes(parcel, group, bytes);
	fault = sealed_open(parcel->share, sizeof parcel->share, &context, holder, &value, why);
	if (fault)
		return why_in(why, fault, "the share of group '%s'", group->name);
	ret_share->index = parcel->index;
	memcpy(ret_share->value.bytes, secret_bytes(value), SCALAR_SIZE);
	return FAULT_NONE;
}

/* The signed descriptor says who holds which index. */
static enum fault check_holder(const struct parcel *parcel, const struct group_descriptor *group,
			       const struct identity *holder, struct why *why)
{
	const struct member_id *id = &identity_public(holder)->id;

	for (size_t i = 0; i < group->server_count; i++)
		if (member_id_equal(&group->servers[i].id, id) && group->servers[i].index == parcel->index &&
		    member_id_equal(&parcel->holder, id))
			return FAULT_NONE;
	return why_set(why, FAULT_REFUSED, "'%s' holds no share %u of group '%s'",
		       identity_public(holder)->name, parcel->index, group->name);
}

enum fault parcel_open_share(const struct parcel *parcel, const struct group_descriptor *group,
			     const struct identity *holder, const struct group_share *present,
			     struct group_share *ret_share, struct why *why)
{
	AUTO(group_share_wipe) struct group_share sealed = {0};
	AUTO(group_share_wipe) struct group_share share = {0};
	enum fault fault = check_holder(parcel, group, holder, why);

	if (!fault)
		fault = open_sealed(parcel, group, holder, &sealed, why);
	if (fault)
		return fault;
	if (parcel->addition && (!present || present->index != sealed.index))
		return why_set(why, FAULT_REFUSED, "there is no share of group '%s' that this one adds to",
			       group->name);
	share = sealed;
	if (parcel->addition)
		fault = group_refresh(present, &sealed, &share, why);
	if (!fault)
		fault = group_check_share(&share, group->commitments, group->threshold, why);
	if (!fault)
		*ret_share = share;
	return fault;
}
