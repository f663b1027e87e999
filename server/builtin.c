#include "server/builtin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "server/builtin_describe.h"
#include "server/builtin_rows.h"
#include "server/builtin_walk.h"

struct builtin {
	struct directory directory;
	struct store *store;
	atomic_uint_fast64_t asked;
	atomic_int_fast64_t answered_ms; /* 0: not yet */
	atomic_bool answered;
};

static struct store *store_of(struct directory *directory)
{
	return ((struct builtin *)directory)->store;
}

/* A fault as one of the three answers. */
static enum directory_answer answer(struct directory *directory, enum fault fault)
{
	struct builtin *builtin = (struct builtin *)directory;
	bool good = fault == FAULT_NONE || fault == FAULT_MISSING;

	atomic_fetch_add_explicit(&builtin->asked, 1, memory_order_relaxed);
	atomic_store_explicit(&builtin->answered, good, memory_order_relaxed);
	if (good)
		atomic_store_explicit(&builtin->answered_ms, clock_boot_ms(), memory_order_relaxed);
	if (!fault)
		return DIRECTORY_YES;
	return fault == FAULT_MISSING ? DIRECTORY_NO : DIRECTORY_UNKNOWN;
}

/* -- finding ------------------------------------------------------------------------------- */

static void fill_user(const struct builtin_member *member, struct directory_user *user)
{
	*user = (struct directory_user){.id = member->id,
					.enabled = member->enabled,
					.off = member->enabled ? DIRECTORY_REASON_NONE
							       : DIRECTORY_REASON_DISABLED};
	(void)snprintf(user->name, sizeof user->name, "%s", member->name);
}

static void fill_group(const struct builtin_member *member, struct directory_group *group)
{
	*group = (struct directory_group){.id = member->id};
	(void)snprintf(group->name, sizeof group->name, "%s", member->name);
}

static enum directory_answer find_user(struct directory *directory, const char *name, int64_t deadline,
				       struct directory_user *ret_user, struct why *why)
{
	struct builtin_member member;
	enum fault fault = builtin_user_named(store_of(directory), name, &member, why);

	(void)deadline;
	if (!fault)
		fill_user(&member, ret_user);
	return answer(directory, fault);
}

static enum directory_answer find_user_by_id(struct directory *directory, const struct member_id *id,
					     int64_t deadline, struct directory_user *ret_user,
					     struct why *why)
{
	struct builtin_member member;
	enum fault fault = builtin_user_of(store_of(directory), id, &member, why);

	(void)deadline;
	if (!fault)
		fill_user(&member, ret_user);
	return answer(directory, fault);
}

static enum directory_answer find_group(struct directory *directory, const char *words, int64_t deadline,
					struct directory_group *ret_group, struct why *why)
{
	struct builtin_member member;
	enum fault fault = builtin_group_named(store_of(directory), words, &member, why);

	(void)deadline;
	if (!fault)
		fill_group(&member, ret_group);
	return answer(directory, fault);
}

static enum directory_answer find_group_by_id(struct directory *directory, const struct member_id *id,
					      int64_t deadline, struct directory_group *ret_group,
					      struct why *why)
{
	struct builtin_member member;
	enum fault fault = builtin_group_of(store_of(directory), id, &member, why);

	(void)deadline;
	if (!fault)
		fill_group(&member, ret_group);
	return answer(directory, fault);
}

/* -- membership ------------------------------------------------------------------------------ */

static enum fault prove_nested(struct store *store, const struct builtin_member *user,
			       const struct member_id *group, struct directory_proof *proof, struct why *why)
{
	AUTO(walk_done) struct walk walk = WALK_EMPTY;
	size_t step = 0;
	enum fault fault = walk_up(store, &user->id, group, &walk, &step, why);

	if (!fault && step == walk.count) {
		proof->reason = DIRECTORY_REASON_NOT_MEMBER;
		return why_set(why, FAULT_MISSING, "'%s' is no member", user->name);
	}
	if (!fault)
		fault = walk_path_up(store, &walk, step, user->name, proof->path, why);
	if (!fault)
		proof->level = walk.steps[step].level - 1;
	return fault;
}

static enum fault prove_direct(const struct builtin_member *user, const struct builtin_member *group,
			       struct directory_proof *proof)
{
	proof->level = 0;
	(void)snprintf(proof->path, sizeof proof->path, "%s < %s", user->name, group->name);
	return FAULT_NONE;
}

static enum fault no(enum directory_reason reason, enum fault fault, struct directory_proof *proof)
{
	if (fault == FAULT_MISSING)
		proof->reason = reason;
	return fault;
}

static enum fault prove(struct store *store, const struct member_id *user_id,
			const struct member_id *group_id, struct directory_proof *proof, struct why *why)
{
	struct builtin_member user, group;
	bool direct = false;
	enum fault fault = no(DIRECTORY_REASON_NO_USER, builtin_user_of(store, user_id, &user, why), proof);

	if (fault)
		return fault;
	if (!user.enabled)
		return no(DIRECTORY_REASON_DISABLED,
			  why_set(why, FAULT_MISSING, "the account '%s' is disabled", user.name), proof);
	fault = no(DIRECTORY_REASON_NO_GROUP, builtin_group_of(store, group_id, &group, why), proof);
	if (!fault)
		fault = builtin_is_direct(store, user_id, group_id, &direct, why);
	if (fault)
		return fault;
	return direct ? prove_direct(&user, &group, proof) : prove_nested(store, &user, group_id, proof, why);
}

static enum directory_answer is_member(struct directory *directory, const struct member_id *user,
				       const struct member_id *group, int64_t deadline,
				       struct directory_proof *ret_proof, struct why *why)
{
	struct directory_proof proof = {.reason = DIRECTORY_REASON_UNREACHABLE, .source = DIRECTORY_LIVE};
	enum fault fault = prove(store_of(directory), user, group, &proof, why);

