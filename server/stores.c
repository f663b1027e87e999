#include "server/stores.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

void stores_done(struct stores *stores)
{
	for (size_t i = 0; i < stores->count; i++)
		home_close(stores->homes[i]);
	stores->count = 0;
}

/* -- opening ------------------------------------------------------------------------------ */

static struct home *opened(const struct stores *stores, const char *path)
{
	for (size_t i = 0; i < stores->count; i++)
		if (!strcmp(stores->homes[i]->path, path))
			return stores->homes[i];
	return NULL;
}

enum fault stores_add(struct stores *stores, const char *path, struct home **ret_home, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	struct home *before;
	enum fault fault = home_open(path, &home, why);

	if (fault)
		return fault;
	before = opened(stores, home->path);
	if (!before && stores->count &&
	    !fingerprint_equal(&home->fingerprint, &stores->homes[0]->fingerprint))
		return why_set(why, FAULT_IDENTITY, "the server in '%s' is of another organisation", path);
	if (!before && stores->count == sizeof stores->homes / sizeof *stores->homes)
		return why_set(why, FAULT_USAGE, "there are too many servers");
	if (!before)
		before = stores->homes[stores->count++] = TAKE(home);
	if (ret_home)
		*ret_home = before;
	return FAULT_NONE;
}

enum fault stores_open(const struct call *call, struct stores *ret_stores, struct why *why)
{
	const struct option_list *servers = &call->options->server;
	struct stores stores = {.count = 0};
	enum fault fault = stores_add(&stores, call->arguments[0], NULL, why);

	for (size_t i = 0; !fault && i < servers->count; i++)
		fault = stores_add(&stores, servers->words[i], NULL, why);
	if (fault)
		stores_done(&stores);
	else
		*ret_stores = stores;
	return fault;
}

/* -- changing ------------------------------------------------------------------------------ */

static enum fault write_audit(struct home *home, const char *detail, struct why *why)
{
	AUTO(audit_close) struct audit *audit = NULL;
	const struct passwd *login = getpwuid(getuid());
	struct audit_event event = {.action = AUDIT_ADMIN,
				    .decision = AUDIT_GRANTED,
				    .peer = "this machine",
				    .user = login ? login->pw_name : NULL,
				    .detail = detail};
	enum fault fault = audit_open(home->store, home->config->name, &audit, why);

	return fault ? fault : audit_write_inside(audit, &event, why);
}

enum fault stores_change_one(struct home *home, size_t at, const struct change *change, struct why *why)
{
	enum fault fault = change->prepare ? change->prepare(home, at, change->context, why) : FAULT_NONE;

	if (!fault)
		fault = store_transaction_begin(home->store, why);
	if (fault)
		return fault;
	fault = change->work(home, at, change->context, why);
	if (!fault)
		fault = write_audit(home, change->detail, why);
	return store_transaction_end(home->store, fault, why);
}

static enum fault result(size_t done, size_t count, enum fault first, const struct why *words,
			 struct why *why)
{
	if (!first)
		return FAULT_NONE;
	if (done)
		return why_set(why, FAULT_PARTIAL, "%zu of %zu servers have the change", done, count);
	return why_set(why, first, "%s", why_text(words, first));
}

enum fault stores_change(const struct call *call, struct stores *stores, const struct change *change,
			 struct why *why)
{
	enum fault first = FAULT_NONE;
	struct why first_words = WHY_NONE;
	size_t done = 0;

	for (size_t i = 0; i < stores->count; i++) {
		struct home *home = stores->homes[i];
		struct why words = WHY_NONE;
		enum fault fault = stores_change_one(home, i, change, &words);

		done += !fault;
		if (fault && stores->count > 1)
			call_say(call, "Server '%s' in '%s' did not get the change: %s", home->config->name,
				 home->path, why_text(&words, fault));
		if (fault && !first) {
			first = fault;
			first_words = words;
		}
	}
	return result(done, stores->count, first, &first_words, why);
}
