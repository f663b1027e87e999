#include "ldap/directory_ldap.h"

#include <ldap.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ldap/cache.h"
#include "ldap/deadline.h"
#include "ldap/describe.h"
#include "ldap/group.h"
#include "ldap/members.h"
#include "ldap/person.h"
#include "ldap/pool.h"
#include "ldap/root_dse.h"
#include "ldap/upward.h"

struct directory_ldap {
	struct directory directory;
	struct pool *pool;
	struct cache *cache;
	_Atomic uint64_t asked;
};

static struct directory_ldap *self(struct directory *directory)
{
	return (struct directory_ldap *)directory;
}

/* One question within what the settings allow for one. */
static enum directory_reason ask(struct directory *directory, int64_t deadline, int64_t limit_ms,
				 pool_question *question, void *context, struct why *why)
{
	atomic_fetch_add(&self(directory)->asked, 1);
	return pool_ask(self(directory)->pool, deadline_earlier(deadline, clock_boot_ms() + limit_ms),
			question, context, why);
}

static enum directory_reason ask_shortly(struct directory *directory, int64_t deadline,
					 pool_question *question, void *context, struct why *why)
{
	return ask(directory, deadline, pool_settings(self(directory)->pool)->search_timeout_ms, question,
		   context, why);
}

/* -- users ------------------------------------------------------------------------- */

struct user_question {
	const char *name; /* or, NULL: */
	const struct member_id *id;
	struct person person;
	const struct ldap_server *server; /* that knew the user */
};

static void user_question_done(struct user_question *question)
{
	person_done(&question->person);
}
AUTO_VALUE(struct user_question, user_question_done);

static enum directory_reason find_person(struct conn *conn, int64_t deadline, void *context, struct why *why)
{
	struct user_question *question = context;

	person_done(&question->person);
	question->server = conn_server(conn);
	return question->name ? person_find(conn, question->name, deadline, &question->person, why)
			      : person_find_by_id(conn, question->id, deadline, &question->person, why);
}

static enum directory_answer answer_user(struct directory *directory, struct user_question *question,
					 int64_t deadline, struct directory_user *ret_user, struct why *why)
{
	enum directory_reason reason = ask_shortly(directory, deadline, find_person, question, why);

	if (!reason)
		*ret_user = question->person.user;
	return reason_answer(reason);
}

static enum directory_answer find_user(struct directory *directory, const char *name, int64_t deadline,
				       struct directory_user *ret_user, struct why *why)
{
	AUTO(user_question_done) struct user_question question = {.name = name};

	return answer_user(directory, &question, deadline, ret_user, why);
}

static enum directory_answer find_user_by_id(struct directory *directory, const struct member_id *id,
					     int64_t deadline, struct directory_user *ret_user,
					     struct why *why)
{
	AUTO(user_question_done) struct user_question question = {.id = id};

	return answer_user(directory, &question, deadline, ret_user, why);
}

/* -- groups ------------------------------------------------------------------------ */

struct group_question {
	const char *words; /* or, NULL: */
	const struct member_id *id;
	struct group_entry group;
};

static void group_question_done(struct group_question *question)
{
	group_entry_done(&question->group);
}
AUTO_VALUE(struct group_question, group_question_done);

static enum directory_reason find_one_group(struct conn *conn, int64_t deadline, void *context,
					    struct why *why)
{
	struct group_question *question = context;

	group_entry_done(&question->group);
	return question->words ? group_find(conn, question->words, deadline, &question->group, why)
			       : group_find_by_id(conn, question->id, deadline, &question->group, why);
}

static enum directory_answer answer_group(struct directory *directory, struct group_question *question,
					  int64_t deadline, struct directory_group *ret_group,
					  struct why *why)
{
	enum directory_reason reason = ask_shortly(directory, deadline, find_one_group, question, why);

	if (!reason)
		group_describe(&question->group, ret_group);
	return reason_answer(reason);
}

static enum directory_answer find_group(struct directory *directory, const char *words, int64_t deadline,
					struct directory_group *ret_group, struct why *why)
{
	AUTO(group_question_done) struct group_question question = {.words = words};

	return answer_group(directory, &question, deadline, ret_group, why);
}

static enum directory_answer find_group_by_id(struct directory *directory, const struct member_id *id,
					      int64_t deadline, struct directory_group *ret_group,
					      struct why *why)
{
	AUTO(group_question_done) struct group_question question = {.id = id};

	return answer_group(directory, &question, deadline, ret_group, why);
}

/* -- membership -------------------------------------------------------------------- */

struct member_question {
	const struct member_id *user;
	const struct member_id *group;
	struct directory_proof *proof;
};

static enum directory_reason look_up_member(struct conn *conn, int64_t deadline, void *context,
					    struct why *why)
{
	const struct member_question *question = context;
	AUTO(person_done) struct person person = PERSON_EMPTY;
	AUTO(upward_done) struct upward upward = UPWARD_EMPTY;
	enum directory_reason reason = person_find_by_id(conn, question->user, deadline, &person, why);

