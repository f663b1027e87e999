/* fsenc add-user */
#include "base/file.h"
#include "cli/commands.h"
#include "cli/deferral.h"
#include "keys/inquiry.h"
#include "keys/keyring_certified.h"

const struct option_row options_add_user[] = {
	{"role", 0, "ROLE", "reader, writer or admin; reader if not given", OPTION_TEXT, OPTION_AT(role)},
	{"from-group", 0, "GROUP",
	 "the present members of a group of the directory, each with a key of his own", OPTION_TEXT,
	 OPTION_AT(from_group)},
	{"defer", 0, NULL,
	 "while the key servers are down: keep for the next 'fsenc sync' who is missing here", OPTION_FLAG,
	 OPTION_AT(defer)},
	OPTION_ROWS_END,
};

struct people {
	struct certificate **list;
	size_t count, room;
};

static void people_done(struct people *people)
{
	for (size_t i = 0; i < people->count; i++)
		certificate_free(people->list[i]);
	free(people->list);
}
AUTO_VALUE(struct people, people_done);

/* Takes the certificate over, also on failure. */
static enum fault people_add(struct people *people, struct certificate *certificate, struct why *why)
{
	if (people->count == people->room) {
		size_t room = people->room ? people->room * 2 : 8;
		struct certificate **larger = reallocarray(people->list, room, sizeof(struct certificate *));
		if (!larger) {
			certificate_free(certificate);
			return why_set(why, FAULT_MEMORY, "no memory for the users");
		}
		people->list = larger;
		people->room = room;
	}
	people->list[people->count++] = certificate;
	return FAULT_NONE;
}

/* -- who they are ----------------------------------------------------------------------- */

/* What the servers would have to say, and cannot now, is kept if the user asked for that. */
static enum fault find_or_keep(struct admission *admission, const char *words, enum role role,
			       struct people *people, struct why *why)
{
	struct call *call = admission->call;
	struct certificate *certificate = NULL;
	bool down = false;
	enum fault fault = admission_find_user(admission, words, &certificate, &down, why);

	if (!fault)
		return people_add(people, certificate, why);
	if (!down || !call->options->defer)
		return fault;
	call->hint[0] = '\0';
	return deferral_keep(call, admission->keyring, DEFERRED_ADD_USER, call->arguments[0], words, role,
			     why);
}

/* All of them before the first change: a misspelt name changes nothing. */
static enum fault find_people(struct admission *admission, enum role role, struct people *people,
			      struct why *why)
{
	for (size_t i = 1; i < admission->call->argument_count; i++) {
		enum fault fault = find_or_keep(admission, admission->call->arguments[i], role, people, why);

		if (fault)
			return fault;
	}
	return FAULT_NONE;
}

static enum fault take_member(struct admission *admission, struct members_answer_entry *member,
			      struct people *people, struct why *why)
{
	enum fault fault;

	if (!member->certificate) {
		call_say(admission->call, "Not yet: '%s' has no key; 'fsenc enroll' makes it known.",
			 member->name);
		return FAULT_NONE;
	}
	fault = keyring_accept_certified(admission->keyring, member->certificate, why);
	if (fault)
		return why_in(why, fault, "'%s'", member->name);
	return people_add(people, TAKE(member->certificate), why);
}

static enum fault find_group_members(struct admission *admission, struct people *people, struct why *why)
{
	AUTO(members_answer_done) struct members_answer answer = {.count = 0};
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;
	enum fault fault = admission_find_group(admission, admission->call->options->from_group, &group,
						&object, why);

	if (!fault)
		fault = inquiry_members(admission->enrolled.service, &group.id, &answer, why);
	for (size_t i = 0; i < answer.count && !fault; i++)
		fault = take_member(admission, &answer.list[i], people, why);
	return fault;
}

/* -- the change ------------------------------------------------------------------------- */

/* From a group only those come in who are not there yet. */
static enum fault add(struct admission *admission, struct target *target, const struct people *people,
		      enum role role, struct why *why)
{
	bool from_group = admission->call->options->from_group != NULL;
	size_t added = 0;

	for (size_t i = 0; i < people->count; i++) {
		enum fault fault = admission_let_in_user(admission, target, people->list[i], role, why);

		if (fault == FAULT_EXISTS && from_group)
			continue;
		if (fault && added)
			return why_in(why, FAULT_PARTIAL, "%zu of %zu users added", added, people->count);
		if (fault)
			return fault;
		added++;
	}
	if (from_group)
		call_say(admission->call, "%zu of %zu members of '%s' let in.", added, people->count,
			 admission->call->options->from_group);
	return FAULT_NONE;
}

/* A nested folder is reached through its parent: who has no entry there does not find the way. */
static void warn_unreachable(const struct call *call, struct target *target, const struct people *people)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(folder_unref) struct folder *parent = folder_ref(folder_parent(target->folder));
	AUTO(folder_unref) struct folder *again = NULL;
	AUTO(file_close) int directory = -1;
	char path[RING_PATH_MAX];
	struct access_place above;
	bool own;

	folder_path(parent, path);
	if (folder_walk(target->share, path, &again, &own, &directory, NULL))
		return;
	above = (struct access_place){.share = target->share, .directory = directory, .path = path};
	if (folder_parent(again))
		above.parent = *folder_id_of(folder_parent(again));
	if (access_read(&above, &file, NULL))
		return;
	for (size_t i = 0; i < people->count; i++) {
		const struct public_identity *user = certificate_identity(people->list[i]);

		if (!record_find(file->record, &user->id))
			call_say(
				call,
				"Warning: '%s' is no member of the folder above and will not reach this one.",
				user->name);
	}
}

static enum fault let_in(struct admission *admission, struct target *target, enum role role, struct why *why)
{
	AUTO(people_done) struct people people = {NULL, 0, 0};
	enum fault fault = admission_may_change(admission, why);

	if (!fault && admission->call->options->from_group)
		fault = find_group_members(admission, &people, why);
	if (!fault)
		fault = find_people(admission, role, &people, why);
	if (!fault)
		fault = add(admission, target, &people, role, why);
	if (!fault && folder_parent(target->folder))
		warn_unreachable(admission->call, target, &people);
	return fault;
}

enum fault cmd_add_user(struct call *call, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(admission_done) struct admission admission = admission_of(call, NULL);
	enum role role = ROLE_READER;
	enum fault fault = admission_role(call, &role, why);

	if (!fault && call->argument_count < 2 && !call->options->from_group)
		fault = why_set(why, FAULT_USAGE, "whom? name users, or a group with --from-group");
	if (!fault)
		fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);
	if (!fault)
		fault = target_check_admin(&target, why);
	if (fault)
		return fault;
	admission.keyring = target.keyring;
	fault = let_in(&admission, &target, role, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "fsenc set-role DIR USER %s", role_text(role));
	if (fault || !admission.asked || admission.fault)
		return fault;
	return deferral_run(&admission, why);
}
