#include "keys/escrow.h"

#include <string.h>

#define MAGIC "FSET"
#define VERSION 1
#define HEADER_SIZE ESCROW_HEADER_SIZE

static struct sealed_context context_of(const uint8_t *header)
{
	return (struct sealed_context){header, HEADER_SIZE};
}

static void write_header(const struct escrow *escrow, uint8_t header[static HEADER_SIZE])
{
	memcpy(header, MAGIC, 4);
	header[4] = VERSION;
	header[5] = (uint8_t)escrow->recipient;
	memcpy(header + 6, escrow->id.bytes, ID_SIZE);
	le32_put(header + 6 + ID_SIZE, escrow->epoch);
	memcpy(header + 10 + ID_SIZE, escrow->user.bytes, ID_SIZE);
}

enum fault escrow_seal(const struct token *token, const struct member_id *user,
		       const struct organisation *organisation, const struct group_descriptor *group,
		       struct bytes *ret_sealed, struct why *why)
{
	const struct escrow escrow = {
		.recipient = group ? ESCROW_GROUP : ESCROW_ROOT,
		.id = group ? group->id : organisation->root.id,
		.epoch = group ? group->epoch : 0,
		.user = *user,
	};
	uint8_t header[HEADER_SIZE];
	char text[TOKEN_TEXT_SIZE];
	if (group && !group->recovery)
		return why_set(why, FAULT_INVALID, "'%s' is no recovery group", group->name);
	write_header(&escrow, header);
	const struct sealed_context context = context_of(header);
	enum fault fault = bytes_append(ret_sealed, header, sizeof header, why);
	if (fault)
		return fault;
	token_text(token, text);
	fault = group ? sealed_to_group(&group->commitments[0], &context, text, sizeof text, ret_sealed, why)
		      : sealed_to_identity(&organisation->root, &context, text, sizeof text, ret_sealed, why);
	secret_wipe(text, sizeof text);
	return fault;
}

enum fault escrow_read(const void *bytes, size_t size, struct escrow *ret_escrow, struct why *why)
{
	const uint8_t *header = bytes;
	struct escrow escrow = {.epoch = 0};
	if (size != ESCROW_SIZE || memcmp(header, MAGIC, 4) != 0 ||
	    header[4] != VERSION || (header[5] != ESCROW_ROOT && header[5] != ESCROW_GROUP))
		return why_set(why, FAULT_MALFORMED, "this is no recovery token in escrow");
	escrow.recipient = header[5];
	memcpy(escrow.id.bytes, header + 6, ID_SIZE);
	escrow.epoch = le32_get(header + 6 + ID_SIZE);
	memcpy(escrow.user.bytes, header + 10 + ID_SIZE, ID_SIZE);
	if ((escrow.epoch == 0) != (escrow.recipient == ESCROW_ROOT))
		return why_set(why, FAULT_MALFORMED, "a group's key has an epoch, the root's has none");
	*ret_escrow = escrow;
	return FAULT_NONE;
}

static enum fault check_recipient(const void *bytes, size_t size, enum escrow_recipient wanted,
				  struct why *why)
{
	struct escrow escrow = {.epoch = 0};
	enum fault fault = escrow_read(bytes, size, &escrow, why);

	if (!fault && escrow.recipient != wanted)
		return why_set(why, FAULT_REFUSED, "the token is sealed to %s",
			       wanted == ESCROW_ROOT ? "a recovery group" : "the organisation's root key");
	return fault;
}

/* What was sealed was made by whoever could ask a server: it may be anything. */
static enum fault take_text(const struct secret *opened, char ret_text[static TOKEN_TEXT_SIZE],
			    struct why *why)
{
	AUTO(token_wipe) struct token token;
	const char *text = (const char *)secret_bytes(opened);
	if (secret_size(opened) != TOKEN_TEXT_SIZE || text[TOKEN_TEXT_SIZE - 1] != 0 ||
	    token_from_text(text, &token, NULL))
		return why_set(why, FAULT_MALFORMED, "what was sealed is no recovery token");
	token_text(&token, ret_text);
	return FAULT_NONE;
}

enum fault escrow_open_root(const void *bytes, size_t size, const struct identity *root,
			    char ret_text[static TOKEN_TEXT_SIZE], struct why *why)
{
	AUTO(secret_free) struct secret *opened = NULL;
	enum fault fault = check_recipient(bytes, size, ESCROW_ROOT, why);
	if (fault)
		return fault;
	const struct sealed_context context = context_of(bytes);
	fault = sealed_open((const uint8_t *)bytes + HEADER_SIZE, size - HEADER_SIZE, &context, root, &opened,
			    why);
	return fault ? fault : take_text(opened, ret_text, why);
}

enum fault escrow_point(const void *bytes, size_t size, struct point *ret_point, struct why *why)
{
	enum fault fault = check_recipient(bytes, size, ESCROW_GROUP, why);

	return fault ? fault
		     : sealed_point((const uint8_t *)bytes + HEADER_SIZE, size - HEADER_SIZE, ret_point, why);
}

enum fault escrow_open_group(const void *bytes, size_t size, const struct point *shared,
			     char ret_text[static TOKEN_TEXT_SIZE], struct why *why)
{
	AUTO(secret_free) struct secret *opened = NULL;
	enum fault fault = check_recipient(bytes, size, ESCROW_GROUP, why);
	if (fault)
		return fault;
	const struct sealed_context context = context_of(bytes);
	fault = sealed_open_group((const uint8_t *)bytes + HEADER_SIZE, size - HEADER_SIZE, &context, shared,
				  &opened, why);
	return fault ? fault : take_text(opened, ret_text, why);
}
