/* fsenc recover-folder */
#include "cli/background.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/letters.h"
#include "cli/member.h"
#include "cli/target.h"
#include "fs/access_groups.h"
#include "fs/mount.h"
#include "keys/keyring_certified.h"
#include "keys/unlock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const struct option_row options_recover_folder[] = {
	{"reason", 0, "TEXT", "why you ask; the officers see it", OPTION_TEXT, OPTION_AT(reason)},
	{"recovery-group", 0, "GROUP", "which officers, where the folder has several recovery groups",
	 OPTION_TEXT, OPTION_AT(recovery_group)},
	{"request", 0, "FILE", "what you sent to the officers", OPTION_TEXT, OPTION_AT(request)},
	{"answer", 0, "FILE", "what an officer sent back; once for each", OPTION_LIST, OPTION_AT(answers)},
	OPTION_ROWS_END,
};

/* The folder, and the envelope that its officers can open together. */
struct lost {
	struct target target;
	struct folder_file *file;
	const struct group_descriptor *group; /* of `file` */
	struct unlock_target envelope;
	struct point point; /* R */
};

static void lost_done(struct lost *lost)
{
	folder_file_free(lost->file);
	target_done(&lost->target);
}
AUTO_VALUE(struct lost, lost_done);

/* -- what is lost -------------------------------------------------------------------------- */

static enum fault choose_group(struct call *call, const struct record *record,
			       const struct record_entry **ret_entry, struct why *why)
{
	const struct record_entry *found = NULL;
	const char *wanted = call->options->recovery_group;

	for (size_t i = 0; i < record->entry_count; i++) {
		const struct record_entry *entry = &record->entries[i];

		if (entry->kind != MEMBER_RECOVERY || (wanted && strcmp(entry->name, wanted) != 0))
			continue;
		if (found)
			return why_set(
				why, FAULT_USAGE,
				"the folder has several recovery groups, '%s' and '%s'; --recovery-group names one",
				found->name, entry->name);
		found = entry;
	}
	if (!found)
		return why_set(why, FAULT_MISSING, "no recovery group%s%s is on the folder's list",
			       wanted ? " of the name " : "", wanted ? wanted : "");
	*ret_entry = found;
	return FAULT_NONE;
}

static enum fault find_envelope(struct call *call, struct lost *lost, struct why *why)
{
	const struct record_entry *entry = NULL;
	enum fault fault = choose_group(call, lost->file->record, &entry, why);

	if (!fault)
		fault = access_trust_groups(&lost->target.access, lost->file, why);
	if (fault)
		return fault;
	lost->group = folder_file_group(lost->file, &entry->id);
	if (!lost->group) {
		fault = why_set(why, FAULT_KEY_MISSING, "the recovery group '%s' is not of your organisation",
				entry->name);
		return call_hint(call, fault, "fsenc enroll, with the organisation that has this share");
	}
	fault = unlock_target_of(lost->file, &entry->id, &lost->envelope, why);
	if (!fault)
		memcpy(lost->point.bytes, wrap_point(&lost->envelope.wrap), sizeof(lost->point.bytes));
	return fault;
}

static enum fault find_lost(struct call *call, struct lost *lost, struct why *why)
{
	enum fault fault = target_open(call, TARGET_UNLOCKED, call->arguments[0], &lost->target, why);

	if (!fault)
		fault = access_read(&lost->target.access, &lost->file, why);
	return fault ? fault : find_envelope(call, lost, why);
}

/* -- asking -------------------------------------------------------------------------------- */

static enum fault describe(const struct call *call, const struct lost *lost, struct recovery_request *request,
			   struct why *why)
{
	enum fault fault = letters_fill_text(request->reason, call->options->reason, "the reason", why);

	request->organisation = lost->group->organisation;
	request->group = lost->group->id;
	request->epoch = lost->group->epoch;
	request->folder = lost->envelope.folder;
	request->generation = lost->envelope.generation;
	return fault ? fault
		     : letters_fill_text(request->place, call->arguments[0], "the folder's path", why);
}

static enum fault ask(struct call *call, struct why *why)
{
	AUTO(lost_done) struct lost lost = {.target = TARGET_NONE};
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	struct recovery_request request = {.epoch = 0};
	const struct identity *identity;
	enum fault fault = find_lost(call, &lost, why);

