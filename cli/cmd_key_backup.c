/* fsenc key backup, restore, passwd */
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/person.h"
#include "cli/session_open.h"
#include "keys/session.h"

#include <stdlib.h>

#define BACKUP_MAX (1024 * 1024)

const struct option_row options_key_backup[] = {
	{"new-passfile", 0, "FILE",
	 "seal it under the first line of FILE instead of the keyring's passphrase", OPTION_TEXT,
	 OPTION_AT(new_passfile)},
	OPTION_ROWS_END,
};

const struct option_row options_key_restore[] = {
	{"kdf-mib", 0, "MIB", "memory that trying a passphrase costs; 256, at least 64", OPTION_NUMBER,
	 OPTION_AT(kdf_mib)},
	OPTION_ROWS_END,
};

const struct option_row options_key_passwd[] = {
	{"new-passfile", 0, "FILE", "the first line of FILE is the new passphrase", OPTION_TEXT,
	 OPTION_AT(new_passfile)},
	{"kdf-mib", 0, "MIB", "memory that trying a passphrase costs; 256, at least 64", OPTION_NUMBER,
	 OPTION_AT(kdf_mib)},
	OPTION_ROWS_END,
};

enum fault cmd_key_backup(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *passphrase = NULL;
	AUTO(secret_free) struct secret *other = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct prompt prompt = session_prompt_new(call, "Passphrase for the backup");
	enum fault fault = session_with_passphrase(call, &keyring, &passphrase, why);

	if (!fault && call->options->new_passfile)
		fault = session_ask(call, &prompt, &other, why);
	if (!fault)
		fault = keyring_backup(keyring, other ? other : passphrase, &text, why);
	if (!fault)
		fault = output_create(call->arguments[0], &text, why);
	if (fault)
		return fault;
	call_say(call, "It opens with %s passphrase, and with that alone: keep it away from this machine.",
		 other ? "the new" : "the keyring's present");
	return FAULT_NONE;
}

static enum fault restore(struct call *call, const char *path, const struct bytes *text,
			  struct keyring **ret_keyring, struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = NULL;
	struct prompt prompt = session_prompt(call, "Passphrase of the backup");
	enum fault fault = session_ask(call, &prompt, &passphrase, why);

	if (fault)
		return fault;
	return keyring_restore(&(struct keyring_new_options){.path = path,
							     .passphrase = passphrase,
							     .kdf_mib = call->options->kdf_mib},
			       text->data, text->size, ret_keyring, why);
}

enum fault cmd_key_restore(struct call *call, struct why *why)
{
	AUTO(free) char *path = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	enum fault fault = session_keyring_path(call, &path, why);

	if (!fault)
		fault = input_read(call->arguments[0], BACKUP_MAX, &text, why);
	if (!fault)
		fault = restore(call, path, &text, &keyring, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "--keyring FILE for another place, or move the keyring away");
	if (!fault)
		fault = keyring_own_certificate(keyring, &certificate, why);
	return fault ? fault : person_print(certificate, why);
}

enum fault cmd_key_passwd(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(secret_free) struct secret *passphrase = NULL;
	struct prompt prompt = session_prompt_new(call, "New passphrase");
	enum fault fault = session_with_passphrase(call, &keyring, NULL, why);

	if (fault)
		return fault;
	fault = session_ask(call, &prompt, &passphrase, why);
	if (!fault)
		fault = keyring_change_passphrase(keyring, passphrase, call->options->kdf_mib, why);
	if (fault)
		return fault;
	call_say(call, "The passphrase is changed; backups made before still open with the old one.");
	return FAULT_NONE;
}
