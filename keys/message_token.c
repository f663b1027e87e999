#include "keys/message_parts.h"

struct sealed_text {
	char text[BASE64_LENGTH(SEALED_TOKEN_MAX) + 1];
};
static const struct field fields[] = {{"sealed", FIELD_TEXT, FIELD_AT(struct sealed_text, text)}};
static const struct message_form form = MESSAGE_FORM("the recovery token", fields, MESSAGE_BODY_MAX);

enum fault token_request_write(const void *sealed, size_t sealed_size, struct bytes *ret_body,
			       struct why *why)
{
	struct sealed_text document = {0};

	if (sealed_size == 0 || sealed_size > SEALED_TOKEN_MAX)
		return why_set(why, FAULT_INVALID, "a sealed recovery token has 1 to %d bytes",
			       SEALED_TOKEN_MAX);
	text_base64(document.text, sealed, sealed_size);
	return message_write(&form, &document, ret_body, why);
}

enum fault token_request_read(const void *body, size_t size, struct bytes *ret_sealed, struct why *why)
{
	struct sealed_text document = {0};
	uint8_t sealed[SEALED_TOKEN_MAX];
	size_t sealed_size;
	enum fault fault = message_read(&form, body, size, &document, why);
	if (fault)
		return fault;
	if (!text_from_base64(document.text, strlen(document.text), sealed, sizeof sealed, &sealed_size))
		return why_set(why, FAULT_MALFORMED, "%s: the member 'sealed' is not base64url", form.what);
	return bytes_append(ret_sealed, sealed, sealed_size, why);
}
