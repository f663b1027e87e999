#include "ldap/upward.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ldap/dn.h"
#include "ldap/group.h"
#include "ldap/search.h"

#define CHAIN_RULE "1.2.840.113556.1.4.1941"

void upward_done(struct upward *upward)
{
	for (size_t i = 0; i < upward->count; i++) {
		free(upward->groups[i].dn);
		free(upward->groups[i].name);
	}
	free(upward->groups);
	id_set_done(&upward->seen);
	*upward = UPWARD_EMPTY;
}

/* One walk, and what the groups of the search under way are. */
struct walk {
	struct conn *conn;
	const struct ldap_settings *settings;
	const struct person *person;
	int64_t deadline;
	struct upward *upward;
	unsigned level;
	size_t below;
};

/* -- groups as they are found ------------------------------------------------------ */

static enum directory_reason keep(struct walk *walk, struct group_entry *group, struct why *why)
{
	struct upward *upward = walk->upward;

	if (upward->count == UPWARD_GROUPS_MAX)
		return reason_set(why, DIRECTORY_REASON_LIMITED, "'%.200s' is in more than %d groups",
				  walk->person->dn, UPWARD_GROUPS_MAX);
	if (upward->count == upward->room) {
		size_t room = upward->room ? 2 * upward->room : 16;
		struct upward_group *more = reallocarray(upward->groups, room, sizeof *more);
		if (!more)
			return reason_no_memory(why);
		upward->groups = more;
		upward->room = room;
	}
	char *name = strdup(group->name);
	if (!name)
		return reason_no_memory(why);
	if (upward->wanted && member_id_equal(upward->wanted, &group->id))
		upward->wanted_at = upward->count;
	upward->groups[upward->count++] = (struct upward_group){.id = group->id,
								.dn = TAKE(group->dn),
								.name = name,
								.level = walk->level,
								.below = walk->below};
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason take_group(void *context, const struct entry *entry, struct why *why)
{
	struct walk *walk = context;
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;
	bool counts = false;
	bool new = false;
	enum directory_reason reason = group_counts(walk->settings, entry, &counts, why);

	if (reason || !counts)
		return reason;
	reason = group_read(walk->settings, entry, &group, why);
	if (reason)
		return reason;
	if (!id_set_add(&walk->upward->seen, &group.id, &new))
		return reason_no_memory(why);
	return new ? keep(walk, &group, why) : reason;
}

static bool is_found(const struct walk *walk)
{
	return walk->upward->wanted_at != UPWARD_NONE;
}

/* -- searches ---------------------------------------------------------------------- */

static enum directory_reason run(struct walk *walk, const struct filter *filter, struct why *why)
{
	const char *attributes[GROUP_ATTRIBUTES_MAX];
	const struct search search = {.base = walk->settings->groups.dn,
				      .scope = walk->settings->groups.scope,
				      .filter = filter_text(filter),
				      .attributes = attributes,
				      .may_be_long = true};

	(void)group_attributes(walk->settings, attributes);
	return search_run(walk->conn, &search, walk->deadline, take_group, walk, why);
}

static void add_dn(const struct walk *walk, struct filter *filter, const char *dn)
{
	for (const struct member_attribute *member = walk->settings->members; member->name; member++)
		if (member->form != MEMBER_NAME)
			filter_equal_text(filter, member->name, dn);
}

static void add_names(const struct walk *walk, struct filter *filter)
{
	for (const struct member_attribute *member = walk->settings->members; member->name; member++)
		for (size_t i = 0; member->form == MEMBER_NAME && i < walk->person->name_count; i++)
			filter_equal_text(filter, member->name, walk->person->names[i]);
}

static enum directory_reason find_listing_user(struct walk *walk, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;

	filter_open(&filter, FILTER_OR);
	add_dn(walk, &filter, walk->person->dn);
	add_names(walk, &filter);
	filter_close(&filter);
	return run(walk, &filter, why);
}

static enum directory_reason find_by_sids(struct walk *walk, const struct sid *sids, size_t count,
					  struct why *why)
{
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	for (size_t i = 0; !reason && i < count;) {
		AUTO(filter_done) struct filter filter = FILTER_EMPTY;
		filter_open(&filter, FILTER_OR);
		for (size_t end = i + UPWARD_AT_ONCE; i < count && i < end; i++)
			filter_equal(&filter, "objectSid", sids[i].bytes, sids[i].size);
		filter_close(&filter);
		reason = run(walk, &filter, why);
	}
	return reason;
}

static enum directory_reason find_primary(struct walk *walk, struct why *why)
{
	const struct person *person = walk->person;

