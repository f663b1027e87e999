/* fsenc-server group list, members, add-member, remove-member, remove */
#include "base/answer.h"
#include "base/clock.h"
#include "base/table.h"
#include "keys/organisation.h"
#include "ldap/directory.h"
#include "server/builtin.h"
#include "server/account.h"
#include "server/commands.h"
#include "server/stores.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256
#define LISTING_MS 60000

/* -- members in and out -------------------------------------------------------------------- */

struct member_change {
	const struct call *call;
	bool add;
};

static enum fault change_one(struct store *store, const struct member_id *group, const char *name, bool add,
			     struct why *why)
{
	struct builtin_member member;
	enum fault fault = builtin_find_member(store, name, &member, why);

	if (fault)
		return fault;
	fault = add ? builtin_add_member(store, group, &member, why)
		    : builtin_remove_member(store, group, &member.id, why);
	return why_in(why, fault, "'%s'", name);
}

static enum fault change_members(struct home *home, size_t at, void *context, struct why *why)
{
	const struct member_change *change = context;
	const struct call *call = change->call;
	struct builtin_member group;
	enum fault fault;

	(void)at;
	if (home->config->directory != CONFIG_BUILTIN)
		return why_set(why, FAULT_UNSUPPORTED,
			       "groups are in the LDAP directory: change their members there");
	fault = builtin_find_group(home->store, call->arguments[1], &group, why);
	for (size_t i = 2; !fault && i < call->argument_count; i++)
		fault = change_one(home->store, &group.id, call->arguments[i], change->add, why);
	return fault;
}

static enum fault change_everywhere(struct call *call, bool add, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	struct member_change members = {.call = call, .add = add};
	char detail[DETAIL_SIZE];
	const struct change change = {.work = change_members, .context = &members, .detail = detail};
	enum fault fault = stores_open(call, &stores, why);

	(void)snprintf(detail, sizeof detail, "group %s %s %s%s", add ? "add-member" : "remove-member",
		       call->arguments[1], call->arguments[2], call->argument_count > 3 ? " ..." : "");
	if (!fault)
		fault = stores_change(call, &stores, &change, why);
	return call_hint(call, fault, "fsenc-server group members %s '%s'", call->arguments[0],
			 call->arguments[1]);
}

enum fault cmd_group_add_member(struct call *call, struct why *why)
{
	return change_everywhere(call, true, why);
}

enum fault cmd_group_remove_member(struct call *call, struct why *why)
{
	return change_everywhere(call, false, why);
}

/* -- a group's end ---------------------------------------------------------------------------- */

static enum fault remove_group(struct home *home, size_t at, void *context, struct why *why)
{
	AUTO(stored_group_done) struct stored_group group = {.descriptor = BYTES_EMPTY};
	enum fault fault = store_group_find_name(home->store, context, &group, why);

	(void)at;
	if (!fault && group.recovery)
		return why_set(why, FAULT_UNSUPPORTED, "'%s' is a recovery group: take it out of the policy",
			       group.name);
	if (!fault)
		fault = store_group_remove(home->store, &group.id, why);
	if (fault || home->config->directory != CONFIG_BUILTIN)
		return fault;
	fault = builtin_remove_group(home->store, &group.id, why);
	return fault == FAULT_MISSING ? FAULT_NONE : fault;
}

enum fault cmd_group_remove(struct call *call, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	char *name = call->arguments[1];
	char detail[DETAIL_SIZE];
	const struct change change = {.work = remove_group, .context = name, .detail = detail};
	enum fault fault;

	if (!call_always(call)->yes)
		return call_hint(
			call,
			why_set(why, FAULT_USAGE,
				"the key of '%s' would be gone for good, and whatever it alone opens", name),
			"take it out of its folders first (fsenc remove-group), then add --yes");
	(void)snprintf(detail, sizeof detail, "group remove %s", name);
	fault = stores_open(call, &stores, why);
	return fault ? fault : stores_change(call, &stores, &change, why);
}

/* -- who is in a group --------------------------------------------------------------------------- */

struct member_listing {
	struct table table;
	json_t *list;
};

static enum fault list_member(void *context, const struct directory_member *member, struct why *why)
{
	struct member_listing *listing = context;
	const char *state = member->user->enabled ? "enabled" : directory_reason_word(member->user->off);
	char id[ID_TEXT_SIZE];

	member_id_text(&member->user->id, id);
	if (!listing->list)
		table_add(&listing->table, (const char *[]){member->user->name, state, member->path});
	else if (json_array_append_new(listing->list,
				       json_pack("{s:s, s:s, s:b, s:s}", "name", member->user->name, "id", id,
						 "enabled", member->user->enabled, "path", member->path)) !=
		 0)
		return why_set(why, FAULT_MEMORY, "no memory for the members");
	return FAULT_NONE;
}

