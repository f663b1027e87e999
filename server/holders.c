#include "server/holders.h"

#include <string.h>
#include <sys/stat.h>

#include "server/import.h"

void holders_done(struct holders *holders)
{
	dealing_done(&holders->dealing);
	identity_free(holders->root);
	stores_done(&holders->stores);
}

/* -- who ------------------------------------------------------------------------------------- */

enum fault holders_open(const struct call *call, struct holders *holders, struct why *why)
{
	enum fault fault = stores_add(&holders->stores, call->arguments[0], NULL, why);

	if (!fault)
		fault = home_root(holders->stores.homes[0], call->options->root_key, &holders->root, why);
	if (fault)
		return fault;
	holders->dealing.home = holders->stores.homes[0];
	holders->dealing.root = holders->root;
	holders->dealing.parcels = call->options->parcels;
	return FAULT_NONE;
}

enum fault holders_add_home(struct holders *holders, const char *path, struct home **ret_home,
			    struct why *why)
{
	return stores_add(&holders->stores, path, ret_home, why);
}

struct home *holders_home_of(const struct holders *holders, const struct member_id *server)
{
	for (size_t i = 0; i < holders->stores.count; i++)
		if (member_id_equal(&identity_public(holders->stores.homes[i]->identity)->id, server))
			return holders->stores.homes[i];
	return NULL;
}

static const struct public_identity *server_named(const struct organisation *organisation, const char *name)
{
	for (size_t i = 0; i < organisation->server_count; i++)
		if (!strcmp(organisation->servers[i].name, name))
			return &organisation->servers[i];
	return NULL;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static enum fault add_server(struct holders *holders, const char *word, struct why *why)
{
	const struct organisation *organisation = &holders->dealing.home->organisation;
	unsigned index = (unsigned)holders->dealing.holder_count + 1;
	const struct public_identity *public;
	struct home *home = NULL;
	enum fault fault;

	if (is_directory(word)) {
		fault = stores_add(&holders->stores, word, &home, why);
		if (fault)
			return fault;
		public = identity_public(home->identity);
		if (!organisation_server(organisation, &public->id))
			return why_set(why, FAULT_IDENTITY,
				       "the server in '%s' is not in the organisation's list", word);
	} else if (!(public = server_named(organisation, word))) {
		return why_set(why, FAULT_MISSING, "'%s' is neither a directory nor a server of '%s'", word,
			       organisation->root.name);
	}
	return dealing_add_holder(&holders->dealing, public, index, home, why);
}

enum fault holders_of_options(const struct call *call, struct holders *holders, struct why *why)
{
	const struct option_list *servers = &call->options->server;
	enum fault fault = FAULT_NONE;

	if (!servers->count)
		return add_server(holders, call->arguments[0], why);
	for (size_t i = 0; !fault && i < servers->count; i++)
		fault = add_server(holders, servers->words[i], why);
	return fault;
}

enum fault holders_threshold(const struct call *call, struct holders *holders, struct why *why)
{
	unsigned threshold = call->options->threshold;
	size_t count = holders->dealing.holder_count;

	if (!threshold && count > 1)
		return why_set(why, FAULT_USAGE, "--threshold T says how many of the %zu it takes", count);
	if (threshold > count)
		return why_set(why, FAULT_USAGE, "there are %zu, fewer than the threshold of %u", count,
			       threshold);
	holders->dealing.threshold = threshold ? threshold : 1;
	return FAULT_NONE;
}

/* -- delivering --------------------------------------------------------------------------------- */

struct delivery {
	const struct parcel *parcel;
	const struct change *after;
};

static enum fault take_in(struct home *home, size_t at, void *context, struct why *why)
{
	const struct delivery *delivery = context;
	enum fault fault = import_parcel(home, delivery->parcel, why);

	if (fault || !delivery->after->work)
		return fault;
	return delivery->after->work(home, at, delivery->after->context, why);
}

/* The parcel of this server, or (without the share, into `plain`) of any other: whoever has no share gets to
 * know the group. The documents stay those of the first. */
static const struct parcel *parcel_for(const struct holders *holders, const struct dealt *dealt,
				       const struct home *home, struct parcel *plain)
{
	const struct member_id *id = &identity_public(home->identity)->id;

	for (size_t i = 0; i < dealt->count; i++)
		if (member_id_equal(&holders->dealing.holders[i].public.id, id))
			return &dealt->parcels[i];
	*plain = dealt->parcels[0];
	plain->holder = (struct member_id){{0}};
	return plain;
}

struct tally {
	size_t done, all;
	enum fault first;
	struct why words;
};

static void count(struct tally *tally, enum fault fault, const struct why *words)
{
	tally->all++;
	tally->done += !fault;
	if (!fault || tally->first)
		return;
	tally->first = fault;
	tally->words = *words;
}

static void bring(const struct call *call, const struct holders *holders, const struct dealt *dealt,
		  size_t at, const struct change *after, struct tally *tally)
{
	struct home *home = holders->stores.homes[at];
	struct parcel plain;
	struct delivery delivery = {.parcel = parcel_for(holders, dealt, home, &plain), .after = after};
	const struct change change = {.work = take_in, .context = &delivery, .detail = after->detail};
	struct why words = WHY_NONE;
	enum fault fault = stores_change_one(home, at, &change, &words);

	if (fault && holders->stores.count > 1)
		call_say(call, "Server '%s' in '%s' did not get the change: %s", home->config->name,
			 home->path, why_text(&words, fault));
	count(tally, fault, &words);
}

static void write_file(const struct call *call, const struct holders *holders, const struct dealt *dealt,
		       size_t at, struct tally *tally)
{
	AUTO(free) char *path = NULL;
	struct why words = WHY_NONE;
	enum fault fault = dealing_write_file(&holders->dealing, dealt, at, &path, &words);

	if (!fault)
		call_say(call, "For '%s': '%s'", holders->dealing.holders[at].public.name, path);
	count(tally, fault, &words);
}

enum fault holders_deliver(const struct call *call, struct holders *holders, const struct dealt *dealt,
			   const struct change *after, struct why *why)
{
	struct tally tally = {.words = WHY_NONE};

	for (size_t i = 0; i < dealt->count; i++)
		if (!holders->dealing.holders[i].home)
			write_file(call, holders, dealt, i, &tally);
	if (tally.first)
		return why_set(why, tally.first, "%s", why_text(&tally.words, tally.first));
	for (size_t i = 0; i < holders->stores.count; i++)
		bring(call, holders, dealt, i, after, &tally);
	if (tally.first && tally.done)
		return why_set(why, FAULT_PARTIAL, "%zu of %zu have the change: %s", tally.done, tally.all,
			       why_text(&tally.words, tally.first));
	return tally.first ? why_set(why, tally.first, "%s", why_text(&tally.words, tally.first))
			   : FAULT_NONE;
}