	if (!person->sid.size || !person->primary_group)
		return DIRECTORY_REASON_NONE;
	const struct sid primary = sid_sibling(&person->sid, person->primary_group);
	return find_by_sids(walk, &primary, 1, why);
}

/* -- ways that know the whole set -------------------------------------------------- */

struct tokens {
	struct sid *sids;
	size_t count;
	bool found;
};

static void tokens_done(struct tokens *tokens)
{
	free(tokens->sids);
}
AUTO_VALUE(struct tokens, tokens_done);

static enum directory_reason take_tokens(void *context, const struct entry *entry, struct why *why)
{
	const struct entry_attribute *groups = entry_find(entry, "tokenGroups");
	struct tokens *tokens = context;

	if (!groups)
		return DIRECTORY_REASON_NONE;
	tokens->found = true;
	tokens->sids = calloc(groups->count, sizeof *tokens->sids);
	if (!tokens->sids)
		return reason_no_memory(why);
	for (; tokens->count < groups->count; tokens->count++)
		if (!sid_from_value(groups->values[tokens->count].bv_val,
				    groups->values[tokens->count].bv_len, &tokens->sids[tokens->count]))
			return reason_set(why, DIRECTORY_REASON_MALFORMED,
					  "tokenGroups of '%.200s' holds what is no SID", entry->dn);
	return DIRECTORY_REASON_NONE;
}

/* A constructed attribute: shown only when the user's entry itself is the base. Everybody is in his primary
 * group at least, so none at all means that it was not shown. SIDs of other domains are found nowhere, and
 * count for nothing. */
static enum directory_reason find_tokens(struct walk *walk, struct why *why)
{
	static const char *const attributes[] = {"tokenGroups", NULL};
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	AUTO(tokens_done) struct tokens tokens = {.sids = NULL};

	filter_present(&filter, "objectClass");
	const struct search search = {.base = walk->person->dn,
				      .scope = LDAP_SCOPE_BASE,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	enum directory_reason reason = search_run(walk->conn, &search, walk->deadline, take_tokens, &tokens,
						  why);
	if (reason)
		return reason;
	if (!tokens.found)
		return reason_set(
			why, DIRECTORY_REASON_REFUSED,
			"'%.200s' shows no tokenGroups: may the account that fsenc-server binds as read it? "
			"(ldap_use_tokengroups = false does without)",
			walk->person->dn);
	return find_by_sids(walk, tokens.sids, tokens.count, why);
}

static enum directory_reason find_chain_of(struct walk *walk, const char *dn, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;

	filter_rule(&filter, "member", CHAIN_RULE, dn);
	return run(walk, &filter, why);
}

/* The primary group lists nobody, so its own chain is asked for too. */
static enum directory_reason find_chain(struct walk *walk, struct why *why)
{
	enum directory_reason reason = find_primary(walk, why);
	size_t primary = walk->upward->count;

	for (size_t i = 0; !reason && i < primary; i++)
		reason = find_chain_of(walk, walk->upward->groups[i].dn, why);
	return reason ? reason : find_chain_of(walk, walk->person->dn, why);
}

/* -- breadth first ----------------------------------------------------------------- */

static enum directory_reason take_member_of(void *context, size_t place, const struct entry *entry,
					    struct why *why)
{
	(void)place;
	return entry ? take_group(context, entry, why) : DIRECTORY_REASON_NONE;
}

/* Only where the administrator said that memberOf is kept by the server: else whoever may write users could
 * write himself into groups. */
static enum directory_reason find_member_of(struct walk *walk, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	AUTO(free) char **dns = NULL;
	const char *attributes[GROUP_ATTRIBUTES_MAX];
	size_t count = 0;
	size_t under = 0;

	for (char **dn = walk->person->member_of; *dn; dn++)
		count++;
	dns = calloc(count + 1, sizeof *dns);
	if (!dns)
		return reason_no_memory(why);
	for (char **dn = walk->person->member_of; *dn; dn++)
		if (dn_is_under(*dn, walk->settings->groups.dn))
			dns[under++] = *dn;
	(void)group_attributes(walk->settings, attributes);
	group_filter_classes(walk->settings, &filter);
	return search_read_all(walk->conn, dns, under, filter_text(&filter), attributes, walk->deadline,
			       take_member_of, walk, why);
}

static enum directory_reason find_direct(struct walk *walk, struct why *why)
{
	enum directory_reason reason = walk->settings->use_member_of ? find_member_of(walk, why)
								     : find_listing_user(walk, why);

