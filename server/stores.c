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

static bool is_open(const struct stores *stores, const struct home *home)
{
	for (size_t i = 0; i < stores->count; i++)
		if (!strcmp(stores->homes[i]->path, home->path))
			return true;
	return false;
}

static enum fault add(struct stores *stores, const char *path, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	enum fault fault = home_open(path, &home, why);

	if (fault)
		return fault;
	if (is_open(stores, home))
		return FAULT_NONE;
	if (stores->count && !fingerprint_equal(&home->fingerprint, &stores->homes[0]->fingerprint))
		return why_set(why, FAULT_IDENTITY, "the server in '%s' is of another organisation", path);
	if (stores->count == sizeof stores->homes / sizeof *stores->homes)
		return why_set(why, FAULT_USAGE, "there are too many servers");
	stores->homes[stores->count++] = TAKE(home);
	return FAULT_NONE;
}

enum fault stores_open(const struct call *call, struct stores *ret_stores, struct why *why)
{
	const struct option_list *servers = &call->options->server;
	struct stores stores = {.count = 0};
	enum fault fault = add(&stores, call->arguments[0], why);

	for (size_t i = 0; !fault && i < servers->count; i++)
		fault = add(&stores, servers->words[i], why);
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

enum fault store_change_audited(struct home *home, stores_work *work, size_t at, void *context,
				const char *detail, struct why *why)
{
	enum fault fault = store_transaction_begin(home->store, why);

	if (fault)
		return fault;
	fault = work(home, at, context, why);
	if (!fault)
		fault = write_audit(home, detail, why);
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

enum fault stores_change(const struct call *call, struct stores *stores, stores_work *work, void *context,
			 const char *detail, struct why *why)
{
	enum fault first = FAULT_NONE;
	struct why first_words = WHY_NONE;
	size_t done = 0;

	for (size_t i = 0; i < stores->count; i++) {
		struct home *home = stores->homes[i];
		struct why words = WHY_NONE;
		enum fault fault = store_change_audited(home, work, i, context, detail, &words);

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
