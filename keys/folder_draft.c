/* From a draft to a file: signed, wrapped to everybody on it, and checked. */
#include "keys/folder_draft.h"

#include "base/clock.h"

void draft_done(struct draft *draft)
{
	record_free(draft->record);
	wiped_key(&draft->folder_key);
}

struct record_entry folder_user_entry(const struct certificate *certificate, enum role role)
{
	const struct public_identity *identity = certificate_identity(certificate);
	struct record_entry entry = {
		.kind = MEMBER_USER,
		.role = role,
		.id = identity->id,
		.fingerprint = certificate_fingerprint(certificate),
	};

	memcpy(entry.name, identity->name, sizeof entry.name);
	return entry;
}

struct record_entry folder_group_entry(const struct group_descriptor *group, enum role role)
{
	struct record_entry entry = {
		.kind = group->recovery ? MEMBER_RECOVERY : MEMBER_GROUP,
		.role = role,
		.id = group->id,
		.fingerprint = group_fingerprint(&group->organisation, &group->id),
	};

	memcpy(entry.name, group->name, sizeof entry.name);
	return entry;
}

enum fault folder_check_role(const struct record_entry *entry, enum role role, struct why *why)
{
	if (role != ROLE_READER && role != ROLE_WRITER && role != ROLE_ADMIN)
		return why_set(why, FAULT_INVALID, "a role is reader, writer or admin");
	if (role == ROLE_ADMIN && entry->kind != MEMBER_USER)
		return why_set(why, FAULT_INVALID, "only a user can be admin, '%s' is a %s", entry->name,
			       member_kind_text(entry->kind));
	if (role != ROLE_READER && entry->kind == MEMBER_RECOVERY)
		return why_set(why, FAULT_INVALID, "a recovery group is a reader, '%s' too", entry->name);
	return FAULT_NONE;
}

/* -- wrapping ------------------------------------------------------------------------- */

static enum fault wrap_to_person(const struct folder_file *file, const struct record_entry *entry,
				 const uint8_t folder_key[static KEY_SIZE], struct keybox_entry *box,
				 struct why *why)
{
	const struct public_identity *person = folder_file_find_key((void *)(uintptr_t)file,
								    &entry->fingerprint);
	if (!person)
		return why_set(why, FAULT_KEY_MISSING, "the certificate of '%s' is missing", entry->name);
	const struct wrap_context context = {file->record->folder, box->generation, box->kind, box->id};
	enum fault fault = wrap_to_user(&context, folder_key, person->encrypt_public, &box->wrap, why);
	return why_in(why, fault, "the key for '%s'", entry->name);
}

/* To K of the highest epoch that the organisation signed. */
static enum fault wrap_to_members(const struct folder_file *file, const struct record_entry *entry,
				  const uint8_t folder_key[static KEY_SIZE], struct keybox_entry *box,
				  struct why *why)
{
	const struct group_descriptor *group = folder_file_group(file, &entry->id);
	if (!group)
		return why_set(why, FAULT_KEY_MISSING,
			       "the descriptor of the group '%s' is missing, or not of your organisation",
			       entry->name);
	const struct record_entry own = folder_group_entry(group, entry->role);
	if (own.kind != entry->kind || !fingerprint_equal(&own.fingerprint, &entry->fingerprint))
		return why_set(why, FAULT_KEY_MISSING,
			       "the group '%s' is another one than your organisation's", entry->name);
	const struct wrap_context context = {file->record->folder, box->generation, box->kind, box->id};
	enum fault fault = wrap_to_group(&context, folder_key, group->commitments[0].bytes, &box->wrap, why);
	return why_in(why, fault, "the key for the group '%s'", entry->name);
}

static const struct keybox_entry *present_wrap(const struct folder_file *present,
					       const struct keybox_entry *wanted)
{
	for (size_t i = 0; present && i < present->keybox_count; i++) {
		const struct keybox_entry *box = &present->keybox[i];
		if (box->kind == wanted->kind && member_id_equal(&box->id, &wanted->id) &&
		    fingerprint_equal(&box->fingerprint, &wanted->fingerprint) &&
		    box->generation == wanted->generation)
			return box;
	}
	return NULL;
}

static enum fault fill_box(const struct draft *draft, const struct folder_file *file,
			   const struct record_entry *entry, struct keybox_entry *box, struct why *why)
{
	box->kind = entry->kind;
	box->id = entry->id;
	box->fingerprint = entry->fingerprint;
	box->generation = record_newest(file->record)->number;
	if (entry->kind == MEMBER_USER)
		return wrap_to_person(file, entry, draft->folder_key.bytes, box, why);
	const struct keybox_entry *present = present_wrap(draft->present, box);
	if (!present)
		return wrap_to_members(file, entry, draft->folder_key.bytes, box, why);
	box->wrap = present->wrap;
	return FAULT_NONE;
}

static enum fault fill_keybox(const struct draft *draft, struct folder_file *file, struct why *why)
{
	size_t count = file->record->entry_count;
	file->keybox = calloc(count, sizeof *file->keybox);
	if (!file->keybox)
		return why_set(why, FAULT_MEMORY, "no memory for a keybox");
	file->keybox_count = count;
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < count && !fault; i++)
		fault = fill_box(draft, file, &file->record->entries[i], &file->keybox[i], why);
	return fault;
}

/* -- certificates --------------------------------------------------------------------- */

