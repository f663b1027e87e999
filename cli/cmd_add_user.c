/* fsenc add-user */
#include "base/file.h"
#include "cli/commands.h"
#include "cli/member.h"
#include "cli/target.h"

const struct option_row options_add_user[] = {
	{"role", 0, "ROLE", "reader, writer or admin; reader if not given", OPTION_TEXT, OPTION_AT(role)},
	OPTION_ROWS_END,
};

struct addition {
	const struct certificate *user;
	enum role role;
	const struct identity *identity;
};

static enum fault add_one(void *context, const struct folder_file *present, const struct folder_keys *keys,
			  struct folder_file **ret_next, struct why *why)
{
	const struct addition *addition = context;

	return folder_change_add_user(present, keys, addition->identity, addition->user, addition->role,
				      ret_next, why);
}

struct people {
	struct certificate **list;
	size_t count;
};

static void people_done(struct people *people)
{
	for (size_t i = 0; i < people->count; i++)
		certificate_free(people->list[i]);
	free(people->list);
}
AUTO_VALUE(struct people, people_done);

static enum fault check_trust(struct call *call, const struct certificate *certificate, bool trusted,
			      struct why *why)
{
	const char *name = certificate_identity(certificate)->name;
	struct fingerprint fingerprint = certificate_fingerprint(certificate);
	char text[DIGEST_TEXT_SIZE];

	if (trusted)
		return FAULT_NONE;
	fingerprint_text(&fingerprint, text);
	return call_hint(
		call, why_set(why, FAULT_DENIED, "the key of '%s' is in the keyring, but not trusted", name),
		"compare the fingerprint with its owner, then: fsenc key trust %s", text);
}

/* All of them before the first change: a misspelt name changes nothing. */
static enum fault find_people(struct call *call, struct keyring *keyring, struct people *people,
			      struct why *why)
{
	people->list = calloc(call->argument_count, sizeof(struct certificate *));
	if (!people->list)
		return why_set(why, FAULT_MEMORY, "no memory for the users");
	for (size_t i = 1; i < call->argument_count; i++) {
		bool trusted = false;
		enum fault fault = keyring_find_person(keyring, call->arguments[i],
						       &people->list[people->count], &trusted, why);

		if (fault)
			return fault;
		fault = check_trust(call, people->list[people->count++], trusted, why);
		if (fault)
			return fault;
	}
	return FAULT_NONE;
}

static enum fault add(struct target *target, const struct people *people, enum role role, struct why *why)
{
	struct addition addition = {.role = role};
	enum fault fault = keyring_identity(target->keyring, &addition.identity, why);

	for (size_t i = 0; !fault && i < people->count; i++) {
		AUTO(folder_file_free) struct folder_file *file = NULL;

		addition.user = people->list[i];
		fault = access_change(&target->access, add_one, &addition, &file, why);
		if (fault)
			fault = why_in(why, fault, "'%s'", certificate_identity(addition.user)->name);
		if (fault && i)
			return why_in(why, FAULT_PARTIAL, "%zu of %zu users added", i, people->count);
	}
	return fault;
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

static enum fault read_role(const struct call *call, enum role *ret_role, struct why *why)
{
	const char *text = call->options->role ? call->options->role : "reader";

	if (role_from_text(text, ret_role))
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE, "'%s' is no role; there are reader, writer and admin", text);
}

enum fault cmd_add_user(struct call *call, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(people_done) struct people people = {NULL, 0};
	enum role role = ROLE_READER;
	enum fault fault = read_role(call, &role, why);

	if (!fault)
		fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &target, why);
	if (!fault)
		fault = find_people(call, target.keyring, &people, why);
	if (!fault)
		fault = add(&target, &people, role, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "fsenc set-role DIR USER %s", role_text(role));
	if (fault)
		return fault;
	if (folder_parent(target.folder))
		warn_unreachable(call, &target, &people);
	return FAULT_NONE;
}
