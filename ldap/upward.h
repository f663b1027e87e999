/* ldap/upward.h - the groups that a user is in, looked for upwards: from the user to groups, from those to
 * theirs.
 *
 * Level 0 are the groups that list the user, level 1 those that list one of level 0, and so on, breadth
 * first, at most UPWARD_AT_ONCE DNs a search. So members of a group, however many, are never read to answer
 * for one user. Each group is looked at once, hence cycles end. Beyond settings->nesting_level the answer is
 * TOO_DEEP, unless nothing lies there; with a level of 0 nesting is off and groups of groups are not asked
 * for.
 *
 * Active Directory knows the transitive set itself: tokenGroups of the user's entry (security groups, the
 * primary group among them), or the chain rule where it is asked for. Their groups are all on level 0.
 * Otherwise the primary group is found by its SID.
 *
 *     AUTO(upward_done) struct upward upward = UPWARD_EMPTY;
 *     upward.wanted = &group_id;                       // stop when it is found; NULL: all
 *     reason = upward_find(conn, &person, deadline, &upward, why);
 *     if (!reason && upward.wanted_at != UPWARD_NONE)  // member
 *
 * One thread.
 */
#ifndef FSENC_LDAP_UPWARD_H
#define FSENC_LDAP_UPWARD_H

#include "ldap/id_set.h"
#include "ldap/person.h"

#define UPWARD_AT_ONCE 64
#define UPWARD_GROUPS_MAX 10000 /* of one user; more is LIMITED */
#define UPWARD_NONE SIZE_MAX

struct upward_group {
	struct member_id id;
	char *dn;
	char *name;
	unsigned level;
	size_t below; /* place of the group through which it was found; UPWARD_NONE: the user, or not known
			 which */
};

struct upward {
	const struct member_id *wanted;
	struct upward_group *groups;
	size_t count;
	size_t room;
	size_t wanted_at;
	struct id_set seen;
};

#define UPWARD_EMPTY ((struct upward){.wanted_at = UPWARD_NONE})

void upward_done(struct upward *upward);
AUTO_VALUE(struct upward, upward_done);

MUST_CHECK enum directory_reason upward_find(struct conn *conn, const struct person *person, int64_t deadline,
					     struct upward *upward, struct why *why);

/* "alice < auditors < finance"; "..." where several groups lead there and it was not asked which. */
void upward_path(const struct upward *upward, size_t at, const char *user,
		 char path[static DIRECTORY_TEXT_SIZE]);

#endif
