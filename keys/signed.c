#include "keys/signed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "keys/fields.h"
#include "keys/kdf.h"

#define PAYLOAD_TEXT_MAX BASE64_LENGTH(SIGNED_PAYLOAD_MAX)
#define OBJECT_TEXT_MAX (PAYLOAD_TEXT_MAX + 4096)

/* The header is compared as bytes with the one we would write. So every other member, order,
 * spacing and algorithm is refused by one comparison. */
#define HEADER_BEFORE_SIGNER "{\"alg\":\"EdDSA\",\"kid\":\""
#define HEADER_BEFORE_TYPE "\",\"typ\":\""
#define HEADER_END "\"}"
#define HEADER_SIGNER_AT (sizeof HEADER_BEFORE_SIGNER - 1)
#define HEADER_TYPE_AT (HEADER_SIGNER_AT + BASE64_LENGTH(DIGEST_SIZE) + sizeof HEADER_BEFORE_TYPE - 1)
#define HEADER_MAX 256

struct signed_object {
	struct bytes text; /* protected '.' payload '.' signature, as received */
	size_t payload_at;
	size_t signature_at;
	uint8_t signature[SIGNATURE_SIZE];
	struct fingerprint signer;
	json_t *payload;
};

/* The three members, borrowed. */
struct parts {
	const char *protected;
	const char *payload;
	const char *signature;
};

void signed_free(struct signed_object *object)
{
	if (!object)
		return;
	bytes_done(&object->text);
	json_decref(object->payload);
	free(object);
}

/* -- header --------------------------------------------------------------------------- */

static size_t write_header(char header[static HEADER_MAX], const struct fingerprint *signer, const char *type)
{
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(signer, text);
	int size = snprintf(header, HEADER_MAX, HEADER_BEFORE_SIGNER "%s" HEADER_BEFORE_TYPE "%s" HEADER_END,
			    text, type);
	assert(size > 0 && size < HEADER_MAX);
	return (size_t)size;
}

static bool read_signer(const char *header, size_t size, struct fingerprint *ret_signer)
{
	char text[DIGEST_TEXT_SIZE] = "";

	if (size < HEADER_TYPE_AT)
		return false;
	memcpy(text, header + HEADER_SIGNER_AT, sizeof text - 1);
	return fingerprint_from_text(text, ret_signer);
}

