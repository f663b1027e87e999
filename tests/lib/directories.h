/* tests/lib/directories.h - a directory that answers what a test wants.
 *
 *     struct fake_directory *fake = fake_directory_new();       // closed by whoever gets &fake->directory
 *     fake_user(fake, "alice", true);  fake_member(fake, "alice", &group);
 *     fake->is_down = true;                                     // "unknown" to whatever is not remembered
 *
 * With `is_mute` a question waits until its deadline or until the test lets it go. Any thread.
 */
#ifndef FSENC_TESTS_LIB_DIRECTORIES_H
#define FSENC_TESTS_LIB_DIRECTORIES_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ldap/directory.h"
#include "tests/lib/unit.h"

#define FAKE_USERS 64
#define FAKE_MEMBERS 64
#define FAKE_GROUPS 16

struct fake_directory {
	struct directory directory;
	struct directory_user users[FAKE_USERS];
	char passwords[FAKE_USERS][64];
	size_t user_count;
	struct directory_group groups[FAKE_GROUPS];
	size_t group_count;
	struct {
		struct member_id user, group;
		atomic_bool gone;
	} members[FAKE_MEMBERS];
	size_t member_count;
	atomic_bool is_down, is_mute, has_failed; /* has_failed: what the state says */
	atomic_bool remembers; /* members are answered without asking */
	atomic_uint asked, waiting;
	_Atomic int64_t yes_ms, no_ms; /* what directory_remember() said last */
	atomic_bool *closed; /* set when it is closed; or NULL */
};

static inline struct fake_directory *fake_of(struct directory *directory)
{
	return (struct fake_directory *)directory;
}

/* Does the question get an answer? */
static inline bool fake_asks(struct fake_directory *fake, int64_t deadline, struct why *why)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	(void)atomic_fetch_add(&fake->asked, 1);
	(void)atomic_fetch_add(&fake->waiting, 1);
	while (atomic_load(&fake->is_mute) && clock_boot_ms() < deadline)
		(void)nanosleep(&pause, NULL);
	(void)atomic_fetch_sub(&fake->waiting, 1);
	if (!atomic_load(&fake->is_down) && !atomic_load(&fake->is_mute))
		return true;
	(void)why_set(why, FAULT_UNREACHABLE, "the test's directory is down");
	return false;
}

static inline struct directory_user *fake_find_name(struct fake_directory *fake, const char *name)
{
	for (size_t i = 0; i < fake->user_count; i++)
		if (strcmp(fake->users[i].name, name) == 0)
			return &fake->users[i];
	return NULL;
}

static inline struct directory_user *fake_find_id(struct fake_directory *fake, const struct member_id *id)
{
	for (size_t i = 0; i < fake->user_count; i++)
		if (member_id_equal(&fake->users[i].id, id))
			return &fake->users[i];
	return NULL;
}

static inline enum directory_answer fake_give_user(const struct directory_user *user,
						   struct directory_user *ret_user, struct why *why)
{
	if (!user) {
		(void)why_set(why, FAULT_MISSING, "there is no such user");
		return DIRECTORY_NO;
	}
	*ret_user = *user;
	return DIRECTORY_YES;
}

static inline enum directory_answer fake_find_user(struct directory *directory, const char *name,
						   int64_t deadline, struct directory_user *ret_user,
						   struct why *why)
{
	struct fake_directory *fake = fake_of(directory);

	return fake_asks(fake, deadline, why) ? fake_give_user(fake_find_name(fake, name), ret_user, why)
					      : DIRECTORY_UNKNOWN;
}

static inline enum directory_answer fake_find_user_by_id(struct directory *directory,
							 const struct member_id *id, int64_t deadline,
							 struct directory_user *ret_user, struct why *why)
{
	struct fake_directory *fake = fake_of(directory);

	return fake_asks(fake, deadline, why) ? fake_give_user(fake_find_id(fake, id), ret_user, why)
					      : DIRECTORY_UNKNOWN;
}

