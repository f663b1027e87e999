#include "cli/renewal.h"

#include "cli/token.h"
#include "keys/escrow.h"
#include "keys/inquiry.h"

#define NO_NEW_TOKEN "A new recovery token could not be generated because the key server is not available"

/* -- who may open it ---------------------------------------------------------------------- */

/* The newest descriptor of the policy's first recovery group; *ret_none: there is none. */
static enum fault find_recovery_group(const struct enrolled *enrolled, struct group_descriptor *ret_group,
				      bool *ret_none, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct keyring_policy policy;
	char id[ID_TEXT_SIZE];
	enum fault fault = keyring_policy(enrolled->keyring, &policy, why);

	*ret_none = fault == FAULT_MISSING || (!fault && policy.policy.recovery_count == 0);
	if (*ret_none || fault)
		return *ret_none ? FAULT_NONE : fault;
	member_id_text(&policy.policy.recovery[0], id);
	fault = inquiry_group(enrolled->service, &enrolled->own.organisation, id, ret_group, &object, why);
	return fault ? fault : keyring_set_group(enrolled->keyring, object, ret_group, why);
}

static enum fault seal(const struct enrolled *enrolled, const struct token *token, struct bytes *sealed,
		       struct why *why)
{
	struct group_descriptor group;
	const struct identity *identity;
	bool none = false;
	enum fault fault = find_recovery_group(enrolled, &group, &none, why);

	if (!fault)
		fault = keyring_identity(enrolled->keyring, &identity, why);
	if (!fault)
		fault = escrow_seal(token, &identity_public(identity)->id, &enrolled->own.organisation,
				    none ? NULL : &group, sealed, why);
	return fault;
}

/* Each server for itself; who did not get it is named. */
static enum fault hand_over(const struct call *call, const struct enrolled *enrolled,
			    const struct bytes *sealed, struct why *why)
{
	const struct keyring_organisation *own = &enrolled->own;
	enum fault first = FAULT_NONE;
	size_t kept = 0;

	for (size_t i = 0; i < own->server_count; i++) {
		const struct keyring_server *server = &own->servers[i];
		struct why server_why = WHY_NONE;
		enum fault fault = inquiry_escrow(enrolled->service,
						  member_id_is_none(&server->id) ? NULL : &server->id, sealed,
						  &server_why);
		if (!fault) {
			kept++;
			continue;
		}
		if (!first) {
			first = fault;
			*why = server_why;
		}
		call_say(call, "Warning: %s does not keep the new token: %s", server->url,
			 why_text(&server_why, fault));
	}
	return kept ? FAULT_NONE : first;
}

enum fault renewal_by(const struct call *call, struct enrolled *enrolled, char **ret_token, struct why *why)
{
	AUTO(token_wipe) struct token token;
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(token_free) char *text = malloc(TOKEN_TEXT_SIZE);
	enum fault fault;

	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory for a token");
	text[0] = '\0';
	randombytes_buf(token.bytes, sizeof(token.bytes));
	fault = seal(enrolled, &token, &sealed, why);
	if (!fault)
		fault = hand_over(call, enrolled, &sealed, why);
	if (!fault)
		fault = keyring_set_token(enrolled->keyring, &token, why);
	if (fault == FAULT_UNREACHABLE)
		return why_in(why, fault, NO_NEW_TOKEN);
	if (fault)
		return fault;
	token_text(&token, text);
	*ret_token = TAKE(text);
	return FAULT_NONE;
}

enum fault renewal_of_token(struct call *call, struct keyring *keyring, char **ret_token, struct why *why)
{
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = keyring_organisation(keyring, &own, why);

	if (fault == FAULT_MISSING)
		return keyring_new_token(keyring, ret_token, why);
	if (!fault)
		fault = enrolled_open(call, keyring, &enrolled, why);
	if (!fault)
		fault = enrolled_sync(call, &enrolled, why);
	if (fault == FAULT_UNREACHABLE)
		return why_in(why, fault, NO_NEW_TOKEN);
	return fault ? fault : renewal_by(call, &enrolled, ret_token, why);
}

enum fault renewal_if_due(const struct call *call, struct enrolled *enrolled, struct why *why)
{
	AUTO(token_free) char *token = NULL;
	enum fault fault;

	if (!keyring_token_was_used(enrolled->keyring))
		return FAULT_NONE;
	fault = renewal_by(call, enrolled, &token, why);
	if (fault)
		return fault;
	call_say(call,
		 "The recovery token was used. Here is a new one: write it down; the one before is dead.");
	return token_print(token, why);
}
