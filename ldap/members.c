#include "ldap/members.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ldap/dn.h"
#include "ldap/group.h"
#include "ldap/listing.h"
#include "ldap/person.h"
#include "ldap/search.h"

#define NAMES_AT_ONCE 64
#define ENTRY_ATTRIBUTES_MAX (PERSON_ATTRIBUTES_MAX + GROUP_ATTRIBUTES_MAX)

void members_done(struct members *members)
{
	for (size_t i = 0; i < members->user_count; i++) {
		free(members->users[i].name);
		free(members->users[i].dn);
	}
	for (size_t i = 0; i < members->group_count; i++) {
		free(members->groups[i].name);
		free(members->groups[i].dn);
	}
	free(members->users);
	free(members->groups);
	id_set_done(&members->seen);
	*members = MEMBERS_EMPTY;
}

/* The group whose list is being read is members->groups[group]. */
struct walk {
	struct conn *conn;
	const struct ldap_settings *settings;
	int64_t deadline;
	struct members *members;
	size_t group;
	char *const *names; /* that the search under way looks for */
	size_t name_count;
};

/* -- keeping ----------------------------------------------------------------------- */

static void *room_for(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	size_t larger = *room ? 2 * *room : 64;
	void *more = reallocarray(array, larger, size);
	if (more)
		*room = larger;
	return more;
}

static enum directory_reason keep_group(struct walk *walk, const struct group_entry *group, unsigned level,
					struct why *why)
{
	struct members *members = walk->members;
	bool new = false;

	if (!id_set_add(&members->seen, &group->id, &new))
		return reason_no_memory(why);
	if (!new)
		return DIRECTORY_REASON_NONE;
	if (level > walk->settings->nesting_level)
		return reason_set(why, DIRECTORY_REASON_TOO_DEEP,
				  "'%.200s' is nested more than %u levels deep (ldap_group_nesting_level)",
				  group->dn, walk->settings->nesting_level);
	void *groups = room_for(members->groups, members->group_count, &members->group_room,
				sizeof *members->groups);
	char *name = strdup(group->name);
	char *dn = strdup(group->dn);
	if (groups)
		members->groups = groups;
	if (!groups || !name || !dn) {
		free(name);
		free(dn);
		return reason_no_memory(why);
	}
	members->groups[members->group_count++] = (struct members_group){
		.id = group->id, .name = name, .dn = dn, .level = level, .above = walk->group};
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason keep_user(struct walk *walk, struct person *person, struct why *why)
{
	struct members *members = walk->members;
	bool new = false;

	if (!id_set_add(&members->seen, &person->user.id, &new))
		return reason_no_memory(why);
	if (!new)
		return DIRECTORY_REASON_NONE;
	if (members->user_count == MEMBERS_MAX)
		return reason_set(why, DIRECTORY_REASON_LIMITED, "the group has more than %d members",
				  MEMBERS_MAX);
	void *users = room_for(members->users, members->user_count, &members->user_room,
			       sizeof *members->users);
	char *name = strdup(person->user.name);
	if (users)
		members->users = users;
	if (!users || !name) {
		free(name);
		return reason_no_memory(why);
	}
	members->users[members->user_count++] = (struct members_user){.id = person->user.id,
								      .name = name,
								      .dn = TAKE(person->dn),
								      .off = person->user.off,
								      .group = walk->group};
	return DIRECTORY_REASON_NONE;
}

/* -- entries ----------------------------------------------------------------------- */

static enum directory_reason take_user(struct walk *walk, const struct entry *entry, struct why *why)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	enum directory_reason reason = person_read(walk->settings, entry, &person, why);

	return reason ? reason : keep_user(walk, &person, why);
}

static enum directory_reason take_group(struct walk *walk, const struct entry *entry, struct why *why)
{
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;
	bool counts = false;
	enum directory_reason reason = group_counts(walk->settings, entry, &counts, why);

