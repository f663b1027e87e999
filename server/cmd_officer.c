/* fsenc-server officer, recovery-group add */
#include "base/answer.h"
#include "base/file.h"
#include "base/table.h"
#include "keys/certificate.h"
#include "server/charter_write.h"
#include "server/commands.h"
#include "server/holders.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256
#define CERTIFICATE_MAX (64 * 1024)

const struct option_row options_officer_add[] = {
	{"trust", 0, "FINGERPRINT", "the fingerprint that the officer told; required", OPTION_TEXT,
	 OPTION_AT(trust)},
	OPTION_ROWS_END,
};
const struct option_row options_recovery_group_add[] = {
	{"officer", 0, "NAME", "an officer who holds a share; once for each", OPTION_LIST,
	 OPTION_AT(officer)},
	{"threshold", 0, "M", "how many officers it takes", OPTION_NUMBER, OPTION_AT(threshold)},
	{"parcels", 0, "DIR", "where to write what each officer gets", OPTION_TEXT, OPTION_AT(parcels)},
	{"optional", 0, NULL, "do not require it of every folder by the policy", OPTION_FLAG,
	 OPTION_AT(optional)},
	OPTION_ROWS_END,
};

/* -- officers ------------------------------------------------------------------------------------ */

struct officer {
	struct certificate *certificate;
	char *text;
};

static void officer_done(struct officer *officer)
{
	certificate_free(officer->certificate);
	free(officer->text);
}
AUTO_VALUE(struct officer, officer_done);

static enum fault read_officer(const char *path, struct officer *officer, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = file_read(AT_FDCWD, path, CERTIFICATE_MAX, &text, why);

	if (!fault)
		fault = certificate_parse_text((const char *)text.data, text.size, &officer->certificate,
					       why);
	if (!fault && !certificate_is_self_signed(officer->certificate))
		fault = why_set(why, FAULT_REFUSED, "it is not what 'fsenc key export' prints");
	if (!fault)
		fault = signed_text(certificate_signed(officer->certificate), &officer->text, why);
	return why_in(why, fault, "'%s'", path);
}

/* Whoever could put another's key in his place would hold a share. */
static enum fault check_fingerprint(struct call *call, const struct officer *officer, struct why *why)
{
	struct fingerprint fingerprint = certificate_fingerprint(officer->certificate), wanted;
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(&fingerprint, text);
	if (!call->options->trust)
		return call_hint(
			call, why_set(why, FAULT_USAGE, "the key in the file has the fingerprint %s", text),
			"compare it with the officer, then add --trust %s", text);
	if (fingerprint_from_text(call->options->trust, &wanted) && fingerprint_equal(&wanted, &fingerprint))
		return FAULT_NONE;
	return call_hint(
		call, why_set(why, FAULT_IDENTITY, "the key in the file has another fingerprint: %s", text),
		"ask the officer for the certificate again, and for its fingerprint by telephone");
}

static enum fault write_officer(struct home *home, size_t at, void *context, struct why *why)
{
	const struct officer *officer = context;

	(void)at;
	return store_officer_write(home->store, certificate_identity(officer->certificate), officer->text,
				   why);
}

enum fault cmd_officer_add(struct call *call, struct why *why)
{
	AUTO(officer_done) struct officer officer = {NULL, NULL};
	AUTO(stores_done) struct stores stores = {.count = 0};
	char detail[DETAIL_SIZE];
	const struct change change = {.work = write_officer, .context = &officer, .detail = detail};
	enum fault fault = read_officer(call->arguments[1], &officer, why);

	if (!fault)
		fault = check_fingerprint(call, &officer, why);
	if (!fault)
		fault = stores_open(call, &stores, why);
	if (fault)
		return fault;
	(void)snprintf(detail, sizeof detail, "officer add %s",
		       certificate_identity(officer.certificate)->name);
	return stores_change(call, &stores, &change, why);
}

struct officer_listing {
	struct table table;
	json_t *list;
};

static enum fault list_officer(void *context, const struct public_identity *officer, struct why *why)
{
	struct officer_listing *listing = context;
	struct fingerprint fingerprint = public_identity_fingerprint(officer);
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(&fingerprint, text);
	if (!listing->list)
		table_add(&listing->table, (const char *[]){officer->name, text});
	else if (json_array_append_new(listing->list, json_pack("{s:s, s:s}", "name", officer->name,
								"fingerprint", text)) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the officers");
	return FAULT_NONE;
}

enum fault cmd_officer_list(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct officer_listing listing = {.table = TABLE(2),
					  .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = store_officers(home->store, list_officer, &listing, why);
	if (!fault)
		fault = listing.list ? answer_print(json_pack("{s:O}", "officers", listing.list), why)
				     : table_print(&listing.table, stdout, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}

/* -- recovery groups -------------------------------------------------------------------------------- */

static enum fault add_officers(const struct call *call, struct holders *holders, struct why *why)
{
	const struct option_list *officers = &call->options->officer;
	enum fault fault = FAULT_NONE;

	if (!officers->count)
		return why_set(why, FAULT_USAGE, "--officer NAME says who holds a share");
	if (!call->options->parcels)
		return why_set(why, FAULT_USAGE, "--parcels DIR says where to write what each officer gets");
	for (size_t i = 0; !fault && i < officers->count; i++) {
		struct public_identity officer;

		fault = store_officer_find(holders->dealing.home->store, officers->words[i], &officer, why);
		if (!fault)
			fault = dealing_add_holder(&holders->dealing, &officer, (unsigned)i + 1, NULL, why);
	}
	return fault;
}

static enum fault add_servers(const struct call *call, struct holders *holders, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < call->options->server.count; i++)
		fault = holders_add_home(holders, call->options->server.words[i], NULL, why);
	return fault;
}

static enum fault require(const struct call *call, struct holders *holders, const struct member_id *id,
			  const char *detail, struct why *why)
{
	struct policy policy = *charter_newest_policy(&holders->stores);

	if (call->options->optional)
		return FAULT_NONE;
	if (policy.recovery_count == ORGANISATION_RECOVERY_MAX)
		return why_set(why, FAULT_INVALID, "the policy has %d recovery groups already",
			       ORGANISATION_RECOVERY_MAX);
	policy.recovery[policy.recovery_count++] = *id;
	return charter_write_policy(call, &holders->stores, holders->root, &policy, detail, why);
}

static enum fault deal(const struct call *call, struct holders *holders, struct why *why)
{
	AUTO(dealt_done) struct dealt dealt = {.count = 0};
	struct member_id id;
	char detail[DETAIL_SIZE];
	const struct change after = {.detail = detail};
	enum fault fault;

	member_id_random(&id);
	(void)snprintf(detail, sizeof detail, "recovery-group add %s, %u of %zu", call->arguments[1],
		       holders->dealing.threshold, holders->dealing.holder_count);
	fault = dealing_fresh(&holders->dealing, &id, call->arguments[1], true, &dealt, why);
	if (!fault)
		fault = holders_deliver(call, holders, &dealt, &after, why);
	return fault ? fault : require(call, holders, &id, detail, why);
}

enum fault cmd_recovery_group_add(struct call *call, struct why *why)
{
	AUTO(holders_done) struct holders holders = {.stores = {.count = 0}};
	enum fault fault = why_in(why, identity_check_name(call->arguments[1], why), "the group's name");

	if (!fault)
		fault = holders_open(call, &holders, why);
	if (!fault)
		fault = add_officers(call, &holders, why);
	if (!fault)
		fault = holders_threshold(call, &holders, why);
	if (!fault)
		fault = add_servers(call, &holders, why);
	return fault ? fault : deal(call, &holders, why);
}
