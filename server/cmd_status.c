/* fsenc-server status */
#include "base/answer.h"
#include "base/clock.h"
#include "base/table.h"
#include "ldap/directory.h"
#include "server/account.h"
#include "server/commands.h"
#include "server/home.h"
#include "server/tls_probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIRECTORY_MS 30000 /* for all steps of --directory */
#define LISTEN_SIZE 1024

const struct option_row options_status[] = {
	{"directory", 0, NULL, "ask the directory, step by step, and show how long each takes", OPTION_FLAG,
	 OPTION_AT(directory)},
	{"user", 0, "USER", "with --directory: that user's account and groups, too", OPTION_TEXT,
	 OPTION_AT(user)},
	OPTION_ROWS_END,
};

/* What is counted in the store. */
struct counts {
	size_t groups, enrolled, waiting;
	uint64_t audit_rows;
};

static enum fault count_group(void *context, const struct stored_group *group, struct why *why)
{
	(void)group;
	(void)why;
	++*(size_t *)context;
	return FAULT_NONE;
}

static enum fault count_certificate(void *context, const struct stored_certificate *certificate,
				    struct why *why)
{
	(void)certificate;
	(void)why;
	++*(size_t *)context;
	return FAULT_NONE;
}

static enum fault count_approval(void *context, const struct stored_approval *approval, struct why *why)
{
	(void)why;
	*(size_t *)context += approval->approved == 0;
	return FAULT_NONE;
}

static enum fault count_all(struct store *store, struct counts *counts, struct why *why)
{
	struct stored_audit last = {0};
	enum fault fault = store_groups(store, count_group, &counts->groups, why);

	if (!fault)
		fault = store_certificates(store, count_certificate, &counts->enrolled, why);
	if (!fault)
		fault = store_approvals(store, count_approval, &counts->waiting, why);
	if (!fault)
		fault = store_audit_last(store, &last, why);
	counts->audit_rows = last.number;
	return fault;
}

static void listen_text(const struct config *config, char text[static LISTEN_SIZE])
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < config->listen_count && at < LISTEN_SIZE; i++)
		at += (size_t)snprintf(text + at, LISTEN_SIZE - at, "%s%s", i ? ", " : "", config->listen[i]);
}

/* -- the directory's steps ------------------------------------------------------------------ */

struct steps {
	struct table table;
	json_t *list;
};

static void add_step(void *context, const struct directory_step *step)
{
	struct steps *steps = context;
	char took[32] = "";

	if (step->took_ms >= 0)
		(void)snprintf(took, sizeof took, "%" PRId64 " ms", step->took_ms);
	table_add(&steps->table,
		  (const char *[]){step->name, step->good ? "good" : "FAILED", took, step->found});
	if (steps->list)
		(void)json_array_append_new(
			steps->list, json_pack("{s:s, s:b, s:I, s:s}", "step", step->name, "good", step->good,
					       "took_ms", (json_int_t)step->took_ms, "found", step->found));
}

static enum fault print_steps(const struct call *call, const struct steps *steps, struct why *why)
{
	if (call->options->json)
		return answer_print(json_pack("{s:O}", "steps", steps->list), why);
	return table_print(&steps->table, stdout, why);
}

static enum fault show_directory(struct call *call, const struct home *home, struct why *why)
{
	AUTO(directory_close) struct directory *directory = NULL;
	struct steps steps = {.table = TABLE(4), .list = json_array()};
	enum fault asked = FAULT_NONE;
	enum fault fault = home_directory(home, home->config, &directory, why);

	if (!fault) {
		asked = account_fault(directory_describe(directory, call->options->user,
							 clock_boot_ms() + DIRECTORY_MS, add_step, &steps,
							 why));
		fault = print_steps(call, &steps, asked ? NULL : why);
	}
	table_done(&steps.table);
	json_decref(steps.list);
	return asked ? call_hint(call, asked, "look at the step that failed") : fault;
}

/* -- the server ----------------------------------------------------------------------------------- */

struct facts {
	const struct home *home;
	struct counts counts;
	enum fault probe;
	struct why probe_words;
	char fingerprint[DIGEST_TEXT_SIZE];
	char listen[LISTEN_SIZE];
	const char *directory;
};

static json_t *server_names(const struct organisation *organisation)
{
	json_t *names = json_array();

	for (size_t i = 0; names && i < organisation->server_count; i++)
		(void)json_array_append_new(names, json_string(organisation->servers[i].name));
	return names;
}

static enum fault print_json(const struct facts *facts, struct why *why)
{
	const struct home *home = facts->home;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:I, s:I, s:i, s:i, s:i, s:I}", "name",
		home->config->name, "fingerprint", facts->fingerprint, "organisation",
		home->organisation.root.name, "listen", facts->listen, "directory", facts->directory, "ready",
		facts->probe == FAULT_NONE, "running", facts->probe != FAULT_UNREACHABLE, "servers",
		server_names(&home->organisation), "organisation_version",
		(json_int_t)home->organisation.version, "policy_version", (json_int_t)home->policy.version,
		"groups", (int)facts->counts.groups, "enrolled", (int)facts->counts.enrolled, "waiting",
		(int)facts->counts.waiting, "audit_rows", (json_int_t)facts->counts.audit_rows);

	return answer_print(object, why);
}

static void add_number(struct table *table, const char *name, uint64_t number)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%" PRIu64, number);
	table_add(table, (const char *[]){name, text});
}

static enum fault print_text(const struct facts *facts, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(2);
	const struct home *home = facts->home;

	table_add(&table, (const char *[]){"name", home->config->name});
	table_add(&table, (const char *[]){"organisation", home->organisation.root.name});
	table_add(&table, (const char *[]){"fingerprint", facts->fingerprint});
	table_add(&table, (const char *[]){"listen", facts->listen});
	table_add(&table, (const char *[]){"directory", facts->directory});
	table_add(&table, (const char *[]){"ready", facts->probe ? why_text(&facts->probe_words, facts->probe)
								 : "yes"});
	add_number(&table, "servers", home->organisation.server_count);
	add_number(&table, "groups", facts->counts.groups);
	add_number(&table, "enrolled users", facts->counts.enrolled);
	add_number(&table, "keys that wait for approval", facts->counts.waiting);
	add_number(&table, "policy version", home->policy.version);
	add_number(&table, "audit rows", facts->counts.audit_rows);
	return table_print(&table, stdout, why);
}

static enum fault show_server(const struct call *call, const struct home *home, struct why *why)
{
	struct facts facts = {.home = home, .probe_words = WHY_NONE};
	enum fault fault = count_all(home->store, &facts.counts, why);

	if (fault)
		return fault;
	facts.probe = tls_probe(home->config->listen[0], &facts.probe_words);
	facts.directory = home->config->directory == CONFIG_LDAP ? "ldap" : "builtin";
	fingerprint_text(&home->fingerprint, facts.fingerprint);
	listen_text(home->config, facts.listen);
	return call->options->json ? print_json(&facts, why) : print_text(&facts, why);
}

enum fault cmd_status(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	enum fault fault;

	if (call->options->user && !call->options->directory)
		return why_set(why, FAULT_USAGE, "--user comes with --directory");
	fault = home_open(call->arguments[0], &home, why);
	if (fault)
		return fault;
	return call->options->directory ? show_directory(call, home, why) : show_server(call, home, why);
}
