#include "ldap/directory.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *word;
	const char *words;
} reasons[DIRECTORY_REASON_COUNT] = {
#define X(name, word, words) [DIRECTORY_REASON_##name] = {word, words},
	DIRECTORY_REASON_LIST(X)
#undef X
};

const char *directory_reason_word(enum directory_reason reason)
{
	assert(reason < DIRECTORY_REASON_COUNT);
	return reasons[reason].word;
}

const char *directory_reason_words(enum directory_reason reason)
{
	assert(reason < DIRECTORY_REASON_COUNT);
	return reasons[reason].words;
}

const char *directory_answer_word(enum directory_answer answer)
{
	static const char *const words[] = {
		[DIRECTORY_UNKNOWN] = "unknown", [DIRECTORY_NO] = "no", [DIRECTORY_YES] = "yes"};

	assert(answer <= DIRECTORY_YES);
	return words[answer];
}

static bool is_name(const char *name, size_t max, struct why *why)
{
	size_t length = strlen(name);

	if (length > 0 && length <= max)
		return true;
	(void)why_set(why, FAULT_INVALID, length ? "the name is too long" : "the name is empty");
	return false;
}

void directory_close(struct directory *directory)
{
	if (directory)
		directory->calls->close(directory);
}

enum directory_answer directory_find_user(struct directory *directory, const char *name, int64_t deadline,
					  struct directory_user *ret_user, struct why *why)
{
	if (!is_name(name, DIRECTORY_NAME_MAX, why))
		return DIRECTORY_NO;
	return directory->calls->find_user(directory, name, deadline, ret_user, why);
}

enum directory_answer directory_find_user_by_id(struct directory *directory, const struct member_id *id,
						int64_t deadline, struct directory_user *ret_user,
						struct why *why)
{
	return directory->calls->find_user_by_id(directory, id, deadline, ret_user, why);
}

enum directory_answer directory_find_group(struct directory *directory, const char *words, int64_t deadline,
					   struct directory_group *ret_group, struct why *why)
{
	if (!is_name(words, 8 * DIRECTORY_NAME_MAX, why))
		return DIRECTORY_NO;
	return directory->calls->find_group(directory, words, deadline, ret_group, why);
}

enum directory_answer directory_find_group_by_id(struct directory *directory, const struct member_id *id,
						 int64_t deadline, struct directory_group *ret_group,
						 struct why *why)
{
	return directory->calls->find_group_by_id(directory, id, deadline, ret_group, why);
}

enum directory_answer directory_is_member(struct directory *directory, const struct member_id *user,
					  const struct member_id *group, int64_t deadline,
					  struct directory_proof *ret_proof, struct why *why)
{
	*ret_proof = (struct directory_proof){.reason = DIRECTORY_REASON_UNREACHABLE};
	return directory->calls->is_member(directory, user, group, deadline, ret_proof, why);
}

enum directory_answer directory_members(struct directory *directory, const struct member_id *group,
					int64_t deadline, directory_each_member *each, void *context,
					struct why *why)
{
	return directory->calls->members(directory, group, deadline, each, context, why);
}

/* An LDAP bind with an empty password succeeds as nobody (RFC 4513, 5.1.2): it must not get that far. */
enum directory_answer directory_authenticate(struct directory *directory, const char *name,
					     const struct secret *password, int64_t deadline,
					     struct directory_user *ret_user, struct why *why)
{
	if (!is_name(name, DIRECTORY_NAME_MAX, why))
		return DIRECTORY_NO;
	if (!password || secret_size(password) == 0) {
		(void)why_set(why, FAULT_PASSPHRASE_EMPTY, "the password is empty");
		return DIRECTORY_NO;
	}
	return directory->calls->authenticate(directory, name, password, deadline, ret_user, why);
}

enum directory_answer directory_check(struct directory *directory, int64_t deadline, struct why *why)
{
	return directory->calls->check(directory, deadline, why);
}

enum directory_answer directory_describe(struct directory *directory, const char *user_name, int64_t deadline,
					 directory_each_step *each, void *context, struct why *why)
{
	return directory->calls->describe(directory, user_name, deadline, each, context, why);
}

void directory_state(struct directory *directory, struct directory_state *ret_state)
{
	*ret_state = (struct directory_state){.answered_age_ms = -1};
	directory->calls->state(directory, ret_state);
}

void directory_remember(struct directory *directory, int64_t yes_ms, int64_t no_ms)
{
	directory->calls->remember(directory, yes_ms, no_ms);
}

void directory_forget(struct directory *directory)
{
	directory->calls->forget(directory);
}
