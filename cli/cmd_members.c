/* fsenc members, set-role, remove-user */
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/admission.h"
#include "cli/expansion.h"
#include "cli/member.h"
#include "cli/removal.h"
#include "cli/target.h"
#include "base/table.h"

#include <stdio.h>

const struct option_row options_members[] = {
	{"expand", 0, NULL,
	 "who can read this, and why: the members of each group, as the directory has them now", OPTION_FLAG,
	 OPTION_AT(expand)},
	OPTION_ROWS_END,
};

const struct option_row options_remove_user[] = {
	{"dry-run", 'n', NULL, "say what would be done, and do nothing", OPTION_FLAG, OPTION_AT(dry_run)},
	OPTION_ROWS_END,
};

/* -- members -------------------------------------------------------------------------- */

static json_t *entry_json(const struct record_entry *entry)
{
	char id[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE];

	member_id_text(&entry->id, id);
	fingerprint_text(&entry->fingerprint, fingerprint);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", member_kind_text(entry->kind), "role",
			 role_text(entry->role), "id", id, "name", entry->name, "fingerprint", fingerprint);
}

static enum fault members_json(const struct record *record, struct why *why)
{
	json_t *members = json_array();
	char folder[ID_TEXT_SIZE];

	for (size_t i = 0; i < record->entry_count; i++) {
		if (json_array_append_new(members, entry_json(&record->entries[i]))) {
			json_decref(members);
			return why_set(why, FAULT_MEMORY, "no memory for the answer");
		}
	}
	folder_id_text(&record->folder, folder);
	return answer_print(json_pack("{s:s, s:I, s:I, s:o}", "folder", folder, "version",
				      (json_int_t)record->version, "generation",
				      (json_int_t)record_newest(record)->number, "members", members),
			    why);
}

static enum fault members_text(const struct record *record, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(5);

	table_add(&table, (const char *[]){"NAME", "ROLE", "KIND", "ID", "FINGERPRINT"});
	for (size_t i = 0; i < record->entry_count; i++) {
		const struct record_entry *entry = &record->entries[i];
		char id[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE];

		member_id_text(&entry->id, id);
		fingerprint_text(&entry->fingerprint, fingerprint);
		table_add(&table, (const char *[]){entry->name, role_text(entry->role),
						   member_kind_text(entry->kind), id, fingerprint});
	}
	return table_print(&table, stdout, why);
}

enum fault cmd_members(struct call *call, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum target_want want = call->options->expand ? TARGET_UNLOCKED : TARGET_LOCKED;
	enum fault fault = target_open(call, want, call->arguments[0], &target, why);

	if (!fault)
		fault = access_read(&target.access, &file, why);
	if (fault)
		return fault;
	if (call->options->expand)
		return expansion_print(call, target.keyring, file->record, why);
	return call->options->json ? members_json(file->record, why) : members_text(file->record, why);
}

/* -- set-role ------------------------------------------------------------------------- */

struct change {
	const struct call *call;
	const struct identity *identity;
	enum role role;
};

static enum fault set_role(void *context, const struct folder_file *present, const struct folder_keys *keys,
			   struct folder_file **ret_next, struct why *why)
{
	const struct change *change = context;
	const struct record_entry *entry;
	enum fault fault = member_find(present->record, change->call->arguments[1], &entry, why);

	if (fault)
		return fault;
	return folder_change_set_role(present, keys, change->identity, &entry->id, change->role, ret_next,
				      why);
}

enum fault cmd_set_role(struct call *call, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	struct change change = {.call = call};
	enum fault fault;

	if (!role_from_text(call->arguments[2], &change.role))
		return why_set(why, FAULT_USAGE, "'%s' is no role; there are reader, writer and admin",
			       call->arguments[2]);
	fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);
	if (!fault)
		fault = keyring_identity(target.keyring, &change.identity, why);
	if (!fault)
		fault = admission_allows_change(call, target.keyring, why);
	if (!fault)
		fault = access_change(&target.access, set_role, &change, &file, why);
	if (!fault)
		enrolled_report(call, target.keyring, file);
	if (fault == FAULT_MISSING)
		(void)call_hint(call, fault, "fsenc members %s", call->arguments[0]);
	return fault;
}

/* -- remove-user ---------------------------------------------------------------------- */

enum fault cmd_remove_user(struct call *call, struct why *why)
{
	return removal_of(call, MEMBER_USER, why);
}
