/* server/builtin.h - users and groups in the server's own store: the directory of who has none.
 *
 * One kind of struct directory (ldap/directory.h). Groups may hold groups; a cycle ends, each group is
 * visited once, the shortest path is told. It answers from the store at once, so it knows no cache, no
 * time-out and no passwords: people enrol with a code. Unknown means here that the store failed.
 *
 * The ids are hash("builtin-id", organisation || kind || le32 n || name), n counting how often the name was
 * given: servers of one organisation that are told the same names agree on ids without talking, and a
 * name given again is somebody else. Changes are transactions (server/store.h). Any thread.
 */
#ifndef FSENC_SERVER_BUILTIN_H
#define FSENC_SERVER_BUILTIN_H

#include "ldap/directory.h"
#include "server/store.h"

/* The store must outlive it. */
MUST_CHECK enum fault builtin_open(struct store *store, struct directory **ret_directory, struct why *why);

/* -- changes, for administrators -------------------------------------------------------------- */

/* FAULT_EXISTS when the name is taken; FAULT_INVALID when it can be no name. */
MUST_CHECK enum fault builtin_add_user(struct store *store, const struct organisation_id *organisation,
				       const char *name, struct member_id *ret_id, struct why *why);
MUST_CHECK enum fault builtin_add_group(struct store *store, const struct organisation_id *organisation,
					const char *name, struct member_id *ret_id, struct why *why);
/* The group that another server of the organisation has under this id and name. The same again changes
 * nothing; FAULT_EXISTS when the name or the id is another's. */
MUST_CHECK enum fault builtin_adopt_group(struct store *store, const struct member_id *id, const char *name,
					  struct why *why);
/* With all its memberships. FAULT_MISSING. A group that gets its name later has another id. */
MUST_CHECK enum fault builtin_remove_group(struct store *store, const struct member_id *id, struct why *why);
MUST_CHECK enum fault builtin_enable_user(struct store *store, const struct member_id *user, bool enabled,
					  struct why *why);

enum builtin_kind { BUILTIN_USER = 1, BUILTIN_GROUP };
struct builtin_member {
	enum builtin_kind kind;
	struct member_id id;
	char name[DISPLAY_NAME_MAX + 1];
	bool enabled; /* of a user */
};
MUST_CHECK enum fault builtin_find_group(struct store *store, const char *name,
					 struct builtin_member *ret_group, struct why *why);
/* A user of that name, else a group. FAULT_MISSING. */
MUST_CHECK enum fault builtin_find_member(struct store *store, const char *name,
					  struct builtin_member *ret_member, struct why *why);
/* FAULT_EXISTS when it is one already; FAULT_INVALID for a group in itself. */
MUST_CHECK enum fault builtin_add_member(struct store *store, const struct member_id *group,
					 const struct builtin_member *member, struct why *why);
/* FAULT_MISSING when it is none. */
MUST_CHECK enum fault builtin_remove_member(struct store *store, const struct member_id *group,
					    const struct member_id *member, struct why *why);

/* By name; `member` until `each` returns. */
typedef enum fault builtin_each(void *context, const struct builtin_member *member, struct why *why);
MUST_CHECK enum fault builtin_users(struct store *store, builtin_each *each, void *context, struct why *why);
/* The direct members of a group: groups, then users. */
MUST_CHECK enum fault builtin_members(struct store *store, const struct member_id *group, builtin_each *each,
				      void *context, struct why *why);

#endif
