/* Any text as a certificate; and any text as its signed payload. */
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_certificate(const struct certificate *certificate)
{
	AUTO(certificate_free) struct certificate *copy = NULL;
	const struct public_identity *identity = certificate_identity(certificate);
	const struct fingerprint measured = public_identity_fingerprint(identity);
	const struct fingerprint told = certificate_fingerprint(certificate);
	const struct fingerprint signer = signed_signer(certificate_signed(certificate));

	MUST(!identity_check_name(identity->name, NULL));
	MUST(!member_id_is_none(&identity->id));
	MUST(fingerprint_equal(&measured, &told));
	MUST(!certificate_copy(certificate, &copy, NULL));
	if (certificate_is_self_signed(certificate)) {
		MUST(fingerprint_equal(&measured, &signer));
		MUST(!certificate_verify_by(certificate, identity->sign_public, NULL));
	}
}

static void fuzz_text(const char *text, size_t size)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;

	if (!certificate_parse_text(text, size, &certificate, NULL))
		check_certificate(certificate);
}

static void fuzz_payload(const char *text, size_t size)
{
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;

	if (fields_parse(text, size, &payload, NULL))
		return;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, CERTIFICATE_TYPE);
	AUTO(json_decref) json_t *json = object ? signed_json(object) : NULL;
	if (json && !certificate_parse(json, &certificate, NULL))
		check_certificate(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text((const char *)data, size);
	fuzz_payload((const char *)data, size);
	return 0;
}
