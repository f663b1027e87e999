#include "cli/expansion.h"

#include "base/answer.h"
#include "base/table.h"
#include "cli/enrolled.h"
#include "keys/fields.h"
#include "keys/inquiry.h"

#include <stdio.h>
#include <string.h>

#define PATH_TEXT_SIZE 512

struct expansion {
	const struct record *record;
	struct table *table;
	json_t *array; /* with --json */
};

static enum fault add_row(struct expansion *expansion, const char *name, const char *role,
			  const char *through, const char *note, struct why *why)
{
	if (!expansion->array) {
		table_add(expansion->table, (const char *[]){name, role, through, note});
		return FAULT_NONE;
	}
	return json_array_append_new(expansion->array, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "role",
								 role, "through", through, "note", note))
		       ? why_set(why, FAULT_MEMORY, "no memory for the answer")
		       : FAULT_NONE;
}

/* "finance > accounting": the groups that lead to a member. */
static void path_text(const struct members_answer_entry *member, char text[static PATH_TEXT_SIZE])
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < member->path_count && at < PATH_TEXT_SIZE; i++)
		at += (size_t)snprintf(text + at, PATH_TEXT_SIZE - at, "%s%s", i ? " > " : "",
				       member->path[i]);
}

static enum fault expand_group(struct expansion *expansion, struct service *service,
			       const struct record_entry *entry, struct why *why)
{
	AUTO(members_answer_done) struct members_answer answer = {.count = 0};
	char path[PATH_TEXT_SIZE];
	enum fault fault = inquiry_members(service, &entry->id, &answer, why);

	if (fault == FAULT_MISSING)
		return add_row(expansion, entry->name, role_text(entry->role), "group",
			       "no such group in the directory any more", why);
	for (size_t i = 0; i < answer.count && !fault; i++) {
		const struct members_answer_entry *member = &answer.list[i];
		path_text(member, path);
		fault = add_row(expansion, member->name, role_text(entry->role), path[0] ? path : entry->name,
				member->certificate ? "" : "no key yet", why);
	}
	return fault;
}

/* Somebody with a key of his own whose account is off or gone: a leaver who still gets in. */
static enum fault expand_user(struct expansion *expansion, struct service *service,
			      const struct record_entry *entry, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};
	const char *note = "";
	enum fault fault = service ? inquiry_user_by_id(service, &entry->id, &answer, why) : FAULT_NONE;

	if (fault == FAULT_MISSING)
		note = "no account in the directory";
	else if (fault)
		return fault;
	else if (service && !answer.enabled)
		note = "the account is off";
	return add_row(expansion, entry->name, role_text(entry->role), "own key", note, why);
}

static enum fault expand_all(struct expansion *expansion, struct service *service, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < expansion->record->entry_count && !fault; i++) {
		const struct record_entry *entry = &expansion->record->entries[i];
		if (entry->kind == MEMBER_GROUP)
			fault = expand_group(expansion, service, entry, why);
		else if (entry->kind == MEMBER_USER)
			fault = expand_user(expansion, service, entry, why);
		else
			fault = add_row(expansion, entry->name, role_text(entry->role), "officers", "", why);
	}
	return fault;
}

static bool has_groups(const struct record *record)
{
	for (size_t i = 0; i < record->entry_count; i++)
		if (record->entries[i].kind == MEMBER_GROUP)
			return true;
	return false;
}

/* Members of groups are known to the servers alone; whether a user is still there can be left open. */
static enum fault ask_servers(struct call *call, struct keyring *keyring, const struct record *record,
			      struct enrolled *enrolled, struct why *why)
{
	enum fault fault = enrolled_open(call, keyring, enrolled, why);

	if (!fault)
		fault = enrolled_sync(call, enrolled, why);
	if (!fault || has_groups(record))
		return fault;
	if (fault == FAULT_UNREACHABLE)
		call_say(call, "Warning: who has left meanwhile is not known: %s", why_text(why, fault));
	enrolled_done(enrolled);
	call->hint[0] = '\0';
	return fault == FAULT_UNREACHABLE || fault == FAULT_MISSING ? FAULT_NONE : fault;
}

enum fault expansion_print(struct call *call, struct keyring *keyring, const struct record *record,
			   struct why *why)
{
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	AUTO(table_done) struct table table = TABLE(4);
	AUTO(json_decref) json_t *array = call->options->json ? json_array() : NULL;
	struct expansion expansion = {.record = record, .table = &table, .array = array};
	enum fault fault;

	table_add(&table, (const char *[]){"NAME", "ROLE", "THROUGH", "NOTE"});
	fault = ask_servers(call, keyring, record, &enrolled, why);
	if (!fault)
		fault = expand_all(&expansion, enrolled.service, why);
	if (fault)
		return fault;
	return array ? answer_print(json_pack("{s:O}", "readers", array), why)
		     : table_print(&table, stdout, why);
}