	if (!fault)
		fault = describe(call, &lost, &request, why);
	if (!fault)
		fault = keyring_identity(lost.target.keyring, &identity, why);
	if (!fault)
		fault = keyring_shown_certificate(lost.target.keyring, &certificate, why);
	if (!fault)
		fault = recovery_ask(&request, &lost.point, identity, certificate, &block, why);
	if (fault)
		return fault;
	(void)fwrite(block.data, 1, block.size, stdout);
	call_say(
		call,
		"Keep this block, and send it to %u officers of '%s'; each answers with 'fsenc answer-recovery'. Then: "
		"fsenc recover-folder %s MOUNTPOINT --request FILE --answer FILE...",
		lost.group->threshold, lost.group->name, call->arguments[0]);
	return FAULT_NONE;
}

/* -- opening ------------------------------------------------------------------------------- */

static enum fault open_envelope(const struct lost *lost, const struct point *shared,
				struct wiped_key *ret_key, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	enum fault fault = wrap_open_group(&lost->envelope.wrap, &lost->envelope.context, shared->bytes,
					   ret_key, why);

	if (!fault) /* it leads to every generation, or it is not the key that was signed for */
		fault = folder_keys_unfold(lost->file->record, ret_key->bytes, &keys, why);
	return fault == FAULT_REFUSED ? why_in(why, FAULT_TAMPERED, "the officers' envelope") : fault;
}

static enum fault recover(struct call *call, struct lost *lost, struct wiped_key *ret_key, struct why *why)
{
	AUTO(letters_done) struct letters letters = {.count = 0};
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	const struct identity *identity;
	struct point shared;
	enum fault fault = find_lost(call, lost, why);

	if (!fault)
		fault = letters_read(call, &letters, why);
	if (!fault)
		fault = recovery_request_read(letters.request.data, letters.request.size, &asked, why);
	if (!fault)
		fault = keyring_identity(lost->target.keyring, &identity, why);
	if (!fault)
		fault = recovery_combine(&asked, &(struct recovery_goal){RECOVERY_FOLDER, lost->point},
					 identity, lost->group, letters.blocks, letters.count, &shared, why);
	if (fault == FAULT_MISSING)
		return call_hint(call, fault, "one more --answer FILE of another officer");
	if (!fault)
		fault = open_envelope(lost, &shared, ret_key, why);
	secret_wipe(&shared, sizeof(shared));
	return fault;
}

static void ready(void *context)
{
	background_ready(context);
}

static enum fault serve(struct background *background, void *context, struct why *why)
{
	struct call *call = context;
	AUTO(lost_done) struct lost lost = {.target = TARGET_NONE};
	AUTO(wiped_key) struct wiped_key key;
	AUTO(free) char *share = NULL;
	AUTO(free) char *directory = NULL;
	AUTO(mount_options_done) struct mount_options options = MOUNT_OPTIONS_DEFAULT;
	enum fault fault = recover(call, &lost, &key, why);

	options.read_only = true;
	if (!fault)
		fault = input_real_path(share_path(lost.target.share), &share, why);
	if (!fault)
		fault = input_real_path(call->arguments[1], &directory, why);
	if (fault)
		return fault;
	const struct share_recovered recovered = {lost.envelope.folder, lost.envelope.generation, key.bytes};
	(void)signal(SIGPIPE, SIG_IGN);
	return mount_run(&(struct mount_request){.share_path = share,
						 .directory = directory,
						 .options = &options,
						 .keyring = lost.target.keyring,
						 .recovered = &recovered,
						 .ready = ready,
						 .context = background},
			 why);
}

enum fault cmd_recover_folder(struct call *call, struct why *why)
{
	const bool has_answers = call->options->answers.count > 0;

	if (!has_answers && !call->options->request && call->argument_count == 1)
		return ask(call, why);
	if (!has_answers || !call->options->request || call->argument_count != 2)
		return call_hint(
			call,
			why_set(why, FAULT_USAGE,
				"to open it: MOUNTPOINT, --request FILE, and --answer FILE for each officer; to "
				"ask: none of them"),
			"fsenc recover-folder %s", call->arguments[0]);
	return background_run(call, serve, call, why);
}
