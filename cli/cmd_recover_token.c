/* fsenc recover-token */
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/letters.h"
#include "cli/session_open.h"
#include "cli/token.h"
#include "keys/escrow_block.h"
#include "keys/keyring_certified.h"

#include <stdio.h>
#include <string.h>

const struct option_row options_recover_token[] = {
	{"reason", 0, "TEXT", "why you ask; the officers see it", OPTION_TEXT, OPTION_AT(reason)},
	{"request", 0, "FILE", "what you sent to the officers", OPTION_TEXT, OPTION_AT(request)},
	{"answer", 0, "FILE", "what an officer sent back; once for each", OPTION_LIST, OPTION_AT(answers)},
	{"token-out", 0, "FILE", "write the token to FILE, a new one that nobody else can read", OPTION_TEXT,
	 OPTION_AT(token_out)},
	OPTION_ROWS_END,
};

/* Somebody's token, and the officers who can open it together. */
struct sealed_token {
	struct escrow_block block;
	struct escrow escrow; /* of the block */
	struct organisation organisation;
	struct group_descriptor group;
};

static void sealed_token_done(struct sealed_token *token)
{
	escrow_block_done(&token->block);
}
AUTO_VALUE(struct sealed_token, sealed_token_done);

static enum fault read_block(struct call *call, struct sealed_token *token, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = input_read(call->arguments[0], ARMOR_MAX, &text, why);

	if (!fault)
		fault = escrow_block_read(text.data, text.size, &token->block, why);
	if (fault || token->block.group)
		return fault;
	fault = why_set(why, FAULT_INVALID, "the token is sealed to the organisation's root key");
	return call_hint(call, fault, "who holds that key: fsenc-server open-token FILE --root-key FILE");
}

static enum fault find_token(struct call *call, struct keyring *keyring, struct sealed_token *token,
			     struct why *why)
{
	const struct escrow_block *block = &token->block;
	struct fingerprint expected;
	enum fault fault = read_block(call, token, why);

	if (!fault)
		fault = letters_organisation(keyring, block->organisation, &expected, why);
	if (!fault)
		fault = escrow_block_officers(block, &expected, &token->organisation, &token->group, why);
	if (!fault)
		fault = escrow_read(block->sealed, sizeof block->sealed, &token->escrow, why);
	return why_in(why, fault, "'%s'", call->arguments[0]);
}

/* -- asking -------------------------------------------------------------------------------- */

static enum fault make_request(const struct call *call, struct keyring *keyring,
			       const struct sealed_token *token, struct bytes *ret_text, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;
	const struct identity *identity;
	struct point point;
	struct recovery_request request = {
		.kind = RECOVERY_TOKEN,
		.organisation = token->group.organisation,
		.group = token->group.id,
		.epoch = token->group.epoch,
		.user = token->escrow.user,
	};
	enum fault fault = letters_fill_text(request.reason, call->options->reason, "the reason", why);

	(void)snprintf(request.user_name, sizeof request.user_name, "%s", token->block.user);
	if (!fault)
		fault = escrow_point(token->block.sealed, sizeof token->block.sealed, &point, why);
	if (!fault)
		fault = keyring_identity(keyring, &identity, why);
	if (!fault)
		fault = keyring_shown_certificate(keyring, &certificate, why);
	return fault ? fault : recovery_ask(&request, &point, identity, certificate, ret_text, why);
}

/* An officer who does not know the asker's key compares it: the asker has to have it at hand. */
static enum fault say_own_key(const struct call *call, struct keyring *keyring, struct why *why)
{
	const struct identity *identity;
	struct fingerprint fingerprint;
	char text[DIGEST_TEXT_SIZE];
	enum fault fault = keyring_identity(keyring, &identity, why);

	if (fault)
		return fault;
	fingerprint = public_identity_fingerprint(identity_public(identity));
	fingerprint_text(&fingerprint, text);
	call_say(call, "Officers know you by your key; tell its fingerprint to those who do not: %s", text);
	return FAULT_NONE;
}

static enum fault ask(struct call *call, struct keyring *keyring, const struct sealed_token *token,
		      struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = make_request(call, keyring, token, &text, why);

	if (!fault) {
		(void)fwrite(text.data, 1, text.size, stdout);
		fault = answer_end(why);
	}
	if (fault)
		return fault;
	call_say(call,
		 "Keep this block, and send it to %u officers of '%s' in '%s'; each answers with "
		 "'fsenc answer-recovery'. Then: fsenc recover-token %s --request FILE --answer FILE...",
		 token->group.threshold, token->group.name, token->organisation.root.name,
		 call->arguments[0]);
	return say_own_key(call, keyring, why);
}

/* -- opening ------------------------------------------------------------------------------- */

static enum fault combine(const struct call *call, struct keyring *keyring, const struct sealed_token *token,
			  struct point *ret_shared, struct why *why)
{
	AUTO(letters_done) struct letters letters = {.count = 0};
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	struct recovery_goal goal = {.kind = RECOVERY_TOKEN};
	const struct identity *identity;
	enum fault fault = letters_read(call, &letters, why);

	if (!fault)
		fault = recovery_request_read(letters.request.data, letters.request.size, &asked, why);
	if (!fault)
		fault = escrow_point(token->block.sealed, sizeof token->block.sealed, &goal.point, why);
	if (!fault)
		fault = keyring_identity(keyring, &identity, why);
	return fault ? fault
		     : recovery_combine(&asked, &goal, identity, &token->group, letters.blocks, letters.count,
					ret_shared, why);
}

static enum fault open_token(struct call *call, struct keyring *keyring, const struct sealed_token *token,
			     char ret_text[static TOKEN_TEXT_SIZE], struct why *why)
{
	struct point shared;
	enum fault fault = combine(call, keyring, token, &shared, why);

	if (fault == FAULT_MISSING)
		return call_hint(call, fault, "one more --answer FILE of another officer");
	if (fault)
		return fault;
	fault = escrow_open_group(token->block.sealed, sizeof token->block.sealed, &shared, ret_text, why);
	secret_wipe(&shared, sizeof shared);
	if (fault)
		return call_hint(call, fault, "the block again, from another key server");
	return FAULT_NONE;
}

static enum fault show(struct call *call, struct keyring *keyring, const struct sealed_token *token,
		       struct why *why)
{
	char text[TOKEN_TEXT_SIZE];
	const char *path = call->options->token_out;
	enum fault fault = open_token(call, keyring, token, text, why);

	if (fault)
		return fault;
	fault = path ? token_write(path, text, why) : token_print(text, why);
	secret_wipe(text, sizeof text);
	if (!fault)
		call_say(
			call,
			"Whoever has this token and the keyring of '%s' opens it: 'fsenc recover' there, at once. "
			"Then a new token takes its place.",
			token->block.user);
	return fault;
}

enum fault cmd_recover_token(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(sealed_token_done) struct sealed_token token = {.block = ESCROW_BLOCK_EMPTY};
	const bool has_answers = call->options->answers.count > 0;
	const bool has_request = call->options->request != NULL;
	enum fault fault = FAULT_NONE;

	if (has_answers != has_request || (!has_answers && call->options->token_out))
		return call_hint(call,
				 why_set(why, FAULT_USAGE,
					 "to open it: --request FILE, and --answer FILE for each officer; to "
					 "ask: neither, and no --token-out"),
				 "fsenc recover-token %s", call->arguments[0]);
	fault = session_unlocked(call, &keyring, why);
	if (!fault)
		fault = find_token(call, keyring, &token, why);
	if (fault)
		return fault;
	return has_answers ? show(call, keyring, &token, why) : ask(call, keyring, &token, why);
}