/* Room for one more must be there. What a server says beside what its holder says of himself is kept. */
static enum fault keep_certificate(struct folder_file *file, const struct certificate *certificate,
				   struct why *why)
{
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	const struct certificate *there = folder_file_find_certificate(file, &fingerprint);
	if (there && (certificate_is_self_signed(certificate) || !certificate_is_self_signed(there)))
		return FAULT_NONE;
	enum fault fault = certificate_copy(certificate, &file->certificates[file->certificate_count], why);
	if (!fault)
		file->certificate_count++;
	return fault;
}

/* All that were there stay: a former signer's is needed to check the log. */
static enum fault fill_certificates(const struct draft *draft, struct folder_file *file, struct why *why)
{
	size_t present = draft->present ? draft->present->certificate_count : 0;
	file->certificates = calloc(present + 1, sizeof(struct certificate *));
	if (!file->certificates)
		return why_set(why, FAULT_MEMORY, "no memory for certificates");
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < present && !fault; i++)
		fault = keep_certificate(file, draft->present->certificates[i], why);
	if (!fault && draft->added)
		fault = keep_certificate(file, draft->added, why);
	return fault;
}

static enum fault fill_groups(const struct draft *draft, struct folder_file *file, struct why *why)
{
	enum fault fault = FAULT_NONE;

	if (draft->present)
		fault = folder_file_inherit_groups(file, draft->present, why);
	for (size_t i = 0; i < draft->added_group_count && !fault; i++)
		fault = folder_file_offer_group(file, draft->added_groups[i], draft->organisation, why);
	return fault;
}

/* -- from a draft to a file ----------------------------------------------------------- */

/* What is about to be stored must pass the rules that every other client will apply. */
static enum fault check_as_others_do(const struct draft *draft, struct folder_file *file, struct why *why)
{
	enum fault fault;

	if (draft->present)
		fault = record_follows(draft->present->record, file->record, file->object,
				       folder_file_find_key, file, why);
	else
		fault = record_is_first(file->record, file->object, folder_file_find_key, file, why);
	return why_in(why, fault, "the new version would be refused");
}

enum fault draft_publish(struct draft *draft, struct folder_file **ret_file, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = calloc(1, sizeof *file);
	if (!file)
		return why_set(why, FAULT_MEMORY, "no memory for an access list");
	draft->record->created = clock_wall_ms() / MS_PER_SECOND;
	enum fault fault = record_sign(draft->record, draft->identity, &file->object, why);
	if (fault)
		return fault;
	file->record = TAKE(draft->record);
	fault = fill_certificates(draft, file, why);
	if (!fault)
		fault = fill_groups(draft, file, why);
	if (!fault)
		fault = fill_keybox(draft, file, why);
	if (!fault)
		fault = check_as_others_do(draft, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

enum fault draft_add_generation(struct draft *draft, enum generation_reason reason, struct why *why)
{
	struct record *record = draft->record;
	const uint32_t number = (uint32_t)record->generation_count + 1;
	if (number > RECORD_GENERATIONS_MAX)
		return why_set(why, FAULT_INVALID,
			       "the folder has had too many keys; move its files into a new one");
	struct record_generation *generations = reallocarray(record->generations, number,
							     sizeof *generations);
	if (!generations)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	record->generations = generations;
	struct record_generation *fresh = &generations[number - 1];
	*fresh = (struct record_generation){.number = number, .has_previous = number > 1, .reason = reason};
	AUTO(wiped_key) struct wiped_key folder_key;
	randombytes_buf(folder_key.bytes, KEY_SIZE);
	folder_key_commit(folder_key.bytes, &record->folder, number, fresh->commit);
	if (number > 1)
		folder_key_seal_previous(folder_key.bytes, &record->folder, number, draft->folder_key.bytes,
					 fresh->previous);
	draft->folder_key = folder_key;
	record->generation_count = number;
	record->min_write = number;
	return FAULT_NONE;
}

/* -- the next version ------------------------------------------------------------------------ */

static enum fault check_admin(const struct record *record, const struct identity *identity, struct why *why)
{
	const struct record_entry *entry = record_find(record, &identity_public(identity)->id);
	const struct fingerprint own = public_identity_fingerprint(identity_public(identity));

	if (record->closed)
		return why_set(why, FAULT_INVALID, "the folder is closed");
	if (!entry || entry->kind != MEMBER_USER || entry->role != ROLE_ADMIN ||
	    !fingerprint_equal(&entry->fingerprint, &own))
		return why_set(why, FAULT_DENIED, "only an admin of the folder may change who has access");
	return FAULT_NONE;
}

enum fault draft_begin(struct draft *draft, const struct folder_file *file, const struct folder_keys *keys,
		       const struct identity *identity, struct why *why)
{
	const uint32_t newest = record_newest(file->record)->number;
	const uint8_t *folder_key = folder_keys_folder_key(keys, newest);
	enum fault fault = check_admin(file->record, identity, why);
	if (fault)
		return fault;
	if (!folder_key || !folder_key_is_committed(file->record, newest, folder_key))
		return why_set(why, FAULT_INVALID,
			       "the keys are not those of this version of the access list");
	draft->present = file;
	draft->identity = identity;
	memcpy(draft->folder_key.bytes, folder_key, KEY_SIZE);
	fault = record_copy(file->record, &draft->record, why);
	if (fault)
		return fault;
	draft->record->version++;
	draft->record->previous = file->record->digest;
	return folder_file_let_in_required(file, draft->record, why);
}
