/* fsenc-server approve; fork */
#include "base/answer.h"
#include "base/clock.h"
#include "base/table.h"
#include "server/account.h"
#include "server/commands.h"
#include "server/stores.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DETAIL_SIZE 256
#define TIME_SIZE 32

static void time_text(int64_t seconds, char text[static TIME_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm parts;

	text[0] = '\0';
	if (seconds && localtime_r(&time, &parts))
		(void)strftime(text, TIME_SIZE, "%F %T", &parts);
}

/* -- who waits -------------------------------------------------------------------------------- */

struct listing {
	struct table table;
	json_t *list;
};

static enum fault list_one(void *context, const struct stored_approval *approval, struct why *why)
{
	struct listing *listing = context;
	char fingerprint[DIGEST_TEXT_SIZE], requested[TIME_SIZE], from[TIME_SIZE], state[64];

	fingerprint_text(&approval->fingerprint, fingerprint);
	time_text(approval->requested, requested);
	time_text(approval->from, from);
	(void)snprintf(state, sizeof state, approval->approved ? "approved, from %s on" : "waits%s",
		       approval->approved ? from : "");
	if (!listing->list)
		table_add(&listing->table, (const char *[]){approval->name, fingerprint, requested, state});
	else if (json_array_append_new(listing->list, json_pack("{s:s, s:s, s:I, s:I, s:I}", "user",
								approval->name, "fingerprint", fingerprint,
								"requested", (json_int_t)approval->requested,
								"approved", (json_int_t)approval->approved,
								"from", (json_int_t)approval->from)) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the list");
	return FAULT_NONE;
}

static enum fault list_all(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct listing listing = {.table = TABLE(4), .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = store_approvals(home->store, list_one, &listing, why);
	if (!fault)
		fault = listing.list ? answer_print(json_pack("{s:O}", "approvals", listing.list), why)
				     : table_print(&listing.table, stdout, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}

/* -- approving ------------------------------------------------------------------------------------ */

struct approving {
	const char *name;
	struct fingerprint fingerprint;
	struct account accounts[GROUP_SERVERS_MAX + 1];
};

static enum fault look_up(struct home *home, size_t at, void *context, struct why *why)
{
	struct approving *approving = context;

	return account_find(home, approving->name, &approving->accounts[at], why);
}

static enum fault grant(struct home *home, size_t at, void *context, struct why *why)
{
	const struct approving *approving = context;
	int64_t now = clock_wall_ms() / MS_PER_SECOND;

	return store_approval_grant(home->store, &approving->accounts[at].id, &approving->fingerprint, now,
				    now + home->policy.approve_delay, why);
}

enum fault cmd_approve(struct call *call, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	static struct approving approving;
	char detail[DETAIL_SIZE];
	const struct change change = {
		.prepare = look_up, .work = grant, .context = &approving, .detail = detail};
	enum fault fault;

	if (call->argument_count == 1)
		return list_all(call, why);
	if (call->argument_count == 2)
		return why_set(why, FAULT_USAGE,
			       "which key? 'fsenc-server approve %s' shows the fingerprints",
			       call->arguments[0]);
	approving.name = call->arguments[1];
	if (!fingerprint_from_text(call->arguments[2], &approving.fingerprint))
		return why_set(why, FAULT_INVALID, "'%.60s' is no fingerprint", call->arguments[2]);
	(void)snprintf(detail, sizeof detail, "approve %s %s", call->arguments[1], call->arguments[2]);
	fault = stores_open(call, &stores, why);
	if (!fault)
		fault = stores_change(call, &stores, &change, why);
	if (!fault)
		call_say(call,
			 "The key takes effect in %" PRIu32 " seconds, with the user's next 'fsenc enroll'.",
			 stores.homes[0]->policy.approve_delay);
	return call_hint(call, fault, "fsenc-server approve %s", call->arguments[0]);
}

/* -- forks ------------------------------------------------------------------------------------------- */

static enum fault list_record(void *context, const struct stored_head *head, bool is_head, struct why *why)
{
	struct listing *listing = context;
	char folder[ID_TEXT_SIZE], digest[DIGEST_TEXT_SIZE], version[32], seen[TIME_SIZE];

	folder_id_text(&head->folder, folder);
	digest_text(&head->digest, digest);
	time_text(head->seen, seen);
	(void)snprintf(version, sizeof version, "version %" PRIu64, head->version);
	if (!listing->list)
		table_add(&listing->table,
			  (const char *[]){folder, version, digest, seen, is_head ? "believed" : ""});
	else if (json_array_append_new(listing->list,
				       json_pack("{s:s, s:I, s:s, s:I, s:b}", "folder", folder, "version",
						 (json_int_t)head->version, "digest", digest, "seen",
						 (json_int_t)head->seen, "believed", is_head)) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the records");
	return FAULT_NONE;
}

enum fault cmd_fork_list(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct listing listing = {.table = TABLE(5), .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = store_forks(home->store, list_record, &listing, why);
	if (!fault)
		fault = listing.list ? answer_print(json_pack("{s:O}", "records", listing.list), why)
				     : table_print(&listing.table, stdout, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}

struct choice {
	struct folder_id folder;
	struct digest digest;
};

static enum fault settle(struct home *home, size_t at, void *context, struct why *why)
{
	const struct choice *choice = context;

	(void)at;
	return store_head_settle(home->store, &choice->folder, &choice->digest, why);
}

enum fault cmd_fork_settle(struct call *call, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	struct choice choice;
	char detail[DETAIL_SIZE];
	const struct change change = {.work = settle, .context = &choice, .detail = detail};
	enum fault fault;

	if (!folder_id_from_text(call->arguments[1], &choice.folder) ||
	    !digest_from_text(call->arguments[2], &choice.digest))
		return why_set(why, FAULT_INVALID,
			       "a folder and a digest are as 'fsenc-server fork list' shows them");
	(void)snprintf(detail, sizeof detail, "fork settle %s %s", call->arguments[1], call->arguments[2]);
	fault = stores_open(call, &stores, why);
	if (!fault)
		fault = stores_change(call, &stores, &change, why);
	return call_hint(call, fault, "fsenc-server fork list %s", call->arguments[0]);
}
