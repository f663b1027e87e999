/* server/options.h - the options of fsenc-server: what their values are kept in, and the groups that commands
 * share. */
#ifndef FSENC_SERVER_OPTIONS_H
#define FSENC_SERVER_OPTIONS_H

#include "base/call.h"

struct options {
	struct options_always always;
	/* groups */
	bool json;
	const char *root_key;
	struct option_list server;
	/* of single commands */
	bool follow, verify, directory, allow_plaintext, ldap_start_tls, reshare, optional;
	const char *name, *organisation, *tls_cert, *tls_key, *join;
	const char *ldap_uri, *ldap_search_base, *ldap_schema, *ldap_bind_dn, *ldap_bind_password_file,
		*ldap_keytab, *ldap_tls_cacert, *ldap_group;
	const char *user, *parcels, *trust, *token_out;
	unsigned threshold;
	struct option_list listen, member, officer, leaving;
};

#define OPTION_AT(member) offsetof(struct options, member)

#define OPTIONS_JSON 1u
#define OPTIONS_SERVER 2u /* --server */
#define OPTIONS_ROOT 4u /* --root-key */

#define OPTION_GROUP_COUNT 4
extern const struct option_group option_groups[OPTION_GROUP_COUNT];

#endif
