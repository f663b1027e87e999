/* fsenc-server user */
#include "base/answer.h"
#include "base/clock.h"
#include "base/table.h"
#include "server/account.h"
#include "server/builtin.h"
#include "server/code.h"
#include "server/commands.h"
#include "server/stores.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256

/* One user in every store. */
struct user_change {
	struct call *call;
	const char *name;
	struct account accounts[GROUP_SERVERS_MAX + 1];
	char codes[GROUP_SERVERS_MAX + 1][TOKEN_TEXT_SIZE]; /* "" where there is none */
	bool enabled;
};

static bool is_builtin(const struct home *home)
{
	return home->config->directory == CONFIG_BUILTIN;
}

static enum fault refuse_ldap(const char *what, struct why *why)
{
	return why_set(why, FAULT_UNSUPPORTED, "users are in the LDAP directory: %s them there", what);
}

/* -- codes ------------------------------------------------------------------------------ */

static enum fault look_up(struct home *home, size_t at, void *context, struct why *why)
{
	struct user_change *change = context;

	return account_find(home, change->name, &change->accounts[at], why);
}

/* A user of the builtin directory is made in the transaction. */
static enum fault look_up_in_ldap(struct home *home, size_t at, void *context, struct why *why)
{
	return is_builtin(home) ? FAULT_NONE : look_up(home, at, context, why);
}

static enum fault make_code(struct home *home, size_t at, void *context, struct why *why)
{
	struct user_change *change = context;

	return code_new(home->store, &change->accounts[at].id, clock_wall_ms() / MS_PER_SECOND,
			change->codes[at], why);
}

/* Somebody who is there without a key gets a new code: the first one may be lost. */
static enum fault make_builtin(struct home *home, struct user_change *change, size_t at, struct why *why)
{
	struct organisation_id organisation = organisation_id_of(&home->organisation);
	struct account *account = &change->accounts[at];
	enum fault fault = account_find(home, change->name, account, why);

	if (fault == FAULT_MISSING)
		fault = builtin_add_user(home->store, &organisation, change->name, &account->id, why);
	return fault;
}

static enum fault refuse_enrolled(struct home *home, const struct account *account, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate certificate = {.text = BYTES_EMPTY};
	enum fault fault = store_certificate_of_account(home->store, &account->id, &certificate, NULL);

	if (fault == FAULT_MISSING)
		return FAULT_NONE;
	return fault ? fault
		     : why_set(why, FAULT_EXISTS, "'%s' is there and has a key already", certificate.name);
}

static enum fault add_user(struct home *home, size_t at, void *context, struct why *why)
{
	struct user_change *change = context;
	enum fault fault = is_builtin(home) ? make_builtin(home, change, at, why) : FAULT_NONE;

	if (!fault)
		fault = refuse_enrolled(home, &change->accounts[at], why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(change->call, fault, "fsenc-server user code %s '%s', for a further key",
				change->call->arguments[0], change->name);
	return fault ? fault : make_code(home, at, context, why);
}

static json_t *codes_json(const struct user_change *change, const struct stores *stores)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < stores->count; i++)
		if (change->codes[i][0])
			(void)json_array_append_new(list, json_pack("{s:s, s:s}", "server",
								    stores->homes[i]->config->name, "code",
								    change->codes[i]));
	return json_pack("{s:s, s:o}", "user", change->name, "codes", list);
}

static enum fault print_codes(const struct user_change *change, const struct stores *stores, struct why *why)
{
	if (change->call->options->json)
		return answer_print(codes_json(change, stores), why);
	for (size_t i = 0; i < stores->count; i++)
		if (change->codes[i][0])
			(void)puts(change->codes[i]);
	return answer_end(why);
}

static enum fault change_user(struct call *call, const char *verb, stores_work *prepare, stores_work *work,
			      struct user_change *user, struct stores *stores, struct why *why)
{
	char detail[DETAIL_SIZE];
	const struct change change = {.prepare = prepare, .work = work, .context = user, .detail = detail};
	enum fault fault = stores_open(call, stores, why);

	user->call = call;
	user->name = call->arguments[1];
	(void)snprintf(detail, sizeof detail, "user %s %s", verb, user->name);
	return fault ? fault : stores_change(call, stores, &change, why);
}

/* What there is of codes is printed even if one server has none. */
static enum fault give_codes(struct call *call, const char *verb, stores_work *prepare, stores_work *work,
			     struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	static struct user_change user;
	enum fault fault = change_user(call, verb, prepare, work, &user, &stores, why);
	enum fault printed = !fault || fault == FAULT_PARTIAL
				     ? print_codes(&user, &stores, fault ? NULL : why)
				     : FAULT_NONE;

	secret_wipe(user.codes, sizeof user.codes);
	return fault ? fault : printed;
}

