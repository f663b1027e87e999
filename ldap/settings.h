/* ldap/settings.h - where the directory is and how it is laid out: section [ldap] of a configuration file.
 *
 * Keys have the names and meanings that they have in sssd.conf (sssd-ldap(5)), so that a working set-up can
 * be copied over. What differs: certificates are always demanded, referrals are never followed, groups are
 * looked for through 10 levels unless said otherwise, ldap_search_timeout is a total for one question. Keys
 * of our own are those without "ldap_" in front. docs/OPERATIONS.md lists them all.
 *
 * An open value that does not change after it was read; texts belong to it. Any thread may look.
 */
#ifndef FSENC_LDAP_SETTINGS_H
#define FSENC_LDAP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ini.h"
#include "base/secret.h"

#define SETTINGS_LIST_MAX 8 /* of classes or attributes */
#define SETTINGS_SERVERS_MAX 16

struct tls;

/* The keys of [ldap], for ini_read(). */
extern const struct ini_section ldap_section;

enum ldap_schema { SCHEMA_RFC2307, SCHEMA_RFC2307BIS, SCHEMA_AD, SCHEMA_IPA };
enum ldap_protection { PROTECTED_LDAPS, PROTECTED_START_TLS, PROTECTED_LOCAL, PROTECTED_SASL, NOT_PROTECTED };
/* What a membership attribute holds: DNs, DNs with an optional UID, or names. */
enum member_form { MEMBER_DN, MEMBER_DN_UID, MEMBER_NAME };
enum bind_way { BIND_ANONYMOUS, BIND_SIMPLE, BIND_EXTERNAL, BIND_GSSAPI };

struct ldap_server {
	const char *uri; /* as it was written, for messages and libldap */
	const char *host; /* without brackets; or the path of a socket */
	char port[6];
	enum ldap_protection protection;
};

struct ldap_base {
	const char *dn;
	int scope; /* LDAP_SCOPE_... */
	const char *filter; /* of the administrator, NULL: none */
};

struct member_attribute {
	const char *name;
	enum member_form form;
};

struct ldap_settings {
	struct ldap_server servers[SETTINGS_SERVERS_MAX];
	size_t server_count;
	enum ldap_schema schema;
	struct ldap_base users;
	struct ldap_base groups;

	const char *user_classes[SETTINGS_LIST_MAX + 1]; /* end with NULL */
	const char *group_classes[SETTINGS_LIST_MAX + 1];
	const char *user_name;
	const char *user_uuid;
	const char *group_name;
	const char *group_uuid;
	struct member_attribute members[SETTINGS_LIST_MAX + 1]; /* end with name NULL */

	bool use_token_groups;
	bool use_member_of; /* the attribute memberOf is believed */
	bool use_chain_rule; /* the matching rule of Active Directory */
	bool distribution_groups;
	unsigned nesting_level;
	unsigned page_size;

	bool start_tls;
	bool allow_plaintext;
	const char *tls_ca; /* files; NULL: the system's */
	const char *tls_cert;
	const char *tls_key;
	struct tls *tls; /* made of these; the one part that changes by itself (ldap/tls.h) */
	enum bind_way bind_way;
	const char *bind_dn;
	const char *password_file;
	const char *keytab; /* NULL: none, or no Kerberos */

	int64_t network_timeout_ms;
	int64_t search_timeout_ms;
	int64_t listing_timeout_ms;
	int64_t connection_age_ms;
	int64_t connection_idle_ms;
	unsigned connections;
	int64_t cache_yes_ms;
	int64_t cache_no_ms;

	char **texts; /* what the pointers above point at */
	size_t text_count;
	size_t text_room;
};

/* Reads section [ldap]. Relative file names are taken from `folder`; the name of a bind password or a keytab
 * without a slash is looked for among the credentials of the service (CREDENTIALS_DIRECTORY) first.
 * FAULT_KEYRING_READ with file, line and key. */
MUST_CHECK enum fault settings_read(const struct ini *ini, const char *folder,
				    struct ldap_settings **ret_settings, struct why *why);
void settings_free(struct ldap_settings *settings);
AUTO_POINTER(struct ldap_settings *, settings_free);

/* Some server is reached in the clear: said at each start. */
bool settings_send_plaintext(const struct ldap_settings *settings);

/* The bind password, read anew so that it can be changed while the server runs, up to the end of its first
 * line; refused when others than its owner and group can read the file, or when it is empty. */
MUST_CHECK enum fault settings_read_password(const struct ldap_settings *settings,
					     struct secret **ret_password, struct why *why);
/* The keytab, if there is one, is there, and others cannot read it. */
MUST_CHECK enum fault settings_check_keytab(const struct ldap_settings *settings, struct why *why);

#endif