static inline enum directory_answer fake_find_group(struct directory *directory, const char *words,
						    int64_t deadline, struct directory_group *ret_group,
						    struct why *why)
{
	struct fake_directory *fake = fake_of(directory);

	if (!fake_asks(fake, deadline, why))
		return DIRECTORY_UNKNOWN;
	for (size_t i = 0; i < fake->group_count; i++)
		if (strcmp(fake->groups[i].name, words) == 0) {
			*ret_group = fake->groups[i];
			return DIRECTORY_YES;
		}
	return DIRECTORY_NO;
}

static inline enum directory_answer fake_find_group_by_id(struct directory *directory,
							  const struct member_id *id, int64_t deadline,
							  struct directory_group *ret_group, struct why *why)
{
	struct fake_directory *fake = fake_of(directory);

	if (!fake_asks(fake, deadline, why))
		return DIRECTORY_UNKNOWN;
	for (size_t i = 0; i < fake->group_count; i++)
		if (member_id_equal(&fake->groups[i].id, id)) {
			*ret_group = fake->groups[i];
			return DIRECTORY_YES;
		}
	return DIRECTORY_NO;
}

static inline bool fake_has(struct fake_directory *fake, const struct member_id *user,
			    const struct member_id *group)
{
	for (size_t i = 0; i < fake->member_count; i++)
		if (member_id_equal(&fake->members[i].user, user) &&
		    member_id_equal(&fake->members[i].group, group) && !atomic_load(&fake->members[i].gone))
			return true;
	return false;
}

static inline enum directory_answer fake_is_member(struct directory *directory, const struct member_id *id,
						   const struct member_id *group, int64_t deadline,
						   struct directory_proof *ret_proof, struct why *why)
{
	struct fake_directory *fake = fake_of(directory);
	const bool remembered = atomic_load(&fake->remembers) && fake_has(fake, id, group);

	if (!remembered && !fake_asks(fake, deadline, why)) {
		ret_proof->reason = DIRECTORY_REASON_UNREACHABLE;
		return DIRECTORY_UNKNOWN;
	}
	const struct directory_user *user = fake_find_id(fake, id);
	ret_proof->source = remembered ? DIRECTORY_CACHE : DIRECTORY_LIVE;
	ret_proof->reason = !user			? DIRECTORY_REASON_NO_USER
			    : !user->enabled		? user->off
			    : fake_has(fake, id, group) ? DIRECTORY_REASON_NONE
							: DIRECTORY_REASON_NOT_MEMBER;
	return ret_proof->reason == DIRECTORY_REASON_NONE ? DIRECTORY_YES : DIRECTORY_NO;
}

static inline enum directory_answer fake_members(struct directory *directory, const struct member_id *group,
						 int64_t deadline, directory_each_member *each, void *context,
						 struct why *why)
{
	struct fake_directory *fake = fake_of(directory);
	struct directory_group found;

	enum directory_answer answer = fake_find_group_by_id(directory, group, deadline, &found, why);
	for (size_t i = 0; answer == DIRECTORY_YES && i < fake->user_count; i++) {
		char path[DIRECTORY_TEXT_SIZE];
		const struct directory_member member = {.user = &fake->users[i], .path = path};
		(void)snprintf(path, sizeof path, "%.200s < %.200s", fake->users[i].name, found.name);
		if (fake_has(fake, &fake->users[i].id, group) && each(context, &member, why))
			return DIRECTORY_UNKNOWN;
	}
	return answer;
}

static inline enum directory_answer fake_authenticate(struct directory *directory, const char *name,
						      const struct secret *password, int64_t deadline,
						      struct directory_user *ret_user, struct why *why)
{
	struct fake_directory *fake = fake_of(directory);

