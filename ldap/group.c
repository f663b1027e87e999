#include "ldap/group.h"

#include <stdio.h>
#include <string.h>

#include "ldap/dn.h"
#include "ldap/search.h"
#include "ldap/uuid.h"

#define GROUP_TYPE_SECURITY INT64_C(0x80000000)

void group_entry_done(struct group_entry *group)
{
	free(group->dn);
	*group = GROUP_ENTRY_EMPTY;
}

/* -- reading ----------------------------------------------------------------------- */

size_t group_attributes(const struct ldap_settings *settings,
			const char *attributes[static GROUP_ATTRIBUTES_MAX])
{
	size_t count = 0;

	attributes[count++] = "objectClass";
	attributes[count++] = settings->group_name;
	attributes[count++] = settings->group_uuid;
	if (settings->schema == SCHEMA_AD)
		attributes[count++] = "groupType";
	attributes[count] = NULL;
	return count;
}

void group_filter_classes(const struct ldap_settings *settings, struct filter *filter)
{
	filter_open(filter, FILTER_OR);
	for (size_t i = 0; settings->group_classes[i]; i++)
		filter_equal_text(filter, "objectClass", settings->group_classes[i]);
	filter_close(filter);
}

enum directory_reason group_read(const struct ldap_settings *settings, const struct entry *entry,
				 struct group_entry *ret_group, struct why *why)
{
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;

	if (!entry_id(entry, settings->group_uuid, &group.id))
		return reason_set(
			why, DIRECTORY_REASON_REFUSED,
			"group '%.200s' shows no %s that can be used: may the account that fsenc-server binds as "
			"read it?",
			entry->dn, settings->group_uuid);
	/* A name is for people; the id counts. */
	if (!entry_text(entry, settings->group_name, group.name, sizeof group.name))
		(void)snprintf(group.name, sizeof group.name, "%s", entry->dn);
	group.dn = strdup(entry->dn);
	if (!group.dn)
		return reason_no_memory(why);
	*ret_group = group;
	group = GROUP_ENTRY_EMPTY;
	return DIRECTORY_REASON_NONE;
}

enum directory_reason group_counts(const struct ldap_settings *settings, const struct entry *entry,
				   bool *ret_counts, struct why *why)
{
	int64_t type = 0;
	enum directory_reason reason = entry_number(entry, "groupType", GROUP_TYPE_SECURITY, &type, why);

	if (!reason)
		*ret_counts = settings->schema != SCHEMA_AD || settings->distribution_groups ||
			      (type & GROUP_TYPE_SECURITY) != 0;
	return reason;
}

void group_describe(const struct group_entry *group, struct directory_group *ret_group)
{
	*ret_group = (struct directory_group){.id = group->id};
	strcpy(ret_group->name, group->name);
	(void)snprintf(ret_group->place, sizeof ret_group->place, "%s", group->dn);
}

/* -- finding ----------------------------------------------------------------------- */

struct finding {
	const struct ldap_settings *settings;
	struct group_entry *group;
	size_t count;
};

static enum directory_reason take(void *context, const struct entry *entry, struct why *why)
{
	struct finding *finding = context;
	bool counts = false;
	enum directory_reason reason = group_counts(finding->settings, entry, &counts, why);

	if (reason || !counts)
		return reason;
	if (finding->count++ == 0)
		return group_read(finding->settings, entry, finding->group, why);
	return reason_set(why, DIRECTORY_REASON_AMBIGUOUS, "two entries: '%.150s' and '%.150s'",
			  finding->group->dn, entry->dn);
}

/* `attribute` NULL: the entry at the base. */
static enum directory_reason find(struct conn *conn, const struct ldap_base *base, const char *attribute,
				  const void *value, size_t size, int64_t deadline,
				  struct group_entry *ret_group, struct why *why)
{
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;
	const char *attributes[GROUP_ATTRIBUTES_MAX];
	struct finding finding = {.settings = conn_settings(conn), .group = &group};

	(void)group_attributes(conn_settings(conn), attributes);
	filter_open(&filter, FILTER_AND);
	group_filter_classes(conn_settings(conn), &filter);
	filter_add(&filter, base->filter);
	if (attribute)
		filter_equal(&filter, attribute, value, size);
	filter_close(&filter);
	const struct search search = {.base = base->dn,
				      .scope = base->scope,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	enum directory_reason reason = search_run(conn, &search, deadline, take, &finding, why);
	if (!reason && finding.count == 0)
		return reason_set(why, DIRECTORY_REASON_NO_GROUP, "there is no such group under '%.200s'",
				  conn_settings(conn)->groups.dn);
	if (reason)
		return reason;
	*ret_group = group;
	group = GROUP_ENTRY_EMPTY;
	return reason;
}

/* Membership is looked for under the search base only: a group elsewhere would have no members for us. */
static enum directory_reason find_at(struct conn *conn, const char *dn, int64_t deadline,
				     struct group_entry *ret_group, struct why *why)
{
	const struct ldap_base *groups = &conn_settings(conn)->groups;
	const struct ldap_base there = {.dn = dn, .scope = LDAP_SCOPE_BASE, .filter = groups->filter};

	if (!dn_is_under(dn, groups->dn))
		return reason_set(why, DIRECTORY_REASON_NO_GROUP,
				  "it does not lie under ldap_group_search_base '%.200s'", groups->dn);
	return find(conn, &there, NULL, NULL, 0, deadline, ret_group, why);
}

enum directory_reason group_find(struct conn *conn, const char *words, int64_t deadline,
				 struct group_entry *ret_group, struct why *why)
{
	const struct ldap_settings *settings = conn_settings(conn);
	bool is_dn = strchr(words, '=') && dn_is_valid(words);
	enum directory_reason reason = is_dn ? find_at(conn, words, deadline, ret_group, why)
					     : find(conn, &settings->groups, settings->group_name, words,
						    strlen(words), deadline, ret_group, why);

	return reason_in(why, reason, "group '%.200s'", words);
}

enum directory_reason group_find_by_id(struct conn *conn, const struct member_id *id, int64_t deadline,
				       struct group_entry *ret_group, struct why *why)
{
	const struct ldap_settings *settings = conn_settings(conn);
	char value[UUID_TEXT_SIZE];
	size_t size = uuid_to_value(uuid_form_of(settings->group_uuid), id, value);

	return find(conn, &settings->groups, settings->group_uuid, value, size, deadline, ret_group, why);
}

enum directory_reason group_check_filter(struct conn *conn, const char *dn, int64_t deadline, struct why *why)
{
	AUTO(group_entry_done) struct group_entry group = GROUP_ENTRY_EMPTY;

	if (!conn_settings(conn)->groups.filter)
		return DIRECTORY_REASON_NONE;
	return find_at(conn, dn, deadline, &group, why);
}
