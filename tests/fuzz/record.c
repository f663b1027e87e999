/* Any text as `.fsenc`, and any text as the payload of a record that an admin signed: what is
 * accepted after version 1 must keep what version 1 promised. */
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct record *before(void)
{
	static struct record *record;

	if (!record) {
		AUTO(signed_free) struct signed_object *object = NULL;
		record = fixed_record(&object);
	}
	return record;
}

/* The rules once more, in other words. */
static void check_follower(const struct record *next)
{
	const struct record *first = before();
	const struct record_entry *owner = record_find(next, &fixed_id);

	MUST(next->version == 2 && digest_equal(&next->previous, &first->digest));
	MUST(folder_id_equal(&next->folder, &first->folder) && share_id_equal(&next->share, &first->share));
	MUST(next->block == first->block && !next->names_clear);
	MUST(next->generation_count == 1 || next->generation_count == 2);
	MUST(memcmp(next->generations[0].commit, first->generations[0].commit, KEY_SIZE) == 0);
	MUST(next->min_read >= 1 && next->min_read <= next->min_write &&
	     next->min_write <= next->generation_count);
	MUST(owner || next->min_write == 2);
}

static void check_record(const struct record *record, const struct signed_object *object)
{
	for (size_t i = 0; i < record->entry_count; i++)
		MUST(record_find(record, &record->entries[i].id) == &record->entries[i]);
	MUST(record_newest(record)->number == record->generation_count);
	if (!record_is_first(record, object, fixed_find_key, NULL, NULL))
		MUST(record->version == 1 && record_find(record, &fixed_id)->role == ROLE_ADMIN);
	if (!record_follows(before(), record, object, fixed_find_key, NULL, NULL))
		check_follower(record);
}

static void fuzz_file(const char *text, size_t size)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(bytes_done) struct bytes again = BYTES_EMPTY;

	if (folder_file_parse(text, size, &file, NULL))
		return;
	check_record(file->record, file->object);
	MUST(!folder_file_write(file, &again, NULL));
	if (folder_keys_open(file, fixed_identity(), &keys, NULL))
		return;
	for (uint32_t g = 1; g <= folder_keys_newest(keys); g++)
		MUST(folder_key_is_committed(file->record, g, folder_keys_folder_key(keys, g)));
}

static void fuzz_payload(const char *text, size_t size)
{
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(record_free) struct record *record = NULL;

	if (fields_parse(text, size, &payload, NULL))
		return;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, RECORD_TYPE);
	if (!object || record_read(object, &record, NULL))
		return;
	check_record(record, object);
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	(void)!folder_keys_unfold(record, fixed_folder_key, &keys, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_file((const char *)data, size);
	fuzz_payload((const char *)data, size);
	return 0;
}
