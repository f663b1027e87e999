/* ldap/group.h - a group's entry: found by name, DN or id, exactly one. Its members are not read here.
 *
 * The administrator's filter for groups (in ldap_group_search_base) says which groups fsenc deals with;
 * groups in between, through which somebody belongs to one of those, need not fit it.
 */
#ifndef FSENC_LDAP_GROUP_H
#define FSENC_LDAP_GROUP_H

#include "ldap/conn.h"
#include "ldap/entry.h"
#include "ldap/filter.h"

#define GROUP_ATTRIBUTES_MAX 16

/* As a search finds it. */
struct group_entry {
	struct member_id id;
	char name[DIRECTORY_NAME_MAX + 1];
	char *dn;
};

#define GROUP_ENTRY_EMPTY ((struct group_entry){.dn = NULL})

void group_entry_done(struct group_entry *group);
AUTO_VALUE(struct group_entry, group_entry_done);

/* `words`: a DN if it is one and has "=", else a name. NO_GROUP, AMBIGUOUS. */
MUST_CHECK enum directory_reason group_find(struct conn *conn, const char *words, int64_t deadline,
					    struct group_entry *ret_group, struct why *why);
MUST_CHECK enum directory_reason group_find_by_id(struct conn *conn, const struct member_id *id,
						  int64_t deadline, struct group_entry *ret_group,
						  struct why *why);
void group_describe(const struct group_entry *group, struct directory_group *ret_group);

/* Does the group that lies there fit the administrator's filter? NONE or NO_GROUP. */
MUST_CHECK enum directory_reason group_check_filter(struct conn *conn, const char *dn, int64_t deadline,
						    struct why *why);

/* The attributes that group_read() wants to see; returns how many. */
size_t group_attributes(const struct ldap_settings *settings,
			const char *attributes[static GROUP_ATTRIBUTES_MAX]);
/* The classes that make an entry a group, as one part of a filter. */
void group_filter_classes(const struct ldap_settings *settings, struct filter *filter);
/* REFUSED when the entry does not show its id or name. */
MUST_CHECK enum directory_reason group_read(const struct ldap_settings *settings, const struct entry *entry,
					    struct group_entry *ret_group, struct why *why);
/* false: a distribution group of Active Directory, which counts only where settings->distribution_groups. */
MUST_CHECK enum directory_reason group_counts(const struct ldap_settings *settings, const struct entry *entry,
					      bool *ret_counts, struct why *why);

#endif
