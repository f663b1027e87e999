/* cli/options.h - the options of fsenc: what their values are kept in, and the groups that commands share. */
#ifndef FSENC_CLI_OPTIONS_H
#define FSENC_CLI_OPTIONS_H

#include "base/call.h"

struct options {
	struct options_always always;
	/* groups */
	bool json;
	const char *keyring, *passfile;
	struct option_list extpass;
	/* of single commands */
	bool recovery_token, lobby, foreground, dry_run, repair, renew, lazy, defer, expand;
	const char *name, *trust, *folder, *new_passfile, *role, *duration, *token, *from_group;
	const char *reason, *recovery_group, *request, *parcel, *token_out;
	const char *user, *fingerprint, *cacert, *ldap_password_file;
	unsigned kdf_mib;
	struct option_list answers, mount, codes, servers, drop;
};

#define OPTION_AT(member) offsetof(struct options, member)

#define OPTIONS_KEYRING 1u /* --keyring */
#define OPTIONS_UNLOCK 3u /* --passfile and --extpass, too */
#define OPTIONS_JSON 4u

#define OPTION_GROUP_COUNT 4
extern const struct option_group option_groups[OPTION_GROUP_COUNT];

#endif
