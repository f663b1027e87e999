/* ldap/root_dse.h - what a directory server says it is (RFC 4512, 5.1).
 *
 * Only what somebody asked for hangs on it: the chain rule needs Active Directory, which answers it;
 * elsewhere the rule is answered with success and nothing.
 */
#ifndef FSENC_LDAP_ROOT_DSE_H
#define FSENC_LDAP_ROOT_DSE_H

#include "ldap/conn.h"

struct root_dse {
	char kind[64]; /* "OpenLDAP", "Active Directory", "389 Project ...", "not known" */
	bool is_active_directory;
	bool has_pages;
	bool has_start_tls;
};

MUST_CHECK enum directory_reason root_dse_read(struct conn *conn, int64_t deadline, struct root_dse *ret_root,
					       struct why *why);

#endif
