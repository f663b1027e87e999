/* fsenc sync, deferred */
#include "base/answer.h"
#include "base/clock.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/deferral.h"
#include "cli/renewal.h"
#include "cli/session_open.h"
#include "fs/control.h"
#include "keys/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct option_row options_deferred[] = {
	{"drop", 0, "NUMBER", "forget this change", OPTION_LIST, OPTION_AT(drop)},
	OPTION_ROWS_END,
};

/* -- sync ------------------------------------------------------------------------------- */

/* A token that could not be renewed holds up nobody's access. */
static enum fault also_run_deferred(struct admission *admission, enum fault fault)
{
	struct why ignored = WHY_NONE;

	(void)!deferral_run(admission, &ignored);
	return fault;
}

enum fault cmd_sync(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	AUTO(admission_done) struct admission admission = {.enrolled = ENROLLED_NONE};
	enum fault fault = session_unlocked(call, &keyring, why);

	if (!fault)
		fault = enrolled_open(call, keyring, &enrolled, why);
	if (!fault)
		fault = enrolled_sync(call, &enrolled, why);
	if (fault)
		return fault;
	if (!call_always(call)->verbose) /* else the contact has said it */
		call_say(call, "Info: Successfully synchronized policy with %s", enrolled.host);
	control_wake_all();
	fault = renewal_if_due(call, &enrolled, why);
	admission = admission_after(call, &enrolled);
	return fault ? also_run_deferred(&admission, fault) : deferral_run(&admission, why);
}

/* -- deferred --------------------------------------------------------------------------- */

struct listing {
	json_t *array; /* with --json */
	struct table *table;
};

static enum fault list_one(void *context, const struct deferred *deferred, struct why *why)
{
	struct listing *listing = context;
	char number[24], when[32], words[512];
	time_t created = (time_t)deferred->created;
	struct tm local;
	const char *kind = deferred->kind == DEFERRED_ADD_GROUP ? "add-group" : "add-user";

	if (listing->array)
		return json_array_append_new(listing->array,
					     json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:s?}", "number",
						       (json_int_t)deferred->number, "kind", kind, "who",
						       deferred->who, "directory", deferred->directory,
						       "role", role_text(deferred->role), "created",
						       (json_int_t)deferred->created, "trouble",
						       deferred->trouble))
			       ? why_set(why, FAULT_MEMORY, "no memory for the answer")
			       : FAULT_NONE;
	(void)snprintf(number, sizeof(number), "%lld", (long long)deferred->number);
	deferral_words(deferred, words, sizeof(words));
	if (!localtime_r(&created, &local) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &local))
		when[0] = '\0';
	table_add(listing->table,
		  (const char *[]){number, when, words, deferred->trouble ? deferred->trouble : ""});
	return FAULT_NONE;
}

static enum fault list_all(const struct call *call, struct keyring *keyring, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(4);
	AUTO(json_decref) json_t *array = call->options->json ? json_array() : NULL;
	struct listing listing = {array, &table};
	enum fault fault;

	table_add(&table, (const char *[]){"NUMBER", "SINCE", "CHANGE", "LAST ATTEMPT"});
	fault = keyring_each_deferred(keyring, list_one, &listing, why);
	if (fault)
		return fault;
	if (call->options->json)
		return answer_print(json_pack("{s:O}", "deferred", array), why);
	return table_print(&table, stdout, why);
}

static enum fault drop_one(struct call *call, struct keyring *keyring, const char *text, struct why *why)
{
	char *end = NULL;
	long long number = strtoll(text, &end, 10);
	enum fault fault;

	if (end == text || *end || number < 1)
		return why_set(why, FAULT_USAGE, "'%s' is no number of a deferred change", text);
	fault = keyring_drop_deferred(keyring, number, why);
	if (fault == FAULT_MISSING)
		return call_hint(call, fault, "fsenc deferred");
	return fault;
}

enum fault cmd_deferred(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	const struct option_list *drop = &call->options->drop;
	enum fault fault = session_locked(call, &keyring, why);

	for (size_t i = 0; i < drop->count && !fault; i++)
		fault = drop_one(call, keyring, drop->words[i], why);
	if (fault || drop->count)
		return fault;
	return list_all(call, keyring, why);
}
