/* The next version of an access list, signed and wrapped to everybody on it. */
#include "base/clock.h"
#include "keys/folder_keys.h"

#define BLOCK_DEFAULT 4096

/* A version in the making. */
struct draft {
	const struct folder_file *present; /* NULL for a new folder */
	const struct identity *identity;
	const struct certificate *added; /* or NULL */
	struct record *record;
	struct wiped_key folder_key; /* of the newest generation in `record` */
};

static void draft_done(struct draft *draft)
{
	record_free(draft->record);
	wiped_key(&draft->folder_key);
}
AUTO_VALUE(struct draft, draft_done);

static int64_t now(void)
{
	return clock_wall_ms() / MS_PER_SECOND;
}

static struct record_entry user_entry(const struct certificate *certificate, enum role role)
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

/* The one place that will take K from a group's descriptor once `certificates` can hold one. */
static enum fault wrap_to_group_of(const struct record_entry *entry, struct why *why)
{
	return why_set(why, FAULT_KEY_MISSING, "the descriptor of the group '%s' is missing", entry->name);
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
		return wrap_to_group_of(entry, why);
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

/* Room for one more must be there. */
static enum fault keep_certificate(struct folder_file *file, const struct certificate *certificate,
				   struct why *why)
{
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	if (folder_file_find_key(file, &fingerprint))
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

static enum fault publish(struct draft *draft, struct folder_file **ret_file, struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = calloc(1, sizeof *file);
	if (!file)
		return why_set(why, FAULT_MEMORY, "no memory for an access list");
	draft->record->created = now();
	enum fault fault = record_sign(draft->record, draft->identity, &file->object, why);
	if (fault)
		return fault;
	file->record = TAKE(draft->record);
	fault = fill_certificates(draft, file, why);
	if (!fault)
		fault = fill_keybox(draft, file, why);
	if (!fault)
		fault = check_as_others_do(draft, file, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

/* -- a new folder --------------------------------------------------------------------- */

static enum fault add_generation(struct draft *draft, enum generation_reason reason, struct why *why)
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

static bool is_certificate_of(const struct certificate *certificate, const struct identity *identity)
{
	const struct fingerprint named = certificate_fingerprint(certificate);
	const struct fingerprint own = public_identity_fingerprint(identity_public(identity));

	return fingerprint_equal(&named, &own) &&
	       member_id_equal(&certificate_identity(certificate)->id, &identity_public(identity)->id);
}

static enum fault first_record(struct draft *draft, const struct folder_new_options *options, struct why *why)
{
	enum fault fault = record_new(&draft->record, why);
	if (fault)
		return fault;
	struct record *record = draft->record;
	record->organisation = options->organisation;
	record->share = options->share;
	folder_id_random(&record->folder);
	record->parent = options->parent;
	record->version = 1;
	record->suite = options->suite;
	record->block = options->block ? options->block : BLOCK_DEFAULT;
	record->name_generation = 1;
	record->min_read = 1;
	const struct record_entry creator = user_entry(options->creator, ROLE_ADMIN);
	fault = record_put_entry(record, &creator, why);
	if (!fault)
		fault = add_generation(draft, REASON_CREATED, why);
	return fault;
}

enum fault folder_new(const struct folder_new_options *options, const struct identity *identity,
		      struct folder_file **ret_file, struct folder_keys **ret_keys, struct why *why)
{
	if (!is_certificate_of(options->creator, identity))
		return why_set(why, FAULT_INVALID, "the certificate is not that of the creator's key");
	AUTO(draft_done) struct draft draft = {.identity = identity, .added = options->creator};
	enum fault fault = first_record(&draft, options, why);
	if (fault)
		return fault;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	fault = publish(&draft, &file, why);
	if (fault)
		return fault;
	fault = folder_keys_unfold(file->record, draft.folder_key.bytes, ret_keys, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}

/* -- changes -------------------------------------------------------------------------- */

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

static enum fault begin(struct draft *draft, const struct folder_file *file, const struct folder_keys *keys,
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
	return FAULT_NONE;
}

static enum fault check_role(const struct record_entry *entry, enum role role, struct why *why)
{
	if (role != ROLE_READER && role != ROLE_WRITER && role != ROLE_ADMIN)
		return why_set(why, FAULT_INVALID, "a role is reader, writer or admin");
	if (role == ROLE_ADMIN && entry->kind != MEMBER_USER)
		return why_set(why, FAULT_INVALID, "only a user can be admin, '%s' is a %s", entry->name,
			       member_kind_text(entry->kind));
	return FAULT_NONE;
}

static enum fault check_admin_is_left(const struct record *record, struct why *why)
{
	for (size_t i = 0; i < record->entry_count; i++)
		if (record->entries[i].role == ROLE_ADMIN)
			return FAULT_NONE;
	return why_set(why, FAULT_INVALID,
		       "the folder would have no admin left; make somebody else admin first");
}

enum fault folder_change_add_user(const struct folder_file *file, const struct folder_keys *keys,
				  const struct identity *identity, const struct certificate *user,
				  enum role role, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {.added = user};
	enum fault fault = begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	const struct record_entry entry = user_entry(user, role);
	const struct record_entry *present = record_find(file->record, &entry.id);
	if (present)
		return why_set(why, FAULT_EXISTS, "'%s' has access already, as %s", present->name,
			       role_text(present->role));
	if (certificate_is_expired(user, clock_wall_ms()))
		return why_set(why, FAULT_INVALID, "the certificate of '%s' has expired", entry.name);
	fault = check_role(&entry, role, why);
	if (!fault)
		fault = record_put_entry(draft.record, &entry, why);
	if (!fault)
		fault = publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_set_role(const struct folder_file *file, const struct folder_keys *keys,
				  const struct identity *identity, const struct member_id *member,
				  enum role role, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	const struct record_entry *present = record_find(file->record, member);
	if (!present)
		return why_set(why, FAULT_MISSING, "there is no such member");
	if (present->role == role)
		return why_set(why, FAULT_EXISTS, "'%s' is %s already", present->name, role_text(role));
	fault = check_role(present, role, why);
	if (fault)
		return fault;
	struct record_entry changed = *present;
	changed.role = role;
	fault = record_put_entry(draft.record, &changed, why);
	if (!fault)
		fault = check_admin_is_left(draft.record, why);
	if (!fault)
		fault = publish(&draft, ret_next, why);
	return fault;
}

static enum fault take_out(struct record *record, const struct member_id *member, struct why *why)
{
	const struct record_entry *entry = record_find(record, member);

	if (entry && entry->kind == MEMBER_RECOVERY)
		return why_set(why, FAULT_INVALID, "the recovery group '%s' cannot be taken out",
			       entry->name);
	return record_drop_entry(record, member, why);
}

enum fault folder_change_remove(const struct folder_file *file, const struct folder_keys *keys,
				const struct identity *identity, const struct member_id *members,
				size_t member_count, struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = begin(&draft, file, keys, identity, why);
	if (!fault && member_count == 0)
		fault = why_set(why, FAULT_INVALID, "nobody is named to be taken out");
	for (size_t i = 0; i < member_count && !fault; i++)
		fault = take_out(draft.record, &members[i], why);
	if (!fault)
		fault = check_admin_is_left(draft.record, why);
	if (!fault)
		fault = add_generation(&draft, REASON_REMOVED, why);
	if (!fault)
		fault = publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_rekey(const struct folder_file *file, const struct folder_keys *keys,
			       const struct identity *identity, enum generation_reason reason,
			       struct folder_file **ret_next, struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = begin(&draft, file, keys, identity, why);
	if (!fault && reason != REASON_REKEY && reason != REASON_ROTATION)
		fault = why_set(why, FAULT_INVALID, "a new key is made by rekey or by rotation");
	if (!fault)
		fault = add_generation(&draft, reason, why);
	if (!fault)
		fault = publish(&draft, ret_next, why);
	return fault;
}

enum fault folder_change_close(const struct folder_file *file, const struct folder_keys *keys,
			       const struct identity *identity, struct folder_file **ret_next,
			       struct why *why)
{
	AUTO(draft_done) struct draft draft = {0};
	enum fault fault = begin(&draft, file, keys, identity, why);
	if (fault)
		return fault;
	draft.record->closed = true;
	return publish(&draft, ret_next, why);
}