	return reason ? reason : find_primary(walk, why);
}

/* Groups that list one of groups[first..end). */
static enum directory_reason find_above(struct walk *walk, size_t first, size_t end, struct why *why)
{
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	while (!reason && first < end && !is_found(walk)) {
		AUTO(filter_done) struct filter filter = FILTER_EMPTY;
		size_t until = end - first > UPWARD_AT_ONCE ? first + UPWARD_AT_ONCE : end;
		walk->below = until - first == 1 ? first : UPWARD_NONE;
		filter_open(&filter, FILTER_OR);
		for (; first < until; first++)
			add_dn(walk, &filter, walk->upward->groups[first].dn);
		filter_close(&filter);
		reason = run(walk, &filter, why);
	}
	return reason;
}

/* Groups can list groups only where an attribute holds DNs. */
static bool groups_can_nest(const struct ldap_settings *settings)
{
	for (const struct member_attribute *member = settings->members; member->name; member++)
		if (member->form != MEMBER_NAME)
			return settings->nesting_level > 0;
	return false;
}

static enum directory_reason too_deep(const struct walk *walk, struct why *why)
{
	enum directory_reason reason = reason_set(
		why, DIRECTORY_REASON_TOO_DEEP,
		"groups of '%.200s' are nested more than %u levels deep (ldap_group_nesting_level)",
		walk->person->dn, walk->settings->nesting_level);

	if (why)
		log_warning("%s", why->text);
	return reason;
}

/* One search more than there are levels: what it finds new lies too deep. */
static enum directory_reason climb(struct walk *walk, struct why *why)
{
	struct upward *upward = walk->upward;
	size_t first = 0;

	for (walk->level = 1; first < upward->count && !is_found(walk); walk->level++) {
		size_t end = upward->count;
		enum directory_reason reason = find_above(walk, first, end, why);
		if (reason)
			return reason;
		if (walk->level > walk->settings->nesting_level && upward->count > end)
			return too_deep(walk, why);
		first = end;
	}
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason find_all(struct walk *walk, struct why *why)
{
	if (walk->settings->use_chain_rule)
		return find_chain(walk, why);
	if (walk->settings->use_token_groups && !walk->settings->distribution_groups)
		return find_tokens(walk, why);
	enum directory_reason reason = find_direct(walk, why);
	if (reason || is_found(walk) || !groups_can_nest(walk->settings))
		return reason;
	return climb(walk, why);
}

enum directory_reason upward_find(struct conn *conn, const struct person *person, int64_t deadline,
				  struct upward *upward, struct why *why)
{
	struct walk walk = {.conn = conn,
			    .settings = conn_settings(conn),
			    .person = person,
			    .deadline = deadline,
			    .upward = upward,
			    .below = UPWARD_NONE};
	enum directory_reason reason = find_all(&walk, why);

	if (!reason && is_found(&walk))
		reason = group_check_filter(conn, upward->groups[upward->wanted_at].dn, deadline, why);
	return reason;
}

/* -- path -------------------------------------------------------------------------- */

static void append(char path[static DIRECTORY_TEXT_SIZE], const char *name)
{
	size_t at = strlen(path);

	(void)snprintf(path + at, DIRECTORY_TEXT_SIZE - at, " < %s", name);
}

void upward_path(const struct upward *upward, size_t at, const char *user,
		 char path[static DIRECTORY_TEXT_SIZE])
{
	size_t chain[UPWARD_AT_ONCE];
	size_t count = 0;
	const struct upward_group *group = &upward->groups[at];

	assert(at < upward->count);
	chain[count++] = at;
	while (group->below != UPWARD_NONE && count < UPWARD_AT_ONCE) {
		chain[count++] = group->below;
		group = &upward->groups[group->below];
	}
	(void)snprintf(path, DIRECTORY_TEXT_SIZE, "%s", user);
	if (group->level > 0)
		append(path, "...");
	while (count-- > 0)
		append(path, upward->groups[chain[count]].name);
}
