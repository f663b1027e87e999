/* `.fsenc` as text. What the keys in it open is keys/folder_keys.c, its changes keys/folder_change.c. */
#include "keys/folder.h"

#include "base/array.h"

#include "keys/fields.h"
#include "keys/folder_draft.h"

#define CERTIFICATES_MAX (2 * RECORD_MEMBERS_MAX)

static const struct field file_fields[] = {
	{.name = "record", .form = FIELD_OBJECT},
	{"keybox", FIELD_LIST, .most = RECORD_MEMBERS_MAX},
	{"certificates", FIELD_LIST, .most = CERTIFICATES_MAX},
};

static const struct field keybox_fields[] = {
	{"kind", FIELD_CHOICE, FIELD_AT(struct keybox_entry, kind), .words = member_kind_words},
	{"id", FIELD_HEX, FIELD_AT(struct keybox_entry, id)},
	{"fpr", FIELD_BASE64, FIELD_AT(struct keybox_entry, fingerprint)},
	{"gen", FIELD_INTEGER, FIELD_AT(struct keybox_entry, generation), .least = 1,
	 .most = RECORD_GENERATIONS_MAX},
	{"wrap", FIELD_BASE64, FIELD_AT(struct keybox_entry, wrap)},
};

void folder_file_free(struct folder_file *file)
{
	if (!file)
		return;
	record_free(file->record);
	signed_free(file->object);
	free(file->keybox);
	for (size_t i = 0; i < file->certificate_count; i++)
		certificate_free(file->certificates[i]);
	free(file->certificates);
	for (size_t i = 0; i < file->group_count; i++)
		folder_group_done(&file->groups[i]);
	free(file->groups);
	free(file);
}

/* -- reading -------------------------------------------------------------------------- */

static enum fault read_record(const json_t *object, struct folder_file *file, struct why *why)
{
	enum fault fault = signed_parse(object, RECORD_TYPE, &file->object, why);
	if (fault)
		return why_in(why, fault, "the record");
	return record_read(file->object, &file->record, why);
}

static enum fault read_keybox(const json_t *list, struct folder_file *file, struct why *why)
{
	size_t count = json_array_size(list);
	file->keybox = calloc(count + 1, sizeof *file->keybox);
	if (!file->keybox)
		return why_set(why, FAULT_MEMORY, "no memory for a keybox");
	for (size_t i = 0; i < count; i++) {
		struct keybox_entry *box = &file->keybox[i];
		enum fault fault = fields_read(keybox_fields, COUNT(keybox_fields), json_array_get(list, i),
					       box, why);
		if (fault)
			return why_in(why, fault, "envelope %zu", i + 1);
		if (i > 0 && memcmp(box[-1].id.bytes, box->id.bytes, ID_SIZE) >= 0)
			return why_set(why, FAULT_MALFORMED,
				       "the keybox is not sorted, or an id stands there twice");
	}
	file->keybox_count = count;
	return FAULT_NONE;
}

/* A certificate or a group's descriptor: their `typ` says which. */
static enum fault read_certificate(const json_t *value, struct folder_file *file, struct why *why)
{
	struct signed_object *object = NULL;
	if (signed_parse(value, GROUP_TYPE, &object, NULL) == FAULT_NONE)
		return folder_file_keep_group(file, object, why);
	enum fault fault = certificate_parse(value, &file->certificates[file->certificate_count], why);
	if (!fault)
		file->certificate_count++;
	return fault;
}

static enum fault read_certificates(const json_t *list, struct folder_file *file, struct why *why)
{
	file->certificates = calloc(json_array_size(list) + 1, sizeof(struct certificate *));
	if (!file->certificates)
		return why_set(why, FAULT_MEMORY, "no memory for certificates");
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum fault fault = read_certificate(json_array_get(list, i), file, why);
		if (fault)
			return why_in(why, fault, "certificate %zu", i + 1);
	}
	return FAULT_NONE;
}

static int by_fingerprint(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct fingerprint));
}

/* The list is not signed, but the entries say what must be in it; without it no new generation can be wrapped
 * to everybody. */