	if (!reason && person.user.off)
		reason = reason_set(why, person.user.off, "user '%s': %s", person.user.name,
				    directory_reason_words(person.user.off));
	upward.wanted = question->group;
	if (!reason)
		reason = upward_find(conn, &person, deadline, &upward, why);
	if (reason)
		return reason;
	if (upward.wanted_at == UPWARD_NONE)
		return reason_set(why, DIRECTORY_REASON_NOT_MEMBER,
				  "user '%s' is in %zu groups, but not in this one", person.user.name,
				  upward.count);
	question->proof->level = upward.groups[upward.wanted_at].level;
	upward_path(&upward, upward.wanted_at, person.user.name, question->proof->path);
	return reason;
}

static enum directory_answer is_member(struct directory *directory, const struct member_id *user,
				       const struct member_id *group, int64_t deadline,
				       struct directory_proof *ret_proof, struct why *why)
{
	struct directory_proof proof = {.source = DIRECTORY_LIVE};
	struct member_question question = {.user = user, .group = group, .proof = &proof};
	enum directory_answer answer = cache_find(self(directory)->cache, user, group, ret_proof);
	int64_t asked = clock_boot_ms();

	if (answer) {
		if (answer == DIRECTORY_NO)
			(void)reason_set(why, ret_proof->reason, "%s",
					 directory_reason_words(ret_proof->reason));
		return answer;
	}
	proof.reason = ask_shortly(directory, deadline, look_up_member, &question, why);
	answer = reason_answer(proof.reason);
	if (answer)
		cache_put(self(directory)->cache, user, group, answer, &proof, asked);
	*ret_proof = proof;
	return answer;
}

struct members_question {
	const struct member_id *group;
	struct members members;
};

static enum directory_reason look_up_members(struct conn *conn, int64_t deadline, void *context,
					     struct why *why)
{
	struct members_question *question = context;

	members_done(&question->members);
	return members_find(conn, question->group, deadline, &question->members, why);
}

static enum directory_answer list_members(struct directory *directory, const struct member_id *group,
					  int64_t deadline, directory_each_member *each, void *context,
					  struct why *why)
{
	struct members_question question = {.group = group, .members = MEMBERS_EMPTY};
	enum directory_reason reason = ask(directory, deadline,
					   pool_settings(self(directory)->pool)->listing_timeout_ms,
					   look_up_members, &question, why);
	enum directory_answer answer = reason_answer(reason);

	if (answer == DIRECTORY_YES && members_tell(&question.members, each, context, why))
		answer = DIRECTORY_UNKNOWN;
	members_done(&question.members);
	return answer;
}

/* -- passwords --------------------------------------------------------------------- */

/* Where the user is known the password is tried; an account that is off is not asked for its password. */
static enum directory_answer authenticate(struct directory *directory, const char *name,
					  const struct secret *password, int64_t deadline,
					  struct directory_user *ret_user, struct why *why)
{
	struct pool *pool = self(directory)->pool;
	AUTO(user_question_done) struct user_question question = {.name = name};
	int64_t until = deadline_earlier(deadline,
					 clock_boot_ms() + 2 * pool_settings(pool)->search_timeout_ms);
	enum directory_reason reason = ask_shortly(directory, deadline, find_person, &question, why);

	if (!reason && question.person.user.off)
		reason = reason_set(why, question.person.user.off, "%s",
				    directory_reason_words(question.person.user.off));
	if (!reason)
		reason = pool_log_in(pool, question.server, question.person.dn, password, until, why);
	if (!reason)
		*ret_user = question.person.user;
	return reason_answer(reason);
}

/* -- state ------------------------------------------------------------------------- */

static enum directory_reason look_at_server(struct conn *conn, int64_t deadline, void *context,
					    struct why *why)
{
	return root_dse_read(conn, deadline, context, why);
}

static enum directory_answer check(struct directory *directory, int64_t deadline, struct why *why)
{
	struct root_dse root;

	return reason_answer(ask_shortly(directory, deadline, look_at_server, &root, why));
}

static enum directory_answer describe_all(struct directory *directory, const char *user_name,
					  int64_t deadline, directory_each_step *each, void *context,
					  struct why *why)
{
	return reason_answer(
		describe(pool_settings(self(directory)->pool), user_name, deadline, each, context, why));
}

static void state(struct directory *directory, struct directory_state *ret_state)
{
	pool_state(self(directory)->pool, ret_state);
	cache_state(self(directory)->cache, ret_state);
	ret_state->asked = atomic_load(&self(directory)->asked);
}

static void remember(struct directory *directory, int64_t yes_ms, int64_t no_ms)
{
	cache_limit(self(directory)->cache, yes_ms, no_ms);
}

static void forget(struct directory *directory)
{
	cache_drop_all(self(directory)->cache);
}

/* -- life -------------------------------------------------------------------------- */

static void close_all(struct directory *directory)
{
	pool_close(self(directory)->pool);
	cache_free(self(directory)->cache);
	free(self(directory));
}

