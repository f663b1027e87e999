#include "server/builtin_walk.h"

#include <stdio.h>

#include "server/builtin_rows.h"

#define ROOM_FIRST 16

void walk_done(struct walk *walk)
{
	free(walk->steps);
	free(walk->places);
	*walk = WALK_EMPTY;
}

/* The id's place: where it stands, or the free one where it would. Ids are hashes or random. */
static size_t *place_of(const struct walk *walk, const struct member_id *id)
{
	size_t count = 2 * walk->room;
	uint64_t start;

	memcpy(&start, id->bytes, sizeof start);
	for (size_t i = 0; i < count; i++) {
		size_t *place = &walk->places[(start + i) % count];

		if (*place == 0 || member_id_equal(&walk->steps[*place - 1].id, id))
			return place;
	}
	abort();
}

static enum fault grow(struct walk *walk, struct why *why)
{
	size_t room = walk->room ? 2 * walk->room : ROOM_FIRST;
	struct walk_step *steps = reallocarray(walk->steps, room, sizeof *steps);
	size_t *places;

	if (steps)
		walk->steps = steps;
	places = steps ? calloc(2 * room, sizeof *places) : NULL;
	if (!places)
		return why_set(why, FAULT_MEMORY, "no memory for groups");
	free(walk->places);
	walk->places = places;
	walk->room = room;
	for (size_t i = 0; i < walk->count; i++)
		*place_of(walk, &walk->steps[i].id) = i + 1;
	return FAULT_NONE;
}

enum fault walk_meet(struct walk *walk, const struct member_id *id, size_t from, bool *ret_new,
		     struct why *why)
{
	enum fault fault = walk->count == walk->room ? grow(walk, why) : FAULT_NONE;
	size_t *place;

	if (fault)
		return fault;
	place = place_of(walk, id);
	if (ret_new)
		*ret_new = *place == 0;
	if (*place)
		return FAULT_NONE;
	walk->steps[walk->count] = (struct walk_step){
		.id = *id,
		.from = from,
		.level = from == WALK_START ? 0 : walk->steps[from].level + 1,
	};
	*place = ++walk->count;
	return FAULT_NONE;
}

/* -- upwards ------------------------------------------------------------------------------- */

struct climb {
	struct walk *walk;
	size_t at; /* the step whose groups are being read */
};

static enum fault meet_group(void *context, const struct member_id *id, struct why *why)
{
	struct climb *climb = context;

	return walk_meet(climb->walk, id, climb->at, NULL, why);
}

enum fault walk_up(struct store *store, const struct member_id *user, const struct member_id *group,
		   struct walk *walk, size_t *ret_step, struct why *why)
{
	struct climb climb = {.walk = walk, .at = 0};
	size_t looked = 0;
	enum fault fault = walk_meet(walk, user, WALK_START, NULL, why);

	for (; !fault && climb.at < walk->count; climb.at++) {
		struct member_id id = walk->steps[climb.at].id;

		fault = builtin_groups_of(store, &id, meet_group, &climb, why);
		while (group && looked < walk->count && !member_id_equal(&walk->steps[looked].id, group))
			looked++;
		if (group && looked < walk->count)
			break;
	}
	if (!fault)
		*ret_step = group ? looked : walk->count;
	return fault;
}

/* -- paths ----------------------------------------------------------------------------------- */

static void put_before(const char *name, char path[static DIRECTORY_TEXT_SIZE])
{
	char rest[DIRECTORY_TEXT_SIZE];
	size_t length;

	memcpy(rest, path, sizeof rest);
	length = (size_t)snprintf(path, DIRECTORY_TEXT_SIZE, "%s%s", name, rest[0] ? " < " : "");
	(void)snprintf(path + length, DIRECTORY_TEXT_SIZE - length, "%s", rest);
}

enum fault walk_path_up(struct store *store, const struct walk *walk, size_t step, const char *user_name,
			char path[static DIRECTORY_TEXT_SIZE], struct why *why)
{
	enum fault fault = FAULT_NONE;

	path[0] = '\0';
	for (; !fault && walk->steps[step].from != WALK_START; step = walk->steps[step].from) {
		struct builtin_member group;

		fault = builtin_group_of(store, &walk->steps[step].id, &group, why);
		if (!fault)
			put_before(group.name, path);
	}
	if (!fault)
		put_before(user_name, path);
	return fault;
}

enum fault walk_path_back(struct store *store, const struct walk *walk, size_t step,
			  char path[static DIRECTORY_TEXT_SIZE], struct why *why)
{
	size_t length = 0;
	enum fault fault = FAULT_NONE;

	path[0] = '\0';
	for (; !fault && step != WALK_START && length < DIRECTORY_TEXT_SIZE - 1;
	     step = walk->steps[step].from) {
		struct builtin_member group;

		fault = builtin_group_of(store, &walk->steps[step].id, &group, why);
		if (!fault)
			(void)snprintf(path + length, DIRECTORY_TEXT_SIZE - length, "%s%s",
				       length ? " < " : "", group.name);
		length = strlen(path);
	}
	return fault;
}
