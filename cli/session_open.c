#include "cli/session_open.h"

#include "base/log.h"
#include "keys/session.h"

#include <stdlib.h>
#include <string.h>

enum fault session_keyring_path(const struct call *call, char **ret_path, struct why *why)
{
	char *path;

	if (!call->options->keyring)
		return keyring_default_path(ret_path, why);
	path = strdup(call->options->keyring);
	if (!path)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = path;
	return FAULT_NONE;
}

enum fault session_locked(struct call *call, struct keyring **ret_keyring, struct why *why)
{
	AUTO(free) char *path = NULL;
	enum fault fault = session_keyring_path(call, &path, why);

	if (fault)
		return fault;
	fault = keyring_open(path, ret_keyring, why);
	if (fault == FAULT_MISSING) {
		fault = why_set(why, FAULT_KEYRING_READ, "there is no keyring at '%s'", path);
		return call_hint(call, fault, "fsenc setup --name YOUR-NAME");
	}
	return fault;
}

struct prompt session_prompt(const struct call *call, const char *question)
{
	return (struct prompt){
		.question = question,
		.passfile = call->options->passfile,
		.extpass = call->options->extpass.words,
		.no_input = call->options->always.no_input,
	};
}

struct prompt session_prompt_new(const struct call *call, const char *question)
{
	return (struct prompt){
		.question = question,
		.passfile = call->options->new_passfile,
		.only_these = true,
		.twice = true,
		.no_input = call->options->always.no_input,
	};
}

enum fault session_ask(struct call *call, const struct prompt *prompt, struct secret **ret_passphrase,
		       struct why *why)
{
	enum fault fault = prompt_passphrase(prompt, ret_passphrase, why);

	if (fault == FAULT_PASSPHRASE && prompt->only_these)
		return call_hint(call, fault, "fsenc %s --new-passfile FILE", call->command->name);
	if (fault == FAULT_PASSPHRASE)
		return call_hint(call, fault, "--passfile FILE, or FSENC_PASSFILE, or 'fsenc unlock' before");
	if (fault == FAULT_KEYRING_READ)
		return call_hint(call, fault, "chmod 600 FILE, in a directory of yours");
	return fault;
}

/* What the kernel keeps may be of a keyring that was replaced since: then it is no use, and no failure. */
static bool unlock_from_kernel(struct keyring *keyring)
{
	AUTO(secret_free) struct secret *master = NULL;
	struct why why = WHY_NONE;
	enum fault fault = session_load(keyring_path(keyring), &master, &why);

	if (!fault)
		fault = keyring_unlock_with_master(keyring, master, &why);
	if (fault && fault != FAULT_MISSING)
		log_debug("the unlocked session is of no use: %s", why_text(&why, fault));
	return !fault;
}

static enum fault unlock_with_passphrase(struct call *call, struct keyring *keyring,
					 struct secret **ret_passphrase, struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = NULL;
	struct prompt prompt = session_prompt(call, "Passphrase");
	enum fault fault = session_ask(call, &prompt, &passphrase, why);

	if (!fault)
		fault = keyring_unlock(keyring, passphrase, why);
	if (!fault && ret_passphrase)
		*ret_passphrase = TAKE(passphrase);
	return fault;
}

enum fault session_unlocked(struct call *call, struct keyring **ret_keyring, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault && !unlock_from_kernel(keyring))
		fault = unlock_with_passphrase(call, keyring, NULL, why);
	if (!fault)
		*ret_keyring = TAKE(keyring);
	return fault;
}

enum fault session_with_passphrase(struct call *call, struct keyring **ret_keyring,
				   struct secret **ret_passphrase, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = unlock_with_passphrase(call, keyring, ret_passphrase, why);
	if (!fault)
		*ret_keyring = TAKE(keyring);
	return fault;
}