	if (reason || !counts || walk->settings->nesting_level == 0)
		return reason;
	reason = group_read(walk->settings, entry, &group, why);
	return reason ? reason : keep_group(walk, &group, walk->members->groups[walk->group].level + 1, why);
}

/* The filter lets users and groups through only. A user from outside the search base is nobody to us anywhere
 * else. */
static enum directory_reason take_dn(void *context, size_t place, const struct entry *entry, struct why *why)
{
	struct walk *walk = context;

	(void)place;
	if (!entry)
		return DIRECTORY_REASON_NONE;
	if (entry_has_one_of(entry, "objectClass", walk->settings->group_classes))
		return take_group(walk, entry, why);
	return dn_is_under(entry->dn, walk->settings->users.dn) ? take_user(walk, entry, why)
								: DIRECTORY_REASON_NONE;
}

/* A server may find names without regard to case; membership by name goes by the very letters. */
static enum directory_reason take_named(void *context, const struct entry *entry, struct why *why)
{
	struct walk *walk = context;
	const struct entry_attribute *names = entry_find(entry, walk->settings->user_name);

	for (size_t i = 0; names && i < names->count; i++)
		for (size_t j = 0; j < walk->name_count; j++)
			if (strlen(walk->names[j]) == names->values[i].bv_len &&
			    !memcmp(walk->names[j], names->values[i].bv_val, names->values[i].bv_len))
				return take_user(walk, entry, why);
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason take_any_user(void *context, const struct entry *entry, struct why *why)
{
	return take_user(context, entry, why);
}

/* -- searches ---------------------------------------------------------------------- */

static bool has_name(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcasecmp(*names, name))
			return true;
	return false;
}

/* No name twice (RFC 4511, 4.5.1.8), which is why the list ends with NULL all the while. */
static void attributes_of_both(const struct ldap_settings *settings,
			       const char *attributes[static ENTRY_ATTRIBUTES_MAX])
{
	const char *of_groups[GROUP_ATTRIBUTES_MAX];
	size_t count = 0;
	size_t of_group_count = group_attributes(settings, of_groups);

	memset(attributes, 0, ENTRY_ATTRIBUTES_MAX * sizeof *attributes);
	person_attributes(settings, attributes);
	while (attributes[count])
		count++;
	for (size_t i = 0; i < of_group_count; i++)
		if (!has_name(attributes, of_groups[i]))
			attributes[count++] = of_groups[i];
	attributes[count] = NULL;
}

static enum directory_reason expand_dns(struct walk *walk, const struct listing_texts *dns, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	const char *attributes[ENTRY_ATTRIBUTES_MAX];

	attributes_of_both(walk->settings, attributes);
	filter_open(&filter, FILTER_OR);
	group_filter_classes(walk->settings, &filter);
	filter_open(&filter, FILTER_AND);
	person_filter(walk->settings, &filter);
	filter_close(&filter);
	filter_close(&filter);
	return search_read_all(walk->conn, dns->texts, dns->count, filter_text(&filter), attributes,
			       walk->deadline, take_dn, walk, why);
}

static enum directory_reason search_users(struct walk *walk, const struct filter *filter, search_entry *each,
					  struct why *why)
{
	const char *attributes[PERSON_ATTRIBUTES_MAX];
	const struct search search = {.base = walk->settings->users.dn,
				      .scope = walk->settings->users.scope,
				      .filter = filter_text(filter),
				      .attributes = attributes,
				      .may_be_long = true};

	person_attributes(walk->settings, attributes);
	return search_run(walk->conn, &search, walk->deadline, each, walk, why);
}

