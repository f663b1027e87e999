#include "cli/group_keys.h"

enum fault group_keys_open(struct keyring *keyring, struct share *share, struct contacts **ret_contacts,
			   struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	const struct contacts_options options = {.keyring = keyring, .background = false};
	enum fault fault = keyring_organisation(keyring, &own, why);

	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	if (!fault)
		fault = service_global_start(why);
	if (!fault)
		fault = contacts_new(&options, ret_contacts, why);
	if (!fault)
		share_set_contacts(share, *ret_contacts, true);
	return fault;
}
