/* server/builtin_rows.h - the rows of the builtin directory, for server/builtin*.c. */
#ifndef FSENC_SERVER_BUILTIN_ROWS_H
#define FSENC_SERVER_BUILTIN_ROWS_H

#include "server/builtin.h"
#include "server/store_parts.h"

/* FAULT_MISSING, with words. */
MUST_CHECK enum fault builtin_user_named(struct store *store, const char *name,
					 struct builtin_member *ret_user, struct why *why);
MUST_CHECK enum fault builtin_user_of(struct store *store, const struct member_id *id,
				      struct builtin_member *ret_user, struct why *why);
MUST_CHECK enum fault builtin_group_named(struct store *store, const char *name,
					  struct builtin_member *ret_group, struct why *why);
MUST_CHECK enum fault builtin_group_of(struct store *store, const struct member_id *id,
				       struct builtin_member *ret_group, struct why *why);
/* The groups that hold it directly. */
typedef enum fault builtin_each_id(void *context, const struct member_id *id, struct why *why);
MUST_CHECK enum fault builtin_groups_of(struct store *store, const struct member_id *member,
					builtin_each_id *each, void *context, struct why *why);
MUST_CHECK enum fault builtin_is_direct(struct store *store, const struct member_id *member,
					const struct member_id *group, bool *ret_is, struct why *why);
/* The direct members of one kind. */
MUST_CHECK enum fault builtin_members_of(struct store *store, const struct member_id *group,
					 enum builtin_kind kind, builtin_each *each, void *context,
					 struct why *why);
MUST_CHECK enum fault builtin_count(struct store *store, enum builtin_kind kind, uint64_t *ret_count,
				    struct why *why);

#endif
