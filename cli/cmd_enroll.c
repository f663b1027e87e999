/* fsenc enroll */
#include "base/answer.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/deferral.h"
#include "cli/input.h"
#include "cli/session_open.h"
#include "keys/enrol.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AUTHORITY_MAX (1024 * 1024)
#define PASSWORD_FILE_MAX (64 * 1024)

const struct option_row options_enroll[] = {
	{"user", 0, "NAME", "your name in the organisation's directory", OPTION_TEXT, OPTION_AT(user)},
	{"code", 0, "CODE", "the one-time code for URL; after each --server the one for that server",
	 OPTION_LIST, OPTION_AT(codes)},
	{"server", 0, "URL", "one more key server of the organisation", OPTION_LIST, OPTION_AT(servers)},
	{"fingerprint", 0, "ORG", "the organisation's fingerprint, as its administrator says it", OPTION_TEXT,
	 OPTION_AT(fingerprint)},
	{"cacert", 0, "FILE", "certificates (PEM) to check the servers' TLS with; else the system's",
	 OPTION_TEXT, OPTION_AT(cacert)},
	{"ldap-password-file", 0, "FILE",
	 "in place of a code: the first line of FILE is your password in the directory", OPTION_TEXT,
	 OPTION_AT(ldap_password_file)},
	OPTION_ROWS_END,
};

struct plan {
	struct enrol_options options;
	struct enrol_server servers[GROUP_SERVERS_MAX];
	struct secret *password;
	struct bytes authority;
};

static void plan_done(struct plan *plan)
{
	secret_free(plan->password);
	bytes_done(&plan->authority);
}
AUTO_VALUE(struct plan, plan_done);

/* -- what is typed ------------------------------------------------------------------------ */

static enum fault read_organisation(struct call *call, struct plan *plan, struct why *why)
{
	const char *text = call->options->fingerprint;
	enum fault fault;

	if (!text) {
		fault = why_set(why, FAULT_USAGE, "--fingerprint ORG is missing: it says whose servers these are");
		return call_hint(call, fault, "ask the administrator; 'fsenc-server status' shows it");
	}
	if (fingerprint_from_text(text, &plan->options.organisation))
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE, "'%.60s' is no fingerprint: 43 letters, digits, - and _", text);
}

/* The first code is for URL, each further one for the --server of the same place. */
static enum fault pair_codes(const struct call *call, struct plan *plan, struct why *why)
{
	const struct option_list *codes = &call->options->codes;
	const struct option_list *more = &call->options->servers;
	const size_t count = 1 + more->count;

	if (count > GROUP_SERVERS_MAX)
		return why_set(why, FAULT_USAGE, "an organisation has at most %d key servers", GROUP_SERVERS_MAX);
	if (call->options->ldap_password_file ? codes->count > 0 : codes->count != count)
		return why_set(why, FAULT_USAGE,
			       "each key server needs its own --code, or --ldap-password-file stands for one: "
			       "%zu server(s), %zu code(s)",
			       count, codes->count);
	for (size_t i = 0; i < count; i++) {
		plan->servers[i].url = i ? more->words[i - 1] : call->arguments[0];
		plan->servers[i].code = codes->count ? codes->words[i] : NULL;
	}
	plan->options.servers = plan->servers;
	plan->options.server_count = count;
	return FAULT_NONE;
}

static enum fault read_authority(const struct call *call, struct plan *plan, struct why *why)
{
	enum fault fault;

	if (!call->options->cacert)
		return FAULT_NONE;
	fault = input_read(call->options->cacert, AUTHORITY_MAX, &plan->authority, why);
	if (!fault && !strstr((const char *)plan->authority.data, "-----BEGIN CERTIFICATE-----"))
		fault = why_set(why, FAULT_USAGE, "'%s' holds no certificate (PEM)", call->options->cacert);
	plan->options.certificate_authority = (const char *)plan->authority.data;
	return fault;
}

/* A password for the directory may stand in a file that an administrator gave; we say what we think of it. */
static void warn_readable(const struct call *call, const char *path)
{
	struct stat stat_of;

	if (stat(path, &stat_of) == 0 && (stat_of.st_mode & 077) != 0)
		call_say(call, "Warning: others can read '%s'; chmod 600 closes it.", path);
}

static enum fault read_password(const struct call *call, struct plan *plan, struct why *why)
{
	const char *path = call->options->ldap_password_file;
	struct bytes text = BYTES_EMPTY;
	enum fault fault;