static const struct directory_calls calls = {
	.find_user = find_user,
	.find_user_by_id = find_user_by_id,
	.find_group = find_group,
	.find_group_by_id = find_group_by_id,
	.is_member = is_member,
	.members = list_members,
	.authenticate = authenticate,
	.check = check,
	.describe = describe_all,
	.state = state,
	.remember = remember,
	.forget = forget,
	.close = close_all,
};

static void warn_of_weak_spots(const struct ldap_settings *settings)
{
	for (size_t i = 0; i < settings->server_count; i++)
		if (settings->servers[i].protection == NOT_PROTECTED)
			log_warning(
				"%s is asked in the clear (allow_plaintext): whoever is on the network can read "
				"passwords and make anybody a member of any group",
				settings->servers[i].uri);
	if (settings->use_member_of)
		log_warning(
			"use_member_of: whoever may write memberOf in the directory makes members of any group");
}

/* Other threads may be looking at the environment: it is left alone where it is right already. */
static bool set_variable(const char *name, const char *value)
{
	const char *present = getenv(name);

	return (present && strcmp(present, value) == 0) || setenv(name, value, 1) == 0;
}

/* libkrb5 takes these from the environment only. Its tickets stay in this process: in the file that is usual
 * for them others would find them, and we those of others, and be whoever they are of. */
static enum fault set_keytab(const struct ldap_settings *settings, struct why *why)
{
	AUTO(free) char *tickets = NULL;

	if (!settings->keytab)
		return FAULT_NONE;
	if (asprintf(&tickets, "MEMORY:%s", settings->keytab) < 0 ||
	    !set_variable("KRB5_CLIENT_KTNAME", settings->keytab) || !set_variable("KRB5CCNAME", tickets))
		return why_set(why, FAULT_MEMORY, "no memory for the keytab's name");
	return FAULT_NONE;
}

/* Only asked when something hangs on it; unreachable is no error, as each connection is looked at again. */
static enum fault check_kind(struct directory *directory, const struct ldap_settings *settings,
			     struct why *why)
{
	struct root_dse root;
	struct why words = WHY_NONE;

	if (!settings->use_chain_rule)
		return FAULT_NONE;
	enum directory_reason reason = pool_ask(self(directory)->pool,
						clock_boot_ms() + settings->search_timeout_ms, look_at_server,
						&root, &words);
	return reason == DIRECTORY_REASON_REFUSED ? why_set(why, FAULT_KEYRING_READ, "%s", words.text)
						  : FAULT_NONE;
}

static enum fault open_all(struct directory_ldap *ldap, struct ldap_settings *settings, struct why *why)
{
	int64_t yes_ms = settings->cache_yes_ms;
	int64_t no_ms = settings->cache_no_ms;
	enum fault fault = pool_new(settings, &ldap->pool, why);

	if (!fault)
		fault = cache_new(yes_ms, no_ms, &ldap->cache, why);
	if (!fault)
		fault = check_kind(&ldap->directory, pool_settings(ldap->pool), why);
	return fault;
}

enum fault directory_ldap_open(const struct ini *ini, const char *folder, struct directory **ret_directory,
			       struct why *why)
{
	struct ldap_settings *settings = NULL;
	enum fault fault = settings_read(ini, folder, &settings, why);
	if (fault)
		return fault;
	struct directory_ldap *ldap = calloc(1, sizeof *ldap);
	if (!ldap) {
		settings_free(settings);
		return why_set(why, FAULT_MEMORY, "no memory for the directory");
	}
	warn_of_weak_spots(settings);
	ldap->directory.calls = &calls;
	fault = set_keytab(settings, why);
	if (fault)
		settings_free(settings);
	else
		fault = open_all(ldap, settings, why);
	if (fault) {
		close_all(&ldap->directory);
		return fault;
	}
	*ret_directory = &ldap->directory;
	return FAULT_NONE;
}

/* -- the process ------------------------------------------------------------------- */

/* liblber copies a password into the message that it sends, and frees that without wiping. */
static void *wiping_malloc(ber_len_t size, void *context)
{
	(void)context;
	return malloc(size);
}

static void *wiping_calloc(ber_len_t count, ber_len_t size, void *context)
{
	(void)context;
	return calloc(count, size);
}

static void wiping_free(void *memory, void *context)
{
	(void)context;
	if (memory)
		secret_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void *wiping_realloc(void *memory, ber_len_t size, void *context)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;

	if (old >= size && memory)
		return memory;
	void *more = malloc(size);
	if (more && memory)
		memcpy(more, memory, old);
	if (more)
		wiping_free(memory, context);
	return more;
}

void directory_ldap_start(void)
{
	static const BerMemoryFunctions functions = {wiping_malloc, wiping_calloc, wiping_realloc,
						     wiping_free};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("LDAPNOINIT", "1", 1);
	(void)ber_set_option(NULL, LBER_OPT_MEMORY_FNS, &functions);
}
