#include "ldap/root_dse.h"

#include <stdio.h>
#include <string.h>

#include "ldap/filter.h"
#include "ldap/search.h"

#define CAPABILITY_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

static void name_kind(const struct entry *entry, struct root_dse *root)
{
	static const char *const openldap[] = {"OpenLDAProotDSE", NULL};

	if (root->is_active_directory)
		strcpy(root->kind, "Active Directory");
	else if (entry_has_one_of(entry, "objectClass", openldap))
		strcpy(root->kind, "OpenLDAP");
	else if (!entry_text(entry, "vendorVersion", root->kind, sizeof root->kind) &&
		 !entry_text(entry, "vendorName", root->kind, sizeof root->kind))
		strcpy(root->kind, "not known");
	for (char *at = root->kind; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

static enum directory_reason take(void *context, const struct entry *entry, struct why *why)
{
	static const char *const active_directory[] = {CAPABILITY_ACTIVE_DIRECTORY, NULL};
	static const char *const pages[] = {LDAP_CONTROL_PAGEDRESULTS, NULL};
	static const char *const start_tls[] = {LDAP_EXOP_START_TLS, NULL};
	struct root_dse *root = context;

	(void)why;
	root->is_active_directory = entry_has_one_of(entry, "supportedCapabilities", active_directory);
	root->has_pages = entry_has_one_of(entry, "supportedControl", pages);
	root->has_start_tls = entry_has_one_of(entry, "supportedExtension", start_tls);
	name_kind(entry, root);
	return DIRECTORY_REASON_NONE;
}

enum directory_reason root_dse_read(struct conn *conn, int64_t deadline, struct root_dse *ret_root,
				    struct why *why)
{
	static const char *const attributes[] = {"objectClass",
						 "vendorName",
						 "vendorVersion",
						 "supportedCapabilities",
						 "supportedControl",
						 "supportedExtension",
						 NULL};
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	struct root_dse root = {.kind = "not known"};

	filter_present(&filter, "objectClass");
	const struct search search = {.base = "",
				      .scope = LDAP_SCOPE_BASE,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	enum directory_reason reason = search_run(conn, &search, deadline, take, &root, why);
	if (!reason)
		*ret_root = root;
	return reason;
}
