#include "server/users.h"

#include <string.h>

#include "server/handlers.h"
#include "server/server.h"

enum fault users_check_caller(struct exchange *exchange, const struct question *question, struct why *why)
{
	struct directory_user user;

	switch (directory_find_user_by_id(question->directory, &exchange->caller.account, question->deadline,
					  &user, why)) {
	case DIRECTORY_YES:
		break;
	case DIRECTORY_NO:
		return exchange_refuse(exchange, PROBLEM_DENIED, why,
				       "the directory has no user '%s' any more", exchange->caller.name);
	case DIRECTORY_UNKNOWN:
		return exchange_refuse_unknown(exchange, why);
	}
	if (user.enabled)
		return FAULT_NONE;
	return exchange_refuse(exchange, PROBLEM_DISABLED, why, "the account '%s' is off: %s", user.name,
			       directory_reason_words(user.off));
}

enum fault users_certificate(struct store *store, const struct member_id *account,
			     struct certificate **ret_certificate, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate stored = {0};

	enum fault fault = store_certificate_of_account(store, account, &stored, why);
	if (fault == FAULT_MISSING) {
		*ret_certificate = NULL;
		return FAULT_NONE;
	}
	if (fault)
		return fault;
	return certificate_parse_text((const char *)stored.text.data, stored.text.size, ret_certificate, why);
}

static enum fault answer_with(struct exchange *exchange, const struct directory_user *user, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.account = user->id, .enabled = user->enabled};

	if (identity_check_name(user->name, why))
		return exchange_refuse(exchange, PROBLEM_MISSING, why,
				       "the directory's name of this user is none that can be shown");
	memcpy(answer.name, user->name, strlen(user->name) + 1);
	enum fault fault = users_certificate(exchange->server->home->store, &user->id, &answer.certificate,
					     why);
	return fault ? fault : user_answer_write(&answer, &exchange->body, why);
}

static enum fault answer(struct exchange *exchange, enum directory_answer found,
			 const struct directory_user *user, struct why *why)
{
	if (found == DIRECTORY_UNKNOWN)
		return exchange_refuse_unknown(exchange, why);
	if (found == DIRECTORY_NO)
		return exchange_refuse(exchange, PROBLEM_MISSING, why, "the directory has no such user");
	return answer_with(exchange, user, why);
}

enum fault handle_user_named(struct exchange *exchange, struct why *why)
{
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);
	struct directory_user user;

	enum fault fault = users_check_caller(exchange, &question, why);
	if (fault)
		return fault;
	return answer(
		exchange,
		directory_find_user(question.directory, exchange->match.name, question.deadline, &user, why),
		&user, why);
}

/* The id is an account's, or a user's own of some certificate, also of one that was replaced. */
static enum fault account_of(struct exchange *exchange, struct member_id *ret_account, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate stored = {0};

	enum fault fault = store_certificate_of_user(exchange->server->home->store, &exchange->match.id,
						     &stored, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_account = fault ? exchange->match.id : stored.account;
	return FAULT_NONE;
}

enum fault handle_user(struct exchange *exchange, struct why *why)
{
	AUTO(question_end) struct question question = question_begin(exchange->server->membership);
	struct member_id account;
	struct directory_user user;

	enum fault fault = users_check_caller(exchange, &question, why);
	if (!fault)
		fault = account_of(exchange, &account, why);
	if (fault)
		return fault;
	return answer(exchange,
		      directory_find_user_by_id(question.directory, &account, question.deadline, &user, why),
		      &user, why);
}
