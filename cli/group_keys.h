/* cli/group_keys.h - a command opens folders that only a group opens to its user.
 *
 *     AUTO(contacts_free) struct contacts *contacts = NULL;        // before the share: it goes last
 *     AUTO(share_close) struct share *share = NULL;
 *     ... share_open() ...
 *     fault = group_keys_open(keyring, share, &contacts, why);
 *
 * From then on entering such a folder waits for the key servers, five seconds at most. Access lists that the
 * command writes are told to them.
 */
#ifndef FSENC_CLI_GROUP_KEYS_H
#define FSENC_CLI_GROUP_KEYS_H

#include "fs/share.h"
#include "keys/contact.h"

/* Nothing to do, and NULL, while the keyring's user belongs to no organisation. The keyring is unlocked. */
MUST_CHECK enum fault group_keys_open(struct keyring *keyring, struct share *share,
				      struct contacts **ret_contacts, struct why *why);

#endif