/* Ours in all but the `typ`: an object of another kind, in the wrong place. */
static bool is_of_another_type(const char *header, size_t size, const char *wanted)
{
	const size_t end = sizeof HEADER_END - 1;

	if (size < HEADER_TYPE_AT + end || memcmp(header, wanted, HEADER_TYPE_AT) != 0)
		return false;
	for (size_t i = HEADER_TYPE_AT; i < size - end; i++)
		if (header[i] == 0 || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-+", header[i]))
			return false;
	return memcmp(header + size - end, HEADER_END, end) == 0;
}

static enum fault read_header(const char *text, const char *type, struct fingerprint *ret_signer,
			      struct why *why)
{
	char header[HEADER_MAX];
	char wanted[HEADER_MAX];
	size_t size;
	struct fingerprint signer;

	if (!text_from_base64(text, strlen(text), header, sizeof header, &size))
		return why_set(why, FAULT_MALFORMED, "the protected header is not base64url, or too long");
	if (!read_signer(header, size, &signer))
		return why_set(why, FAULT_MALFORMED, "the protected header has another form than ours");
	size_t wanted_size = write_header(wanted, &signer, type);
	if (size == wanted_size && memcmp(header, wanted, size) == 0) {
		*ret_signer = signer;
		return FAULT_NONE;
	}
	if (is_of_another_type(header, size, wanted))
		return why_set(why, FAULT_REFUSED, "it is signed as something else than '%s'", type);
	return why_set(why, FAULT_MALFORMED, "the protected header has another form than ours");
}

/* -- payload and text ----------------------------------------------------------------- */

static enum fault read_payload(const char *text, json_t **ret_payload, struct why *why)
{
	size_t length = strlen(text);
	if (length > PAYLOAD_TEXT_MAX)
		return why_set(why, FAULT_MALFORMED, "the payload is too large");
	AUTO(bytes_done) struct bytes bytes = BYTES_EMPTY;
	enum fault fault = bytes_reserve(&bytes, length, why);
	if (fault)
		return fault;
	if (!text_from_base64(text, length, bytes.data, length, &bytes.size))
		return why_set(why, FAULT_MALFORMED, "the payload is not base64url");
	return why_in(why, fields_parse(bytes.data, bytes.size, ret_payload, why), "the payload");
}

static enum fault keep_text(struct signed_object *object, const struct parts *parts, struct why *why)
{
	enum fault fault = bytes_append_text(&object->text, parts->protected, why);
	if (!fault)
		fault = bytes_append(&object->text, ".", 1, why);
	object->payload_at = object->text.size;
	if (!fault)
		fault = bytes_append_text(&object->text, parts->payload, why);
	if (!fault)
		fault = bytes_append(&object->text, ".", 1, why);
	object->signature_at = object->text.size;
	if (!fault)
		fault = bytes_append_text(&object->text, parts->signature, why);
	return fault;
}

static enum fault object_new(const struct parts *parts, const char *type, struct signed_object **ret_signed,
			     struct why *why)
{
	AUTO(signed_free) struct signed_object *object = calloc(1, sizeof *object);
	if (!object)
		return why_set(why, FAULT_MEMORY, "no memory for a signed object");
	enum fault fault = read_header(parts->protected, type, &object->signer, why);
	if (!fault)
		fault = read_payload(parts->payload, &object->payload, why);
	if (fault)
		return fault;
	if (!text_from_base64_exact(parts->signature, object->signature, SIGNATURE_SIZE))
		return why_set(why, FAULT_MALFORMED, "the signature is not %d bytes in base64url",
			       SIGNATURE_SIZE);
	fault = keep_text(object, parts, why);
	if (!fault)
		*ret_signed = TAKE(object);
	return fault;
}

/* What is signed: protected '.' payload. */
static size_t signed_size(const struct signed_object *object)
{
	return object->signature_at - 1;
}

static const char *text_at(const struct signed_object *object, size_t at)
{
	return (const char *)object->text.data + at;
}

/* -- parsing -------------------------------------------------------------------------- */

static const char *member_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

enum fault signed_parse(const json_t *object, const char *type, struct signed_object **ret_signed,
			struct why *why)
{
	const struct parts parts = {
		.protected = member_text(object, "protected"),
		.payload = member_text(object, "payload"),
		.signature = member_text(object, "signature"),
	};

	if (!parts.protected || !parts.payload || !parts.signature || json_object_size(object) != 3)
		return why_set(why, FAULT_MALFORMED,
			       "a signed object is exactly 'payload', 'protected' and 'signature'");
	return object_new(&parts, type, ret_signed, why);
}

enum fault signed_parse_text(const char *text, size_t size, const char *type,
			     struct signed_object **ret_signed, struct why *why)
{
	if (size > OBJECT_TEXT_MAX)
		return why_set(why, FAULT_MALFORMED, "the signed object is too large");
	AUTO(json_decref) json_t *object = NULL;
	enum fault fault = fields_parse(text, size, &object, why);
	if (fault)
		return fault;
	return signed_parse(object, type, ret_signed, why);
}

/* -- making --------------------------------------------------------------------------- */

static enum fault payload_text_new(const json_t *payload, char **ret_text, struct why *why)
{
	AUTO(free) char *json = json_dumps(payload, JSON_COMPACT | JSON_SORT_KEYS);
	if (!json)
		return why_set(why, FAULT_MEMORY, "no memory to write a payload");
	if (strlen(json) > SIGNED_PAYLOAD_MAX)
		return why_set(why, FAULT_INVALID, "what is to be signed is larger than %d bytes",
			       SIGNED_PAYLOAD_MAX);
	char *text = text_base64_new(json, strlen(json));
	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory to write a payload");
	*ret_text = text;
	return FAULT_NONE;
}

static enum fault sign(const char *protected, const char *payload, const struct identity *signer,
		       uint8_t signature[static SIGNATURE_SIZE], struct why *why)
{
	AUTO(bytes_done) struct bytes input = BYTES_EMPTY;
	enum fault fault = bytes_append_text(&input, protected, why);
	if (!fault)
		fault = bytes_append(&input, ".", 1, why);
	if (!fault)
		fault = bytes_append_text(&input, payload, why);
	if (!fault)
		identity_sign(signer, input.data, input.size, signature);
	return fault;
}

enum fault signed_make(const json_t *payload, const char *type, const struct identity *signer,
		       struct signed_object **ret_signed, struct why *why)
{
	AUTO(free) char *payload_text = NULL;
	enum fault fault = payload_text_new(payload, &payload_text, why);
	if (fault)
		return fault;
	char header[HEADER_MAX];
	char header_text[BASE64_LENGTH(HEADER_MAX) + 1];
	const struct fingerprint fingerprint = public_identity_fingerprint(identity_public(signer));
	text_base64(header_text, header, write_header(header, &fingerprint, type));
	uint8_t signature[SIGNATURE_SIZE];
	fault = sign(header_text, payload_text, signer, signature, why);
	if (fault)
		return fault;
	char signature_text[BASE64_LENGTH(SIGNATURE_SIZE) + 1];
	text_base64(signature_text, signature, SIGNATURE_SIZE);
	const struct parts parts = {header_text, payload_text, signature_text};
	return object_new(&parts, type, ret_signed, why);
}

enum fault signed_copy(const struct signed_object *object, struct signed_object **ret_copy, struct why *why)
{
	AUTO(signed_free) struct signed_object *copy = calloc(1, sizeof *copy);
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a signed object");
	*copy = *object;
	copy->text = BYTES_EMPTY;
	copy->payload = json_deep_copy(object->payload);
	if (!copy->payload)
		return why_set(why, FAULT_MEMORY, "no memory for a signed object");
	enum fault fault = bytes_append(&copy->text, object->text.data, object->text.size, why);
	if (!fault)
		*ret_copy = TAKE(copy);
	return fault;
}

/* -- use ------------------------------------------------------------------------------ */

enum fault signed_verify(const struct signed_object *object,
			 const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why)
{
	if (crypto_sign_verify_detached(object->signature, object->text.data, signed_size(object),
					sign_public) != 0)
		return why_set(why, FAULT_REFUSED, "the signature is not by the key of the one it names");
	return FAULT_NONE;
}

struct fingerprint signed_signer(const struct signed_object *object)
{
	return object->signer;
}

const json_t *signed_payload(const struct signed_object *object)
{
	return object->payload;
}

struct digest signed_digest(const struct signed_object *object)
{
	return kdf_hash(KDF_HASH_RECORD, object->text.data, object->text.size);
}

enum fault signed_text(const struct signed_object *object, char **ret_text, struct why *why)
{
	char *text = NULL;

	if (asprintf(&text, "{\"payload\":\"%.*s\",\"protected\":\"%.*s\",\"signature\":\"%s\"}",
		     (int)(object->signature_at - 1 - object->payload_at),
		     text_at(object, object->payload_at), (int)(object->payload_at - 1), text_at(object, 0),
		     text_at(object, object->signature_at)) < 0)
		return why_set(why, FAULT_MEMORY, "no memory to write a signed object");
	*ret_text = text;
	return FAULT_NONE;
}

json_t *signed_json(const struct signed_object *object)
{
	const char *protected = text_at(object, 0);
	const char *payload = text_at(object, object->payload_at);

	return json_pack("{s:s%, s:s%, s:s}", "payload", payload,
			 object->signature_at - 1 - object->payload_at, "protected", protected,
			 object->payload_at - 1, "signature", text_at(object, object->signature_at));
}
