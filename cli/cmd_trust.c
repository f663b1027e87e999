/* fsenc key trust */
#include "base/file.h"
#include "cli/commands.h"
#include "cli/target.h"
#include "cli/session_open.h"
#include "base/table.h"
#include "cli/terminal.h"
#include "fs/format.h"

#include <fcntl.h>
#include <stdio.h>

const struct option_row options_key_trust[] = {
	{"folder", 0, "DIR", "accept the access list at DIR as it is now, after an alarm", OPTION_TEXT,
	 OPTION_AT(folder)},
	OPTION_ROWS_END,
};

static enum fault trust_fingerprint(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	struct fingerprint fingerprint;
	enum fault fault;

	if (!fingerprint_from_text(call->arguments[0], &fingerprint))
		return why_set(why, FAULT_INVALID, "'%s' is no fingerprint", call->arguments[0]);
	fault = session_locked(call, &keyring, why);
	if (!fault)
		fault = keyring_trust(keyring, &fingerprint, why);
	if (fault == FAULT_MISSING || fault == FAULT_KEY_MISSING)
		return call_hint(call,
				 why_set(why, FAULT_KEY_MISSING,
					 "no certificate in the keyring has the "
					 "fingerprint '%s'",
					 call->arguments[0]),
				 "fsenc key import FILE --trust %s", call->arguments[0]);
	return fault;
}

static enum fault agree(struct call *call, struct why *why)
{
	bool yes = call->options->always.yes;
	enum fault fault = FAULT_NONE;

	if (!yes && !call->options->always.no_input && terminal_exists())
		fault = terminal_ask_yes("Accept what is there now?", &yes, why);
	if (fault || yes)
		return fault;
	return call_hint(call, why_set(why, FAULT_DENIED, "nothing was accepted"),
			 "ask an admin whether this is right, then the same with --yes");
}

/* -- another share at a known path ---------------------------------------------------- */

static enum fault read_share(const char *path, struct share_record *ret_record, struct why *why)
{
	AUTO(file_close) int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault;

	if (directory < 0)
		return why_system(why, "cannot open '%s'", path);
	fault = file_read(directory, FORMAT_SHARE_FILE, SHARE_RECORD_MAX, &text, why);
	return fault ? fault : share_record_parse(text.data, text.size, ret_record, why);
}

static enum fault show_versions(const char *what, const char *known, uint64_t known_version, const char *now,
				uint64_t now_version, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(3);
	char before[32], after[32];

	(void)snprintf(before, sizeof(before), "%llu", (unsigned long long)known_version);
	(void)snprintf(after, sizeof(after), "%llu", (unsigned long long)now_version);
	table_add(&table, (const char *[]){what, "ID", "VERSION"});
	table_add(&table, (const char *[]){"seen before", known, before});
	table_add(&table, (const char *[]){"there now", now, after});
	return table_print(&table, stdout, why);
}

static enum fault trust_share(struct call *call, struct keyring *keyring, const char *path, struct why *why)
{
	struct share_record now;
	struct pin_share pin;
	char known[ID_TEXT_SIZE], there[ID_TEXT_SIZE];
	enum fault fault = keyring_share_pin(keyring, path, &pin, why);

	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (!fault)
		fault = read_share(path, &now, why);
	if (fault || (share_id_equal(&pin.share, &now.share) && digest_equal(&pin.digest, &now.digest)))
		return fault;
	share_id_text(&pin.share, known);
	share_id_text(&now.share, there);
	fault = show_versions("SHARE", known, pin.version, there, now.version, why);
	if (!fault)
		fault = agree(call, why);
	if (fault)
		return fault;
	pin = (struct pin_share){.share = now.share, .version = now.version, .digest = now.digest};
	fault = keyring_drop_share_pin(keyring, path, why);
	return fault ? fault : keyring_set_share_pin(keyring, path, &pin, why);
}

/* -- another access list at a known folder -------------------------------------------- */

static enum fault read_folder(int directory, struct folder_file **ret_file, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = file_read(directory, FORMAT_FOLDER_FILE, FOLDER_FILE_MAX, &text, why);

	return fault ? fault : folder_file_parse(text.data, text.size, ret_file, why);
}

static enum fault accept_folder(struct call *call, struct keyring *keyring, const struct share_record *share,
				const struct pin_folder *pin, const struct folder_file *now, struct why *why)
{
	char known[ID_TEXT_SIZE], there[ID_TEXT_SIZE];
	enum fault fault;

	folder_id_text(&pin->folder, known);
	folder_id_text(&now->record->folder, there);
	fault = show_versions("FOLDER", known, pin->version, there, now->record->version, why);
	if (!fault)
		fault = agree(call, why);
	return fault ? fault : keyring_drop_folder_pin(keyring, &share->share, &pin->folder, why);
}

static int open_stored(const char *share_path, const char *stored)
{
	AUTO(file_close) int root = open(share_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -1
			: openat(root, *stored ? stored : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum fault trust_list(struct call *call, struct keyring *keyring, const char *share_path,
			     const char *stored, struct why *why)
{
	AUTO(pin_folder_done) struct pin_folder pin = {.file = BYTES_EMPTY};
	AUTO(folder_file_free) struct folder_file *now = NULL;
	AUTO(file_close) int directory = open_stored(share_path, stored);
	struct share_record share;
	enum fault fault;

	if (directory < 0)
		return why_system(why, "cannot open the folder on the share");
	fault = read_share(share_path, &share, why);
	if (!fault)
		fault = keyring_folder_pin(keyring, &share.share, stored, &pin, why);
	if (fault == FAULT_MISSING) {
		call_say(call, "This folder was never seen before: there is nothing to accept.");
		return FAULT_NONE;
	}
	if (!fault)
		fault = read_folder(directory, &now, why);
	if (fault || digest_equal(&pin.digest, &now->record->digest))
		return fault;
	return accept_folder(call, keyring, &share, &pin, now, why);
}

static enum fault trust_folder(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(free) char *share_path = NULL;
	AUTO(free) char *stored = NULL;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = share_locate(call->options->folder, &share_path, &stored, why);
	if (!fault)
		fault = trust_share(call, keyring, share_path, why);
	return fault ? fault : trust_list(call, keyring, share_path, stored, why);
}

enum fault cmd_key_trust(struct call *call, struct why *why)
{
	bool folder = call->options->folder != NULL;

	if (folder == (call->argument_count == 1)) {
		(void)call_hint(call, FAULT_USAGE, "fsenc help key trust");
		return why_set(why, FAULT_USAGE, "trust what: a FINGERPRINT, or --folder DIR?");
	}
	return folder ? trust_folder(call, why) : trust_fingerprint(call, why);
}
