/* ldap/members.h - everybody in a group, looked for downwards, each once and by the shortest path.
 *
 * For people who want to see a list ("members --expand"), not for unlocking: that asks upwards
 * (ldap/upward.h). A group is read with its members in parts (ranges) where the server sends parts; members
 * that are DNs are read several at a time, names are looked for many a filter and compared exactly, those
 * whose primary group it is are searched for. What is neither user nor group (a foreign security principal, a
 * device, a name that leads nowhere) is left out. The list is whole or there is none; groups nested deeper
 * than settings->nesting_level make it TOO_DEEP.
 *
 * Memory: some 200 bytes a member, and at most MEMBERS_MAX of them.
 */
#ifndef FSENC_LDAP_MEMBERS_H
#define FSENC_LDAP_MEMBERS_H

#include "ldap/conn.h"
#include "ldap/id_set.h"
#include "ldap/sid.h"

#define MEMBERS_MAX 200000

struct members_user {
	struct member_id id;
	char *name;
	char *dn;
	enum directory_reason off;
	size_t group; /* the one that lists him */
};

struct members_group {
	struct member_id id;
	char *name;
	char *dn;
	unsigned level;
	size_t above; /* the group that lists it; itself: the first */
};

struct members {
	struct members_user *users;
	size_t user_count;
	size_t user_room;
	struct members_group *groups;
	size_t group_count;
	size_t group_room;
	struct id_set seen;
};

#define MEMBERS_EMPTY ((struct members){.users = NULL})

void members_done(struct members *members);
AUTO_VALUE(struct members, members_done);

MUST_CHECK enum directory_reason members_find(struct conn *conn, const struct member_id *group,
					      int64_t deadline, struct members *ret_members, struct why *why);

/* Tells of each; a fault of `each` ends it and is returned. */
MUST_CHECK enum fault members_tell(const struct members *members, directory_each_member *each, void *context,
				   struct why *why);

#endif
