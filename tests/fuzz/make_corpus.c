/* Makes the seeds of the fuzz targets of the key layer again: fuzz-make-corpus DIRECTORY, whose
 * directories signed, certificate, record, keybox, share_record and parcel exist. */
#include "keys/parcel.h"
#include "keys/share_record.h"
#include "tests/fuzz/seeds.h"

static void write_signed(const char *name, const json_t *payload, const char *type)
{
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, type);
	AUTO(json_decref) json_t *json = object ? signed_json(object) : NULL;

	MUST(json);
	write_json(name, json);
}

static json_t *parse_text(const struct bytes *text)
{
	json_t *json = NULL;

	MUST(!fields_parse(text->data, text->size, &json, NULL));
	return json;
}

static struct certificate *certificate_of(const json_t *json)
{
	struct certificate *certificate = NULL;

	MUST(!certificate_parse(json, &certificate, NULL));
	return certificate;
}

/* `.fsenc` of version 1, wrapped to Alice. */
static struct folder_file *first_file(void)
{
	struct folder_file *file = calloc(1, sizeof *file);
	MUST(file);
	file->record = fixed_record(&file->object);
	file->keybox = calloc(1, sizeof *file->keybox);
	file->certificates = calloc(1, sizeof(struct certificate *));
	MUST(file->keybox && file->certificates);
	AUTO(json_decref) json_t *certificate = fixed_certificate();
	file->certificates[file->certificate_count++] = certificate_of(certificate);
	struct keybox_entry *box = &file->keybox[file->keybox_count++];
	*box = (struct keybox_entry){.kind = MEMBER_USER, .id = fixed_id, .generation = 1};
	box->fingerprint = file->record->entries[0].fingerprint;
	const struct wrap_context context = {fixed_folder, 1, MEMBER_USER, fixed_id};
	MUST(!wrap_to_user(&context, fixed_folder_key, identity_public(fixed_identity())->encrypt_public,
			   &box->wrap, NULL));
	return file;
}

static void write_folder(const char *name, const struct folder_file *file)
{
	char payload_name[64];
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	MUST(!folder_file_write(file, &text, NULL));
	AUTO(json_decref) json_t *json = parse_text(&text);
	write_json(name, json);
	(void)snprintf(payload_name, sizeof payload_name, "%s-payload", name);
	write_json(payload_name, signed_payload(file->object));
}

static void make_records(void)
{
	AUTO(folder_file_free) struct folder_file *first = first_file();
	AUTO(folder_file_free) struct folder_file *added = NULL;
	AUTO(folder_file_free) struct folder_file *rekeyed = NULL;
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	AUTO(identity_free) struct identity *bob = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;

	MUST(!identity_new("Bob", &bob, NULL) && !certificate_self_signed(bob, &certificate, NULL));
	MUST(!folder_keys_open(first, fixed_identity(), &keys, NULL));
	MUST(!folder_change_add_user(first, keys, fixed_identity(), certificate, ROLE_WRITER, &added, NULL));
	MUST(!folder_change_rekey(first, keys, fixed_identity(), REASON_ROTATION, &rekeyed, NULL));
	write_folder("record/first", first);
	write_folder("record/added", added);
	write_folder("record/rekeyed", rekeyed);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	MUST(!folder_file_write(first, &text, NULL));
	AUTO(json_decref) json_t *json = parse_text(&text);
	write_json("keybox/alice", json_object_get(json, "keybox"));
	write_seed("keybox/empty", "[]");
}

static void make_share_record(void)
{
	struct share_record record;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(json_decref) json_t *certificate_json = fixed_certificate();
	AUTO(certificate_free) struct certificate *certificate = certificate_of(certificate_json);
	AUTO(signed_free) struct signed_object *object = NULL;

	MUST(!share_record_make(true, certificate, fixed_identity(), &record, &text, NULL));
	AUTO(json_decref) json_t *json = parse_text(&text);
	write_json("share_record/lobby", json);
	MUST(!signed_parse(json_object_get(json, "record"), SHARE_RECORD_TYPE, &object, NULL));
	write_json("share_record/payload", signed_payload(object));
}

static void make_parcel(void)
{
	const struct public_identity *root = identity_public(fixed_identity());
	struct organisation organisation = {.root = *root, .version = 1, .servers = {*root}, .server_count = 1};
	struct group_descriptor group = {.organisation = organisation_id_of(&organisation),
					 .id = {{9}},
					 .name = "finance",
					 .version = 1,
					 .epoch = 1,
					 .threshold = 1,
					 .servers = {{root->id, 1}},
					 .server_count = 1};
	AUTO(group_deal_wipe) struct group_deal deal;
	AUTO(parcel_done) struct parcel parcel = PARCEL_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	MUST(!group_deal(NULL, 1, 1, &deal, NULL));
	group.commitments[0] = deal.commitments[0];
	MUST(!organisation_sign(&organisation, fixed_identity(), &parcel.organisation, NULL));
	MUST(!group_descriptor_sign(&group, fixed_identity(), &parcel.group, NULL));
	MUST(!parcel_seal_share(&parcel, &group, root, &deal.shares[0], false, NULL));
	MUST(!parcel_write(&parcel, &text, NULL));
	AUTO(json_decref) json_t *json = parse_text(&text);
	write_json("parcel/share", json);
}

int main(int count, char **arguments)
{
	MUST(count == 2);
	seed_directory = arguments[1];
	AUTO(json_decref) json_t *payload = json_pack("{s:s, s:[i, b, n]}", "a", "b", "c", 1, 1);
	AUTO(json_decref) json_t *certificate = fixed_certificate_payload();
	write_signed("signed/object", payload, "fsenc-test+v1");
	write_json("signed/payload", payload);
	write_signed("signed/another-type", payload, CERTIFICATE_TYPE);
	write_signed("certificate/alice", certificate, CERTIFICATE_TYPE);
	write_json("certificate/payload", certificate);
	make_records();
	make_share_record();
	make_parcel();
	return 0;
}
