#include "keys/escrow_block.h"

#include "keys/message_parts.h"

void escrow_block_done(struct escrow_block *block)
{
	signed_free(block->organisation);
	signed_free(block->group);
	*block = ESCROW_BLOCK_EMPTY;
}

static const struct field fields[] = {
	{.name = "organisation", .form = FIELD_OBJECT},
	{.name = "group", .form = FIELD_OBJECT, .optional = true},
	{"user", FIELD_NAME, FIELD_AT(struct escrow_block, user)},
	{"sealed", FIELD_BASE64, FIELD_AT(struct escrow_block, sealed)},
};
static const struct message_form form = MESSAGE_FORM("the escrowed token", fields, ARMOR_MAX);

static enum fault check_recipient(const struct escrow_block *block, struct why *why)
{
	struct escrow escrow;
	enum fault fault = escrow_read(block->sealed, sizeof block->sealed, &escrow, why);

	if (!fault && (escrow.recipient == ESCROW_GROUP) != (block->group != NULL))
		fault = why_set(why, FAULT_MALFORMED,
				"a token that officers open comes with their group, another with none");
	return fault;
}

enum fault escrow_block_write(const struct escrow_block *block, struct bytes *ret_text, struct why *why)
{
	AUTO(json_decref) json_t *object = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = check_recipient(block, why);

	if (!fault)
		fault = fields_write(fields, COUNT(fields), block, &object, why);
	if (!fault)
		fault = message_set_signed(object, "organisation", block->organisation, why);
	if (!fault)
		fault = message_set_signed(object, "group", block->group, why);
	if (!fault)
		fault = fields_append_text(object, &text, why);
	return fault ? fault : armor_write(ESCROW_BLOCK_LABEL, text.data, text.size, ret_text, why);
}

enum fault escrow_block_read(const void *text, size_t size, struct escrow_block *ret_block, struct why *why)
{
	AUTO(escrow_block_done) struct escrow_block read = ESCROW_BLOCK_EMPTY;
	AUTO(bytes_done) struct bytes bytes = BYTES_EMPTY;
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = armor_read(ESCROW_BLOCK_LABEL, text, size, &bytes, why);

	if (!fault)
		fault = message_parse(&form, bytes.data, bytes.size, &read, &object, why);
	if (!fault)
		fault = message_read_signed(object, "organisation", ORGANISATION_TYPE, &read.organisation,
					    why);
	if (!fault)
		fault = message_read_signed(object, "group", GROUP_TYPE, &read.group, why);
	if (!fault)
		fault = check_recipient(&read, why);
	if (fault)
		return fault;
	*ret_block = read;
	read = ESCROW_BLOCK_EMPTY;
	return FAULT_NONE;
}

/* -- who opens it -------------------------------------------------------------------------- */

static enum fault check_group(const struct escrow *escrow, const struct group_descriptor *group,
			      struct why *why)
{
	if (!group->recovery)
		return why_set(why, FAULT_INVALID, "'%s' is no recovery group", group->name);
	if (!member_id_equal(&group->id, &escrow->id))
		return why_set(why, FAULT_INVALID, "the token is sealed to another group than '%s'",
			       group->name);
	if (group->epoch != escrow->epoch)
		return why_set(why, FAULT_INVALID,
			       "the token is sealed to another key of '%s' than its newest", group->name);
	return FAULT_NONE;
}

enum fault escrow_block_officers(const struct escrow_block *block, const struct fingerprint *expected,
				 struct organisation *ret_organisation, struct group_descriptor *ret_group,
				 struct why *why)
{
	struct organisation organisation;
	struct group_descriptor group;
	struct escrow escrow;
	enum fault fault = escrow_read(block->sealed, sizeof block->sealed, &escrow, why);

	if (!fault && !block->group)
		fault = why_set(why, FAULT_INVALID, "the token is sealed to the organisation's root key");
	if (!fault)
		fault = organisation_read(block->organisation, expected, &organisation, why);
	if (!fault)
		fault = group_descriptor_read(block->group, &organisation, &group, why);
	if (!fault)
		fault = check_group(&escrow, &group, why);
	if (fault)
		return fault;
	*ret_organisation = organisation;
	*ret_group = group;
	return FAULT_NONE;
}