enum fault cmd_user_add(struct call *call, struct why *why)
{
	return give_codes(call, "add", look_up_in_ldap, add_user, why);
}

enum fault cmd_user_code(struct call *call, struct why *why)
{
	return give_codes(call, "code", look_up, make_code, why);
}

/* -- off, on, without a key ----------------------------------------------------------------- */

static enum fault enable(struct home *home, size_t at, void *context, struct why *why)
{
	struct user_change *change = context;

	if (!is_builtin(home))
		return refuse_ldap(change->enabled ? "enable" : "disable", why);
	return builtin_enable_user(home->store, &change->accounts[at].id, change->enabled, why);
}

static enum fault revoke(struct home *home, size_t at, void *context, struct why *why)
{
	const struct user_change *change = context;

	return store_certificate_revoke(home->store, &change->accounts[at].id, why);
}

static enum fault change_quietly(struct call *call, const char *verb, stores_work *work, bool enabled,
				 struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	static struct user_change user;

	user.enabled = enabled;
	return change_user(call, verb, look_up, work, &user, &stores, why);
}

enum fault cmd_user_disable(struct call *call, struct why *why)
{
	return change_quietly(call, "disable", enable, false, why);
}

enum fault cmd_user_enable(struct call *call, struct why *why)
{
	return change_quietly(call, "enable", enable, true, why);
}

enum fault cmd_user_revoke_key(struct call *call, struct why *why)
{
	return change_quietly(call, "revoke-key", revoke, false, why);
}

/* -- listing ---------------------------------------------------------------------------------- */

struct listing {
	struct home *home;
	struct table table;
	json_t *list; /* with --json */
};

struct listed {
	const char *name;
	const struct member_id *account;
	bool enabled;
	const struct stored_certificate *certificate; /* or NULL */
};

static enum fault list_json(json_t *list, const struct listed *user, const char *fingerprint, struct why *why)
{
	char id[ID_TEXT_SIZE];
	json_t *object;

	member_id_text(user->account, id);
	object = json_pack("{s:s, s:s, s:b, s:b}", "name", user->name, "id", id, "enabled", user->enabled,
			   "enrolled", user->certificate != NULL);
	if (object && user->certificate)
		(void)json_object_set_new(object, "fingerprint", json_string(fingerprint));
	if (!object || json_array_append_new(list, object) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the users");
	return FAULT_NONE;
}

static enum fault list_one(struct listing *listing, const struct listed *user, struct why *why)
{
	char fingerprint[DIGEST_TEXT_SIZE] = "";

	if (user->certificate)
		fingerprint_text(&user->certificate->fingerprint, fingerprint);
	if (listing->list)
		return list_json(listing->list, user, fingerprint, why);
	table_add(&listing->table, (const char *[]){user->name, user->enabled ? "enabled" : "disabled",
						    user->certificate ? fingerprint : "not enrolled"});
	return FAULT_NONE;
}

static enum fault list_builtin(void *context, const struct builtin_member *member, struct why *why)
{
	struct listing *listing = context;
	AUTO(stored_certificate_done) struct stored_certificate certificate = {.text = BYTES_EMPTY};
	enum fault fault = store_certificate_of_account(listing->home->store, &member->id, &certificate,
							NULL);

	if (fault && fault != FAULT_MISSING)
		return why_set(why, fault, "the certificates cannot be read");
	return list_one(listing,
			&(struct listed){.name = member->name,
					 .account = &member->id,
					 .enabled = member->enabled,
					 .certificate = fault ? NULL : &certificate},
			why);
}

/* The LDAP directory has too many who have nothing to do with us: whoever is enrolled is listed. */
static enum fault list_enrolled(void *context, const struct stored_certificate *certificate, struct why *why)
{
	return list_one(context,
			&(struct listed){.name = certificate->name,
					 .account = &certificate->account,
					 .enabled = true,
					 .certificate = certificate},
			why);
}

static enum fault print_listing(struct listing *listing, struct why *why)
{
	if (listing->list)
		return answer_print(json_pack("{s:O}", "users", listing->list), why);
	return table_print(&listing->table, stdout, why);
}

enum fault cmd_user_list(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct listing listing = {.table = TABLE(3), .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	listing.home = home;
	if (!fault && is_builtin(home))
		fault = builtin_users(home->store, list_builtin, &listing, why);
	else if (!fault)
		fault = store_certificates(home->store, list_enrolled, &listing, why);
	if (!fault)
		fault = print_listing(&listing, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}
