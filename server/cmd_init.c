/* fsenc-server init */
#include "base/answer.h"
#include "ldap/directory_ldap.h"
#include "server/commands.h"
#include "server/founding.h"
#include "server/stores.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct option_row options_init[] = {
	{"name", 0, "NAME", "the name under which clients reach the server; required", OPTION_TEXT,
	 OPTION_AT(name)},
	{"listen", 0, "ADDRESS",
	 "ADDRESS:PORT or unix:PATH, once for each; [::]:8443 and 0.0.0.0:8443 if not given", OPTION_LIST,
	 OPTION_AT(listen)},
	{"organisation", 0, "NAME", "the name of the organisation; that of the server if not given",
	 OPTION_TEXT, OPTION_AT(organisation)},
	{"join", 0, "DIR", "a further server of the organisation whose first server is in DIR", OPTION_TEXT,
	 OPTION_AT(join)},
	{"root-key", 0, "FILE",
	 "keep the organisation's root key in FILE alone; with --join, the file that it is in", OPTION_TEXT,
	 OPTION_AT(root_key)},
	{"tls-cert", 0, "FILE", "a TLS certificate and its chain (PEM) in place of one made here",
	 OPTION_TEXT, OPTION_AT(tls_cert)},
	{"tls-key", 0, "FILE", "its private key (PEM)", OPTION_TEXT, OPTION_AT(tls_key)},
	{"ldap-uri", 0, "URI", "users and groups are in this LDAP directory", OPTION_TEXT,
	 OPTION_AT(ldap_uri)},
	{"ldap-search-base", 0, "DN", "where in it users and groups are", OPTION_TEXT,
	 OPTION_AT(ldap_search_base)},
	{"ldap-schema", 0, "SCHEMA", "rfc2307, rfc2307bis, ad or ipa", OPTION_TEXT, OPTION_AT(ldap_schema)},
	{"ldap-bind-dn", 0, "DN", "who reads it", OPTION_TEXT, OPTION_AT(ldap_bind_dn)},
	{"ldap-bind-password-file", 0, "FILE", "the first line of FILE is that one's password", OPTION_TEXT,
	 OPTION_AT(ldap_bind_password_file)},
	{"ldap-keytab", 0, "FILE", "who reads it proves it by Kerberos, with this keytab", OPTION_TEXT,
	 OPTION_AT(ldap_keytab)},
	{"ldap-tls-cacert", 0, "FILE", "the authority that signed the directory's certificate", OPTION_TEXT,
	 OPTION_AT(ldap_tls_cacert)},
	{"ldap-start-tls", 0, NULL, "StartTLS on an ldap:// URI", OPTION_FLAG, OPTION_AT(ldap_start_tls)},
	{"allow-plaintext", 0, NULL, "ldap:// without any protection: for tests", OPTION_FLAG,
	 OPTION_AT(allow_plaintext)},
	OPTION_ROWS_END,
};

/* -- the directory's part of the configuration ---------------------------------------------- */

static const struct {
	size_t offset;
	const char *key;
	bool is_file;
} ldap_lines[] = {
	{OPTION_AT(ldap_uri), "ldap_uri", false},
	{OPTION_AT(ldap_search_base), "ldap_search_base", false},
	{OPTION_AT(ldap_schema), "ldap_schema", false},
	{OPTION_AT(ldap_bind_dn), "ldap_default_bind_dn", false},
	{OPTION_AT(ldap_bind_password_file), "ldap_default_authtok_file", true},
	{OPTION_AT(ldap_keytab), "ldap_krb5_keytab", true},
	{OPTION_AT(ldap_tls_cacert), "ldap_tls_cacert", true},
};

/* The server may be started anywhere. Heap. */
static enum fault absolute(const char *path, char **ret_path, struct why *why)
{
	char here[PATH_MAX];
	char *whole = NULL;

	if (path[0] != '/' && !getcwd(here, sizeof here))
		return why_system(why, "cannot tell where '%s' is", path);
	if ((path[0] == '/' ? asprintf(&whole, "%s", path) : asprintf(&whole, "%s/%s", here, path)) < 0)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = whole;
	return FAULT_NONE;
}

static enum fault add_line(struct bytes *lines, const char *key, const char *value, struct why *why)
{
	enum fault fault = bytes_append_text(lines, key, why);

