/* ldap/directory_ldap.h - a directory that is an LDAP server, OpenLDAP or Active Directory or another.
 *
 * main(), first of all, with no other thread running:  directory_ldap_start();
 * once the configuration is read:
 *
 *     AUTO(directory_close) struct directory *directory = NULL;
 *     fault = directory_ldap_open(ini, home, &directory, &why);
 *
 * and from then on ldap/directory.h. Opening contacts nobody, so that a server starts while its directory is
 * down; but with the chain rule asked for (ldap_groups_use_matching_rule_in_chain) the directory is asked
 * what it is, and one that is not Active Directory is an error: the rule would silently find nothing there.
 * Plaintext and other weak spots of the configuration are logged at each opening.
 *
 * A keytab is handed to Kerberos in the environment (KRB5_CLIENT_KTNAME, and KRB5CCNAME, so that tickets stay
 * in the process's memory): one at a time is in force in a process, that of the directory opened last.
 *
 * A reload opens the new directory, puts it in the place of the old, and closes the old when its last call
 * has returned.
 */
#ifndef FSENC_LDAP_DIRECTORY_LDAP_H
#define FSENC_LDAP_DIRECTORY_LDAP_H

#include "ldap/directory.h"
#include "ldap/settings.h"

/* Makes libldap deaf to the environment and to ldaprc files, and has it wipe memory that it frees. Ignores
 * SIGPIPE, as liblber writes to a socket whose peer may be gone. Once a process. */
void directory_ldap_start(void);

/* `ini` was read with ldap_section among the known ones; it is not needed afterwards. `folder`: what relative
 * file names are relative to. FAULT_KEYRING_READ: the configuration is wrong. */
MUST_CHECK enum fault directory_ldap_open(const struct ini *ini, const char *folder,
					  struct directory **ret_directory, struct why *why);

#endif