/* A group with a key by its name here; any other as the directory calls it. */
static enum fault find_id(const struct home *home, struct directory *directory, const char *name,
			  struct member_id *ret_id, struct why *why)
{
	AUTO(stored_group_done) struct stored_group stored = {.descriptor = BYTES_EMPTY};
	struct directory_group group;
	enum fault fault = store_group_find_name(home->store, name, &stored, NULL);

	if (!fault)
		*ret_id = stored.id;
	if (fault != FAULT_MISSING)
		return fault;
	fault = account_fault(
		directory_find_group(directory, name, clock_boot_ms() + LISTING_MS, &group, why));
	if (!fault)
		*ret_id = group.id;
	return fault;
}

static enum fault list_members(struct call *call, const struct home *home, struct member_listing *listing,
			       struct why *why)
{
	AUTO(directory_close) struct directory *directory = NULL;
	struct member_id id;
	enum fault fault = home_directory(home, home->config, &directory, why);

	if (!fault)
		fault = find_id(home, directory, call->arguments[1], &id, why);
	if (!fault)
		fault = account_fault(directory_members(directory, &id, clock_boot_ms() + LISTING_MS,
							list_member, listing, why));
	if (fault)
		return fault;
	return listing->list ? answer_print(json_pack("{s:s, s:O}", "group", call->arguments[1], "members",
						      listing->list),
					    why)
			     : table_print(&listing->table, stdout, why);
}

enum fault cmd_group_members(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct member_listing listing = {.table = TABLE(3),
					 .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = list_members(call, home, &listing, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}

/* -- which groups there are --------------------------------------------------------------------------- */

struct group_listing {
	const struct home *home;
	bool recovery; /* which kind is listed */
	struct table table;
	json_t *list;
};

static enum fault read_descriptor(const struct home *home, const struct stored_group *stored,
				  struct group_descriptor *ret_group, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = signed_parse_text((const char *)stored->descriptor.data, stored->descriptor.size,
					     GROUP_TYPE, &object, why);

	if (!fault)
		fault = group_descriptor_read(object, &home->organisation, ret_group, why);
	return why_in(why, fault, "group '%s'", stored->name);
}

static json_t *group_json(const struct stored_group *stored, const struct group_descriptor *group, bool due)
{
	char id[ID_TEXT_SIZE];

	member_id_text(&stored->id, id);
	return json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:b, s:I, s:b}", "name", stored->name, "id", id,
			 "threshold", (int)group->threshold, "holders", (int)group->server_count, "version",
			 (json_int_t)stored->version, "epoch", (json_int_t)stored->epoch, "share_here",
			 stored->index != 0, "member_counter", (json_int_t)stored->member_counter,
			 "rotation_due", due);
}

static enum fault list_group(void *context, const struct stored_group *stored, struct why *why)
{
	struct group_listing *listing = context;
	struct group_descriptor group;
	char shares[64], epoch[32];
	bool due = false;
	enum fault fault;

	if (stored->recovery != listing->recovery)
		return FAULT_NONE;
	fault = read_descriptor(listing->home, stored, &group, why);
	if (!fault)
		fault = store_group_is_due(listing->home->store, &stored->id, &due, why);
	if (fault)
		return fault;
	(void)snprintf(shares, sizeof shares, "%u of %zu", group.threshold, group.server_count);
	(void)snprintf(epoch, sizeof epoch, "epoch %u", group.epoch);
	if (!listing->list)
		table_add(&listing->table,
			  (const char *[]){stored->name, shares, epoch,
					   stored->index ? "a share is here" : "no share is here",
					   due ? "a member left: folders are due for a new generation" : ""});
	else if (json_array_append_new(listing->list, group_json(stored, &group, due)) != 0)
		return why_set(why, FAULT_MEMORY, "no memory for the groups");
	return FAULT_NONE;
}

static enum fault list_groups(struct call *call, bool recovery, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct group_listing listing = {
		.recovery = recovery, .table = TABLE(5), .list = call->options->json ? json_array() : NULL};
	enum fault fault = home_open(call->arguments[0], &home, why);

	listing.home = home;
	if (!fault)
		fault = store_groups(home->store, list_group, &listing, why);
	if (!fault)
		fault = listing.list ? answer_print(json_pack("{s:O}", "groups", listing.list), why)
				     : table_print(&listing.table, stdout, why);
	table_done(&listing.table);
	json_decref(listing.list);
	return fault;
}

enum fault cmd_group_list(struct call *call, struct why *why)
{
	return list_groups(call, false, why);
}

enum fault cmd_recovery_group_list(struct call *call, struct why *why)
{
	return list_groups(call, true, why);
}