	if (!fault)
		fault = bytes_append_text(lines, " = ", why);
	if (!fault)
		fault = bytes_append_text(lines, value, why);
	return fault ? fault : bytes_append_text(lines, "\n", why);
}

static enum fault add_option(const struct options *options, size_t at, struct bytes *lines, struct why *why)
{
	const char *value = *(const char *const *)(const void *)((const char *)options +
								 ldap_lines[at].offset);
	AUTO(free) char *path = NULL;
	enum fault fault = FAULT_NONE;

	if (!value)
		return FAULT_NONE;
	if (ldap_lines[at].is_file)
		fault = absolute(value, &path, why);
	return fault ? fault : add_line(lines, ldap_lines[at].key, path ? path : value, why);
}

static enum fault directory_lines(const struct options *options, struct bytes *lines, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < sizeof ldap_lines / sizeof *ldap_lines; i++)
		fault = add_option(options, i, lines, why);
	if (!fault && options->ldap_keytab)
		fault = add_line(lines, "ldap_sasl_mech", "GSSAPI", why);
	if (!fault && options->ldap_start_tls)
		fault = add_line(lines, "ldap_id_use_start_tls", "true", why);
	if (!fault && options->allow_plaintext)
		fault = add_line(lines, "allow_plaintext", "true", why);
	if (!fault && lines->size && !options->ldap_uri)
		return why_set(why, FAULT_USAGE, "--ldap-uri URI says which directory");
	return fault;
}

/* -- making --------------------------------------------------------------------------------- */

static const struct option_list everywhere = {.words = {"[::]:8443", "0.0.0.0:8443"}, .count = 2};

static enum fault check_options(struct call *call, struct why *why)
{
	const struct options *options = call->options;

	if (!options->name)
		return call_hint(call, why_set(why, FAULT_USAGE, "the server needs a name"),
				 "fsenc-server init DIR --name keys.example.com");
	if (!options->tls_cert != !options->tls_key)
		return why_set(why, FAULT_USAGE, "--tls-cert and --tls-key come together");
	if (options->join && options->organisation)
		return why_set(why, FAULT_USAGE, "the organisation that is joined has a name already");
	return why_in(why, identity_check_name(options->name, why), "--name");
}

struct making {
	struct founding founding;
	struct home *join;
	char *tls_cert, *tls_key;
	struct bytes lines;
};

static void making_done(struct making *making)
{
	home_close(making->join);
	free(making->tls_cert);
	free(making->tls_key);
	bytes_done(&making->lines);
}
AUTO_VALUE(struct making, making_done);

static enum fault prepare(const struct call *call, struct making *making, struct why *why)
{
	const struct options *options = call->options;
	enum fault fault = directory_lines(options, &making->lines, why);

	if (!fault && options->tls_cert)
		fault = absolute(options->tls_cert, &making->tls_cert, why);
	if (!fault && options->tls_key)
		fault = absolute(options->tls_key, &making->tls_key, why);
	if (!fault && options->join)
		fault = home_open(options->join, &making->join, why);
	making->founding = (struct founding){
		.path = call->arguments[0],
		.name = options->name,
		.organisation = options->organisation ? options->organisation : options->name,
		.listen = options->listen.count ? &options->listen : &everywhere,
		.tls_cert = making->tls_cert,
		.tls_key = making->tls_key,
		.directory_lines = (const char *)making->lines.data,
		.root_key = options->root_key,
		.join = making->join,
	};
	return fault;
}

static enum fault answer(const struct call *call, const struct fingerprint *organisation, struct why *why)
{
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(organisation, text);
	if (call->options->json)
		return answer_print(json_pack("{s:s, s:s}", "name", call->options->name, "fingerprint", text),
				    why);
	(void)puts(text);
	call_say(call, "That is the fingerprint of the organisation: users compare it when they enroll.");
	return answer_end(why);
}

enum fault cmd_init(struct call *call, struct why *why)
{
	AUTO(making_done) struct making making = {0};
	struct fingerprint organisation;
	enum fault fault = check_options(call, why);

	if (!fault)
		fault = prepare(call, &making, why);
	if (!fault)
		fault = founding_make(&making.founding, &organisation, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "an empty directory, or one that does not exist yet");
	return fault ? fault : answer(call, &organisation, why);
}
