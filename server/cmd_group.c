/* fsenc-server group add, rotate; import */
#include "base/clock.h"
#include "base/file.h"
#include "server/account.h"
#include "server/builtin.h"
#include "server/commands.h"
#include "server/holders.h"
#include "server/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256
#define DIRECTORY_MS 10000

#define SERVER_ROW \
	{ \
		"server", 0, "SERVER", \
			"who holds a share: a directory or a name, once for each; DIR if not given", \
			OPTION_LIST, OPTION_AT(server) \
	}
#define THRESHOLD_ROW \
	{ \
		"threshold", 0, "T", "how many of them it takes", OPTION_NUMBER, OPTION_AT(threshold) \
	}
#define PARCELS_ROW \
	{ \
		"parcels", 0, "DIR", "where to write what is for holders that are not on this machine", \
			OPTION_TEXT, OPTION_AT(parcels) \
	}

const struct option_row options_group_add[] = {
	{"member", 0, "NAME", "a member, user or group; once for each", OPTION_LIST, OPTION_AT(member)},
	{"ldap-group", 0, "DN", "the group of the LDAP directory; the one of that name if not given",
	 OPTION_TEXT, OPTION_AT(ldap_group)},
	THRESHOLD_ROW,
	SERVER_ROW,
	PARCELS_ROW,
	OPTION_ROWS_END,
};
const struct option_row options_group_rotate[] = {
	{"reshare", 0, NULL, "deal to other servers, or with another threshold", OPTION_FLAG,
	 OPTION_AT(reshare)},
	THRESHOLD_ROW,
	SERVER_ROW,
	{"leaving", 0, "DIR", "with --reshare: a server that holds a share until now; once for each",
	 OPTION_LIST, OPTION_AT(leaving)},
	PARCELS_ROW,
	OPTION_ROWS_END,
};

/* -- which group ------------------------------------------------------------------------------ */

static enum fault find_in_ldap(const struct call *call, const struct home *home, struct member_id *ret_id,
			       struct why *why)
{
	AUTO(directory_close) struct directory *directory = NULL;
	const char *words = call->options->ldap_group ? call->options->ldap_group : call->arguments[1];
	struct directory_group group;
	enum fault fault = home_directory(home, home->config, &directory, why);

	if (fault)
		return fault;
	fault = account_fault(
		directory_find_group(directory, words, clock_boot_ms() + DIRECTORY_MS, &group, why));
	if (!fault)
		*ret_id = group.id;
	return why_in(why, fault, "group '%s'", words);
}

static enum fault find_or_make(struct home *home, const char *name, struct member_id *ret_id, struct why *why)
{
	struct organisation_id organisation = organisation_id_of(&home->organisation);
	struct builtin_member group;
	enum fault fault = builtin_find_group(home->store, name, &group, why);

	if (fault == FAULT_MISSING)
		return builtin_add_group(home->store, &organisation, name, ret_id, why);
	if (!fault)
		*ret_id = group.id;
	return fault;
}

static enum fault find_group(const struct call *call, struct home *home, struct member_id *ret_id,
			     struct why *why)
{
	bool ldap = home->config->directory == CONFIG_LDAP;

	if (ldap && call->options->member.count)
		return why_set(why, FAULT_USAGE,
			       "the members are in the LDAP directory: --member has no meaning");
	if (!ldap && call->options->ldap_group)
		return why_set(why, FAULT_USAGE,
			       "this server has no LDAP directory: --ldap-group has no meaning");
	return ldap ? find_in_ldap(call, home, ret_id, why)
		    : find_or_make(home, call->arguments[1], ret_id, why);
}

static enum fault check_is_new(const struct holders *holders, const struct member_id *id, struct why *why)
{
	for (size_t i = 0; i < holders->stores.count; i++) {
		AUTO(stored_group_done) struct stored_group group = {.descriptor = BYTES_EMPTY};
		enum fault fault = store_group_find(holders->stores.homes[i]->store, id, &group, NULL);

		if (!fault)
			return why_set(why, FAULT_EXISTS, "group '%s' has a key already", group.name);
		if (fault != FAULT_MISSING)
			return why_set(why, fault, "the groups cannot be read");
	}
	return FAULT_NONE;
}

/* -- its members ------------------------------------------------------------------------------- */

