/* fsenc init, protect */
#include "cli/admission.h"
#include "cli/commands.h"
#include "cli/group_keys.h"
#include "cli/target.h"
#include "cli/session_open.h"

const struct option_row options_init[] = {
	{"lobby", 0, NULL, "a share for many: the root has no access list, directories in it get their own",
	 OPTION_FLAG, OPTION_AT(lobby)},
	OPTION_ROWS_END,
};

/* A lobby has no access list, so a policy that blocks their changes while the servers are down is not about it. */
static enum fault may_make_share(struct call *call, struct keyring *keyring, struct why *why)
{
	bool contact;

	return call->options->lobby ? enrolled_change_needs(call, keyring, &contact, why)
				    : admission_allows_change(call, keyring, why);
}

enum fault cmd_init(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	const char *path = call->arguments[0];
	enum fault fault = session_unlocked(call, &keyring, why);

	if (!fault)
		fault = may_make_share(call, keyring, why);
	if (fault)
		return fault;
	fault = share_create(path, call->options->lobby, keyring, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "fsenc mount SHARE DIR");
	else if (fault == FAULT_INVALID)
		(void)call_hint(call, fault, "an empty directory, or one that does not exist yet");
	if (fault)
		return fault;
	call_say(call, "'%s' is a share%s; 'fsenc mount' opens it.", path,
		 call->options->lobby ? " with a lobby" : "");
	return FAULT_NONE;
}

enum fault cmd_protect(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(contacts_free) struct contacts *contacts = NULL;
	AUTO(share_close) struct share *share = NULL;
	AUTO(free) char *stored = NULL;
	const char *path = call->arguments[0];
	enum fault fault = session_unlocked(call, &keyring, why);

	if (!fault)
		fault = admission_allows_change(call, keyring, why);
	if (!fault)
		fault = target_share(keyring, path, &share, &stored, why);
	if (!fault)
		fault = group_keys_open(keyring, share, &contacts, why);
	if (!fault)
		fault = folder_protect(share, stored, why);
	if (fault == FAULT_INVALID)
		(void)call_hint(call, fault,
				"an empty directory; files in place cannot be encrypted yet, copy them in "
				"afterwards");
	else if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "fsenc members %s", path);
	if (fault)
		return fault;
	call_say(call, "'%s' is a folder of yours; 'fsenc add-user' lets others in.", path);
	return FAULT_NONE;
}
