/* fsenc recovery-token, recover */
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/renewal.h"
#include "cli/session_open.h"
#include "base/table.h"
#include "cli/token.h"

#include <stdlib.h>
#include <string.h>

const struct option_row options_recovery_token[] = {
	{"renew", 0, NULL, "make a new token, which replaces the one before, and show it once", OPTION_FLAG,
	 OPTION_AT(renew)},
	OPTION_ROWS_END,
};

const struct option_row options_recover[] = {
	{"token", 0, "FILE", "the first line of FILE is the recovery token; asked for if not given",
	 OPTION_TEXT, OPTION_AT(token)},
	{"new-passfile", 0, "FILE", "the first line of FILE is the new passphrase", OPTION_TEXT,
	 OPTION_AT(new_passfile)},
	{"kdf-mib", 0, "MIB", "memory that trying a passphrase costs; 256, at least 64", OPTION_NUMBER,
	 OPTION_AT(kdf_mib)},
	OPTION_ROWS_END,
};

static enum fault show_token(const struct call *call, const char *token, struct why *why)
{
	if (call->options->json)
		return answer_print(json_pack("{s:b, s:s}", "token", 1, "recovery_token", token), why);
	return token_print(token, why);
}

static enum fault renew(struct call *call, struct keyring *keyring, struct why *why)
{
	AUTO(token_free) char *token = NULL;
	enum fault fault = renewal_of_token(call, keyring, &token, why);

	if (fault)
		return fault;
	call_say(call, "Write it down and keep it away from this machine; the token before is dead.");
	return show_token(call, token, why);
}

static enum fault show_state(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(table_done) struct table table = TABLE(2);
	enum fault fault = session_locked(call, &keyring, why);
	bool has, used;

	if (fault)
		return fault;
	has = keyring_has_token(keyring);
	used = has && keyring_token_was_used(keyring);
	if (call->options->json)
		return answer_print(json_pack("{s:b, s:b}", "token", has, "used", used), why);
	table_add(&table,
		  (const char *[]){"recovery-token", used  ? "used; valid until 'fsenc sync' makes another"
						     : has ? "there is one"
							   : "none"});
	if (!has)
		call_say(call, "'fsenc recovery-token --renew' makes one.");
	return table_print(&table, stdout, why);
}

enum fault cmd_recovery_token(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault;

	if (!call->options->renew)
		return show_state(call, why);
	fault = session_unlocked(call, &keyring, why);
	return fault ? fault : renew(call, keyring, why);
}

/* The token as text that keyring_unlock_with_token() takes. */
static enum fault ask_token(struct call *call, char **ret_token, struct why *why)
{
	AUTO(secret_free) struct secret *line = NULL;
	struct prompt prompt = {
		.question = "Recovery token",
		.passfile = call->options->token,
		.only_these = true,
		.no_input = call->options->always.no_input,
	};
	enum fault fault = session_ask(call, &prompt, &line, why);

	if (fault == FAULT_PASSPHRASE) {
		fault = why_set(why, fault, "no recovery token was given");
		return call_hint(call, fault, "fsenc recover --token FILE");
	}
	if (fault)
		return fault;
	*ret_token = strndup((const char *)secret_bytes(line), secret_size(line));
	return *ret_token ? FAULT_NONE : why_set(why, FAULT_MEMORY, "no memory for a token");
}

static enum fault set_passphrase(struct call *call, struct keyring *keyring, struct why *why)
{
	AUTO(secret_free) struct secret *passphrase = NULL;
	struct prompt prompt = session_prompt(call, "New passphrase");
	enum fault fault;

	if (call->options->new_passfile)
		prompt = session_prompt_new(call, "New passphrase");
	prompt.twice = true;
	fault = session_ask(call, &prompt, &passphrase, why);
	return fault ? fault : keyring_change_passphrase(keyring, passphrase, call->options->kdf_mib, why);
}

/* The keyring is open again whatever the servers say: only the token's successor may have to wait. */
static enum fault renew_after_use(struct call *call, struct keyring *keyring, struct why *why)
{
	struct why reason = WHY_NONE;
	enum fault fault = keyring_note_token_use(keyring, why);

	if (fault)
		return fault;
	fault = renew(call, keyring, &reason);
	if (fault == FAULT_UNREACHABLE) {
		call->hint[0] = '\0';
		call_say(call, "%s. The token that was used stays valid until 'fsenc sync' reaches one.",
			 why_text(&reason, fault));
		return FAULT_NONE;
	}
	*why = reason;
	return fault;
}

enum fault cmd_recover(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(token_free) char *token = NULL;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault && !keyring_has_token(keyring)) {
		fault = why_set(why, FAULT_MISSING, "this keyring has no recovery token");
		return call_hint(call, fault, "a backup: 'fsenc key restore FILE --keyring NEW'");
	}
	if (!fault)
		fault = ask_token(call, &token, why);
	if (!fault)
		fault = keyring_unlock_with_token(keyring, token, why);
	if (fault == FAULT_PASSPHRASE || fault == FAULT_REFUSED)
		return call_hint(call, fault, "the token again, letter by letter");
	if (!fault)
		fault = set_passphrase(call, keyring, why);
	return fault ? fault : renew_after_use(call, keyring, why);
}
