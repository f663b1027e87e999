/* fsenc setup */
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/person.h"
#include "cli/session_open.h"
#include "cli/token.h"
#include "keys/fields.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const struct option_row options_setup[] = {
	{"name", 0, "NAME", "the name others see; the login name if not given", OPTION_TEXT, OPTION_AT(name)},
	{"kdf-mib", 0, "MIB", "memory that trying a passphrase costs; 256, at least 64", OPTION_NUMBER,
	 OPTION_AT(kdf_mib)},
	{"recovery-token", 0, NULL, "make a recovery token as well, and show it once", OPTION_FLAG,
	 OPTION_AT(recovery_token)},
	OPTION_ROWS_END,
};

static enum fault choose_name(const struct call *call, const char **ret_name, struct why *why)
{
	const struct passwd *user = call->options->name ? NULL : getpwuid(geteuid());
	const char *name = call->options->name ? call->options->name : user ? user->pw_name : NULL;

	if (!name)
		return why_set(why, FAULT_USAGE, "you have no login name; --name NAME gives one");
	*ret_name = name;
	return identity_check_name(name, why);
}

static enum fault create(struct call *call, const char *path, const char *name, struct keyring **ret_keyring,
			 struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = NULL;
	struct prompt prompt = session_prompt(call, "New passphrase");
	enum fault fault;

	prompt.twice = true;
	fault = session_ask(call, &prompt, &passphrase, why);
	if (fault)
		return fault;
	return keyring_create(&(struct keyring_new_options){.path = path,
							    .name = name,
							    .passphrase = passphrase,
							    .kdf_mib = call->options->kdf_mib},
			      ret_keyring, why);
}

static enum fault answer(const struct call *call, const struct certificate *certificate, char *token,
			 struct why *why)
{
	json_t *object;
	enum fault fault;

	if (call->options->json) {
		object = person_json(certificate);
		if (object && token && json_object_set_new(object, "recovery_token", json_string(token)))
			return why_set(why, FAULT_MEMORY, "no memory for the answer");
		return answer_print(object, why);
	}
	fault = person_print(certificate, why);
	return fault || !token ? fault : token_print(token, why);
}

/* Before the passphrase is asked for: nobody types one for nothing. */
static enum fault check_is_new(struct call *call, const char *path, struct why *why)
{
	if (access(path, F_OK) != 0)
		return FAULT_NONE;
	return call_hint(call, why_set(why, FAULT_EXISTS, "there is a keyring already: '%s'", path),
			 "fsenc key show; --keyring FILE makes another one");
}

enum fault cmd_setup(struct call *call, struct why *why)
{
	AUTO(free) char *path = NULL;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(token_free) char *token = NULL;
	const char *name = NULL;
	enum fault fault = choose_name(call, &name, why);

	if (!fault)
		fault = session_keyring_path(call, &path, why);
	if (!fault)
		fault = check_is_new(call, path, why);
	if (!fault)
		fault = create(call, path, name, &keyring, why);
	if (!fault && call->options->recovery_token)
		fault = keyring_new_token(keyring, &token, why);
	if (!fault)
		fault = keyring_own_certificate(keyring, &certificate, why);
	if (!fault)
		fault = answer(call, certificate, token, why);
	if (fault)
		return fault;
	if (!token)
		call_say(call, "A lost passphrase is lost: 'fsenc recovery-token --renew' makes a way back.");
	return FAULT_NONE;
}