static enum fault check_certificates(const struct folder_file *file, struct why *why)
{
	size_t count = file->certificate_count;
	AUTO(free) struct fingerprint *known = calloc(count + 1, sizeof *known);
	if (!known)
		return why_set(why, FAULT_MEMORY, "no memory for certificates");
	for (size_t i = 0; i < count; i++)
		known[i] = certificate_fingerprint(file->certificates[i]);
	qsort(known, count, sizeof *known, by_fingerprint);
	for (size_t i = 0; i < file->record->entry_count; i++) {
		const struct record_entry *entry = &file->record->entries[i];
		if (entry->kind == MEMBER_USER &&
		    !bsearch(&entry->fingerprint, known, count, sizeof *known, by_fingerprint))
			return why_set(why, FAULT_MALFORMED, "the certificate of '%s' is missing",
				       entry->name);
	}
	return FAULT_NONE;
}

static enum fault read_file(const json_t *json, struct folder_file *file, struct why *why)
{
	enum fault fault = fields_read(file_fields, COUNT(file_fields), json, file, why);
	if (!fault)
		fault = read_record(json_object_get(json, "record"), file, why);
	if (!fault)
		fault = read_keybox(json_object_get(json, "keybox"), file, why);
	if (!fault)
		fault = read_certificates(json_object_get(json, "certificates"), file, why);
	if (!fault)
		fault = check_certificates(file, why);
	return fault;
}

/* A broken certificate or a wrong `typ` in it makes the whole file damaged: it is mended from its copies. */
static enum fault as_malformed(enum fault fault)
{
	return fault == FAULT_REFUSED ? FAULT_MALFORMED : fault;
}

enum fault folder_file_parse(const void *text, size_t size, struct folder_file **ret_file, struct why *why)
{
	if (size > FOLDER_FILE_MAX)
		return why_set(why, FAULT_MALFORMED, "the access list is larger than %d bytes",
			       FOLDER_FILE_MAX);
	AUTO(json_decref) json_t *json = NULL;
	enum fault fault = fields_parse(text, size, &json, why);
	if (fault)
		return fault;
	AUTO(folder_file_free) struct folder_file *file = calloc(1, sizeof *file);
	if (!file)
		return why_set(why, FAULT_MEMORY, "no memory for an access list");
	fault = read_file(json, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return as_malformed(fault);
}

/* -- writing -------------------------------------------------------------------------- */

static enum fault write_keybox(const struct folder_file *file, json_t *list, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < file->keybox_count && !fault; i++) {
		json_t *box;
		fault = fields_write(keybox_fields, COUNT(keybox_fields), &file->keybox[i], &box, why);
		if (!fault)
			fault = fields_append(list, box, why);
	}
	return fault;
}

static enum fault write_certificates(const struct folder_file *file, json_t *list, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < file->certificate_count && !fault; i++)
		fault = fields_append(list, signed_json(certificate_signed(file->certificates[i])), why);
	for (size_t i = 0; i < file->group_count && !fault; i++)
		fault = fields_append(list, signed_json(file->groups[i].object), why);
	return fault;
}

static enum fault
write_list(const struct folder_file *file, json_t *json, const char *name,
	   enum fault (*fill)(const struct folder_file *file, json_t *list, struct why *why), struct why *why)
{
	AUTO(json_decref) json_t *list = json_array();
	enum fault fault = list ? fill(file, list, why) : why_set(why, FAULT_MEMORY, "no memory for a list");
	if (!fault)
		fault = fields_set(json, name, TAKE(list), why);
	return fault;
}

enum fault folder_file_write(const struct folder_file *file, struct bytes *ret_text, struct why *why)
{
	AUTO(json_decref) json_t *json = json_object();
	enum fault fault = json ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for an access list");
	if (!fault)
		fault = fields_set(json, "record", signed_json(file->object), why);
	if (!fault)
		fault = write_list(file, json, "keybox", write_keybox, why);
	if (!fault)
		fault = write_list(file, json, "certificates", write_certificates, why);
	if (!fault)
		fault = fields_append_text(json, ret_text, why);
	return fault;
}

const struct certificate *folder_file_find_certificate(const struct folder_file *file,
						       const struct fingerprint *fingerprint)
{
	const struct certificate *self_signed = NULL;

	for (size_t i = 0; i < file->certificate_count; i++) {
		const struct fingerprint found = certificate_fingerprint(file->certificates[i]);
		if (!fingerprint_equal(&found, fingerprint))
			continue;
		if (!certificate_is_self_signed(file->certificates[i]))
			return file->certificates[i];
		self_signed = file->certificates[i];
	}
	return self_signed;
}

const struct public_identity *folder_file_find_key(void *file, const struct fingerprint *fingerprint)
{
	const struct certificate *found = folder_file_find_certificate(file, fingerprint);

	return found ? certificate_identity(found) : NULL;
}
