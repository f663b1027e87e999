#include "ldap/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ldap/bind.h"
#include "ldap/connect.h"
#include "ldap/deadline.h"
#include "ldap/group.h"
#include "ldap/search.h"
#include "ldap/upward.h"

#define FOUND_ROOM 1024

struct telling {
	directory_each_step *each;
	void *context;
};

static void tell(const struct telling *telling, const char *name, const char *found, bool good,
		 int64_t took_ms)
{
	const struct directory_step step = {.name = name, .found = found, .good = good, .took_ms = took_ms};

	telling->each(telling->context, &step);
}

static void tell_step(void *context, const char *name, const char *found, int64_t took_ms)
{
	tell(context, name, found, true, took_ms);
}

static enum directory_reason tell_failure(const struct telling *telling, enum directory_reason reason,
					  const char *name, const struct why *words, int64_t started,
					  struct why *why)
{
	tell(telling, name, words->text, false, clock_boot_ms() - started);
	return reason_set(why, reason, "%s", words->text);
}

/* -- warnings ---------------------------------------------------------------------- */

/* dynlist and its like fill "member" in; without them a groupOfURLs has nothing but the URL. */
static enum directory_reason take_dynamic(void *context, const struct entry *entry, struct why *why)
{
	const struct telling *telling = context;
	char found[FOUND_ROOM];

	(void)why;
	if (entry_find(entry, "member"))
		return DIRECTORY_REASON_NONE;
	(void)snprintf(
		found, sizeof found,
		"'%.400s' is a dynamic group (memberURL) and the server does not say who is in it: nobody is",
		entry->dn);
	tell(telling, "warning", found, false, -1);
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason warn_of_dynamic_groups(struct conn *conn, int64_t deadline,
						    struct telling *telling, struct why *why)
{
	static const char *const attributes[] = {"memberURL", "member", NULL};
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;

	filter_open(&filter, FILTER_AND);
	filter_equal_text(&filter, "objectClass", "groupOfURLs");
	filter_present(&filter, "memberURL");
	filter_close(&filter);
	const struct search search = {.base = conn_settings(conn)->groups.dn,
				      .scope = conn_settings(conn)->groups.scope,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	struct why words = WHY_NONE;
	enum directory_reason reason = search_run(conn, &search, deadline, take_dynamic, telling, &words);
	if (reason != DIRECTORY_REASON_LIMITED)
		return reason ? reason_set(why, reason, "%s", words.text) : reason;
	tell(telling, "warning", "there are more dynamic groups (groupOfURLs) than the server shows at once",
	     false, -1);
	return DIRECTORY_REASON_NONE;
}

/* -- the user ---------------------------------------------------------------------- */

static void tell_user(const struct telling *telling, const struct person *person, int64_t started)
{
	char id[ID_TEXT_SIZE];
	char found[FOUND_ROOM];

	member_id_text(&person->user.id, id);
	(void)snprintf(found, sizeof found, "%s, id %s, %s", person->user.place, id,
		       person->user.off ? directory_reason_words(person->user.off) : "enabled");
	tell(telling, "user", found, person->user.enabled, clock_boot_ms() - started);
}

static unsigned tell_level(const struct telling *telling, const struct upward *upward, unsigned level,
			   int64_t took_ms)
{
	char name[64];
	char found[FOUND_ROOM] = "";
	size_t at = 0;
	unsigned on_level = 0;

	for (size_t i = 0; i < upward->count; i++) {
		if (upward->groups[i].level != level)
			continue;
		if (at < sizeof found)
			at += (size_t)snprintf(found + at, sizeof found - at, "%s%s", on_level ? ", " : "",
					       upward->groups[i].name);
		on_level++;
	}
	(void)snprintf(name, sizeof name, "groups, level %u", level);
	if (on_level || level == 0)
		tell(telling, name, on_level ? found : "none", true, took_ms);
	return on_level;
}

static enum directory_reason describe_user(struct conn *conn, const char *user_name, int64_t deadline,
					   const struct telling *telling, struct why *why)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	AUTO(upward_done) struct upward upward = UPWARD_EMPTY;
	struct why words = WHY_NONE;
	int64_t started = clock_boot_ms();
	enum directory_reason reason = person_find(conn, user_name, deadline, &person, &words);

	if (reason)
		return tell_failure(telling, reason, "user", &words, started, why);
	tell_user(telling, &person, started);
	started = clock_boot_ms();
	reason = upward_find(conn, &person, deadline, &upward, &words);
	int64_t took_ms = clock_boot_ms() - started;
	for (unsigned level = 0; tell_level(telling, &upward, level, level ? -1 : took_ms) > 0; level++)
		;
	return reason ? tell_failure(telling, reason, "groups", &words, started, why) : reason;
}

/* -- all --------------------------------------------------------------------------- */

static void tell_identity(struct conn *conn, int64_t deadline, const struct telling *telling)
{
	char name[FOUND_ROOM];
	struct why words = WHY_NONE;
	int64_t started = clock_boot_ms();
	enum directory_reason reason = bind_who_am_i(conn, deadline, name, sizeof name, &words);

	tell(telling, "bound as", reason ? words.text : name, !reason, clock_boot_ms() - started);
}

static enum directory_reason connect_and_tell(const struct ldap_settings *settings, size_t server,
					      int64_t deadline, struct telling *telling,
					      struct conn **ret_conn, struct why *why)
{
	const struct connect_steps steps = {.step = tell_step, .context = telling};
	struct root_dse root;
	struct why words = WHY_NONE;
	int64_t started = clock_boot_ms();
	int64_t share = deadline_share(deadline, (unsigned)(settings->server_count - server));
	enum directory_reason reason = connect_as_service(settings, &settings->servers[server], share, &steps,
							  ret_conn, &root, &words);

	return reason ? tell_failure(telling, reason, "connect", &words, started, why) : reason;
}

enum directory_reason describe(const struct ldap_settings *settings, const char *user_name, int64_t deadline,
			       directory_each_step *each, void *context, struct why *why)
{
	struct telling telling = {.each = each, .context = context};
	AUTO(conn_close) struct conn *conn = NULL;
	enum directory_reason reason = DIRECTORY_REASON_UNREACHABLE;

	for (size_t server = 0; server < settings->server_count; server++) {
		struct conn *other = NULL;
		reason = connect_and_tell(settings, server, deadline, &telling, conn ? &other : &conn, why);
		if (!reason && !conn_is_spoiled(other ? other : conn))
			tell_identity(other ? other : conn, deadline, &telling);
		conn_close(other);
	}
	if (!conn)
		return reason;
	reason = warn_of_dynamic_groups(conn, deadline, &telling, why);
	if (!reason && user_name)
		reason = describe_user(conn, user_name, deadline, &telling, why);
	return reason;
}
