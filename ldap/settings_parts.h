/* ldap/settings_parts.h - how settings.c and its neighbours share the work; for nobody else. */
#ifndef FSENC_LDAP_SETTINGS_PARTS_H
#define FSENC_LDAP_SETTINGS_PARTS_H

#include "ldap/settings.h"

#define SETTINGS_SECTION "ldap"

/* The text belongs to the settings from now on. NULL, and freed, when there is no memory. */
const char *settings_keep(struct ldap_settings *settings, char *text);

MUST_CHECK enum fault settings_read_servers(const struct ini *ini, struct ldap_settings *settings,
					    struct why *why);
MUST_CHECK enum fault settings_read_base(const struct ini *ini, const char *key,
					 const struct ldap_base *otherwise, struct ldap_settings *settings,
					 struct ldap_base *ret_base, struct why *why);
/* Words between commas and blanks; a missing key leaves the list alone. */
MUST_CHECK enum fault settings_read_list(const struct ini *ini, const char *key,
					 struct ldap_settings *settings,
					 const char *list[static SETTINGS_LIST_MAX + 1], struct why *why);
MUST_CHECK enum fault settings_read_bind(const struct ini *ini, const char *folder,
					 struct ldap_settings *settings, struct why *why);
/* `name` as an absolute path or relative to `folder`; NULL when there is no memory. */
char *settings_path_new(const char *folder, const char *name);

#endif