	(void)deadline;
	if (!fault)
		proof.reason = DIRECTORY_REASON_NONE;
	*ret_proof = proof;
	return answer(directory, fault);
}

/* -- listing members --------------------------------------------------------------------------- */

struct descent {
	struct store *store;
	struct walk groups;
	struct walk users;
	size_t at;
	char path[DIRECTORY_TEXT_SIZE]; /* of the group at hand */
	directory_each_member *each;
	void *context;
};

static enum fault meet_user(void *context, const struct builtin_member *member, struct why *why)
{
	struct descent *descent = context;
	struct directory_user user;
	char path[DIRECTORY_TEXT_SIZE];
	bool new;
	enum fault fault = walk_meet(&descent->users, &member->id, WALK_START, &new, why);

	if (fault || !new)
		return fault;
	fill_user(member, &user);
	(void)snprintf(path, sizeof path, "%s < %.*s", member->name,
		       (int)(sizeof path - DISPLAY_NAME_MAX - sizeof " < "), descent->path);
	return descent->each(descent->context,
			     &(struct directory_member){.user = &user,
							.level = descent->groups.steps[descent->at].level,
							.path = path},
			     why);
}

static enum fault meet_subgroup(void *context, const struct builtin_member *member, struct why *why)
{
	struct descent *descent = context;

	return walk_meet(&descent->groups, &member->id, descent->at, NULL, why);
}

static enum fault descend(struct descent *descent, const struct member_id *group, struct why *why)
{
	enum fault fault = walk_meet(&descent->groups, group, WALK_START, NULL, why);

	for (descent->at = 0; !fault && descent->at < descent->groups.count; descent->at++) {
		struct member_id id = descent->groups.steps[descent->at].id;

		fault = walk_path_back(descent->store, &descent->groups, descent->at, descent->path, why);
		if (!fault)
			fault = builtin_members_of(descent->store, &id, BUILTIN_USER, meet_user, descent,
						   why);
		if (!fault)
			fault = builtin_members_of(descent->store, &id, BUILTIN_GROUP, meet_subgroup, descent,
						   why);
	}
	return fault;
}

static enum directory_answer members(struct directory *directory, const struct member_id *group,
				     int64_t deadline, directory_each_member *each, void *context,
				     struct why *why)
{
	struct descent descent = {.store = store_of(directory),
				  .groups = WALK_EMPTY,
				  .users = WALK_EMPTY,
				  .each = each,
				  .context = context};
	struct builtin_member found;
	enum fault fault = builtin_group_of(descent.store, group, &found, why);
	bool missing = fault == FAULT_MISSING;

	(void)deadline;
	if (!fault)
		fault = descend(&descent, group, why);
	walk_done(&descent.groups);
	walk_done(&descent.users);
	/* what is missing in the middle went away meanwhile: the list is not whole */
	return answer(directory, fault == FAULT_MISSING && !missing ? FAULT_FAILED : fault);
}

/* -- the rest ------------------------------------------------------------------------------------ */

static enum directory_answer authenticate(struct directory *directory, const char *name,
					  const struct secret *password, int64_t deadline,
					  struct directory_user *ret_user, struct why *why)
{
	(void)name;
	(void)password;
	(void)deadline;
	(void)ret_user;
	return answer(directory,
		      why_set(why, FAULT_MISSING,
			      "the builtin directory knows no passwords: enrol with a one-time code"));
}

static enum directory_answer check(struct directory *directory, int64_t deadline, struct why *why)
{
	uint64_t version;

	(void)deadline;
	return answer(directory, store_version(store_of(directory), &version, why));
}

static enum directory_answer describe(struct directory *directory, const char *user_name, int64_t deadline,
				      directory_each_step *each, void *context, struct why *why)
{
	(void)deadline;
	return answer(directory, builtin_describe(store_of(directory), user_name, each, context, why));
}

static void state(struct directory *directory, struct directory_state *ret_state)
{
	struct builtin *builtin = (struct builtin *)directory;
	int64_t answered_ms = atomic_load_explicit(&builtin->answered_ms, memory_order_relaxed);

	*ret_state = (struct directory_state){
		.kind = "builtin",
		.answered = atomic_load_explicit(&builtin->answered, memory_order_relaxed),
		.answered_age_ms = answered_ms ? clock_boot_ms() - answered_ms : -1,
		.asked = atomic_load_explicit(&builtin->asked, memory_order_relaxed),
	};
}

/* Nothing is. */
static void remember(struct directory *directory, int64_t yes_ms, int64_t no_ms)
{
	(void)directory;
	(void)yes_ms;
	(void)no_ms;
}

static void forget(struct directory *directory)
{
	(void)directory;
}

static void close_builtin(struct directory *directory)
{
	free(directory);
}

static const struct directory_calls calls = {
	.find_user = find_user,
	.find_user_by_id = find_user_by_id,
	.find_group = find_group,
	.find_group_by_id = find_group_by_id,
	.is_member = is_member,
	.members = members,
	.authenticate = authenticate,
	.check = check,
	.describe = describe,
	.state = state,
	.remember = remember,
	.forget = forget,
	.close = close_builtin,
};

enum fault builtin_open(struct store *store, struct directory **ret_directory, struct why *why)
{
	struct builtin *builtin = calloc(1, sizeof *builtin);

	if (!builtin)
		return why_set(why, FAULT_MEMORY, "no memory for the directory");
	builtin->directory.calls = &calls;
	builtin->store = store;
	*ret_directory = &builtin->directory;
	return FAULT_NONE;
}
