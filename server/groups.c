#include "server/groups.h"

#include <stdlib.h>

#include "server/handlers.h"
#include "server/server.h"
#include "server/shelf.h"
#include "server/users.h"

#define GROUPS_REMEMBERED 4096

struct groups {
	struct store *store;
	struct shelf *shelf;
};

/* -- remembered --------------------------------------------------------------------------------- */

void groups_free(struct groups *groups)
{
	if (!groups)
		return;
	shelf_free(groups->shelf);
	free(groups);
}

enum fault groups_new(struct store *store, struct groups **ret_groups, struct why *why)
{
	AUTO(groups_free) struct groups *groups = calloc(1, sizeof *groups);

	if (!groups)
		return why_set(why, FAULT_MEMORY, "no memory for groups");
	groups->store = store;
	enum fault fault = shelf_new(sizeof(struct stored_group), GROUPS_REMEMBERED, &groups->shelf, why);
	if (fault)
		return fault;
	*ret_groups = TAKE(groups);
	return FAULT_NONE;
}

enum fault groups_find(struct groups *groups, const struct member_id *id, struct stored_group *ret_group,
		       struct why *why)
{
	struct stored_group group;
	uint64_t version;

	enum fault fault = store_version(groups->store, &version, why);
	if (fault)
		return fault;
	if (shelf_recall(groups->shelf, id->bytes, version, ret_group))
		return FAULT_NONE;
	fault = store_group_find(groups->store, id, &group, why);
	if (fault)
		return fault;
	stored_group_done(&group);
	group.descriptor = BYTES_EMPTY;
	shelf_remember(groups->shelf, id->bytes, version, &group);
	*ret_group = group;
	return FAULT_NONE;
}

/* -- routes --------------------------------------------------------------------------------------- */

static enum fault read_descriptor(const struct stored_group *group, struct signed_object **ret_signed,
				  struct why *why)
{
	enum fault fault = signed_parse_text((const char *)group->descriptor.data, group->descriptor.size,
					     GROUP_TYPE, ret_signed, why);

	return why_in(why, fault, "group '%s' in the store", group->name);
}

static enum fault answer_one(struct exchange *exchange, const struct stored_group *group, struct why *why)
{
	AUTO(signed_free) struct signed_object *descriptor = NULL;

	enum fault fault = read_descriptor(group, &descriptor, why);
	if (fault)
		return fault;
	const struct groups_answer answer = {.list = &descriptor, .count = 1};
	return groups_answer_write(&answer, true, &exchange->body, why);
}

static enum fault refuse_missing(struct exchange *exchange, struct why *why)
{
	return exchange_refuse(
		exchange, PROBLEM_MISSING, why,
		"no group of this name has a key; an administrator makes one with 'fsenc-server "
		"group add'");
}

enum fault handle_group(struct exchange *exchange, struct why *why)
{
	AUTO(stored_group_done) struct stored_group group = {0};
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);

	enum fault fault = users_check_caller(exchange, &question, why);
	if (!fault)
		fault = store_group_find(exchange->server->home->store, &exchange->match.id, &group, why);
	if (fault == FAULT_MISSING)
		return refuse_missing(exchange, why);
	return fault ? fault : answer_one(exchange, &group, why);
}

/* By the name in its descriptor, else by what the directory calls it now. */
static enum fault find_named(struct exchange *exchange, const struct question *question,
			     struct stored_group *ret_group, struct why *why)
{
	struct store *store = exchange->server->home->store;
	struct directory_group group;

	enum fault fault = store_group_find_name(store, exchange->match.name, ret_group, why);
	if (fault != FAULT_MISSING)
		return fault;
	switch (directory_find_group(question->directory, exchange->match.name, question->deadline, &group,
				     why)) {
	case DIRECTORY_YES:
		return store_group_find(store, &group.id, ret_group, why);
	case DIRECTORY_NO:
		return FAULT_MISSING;
	case DIRECTORY_UNKNOWN:
		break;
	}
	return exchange_refuse_unknown(exchange, why);
}

static enum fault answer_named(struct exchange *exchange, const struct question *question, struct why *why)
{
	AUTO(stored_group_done) struct stored_group group = {0};

	enum fault fault = find_named(exchange, question, &group, why);
	if (fault == FAULT_MISSING)
		return refuse_missing(exchange, why);
	return fault ? fault : answer_one(exchange, &group, why);
}

/* -- those of the caller ---------------------------------------------------------------------------- */

struct mine {
	struct exchange *exchange;
	const struct question *question;
	struct groups_answer answer;
	size_t room;
};

static enum fault add(struct mine *mine, const struct stored_group *group, struct why *why)
{
	struct groups_answer *answer = &mine->answer;

	if (answer->count == mine->room) {
		size_t room = mine->room ? 2 * mine->room : 16;
		struct signed_object **list = reallocarray(answer->list, room, sizeof(*list));
		if (!list)
			return why_set(why, FAULT_MEMORY, "no memory for groups");
		answer->list = list;
		mine->room = room;
	}
	enum fault fault = read_descriptor(group, &answer->list[answer->count], why);
	if (!fault)
		answer->count++;
	return fault;
}

static enum fault add_if_member(void *context, const struct stored_group *group, struct why *why)
{
	struct mine *mine = context;
	struct directory_proof proof;

	if (group->recovery)
		return FAULT_NONE;
	switch (directory_is_member(mine->question->directory, &mine->exchange->caller.account, &group->id,
				    mine->question->deadline, &proof, why)) {
	case DIRECTORY_YES:
		return add(mine, group, why);
	case DIRECTORY_NO:
		return FAULT_NONE;
	case DIRECTORY_UNKNOWN:
		break;
	}
	return exchange_refuse_unknown(mine->exchange, why);
}

static enum fault answer_mine(struct exchange *exchange, const struct question *question, struct why *why)
{
	struct mine mine = {.exchange = exchange, .question = question};

	enum fault fault = store_groups(exchange->server->home->store, add_if_member, &mine, why);
	if (!fault)
		fault = groups_answer_write(&mine.answer, false, &exchange->body, why);
	groups_answer_done(&mine.answer);
	return fault;
}

enum fault handle_groups(struct exchange *exchange, struct why *why)
{
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);

	enum fault fault = users_check_caller(exchange, &question, why);
	if (fault)
		return fault;
	return exchange->match.name[0] ? answer_named(exchange, &question, why)
				       : answer_mine(exchange, &question, why);
}