struct membership {
	const struct call *call;
	struct member_id group;
};

/* A group may be made before its people are: whoever is named becomes known, without a code yet. */
static enum fault find_or_make_member(const struct membership *membership, struct home *home, size_t at,
				      const char *name, struct builtin_member *member, struct why *why)
{
	struct organisation_id organisation = organisation_id_of(&home->organisation);
	enum fault fault = builtin_find_member(home->store, name, member, why);

	if (fault != FAULT_MISSING)
		return fault;
	if (at == 0)
		call_say(membership->call,
			 "Warning: there was no user '%s'; 'fsenc-server user add %s %s' gives a code.", name,
			 membership->call->arguments[0], name);
	*member = (struct builtin_member){.kind = BUILTIN_USER, .enabled = true};
	(void)snprintf(member->name, sizeof member->name, "%s", name);
	return builtin_add_user(home->store, &organisation, name, &member->id, why);
}

static enum fault add_members(struct home *home, size_t at, void *context, struct why *why)
{
	const struct membership *membership = context;
	const struct option_list *names = &membership->call->options->member;
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < names->count; i++) {
		struct builtin_member member;

		fault = find_or_make_member(membership, home, at, names->words[i], &member, why);
		if (!fault)
			fault = builtin_add_member(home->store, &membership->group, &member, why);
		if (fault == FAULT_EXISTS) /* of a group that had no key yet */
			fault = FAULT_NONE;
	}
	return fault;
}

/* -- group add ------------------------------------------------------------------------------------ */

static enum fault deal_fresh(const struct call *call, struct holders *holders, struct membership *membership,
			     struct why *why)
{
	AUTO(dealt_done) struct dealt dealt = {.count = 0};
	char detail[DETAIL_SIZE];
	const struct change after = {.work = add_members, .context = membership, .detail = detail};
	enum fault fault = dealing_fresh(&holders->dealing, &membership->group, call->arguments[1], false,
					 &dealt, why);

	(void)snprintf(detail, sizeof detail, "group add %s, %u of %zu", call->arguments[1],
		       holders->dealing.threshold, holders->dealing.holder_count);
	return fault ? fault : holders_deliver(call, holders, &dealt, &after, why);
}

enum fault cmd_group_add(struct call *call, struct why *why)
{
	AUTO(holders_done) struct holders holders = {.stores = {.count = 0}};
	struct membership membership = {.call = call};
	enum fault fault = why_in(why, identity_check_name(call->arguments[1], why), "the group's name");

	if (!fault)
		fault = holders_open(call, &holders, why);
	if (!fault)
		fault = holders_of_options(call, &holders, why);
	if (!fault)
		fault = holders_threshold(call, &holders, why);
	if (!fault)
		fault = find_group(call, holders.dealing.home, &membership.group, why);
	if (!fault)
		fault = check_is_new(&holders, &membership.group, why);
	if (fault == FAULT_EXISTS)
		(void)call_hint(call, fault, "fsenc-server group list %s", call->arguments[0]);
	return fault ? fault : deal_fresh(call, &holders, &membership, why);
}

/* -- group rotate ------------------------------------------------------------------------------------ */

static enum fault read_descriptor(const struct home *home, const char *name,
				  struct group_descriptor *ret_group, struct why *why)
{
	AUTO(stored_group_done) struct stored_group stored = {.descriptor = BYTES_EMPTY};
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = store_group_find_name(home->store, name, &stored, why);

	if (!fault)
		fault = signed_parse_text((const char *)stored.descriptor.data, stored.descriptor.size,
					  GROUP_TYPE, &object, why);
	if (!fault)
		fault = group_descriptor_read(object, &home->organisation, ret_group, why);
	if (!fault && ret_group->recovery)
		return why_set(why, FAULT_UNSUPPORTED,
			       "'%s' is a recovery group: its shares lie with officers", name);
	return fault;
}