	if (!fake_asks(fake, deadline, why))
		return DIRECTORY_UNKNOWN;
	const struct directory_user *user = fake_find_name(fake, name);
	const char *right = user ? fake->passwords[user - fake->users] : "";
	if (!right[0] || strlen(right) != secret_size(password) ||
	    memcmp(right, secret_bytes(password), secret_size(password)) != 0)
		return DIRECTORY_NO;
	*ret_user = *user;
	return DIRECTORY_YES;
}

static inline enum directory_answer fake_check(struct directory *directory, int64_t deadline, struct why *why)
{
	return fake_asks(fake_of(directory), deadline, why) ? DIRECTORY_YES : DIRECTORY_UNKNOWN;
}

static inline enum directory_answer fake_describe(struct directory *directory, const char *user_name,
						  int64_t deadline, directory_each_step *each, void *context,
						  struct why *why)
{
	(void)user_name;
	(void)each;
	(void)context;
	return fake_check(directory, deadline, why);
}

static inline void fake_state(struct directory *directory, struct directory_state *ret_state)
{
	struct fake_directory *fake = fake_of(directory);

	ret_state->answered = !atomic_load(&fake->has_failed);
	ret_state->answered_age_ms = 0;
	ret_state->asked = atomic_load(&fake->asked);
}

static inline void fake_remember(struct directory *directory, int64_t yes_ms, int64_t no_ms)
{
	fake_of(directory)->yes_ms = yes_ms;
	fake_of(directory)->no_ms = no_ms;
}

static inline void fake_forget(struct directory *directory)
{
	(void)directory;
}

static inline void fake_close(struct directory *directory)
{
	if (fake_of(directory)->closed)
		atomic_store(fake_of(directory)->closed, true);
	free(directory);
}

static inline struct fake_directory *fake_directory_new(void)
{
	static const struct directory_calls calls = {
		.find_user = fake_find_user,
		.find_user_by_id = fake_find_user_by_id,
		.find_group = fake_find_group,
		.find_group_by_id = fake_find_group_by_id,
		.is_member = fake_is_member,
		.members = fake_members,
		.authenticate = fake_authenticate,
		.check = fake_check,
		.describe = fake_describe,
		.state = fake_state,
		.remember = fake_remember,
		.forget = fake_forget,
		.close = fake_close,
	};
	struct fake_directory *fake = calloc(1, sizeof *fake);

	assert_non_null(fake);
	fake->directory.calls = &calls;
	return fake;
}

static inline struct directory_user *fake_user(struct fake_directory *fake, const char *name, bool enabled)
{
	struct directory_user *user = &fake->users[fake->user_count++];

	assert_true(fake->user_count <= FAKE_USERS);
	*user = (struct directory_user){.enabled = enabled, .off = DIRECTORY_REASON_DISABLED};
	member_id_random(&user->id);
	(void)snprintf(user->name, sizeof user->name, "%s", name);
	return user;
}

static inline void fake_group(struct fake_directory *fake, const char *name, const struct member_id *id)
{
	struct directory_group *group = &fake->groups[fake->group_count++];

	assert_true(fake->group_count <= FAKE_GROUPS);
	*group = (struct directory_group){.id = *id};
	(void)snprintf(group->name, sizeof group->name, "%s", name);
}

static inline void fake_member(struct fake_directory *fake, const char *name, const struct member_id *group)
{
	const struct directory_user *user = fake_find_name(fake, name);

	assert_non_null(user);
	assert_true(fake->member_count < FAKE_MEMBERS);
	fake->members[fake->member_count].user = user->id;
	fake->members[fake->member_count++].group = *group;
}

static inline void fake_leave(struct fake_directory *fake, const char *name, const struct member_id *group)
{
	const struct directory_user *user = fake_find_name(fake, name);

	for (size_t i = 0; i < fake->member_count; i++)
		if (member_id_equal(&fake->members[i].user, &user->id) &&
		    member_id_equal(&fake->members[i].group, group))
			atomic_store(&fake->members[i].gone, true);
}

#endif
