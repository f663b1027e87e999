/* The values of [ldap] that have an inside: URIs, search bases, lists. */
#include <ldap.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ldap/dn.h"
#include "ldap/filter.h"
#include "ldap/settings_parts.h"

#define BLANKS ", \t"
#define LOCAL_SOCKET "/var/run/slapd/ldapi"

AUTO_POINTER(LDAPURLDesc *, ldap_free_urldesc);

static enum fault no_memory(struct why *why)
{
	return why_set(why, FAULT_MEMORY, "no memory for the settings of the directory");
}

/* -- servers ----------------------------------------------------------------------- */

static enum ldap_protection protection_of(const struct ldap_settings *settings, const char *scheme)
{
	if (!strcmp(scheme, "ldapi"))
		return PROTECTED_LOCAL;
	if (!strcmp(scheme, "ldaps"))
		return PROTECTED_LDAPS;
	if (settings->start_tls)
		return PROTECTED_START_TLS;
	return settings->bind_way == BIND_GSSAPI ? PROTECTED_SASL : NOT_PROTECTED;
}

static const char *host_of(const LDAPURLDesc *url)
{
	if (url->lud_host && *url->lud_host)
		return url->lud_host;
	return strcmp(url->lud_scheme, "ldapi") ? "localhost" : LOCAL_SOCKET;
}

static bool is_server_only(const LDAPURLDesc *url)
{
	return !strcmp(url->lud_scheme, "ldap") || !strcmp(url->lud_scheme, "ldaps") ||
			       !strcmp(url->lud_scheme, "ldapi")
		       ? (!url->lud_dn || !*url->lud_dn) && !url->lud_attrs && !url->lud_filter &&
				 !url->lud_exts
		       : false;
}

static enum fault read_server(const struct ini *ini, const char *uri, struct ldap_settings *settings,
			      struct why *why)
{
	AUTO(ldap_free_urldesc) LDAPURLDesc *url = NULL;

	if (settings->server_count == SETTINGS_SERVERS_MAX)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_uri", why, "more than %d servers",
				 SETTINGS_SERVERS_MAX);
	if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS || !is_server_only(url))
		return ini_wrong(
			ini, SETTINGS_SECTION, "ldap_uri", why,
			"'%.100s' is not ldaps://HOST, ldap://HOST or ldapi://PATH (slashes as %%2F)", uri);
	struct ldap_server *server = &settings->servers[settings->server_count++];
	server->protection = protection_of(settings, url->lud_scheme);
	server->uri = settings_keep(settings, strdup(uri));
	server->host = settings_keep(settings, strdup(host_of(url)));
	if (!server->uri || !server->host)
		return no_memory(why);
	int port = url->lud_port			   ? url->lud_port
		   : server->protection == PROTECTED_LDAPS ? LDAPS_PORT
							   : LDAP_PORT;
	(void)snprintf(server->port, sizeof server->port, "%d", port);
	if (server->protection == NOT_PROTECTED && !settings->allow_plaintext)
		return ini_wrong(
			ini, SETTINGS_SECTION, "ldap_uri", why,
			"%.100s sends passwords and answers in the clear: use ldaps:// or ldap_id_use_start_tls = true "
			"(or, for a test, allow_plaintext = true)",
			uri);
	return FAULT_NONE;
}

enum fault settings_read_servers(const struct ini *ini, struct ldap_settings *settings, struct why *why)
{
	const char *text = ini_text(ini, SETTINGS_SECTION, "ldap_uri", NULL);
	enum fault fault = FAULT_NONE;

	if (!text)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_uri", why, "is needed");
	AUTO(free) char *copy = strdup(text);
	if (!copy)
		return no_memory(why);
	char *rest = NULL;
	for (char *uri = strtok_r(copy, BLANKS, &rest); uri && !fault; uri = strtok_r(NULL, BLANKS, &rest))
		fault = read_server(ini, uri, settings, why);
	if (!fault && settings->server_count == 0)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_uri", why, "names no server");
	return fault;
}

/* -- search bases ------------------------------------------------------------------ */

static const struct {
	const char *word;
	int scope;
} scopes[] = {
	{"", LDAP_SCOPE_SUBTREE},     {"sub", LDAP_SCOPE_SUBTREE},	 {"subtree", LDAP_SCOPE_SUBTREE},
	{"one", LDAP_SCOPE_ONELEVEL}, {"onelevel", LDAP_SCOPE_ONELEVEL}, {"base", LDAP_SCOPE_BASE},
};

static bool scope_from_word(const char *word, int *ret_scope)
{
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		if (!strcasecmp(scopes[i].word, word)) {
			*ret_scope = scopes[i].scope;
			return true;
		}
	return false;
}

/* DN[?SCOPE[?FILTER]] as in sssd.conf. */
static enum fault split_base(const struct ini *ini, const char *key, char *text, struct ldap_base *base,
			     struct why *why)
{
	char *scope = strchr(text, '?');
	char *filter = scope ? strchr(scope + 1, '?') : NULL;

	if (scope)
		*scope++ = 0;
	if (filter)
		*filter++ = 0;
	if (!dn_is_valid(text))
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "'%.100s' is no DN", text);
	if (!scope_from_word(scope ? scope : "", &base->scope))
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "'%.60s' is none of sub, one, base", scope);
	if (filter && *filter && !filter_is_whole(filter))
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "'%.100s' is no filter in parentheses",
				 filter);
	base->dn = text;
	base->filter = filter && *filter ? filter : NULL;
	return FAULT_NONE;
}

enum fault settings_read_base(const struct ini *ini, const char *key, const struct ldap_base *otherwise,
			      struct ldap_settings *settings, struct ldap_base *ret_base, struct why *why)
{
	const char *text = ini_text(ini, SETTINGS_SECTION, key, NULL);

	if (!text && !otherwise)
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "is needed");
	if (!text) {
		*ret_base = *otherwise;
		return FAULT_NONE;
	}
	char *copy = strdup(text);
	if (!settings_keep(settings, copy))
		return no_memory(why);
	return split_base(ini, key, copy, ret_base, why);
}

/* -- lists ------------------------------------------------------------------------- */

enum fault settings_read_list(const struct ini *ini, const char *key, struct ldap_settings *settings,
			      const char *list[static SETTINGS_LIST_MAX + 1], struct why *why)
{
	const char *text = ini_text(ini, SETTINGS_SECTION, key, NULL);
	size_t count = 0;
	char *rest = NULL;

	if (!text)
		return FAULT_NONE;
	char *copy = strdup(text);
	if (!settings_keep(settings, copy))
		return no_memory(why);
	for (char *word = strtok_r(copy, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest)) {
		if (count == SETTINGS_LIST_MAX)
			return ini_wrong(ini, SETTINGS_SECTION, key, why, "more than %d names",
					 SETTINGS_LIST_MAX);
		if (!filter_is_attribute(word))
			return ini_wrong(ini, SETTINGS_SECTION, key, why, "'%.60s' is no name", word);
		list[count++] = word;
	}
	if (!count)
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "names nothing");
	list[count] = NULL;
	return FAULT_NONE;
}