	if (!path)
		return FAULT_NONE;
	fault = input_read(path, PASSWORD_FILE_MAX, &text, why);
	if (!fault && strcspn((const char *)text.data, "\r\n") == 0)
		fault = why_set(why, FAULT_PASSPHRASE_EMPTY, "the first line of '%s' is empty", path);
	if (!fault)
		fault = secret_copy(text.data, strcspn((const char *)text.data, "\r\n"), &plan->password, why);
	if (text.data)
		secret_wipe(text.data, text.room);
	bytes_done(&text);
	plan->options.password = plan->password;
	warn_readable(call, path);
	return fault;
}

static enum fault read_plan(struct call *call, struct plan *plan, struct why *why)
{
	enum fault fault = read_organisation(call, plan, why);

	if (!fault && !call->options->user)
		fault = why_set(why, FAULT_USAGE, "--user NAME is missing: your name in the directory");
	plan->options.user = call->options->user;
	if (!fault)
		fault = pair_codes(call, plan, why);
	if (!fault)
		fault = read_authority(call, plan, why);
	if (!fault)
		fault = read_password(call, plan, why);
	return fault;
}

/* -- what came of it ----------------------------------------------------------------------- */

static enum fault print_membership(const struct call *call, const struct keyring_organisation *own,
				   struct why *why)
{
	AUTO(table_done) struct table table = TABLE(2);
	char fingerprint[DIGEST_TEXT_SIZE], account[ID_TEXT_SIZE], count[24];
	const char *name = own->organisation.root.name;
	const char *user = certificate_identity(own->certificate)->name;

	fingerprint_text(&own->fingerprint, fingerprint);
	member_id_text(&own->account, account);
	(void)snprintf(count, sizeof(count), "%zu", own->server_count);
	if (call->options->json)
		return answer_print(json_pack("{s:s, s:s, s:s, s:s, s:I}", "organisation", name, "fingerprint",
					      fingerprint, "user", user, "account", account, "servers",
					      (json_int_t)own->server_count),
				    why);
	table_add(&table, (const char *[]){"organisation", name});
	table_add(&table, (const char *[]){"fingerprint", fingerprint});
	table_add(&table, (const char *[]){"user", user});
	table_add(&table, (const char *[]){"account", account});
	table_add(&table, (const char *[]){"servers", count});
	return table_print(&table, stdout, why);
}

static enum fault hint_for(struct call *call, enum fault fault, const struct enrol_report *report)
{
	if (report->pending)
		return call_hint(call, fault,
				 "the same command again, with a new code, in %u minute(s) at the latest; an "
				 "administrator runs 'fsenc-server approve' meanwhile",
				 (report->pending + 59) / 60);
	if (fault == FAULT_DENIED)
		return call_hint(call, fault, "ask the administrator for a new code: each is good once");
	if (fault == FAULT_PARTIAL)
		return call_hint(call, fault, "fsenc enroll with the servers that are left, each with a new code");
	return fault;
}

/* Groups, and what waited for this. Being enrolled does not depend on it. */
static void catch_up(struct call *call, struct keyring *keyring)
{
	struct why why = WHY_NONE;
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	AUTO(admission_done) struct admission admission = admission_of(call, keyring);
	enum fault fault = enrolled_open(call, keyring, &enrolled, &why);

	if (!fault)
		fault = enrolled_sync(call, &enrolled, &why);
	if (!fault) {
		admission = admission_after(call, &enrolled);
		fault = deferral_run(&admission, &why);
	}
	if (fault)
		call_say(call, "Warning: %s; 'fsenc sync' tries again.", why_text(&why, fault));
}

enum fault cmd_enroll(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(plan_done) struct plan plan = {.password = NULL};
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	struct enrol_report report = {.enrolled = 0};
	enum fault fault = read_plan(call, &plan, why);

	if (!fault)
		fault = service_global_start(why);
	if (!fault)
		fault = session_unlocked(call, &keyring, why);
	if (fault)
		return fault;
	plan.options.keyring = keyring;
	fault = enrol_at_servers(&plan.options, &report, why);
	if (fault && !report.enrolled)
		return hint_for(call, fault, &report);
	enum fault shown = keyring_organisation(keyring, &own, fault ? NULL : why);
	if (!shown)
		shown = print_membership(call, &own, fault ? NULL : why);
	if (!shown)
		catch_up(call, keyring);
	return fault ? hint_for(call, fault, &report) : shown;
}
