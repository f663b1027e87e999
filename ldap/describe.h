/* ldap/describe.h - every step to the directory and back, for `status --directory`.
 *
 * For each server of ldap_uri: connect, TLS, bind, who the directory takes us for, what it is; then, at the
 * first that answers, warnings (groups whose members only a client could work out), and with a user's name
 * the account and the groups by level. Each step says how long it took.
 */
#ifndef FSENC_LDAP_DESCRIBE_H
#define FSENC_LDAP_DESCRIBE_H

#include "ldap/reason.h"
#include "ldap/settings.h"

/* The reason of the first step that failed at the last server tried. `user_name` may be NULL. Looking up host
 * names may outlast the deadline: for a command, not for a server's threads. */
MUST_CHECK enum directory_reason describe(const struct ldap_settings *settings, const char *user_name,
					  int64_t deadline, directory_each_step *each, void *context,
					  struct why *why);

#endif
