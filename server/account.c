#include "server/account.h"

#include <stdio.h>

#include "base/clock.h"

#define ACCOUNT_MS 10000

enum fault account_fault(enum directory_answer answer)
{
	if (answer == DIRECTORY_YES)
		return FAULT_NONE;
	return answer == DIRECTORY_NO ? FAULT_MISSING : FAULT_UNREACHABLE;
}

struct wanted {
	const char *name;
	struct account *account;
	bool found;
};

static enum fault compare(void *context, const struct stored_certificate *certificate, struct why *why)
{
	struct wanted *wanted = context;

	(void)why;
	if (strcmp(certificate->name, wanted->name) != 0)
		return FAULT_NONE;
	wanted->account->id = certificate->account;
	(void)snprintf(wanted->account->name, sizeof wanted->account->name, "%s", certificate->name);
	wanted->found = true;
	return FAULT_NONE;
}

/* `fault` and its words stand when no certificate has the name either. */
static enum fault find_enrolled(const struct home *home, const char *name, enum fault fault,
				struct account *ret_account)
{
	struct account account;
	struct wanted wanted = {.name = name, .account = &account, .found = false};

	if (store_certificates(home->store, compare, &wanted, NULL) || !wanted.found)
		return fault;
	*ret_account = account;
	return FAULT_NONE;
}

enum fault account_find(const struct home *home, const char *name, struct account *ret_account,
			struct why *why)
{
	AUTO(directory_close) struct directory *directory = NULL;
	struct directory_user user;
	enum fault fault = home_directory(home, home->config, &directory, why);

	if (fault)
		return fault;
	fault = account_fault(directory_find_user(directory, name, clock_boot_ms() + ACCOUNT_MS, &user, why));
	if (fault)
		return find_enrolled(home, name, fault, ret_account);
	ret_account->id = user.id;
	memcpy(ret_account->name, user.name, sizeof ret_account->name);
	return FAULT_NONE;
}
