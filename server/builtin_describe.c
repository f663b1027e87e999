#include "server/builtin_describe.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "server/builtin_rows.h"
#include "server/builtin_walk.h"

struct telling {
	directory_each_step *each;
	void *context;
	int64_t began_ms;
};

static void tell(struct telling *telling, const char *name, enum fault fault, const struct why *why,
		 const char *found)
{
	int64_t now = clock_boot_ms();

	telling->each(telling->context,
		      &(struct directory_step){.name = name,
					       .found = fault ? why_text(why, fault) : found,
					       .good = !fault,
					       .took_ms = now - telling->began_ms});
	telling->began_ms = now;
}

static enum fault describe_size(struct store *store, struct telling *telling, struct why *why)
{
	uint64_t users = 0, groups = 0;
	char found[128];
	enum fault fault = builtin_count(store, BUILTIN_USER, &users, why);

	if (!fault)
		fault = builtin_count(store, BUILTIN_GROUP, &groups, why);
	(void)snprintf(found, sizeof found, "builtin, %" PRIu64 " users, %" PRIu64 " groups", users, groups);
	tell(telling, "server", fault, why, found);
	return fault;
}

/* One line a level: the groups' names. */
static enum fault describe_levels(struct store *store, struct telling *telling, const struct walk *walk,
				  struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t at = 1; !fault && at < walk->count;) {
		unsigned level = walk->steps[at].level;
		char names[DIRECTORY_TEXT_SIZE] = "";
		char title[64];

		for (; !fault && at < walk->count && walk->steps[at].level == level; at++) {
			struct builtin_member group;
			size_t length = strlen(names);

			fault = builtin_group_of(store, &walk->steps[at].id, &group, why);
			if (!fault)
				(void)snprintf(names + length, sizeof names - length, "%s%s",
					       length ? ", " : "", group.name);
		}
		(void)snprintf(title, sizeof title, "groups, level %u", level - 1);
		tell(telling, title, fault, why, names);
	}
	return fault;
}

static enum fault describe_user(struct store *store, const char *name, struct telling *telling,
				struct why *why)
{
	AUTO(walk_done) struct walk walk = WALK_EMPTY;
	struct builtin_member user;
	char found[DISPLAY_NAME_MAX + ID_TEXT_SIZE + 32];
	char id[ID_TEXT_SIZE];
	size_t step;
	enum fault fault = builtin_user_named(store, name, &user, why);

	if (!fault) {
		member_id_text(&user.id, id);
		(void)snprintf(found, sizeof found, "%s, id %s, %s", user.name, id,
			       user.enabled ? "enabled" : "disabled");
	}
	tell(telling, "user", fault, why, found);
	if (!fault)
		fault = walk_up(store, &user.id, NULL, &walk, &step, why);
	return fault ? fault : describe_levels(store, telling, &walk, why);
}

enum fault builtin_describe(struct store *store, const char *user_name, directory_each_step *each,
			    void *context, struct why *why)
{
	struct telling telling = {.each = each, .context = context, .began_ms = clock_boot_ms()};
	struct why words = WHY_NONE;
	enum fault fault = describe_size(store, &telling, &words);

	if (!fault && user_name)
		fault = describe_user(store, user_name, &telling, &words);
	return fault ? why_set(why, fault, "%s", why_text(&words, fault)) : FAULT_NONE;
}