static enum directory_reason expand_names(struct walk *walk, const struct listing_texts *names,
					  struct why *why)
{
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	for (size_t i = 0; !reason && i < names->count; i += walk->name_count) {
		AUTO(filter_done) struct filter filter = FILTER_EMPTY;
		size_t left = names->count - i;
		walk->names = names->texts + i;
		walk->name_count = left < NAMES_AT_ONCE ? left : NAMES_AT_ONCE;
		filter_open(&filter, FILTER_AND);
		person_filter(walk->settings, &filter);
		filter_open(&filter, FILTER_OR);
		for (size_t j = 0; j < walk->name_count; j++)
			filter_equal_text(&filter, walk->settings->user_name, walk->names[j]);
		filter_close(&filter);
		filter_close(&filter);
		reason = search_users(walk, &filter, take_named, why);
	}
	return reason;
}

static enum directory_reason expand_primary(struct walk *walk, const struct sid *group, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	char rid[16];

	if (!group->size || walk->settings->schema != SCHEMA_AD)
		return DIRECTORY_REASON_NONE;
	(void)snprintf(rid, sizeof rid, "%u", sid_rid(group));
	filter_open(&filter, FILTER_AND);
	person_filter(walk->settings, &filter);
	filter_equal_text(&filter, "primaryGroupID", rid);
	filter_close(&filter);
	return search_users(walk, &filter, take_any_user, why);
}

/* -- walking ----------------------------------------------------------------------- */

static enum directory_reason expand(struct walk *walk, struct why *why)
{
	AUTO(listing_done) struct listing listing = LISTING_EMPTY;
	enum directory_reason reason = listing_read(walk->conn, walk->members->groups[walk->group].dn,
						    MEMBERS_MAX, walk->deadline, &listing, why);

	if (!reason)
		reason = expand_dns(walk, &listing.dns, why);
	if (!reason)
		reason = expand_names(walk, &listing.names, why);
	return reason ? reason : expand_primary(walk, &listing.sid, why);
}

static enum directory_reason start(struct walk *walk, const struct member_id *id, struct why *why)
{
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;
	enum directory_reason reason = group_find_by_id(walk->conn, id, walk->deadline, &group, why);

	return reason ? reason : keep_group(walk, &group, 0, why);
}

enum directory_reason members_find(struct conn *conn, const struct member_id *group, int64_t deadline,
				   struct members *ret_members, struct why *why)
{
	AUTO(members_done) struct members members = MEMBERS_EMPTY;
	struct walk walk = {
		.conn = conn, .settings = conn_settings(conn), .deadline = deadline, .members = &members};
	enum directory_reason reason = start(&walk, group, why);

	for (; !reason && walk.group < members.group_count; walk.group++)
		reason = expand(&walk, why);
	if (reason)
		return reason;
	*ret_members = members;
	members = MEMBERS_EMPTY;
	return reason;
}

/* -- telling ----------------------------------------------------------------------- */

static void describe_path(const struct members *members, const struct members_user *user,
			  char path[static DIRECTORY_TEXT_SIZE])
{
	size_t group = user->group;
	size_t at = (size_t)snprintf(path, DIRECTORY_TEXT_SIZE, "%s", user->name);

	for (;;) {
		at += (size_t)snprintf(path + at, DIRECTORY_TEXT_SIZE - at, " < %s",
				       members->groups[group].name);
		if (at >= DIRECTORY_TEXT_SIZE - 1 || members->groups[group].above == group)
			return;
		group = members->groups[group].above;
	}
}

enum fault members_tell(const struct members *members, directory_each_member *each, void *context,
			struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < members->user_count; i++) {
		const struct members_user *found = &members->users[i];
		struct directory_user user = {.id = found->id, .enabled = !found->off, .off = found->off};
		char path[DIRECTORY_TEXT_SIZE];
		const struct directory_member member = {
			.user = &user, .level = members->groups[found->group].level, .path = path};
		(void)snprintf(user.name, sizeof user.name, "%s", found->name);
		(void)snprintf(user.place, sizeof user.place, "%s", found->dn);
		describe_path(members, found, path);
		fault = each(context, &member, why);
	}
	return fault;
}
