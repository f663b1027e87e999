/* keys/inquiry.h - questions of commands to the key servers: users, groups, members, escrow.
 *
 * Each is one call of keys/service.h within SERVICE_DEADLINE_MS. What comes back is checked to be an answer
 * to the question, or somebody else would be let in under the name that was asked for: users and groups have
 * the name or id asked for (capitals do not count, as in directories), certificates the account they come
 * with, and no account is named twice; else FAULT_IDENTITY. The name in a certificate may be another: an account
 * keeps its key when the directory renames it, and who lets in by name must compare. Descriptors are the
 * organisation's; certificates are the caller's to verify (keys/keyring_certified.h). A problem is the fault of
 * docs/PROTOCOL.md, "Problems", with the server's words. Any thread, one call a thread.
 */
#ifndef FSENC_KEYS_INQUIRY_H
#define FSENC_KEYS_INQUIRY_H

#include "keys/service.h"

/* By the directory's name. FAULT_MISSING: the directory has no such user. */
MUST_CHECK enum fault inquiry_user(struct service *service, const char *name, struct user_answer *ret_answer,
				   struct why *why);
/* By the user's own id, under which folders know him, or his account's. FAULT_MISSING: no such user, or no
 * account any more. The certificate may be of a later key of his account. */
MUST_CHECK enum fault inquiry_user_by_id(struct service *service, const struct member_id *id,
					 struct user_answer *ret_answer, struct why *why);
/* By name, id in hex, or the DN of a directory (whose first value is then its name). FAULT_MISSING: no group
 * with a key. */
MUST_CHECK enum fault inquiry_group(struct service *service, const struct organisation *organisation,
				    const char *words, struct group_descriptor *ret_group,
				    struct signed_object **ret_object, struct why *why);
MUST_CHECK enum fault inquiry_members(struct service *service, const struct member_id *group,
				      struct members_answer *ret_answer, struct why *why);
/* A recovery token sealed to those who may open it, kept by one server. */
MUST_CHECK enum fault inquiry_escrow(struct service *service, const struct member_id *server,
				     const struct bytes *sealed, struct why *why);

#endif
