/* A fresh folder. */
#include "keys/folder_draft.h"

#define BLOCK_DEFAULT 4096

static bool is_certificate_of(const struct certificate *certificate, const struct identity *identity)
{
	const struct fingerprint named = certificate_fingerprint(certificate);
	const struct fingerprint own = public_identity_fingerprint(identity_public(identity));

	return fingerprint_equal(&named, &own) &&
	       member_id_equal(&certificate_identity(certificate)->id, &identity_public(identity)->id);
}

static enum fault add_recovery(struct draft *draft, const struct folder_new_options *options, struct why *why)
{
	enum fault fault = FAULT_NONE;

	draft->added_groups = options->recovery;
	draft->added_group_count = options->recovery_count;
	draft->organisation = options->signer;
	for (size_t i = 0; i < options->recovery_count && !fault; i++) {
		struct group_descriptor group;
		fault = group_descriptor_read(options->recovery[i], options->signer, &group, why);
		if (!fault && !group.recovery)
			fault = why_set(why, FAULT_INVALID, "'%s' is no recovery group", group.name);
		if (fault)
			break;
		const struct record_entry entry = folder_group_entry(&group, ROLE_READER);
		fault = record_put_entry(draft->record, &entry, why);
	}
	return fault;
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
	const struct record_entry creator = folder_user_entry(options->creator, ROLE_ADMIN);
	fault = record_put_entry(record, &creator, why);
	if (!fault)
		fault = add_recovery(draft, options, why);
	if (!fault)
		fault = draft_add_generation(draft, REASON_CREATED, why);
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
	fault = draft_publish(&draft, &file, why);
	if (fault)
		return fault;
	fault = folder_keys_unfold(file->record, draft.folder_key.bytes, ret_keys, why);
	if (!fault)
		*ret_file = TAKE(file);
	return fault;
}
