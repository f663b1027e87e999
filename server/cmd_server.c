/* fsenc-server server */
#include "base/answer.h"
#include "base/table.h"
#include "server/charter_write.h"
#include "server/commands.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256

/* -- listing -------------------------------------------------------------------------------- */

static enum fault list_servers(const struct call *call, const struct home *home, struct table *table,
			       json_t *list, struct why *why)
{
	for (size_t i = 0; i < home->organisation.server_count; i++) {
		const struct public_identity *server = &home->organisation.servers[i];
		bool here = member_id_equal(&server->id, &identity_public(home->identity)->id);
		char id[ID_TEXT_SIZE];

		member_id_text(&server->id, id);
		table_add(table, (const char *[]){server->name, id, here ? "this one" : ""});
		if (json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "name", server->name, "id", id,
							  "here", here)) != 0)
			return why_set(why, FAULT_MEMORY, "no memory for the servers");
	}
	return call->options->json ? answer_print(json_pack("{s:O}", "servers", list), why)
				   : table_print(table, stdout, why);
}

enum fault cmd_server_list(struct call *call, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(3);
	AUTO(home_close) struct home *home = NULL;
	json_t *list = json_array();
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = list_servers(call, home, &table, list, why);
	json_decref(list);
	return fault;
}

/* -- taking one out ------------------------------------------------------------------------------ */

struct wanted {
	const struct home *home;
	struct member_id server;
};

/* Its descriptor would name a server that is none of the organisation's. */
static enum fault check_group(void *context, const struct stored_group *stored, struct why *why)
{
	const struct wanted *wanted = context;
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;
	enum fault fault = signed_parse_text((const char *)stored->descriptor.data, stored->descriptor.size,
					     GROUP_TYPE, &object, why);

	if (!fault)
		fault = group_descriptor_read(object, &wanted->home->organisation, &group, why);
	for (size_t i = 0; !fault && !group.recovery && i < group.server_count; i++)
		if (member_id_equal(&group.servers[i].id, &wanted->server))
			return why_set(why, FAULT_BUSY, "it holds a share of group '%s'", stored->name);
	return fault;
}

static enum fault take_out(struct organisation *organisation, const char *name, struct member_id *ret_id,
			   struct why *why)
{
	for (size_t i = 0; i < organisation->server_count; i++) {
		if (strcmp(organisation->servers[i].name, name) != 0)
			continue;
		if (organisation->server_count == 1)
			return why_set(why, FAULT_INVALID, "'%s' is the only server", name);
		*ret_id = organisation->servers[i].id;
		organisation->servers[i] = organisation->servers[--organisation->server_count];
		return FAULT_NONE;
	}
	return why_set(why, FAULT_MISSING, "the organisation has no server '%s'", name);
}

static enum fault check_groups(struct call *call, const struct stores *stores, const struct member_id *server,
			       struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < stores->count; i++) {
		struct wanted wanted = {.home = stores->homes[i], .server = *server};

		fault = store_groups(stores->homes[i]->store, check_group, &wanted, why);
	}
	if (fault == FAULT_BUSY)
		(void)call_hint(call, fault,
				"fsenc-server group rotate %s GROUP --reshare --server SERVER...",
				call->arguments[0]);
	return why_in(why, fault, "'%s'", call->arguments[1]);
}

enum fault cmd_server_remove(struct call *call, struct why *why)
{
	AUTO(stores_done) struct stores stores = {.count = 0};
	AUTO(identity_free) struct identity *root = NULL;
	struct organisation organisation;
	struct member_id server;
	char detail[DETAIL_SIZE];
	enum fault fault = stores_open(call, &stores, why);

	if (fault)
		return fault;
	organisation = *charter_newest_organisation(&stores);
	fault = take_out(&organisation, call->arguments[1], &server, why);
	if (fault)
		return call_hint(call, fault, "fsenc-server server list %s", call->arguments[0]);
	fault = check_groups(call, &stores, &server, why);
	if (!fault)
		fault = home_root(stores.homes[0], call->options->root_key, &root, why);
	(void)snprintf(detail, sizeof detail, "server remove %s", call->arguments[1]);
	return fault ? fault : charter_write_organisation(call, &stores, root, &organisation, detail, why);
}
