/* Everybody who is in a group, directly or by nested groups, and by which path. */
#include <stdlib.h>
#include <string.h>

#include "keys/message.h"
#include "server/handlers.h"
#include "server/server.h"
#include "server/users.h"

#define BETWEEN " < " /* in a path of ldap/directory.h: "alice < auditors < finance" */

struct listing {
	struct exchange *exchange;
	struct members_answer answer;
	size_t room;
};

static void listing_done(struct listing *listing)
{
	members_answer_done(&listing->answer);
}
AUTO_VALUE(struct listing, listing_done);

/* The names after the user's own, from the last to the first: from the group asked for down to his. */
static enum fault read_path(const char *path, struct members_answer_entry *entry, struct why *why)
{
	AUTO(free) char *rest = strdup(path);
	char *between;

	if (!rest)
		return why_set(why, FAULT_MEMORY, "no memory for a member");
	while (entry->path_count < MEMBER_PATH_MAX) {
		char *last = NULL;
		for (between = strstr(rest, BETWEEN); between; between = strstr(between + 1, BETWEEN))
			last = between;
		if (!last)
			return FAULT_NONE;
		*last = '\0';
		char *name = strdup(last + sizeof BETWEEN - 1);
		if (!name)
			return why_set(why, FAULT_MEMORY, "no memory for a member");
		entry->path[entry->path_count++] = name;
	}
	return FAULT_NONE;
}

static enum fault make_room(struct listing *listing, struct why *why)
{
	struct members_answer *answer = &listing->answer;
	const size_t room = listing->room ? 2 * listing->room : 16;

	if (answer->count < listing->room)
		return FAULT_NONE;
	struct members_answer_entry *list = reallocarray(answer->list, room, sizeof *list);
	if (!list)
		return why_set(why, FAULT_MEMORY, "no memory for members");
	answer->list = list;
	listing->room = room;
	return FAULT_NONE;
}

/* A name that cannot be shown is no reason to leave the member out: the id is shown. */
static void write_name(const struct directory_user *user, char name[static DISPLAY_NAME_MAX + 1])
{
	if (identity_check_name(user->name, NULL))
		member_id_text(&user->id, name);
	else
		memcpy(name, user->name, strlen(user->name) + 1);
}

static enum fault add_member(void *context, const struct directory_member *member, struct why *why)
{
	struct listing *listing = context;

	enum fault fault = make_room(listing, why);
	if (fault)
		return fault;
	struct members_answer_entry *entry = &listing->answer.list[listing->answer.count++];
	*entry = (struct members_answer_entry){.account = member->user->id};
	write_name(member->user, entry->name);
	fault = read_path(member->path, entry, why);
	return fault ? fault
		     : users_certificate(listing->exchange->server->home->store, &entry->account,
					 &entry->certificate, why);
}

static enum fault list(struct listing *listing, const struct question *question, struct why *why)
{
	struct exchange *exchange = listing->exchange;

	switch (directory_members(question->directory, &exchange->match.id, question->deadline, add_member,
				  listing, why)) {
	case DIRECTORY_YES:
		return FAULT_NONE;
	case DIRECTORY_NO:
		return exchange_refuse(exchange, PROBLEM_MISSING, why, "the directory has no such group");
	case DIRECTORY_UNKNOWN:
		break;
	}
	return exchange_refuse_unknown(exchange, why);
}

enum fault handle_members(struct exchange *exchange, struct why *why)
{
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);
	AUTO(listing_done)
	struct listing listing = {.exchange = exchange, .answer.group = exchange->match.id};

	enum fault fault = users_check_caller(exchange, &question, why);
	if (!fault)
		fault = list(&listing, &question, why);
	if (!fault)
		fault = members_answer_write(&listing.answer, &exchange->body, why);
	if (fault)
		return fault;
	if (exchange->body.size > ANSWER_BODY_MAX)
		return exchange_refuse(exchange, PROBLEM_TOO_LARGE, why,
				       "group has %zu members: too many for one answer",
				       listing.answer.count);
	return FAULT_NONE;
}
