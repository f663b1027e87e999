/* server/users.h - users as the directory knows them, with the keys that are known here.
 */
#ifndef FSENC_SERVER_USERS_H
#define FSENC_SERVER_USERS_H

#include "server/exchange.h"
#include "server/membership.h"

/* Is the caller still a user of the directory, and enabled? Refuses with `denied`, `disabled` or
 * `directory-unavailable` otherwise. */
MUST_CHECK enum fault users_check_caller(struct exchange *exchange, const struct question *question,
					 struct why *why);
/* The account's active certificate, or NULL. */
MUST_CHECK enum fault users_certificate(struct store *store, const struct member_id *account,
					struct certificate **ret_certificate, struct why *why);

#endif