/* The same holders with the same indexes. */
static enum fault keep_holders(const struct call *call, struct holders *holders,
			       const struct group_descriptor *present, struct why *why)
{
	const struct option_list *servers = &call->options->server;
	enum fault fault = FAULT_NONE;

	if (call->options->threshold || call->options->leaving.count)
		return why_set(why, FAULT_USAGE, "--threshold and --leaving come with --reshare");
	for (size_t i = 0; !fault && i < servers->count; i++)
		fault = holders_add_home(holders, servers->words[i], NULL, why);
	for (size_t i = 0; !fault && i < present->server_count; i++) {
		const struct group_server *server = &present->servers[i];

		fault = dealing_add_holder(
			&holders->dealing,
			organisation_server(&holders->dealing.home->organisation, &server->id), server->index,
			holders_home_of(holders, &server->id), why);
	}
	holders->dealing.threshold = present->threshold;
	return fault;
}

struct old_shares {
	struct group_share list[GROUP_SERVERS_MAX + 1];
	size_t count;
};

static void old_shares_done(struct old_shares *shares)
{
	secret_wipe(shares, sizeof *shares);
}
AUTO_VALUE(struct old_shares, old_shares_done);

/* Of the present epoch only: another's would deal another key. */
static enum fault collect_shares(const struct holders *holders, const struct group_descriptor *present,
				 struct old_shares *shares, struct why *why)
{
	for (size_t i = 0; i < holders->stores.count; i++) {
		const struct home *home = holders->stores.homes[i];
		AUTO(stored_group_done) struct stored_group stored = {.descriptor = BYTES_EMPTY};
		enum fault fault = store_group_find(home->store, &present->id, &stored, why);

		if (!fault && stored.epoch == present->epoch && stored.index)
			fault = master_open_share(home->master, &stored, &shares->list[shares->count++], why);
		if (fault && fault != FAULT_MISSING)
			return fault;
	}
	return FAULT_NONE;
}

static enum fault reshare(const struct call *call, struct holders *holders,
			  const struct group_descriptor *present, struct dealt *dealt, struct why *why)
{
	const struct option_list *leaving = &call->options->leaving;
	AUTO(old_shares_done) struct old_shares shares = {.count = 0};
	enum fault fault = holders_of_options(call, holders, why);

	if (!fault)
		fault = holders_threshold(call, holders, why);
	for (size_t i = 0; !fault && i < leaving->count; i++)
		fault = holders_add_home(holders, leaving->words[i], NULL, why);
	if (!fault)
		fault = collect_shares(holders, present, &shares, why);
	return fault ? fault
		     : dealing_reshare(&holders->dealing, present, shares.list, shares.count, dealt, why);
}

static enum fault refresh(const struct call *call, struct holders *holders,
			  const struct group_descriptor *present, struct dealt *dealt, struct why *why)
{
	enum fault fault = keep_holders(call, holders, present, why);

	return fault ? fault : dealing_refresh(&holders->dealing, present, dealt, why);
}

enum fault cmd_group_rotate(struct call *call, struct why *why)
{
	AUTO(holders_done) struct holders holders = {.stores = {.count = 0}};
	AUTO(dealt_done) struct dealt dealt = {.count = 0};
	struct group_descriptor present;
	char detail[DETAIL_SIZE];
	const struct change after = {.detail = detail};
	enum fault fault = holders_open(call, &holders, why);

	if (!fault)
		fault = read_descriptor(holders.dealing.home, call->arguments[1], &present, why);
	if (!fault)
		fault = call->options->reshare ? reshare(call, &holders, &present, &dealt, why)
					       : refresh(call, &holders, &present, &dealt, why);
	(void)snprintf(detail, sizeof detail, "group rotate %s, %u of %zu", call->arguments[1],
		       holders.dealing.threshold, holders.dealing.holder_count);
	return fault ? fault : holders_deliver(call, &holders, &dealt, &after, why);
}

/* -- import ------------------------------------------------------------------------------------------- */

static enum fault import(struct home *home, size_t at, void *context, struct why *why)
{
	(void)at;
	return import_parcel(home, context, why);
}

enum fault cmd_import(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(parcel_done) struct parcel parcel = PARCEL_EMPTY;
	const struct change change = {.work = import, .context = &parcel, .detail = "import"};
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = file_read(AT_FDCWD, call->arguments[1], PARCEL_MAX, &text, why);
	if (!fault)
		fault = parcel_read(text.data, text.size, &parcel, why);
	if (fault)
		return why_in(why, fault, "'%s'", call->arguments[1]);
	return stores_change_one(home, 0, &change, why);
}
