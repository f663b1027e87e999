/* Any text as the unsigned keybox beside a good record: it opens to the one key, or not at all. */
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *record_text(void)
{
	static char *text;

	if (!text) {
		AUTO(signed_free) struct signed_object *object = NULL;
		record_free(fixed_record(&object));
		MUST(!signed_text(object, &text, NULL));
	}
	return text;
}

static void put_together(const char *keybox, size_t size, struct bytes *text)
{
	MUST(!bytes_append_text(text, "{\"certificates\":[],\"record\":", NULL));
	MUST(!bytes_append_text(text, record_text(), NULL));
	MUST(!bytes_append_text(text, ",\"keybox\":", NULL));
	MUST(!bytes_append(text, keybox, size, NULL));
	MUST(!bytes_append_text(text, "}", NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;

	put_together((const char *)data, size, &text);
	if (folder_file_parse(text.data, text.size, &file, NULL))
		return 0;
	enum fault fault = folder_keys_open(file, fixed_identity(), &keys, NULL);
	MUST(!fault || fault == FAULT_TAMPERED);
	if (!fault)
		MUST(memcmp(folder_keys_folder_key(keys, 1), fixed_folder_key, KEY_SIZE) == 0);
	return 0;
}
