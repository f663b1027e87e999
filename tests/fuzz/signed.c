/* Any text as a signed object; and any text inside one. */
#include "tests/fuzz/fixed.h"

#define TYPE "fsenc-test+v1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written and read again as the same. */
static void check_text(const struct signed_object *object)
{
	AUTO(free) char *text = NULL;
	AUTO(signed_free) struct signed_object *again = NULL;

	MUST(!signed_text(object, &text, NULL));
	MUST(!signed_parse_text(text, strlen(text), TYPE, &again, NULL));
	const struct digest one = signed_digest(object);
	const struct digest other = signed_digest(again);
	MUST(digest_equal(&one, &other));
}

static void fuzz_text(const char *text, size_t size)
{
	AUTO(signed_free) struct signed_object *object = NULL;

	if (signed_parse_text(text, size, TYPE, &object, NULL))
		return;
	check_text(object);
	MUST(json_is_object(signed_payload(object)));
	(void)!signed_verify(object, identity_public(fixed_identity())->sign_public, NULL);
}

static void fuzz_payload(const char *text, size_t size)
{
	AUTO(json_decref) json_t *payload = NULL;

	if (fields_parse(text, size, &payload, NULL))
		return;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, TYPE);
	if (!object)
		return;
	check_text(object);
	MUST(json_equal(signed_payload(object), payload));
	MUST(!signed_verify(object, identity_public(fixed_identity())->sign_public, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text((const char *)data, size);
	fuzz_payload((const char *)data, size);
	return 0;
}
