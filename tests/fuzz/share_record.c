/* Any text as `.fsenc-share`; and any text as the payload that its maker signed. */
#include "keys/share_record.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct share_record *record)
{
	const struct fingerprint maker = public_identity_fingerprint(&record->maker);

	MUST(fingerprint_equal(&maker, &record->signer));
	MUST(!share_id_is_none(&record->share));
	MUST(record->version >= 1 && (record->version == 1) == digest_is_none(&record->previous));
	MUST(!identity_check_name(record->maker.name, NULL));
}

static void fuzz_text(const void *text, size_t size)
{
	struct share_record record;

	if (!share_record_parse(text, size, &record, NULL))
		check_record(&record);
}

static void fuzz_payload(const char *text, size_t size)
{
	AUTO(json_decref) json_t *payload = NULL;

	if (fields_parse(text, size, &payload, NULL))
		return;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, SHARE_RECORD_TYPE);
	if (!object)
		return;
	AUTO(json_decref)
	json_t *json =
		json_pack("{s:o, s:[o]}", "record", signed_json(object), "certificates", fixed_certificate());
	AUTO(bytes_done) struct bytes whole = BYTES_EMPTY;
	MUST(json && !fields_append_text(json, &whole, NULL));
	fuzz_text(whole.data, whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text(data, size);
	fuzz_payload((const char *)data, size);
	return 0;
}
